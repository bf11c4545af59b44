"""Attribution: which retrieved abstracts, and which sentences of them, a sentence of an answer rests on.

A small model writes right sentences under wrong numbers. So its markers are one signal only; the others are aligned
embeddings, which work across languages, shared index terms, and numbers compared by value. Then the sentence is held
against the abstract (`rag.answering.verification.verifier`), and what the abstract does not support is dropped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

from rag.answering.citing.quotes import is_bare, quoted_items
from rag.answering.citing.repetition import is_bare_yes_no, only_repeats
from rag.answering.citing.results import only_asks
from rag.answering.context import ContextSentences
from rag.answering.question import is_yes_no_question
from rag.answering.verification.facts import missing_proper_nouns
from rag.answering.verification.features import REPEATED, best_matches, match_score, repeated
from rag.answering.verification.verifier import Verdict
from rag.embedding.base import Vectors
from rag.schema import Paper, Sentence, Support
from rag.text.analyzer import analyze
from rag.text.injection import without_planted
from rag.text.language import detect_language
from rag.text.numbers import number_values

# Added to the score of a context that the model's marker names; cosine units.
MARKER_WEIGHT = 0.2
# How far below the best context a marked one may lie and stay cited; cosine units, higher cites more.
MARKER_SLACK = 0.05
# A sentence that matches nothing this well ("Yes.") is left to the model's markers.
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
    """What a sentence rests on: sentences of one or more contexts, the best of each first, and whether they support it.

    A sentence is dropped where there is a reason to, and then `evidence` is empty. With `quoted` the evidence is shown in
    the sentence's place.
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
    """What the sentences of one reply are held to.

    Attributes:
        marked: a sentence rests on the contexts that its markers name, as where each was read by itself.
        allow_yes_no: a bare yes or no may stand though the abstract does not say it in those words.
        prefer_quotes: the abstract's own sentence takes the place of a bare name or number, and of any answer to a
            yes-or-no question.
        strict: a name that the abstract lacks drops the sentence.
        first_may_be_weak: with `strict`, the first sentence is shown as "weak" where nothing refutes it.
    """

    marked: bool = False
    allow_yes_no: bool = True
    prefer_quotes: bool = False
    strict: bool = False
    first_may_be_weak: bool = True


class SentenceVerifier(Protocol):
    """What attribution needs of a verifier; `rag.answering.verification.verifier.Verifier` is one."""

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str
    ) -> Verdict:
        """Return whether the evidence supports the sentence."""


