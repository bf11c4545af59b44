"""The metrics against trec_eval (through ir_measures), scipy and numbers worked out by hand."""

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rag.evaluation.metrics import (
    RANKING_MEASURES,
    bootstrap_intervals,
    macro_f1,
    mcnemar,
    ndcg_at_k,
    recall_at_k,
    reciprocal_rank,
    risk_coverage,
    wilson_interval,
)

documents = st.lists(st.sampled_from("abcdefghijkl"), unique=True, min_size=1)
judgements = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 3), min_size=1)


def trec(measure, ranking, gains):
    qrels = [ir_measures.Qrel("q", document, gain) for document, gain in gains.items()]
    run = [ir_measures.ScoredDoc("q", document, -float(rank)) for rank, document in enumerate(ranking)]
    return ir_measures.calc_aggregate([measure], qrels, run)[measure]


@given(documents, judgements, st.sampled_from([1, 3, 10]))
def test_ranking_metrics_equal_trec_eval(ranking, gains, k):
    relevant = {document for document, gain in gains.items() if gain > 0}
    if not relevant:
        assert recall_at_k(ranking, relevant, k) is None
        assert reciprocal_rank(ranking, relevant) is None
        assert ndcg_at_k(ranking, gains, k) is None
        return
    assert recall_at_k(ranking, relevant, k) == pytest.approx(trec(ir_measures.R @ k, ranking, gains))
    assert reciprocal_rank(ranking, relevant) == pytest.approx(trec(ir_measures.RR, ranking, gains))
    assert ndcg_at_k(ranking, gains, k) == pytest.approx(trec(ir_measures.nDCG @ k, ranking, gains))


@given(documents, judgements)
def test_every_measure_of_an_evaluation_equals_trec_eval(ranking, gains):
    gains = {document: gain for document, gain in gains.items() if gain > 0}
    if not gains:
        assert {measure(ranking, gains) for measure in RANKING_MEASURES.values()} == {None}
        return
    names = {f"R@{k}": ir_measures.R @ k for k in (1, 3, 10, 100)}
    names |= {"nDCG@10": ir_measures.nDCG @ 10, "MRR@10": ir_measures.RR @ 10}
    assert set(names) == set(RANKING_MEASURES)
    for name, measure in RANKING_MEASURES.items():
        assert measure(ranking, gains) == pytest.approx(trec(names[name], ranking, gains)), name


def test_reciprocal_rank_stops_at_k():
    assert reciprocal_rank(["x", "a"], {"a"}, 1) == 0.0
    assert reciprocal_rank(["x", "a"], {"a"}, 2) == 0.5
    with pytest.raises(ValueError, match="at least 1"):
        reciprocal_rank(["a"], {"a"}, 0)


def test_ranking_metrics_by_hand():
    assert recall_at_k(["x", "a", "y", "b"], {"a", "b"}, 3) == 0.5
    assert reciprocal_rank(["x", "a", "y", "b"], {"a", "b"}) == 0.5
    assert reciprocal_rank(["x"], {"a"}) == 0.0
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_at_k(["x", "a", "y", "b"], {"a": 1, "b": 1}, 3) == pytest.approx(1 / math.log2(3) / ideal)


def test_negative_gains_count_as_none():
    assert ndcg_at_k(["a", "b"], {"a": -1.0, "b": 1.0}, 2) == pytest.approx(1 / math.log2(3))


@pytest.mark.parametrize("k", [0, -1])
def test_cutoff_below_one_is_refused(k):
    with pytest.raises(ValueError, match="at least 1"):
        recall_at_k(["a"], {"a"}, k)
    with pytest.raises(ValueError, match="at least 1"):
        ndcg_at_k(["a"], {"a": 1}, k)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(counts):
    successes, trials = counts
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_without_trials_is_not_scored():
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="between 0 and 3"):
        wilson_interval(4, 3)


def one(values, *arguments, **options):
    return bootstrap_intervals(np.asarray(values, dtype=float)[:, None], *arguments, **options)[0]


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_equals_scipy(gained, lost):
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(gained, lost) == mcnemar(lost, gained)
    assert 0 < mcnemar(gained, lost) <= 1


def test_mcnemar_by_hand():
    assert mcnemar(0, 0) == mcnemar(1, 0) == mcnemar(3, 3) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 2**6)
    assert mcnemar(7, 1) == pytest.approx(2 * 9 / 2**8)
    for counts in ((-1, 2), (2, -1)):
        with pytest.raises(ValueError, match="negative"):
            mcnemar(*counts)


def test_bootstrap_is_close_to_scipy():
    values = [float(value) for value in np.random.default_rng(7).normal(2, 1, 80)]
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert one(values, resamples=10_000) == pytest.approx((reference.low, reference.high), abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_bootstrap_is_repeatable_and_inside_the_values(values):
    low, high = one(values, resamples=50)
    assert (low, high) == one(values, resamples=50)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_columns_are_resampled_together():
    values = np.random.default_rng(3).random((40, 2))
    together = bootstrap_intervals(np.column_stack([values, values[:, 0] - values[:, 1]]))
    assert together[0] == pytest.approx(one(values[:, 0].tolist()))
    # Paired: two columns that differ by a constant have a difference without any spread.
    (shifted,) = bootstrap_intervals((values[:, :1] + 0.5) - values[:, :1])
    assert shifted == pytest.approx((0.5, 0.5))
    reference = stats.bootstrap(
        (values[:, 0], values[:, 1]), lambda a, b: np.mean(a) - np.mean(b), paired=True, vectorized=False,
        n_resamples=4000, method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert together[2] == pytest.approx((reference.low, reference.high), abs=0.02)
    with pytest.raises(ValueError, match="no rows"):
        bootstrap_intervals(np.empty((0, 1)))


def test_macro_f1_by_hand():
    # yes: 1 hit of 2 wanted and 2 given, F1 1/2; no: 1 hit of 2 and 1, F1 2/3; maybe: never given, F1 0.
    pairs = [("yes", "yes"), ("yes", "maybe"), ("no", "no"), ("no", "yes")]
    assert macro_f1(pairs) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert macro_f1([("a", "a")]) == 1.0
    assert macro_f1([("a", "a"), ("a", None), ("b", None)]) == pytest.approx((2 / 3 + 0) / 2)
    assert macro_f1([]) is None


def test_risk_is_the_share_of_wrong_answers_among_the_most_confident():
    answered = [(0.9, False), (0.8, True), (0.8, False), (0.3, True)]
    assert risk_coverage(answered, 8) == [(1 / 8, 0.0), (3 / 8, pytest.approx(1 / 3)), (4 / 8, 0.5)]
    assert risk_coverage([], 5) == []
    with pytest.raises(ValueError, match="2 answers to 1"):
        risk_coverage([(0.1, True), (0.2, True)], 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(0, 50))
def test_the_risk_curve_ends_where_everything_is_answered(answered, refused):
    curve = risk_coverage(answered, len(answered) + refused)
    coverages = [coverage for coverage, _ in curve]
    assert coverages == sorted(set(coverages))
    assert len(curve) == len({confidence for confidence, _ in answered})
    wrong = sum(is_wrong for _, is_wrong in answered)
    assert curve[-1] == (len(answered) / (len(answered) + refused), wrong / len(answered))


def test_bootstrap_edges():
    assert one([0.5]) == (0.5, 0.5)
    assert one([0.0, 1.0] * 10, seed=1) != one([0.0, 1.0] * 10, 0.5, seed=1)
    with pytest.raises(ValueError, match="confidence"):
        one([1.0], confidence=1.0)
