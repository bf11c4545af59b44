"""Example questions that the indexed library can answer, made from its records by templates: no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from rag.answering.fields.answers import answer_about_fields
from rag.answering.router import classify
from rag.browsing.facets import VALUES
from rag.browsing.records import FacetField
from rag.browsing.shelf import Shelf, title_of
from rag.browsing.words import frequent_phrases
from rag.browsing.written import Example
from rag.embedding.base import Vectors
from rag.errors import QuestionError
from rag.schema import LANGUAGES, Language
from rag.store.index import Store

# Works that a question lists at least and at most: fewer are dull, more are no list to read.
_FEWEST, _MOST = 2, 40
# Characters of the longest title that is quoted.
_TITLE_CHARS = 70
# Topics looked at, and topics and titles that are taken; and values of a field that are asked about.
_TRIED, _OFFERED, _ASKED = 40, 3, 3
# Titles in which phrases are looked for: an even sample of a larger library (docs/scale.md).
_SAMPLE = 2000

_TEMPLATES: dict[FacetField, Example] = {
    "author": {"en": "Which papers did {value} write?", "zh": "{value}写了哪些论文？"},
    "year": {"en": "What was published in {value}?", "zh": "{value}年发表了哪些论文？"},
    "venue": {"en": "Which papers appeared in {value}?", "zh": "{value}上有哪些论文？"},
}
_TOPIC: Example = {"en": "List papers about {value}", "zh": "列出关于{value}的论文"}
_TITLE: Example = {"en": "Who wrote “{value}”?", "zh": "《{value}》的作者是谁？"}
_WHOLE: Example = {"en": "What is this collection about?", "zh": "这个库是关于什么的？"}


def example_questions(store: Store, count: int) -> tuple[Example, ...]:
    """Return up to `count` questions that the records of this index answer, none if it is empty."""
    if not store.manifest.works:
        return ()
    shelf = Shelf(store)
    fields: tuple[FacetField, ...] = ("author", "venue", "year")
    kinds = [_topics(shelf), _titles(shelf), iter([_WHOLE])]
    kinds += [_of_field(shelf, field) for field in fields]
    found: list[Example] = []
    while kinds and len(found) < count:  # one of each kind, then another of each
        for kind in list(kinds):
            example = next(kind, None)
            if example is None:
                kinds.remove(kind)
            elif len(found) < count:
                found.append(example)
    return tuple(found)


def _filled(template: Example, value: str) -> Example:
    return {language: text.format(value=value) for language, text in template.items()}


def _of_field(shelf: Shelf, field: FacetField) -> Iterator[Example]:
    for value in islice(_frequent(shelf, field), _ASKED):
        example = _filled(_TEMPLATES[field], value)
        if _is_answered(shelf.store, example):
            yield example


def _frequent(shelf: Shelf, field: FacetField) -> Iterator[str]:
    """Yield the values that so many works have as a question can list, the most frequent first."""
    counts = Counter(value for work in shelf.works for value in VALUES[field](work))
    return (value for value, works in counts.most_common() if _FEWEST <= works <= _MOST)


def _titles(shelf: Shelf) -> Iterator[Example]:
    """Yield questions about authors, each language with titles of its own if there are any."""
    english, chinese = (list(islice(_titles_in(shelf, language), _OFFERED)) for language in LANGUAGES)
    for pair in zip(english or chinese, chinese or english, strict=False):
        filled = zip(LANGUAGES, pair, strict=True)
        example = {language: _TITLE[language].format(value=title) for language, title in filled}
        if _is_answered(shelf.store, example):
            yield example


def _titles_in(shelf: Shelf, language: Language) -> Iterator[str]:
    for work in shelf.works:
        title = title_of(work)
        quotable = 0 < len(title) <= _TITLE_CHARS and title.isprintable()
        if work.authors and quotable and title.isascii() == (language == "en"):
            yield title


def _is_answered(store: Store, example: Example) -> bool:
    """Return whether the records answer a question in both languages, with papers to show."""

    def no_model(text: str) -> Vectors:
        raise QuestionError(f"{text!r} was taken for a topic.")

    try:
        answers = [answer_about_fields(question, store, no_model) for question in example.values()]
    except QuestionError:
        return False
    return all(answer is not None and answer[1].citations for answer in answers)


def _topics(shelf: Shelf) -> Iterator[Example]:
    """Yield topics, each language with its own as keywords or titles name it, else with the other's."""
    named = [*_frequent(shelf, "keyword"), *phrases(shelf)]
    english, chinese = (_topics_in(shelf, named, language) for language in LANGUAGES)
    for pair in zip(english or chinese, chinese or english, strict=False):
        filled = zip(LANGUAGES, pair, strict=True)
        yield {language: _TOPIC[language].format(value=value) for language, value in filled}


def _topics_in(shelf: Shelf, named: Sequence[str], language: Language) -> list[str]:
    own = [value for value in named if value.isascii() == (language == "en")]
    return list(islice((value for value in own[:_TRIED] if _is_listed(shelf, value)), _OFFERED))


def phrases(shelf: Shelf) -> list[str]:
    """Return phrases that titles share, those first that about so many share as a question can list."""
    every = -(-len(shelf.works) // _SAMPLE)
    counted = [(p, n * every) for p, n in frequent_phrases(map(title_of, shelf.works[::every]))]
    fit = [phrase for phrase, works in counted if works <= _MOST]
    # Of a large library the sample shows none that few works have.
    return fit if every == 1 else fit + [phrase for phrase, works in reversed(counted) if works > _MOST]


def _is_listed(shelf: Shelf, topic: str) -> bool:
    """Return whether both questions are read as asking for a list, and some texts hold the words."""
    asks = [classify(template.format(value=topic)) for template in _TOPIC.values()]
    read = all(ask is not None and ask.about == topic for ask in asks)
    return read and len(shelf.store.catalog.papers_with(topic)) >= _FEWEST
