"""Measure how surely a number that is put to the wrong name is caught.

    python -m benchmarks.number_contexts [--each 250]

Sentences of bilingual_arxiv that state two shares or two decimals, held against their own abstract in either language: as
they are and with both numbers in each other's place ("swapped"), and with one number and what follows it taken out
("short"), as an answer takes what was asked for, its other number right or put in place of the right one ("short,
swapped"). Taking out is done by punctuation, so that some of the short ones say what the paper does not. The limits of
`rag.number_contexts` were chosen on train; dev is reported only. Shares caught, with Wilson 95 % intervals.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import Any

from benchmarks.fit_alignment import SEED
from benchmarks.parallel import ABSTRACTS, LANGUAGES, sample
from benchmarks.sentence_vectors import KeptVectors
from rag.align import Alignment, Vectors
from rag.alignments import fitted_alignment
from rag.answer_tables import Share
from rag.configure import configured_embedder
from rag.number_contexts import IN_ORDER, is_measured, misplaced_numbers, numbers_in_context
from rag.numbers import Number, find_numbers
from rag.schema import Language
from rag.sentences import sentence_texts
from rag.settings import load_settings

# Papers of a split to look through; 1 in 5 has such a sentence.
PAPERS = {"train": 5000, "dev": 500}
KINDS = ("as it is", "short", "swapped", "short, swapped")
_END = re.compile(r"[,;，；、。]|\.\s|\s(?:and|while|but)\s|以及|同时|并|和|而")


@dataclass(frozen=True)
class Case:
    """A sentence, the sentences of its abstract in `stored`, and what was done to it, one of `KINDS`."""

    sentence: str
    language: Language
    evidence: tuple[str, ...]
    stored: Language
    kind: str


def main() -> None:
    """Print a table for each split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=250, metavar="N", help="sentences a pair of languages")
    options = parser.parse_args()
    embedder = configured_embedder(load_settings())
    vectors = KeptVectors(embedder, "number-contexts")
    alignment = fitted_alignment(embedder.name, embedder.digest).alignment
    for split, papers in PAPERS.items():
        drawn = sample(split, papers, SEED)
        report(split, list(cases(drawn, options.each)), vectors, alignment)


def report(split: str, found: Sequence[Case], vectors: KeptVectors, alignment: Alignment) -> None:
    """Print what share of each kind is caught; of what is right, none should be."""
    texts = dict.fromkeys(text for case in found for text in (case.sentence, *case.evidence))
    vectors.add(number.context for text in texts for number in numbers_in_context(text))
    print(f"\n| {split} | {' | '.join(KINDS)} |\n|---|{'---|' * len(KINDS)}")
    for language in LANGUAGES:
        for stored in LANGUAGES:
            part = [case for case in found if (case.language, case.stored) == (language, stored)]
            cells = []
            for kind in KINDS:
                caught = [is_caught(case, vectors, alignment) for case in part if case.kind == kind]
                cells.append(str(Share(sum(caught), len(caught))))
            print(f"| {language}->{stored} | {' | '.join(cells)} |", flush=True)


def is_caught(case: Case, vectors: KeptVectors, alignment: Alignment) -> bool:
    """Return whether a number of the sentence is found to be said of something else."""

    def embed(language: Language, texts: Sequence[str]) -> Vectors:
        """Return aligned rows of texts in a language."""
        return alignment.apply(vectors.embed_passages(list(texts)), language, "passage")

    own, other = partial(embed, case.language), partial(embed, case.stored)
    cross = case.language != case.stored
    return bool(misplaced_numbers(case.sentence, case.evidence, own, other, cross=cross))


def cases(papers: Sequence[dict[str, Any]], each: int) -> Iterator[Case]:
    """Yield the cases of the papers, at most `each` of a kind for a pair of languages."""
    draw = random.Random(SEED)
    left = {(language, stored): each for language in LANGUAGES for stored in LANGUAGES}
    for paper in papers:
        abstracts = {language: sentence_texts(paper[ABSTRACTS[language]]) for language in LANGUAGES}
        # Machine-made Chinese abstracts are often summaries: a sentence has a counterpart for sure where both abstracts
        # have as many sentences.
        parallel = len(abstracts["en"]) == len(abstracts["zh"])
        for language in LANGUAGES:
            for sentence in abstracts[language]:
                made = changed(sentence, draw)
                for stored in LANGUAGES if made else ():
                    if (parallel or stored == language) and left[language, stored]:
                        left[language, stored] -= 1
                        for kind, text in zip(KINDS, made, strict=True):
                            yield Case(text, language, tuple(abstracts[stored]), stored, kind)


def changed(sentence: str, draw: random.Random) -> tuple[str, ...]:
    """Return the sentence in each of `KINDS`; none where it has no two numbers that can be told apart."""
    couples = [
        couple
        for couple in permutations(find_numbers(sentence), 2)
        if _comparable(sentence, *couple) and not IN_ORDER.search(sentence)
    ]
    if not couples:
        return ()
    kept, gone = draw.choice(couples)
    end = _gone_until(sentence, gone)
    first, second = sorted((kept, gone), key=lambda number: number.start)
    swapped = _swapped(sentence, first, second)
    short = sentence[: gone.start] + sentence[end:]
    start = kept.start if kept.start < gone.start else kept.start - (end - gone.start)
    wrong = short[:start] + sentence[gone.start : gone.end] + short[start + kept.end - kept.start :]
    return sentence, short, swapped, wrong


def _swapped(sentence: str, first: Number, second: Number) -> str:
    """Return the sentence with the two numbers, in reading order, in each other's place."""
    return (
        sentence[: first.start]
        + sentence[second.start : second.end]
        + sentence[first.end : second.start]
        + sentence[first.start : first.end]
        + sentence[second.end :]
    )


def _comparable(sentence: str, kept: Number, gone: Number) -> bool:
    first, second = sorted((kept, gone), key=lambda number: number.start)
    return (
        all(sentence[n.start].isdigit() for n in (kept, gone))
        and kept.unit == gone.unit
        and kept.value != gone.value
        and all(map(is_measured, (kept, gone)))
        and _END.search(sentence, first.end, second.start) is not None
        and not gone.start <= kept.start < _gone_until(sentence, gone)
    )


def _gone_until(sentence: str, gone: Number) -> int:
    end = _END.search(sentence, gone.end)
    return end.start() if end else len(sentence)


if __name__ == "__main__":
    main()
