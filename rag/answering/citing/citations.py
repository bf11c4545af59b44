"""Citations: which abstract each sentence of an answer rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.citing.attribution import Attributor, ContextEvidence
from rag.answering.citing.markers import BRACKETED, MarkedSentence, MarkerReader, render_sentence
from rag.schema import Citation, Evidence, ScoredChunk, Sentence

_MOST_QUOTED = 2  # quotations in place of one sentence


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with its citations.

    Attributes:
        text: the answer with its remaining markers, renumbered 1, 2, …
        unknown_markers: the number of markers that named no context.
        dropped: sentences that are not shown; `drop_reasons` holds the `DropReason` of each.
        read: the number of sentences that the model wrote, shown or not.
    """

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    unknown_markers: int
    dropped: tuple[str, ...] = ()
    read: int = 0
    drop_reasons: tuple[str, ...] = ()


# What stands before the words of an abstract that are quoted in place of a sentence of the model.
_OPENS, _CLOSES = "“", "”"


def is_quoted(sentence: Sentence) -> bool:
    """Return whether a sentence is one of the abstract's own, quoted in place of one of the model."""
    return sentence.text.startswith(_OPENS) and sentence.text.endswith(_CLOSES)


NOTHING_SAID = Cited("", (), (), 0)


def cite(raw: str, contexts: Sequence[ScoredChunk], attributor: Attributor | None = None) -> Cited:
    """Map a model's `raw` answer to the contexts, which it saw as [1] … [n].

    An `attributor` decides what each sentence rests on, and drops unsupported sentences. Without one, markers
    decide and nothing is dropped. Citations are numbered in order of first mention.
    """
    return CitedStream(contexts, attributor).feed(raw, whole=True)[1]


def cite_quotes(contexts: Sequence[ScoredChunk], evidence: Sequence[ContextEvidence]) -> Cited:
    """Return an answer that consists of quotations of the contexts, each cited."""
    writer = _Writer(contexts, None)
    writer.quote(evidence, "")
    return writer.cited(0)


class _Writer:
    """Builds an answer sentence by sentence, and numbers its citations."""

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

    def add(self, said: MarkedSentence) -> None:
        """Add a sentence, quote its evidence in its place, or drop it."""
        self._read += 1
        if self._attributor is None:
            self._append(Sentence(said.text, self._numbered(said.marks)), said.gap)
            return
        found = self._attributor.attribute(said.text, said.marks, first=not self._sentences)
        if found.dropped is not None:
            self._dropped.append(said.text)
            self._reasons.append(found.dropped)
        elif found.quoted:
            self.quote(found.evidence[:_MOST_QUOTED], said.gap)
        else:
            numbers = self._numbered(found.numbers)
            evidence = tuple(self._quote(item) for item in found.evidence)
            self._append(Sentence(said.text, numbers, found.support, found.score, evidence), said.gap)

    def quote(self, evidence: Sequence[ContextEvidence], gap: str) -> None:
        """Add sentences of the contexts word for word, in reading order; skip those already quoted."""
        for item in sorted(evidence, key=lambda each: (each.number, each.start)):
            words = self._contexts[item.number - 1].paper.text[item.start : item.end]
            text = _OPENS + " ".join(BRACKETED.sub(r"(\1)", words).split()) + _CLOSES
            if all(sentence.text != text for sentence in self._sentences):
                numbers = self._numbered([item.number])
                self._append(Sentence(text, numbers, "supported", 1.0, (self._quote(item),)), gap)
                gap = " "

    def cited(self, unknown_markers: int) -> Cited:
        """Return what was added; a citation quotes its best sentence, or else the context's best chunk."""
        citations = []
        for mark, number in self._numbers.items():
            context = self._contexts[mark - 1]
            quoted = self._best.get(mark) or context.chunk
            citations.append(Citation.of(number, context.paper, quoted.start, quoted.end))
        sentences, dropped, reasons = tuple(self._sentences), tuple(self._dropped), tuple(self._reasons)
        return Cited(self._text, sentences, tuple(citations), unknown_markers, dropped, self._read, reasons)

    def _append(self, sentence: Sentence, gap: str) -> None:
        self._sentences.append(sentence)
        self._text += (gap if self._text else "") + render_sentence(sentence)

    def _numbered(self, marks: Sequence[int]) -> tuple[int, ...]:
        for mark in marks:
            self._numbers.setdefault(mark, len(self._numbers) + 1)
        return tuple(sorted(self._numbers[mark] for mark in marks))

    def _quote(self, item: ContextEvidence) -> Evidence:
        """Return the evidence with its citation's number; keep the best of each context for the citation."""
        if item.number not in self._best or item.score > self._best[item.number].score:
            self._best[item.number] = item
        text = self._contexts[item.number - 1].paper.text
        return Evidence(self._numbers[item.number], item.start, item.end, text[item.start : item.end])


class CitedStream:
    """`cite` for an answer that arrives in pieces: what it has shown never changes.

    The pieces from `feed` and `finish`, joined, are `cite(raw, contexts, …).text`. A sentence is held back
    until it is whole, because only then it can be attributed.
    """

    def __init__(self, contexts: Sequence[ScoredChunk], attributor: Attributor | None = None) -> None:
        """Start an answer that may cite `contexts`."""
        self._reader = MarkerReader(len(contexts))
        self._writer = _Writer(contexts, attributor)
        self._cited = NOTHING_SAID

    def feed(self, delta: str, *, whole: bool = False) -> tuple[str, Cited]:
        """Take a piece, which may end a `whole` sentence; return the text to show now, and all so far."""
        return self._advance(self._reader.read(delta, whole=whole))

    def quote(self, evidence: Sequence[ContextEvidence]) -> tuple[str, Cited]:
        """Add sentences of the contexts as a paragraph of quotations; return the same as `feed`.

        Nothing may be fed after it.
        """
        shown = len(self._cited.text)
        self._writer.quote(evidence, "\n\n")
        self._cited = self._writer.cited(self._reader.unknown)
        return self._cited.text[shown:], self._cited

    def finish(self, *, cut: bool = False) -> tuple[str, Cited]:
        """Return the rest of the text and the whole answer; it ends in … if it was cut at its longest."""
        return self._advance(self._reader.end(cut=cut))

    def _advance(self, said: Sequence[MarkedSentence]) -> tuple[str, Cited]:
        shown = len(self._cited.text)
        for sentence in said:
            self._writer.add(sentence)
        if said or self._reader.unknown != self._cited.unknown_markers:
            self._cited = self._writer.cited(self._reader.unknown)
        return self._cited.text[shown:], self._cited


def with_sentences(cited: Cited, sentences: Sequence[Sentence]) -> Cited:
    """Return the answer with other sentences, which keep the numbers of its citations."""
    text = ""
    for sentence in sentences:
        gap = " " if text and text[-1].isascii() else ""
        text += gap + render_sentence(sentence)
    return replace(cited, text=text, sentences=tuple(sentences))
