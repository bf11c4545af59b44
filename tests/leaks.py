"""Find the questions and answers of reported data sets in the files of this repository.

Both sides are compared as normalised text: NFKC, lower case, no punctuation, single spaces. Found are

- a question of at least 15 letters and digits, or 6 Han characters;
- a gold answer, or a literal part of an answer pattern, of at least 25 letters and digits, or 10 Han
  characters;
- a shorter literal part of a pattern that holds a figure and two words ("up to 7.2");
- a figure of a gold answer or a pattern, if a name of its question stands at most 60 characters from it.

Letters and Han characters add up: half of each is enough. A figure counts if it has decimals or three digits
and is no year. A name is a Latin word of at least three letters that has a capital or a digit after its first
letter, or begins with a capital inside the question.

Not found are a paraphrase, a translation, a short answer in words, a number in words or in another unit, a
figure without a name near it, and a text that is put together at run time.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.reported import Entry, Reported

TREES = ("rag", "ui", "tests", "training", "benchmarks")

# Letters and digits, and Han characters, that a text must have; lower finds more, some by accident.
QUESTION = (15, 6)
ANSWER = (25, 10)
# Words beside the figure in a short literal part of a pattern, at least.
WORDS = 2
# Characters between a figure and a name, at most.
REACH = 60
# Characters by which a text is looked up first; a shorter text is not looked for.
_KEY = 6

_HAN = "\u3400-\u9fff"
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrt])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_PUNCTUATION = re.compile(r"(?<!\d)\.|\.(?!\d)|[^\w.]|_")
_SPACE_BY_HAN = re.compile(rf"(?<=[{_HAN}]) | (?=[{_HAN}])")
_IN_WORD = re.compile(rf"[^\W{_HAN}]{{2}}")
_FIGURE = re.compile(r"(?<![\d.])\d+(?:\.\d+)?(?![\d.]*\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
# What is not literal in a regular expression, but for white space, hyphens and escaped signs.
_SYNTAX = re.compile(
    r"\(\?<?!(?:[^()\\]|\\.)*\)"
    r"|(?P<gap>(?:\\s|[ -]|\[(?:\\s|[ -])+\])[?*+]?)"
    r"|(?:\\.|\w)(?:[?*]|\{0?,\d*\})"
    r"|\\(?P<sign>[.%+/-])"
    r"|\[(?:[^\]\\]|\\.)*\]|\\.|\(\?(?:[a-z-]+:?|[:=]|<=)|\{[\d,]*\}|[()|^$.*+?]"
)


@dataclass(frozen=True, slots=True)
class Leak:
    """What of a data set stands in a file, and in which line it begins."""

    file: str
    line: int
    dataset: str
    id: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind} of {self.dataset} {self.id}: {self.text}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A normalised text to look for; if it has names, only near one of them."""

    dataset: str
    id: str
    kind: str
    text: str
    names: frozenset[str] = frozenset()


def normalised(text: str) -> str:
    """Return a text in NFKC and lower case, without punctuation, its spaces single and none beside Han."""
    text = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).lower())
    return _SPACE_BY_HAN.sub("", " ".join(_PUNCTUATION.sub(" ", text).split()))


def is_long(text: str, least: tuple[int, int]) -> bool:
    """Return whether a normalised text has enough letters and digits, or Han characters, or both together."""
    han = len(re.findall(f"[{_HAN}]", text))
    letters = len(re.findall(r"[^\W_]", text)) - han
    return len(text) >= _KEY and letters / least[0] + han / least[1] >= 1


def literal_parts(pattern: str) -> list[str]:
    """Return what stands in a regular expression word for word, cut where it leaves a choice."""

    def plain(syntax: re.Match[str]) -> str:
        return " " if syntax["gap"] else syntax["sign"] or "\0"

    return [part for part in _SYNTAX.sub(plain, pattern).split("\0") if part.strip()]


def names_in(question: str) -> frozenset[str]:
    """Return the names in a question, in lower case."""
    words = re.finditer(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]{2,}", unicodedata.normalize("NFKC", question))
    return frozenset(
        word[0].lower()
        for word in words
        if re.search(r"(?!^)[A-Z0-9]", word[0]) or (word.start() and word[0][0].isupper())
    )


def find_leaks(datasets: Iterable[Reported], root: Path) -> list[Leak]:
    """Return what of these data sets stands in the trees below a root, outside the sets themselves."""
    sets = list(datasets)
    wanted = list(chain.from_iterable(map(wanted_of, sets)))
    texts = _grouped((one.text[:_KEY], one) for one in wanted if not one.names)
    figures = _grouped((one.text, one) for one in wanted if one.names)
    files = [file for file in _files(root) if not any(file.is_relative_to(own.path) for own in sets)]
    return [leak for file in files for leak in _leaks_in(file, root, texts, figures)]


