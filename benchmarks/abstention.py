"""Measure when to say that the abstracts do not answer, and fit what ships.

    python -m benchmarks.abstention [--each 40] [--write]

Questions: the development set, RGB zh_refine and en_fact, PubMedQA, and SciFact's supported claims put as questions; of
the published ones `--each` questions, asked twice, once without the abstracts that answer them
(`benchmarks.abstention_data`). Each is put to every abstract that `rag.respond` may ask, one after the other, and the
language model has to answer; what `rag.abstain` looks at is recorded, and kept in the cache for the next run. A reply is
right to be shown where the question is answerable and the abstract is one that answers it. Each set is halved by a fixed
seed; every question is reported by what was fitted on the other halves, with Wilson 95 % intervals: AUC, and what is refused
at the limit. What ships is fitted on both. `--write` writes rag/data/abstention.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

import rag
from benchmarks.abstention_data import DEVELOPMENT, PARTS, Task, all_tasks
from rag import models
from rag.abstain import Abstention, Gate, Weights
from rag.answer_tables import Share
from rag.code_digest import code_digest
from rag.configure import configured_embedder, configured_llm
from rag.embed import Embedder
from rag.llm import LLM
from rag.repetition import asks_to_decide
from rag.respond import SEVERAL_ABSTRACTS, SEVERAL_GAP, Responder
from rag.retrieve import retrieve
from rag.schema import LANGUAGES, Language
from rag.settings import Settings, load_settings
from rag.store import Store
from rag.verify import Verdict, log_odds, verifier_for

OUTPUT = Path(rag.__file__).parent / "data" / "abstention.json"
# The limit refuses so many of the unanswerable development questions: what must hold. Much more costs answers. Those that
# name a paper and ask what its abstract does not state count as much together as those about something else.
REFUSED = 0.9
# Of the abstracts among several that pass the limit, so many are expected to: what must hold of citations.
PARTS_RIGHT = 0.92
# The first sentence or two tell; what is cut off is left out.
_MAX_TOKENS = 64
_FEWEST = 5
_SHUT = Weights(0.0, 0.0, 0.0, 0.0, least=2.0)


@dataclass(frozen=True)
class Try:
    """What was seen of a question put to one abstract: whether that `answers` it, and of the best sentence of the reply its
    `support` (None where a rule refuted all, or the abstract lacks a name in each).
    """

    answers: bool
    refusal: float
    nearness: float
    support: float | None = None


@dataclass(frozen=True)
class Signals:
    """What was seen of one question, abstract by abstract; nothing where it names what none of them does."""

    key: str
    dataset: str
    language: Language
    answerable: bool
    second_half: bool
    names_paper: bool
    polar: bool
    tries: tuple[Try, ...]

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Signals:
        """Read what `asdict` made."""
        return cls(**{**raw, "tries": tuple(Try(**each) for each in raw["tries"])})


@dataclass(frozen=True)
class Recorder(Abstention):
    """Lets nothing pass, so that every abstract is asked, and remembers the gates."""

    gates: list[_ShutGate] = field(default_factory=list)

    def gate(self, language: Language, nearness: float, refusal: float, *, polar: bool = False) -> Gate:
        """Return a gate that is shut."""
        return self.part_gate(nearness, refusal)

    def part_gate(self, nearness: float, refusal: float) -> Gate:
        """Return a gate that is shut."""
        self.gates.append(_ShutGate(_SHUT, nearness, refusal))
        return self.gates[-1]


@dataclass(frozen=True)
class _ShutGate(Gate):
    seen: list[Verdict] = field(default_factory=list)

    @property
    def hopeless(self) -> bool:
        """Whether the model need not go on: it has to."""
        return False

    def of(self, verdict: Verdict) -> float:
        """Remember the verdict where no rule made it; do not let it pass."""
        if not verdict.refuted and not verdict.missing:
            self.seen.append(verdict)
        return 0.0


def main() -> None:
    """Ask, fit, print, and write on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=40, metavar="N", help="questions of a published data set")
    parser.add_argument("--write", action="store_true", help="write rag/data/abstention.json")
    options = parser.parse_args()
    settings = load_settings()
    seen = list(observe(settings, options.each))
    parts, seen = [s for s in seen if s.dataset == PARTS], [s for s in seen if s.dataset != PARTS]
    folds = [fit_each([s for s in seen if s.second_half is half]) for half in (True, False)]
    report(seen, folds)
    report_parts(parts)
    if options.write:
        models_fitted = (settings.llm_model, settings.embedding_model)
        document = Abstention(*models_fitted, fit_each(seen), fit_parts(parts)).write()
        OUTPUT.write_text(json.dumps([document], indent=1) + "\n", encoding="utf-8")


def observe(settings: Settings, each: int) -> Iterator[Signals]:
    """Yield what is seen of every question, from the cache where it was asked before with the same code."""
    embedder, llm = configured_embedder(settings), configured_llm(settings)
    code = code_digest("respond", without=[OUTPUT.name])
    name = f"abstention-{code}-{settings.llm_model}.jsonl"
    path = models.cache_dir() / "benchmarks" / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {record["key"]: Signals.read(record) for record in map(json.loads, lines)}
    with path.open("a", encoding="utf-8") as file:
        for dataset, store, tasks in all_tasks(embedder, each):
            for number, task in enumerate(tasks, 1):
                found = known.get(task.key)
                if found is None:
                    found = signals(task, store, embedder, llm, settings)
                    print(json.dumps(asdict(found)), file=file, flush=True)
                    print(f"{dataset} {number}/{len(tasks)} {found}", file=sys.stderr)
                yield found
    llm.close()


