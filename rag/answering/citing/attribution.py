"""Attribution: which retrieved abstracts, and which of their sentences, a sentence of an answer rests on.

A hosted model reads several abstracts at once, and its markers may be wrong. So a marker is only one
signal, next to aligned embeddings, shared index terms, and numbers compared by value. Then the sentence is
verified (`rag.answering.verification`), and dropped if the abstract does not support it (`ReplyRules` has
the exception).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

from rag.answering.citing.quotes import is_bare, quoted_items
from rag.answering.citing.repetition import is_bare_yes_no, only_repeats
from rag.answering.citing.result_sentences import only_asks
from rag.answering.context import ContextSentences
from rag.answering.question import is_yes_no_question
from rag.answering.verification.byline import foreign_authors, without_byline
from rag.answering.verification.facts import missing_proper_nouns
from rag.answering.verification.features import REPEATED, best_matches, match_score, repeated
from rag.answering.verification.verifier import Verdict
from rag.embedding.base import Vectors
from rag.schema import Paper, Sentence, Support
from rag.text.analyzer import analyze
from rag.text.injection import without_planted
from rag.text.language import detect_language
from rag.text.numbers import number_values

# Added to the match score of a context that a marker names; higher trusts markers more.
MARKER_WEIGHT = 0.2
# Match score that a marked context may lack to the best one and still be cited; higher cites more.
MARKER_SLACK = 0.05
# Match score below which the markers alone decide, as for "Yes."; higher trusts markers more.
MIN_SCORE = 0.5

DropReason = Literal["repeats the question", "bare yes or no", "not supported"]


@dataclass(frozen=True, slots=True)
class ContextEvidence:
    """The sentence `context.paper.text[start:end]` of context `number` (1-based), and its cosine."""

    number: int
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """The evidence of a sentence, best first, and whether it supports the sentence.

    If `quoted`, the evidence is shown in place of the sentence. A `dropped` sentence has no evidence.
    """

    evidence: tuple[ContextEvidence, ...]
    support: Support
    score: float
    quoted: bool = False
    dropped: DropReason | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The contexts, best first."""
        return tuple(dict.fromkeys(item.number for item in self.evidence))


@dataclass(frozen=True, slots=True)
class ReplyRules:
    """Rules for the sentences of one reply.

    Attributes:
        marked: the markers alone choose the contexts of a sentence.
        allow_yes_no: a bare yes or no is shown even if the abstract does not state it.
        prefer_quotes: the evidence replaces a bare name or number, and every answer to a yes-or-no question.
        strict: only supported sentences are shown, and none with a name that its abstract lacks.
        first_may_be_weak: the exception to `strict`. The first sentence is "weak" where the verifier does not
            support it, but no rule refutes it and no name is missing.
    """

    marked: bool = False
    allow_yes_no: bool = True
    prefer_quotes: bool = False
    strict: bool = False
    first_may_be_weak: bool = True


class SentenceVerifier(Protocol):
    """The part of `rag.answering.verification.verifier.Verifier` that attribution needs."""

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str
    ) -> Verdict:
        """Return whether the evidence supports the sentence."""


