"""Markers to citations: which abstract each sentence of an answer names, and markers that name nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.schema import Citation, ScoredChunk, Sentence
from rag.sentences import split_sentences

# [1], [1, 2], [1][2], [1-3], 【1】; brackets around anything but numbers are text.
_NUMBERS = r"\d{1,3}(?:\s*[,，、;；–-]\s*\d{1,3})*"
_MARKER = re.compile(rf"\s*(?:\[\s*({_NUMBERS})\s*\]|【\s*({_NUMBERS})\s*】)")
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
# The end of a text that could still grow into a marker.
_PARTIAL_MARKER = re.compile(r"\s*(?:[\[【][\s\d,，、;；–-]*)?$")
_CLOSING = "。！？.!?；;…\"'”’)）」』"
_STOP = "。！？.!?；;…"


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with its citations; `text` carries the markers that remain, renumbered 1, 2, …"""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    unknown_markers: int


def cite(raw: str, contexts: Sequence[ScoredChunk]) -> Cited:
    """Map the markers in a model's `raw` answer to the contexts, which it saw as [1] … [n].

    Citations are numbered in order of first mention, and each number stands once, at the end of its
    sentence. A marker that names no context is removed and counted; nothing else of the text changes.
    """
    plain, marks = _strip_markers(raw)
    spans = split_sentences(plain)
    named = _by_sentence(spans, marks)
    numbers: dict[int, int] = {}
    sentences: list[Sentence] = []
    text = ""
    for index, (start, end) in enumerate(spans):
        known = [mark for mark in dict.fromkeys(named.get(index, ())) if 1 <= mark <= len(contexts)]
        for mark in known:
            numbers.setdefault(mark, len(numbers) + 1)
        sentences.append(Sentence(plain[start:end], tuple(sorted(numbers[mark] for mark in known))))
        gap = plain[spans[index - 1][1] : start] if index else ""
        text += gap + render_sentence(sentences[-1])
    unknown = sum(not 1 <= mark <= len(contexts) for _, found in marks for mark in found)
    citations = tuple(_citation(number, contexts[mark - 1]) for mark, number in numbers.items())
    return Cited(text, tuple(sentences), citations, unknown)


class CitedStream:
    """`cite` for an answer that arrives in pieces: what it has shown never changes.

    The pieces returned by `feed` and `finish`, put together, are `cite(raw, contexts).text`.
    """

    def __init__(self, contexts: Sequence[ScoredChunk]) -> None:
        """Start an answer that may cite `contexts`."""
        self._contexts = contexts
        self._raw = ""
        self._shown = ""

    def feed(self, delta: str) -> tuple[str, Cited]:
        """Take the next piece of the raw answer; return the text that may be shown now, and all cited so far.

        Held back are the last sentence's closing punctuation, which its markers precede, and whatever may
        still turn out to be a marker.
        """
        self._raw += delta
        settled = cite(_PARTIAL_MARKER.sub("", self._raw), self._contexts)
        return self._advance(_open_end(settled)), settled

    def finish(self) -> tuple[str, Cited]:
        """Return the rest of the text and the whole answer."""
        whole = cite(self._raw, self._contexts)
        return self._advance(whole.text), whole

    def _advance(self, text: str) -> str:
        delta = text[len(self._shown) :]
        self._shown += delta
        return delta


def render_sentence(sentence: Sentence) -> str:
    """Return a sentence with its markers before the closing punctuation, as in `It is 6.06 [1].`"""
    if not sentence.citations:
        return sentence.text
    markers = "".join(f"[{number}]" for number in sentence.citations)
    body = sentence.text.rstrip(_STOP)
    space = " " if body and body[-1].isascii() else ""
    return f"{body}{space}{markers}{sentence.text[len(body) :]}"


def _open_end(cited: Cited) -> str:
    """Return the text of an unfinished answer up to where its last sentence may still change."""
    if not cited.sentences:
        return ""
    last = cited.sentences[-1]
    before = cited.text[: len(cited.text) - len(render_sentence(last))]
    return before + last.text.rstrip(_CLOSING + " ")


def _by_sentence(
    spans: Sequence[tuple[int, int]], marks: Sequence[tuple[int, list[int]]]
) -> dict[int, list[int]]:
    """Give each marker to the sentence it stands in or follows."""
    named: dict[int, list[int]] = {}
    for position, found in marks:
        owner = max((i for i, (start, _) in enumerate(spans) if start < position), default=0)
        named.setdefault(owner, []).extend(found)
    return named


def _strip_markers(raw: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """Return `raw` without markers, and for each its place in that text and the numbers it names."""
    parts: list[str] = []
    marks: list[tuple[int, list[int]]] = []
    length = last = 0
    for match in _MARKER.finditer(raw):
        parts.append(raw[last : match.start()])
        length += match.start() - last
        last = match.end()
        marks.append((length, _numbers(match.group())))
        # A full stop that only a marker kept apart from the next sentence still ends its own.
        before, after = raw[match.start() - 1 : match.start()], raw[last : last + 1]
        if before and before in ".!?" and after.isalnum():
            parts.append(" ")
            length += 1
    parts.append(raw[last:])
    return "".join(parts), marks


def _numbers(marker: str) -> list[int]:
    ranges = ((int(a), int(b or a)) for a, b in _RANGE.findall(marker))
    return [number for first, end in ranges for number in range(first, min(end, first + 50) + 1)]


def _citation(number: int, context: ScoredChunk) -> Citation:
    paper, chunk = context.paper, context.chunk
    return Citation(
        number, paper.paper_id, paper.title, paper.text, paper.sources, chunk.text, chunk.start, chunk.end
    )
