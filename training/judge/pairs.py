"""Pairs of evidence and sentence made from papers, with the labels known from how each was made.

Evidence is what the judge reads in use: the sentences of one abstract that are nearest to the sentence, in
reading order. A changed sentence contradicts its abstract. To keep the judge from knowing changed sentences
by their style, a third of the changes is made in the evidence instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag.embedding.base import Vectors
from rag.schema import Language
from rag.text.numbers import number_values
from training.judge import changes
from training.verification_data import SHORTEST, first_part, shorten

Task = Literal["support", "answers"]
# Classes of the head for support. BINARY says no more than that the evidence does not support the sentence.
SUPPORTED, NOT_TOLD, CONTRADICTED, BINARY = 0, 1, 2, -1
# Classes of the head for answers.
UNANSWERED, ANSWERED = 0, 1
NEAREST = 3
# Characters of the longest evidence.
LONGEST: dict[Language, int] = {"en": 1400, "zh": 520}
# Sentences of evidence, drawn for each pair; ALL is a whole abstract, as far as it fits.
ALL = 14
COUNTS = (1, 2, 2, 3, 3, ALL)
# Cosine to the nearest sentence below which a translation is taken to be left out of the other abstract.
_TRANSLATED = 0.56
# How often each change is made where it can be; two numbers, since few abstracts have more than one.
_CHANGES = (
    ("number_same", 1.0), ("number_same", 1.0), ("number_new", 0.25),
    ("turned", 0.6), ("swapped", 1.0), ("renamed", 0.4),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Evidence and a sentence, or an abstract and a question. `kind` says how the pair was made.

    Where a pair for support has a `question`, the sentence has to be supported as an answer to it.
    """

    task: Task
    evidence: str
    sentence: str
    label: int
    kind: str
    way: str
    question: str = ""


@dataclass(frozen=True)
class Paper:
    """The sentences of one abstract and their vectors (n, d), by language."""

    title: str
    sentences: dict[Language, list[str]]
    vectors: dict[Language, Vectors]

    @property
    def parallel(self) -> bool:
        """Return whether the abstracts have as many sentences, so that nothing was left out."""
        return len({len(texts) for texts in self.sentences.values()}) == 1


def nearest(vector: Vectors, paper: Paper, stored: Language, count: int = NEAREST) -> list[int]:
    """Return the positions of the sentences nearest to a vector, in reading order."""
    order = np.argsort(-(paper.vectors[stored] @ vector), kind="stable")
    return sorted(int(i) for i in order[:count])


def join(texts: Sequence[str], language: Language) -> str:
    """Return sentences as running text."""
    return (" " if language == "en" else "").join(texts)