@dataclass(frozen=True)
class Attributor:
    """Attributes the sentences of one answer to `question` to sentences of its contexts."""

    sentences: ContextSentences
    verifier: SentenceVerifier
    question: str = ""
    rules: ReplyRules = ReplyRules()

    def attribute(self, text: str, marks: Sequence[int] = (), *, first: bool = False) -> Attribution:
        """Return the evidence of one sentence, given without its markers.

        `marks` are the contexts (1-based) that the markers name. `first` means that nothing was shown before.
        """
        if only_repeats(text, self.question):
            return _dropped("repeats the question")
        if self._is_bare_yes_no(text) and not self._is_stated(text):
            return _dropped("bare yes or no")
        vector = self._embed(text)
        cosines, scores = self._match(text, vector)
        checked = [
            self._check(text, number, vector, cosines, scores, first)
            for number in self._candidates(text, marks, scores)
        ]
        kept = sorted((c for c in checked if c.dropped is None), key=lambda c: -c.score)
        if not kept:
            return _dropped("not supported")
        evidence = tuple(item for attribution in kept for item in attribution.evidence)
        quoted = self.rules.prefer_quotes and (self._yes_no or (first and is_bare(text, self.question)))
        return Attribution(evidence, kept[0].support, kept[0].score, quoted)

    def check_translation(self, text: str, sentence: Sentence) -> Sentence | None:
        """Return `sentence` with its translation `text`; None if the translation does not say the same."""
        if only_repeats(text, self.question) or self._is_bare_yes_no(text):
            return None
        row = self._embed(sentence.text)[None]
        known = "\n".join([self.question, *(item.quote for item in sentence.evidence)])
        vector = self._embed(text)
        verdict = self.verifier.verify(text, [sentence.text], vector=vector, vectors=row, known=known)
        if verdict.support == "unsupported":
            return None
        return replace(sentence, text=text, score=min(sentence.score, verdict.score))

    def _is_bare_yes_no(self, text: str) -> bool:
        return not self.rules.allow_yes_no and is_bare_yes_no(text, self.question)

    def _is_stated(self, text: str) -> bool:
        """Return whether a context says a text in nearly its words, and not as what was asked."""
        stated = (item.text for item in self.sentences.items if not only_asks(item.text))
        found = (repeated(text, each) for each in stated)
        return any(share >= REPEATED and not edited for share, edited in found)

    def _match(self, text: str, vector: Vectors) -> tuple[list[float], list[float]]:
        """Return the cosine and the match score of each sentence of the contexts."""
        cosines: list[float] = (self.sentences.vectors @ vector).tolist()
        terms, numbers = frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))
        return cosines, [
            match_score(cosine, terms, item.terms, numbers, item.numbers)
            for item, cosine in zip(self.sentences.items, cosines, strict=True)
        ]

    def _candidates(self, text: str, marks: Sequence[int], scores: Sequence[float]) -> list[int]:
        """Return the contexts that a text may rest on, best first: the best, and marked ones close to it."""
        contexts = self.sentences.contexts
        if len(contexts) <= 1:
            return list(range(1, len(contexts) + 1))
        if self.rules.marked:
            return list(marks)
        best: dict[int, float] = {}
        for item, own in zip(self.sentences.items, scores, strict=True):
            best[item.number] = max(own, best.get(item.number, own))
        whole = {n: self._whole_score(text, n, own) + MARKER_WEIGHT * (n in marks) for n, own in best.items()}
        top = max(whole.values(), default=0.0)
        least = top - MARKER_SLACK if top >= MIN_SCORE else 0.0
        kept = [n for n in whole if (n in marks and whole[n] >= least) or whole[n] == top >= MIN_SCORE]
        return sorted(kept, key=lambda n: -whole[n])

    def _whole_score(self, text: str, number: int, own: float) -> float:
        """Return the match score of a context, from its best sentence and all its terms and numbers."""
        paper = self.sentences.contexts[number - 1].paper
        terms, numbers = frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))
        found = frozenset(analyze(f"{paper.title or ''} {paper.text}"))
        return match_score(own, terms, found, numbers, set(number_values(paper.text, identifiers=True)))

    def _check(
        self, text: str, number: int, vector: Vectors, cosines: list[float], scores: list[float], first: bool
    ) -> Attribution:
        """Attribute the text to one context."""
        items = self.sentences.items
        rows = [i for i, item in enumerate(items) if item.number == number]
        if self._yes_no:  # what an abstract set out to ask is no answer
            rows = [i for i in rows if not only_asks(items[i].text)]
        if not rows:
            return _dropped("not supported")
        ranked = [rows[i] for i in best_matches([scores[i] for i in rows])]
        verdict = self._verify(text, number, ranked, vector)
        support = self._support(verdict, first)
        if support == "unsupported":
            return _dropped("not supported")
        quoted = quoted_items(text, self.question, items, rows, cosines, self._near_question)
        evidence = (ContextEvidence(number, items[i].start, items[i].end, cosines[i]) for i in quoted)
        return Attribution(tuple(evidence), support, verdict.score)

    def _verify(self, text: str, number: int, ranked: Sequence[int], vector: Vectors) -> Verdict:
        """Return the verdict on the text, without what it says of the authors."""
        paper = self.sentences.contexts[number - 1].paper
        known = f"{paper.title or ''}\n{without_planted(paper.text)}"
        if foreign := foreign_authors(text, paper, f"{known}\n{self.question}"):
            return Verdict("unsupported", 0.0, foreign, refuted=True)
        known = "\n".join([known, *paper.authors])
        whole_text, text = text, without_byline(text, paper)
        vector = vector if text == whole_text else self._embed(text)
        evidence = [self.sentences.items[i].text for i in ranked]
        rows = self.sentences.vectors[ranked]
        found = self.verifier.verify(text, evidence, vector=vector, vectors=rows, known=known)
        return self._with_proper_nouns(found, text, paper)

    def _with_proper_nouns(self, verdict: Verdict, text: str, paper: Paper) -> Verdict:
        """Count missing proper nouns as missing names; only English marks them with a capital."""
        if not (paper.language == detect_language(text) == "en"):
            return verdict
        missing = missing_proper_nouns(text, [paper.title or "", paper.text, *paper.authors, self.question])
        support = "weak" if missing and verdict.support == "supported" else verdict.support
        return replace(verdict, support=support, missing=verdict.missing + missing)

    def _support(self, verdict: Verdict, first: bool) -> Support:
        """Return the support under the rules of the reply."""
        if not self.rules.strict or verdict.refuted:
            return verdict.support
        if verdict.missing:
            return "unsupported"
        if verdict.support == "supported":
            return "supported"
        return "weak" if first and self.rules.first_may_be_weak else "unsupported"

    @cached_property
    def _yes_no(self) -> bool:
        return is_yes_no_question(self.question)

    @cached_property
    def _near_question(self) -> list[float]:
        """The cosine of each sentence with the question, embedded as a passage."""
        if not self.question:
            return [0.0] * len(self.sentences.items)
        near: list[float] = (self.sentences.vectors @ self._embed(self.question)).tolist()
        return near

    def _embed(self, text: str) -> Vectors:
        raw = self.sentences.embedder.embed_passages([text])
        vector: Vectors = self.sentences.alignment.apply(raw, detect_language(text), "passage")[0]
        return vector


def _dropped(reason: DropReason) -> Attribution:
    return Attribution((), "unsupported", 0.0, dropped=reason)
