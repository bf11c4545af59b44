"""Measure how well it is told whether an abstract supports a sentence, and fit the verifier that ships.

    python -m benchmarks.verification [--write]

Pairs: SciFact's claims_dev with each abstract a claim cites (SUPPORT, CONTRADICT or no evidence), and sentences of
papers of bilingual_arxiv/train in both languages against their own abstract and a near neighbour's, as they are and
with a number or a negation changed (`benchmarks.verification_data`). Ten folds, no abstract, claim or couple of papers
in two of them; every pair is scored by a model fitted on the other nine. Limits are chosen on those scores. Then the model
fitted on all is measured on couples that nothing was chosen by.

Intervals are 95 % bootstrap over groups. "P@R.9" is the precision
of the pairs above the score that keeps nine in ten supported ones. `--write` writes rag/data/verifier.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import rag
from benchmarks.sentence_vectors import KeptVectors
from benchmarks.verification_data import Pair, derived_pairs, scifact_pairs
from benchmarks.verification_fit import (
    Scores,
    choose_limits,
    cross_fit,
    fit_model,
    with_limits,
)
from benchmarks.verification_table import Mask, print_caught, print_ways
from rag.answering.verification.features import Findings, find_features, rank_evidence
from rag.answering.verification.polarity import turn_round
from rag.answering.verification.verifier import VerifierModel
from rag.embedding.alignment import Alignment, fitted_alignment
from rag.embedding.base import Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.factory import configured_embedder
from rag.settings import load_settings

# Couples to report on only: words were added to rag/answering/verification/polarity.py by looking at the others.
FRESH_SEED = 2
OUTPUT = Path(rag.__file__).parent / "data" / "verifier.json"


def main() -> None:
    """Measure, and write on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    arguments = parser.parse_args()
    embedder = configured_embedder(load_settings())
    pairs = scifact_pairs() + derived_pairs(embedder)
    vectors = KeptVectors(embedder, "verification")
    embed_all(vectors, pairs)
    alignment = fitted_alignment(embedder.name, embedder.digest).alignment
    claims = sorted({text for pair in pairs if not pair.derived for text in pair.abstract})
    scifact = alignment.for_corpus({"en": vectors.embed_passages(claims)})
    findings = [hold(p, vectors, alignment if p.derived else scifact) for p in pairs]
    scores = cross_fit(pairs, findings)
    model = with_chosen_limits(fit_model(pairs, findings), pairs, findings, scores)
    print_ways("features", pairs, scores)
    print_caught("features", pairs, verdicts(model, findings, scores))
    report_fresh(model, embedder, vectors, alignment, pairs)
    if arguments.write:
        OUTPUT.write_text(json.dumps(model.write(), indent=1) + "\n", encoding="utf-8")
        print(f"wrote {OUTPUT}")


def report_fresh(
    model: VerifierModel,
    embedder: LocalEmbedder,
    vectors: KeptVectors,
    alignment: Alignment,
    seen: Sequence[Pair],
) -> None:
    """Print the same for couples that neither the fit nor the word lists of `rag.answering.verification.polarity` have seen."""
    known = {pair.sentence for pair in seen}
    pairs = [p for p in derived_pairs(embedder, seed=FRESH_SEED) if p.sentence not in known]
    embed_all(vectors, pairs)
    findings = [hold(pair, vectors, alignment) for pair in pairs]
    scores = np.array([model.judge(f).score for f in findings])
    print_ways("on fresh couples", pairs, scores)
    print_caught("on fresh couples", pairs, verdicts(model, findings, scores))


def embed_all(vectors: KeptVectors, pairs: Sequence[Pair]) -> None:
    """Embed every text that features of the pairs need."""
    texts = (text for p in pairs for text in (p.sentence, turn_round(p.sentence), *p.abstract))
    vectors.add(text for text in texts if text)


def hold(pair: Pair, vectors: KeptVectors, alignment: Alignment) -> Findings:
    """Hold a pair's sentence against its abstract's best sentences."""

    def embed(texts: Sequence[str], language: str) -> Vectors:
        return alignment.apply(vectors.embed_passages(list(texts)), language, "passage")

    own, rows = embed([pair.sentence], pair.language)[0], embed(pair.abstract, pair.stored)
    opposite = turn_round(pair.sentence)
    turned = embed([opposite], pair.language)[0] if opposite else None
    best = rank_evidence(pair.sentence, pair.abstract, rows @ own)
    return find_features(pair.sentence, [pair.abstract[i] for i in best], own, turned, rows[best])


def with_chosen_limits(
    model: VerifierModel, pairs: Sequence[Pair], findings: Sequence[Findings], scores: Scores
) -> VerifierModel:
    """Return the model with limits for each case, chosen on cross-fitted scores."""
    cross = np.array([f.cross for f in findings])
    same, other = (choose_limits(subset(pairs, m), scores[m]) for m in (~cross, cross))
    return with_limits(model, same, other)


def verdicts(model: VerifierModel, findings: Sequence[Findings], scores: Scores) -> list[str]:
    """Return the verdict on each pair by its cross-fitted score."""
    limits = [(model.cross if f.cross else model.same).limits for f in findings]
    return [limit.judge(score, f) for limit, f, score in zip(limits, findings, scores, strict=True)]


def subset(pairs: Sequence[Pair], mask: Mask) -> list[Pair]:
    """Return the pairs where `mask` holds."""
    return [pair for pair, chosen in zip(pairs, mask, strict=True) if chosen]


if __name__ == "__main__":
    main()
