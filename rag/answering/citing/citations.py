"""Citations: which abstract each sentence of an answer rests on, and markers that name nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.citing.attribution import Attributor, ContextEvidence
from rag.schema import Citation, Evidence, ScoredChunk, Sentence
from rag.text.sentences import split_sentences

# [1], [1, 2], [1][2], [1-3], 【1】; brackets around anything but numbers are text.
_NUMBERS = r"\d{1,3}(?:\s*[,，、;；–-]\s*\d{1,3})*"
_MARKER = re.compile(rf"\s*(?:\[\s*({_NUMBERS})\s*\]|【\s*({_NUMBERS})\s*】)")
BRACKETED = re.compile(rf"[\[【]\s*({_NUMBERS})\s*[\]】]")
_RANGE = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
# The end of a text that could still grow into a marker.
PARTIAL_MARKER = re.compile(r"\s*(?:[\[【][\s\d,，、;；–-]*)?$")
_CUT = "…"
# What is put in the abstract's own words says so.
_QUOTED = "“{}”"
_MOST_QUOTED = 2  # in place of one sentence
STOPS = "。！？.!?；;…"


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with its citations; `text` carries the markers that remain, renumbered 1, 2, …

    `dropped` are sentences left out, `drop_reasons` says why each was (`rag.answering.citing.attribution.DropReason`); `read` is how many the model has said, whether they are
    shown, left out or put in the abstract's words.
    """

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    unknown_markers: int
    dropped: tuple[str, ...] = ()
    read: int = 0
    drop_reasons: tuple[str, ...] = ()


NOTHING_SAID = Cited("", (), (), 0)


def cite(raw: str, contexts: Sequence[ScoredChunk], attributor: Attributor | None = None) -> Cited:
    """Map a model's `raw` answer to the contexts, which it saw as [1] … [n].

    With an `attributor` every sentence is attributed to the contexts that support it, its markers being one signal,
    and dropped when there is none; without, the markers decide
    and nothing is dropped. Citations are numbered in order of first mention, and each number stands once, at the end
    of its sentence. A marker that names no context is removed and counted.
    """
    return CitedStream(contexts, attributor).feed(raw, whole=True)[1]


def cite_quotes(contexts: Sequence[ScoredChunk], evidence: Sequence[ContextEvidence]) -> Cited:
    """Return an answer that is nothing but quotations of the contexts, each cited."""
    writer = _Writer(contexts, None)
    writer.quote(evidence, "")
    return writer.cited(0)


