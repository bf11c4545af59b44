"""Measure three ways to tell whether an abstract supports a sentence, and fit the verifier that ships.

    python -m benchmarks.verification [--llm] [--write]

Pairs: SciFact's claims_dev with each abstract a claim cites (SUPPORT, CONTRADICT or no evidence), and sentences of
papers of bilingual_arxiv/train in both languages against their own abstract and a near neighbour's, as they are and
with a number or a negation changed (`benchmarks.verification_data`). Ten folds, no abstract, claim or couple of papers
in two of them; every pair is scored by a model fitted on the other nine. Limits are chosen on those scores.

(a) features under logistic regressions, `rag.verify`; (b) the language model's yes, `rag.verify_llm`, asked for with
`--llm SECONDS` (what it answers in so long is kept in the cache for the next run); (c) both, added as log odds. All
three are measured on the pairs that (b) was asked about. Intervals are 95 % bootstrap over groups. "P@R.9" is the precision
of the pairs above the score that keeps nine in ten supported ones. `--write` writes rag/data/verifier.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import rag
from benchmarks.sentence_vectors import KeptVectors
from benchmarks.verification_data import Pair, derived_pairs, scifact_pairs
from benchmarks.verification_fit import (
    Scores,
    choose_limits,
    cross_combine,
    cross_fit,
    fit_combination,
    fit_model,
    with_limits,
)
from benchmarks.verification_llm import ask_all
from rag.align import Alignment, Vectors
from rag.alignments import fitted_alignment
from rag.configure import configured_embedder
from rag.polarity import turn_round
from rag.settings import load_settings
from rag.verify import VerifierModel
from rag.verify_features import Findings, find_features, rank_evidence

RESAMPLES = 1000
OUTPUT = Path(rag.__file__).parent / "data" / "verifier.json"
Mask = NDArray[np.bool_]


def main() -> None:
    """Measure, and write on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", type=float, metavar="SECONDS", help="measure (b) and (c) too")
    parser.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    arguments = parser.parse_args()
    embedder = configured_embedder(load_settings())
    pairs = scifact_pairs() + derived_pairs(embedder)
    vectors = KeptVectors(embedder, "verification")
    vectors.add(
        text for pair in pairs for text in (pair.sentence, turn_round(pair.sentence), *pair.abstract) if text
    )
    alignment = fitted_alignment(embedder.name, embedder.digest).alignment
    claims = sorted({text for pair in pairs if not pair.derived for text in pair.abstract})
    scifact = alignment.for_corpus({"en": vectors.embed_passages(claims)})
    found = [hold(p, vectors, alignment if p.derived else scifact) for p in pairs]
    findings, evidence = [f for f, _ in found], [e for _, e in found]
    scores = cross_fit(pairs, findings)
    model = with_chosen_limits(fit_model(pairs, findings), pairs, findings, scores)
    print_ways("(a) features", pairs, scores)
    print_caught("(a) features", pairs, verdicts(model, findings, scores))
    if arguments.llm is not None:
        model = measure_llm(model, pairs, findings, scores, ask_all(pairs, evidence, arguments.llm))
    if arguments.write:
        OUTPUT.write_text(json.dumps(model.write(), indent=1) + "\n", encoding="utf-8")
        print(f"wrote {OUTPUT}")


def hold(pair: Pair, vectors: KeptVectors, alignment: Alignment) -> tuple[Findings, tuple[str, ...]]:
    """Hold a pair's sentence against its abstract's best sentences; return these too, in their order."""

    def embed(texts: Sequence[str], language: str) -> Vectors:
        return alignment.apply(vectors.embed_passages(list(texts)), language, "passage")

    own, rows = embed([pair.sentence], pair.language)[0], embed(pair.abstract, pair.stored)
    opposite = turn_round(pair.sentence)
    turned = embed([opposite], pair.language)[0] if opposite else None
    best = rank_evidence(pair.sentence, pair.abstract, rows @ own)
    findings = find_features(pair.sentence, [pair.abstract[i] for i in best], own, turned, rows[best])
    return findings, tuple(pair.abstract[i] for i in sorted(best))


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