class PairMaker:
    """Makes pairs from papers; the papers after one another should be unrelated, its neighbours are given."""

    def __init__(
        self, papers: Sequence[Paper], neighbours: Sequence[int], seed: int, same: float = 1.0
    ) -> None:
        """`neighbours[i]` is the paper most like paper i; `same` the share of sentences in one language."""
        self._same = same
        self._papers = papers
        self._neighbours = neighbours
        self._draw = random.Random(seed)

    def pairs(self, index: int, claims: int = 2) -> Iterator[Pair]:
        """Yield pairs from `claims` sentences of a paper in each direction that it allows."""
        paper = self._papers[index]
        for language in paper.sentences:
            for position in self._positions(paper, language, claims):
                for stored in paper.sentences:
                    if stored != language or self._draw.random() < self._same:
                        yield from self._directed(index, position, language, stored)

    def _positions(self, paper: Paper, language: Language, count: int) -> list[int]:
        """Draw sentences, those with numbers first in six of ten papers, since numbers are scarce."""
        texts = paper.sentences[language]
        whole = [i for i, text in enumerate(texts) if len(text) >= SHORTEST[language]]
        self._draw.shuffle(whole)
        if self._draw.random() < 0.6:
            whole.sort(key=lambda i: not any(c.isdigit() for c in texts[i]))
        return whole[:count]

    def _directed(self, index: int, position: int, language: Language, stored: Language) -> Iterator[Pair]:
        paper, draw = self._papers[index], self._draw
        way = f"{language}->{stored}"
        vector = paper.vectors[language][position]
        whole = text = shorten(paper.sentences[language][position], language)
        if draw.random() < 0.2:
            text = first_part(text, language) or text
        near = nearest(vector, paper, stored, draw.choice(COUNTS))
        best = int(np.argmax(paper.vectors[stored] @ vector))
        if language != stored and not self._told(paper, position, vector, stored, near):
            if draw.random() < 0.2:
                yield from self._elsewhere(index, text, vector, stored, way)
            return
        evidence = self._evidence(paper, near, stored)
        yield Pair("support", evidence, text, SUPPORTED, "own", way)
        complete = text == whole and (paper.parallel or language == stored)
        yield from self._changed(paper, text, near, best if complete else None, language, stored, way)
        if draw.random() < 0.35:
            yield self._apart(paper, text, vector, best, stored, way)
        if draw.random() < 0.25:
            yield from self._elsewhere(index, text, vector, stored, way)
        if draw.random() < 0.25:
            yield from self._joint(index, position, text, language, stored, way)

    def _told(
        self, paper: Paper, position: int, vector: Vectors, stored: Language, near: Sequence[int]
    ) -> bool:
        """Return whether the evidence in the other language can be taken to hold the sentence."""
        if paper.parallel:
            return position in near
        return float((paper.vectors[stored] @ vector).max()) >= _TRANSLATED

    def _evidence(self, paper: Paper, positions: Sequence[int], stored: Language) -> str:
        texts = [paper.sentences[stored][i] for i in positions]
        if self._draw.random() < 0.3:
            texts.insert(0, paper.title)
        return join(texts, stored)

    def _changed(
        self,
        paper: Paper,
        text: str,
        near: Sequence[int],
        best: int | None,
        language: Language,
        stored: Language,
        way: str,
    ) -> Iterator[Pair]:
        """Yield the changes that the sentence allows; `best` is the evidence that may be changed instead."""
        draw = self._draw
        everything = [s for texts in paper.sentences.values() for s in texts]
        makers: dict[str, Callable[[str, Language], str | None]] = {
            "number_same": lambda s, _: changes.another_number(s, everything, draw),
            "number_new": lambda s, _: changes.new_number(s, everything, draw),
            "turned": lambda s, la: changes.turned(s, la, draw),
            "swapped": lambda s, _: changes.swapped(s, draw),
            "renamed": lambda s, _: changes.renamed(s, changes.names(everything), draw),
        }
        for kind, rate in _CHANGES:
            if draw.random() >= rate:
                continue
            make = makers[kind]
            label = BINARY if kind == "renamed" else CONTRADICTED
            if best is not None and draw.random() < 0.33:
                changed = make(paper.sentences[stored][best], stored)
                if changed is not None and (
                    kind in ("turned", "swapped") or _lost(text, paper.sentences[stored][best], changed)
                ):
                    texts = [changed if i == best else paper.sentences[stored][i] for i in near]
                    yield Pair("support", join(texts, stored), text, label, kind, way)
            elif (changed := make(text, language)) is not None:
                yield Pair("support", self._evidence(paper, near, stored), changed, label, kind, way)

    def _apart(self, paper: Paper, text: str, vector: Vectors, best: int, stored: Language, way: str) -> Pair:
        """Return the sentence with other sentences of its own abstract."""
        order = [int(i) for i in np.argsort(-(paper.vectors[stored] @ vector), kind="stable")]
        rest = sorted(i for i in order if i != best)
        if self._draw.random() < 0.7:
            rest = [i for i in rest if i in order[2 : 2 + NEAREST]] or rest[:NEAREST]
        return Pair("support", self._evidence(paper, rest, stored), text, NOT_TOLD, "apart", way)

    def _elsewhere(
        self, index: int, text: str, vector: Vectors, stored: Language, way: str
    ) -> Iterator[Pair]:
        """Yield the sentence with the nearest sentences of another paper."""
        other = self._papers[self._neighbours[index]]
        near = nearest(vector, other, stored, self._draw.choice(COUNTS))
        yield Pair("support", self._evidence(other, near, stored), text, NOT_TOLD, "elsewhere", way)

    def _joint(
        self, index: int, position: int, text: str, language: Language, stored: Language, way: str
    ) -> Iterator[Pair]:
        """Yield the sentence joined with one of another paper, and with another one of its own."""
        paper, other, draw = self._papers[index], self._papers[self._neighbours[index]], self._draw
        own = [i for i in range(len(paper.sentences[language])) if i != position]
        if not own or not paper.parallel:
            return
        foreign = shorten(draw.choice(other.sentences[language]), language)
        second = draw.choice(own)
        vectors = paper.vectors[language]
        near = set(nearest(vectors[position], paper, stored, 2)) | set(
            nearest(vectors[second], paper, stored, 2)
        )
        parts = [text, shorten(paper.sentences[language][second], language)]
        draw.shuffle(parts)
        mixed = [text, foreign]
        draw.shuffle(mixed)
        evidence = self._evidence(paper, sorted(near), stored)
        yield Pair("support", evidence, changes.joined(*parts, language, draw), SUPPORTED, "both", way)
        yield Pair("support", evidence, changes.joined(*mixed, language, draw), BINARY, "joined", way)


def _lost(claim: str, before: str, after: str) -> bool:
    """Return whether a change of the evidence took away a number or a name that the claim has."""
    numbers = set(number_values(claim)) & set(number_values(before)) - set(number_values(after))
    named = [set(changes.names([text])) for text in (claim, before, after)]
    return bool(numbers or named[0] & named[1] - named[2])