def signals(task: Task, store: Store, embedder: Embedder, llm: LLM, settings: Settings) -> Signals:
    """Put one question to every abstract that may be asked; first replies are what `rag.respond` judges by."""
    query = task.question.query
    left_out = task.question.gains if task.without else {}
    k = SEVERAL_ABSTRACTS if task.several else settings.top_k
    found = retrieve(store, embedder, query.text, query.language, k + len(left_out))
    contexts = [context for context in found if context.paper.paper_id not in left_out][:k]
    recorder = Recorder("recorder", "", {}, _SHUT)
    verifier = verifier_for(settings.embedding_model, embedder, store.alignment)
    responder = Responder(llm, embedder, store.alignment, verifier, _MAX_TOKENS, None, recorder, None)
    asked = responder.asked(query.text, query.language, contexts)
    *_, _ = responder.put_to_each(asked) if task.several else responder.put_singly(asked)
    turns = sorted(asked.in_turn(SEVERAL_GAP)) if task.several else [] if asked.unknown else asked.in_turn()
    tries = []
    for (number, _), gate in zip(turns, recorder.gates, strict=True):
        answers = task.answerable and contexts[number - 1].paper.paper_id in task.question.gains
        plain = Try(answers, gate.refusal, gate.nearness)
        best = max(gate.seen, key=lambda verdict: verdict.score, default=None)
        tries.append(replace(plain, support=best.score) if best else plain)
    return Signals(
        task.key,
        task.dataset,
        query.language,
        task.answerable,
        task.second_half,
        query.names_paper,
        asks_to_decide(query.text),
        tuple(tries),
    )


def fit_each(seen: Sequence[Signals]) -> Mapping[Language, Weights]:
    """Fit each language."""
    return {language: fit([s for s in seen if s.language == language]) for language in LANGUAGES}


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
    rows = np.asarray([_row(s, t) for s, t in checked])
    bias, slopes = regression(rows, [t.answers for _, t in checked], (-1, 1, 1, 0))
    refusal, nearness, support, polar = map(float, slopes)
    return Weights(bias, refusal, nearness, support, 0.5, polar)


def _row(seen: Signals, tried: Try) -> list[float]:
    return [tried.refusal, tried.nearness, log_odds(tried.support or 0.0), float(seen.polar)]


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
    """Return bias and slopes (k,) of `answers` over `rows` (n, k); `senses` are the slopes' signs, 0 for either."""
    rows = np.where(np.count_nonzero(rows, axis=0) < _FEWEST, 0.0, rows)
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    signs = np.asarray([1.0 if answer else -1.0 for answer in answers])
    standard = (rows - centre) / scale

    def loss(x: NDArray[np.float64]) -> float:
        """Return the loss of the bias and the slopes `x`, the slopes held small."""
        return float(np.logaddexp(0.0, -signs * (x[0] + standard @ x[1:])).sum() + x[1:] @ x[1:] / 2)

    bounds = [(None, None), *((None if sense <= 0 else 0, None if sense >= 0 else 0) for sense in senses)]
    found = minimize(loss, np.zeros(1 + len(senses)), bounds=bounds)
    slopes = found.x[1:] / scale
    return float(found.x[0] - slopes @ centre), slopes


def confidence(seen: Signals, weights: Weights) -> float:
    """Return the most that a reply to the question has, 0 where rules refuted all: one at the limit is shown."""
    return max(
        (
            weights.confidence(t.refusal, t.nearness, t.support, polar=seen.polar)
            for t in seen.tries
            if t.support is not None
        ),
        default=0.0,
    )


def report(seen: Sequence[Signals], folds: Sequence[Mapping[Language, Weights]]) -> None:
    """Print a row for each data set and language; `folds` are fitted on the second halves and on the first."""
    print("| data set | AUC | refused, unanswerable | wrongly refused |")
    print("|---|---|---|---|")
    judged = [(s, folds[0 if not s.second_half else 1][s.language]) for s in seen]
    for dataset, language in sorted({(s.dataset, s.language) for s in seen}):
        part = [(s, weights) for s, weights in judged if (s.dataset, s.language) == (dataset, language)]
        print(f"| {dataset}, {language} | {' | '.join(_cells(part))} |")


def report_parts(seen: Sequence[Signals]) -> None:
    """Print how many abstracts of questions over several pass, each half by what was fitted on the other."""
    passed = []
    for half in (True, False):
        weights = fit_parts([s for s in seen if s.second_half is not half])
        for s in (s for s in seen if s.second_half is half):
            passed += [
                (t.answers, confidence(replace(s, tries=(t,)), weights) >= weights.least) for t in s.tries
            ]
    for answers in (True, False):
        shown = [ok for expected, ok in passed if expected is answers]
        print(
            f"{PARTS}, {'expected' if answers else 'other'} abstracts that pass: {Share(sum(shown), len(shown))}"
        )


def _cells(part: Sequence[tuple[Signals, Weights]]) -> list[str]:
    shares = [confidence(s, weights) for s, weights in part]
    refused = [
        [share < w.least for share, (s, w) in zip(shares, part, strict=True) if s.answerable is answerable]
        for answerable in (False, True)
    ]
    both = len({s.answerable for s, _ in part}) == 2
    auc = roc_auc_score([s.answerable for s, _ in part], shares) if both else float("nan")
    return [f"{auc:.3f}", *(str(Share(sum(kind), len(kind))) for kind in refused)]


if __name__ == "__main__":
    main()
