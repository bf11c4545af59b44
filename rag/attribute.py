"""Attribution: which retrieved abstracts, and which sentences of them, an answer's sentence rests on.

A small model writes right sentences under wrong numbers. So its markers are one signal only; the others are
aligned embeddings, which work across languages, shared index terms, and numbers compared by value. What an abstract
is cited for is then held against it (`rag.verify`); what it does not support is not cited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from rag.abstain import Gate
from rag.align import Vectors
from rag.analyze import analyze
from rag.evidence import ContextSentences
from rag.instructions import without_planted
from rag.language import detect_language
from rag.numbers import number_values
from rag.quotes import quoted_items
from rag.repetition import asks_to_decide, only_decides, only_repeats
from rag.results import only_asks
from rag.schema import Paper, Support
from rag.verify import Verdict
from rag.verify_features import REPEATED, best_fits, fit, missing_proper_nouns, repeated

# Weight of the model's marker beside `rag.verify_features.fit`, and how far below the best context one that the model
# named may lie to stay cited; see `Attributor.attribute`. Chosen on the answers to benchmarks/dev_questions.jsonl: 37 of
# 40 expected abstracts cited and 37 of 41 citations right, against 32 and 32 of 40 by the markers alone.
MARKER_WEIGHT = 0.2
MARKER_SLACK = 0.05
# A sentence that fits nothing this well ("Yes.") is left to the model's markers.
MIN_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class ContextEvidence:
    """The sentence `context.paper.text[start:end]` of context `number` (1-based), and how well it fits."""

    number: int
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a sentence rests on: sentences of one or more contexts, the best of each first, and whether they support it.

    Where nothing does, `evidence` is empty and `support` is "unsupported". Where it is `better_quoted` the evidence is to be shown
    in its place of `text`.
    """

    evidence: tuple[ContextEvidence, ...]
    support: Support
    score: float
    better_quoted: bool = False
    text: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The contexts, best first."""
        return tuple(dict.fromkeys(item.number for item in self.evidence))


NOTHING = Attribution((), "unsupported", 0.0)


class BetterQuoted(Protocol):
    """Whether quotations tell better what a sentence says than it does (`rag.verbatim.is_better_quoted`)."""

    def __call__(self, sentence: str, quotes: Sequence[str], *, first: bool) -> bool:
        """Return it of a sentence, the `first` that is shown of a reply or not."""


class SentenceVerifier(Protocol):
    """What attribution needs of a verifier; `rag.verify.Verifier` is one."""

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str
    ) -> Verdict:
        """Return whether the evidence supports the sentence."""


class Attributor:
    """Attributes the sentences of one answer to the sentences of its contexts."""

    def __init__(
        self,
        sentences: ContextSentences,
        verifier: SentenceVerifier,
        question: str = "",
        *,
        marked: bool = False,
        may_decide: bool = True,
        better_quoted: BetterQuoted | None = None,
    ) -> None:
        """Prepare for one answer to `question`; nothing is embedded yet.

        With `marked` a sentence may rest on what its marker names alone, as where each context was read by itself.
        Without `may_decide` one that says yes or no to the question and nothing else rests on nothing, unless the abstract has
        its words; `decided` tells that there was one. A sentence that `better_quoted` says so of is to be put in the words of its
        evidence. `confidence` is how likely the
        likeliest sentence answers the question, where there is a gate.
        """
        self.confidence: float | None = None
        self.decided = False
        self._may_decide = may_decide
        self._better_quoted = better_quoted
        self._gate: Gate | None = None
        self._first = True
        self._question = question
        self._marked = marked
        self._sentences = sentences
        self._verifier = verifier
        papers = [context.paper for context in sentences.contexts]
        self._numbers = [set(number_values(paper.text, identifiers=True)) for paper in papers]
        self._terms = [frozenset(analyze(f"{paper.title or ''} {paper.text}")) for paper in papers]
        self._known: dict[tuple[str, tuple[int, ...]], Attribution] = {}
        self._said: dict[str, Attribution] = {}

    def begin(self, gate: Gate) -> None:
        """Let `gate` have the last word on the sentences of the reply that begins now."""
        self._gate = gate
        self._first = True

    def attribute(self, text: str, marks: Sequence[int] = ()) -> Attribution:
        """Return what the sentence `text` rests on.

        On nothing, when it only repeats the question. Candidates are the best context, and those of the
        model's `marks` (1-based) whose score is within `MARKER_SLACK` of it. A context's score is that of its best sentence, the cosine plus
        weighted shares of the text's terms and numbers that the sentence contains, plus such shares for the whole context,
        plus a bonus for being marked. A candidate is kept when the verifier does not find the text unsupported by it; the verdict
        is the best one. What `say` took rests on what it was made of.
        """
        if text in self._said:
            return self._said[text]
        key = (text, tuple(marks))
        if key not in self._known:
            self._known[key] = self._attribute(text, marks)
            self._first &= self._known[key].support == "unsupported"
        return self._known[key]

    def say(self, text: str, sentence: str) -> bool:
        """Have `text`, a translation of a `sentence` that was found to rest on something, rest on the same.

        False where it does not say the same: where it is not supported by the sentence, or repeats the question.
        """
        found = next((known for known in self._known.values() if known.text == sentence), NOTHING)
        if found is NOTHING or self._repeats(text):
            return False
        vector, row = self._embed(text), self._embed(sentence)
        quotes = [self._sentences.contexts[e.number - 1].paper.text[e.start : e.end] for e in found.evidence]
        known = "\n".join([self._question, *quotes])
        verdict = self._verifier.verify(text, [sentence], vector=vector, vectors=row[None], known=known)
        if verdict.support == "unsupported":
            return False
        score = min(found.score, verdict.score)
        self._said[text] = replace(found, score=score, text=text)
        return True

    def _attribute(self, text: str, marks: Sequence[int]) -> Attribution:
        if not self._sentences.contexts or self._repeats(text):
            return NOTHING
        vector = self._embed(text)
        cosines, fits = self._fits(text, vector)
        checked = [
            self._check(text, number, vector, cosines, fits) for number in self._candidates(text, marks, fits)
        ]
        kept = sorted((c for c in checked if c.support != "unsupported"), key=lambda c: -c.score)
        if not kept:
            return NOTHING
        evidence = tuple(item for attribution in kept for item in attribution.evidence)
        papers = [self._sentences.contexts[item.number - 1].paper for item in evidence]
        quotes = [paper.text[e.start : e.end] for paper, e in zip(papers, evidence, strict=True)]
        quoted = self._better_quoted is not None and self._better_quoted(text, quotes, first=self._first)
        return Attribution(evidence, kept[0].support, kept[0].score, quoted, text)

    def _repeats(self, text: str) -> bool:
        """Return whether a text says no more than the question."""
        if not self._may_decide and only_decides(text, self._question) and not self._is_said(text):
            self.decided = True
            return True
        return only_repeats(text, self._question)

    def _is_said(self, text: str) -> bool:
        """Return whether a sentence of the contexts says a text in nearly its words, and does not only ask it."""
        told = [item.text for item in self._sentences.items if not only_asks(item.text)]
        return any(
            share >= REPEATED and not edited for share, edited in (repeated(text, each) for each in told)
        )

    def _fits(self, text: str, vector: Vectors) -> tuple[list[float], list[float]]:
        """Return for each sentence of the contexts its cosine with a text, and how well that fits (`fit`)."""
        cosines: list[float] = (self._sentences.vectors @ vector).tolist()
        terms, numbers = frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))
        return cosines, [
            fit(cosine, terms, item.terms, numbers, item.numbers)
            for item, cosine in zip(self._sentences.items, cosines, strict=True)
        ]

    def _candidates(self, text: str, marks: Sequence[int], fits: Sequence[float]) -> list[int]:
        """Return the contexts that a text may rest on, best first."""
        if len(self._sentences.contexts) == 1:
            return [1]
        if self._marked:
            return list(marks)
        terms, numbers = frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))
        best: dict[int, float] = {}
        for item, own in zip(self._sentences.items, fits, strict=True):
            best[item.number] = max(own, best.get(item.number, own))
        scored = {
            n: fit(own, terms, self._terms[n - 1], numbers, self._numbers[n - 1])
            + MARKER_WEIGHT * (n in marks)
            for n, own in best.items()
        }
        top = max(scored.values(), default=0.0)
        if top < MIN_SCORE:
            kept = [number for number in scored if number in marks]
        else:
            kept = [n for n in scored if scored[n] == top or (n in marks and scored[n] >= top - MARKER_SLACK)]
        return sorted(kept, key=lambda n: -scored[n])

    def _check(
        self, text: str, number: int, vector: Vectors, cosines: Sequence[float], fits: Sequence[float]
    ) -> Attribution:
        """Hold the text against one context."""
        rows = [i for i, item in enumerate(self._sentences.items) if item.number == number]
        if asks_to_decide(self._question):  # what was asked there is no answer to what is asked here
            rows = [i for i in rows if not only_asks(self._sentences.items[i].text)]
        if not rows:
            return NOTHING
        ranked = [rows[i] for i in best_fits([fits[i] for i in rows])]
        verdict = self._verify(text, number, ranked, vector)
        if verdict.support == "unsupported":
            return NOTHING
        quoted = quoted_items(text, self._question, self._sentences.items, rows, cosines, self._near_question)
        evidence = tuple(
            ContextEvidence(number, self._sentences.items[i].start, self._sentences.items[i].end, cosines[i])
            for i in quoted
        )
        return Attribution(evidence, verdict.support, verdict.score)

    def _verify(self, text: str, number: int, ranked: Sequence[int], vector: Vectors) -> Verdict:
        """Return the verdict on the text; one that is unsupported alone may be weakly supported as the question's answer.

        "It can correct itself." says too little by itself.
        """
        paper = self._sentences.contexts[number - 1].paper
        evidence = [self._sentences.items[i].text for i in ranked]
        rows, known = self._sentences.vectors[ranked], f"{paper.title or ''}\n{without_planted(paper.text)}"
        verdict = self._verifier.verify(text, evidence, vector=vector, vectors=rows, known=known)
        if verdict.support == "unsupported" and not verdict.refuted and self._question:
            claim = f"{self._question} {text}"
            whole = self._verifier.verify(
                claim, evidence, vector=self._embed(claim), vectors=rows, known=known
            )
            if whole.support != "unsupported":
                whole = replace(whole, support="weak")
            if not whole.refuted:  # what the question says wrongly is not what the sentence says
                verdict = max(verdict, whole, key=lambda found: found.score)
        return self._gated(self._named(verdict, text, paper))

    def _named(self, verdict: Verdict, text: str, paper: Paper) -> Verdict:
        """Count proper nouns among the names that are missing, which only one language tells."""
        if not (paper.language == detect_language(text) == "en"):
            return verdict
        strange = missing_proper_nouns(text, [paper.title or "", paper.text, self._question])
        support = "weak" if strange and verdict.support == "supported" else verdict.support
        return replace(verdict, support=support, missing=verdict.missing + strange)

    def _gated(self, verdict: Verdict) -> Verdict:
        if self._gate is None:
            return verdict
        confidence = self._gate.of(verdict)
        self.confidence = max(confidence, self.confidence or 0.0)
        return self._gate.judge(verdict, confidence, first=self._first)

    @cached_property
    def _near_question(self) -> list[float]:
        """The cosine of each sentence with the question, put as a sentence."""
        if not self._question:
            return [0.0] * len(self._sentences.items)
        near: list[float] = (self._sentences.vectors @ self._embed(self._question)).tolist()
        return near

    def _embed(self, text: str) -> Vectors:
        raw = self._sentences.embedder.embed_passages([text])
        vector: Vectors = self._sentences.alignment.apply(raw, detect_language(text), "passage")[0]
        return vector