class Attributor:
    """Attributes the sentences of one answer to the sentences of its contexts; it keeps no state between them."""

    def __init__(
        self,
        sentences: ContextSentences,
        verifier: SentenceVerifier,
        question: str = "",
        rules: ReplyRules | None = None,
    ) -> None:
        """Prepare for one answer to `question`; nothing is embedded yet."""
        self._sentences = sentences
        self._verifier = verifier
        self._question = question
        self._yes_no = is_yes_no_question(question)
        self._rules = rules or ReplyRules()

    def attribute(self, text: str, marks: Sequence[int] = (), *, first: bool = False) -> Attribution:
        """Return what the sentence `text` rests on.

        Candidates are the context that matches best, and those of the model's `marks` (1-based) within `MARKER_SLACK`
        of it. A candidate is kept when the verifier does not find the text unsupported by it.

        Args:
            text: one sentence, without markers.
            marks: the contexts that its markers name.
            first: whether no sentence of the reply has been shown yet.
        """
        if only_repeats(text, self._question):
            return _dropped("repeats the question")
        if not self._rules.allow_yes_no and is_bare_yes_no(text, self._question) and not self._states(text):
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
        quoted = self._rules.prefer_quotes and (self._yes_no or (first and is_bare(text, self._question)))
        return Attribution(evidence, kept[0].support, kept[0].score, quoted)

    def check_translation(self, text: str, sentence: Sentence) -> Sentence | None:
        """Return `sentence` in the words of `text`, its translation; None where it does not say the same."""
        if only_repeats(text, self._question) or (
            not self._rules.allow_yes_no and is_bare_yes_no(text, self._question)
        ):
            return None
        row = self._embed(sentence.text)[None]
        known = "\n".join([self._question, *(item.quote for item in sentence.evidence)])
        verdict = self._verifier.verify(
            text, [sentence.text], vector=self._embed(text), vectors=row, known=known
        )
        if verdict.support == "unsupported":
            return None
        return replace(sentence, text=text, score=min(sentence.score, verdict.score))

    def _states(self, text: str) -> bool:
        """Return whether a sentence of the contexts says a text in nearly its words, and does not only ask it."""
        told = [item.text for item in self._sentences.items if not only_asks(item.text)]
        found = (repeated(text, each) for each in told)
        return any(share >= REPEATED and not edited for share, edited in found)

    def _match(self, text: str, vector: Vectors) -> tuple[list[float], list[float]]:
        """Return for each sentence of the contexts its cosine with a text, and its match score."""
        cosines: list[float] = (self._sentences.vectors @ vector).tolist()
        terms, numbers = frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))
        return cosines, [
            match_score(cosine, terms, item.terms, numbers, item.numbers)
            for item, cosine in zip(self._sentences.items, cosines, strict=True)
        ]

    def _candidates(self, text: str, marks: Sequence[int], scores: Sequence[float]) -> list[int]:
        """Return the contexts that a text may rest on, best first."""
        contexts = self._sentences.contexts
        if len(contexts) <= 1:
            return list(range(1, len(contexts) + 1))
        if self._rules.marked:
            return list(marks)
        best: dict[int, float] = {}
        for item, own in zip(self._sentences.items, scores, strict=True):
            best[item.number] = max(own, best.get(item.number, own))
        whole = {n: self._whole_score(text, n, own) + MARKER_WEIGHT * (n in marks) for n, own in best.items()}
        top = max(whole.values(), default=0.0)
        least = top - MARKER_SLACK if top >= MIN_SCORE else 0.0
        kept = [n for n in whole if (n in marks and whole[n] >= least) or whole[n] == top >= MIN_SCORE]
        return sorted(kept, key=lambda n: -whole[n])

    def _whole_score(self, text: str, number: int, own: float) -> float:
        """Return the match score of a context: that of its best sentence, and the terms and numbers of all of it."""
        paper = self._sentences.contexts[number - 1].paper
        terms, numbers = frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))
        found = frozenset(analyze(f"{paper.title or ''} {paper.text}"))
        return match_score(own, terms, found, numbers, set(number_values(paper.text, identifiers=True)))

    def _check(
        self,
        text: str,
        number: int,
        vector: Vectors,
        cosines: Sequence[float],
        scores: Sequence[float],
        first: bool,
    ) -> Attribution:
        """Hold the text against one context."""
        items = self._sentences.items
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
        quoted = quoted_items(text, self._question, items, rows, cosines, self._near_question)
        evidence = (ContextEvidence(number, items[i].start, items[i].end, cosines[i]) for i in quoted)
        return Attribution(tuple(evidence), support, verdict.score)

    def _verify(self, text: str, number: int, ranked: Sequence[int], vector: Vectors) -> Verdict:
        """Return the verdict on the text; one that says too little alone may be weakly supported with its question."""
        paper = self._sentences.contexts[number - 1].paper
        evidence = [self._sentences.items[i].text for i in ranked]
        rows, known = self._sentences.vectors[ranked], f"{paper.title or ''}\n{without_planted(paper.text)}"
        verdict = self._verifier.verify(text, evidence, vector=vector, vectors=rows, known=known)
        if verdict.support == "unsupported" and not verdict.refuted and self._question:
            claim = f"{self._question} {text}"
            whole = self._verifier.verify(
                claim, evidence, vector=self._embed(claim), vectors=rows, known=known
            )
            if not whole.refuted:  # what the question says wrongly is not what the sentence says
                support: Support = "unsupported" if whole.support == "unsupported" else "weak"
                verdict = max(verdict, replace(whole, support=support), key=lambda found: found.score)
        return self._named(verdict, text, paper)

    def _named(self, verdict: Verdict, text: str, paper: Paper) -> Verdict:
        """Count missing proper nouns among the missing names; only English tells them by a capital."""
        if not (paper.language == detect_language(text) == "en"):
            return verdict
        strange = missing_proper_nouns(text, [paper.title or "", paper.text, self._question])
        support = "weak" if strange and verdict.support == "supported" else verdict.support
        return replace(verdict, support=support, missing=verdict.missing + strange)

    def _support(self, verdict: Verdict, first: bool) -> Support:
        """Return the support that counts under the rules of the reply."""
        if not self._rules.strict or verdict.refuted:
            return verdict.support
        if verdict.missing:
            return "unsupported"
        if verdict.support == "supported":
            return "supported"
        return "weak" if first and self._rules.first_may_be_weak else "unsupported"

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


def _dropped(reason: DropReason) -> Attribution:
    return Attribution((), "unsupported", 0.0, dropped=reason)
