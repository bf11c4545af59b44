"""Fit the verifier, which decides whether an abstract supports a sentence, and report how well it does.

    python -m training.verification [--write]

`training.verification_data` describes the pairs of sentence and abstract. Each pair is scored by ten-fold
cross-validation over groups, and the limits are chosen on these scores. The model fitted on all pairs is also
measured on new pairs. "P@R.9" is the precision at recall .9. Brackets are 95 % bootstrap intervals over
groups. `--write` writes rag/data/verifier-MODEL.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

import rag
from benchmarks.common import parser
from rag.answering.verification.features import (
    VerificationFeatures,
    best_matches,
    match_score,
    verification_features,
)
from rag.answering.verification.polarity import negate
from rag.answering.verification.verifier import VerifierModel
from rag.embedding.alignment import Alignment, shipped_alignment
from rag.embedding.base import Vectors
from rag.embedding.embedder import LocalEmbedder
from rag.factory import configured_embedder
from rag.settings import load_settings
from rag.text.analyzer import analyze
from rag.text.numbers import number_values
from training.sentence_vectors import KeptVectors
from training.verification_data import Pair, derived_pairs, scifact_pairs
from training.verification_fit import Scores, choose_limits, cross_fit, fit_model, model_json, with_limits
from training.verification_table import Mask, print_caught, print_ways

# Seed of pairs that are only reported; the word lists of rag.answering.verification.polarity were tuned on
# others.
FRESH_SEED = 2
OUTPUT = Path(rag.__file__).parent / "data"


def main() -> None:
    """Fit, report, and write on request."""
    command = parser(__doc__)
    command.add_argument("--write", action="store_true", help="write the file of the model")
    options = command.parse_args()
    embedder = configured_embedder(load_settings())
    pairs = scifact_pairs() + derived_pairs(embedder)
    vectors = KeptVectors(embedder, "verification")
    embed_all(vectors, pairs)
    alignment = shipped_alignment(embedder.name)
    claims = sorted({text for pair in pairs if not pair.derived for text in pair.abstract})
    scifact = alignment.for_corpus({"en": vectors.embed_passages(claims)})
    findings = [features_of(p, vectors, alignment if p.derived else scifact) for p in pairs]
    scores = cross_fit(pairs, findings)
    model = with_chosen_limits(fit_model(pairs, findings), pairs, findings, scores)
    print_ways("features", pairs, scores)
    print_caught("features", pairs, verdicts(model, findings, scores))
    report_fresh(model, embedder, vectors, alignment, pairs)
    if options.write:
        output = OUTPUT / f"verifier-{embedder.name}.json"
        output.write_text(json.dumps(model_json(model), indent=1) + "\n", encoding="utf-8")
        print(f"wrote {output}")


def report_fresh(
    model: VerifierModel,
    embedder: LocalEmbedder,
    vectors: KeptVectors,
    alignment: Alignment,
    seen: Sequence[Pair],
) -> None:
    """Print the same for pairs that neither the fit nor the word lists have seen."""
    known = {pair.sentence for pair in seen}
    pairs = [p for p in derived_pairs(embedder, seed=FRESH_SEED) if p.sentence not in known]
    embed_all(vectors, pairs)
    findings = [features_of(pair, vectors, alignment) for pair in pairs]
    scores = np.array([model.judge(f).score for f in findings])
    print_ways("on fresh couples", pairs, scores)
    print_caught("on fresh couples", pairs, verdicts(model, findings, scores))


def embed_all(vectors: KeptVectors, pairs: Sequence[Pair]) -> None:
    """Embed every text that the features need."""
    texts = (text for p in pairs for text in (p.sentence, negate(p.sentence), *p.abstract))
    vectors.add(text for text in texts if text)


def features_of(pair: Pair, vectors: KeptVectors, alignment: Alignment) -> VerificationFeatures:
    """Return the features of a pair's sentence with the best sentences of its abstract."""

    def embed(texts: Sequence[str], language: str) -> Vectors:
        return alignment.apply(vectors.embed_passages(list(texts)), language, "passage")

    own, rows = embed([pair.sentence], pair.language)[0], embed(pair.abstract, pair.stored)
    opposite = negate(pair.sentence)
    negated = embed([opposite], pair.language)[0] if opposite else None
    terms, numbers = index_of(pair.sentence)
    found = [index_of(text) for text in pair.abstract]
    cosines = zip(rows @ own, found, strict=True)
    best = best_matches([match_score(cosine, terms, t, numbers, n) for cosine, (t, n) in cosines])
    return verification_features(pair.sentence, [pair.abstract[i] for i in best], own, negated, rows[best])


def index_of(text: str) -> tuple[frozenset[str], frozenset[Decimal]]:
    """Return the index terms and the number values of a text."""
    return frozenset(analyze(text)), frozenset(number_values(text, identifiers=True))


def with_chosen_limits(
    model: VerifierModel, pairs: Sequence[Pair], findings: Sequence[VerificationFeatures], scores: Scores
) -> VerifierModel:
    """Return the model with limits for both cases, chosen on cross-validated scores."""
    cross = np.array([f.cross for f in findings])
    same, other = (choose_limits(subset(pairs, m), scores[m]) for m in (~cross, cross))
    return with_limits(model, same, other)


def verdicts(model: VerifierModel, findings: Sequence[VerificationFeatures], scores: Scores) -> list[str]:
    """Return the verdict on each pair by its score."""
    limits = [(model.cross if f.cross else model.same).limits for f in findings]
    return [limit.judge(score, f) for limit, f, score in zip(limits, findings, scores, strict=True)]


def subset(pairs: Sequence[Pair], mask: Mask) -> list[Pair]:
    """Return the pairs where `mask` holds."""
    return [pair for pair, chosen in zip(pairs, mask, strict=True) if chosen]


if __name__ == "__main__":
    main()
