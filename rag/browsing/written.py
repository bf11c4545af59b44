"""Example questions that the language model wrote and the library answered, kept beside the index."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from rag.schema import LANGUAGES, Language

_FILE = "examples.json"
# Changes when other questions would be written, or when they are checked in another way.
_VERSION = 2
_LOG = logging.getLogger(__name__)

Example = dict[Language, str]
"""One question in both languages, or two questions, one in each."""


@dataclass(frozen=True, slots=True)
class Written:
    """The questions of one generation of an index and one language model.

    `questions` holds for each language the id of a paper and the question written from it. `tried` says from
    how many abstracts of each language a question was asked for, and `done` that no more are. Questions of an
    earlier generation are `unchecked`: the library may answer them in another way now.
    """

    generation: str
    model: str
    tried: Mapping[Language, int] = field(default_factory=dict)
    questions: Mapping[Language, Sequence[Sequence[str]]] = field(default_factory=dict)
    done: bool = False
    unchecked: bool = False

    def after(self, language: Language, paper_id: str, question: str | None) -> Written:
        """Return this after one more abstract in `language` was tried; None is no question to keep."""
        kept = self.questions.get(language, ())
        if question and not self.has(question):
            kept = (*kept, (paper_id, question))
        tried = {**self.tried, language: self.tried.get(language, 0) + 1}
        return replace(self, tried=tried, questions={**self.questions, language: kept})

    def has(self, question: str) -> bool:
        """Return whether a question is among them, in whatever case."""
        asked = {kept.casefold() for language in LANGUAGES for kept in self.of(language)}
        return question.casefold() in asked

    def only(self, keep: Callable[[str, str], bool]) -> Written:
        """Return this with those questions alone whose paper and text `keep` accepts."""
        kept = {la: [pair for pair in pairs if keep(*pair)] for la, pairs in self.questions.items()}
        return replace(self, questions=kept)

    def completed(self) -> Written:
        """Return this as one to which nothing is added."""
        return replace(self, done=True)

    def of(self, language: Language) -> tuple[str, ...]:
        """Return the questions in a language."""
        return tuple(question for _, question in self.questions.get(language, ()))


def read_written(index: Path, generation: str, model: str, has_paper: Callable[[str], object]) -> Written:
    """Return what was written for this state of the index, nothing if another model wrote it.

    Of an earlier state of the index it returns, unchecked, the questions whose paper `has_paper` still finds.
    """
    try:
        kept = json.loads((index / _FILE).read_text(encoding="utf-8"))
        if kept.pop("version") == _VERSION and kept["model"] == model:
            written = Written(**kept)
            if written.generation == generation:
                return written
            earlier = written.only(lambda paper_id, question: bool(has_paper(paper_id)))
            return Written(generation, model, questions=earlier.questions, unchecked=True)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _LOG.debug("the example questions of %s cannot be read: %s", index, error)
    return Written(generation, model)


def keep_written(index: Path, written: Written) -> None:
    """Keep the questions, at once: a reader sees the old ones or these.

    Raises:
        OSError: they cannot be written.
    """
    temporary = index / f".{_FILE}.{os.getpid()}"
    try:
        text = json.dumps({"version": _VERSION} | asdict(written), ensure_ascii=False, indent=1)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(index / _FILE)
    finally:
        temporary.unlink(missing_ok=True)


def with_written(written: Written, templates: Sequence[Example], count: int) -> tuple[Example, ...]:
    """Return up to `count` examples: those written, then those made from templates.

    A language without questions of its own gets those of the other one too, and so does one with fewer.
    """
    lists = {la: [*written.of(la), *(template[la] for template in templates)] for la in LANGUAGES}
    for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
        more = written.of(other)
        fewer = len(lists[other]) - len(lists[language]) if written.of(language) else len(more)
        lists[language] = list(dict.fromkeys([*lists[language], *more[: max(0, fewer)]]))
    pairs = zip(*(lists[language] for language in LANGUAGES), strict=False)
    return tuple(dict(zip(LANGUAGES, pair, strict=True)) for pair in pairs)[:count]
