"""Citation markers such as [1]: read them from a model's raw answer, and write them into sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.schema import Sentence
from rag.text.sentences import split_sentences

# [1], [1, 2], [1][2], [1-3], 【1】, [^1^], [1†source], [Abstract 1], (Abstract 1), <sup>1</sup>; brackets
# around anything else are text.
_NUMBERS = r"\d{1,3}(?:\s*[,，、;；–-]\s*\d{1,3})*"
_GAP = r"[^\S\n]{0,2}"
_WORD = rf"(?:(?:abstract|source|reference|ref|paper|document)s?\.?|摘要|文献|来源|资料){_GAP}"
_NUMBER = rf"(?:{_WORD})?#?\^?\d{{1,3}}\^?"
_LIST = rf"{_NUMBER}(?:{_GAP}(?:[,，、;；–-]|and|和){_GAP}{_NUMBER}){{0,8}}"
_MARKER = re.compile(
    rf"\s*(?:[\[【]{_GAP}{_LIST}(?:{_GAP}†[^\[\]【】\n]{{0,60}})?{_GAP}[\]】]|[(（]{_WORD}{_LIST}[)）]"
    rf"|<sup>\[?{_LIST}\]?</sup>)",
    re.IGNORECASE,
)
BRACKETED = re.compile(rf"[\[【]\s*({_NUMBERS})\s*[\]】]")
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
_MAX_RANGE = 50
# The end of a text that could still grow into a marker.
_PARTIAL_MARKER = re.compile(
    r"\s*(?:[\[【(（][^\[\]【】()（）\n]{0,240}|<(?:s(?:u(?:p(?:>[^>\n]{0,240})?)?)?)?)?$", re.IGNORECASE
)
# The heading of a list of references, or its first footnote; what follows is not part of the answer.
_HEADING = "references?|sources?|citations?|bibliography|works cited|参考文献|引用文献|参考资料|引用|来源"
_AROUND = r"[ \t*_]{0,4}[:：]?[ \t*_]{0,4}"
_REFERENCES = re.compile(
    r"\s*\n\s*(?:[-*_]{3,}\s*\n\s*)?"
    rf"(?:\[\^\d{{1,3}}\^?\]:|[ \t#*_]{{0,8}}(?:{_HEADING}){_AROUND}(?=\n|[\[【(\d•-]))",
    re.IGNORECASE,
)
_PARTIAL_REFERENCES = re.compile(
    r"\s*\n\s*[-#*_ \t]{0,8}"
    rf"(?:\[\^\d{{0,3}}\^?\]?|[A-Za-z\u4e00-\u9fff]{{0,12}}(?: [a-z]{{0,5}})?{_AROUND})$"
)
_CUT = "…"
STOPS = "。！？.!?；;…"


@dataclass(frozen=True, slots=True)
class MarkedSentence:
    """A sentence without its markers, the gap before it, and the contexts that its markers name."""

    text: str
    gap: str
    marks: tuple[int, ...]


class MarkerReader:
    """Cuts a raw answer that arrives in pieces into sentences, in linear time.

    A marker belongs to the sentence that it is in or follows. A sentence is returned once no later text can
    change it. `unknown` counts the markers that name no context.
    """

    def __init__(self, contexts: int) -> None:
        """Start an answer that saw so many contexts."""
        self.unknown = 0
        self._contexts = contexts
        self._held = ""  # raw text that could still grow into a marker
        self._plain = ""  # the text after the sentences that were returned, without markers
        self._marks: list[tuple[int, int]] = []  # the markers in it: place and context
        self._end = ""  # the last character of the raw text before `_held`
        self._parted = False  # whether that text ends with a full stop and then a marker
        self._over = False  # whether a list of references has begun

    def read(self, delta: str, *, whole: bool) -> list[MarkedSentence]:
        """Take the next piece; return the sentences that are certain now, or all after a `whole` piece."""
        raw = "" if self._over else self._held + delta
        references = _REFERENCES.search(raw + "\n" * whole)
        if references and (self._end or raw[: references.start()].strip()):
            raw, self._over = raw[: references.start()], True
        held = (pattern.search(raw) for pattern in (_PARTIAL_MARKER, _PARTIAL_REFERENCES))
        taken = min((match.start() for match in held if match), default=len(raw))
        taken = len(raw) if whole or self._over else taken
        self._held = raw[taken:]
        self._take(raw[:taken])
        return self._certain(whole)

    def end(self, *, cut: bool) -> list[MarkedSentence]:
        """Return the sentences that are left; the last one ends in … if it was `cut`."""
        if cut:
            self._held = ""
        return self.read(_CUT if cut else "", whole=True)

    def _take(self, raw: str) -> None:
        """Add raw text that ends with no partial marker, and take its markers out."""
        last = 0
        for match in _MARKER.finditer(raw):
            self._add(raw[last : match.start()])
            last = match.end()
            numbers = _marker_numbers(match.group())
            known = [number for number in numbers if 1 <= number <= self._contexts]
            self.unknown += len(numbers) - len(known)
            self._marks += [(len(self._plain), number) for number in known]
            before = raw[match.start() - 1 : match.start()] or self._end
            self._parted = before in (".", "!", "?")
        self._add(raw[last:])
        self._end = raw[-1:] or self._end

    def _add(self, text: str) -> None:
        if text:
            # A full stop ends its sentence even if only a marker separates it from the next.
            self._plain += (" " if self._parted and text[0].isalnum() else "") + text
            self._parted = False

    def _certain(self, whole: bool) -> list[MarkedSentence]:
        """Remove from the text, and return, all sentences, or only those that another one follows."""
        spans = split_sentences(self._plain)
        starts = [start for start, _ in spans[1:]] + [len(self._plain)] * whole
        certain, done = [], 0
        for (start, end), following in zip(spans, starts, strict=False):
            own = [number for place, number in self._marks if place <= following]
            self._marks = self._marks[len(own) :]
            text, gap = self._plain[start:end], self._plain[done:start]
            certain.append(MarkedSentence(text, gap, tuple(dict.fromkeys(own))))
            done = end
        self._plain = self._plain[done:]
        self._marks = [(place - done, number) for place, number in self._marks]
        return certain


def render_sentence(sentence: Sentence) -> str:
    """Return a sentence with its markers before the closing punctuation, as in `It is 6.06 [1].`"""
    return _with_markers(sentence.text, sentence.citations)


def mark_sentences(text: str, number: int) -> str:
    """Return `text` with the marker [number] in each sentence."""
    parts, last = [], 0
    for start, end in split_sentences(text):
        parts += [text[last:start], _with_markers(text[start:end], [number])]
        last = end
    return "".join([*parts, text[last:]])


def _with_markers(text: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return text
    markers = "".join(f"[{number}]" for number in numbers)
    body = text.rstrip(STOPS)
    space = " " if body and body.rstrip("”")[-1:].isascii() else ""
    return f"{body}{space}{markers}{text[len(body) :]}"


def _marker_numbers(marker: str) -> list[int]:
    ranges = ((int(a), int(b or a)) for a, b in _RANGE.findall(marker.partition("†")[0]))
    return [number for first, end in ranges for number in range(first, min(end, first + _MAX_RANGE) + 1)]
