"""Fit what `rag.abstain` judges by to what the abstention benchmark has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.abstention_data import DEVELOPMENT
from benchmarks.abstention_signals import Signals, Try
from rag.abstain import Weights
from rag.respond import SINGLE_GAP
from rag.schema import LANGUAGES, Language
from rag.verify import log_odds

# The limit refuses so many of the unanswerable development questions: what must hold. Much more costs answers. Those that
# name a paper and ask what its abstract does not state count as much together as those about something else.
REFUSED = 0.9
# Of the abstracts among several that pass the limit, so many are expected to. With those that a single abstract answers, 115 of
# 115 right, .97 of all citations then are; .92 here would leave half of the expected ones unsaid, this leaves a quarter.
PARTS_RIGHT = 0.85
_FEWEST = 5


def fit_each(seen: Sequence[Signals]) -> tuple[Mapping[Language, Weights], Weights]:
    """Fit each language, and questions in English that ask for yes or no."""
    others = [s for s in seen if not s.judged_as_polar]
    each = {language: fit([s for s in others if s.language == language]) for language in LANGUAGES}
    return each, fit_polar([s for s in seen if s.judged_as_polar])


def fit_polar(seen: Sequence[Signals]) -> Weights:
    """Fit questions that ask for yes or no; the limit refuses `REFUSED` of the unanswerable, each of the two sets weighing half."""
    weights = fit_weights([(s, t) for s in seen for t in s.tries if t.answers or not s.answerable])
    unanswerable = [s for s in seen if not s.answerable]
    one = min(s.dataset for s in unanswerable)
    sets = [s.dataset == one for s in unanswerable]
    return replace(weights, least=limit([confidence(s, weights) for s in unanswerable], sets))


def fit(seen: Sequence[Signals]) -> Weights:
    """Fit one language: the weights on all replies, the limit on the development questions.

    It lies half way between where `REFUSED` of those that no abstract answers lie below and the next one that is answered.
    Replies about other abstracts to questions that one answers are left out: these lie further from the question than what
    names the paper and asks what its abstract does not state.
    """
    weights = fit_weights([(s, t) for s in seen for t in s.tries if t.answers or not s.answerable])
    development = [s for s in seen if s.dataset == DEVELOPMENT]
    unanswerable = [s for s in development if not s.answerable]
    least = limit([confidence(s, weights) for s in unanswerable], [s.names_paper for s in unanswerable])
    answered = [share for s in development if s.answerable and (share := confidence(s, weights)) >= least]
    return replace(weights, least=(least + min(answered, default=least)) / 2)


def fit_parts(seen: Sequence[Signals]) -> Weights:
    """Fit what judges one abstract among several, where every reply counts."""
    weights = fit_weights([(s, t) for s in seen for t in s.tries])
    passing = [(confidence(replace(s, tries=(t,)), weights), t.answers) for s in seen for t in s.tries]
    return replace(weights, least=lowest_right(passing))


def fit_weights(tried: Sequence[tuple[Signals, Try]]) -> Weights:
    """Return weights by all replies that no rule refuted.

    A logistic regression (L2, C = 1 on standardised signals) in which no signal may count against its sense: where a set's
    questions lie nearer to what does not answer them, that is no reason to trust what lies far. A signal that hardly any
    reply has is left out: one question would decide its weight.
    """
    checked = [(s, t) for s, t in tried if t.support is not None]
    rows = np.asarray([(t.refusal, t.nearness, log_odds(t.support or 0.0)) for _, t in checked])
    bias, slopes = regression(rows, [t.answers for _, t in checked], (-1, 1, 1))
    return Weights(bias, *map(float, slopes), least=0.5)


def limit(shares: Sequence[float], kinds: Sequence[bool]) -> float:
    """Return what `REFUSED` of the `shares` lie below, where each of two kinds weighs half."""
    weights = np.asarray([1 / kinds.count(kind) for kind in kinds])
    order = np.argsort(shares)
    below = np.cumsum(weights[order]) / weights.sum()
    last = int(np.searchsorted(below, REFUSED - 1e-9))
    values = np.asarray(shares)[order]
    return float(values[last : last + 2].mean())


def lowest_right(passing: Sequence[tuple[float, bool]]) -> float:
    """Return the lowest confidence from which on `PARTS_RIGHT` are right; `passing` has confidences and whether right."""
    ordered = sorted(passing, reverse=True)
    right = np.cumsum([answers for _, answers in ordered]) / np.arange(1, len(ordered) + 1)
    last = int(np.flatnonzero(right >= PARTS_RIGHT)[-1])
    return float(np.mean([share for share, _ in ordered[last : last + 2]]))


def regression(
    rows: NDArray[np.float64], answers: Sequence[bool], senses: Sequence[int]
) -> tuple[float, NDArray[np.float64]]:
    """Return bias and slopes (k,) of `answers` over `rows` (n, k); `senses` are the slopes' signs."""
    rows = np.where(np.count_nonzero(rows, axis=0) < _FEWEST, 0.0, rows)
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    signs = np.asarray([1.0 if answer else -1.0 for answer in answers])
    standard = (rows - centre) / scale

    def loss(x: NDArray[np.float64]) -> float:
        """Return the loss of the bias and the slopes `x`, the slopes held small."""
        return float(np.logaddexp(0.0, -signs * (x[0] + standard @ x[1:])).sum() + x[1:] @ x[1:] / 2)

    bounds = [(None, None), *((None, 0) if sense < 0 else (0, None) for sense in senses)]
    found = minimize(loss, np.zeros(1 + len(senses)), bounds=bounds)
    slopes = found.x[1:] / scale
    return float(found.x[0] - slopes @ centre), slopes


def confidence(seen: Signals, weights: Weights) -> float:
    """Return the most that a reply by an abstract that is asked has, 0 where rules refuted all: one at the limit is shown.

    The first is asked, and what lies as near as the nearest.
    """
    nearest = max((t.nearness for t in seen.tries), default=0.0)
    return max(
        (
            weights.confidence(t.refusal, t.nearness, t.support)
            for place, t in enumerate(seen.tries)
            if t.support is not None and (place == 0 or t.nearness >= nearest - SINGLE_GAP)
        ),
        default=0.0,
    )