class _Writer:
    """Builds an answer sentence by sentence, giving out citation numbers."""

    def __init__(self, contexts: Sequence[ScoredChunk], attributor: Attributor | None) -> None:
        self._contexts = contexts
        self._attributor = attributor
        self._numbers: dict[int, int] = {}
        self._best: dict[int, ContextEvidence] = {}
        self._sentences: list[Sentence] = []
        self._dropped: list[str] = []
        self._reasons: list[str] = []
        self._text = ""
        self._read = 0

    def add(self, text: str, marks: Sequence[int], gap: str) -> None:
        """Add a sentence that follows the one before after `gap`, or drop it."""
        self._read += 1
        if self._attributor is None:
            self._append(Sentence(text, self._numbered(marks)), gap)
            return
        found = self._attributor.attribute(text, marks, first=not self._sentences)
        if found.dropped is not None:
            self._dropped.append(text)
            self._reasons.append(found.dropped)
            return
        if found.quoted:
            self.quote(found.evidence[:_MOST_QUOTED], gap)
            return
        numbers = self._numbered(found.numbers)
        for item in found.evidence:
            self._note(item)
        evidence = tuple(self._quote(item) for item in found.evidence)
        self._append(Sentence(text, numbers, found.support, found.score, evidence), gap)

    def quote(self, evidence: Sequence[ContextEvidence], gap: str) -> None:
        """Add sentences of the contexts word for word, in reading order, but for those that are quoted already."""
        for item in sorted(evidence, key=lambda each: (each.number, each.start)):
            numbers = self._numbered([item.number])
            quote = self._quote(item)
            self._note(item)
            text = _QUOTED.format(" ".join(BRACKETED.sub(r"(\1)", quote.quote).split()))
            if all(sentence.text != text for sentence in self._sentences):
                self._append(Sentence(text, numbers, "supported", 1.0, (quote,)), gap)
                gap = " "

    def cited(self, unknown_markers: int) -> Cited:
        """Return what has been added."""
        citations = tuple(
            _citation(number, self._contexts[mark - 1], self._best.get(mark))
            for mark, number in self._numbers.items()
        )
        sentences, dropped = tuple(self._sentences), tuple(self._dropped)
        return Cited(
            self._text, sentences, citations, unknown_markers, dropped, self._read, tuple(self._reasons)
        )

    def _append(self, sentence: Sentence, gap: str) -> None:
        self._sentences.append(sentence)
        self._text += (gap if self._text else "") + render_sentence(sentence)

    def _numbered(self, marks: Sequence[int]) -> tuple[int, ...]:
        for mark in marks:
            self._numbers.setdefault(mark, len(self._numbers) + 1)
        return tuple(sorted(self._numbers[mark] for mark in marks))

    def _note(self, item: ContextEvidence) -> None:
        """Have a citation quote this, if it fits better than what it quotes."""
        if item.number not in self._best or item.score > self._best[item.number].score:
            self._best[item.number] = item

    def _quote(self, item: ContextEvidence) -> Evidence:
        text = self._contexts[item.number - 1].paper.text
        return Evidence(self._numbers[item.number], item.start, item.end, text[item.start : item.end])


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence of a raw answer without its markers; `marks` are the contexts that it names.

    `gap` stands between it and the sentence before.
    """

    text: str
    gap: str
    marks: tuple[int, ...]


class _Reader:
    """Cuts a raw answer that arrives in pieces into sentences.

    A marker belongs to the sentence that it stands in or follows. A sentence is returned once, when nothing
    that follows can change it. So a piece costs no more than the sentence that it is a part of.
    """

    def __init__(self, contexts: int) -> None:
        """Start an answer that saw so many contexts."""
        self.unknown = 0
        self._contexts = contexts
        self._held = ""  # raw text that could still grow into a marker
        self._plain = ""  # what follows the sentences that were returned, without markers
        self._marks: list[tuple[int, int]] = []  # the markers in it: place and context
        self._end = ""  # the last character of the raw text that was taken
        self._parted = False  # whether that text ends with a full stop and then a marker

    def read(self, delta: str, *, whole: bool) -> list[_Said]:
        """Take the next piece; return the sentences that are certain now, after a `whole` piece all."""
        raw = self._held + delta
        partial = None if whole else PARTIAL_MARKER.search(raw)
        taken = partial.start() if partial else len(raw)
        self._held = raw[taken:]
        self._take(raw[:taken])
        return self._certain(whole)

    def end(self, *, cut: bool) -> list[_Said]:
        """Return the sentences that are left, the last one ending in … when it was `cut`."""
        if cut:
            self._held = ""
        return self.read(_CUT if cut else "", whole=True)

    def _take(self, raw: str) -> None:
        """Add raw text that no marker is cut in two by, and take its markers out."""
        last = 0
        for match in _MARKER.finditer(raw):
            self._add(raw[last : match.start()])
            last = match.end()
            numbers = _numbers(match.group())
            known = [number for number in numbers if 1 <= number <= self._contexts]
            self.unknown += len(numbers) - len(known)
            self._marks += [(len(self._plain), number) for number in known]
            before = raw[match.start() - 1 : match.start()] or self._end
            self._parted = before in (".", "!", "?")
        self._add(raw[last:])
        self._end = raw[-1:] or self._end

    def _add(self, text: str) -> None:
        if text:
            # A full stop that only a marker kept apart from the next sentence still ends its own.
            self._plain += (" " if self._parted and text[0].isalnum() else "") + text
            self._parted = False

    def _certain(self, whole: bool) -> list[_Said]:
        """Remove sentences from the text and return them: all, or those that another has begun after."""
        spans = split_sentences(self._plain)
        starts = [start for start, _ in spans[1:]] + [len(self._plain)] * whole
        certain, done = [], 0
        for (start, end), following in zip(spans, starts, strict=False):
            own = [number for place, number in self._marks if place <= following]
            self._marks = self._marks[len(own) :]
            text, gap = self._plain[start:end], self._plain[done:start]
            certain.append(_Said(text, gap, tuple(dict.fromkeys(own))))
            done = end
        self._plain = self._plain[done:]
        self._marks = [(place - done, number) for place, number in self._marks]
        return certain


class CitedStream:
    """`cite` for an answer that arrives in pieces: what it has shown never changes.

    The pieces returned by `feed` and `finish`, put together, are `cite(raw, contexts, …).text`. The sentence
    that is being written is held back: only a whole one can be attributed and checked. That is done once.
    """

    def __init__(self, contexts: Sequence[ScoredChunk], attributor: Attributor | None = None) -> None:
        """Start an answer that may cite `contexts`."""
        self._reader = _Reader(len(contexts))
        self._writer = _Writer(contexts, attributor)
        self._cited = NOTHING_SAID

    def feed(self, delta: str, *, whole: bool = False) -> tuple[str, Cited]:
        """Take the next piece of the raw answer; return the text that may be shown now, and all cited so far.

        A `whole` piece ends its last sentence for sure (a blank line does), so that it is attributed now.
        """
        return self._advance(self._reader.read(delta, whole=whole))

    def finish(self, *, cut: bool = False) -> tuple[str, Cited]:
        """Return the rest of the text and the whole answer, ending in … when it was cut at its longest."""
        return self._advance(self._reader.end(cut=cut))

    def _advance(self, said: Sequence[_Said]) -> tuple[str, Cited]:
        shown = len(self._cited.text)
        for sentence in said:
            self._writer.add(sentence.text, sentence.marks, sentence.gap)
        if said or self._reader.unknown != self._cited.unknown_markers:
            self._cited = self._writer.cited(self._reader.unknown)
        return self._cited.text[shown:], self._cited


def with_sentences(cited: Cited, sentences: Sequence[Sentence]) -> Cited:
    """Return an answer with other sentences, whose citations are those of `cited`, one after the other."""
    text = ""
    for sentence in sentences:
        gap = " " if text and text[-1].isascii() else ""
        text += gap + render_sentence(sentence)
    return replace(cited, text=text, sentences=tuple(sentences))


def render_sentence(sentence: Sentence) -> str:
    """Return a sentence with its markers before the closing punctuation, as in `It is 6.06 [1].`"""
    return _marked(sentence.text, sentence.citations)


def mark_sentences(text: str, number: int) -> str:
    """Return `text` with the marker [number] in each sentence."""
    parts, last = [], 0
    for start, end in split_sentences(text):
        parts += [text[last:start], _marked(text[start:end], [number])]
        last = end
    return "".join([*parts, text[last:]])


def _marked(text: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return text
    markers = "".join(f"[{number}]" for number in numbers)
    body = text.rstrip(STOPS)
    space = " " if body and body.rstrip("”")[-1:].isascii() else ""
    return f"{body}{space}{markers}{text[len(body) :]}"


def _numbers(marker: str) -> list[int]:
    ranges = ((int(a), int(b or a)) for a, b in _RANGE.findall(marker))
    return [number for first, end in ranges for number in range(first, min(end, first + 50) + 1)]


def _citation(number: int, context: ScoredChunk, evidence: ContextEvidence | None) -> Citation:
    """Cite a context: the sentence that fits best is quoted, or its best chunk when nothing was attributed."""
    quoted = evidence or context.chunk
    return Citation.of(number, context.paper, quoted.start, quoted.end)