def measure_llm(
    model: VerifierModel,
    pairs: Sequence[Pair],
    findings: Sequence[Findings],
    scores: Scores,
    asked: dict[int, float],
) -> VerifierModel:
    """Print (a), (b) and (c) on the pairs that the language model was asked about; return the model with (c)."""
    chosen = np.array(sorted(asked))
    pairs, findings = [pairs[i] for i in chosen], [findings[i] for i in chosen]
    plain, yes = scores[chosen], np.array([asked[i] for i in chosen])
    both = cross_combine(pairs, plain, yes)
    weights = fit_combination(plain, yes, np.array([p.supported for p in pairs]))
    model = replace(model, combination=replace(weights, limits=choose_limits(pairs, both)))
    for name, values in (("(a) features", plain), ("(b) language model", yes), ("(c) both", both)):
        print_ways(f"{name}, pairs asked", pairs, values)
        limit = choose_limits(pairs, values)
        print_caught(
            name,
            pairs,
            [limit.judge(v, f) for v, f in zip(values, findings, strict=True)],
        )
    return model


def print_ways(title: str, pairs: Sequence[Pair], scores: Scores) -> None:
    """Print AUC and precision at recall .9 for SciFact and for each pair of languages."""
    kinds = np.array([p.kind for p in pairs])
    ways = np.array([p.way for p in pairs])
    rows = [
        (f"SciFact SUPPORT/{other}", kinds == "SUPPORT", kinds == other) for other in ("NONE", "CONTRADICT")
    ]
    for way in ("en->en", "zh->zh", "en->zh", "zh->en"):
        for other in ("neighbour", "negation", "number", "name"):
            here = ways == way
            rows.append((f"own/{other} {way}", here & (kinds == "own"), here & (kinds == other)))
    print(f"\n{title:<42} {'n':>9}  {'AUC':<20}  P@R.9")
    groups = [p.group for p in pairs]
    for name, positive, negative in rows:
        if positive.any() and negative.any():
            curve, precision = (
                spread(groups, positive, negative, lambda p, n, f=f: f(scores[p], scores[n]))
                for f in (area, precision_at)
            )
            print(f"{name:<42} {positive.sum():>4}/{negative.sum():<4}  {curve:<20}  {precision}")


def print_caught(title: str, pairs: Sequence[Pair], given: Sequence[str]) -> None:
    """Print which share of each kind of pair is dropped ("unsupported") and which is shown as "supported"."""
    kinds, verdict = np.array([p.kind for p in pairs]), np.array(given)
    cross = np.array([p.language != p.stored for p in pairs])
    print(f"\n{title:<42} {'n':>9}  {'dropped':<20}  shown as supported")
    groups = [p.group for p in pairs]
    for kind in ("own", "number", "name", "negation", "neighbour", "SUPPORT", "CONTRADICT", "NONE"):
        for case, where in (("same language", ~cross), ("other language", cross)):
            chosen = (kinds == kind) & where
            if chosen.any():
                shares = [
                    spread(groups, chosen, None, lambda p, _, w=word: float((verdict[p] == w).mean()))
                    for word in ("unsupported", "supported")
                ]
                print(f"{kind + ', ' + case:<42} {chosen.sum():>9}  {shares[0]:<20}  {shares[1]}")


def area(positive: Scores, negative: Scores) -> float:
    """Return the AUC: how often a positive scores above a negative, ties counting half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def precision_at(positive: Scores, negative: Scores, recall: float = 0.9) -> float:
    """Return the precision at the highest score that keeps `recall` of the positives."""
    limit = np.quantile(positive, 1 - recall, method="lower")
    right, wrong = (positive >= limit).sum(), (negative >= limit).sum()
    return float(right / (right + wrong))


def spread(
    groups: Sequence[str],
    positive: Mask,
    negative: Mask | None,
    statistic: Callable[[NDArray[np.int64], NDArray[np.int64]], float],
) -> str:
    """Return a statistic of two sets of indices with its 95 % interval over resampled groups."""
    members: dict[str, tuple[list[int], list[int]]] = {}
    for side, mask in enumerate((positive, negative)):
        for i in np.flatnonzero(mask) if mask is not None else ():
            members.setdefault(groups[i], ([], []))[side].append(int(i))
    blocks = [(np.array(p, dtype=int), np.array(n, dtype=int)) for p, n in members.values()]
    draw, values = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        chosen = [blocks[i] for i in draw.integers(len(blocks), size=len(blocks))]
        p, n = (np.concatenate([block[side] for block in chosen]) for side in (0, 1))
        if len(p) and (negative is None or len(n)):
            values.append(statistic(p, n))
    low, high = np.quantile(values, (0.025, 0.975))
    point = statistic(
        np.flatnonzero(positive), np.flatnonzero(negative) if negative is not None else np.array([])
    )
    return f"{point:.3f} [{low:.3f}, {high:.3f}]"


def subset(pairs: Sequence[Pair], mask: Mask) -> list[Pair]:
    """Return the pairs where `mask` holds."""
    return [pair for pair, chosen in zip(pairs, mask, strict=True) if chosen]


if __name__ == "__main__":
    main()