def _leaks_in(
    file: Path,
    root: Path,
    texts: Mapping[str, Sequence[Wanted]],
    figures: Mapping[str, Sequence[Wanted]],
) -> Iterator[Leak]:
    """Yield what stands in a file, each text once and where it comes first."""
    text, starts = _joined(_source(file))
    places: dict[Wanted, int] = {}
    for one, place in chain(_texts_in(text, texts), _figures_in(text, figures)):
        places.setdefault(one, place)
    name = file.relative_to(root).as_posix()
    for one, place in places.items():
        yield Leak(name, bisect_right(starts, place), one.dataset, one.id, one.kind, one.text)


def wanted_of(dataset: Reported) -> Iterator[Wanted]:
    """Yield what to look for, each text of a question once."""
    for entry in dataset.read(dataset.path):
        gold = [normalised(text) for text in entry.gold]
        parts = [normalised(part) for pattern in entry.patterns for part in literal_parts(pattern)]
        kinds = {text: "gold answer" for text in gold if is_long(text, ANSWER)}
        kinds |= {part: "answer pattern" for part in parts if is_long(part, ANSWER) or _is_phrase(part)}
        kinds |= {text: "question" for text in map(normalised, entry.questions) if is_long(text, QUESTION)}
        for text, kind in kinds.items():
            yield Wanted(dataset.name, entry.id, kind, text)
        yield from _wanted_figures(dataset.name, entry, [*gold, *parts])


def _wanted_figures(dataset: str, entry: Entry, answers: Iterable[str]) -> Iterator[Wanted]:
    names = frozenset(chain.from_iterable(map(names_in, entry.questions)))
    figures = {figure for text in answers for figure in _FIGURE.findall(text)} if names else set()
    for figure in sorted(figures):
        if "." in figure or (len(figure) >= 3 and not _YEAR.fullmatch(figure)):
            yield Wanted(dataset, entry.id, "figure", figure, names)


def _is_phrase(part: str) -> bool:
    """Return whether a literal part of a pattern holds a figure and words beside it."""
    words = re.findall(rf"[a-z]{{2,}}|[{_HAN}]+", part)
    return len(part) >= _KEY and len(words) >= WORDS and _FIGURE.search(part) is not None


def _grouped(wanted: Iterable[tuple[str, Wanted]]) -> Mapping[str, Sequence[Wanted]]:
    found = defaultdict(list)
    for key, one in wanted:
        found[key].append(one)
    return found


def _texts_in(text: str, by_key: Mapping[str, Sequence[Wanted]]) -> Iterator[tuple[Wanted, int]]:
    """Yield each text that stands in a normalised text as whole words, and where."""
    for start in range(len(text) - _KEY + 1):
        for one in by_key.get(text[start : start + _KEY], ()):
            end = start + len(one.text)
            if text.startswith(one.text, start) and not (_in_word(text, start) or _in_word(text, end)):
                yield one, start


def _in_word(text: str, place: int) -> bool:
    """Return whether a Latin word or a number goes on at a place."""
    return place > 0 and _IN_WORD.match(text, place - 1) is not None


def _figures_in(text: str, by_figure: Mapping[str, Sequence[Wanted]]) -> Iterator[tuple[Wanted, int]]:
    """Yield each figure that stands near a name of its question, and where."""
    for figure in _FIGURE.finditer(text):
        for one in by_figure.get(figure[0], ()):
            near = text[max(figure.start() - REACH, 0) : figure.end() + REACH]
            if one.names & set(re.findall("[a-z][a-z0-9]+", near)):
                yield one, figure.start()


def _files(root: Path) -> Iterator[Path]:
    for tree in TREES:
        for file in sorted((root / tree).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def _source(file: Path) -> str:
    """Return the text of a file, escapes undone; nothing of a file that is no text."""
    try:
        data = file.read_bytes()
        text = (gzip.decompress(data) if file.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError):
        return ""
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else " ", text)


def _joined(source: str) -> tuple[str, list[int]]:
    """Return the normalised text of a file, and where each of its lines begins in it."""
    parts, starts, length, last = [], [], 0, ""
    for line in source.split("\n"):
        part = normalised(line)
        gap = " " if part and last and not re.search(f"[{_HAN}]", last[-1] + part[0]) else ""
        parts.append(gap + part)
        starts.append(length + len(gap))
        length += len(gap + part)
        last = part or last
    return "".join(parts), starts
