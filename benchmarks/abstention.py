"""Measure when to say that the abstracts do not answer, and fit what ships.

    python -m benchmarks.abstention [--each 20] [--write]

Questions: the development set, RGB zh_refine and en_fact, PubMedQA, and SciFact's supported claims put as questions; of
the published ones `--each` questions, asked twice, once without the abstracts that answer them
(`benchmarks.abstention_data`). The language model has to answer every one; what `rag.abstain` looks at is recorded, and
kept in the cache for the next run; so is the model's yes to its sentence (`rag.verify_llm`). Each set is halved by a fixed
seed; every question is reported by what was fitted on the other halves, with Wilson 95 % intervals: AUC, what is refused at
the limit, and how many questions the model is asked its yes for. What ships is fitted on both. `--write` writes
rag/data/abstention.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

import rag
from benchmarks.abstention_data import DEVELOPMENT, Task, all_tasks
from rag import models
from rag.abstain import Abstention, Ask, Doubt, Gate, Weights
from rag.answer_tables import Share
from rag.code_digest import code_digest
from rag.configure import configured_embedder, configured_llm
from rag.embed import Embedder
from rag.generate import Generated
from rag.llm import LLM
from rag.respond import Responder
from rag.retrieve import retrieve
from rag.schema import LANGUAGES, Language
from rag.scoring import holds_answer
from rag.settings import Settings, load_settings
from rag.store import Store
from rag.verify import Verdict, log_odds, sigmoid, verifier_for

OUTPUT = Path(rag.__file__).parent / "data" / "abstention.json"
# The limit refuses so many of the unanswerable development questions: what must hold. More costs answers. Those that name a
# paper and ask what its abstract does not state count as much together as those about something else.
REFUSED = 0.9
# Below this confidence a question is refused at once, without asking the model for its yes.
LEAST_DOUBT = 0.05
SUREST_YES = 0.95
# Of the unanswerable development questions that no rule refutes so many are shown without asking.
SHOWN = 0.1
# Nothing makes up for a wish to refuse as strong as this; the model is not asked for its yes.
_SURE_TO_REFUSE = 2.9
# The first sentence or two tell; what is cut off is left out.
_MAX_TOKENS = 48
_OPEN = Weights(0.0, 0.0, 0.0, 0.0, least=0.0)


@dataclass(frozen=True)
class Signals:
    """What was seen of one question, and of the best sentence: its `support` (None where a rule refuted all), whether it
    holds a name that its abstract lacks, and the model's yes to it, None where it was not asked.
    """

    key: str
    dataset: str
    language: Language
    answerable: bool
    right: bool | None
    second_half: bool
    refusal: float
    nearness: float
    support: float | None
    missing: bool = False
    yes: float | None = None
    names_paper: bool = False

    @property
    def row(self) -> list[float]:
        """The signals as `rag.abstain.Weights` weighs them."""
        assert self.support is not None
        return [self.refusal, self.nearness, log_odds(self.support), float(self.missing)]


@dataclass(frozen=True)
class Recorder(Abstention):
    """Lets everything pass, and remembers what it was asked: (nearness, refusal) of each reply, every verdict that no rule
    made, and the model's yes to it.
    """

    gates: list[tuple[float, float]] = field(default_factory=list)
    seen: list[tuple[Verdict, float | None]] = field(default_factory=list)

    def gate(self, language: Language, nearness: float, refusal: float) -> Gate:
        """Return a gate that is open."""
        self.gates.append((nearness, refusal))
        return _OpenGate(_OPEN, nearness, refusal, self.seen)


@dataclass(frozen=True)
class _OpenGate(Gate):
    seen: list[tuple[Verdict, float | None]]

    def of(self, verdict: Verdict, ask: Ask | None = None) -> float:
        """Remember the verdict, and what the model says of the sentence; let it pass."""
        if not verdict.refuted:
            self.seen.append((verdict, ask() if ask and self.refusal < _SURE_TO_REFUSE else None))
        return 1.0


def main() -> None:
    """Ask, fit, print, and write on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=20, metavar="N", help="questions of a published data set")
    parser.add_argument("--write", action="store_true", help="write rag/data/abstention.json")
    options = parser.parse_args()
    settings = load_settings()
    seen = list(observe(settings, options.each))
    folds = [fit_each([s for s in seen if s.second_half is half]) for half in (True, False)]
    report(seen, folds)
    weights = fit_each(seen)
    if options.write:
        document = Abstention(settings.llm_model, settings.embedding_model, weights).write()
        OUTPUT.write_text(json.dumps([document], indent=1) + "\n", encoding="utf-8")


def observe(settings: Settings, each: int) -> Iterator[Signals]:
    """Yield what is seen of every question, from the cache where it was asked before with the same code."""
    embedder, llm = configured_embedder(settings), configured_llm(settings)
    code = code_digest("respond", without=[OUTPUT.name])
    name = f"abstention-{code}-{settings.llm_model}.jsonl"
    path = models.cache_dir() / "benchmarks" / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {record["key"]: Signals(**record) for record in map(json.loads, lines)}
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
    """Ask one question, whatever speaks against it; the first reply is what `rag.respond` judges by, so none is given up."""
    query = task.question.query
    left_out = task.question.gains if task.without else {}
    found = retrieve(store, embedder, query.text, query.language, settings.top_k + len(left_out))
    contexts = [context for context in found if context.paper.paper_id not in left_out][: settings.top_k]
    recorder = Recorder("recorder", "", {})
    verifier = verifier_for(settings.embedding_model, embedder, store.alignment)
    responder = Responder(llm, embedder, store.alignment, verifier, _MAX_TOKENS, None, recorder, None)
    text = ""
    for item in responder.answer(query.text, query.language, contexts):
        if isinstance(item, Generated):
            text = item.cited.text
    nearness, refusal = max(recorder.gates, key=lambda gate: -gate[1])
    verdict, yes = max(recorder.seen, key=lambda seen: seen[0].score, default=(None, None))
    return Signals(
        task.key,
        task.dataset,
        query.language,
        task.answerable,
        holds_answer(text, query) if query.answers and task.answerable else None,
        task.second_half,
        refusal,
        nearness,
        verdict.score if verdict else None,
        bool(verdict and verdict.missing),
        yes,
        query.names_paper,
    )


def fit_each(seen: Sequence[Signals]) -> Mapping[Language, Weights]:
    """Fit each language."""
    return {language: fit([s for s in seen if s.language == language]) for language in LANGUAGES}


def fit(seen: Sequence[Signals]) -> Weights:
    """Fit one language: what decides, then what settles doubt; limits are chosen on the development questions.

    Logistic regressions (L2, C = 1 on standardised signals) in which no signal may count against its sense: where a set's
    questions lie nearer to what does not answer them, that is no reason to trust what lies far.
    """
    checked = [s for s in seen if s.support is not None]
    bias, slopes = regression(np.asarray([s.row for s in checked]), checked, (-1, 1, 1, -1))
    refusal, nearness, support, missing = map(float, slopes)
    weights = Weights(bias, refusal, nearness, support, least=0.5, missing=missing)
    unanswerable = [s for s in seen if s.dataset == DEVELOPMENT and not s.answerable]
    unanswered = [plain_confidence(s, weights) for s in unanswerable if s.support is not None]
    asked = [s for s in checked if s.yes is not None and plain_confidence(s, weights) >= LEAST_DOUBT]
    pairs = np.asarray([[log_odds(plain_confidence(s, weights)), log_odds(s.yes or 0.0)] for s in asked])
    bias, slopes = regression(pairs, asked, (1, 1))
    high = float(np.quantile(unanswered, 1 - SHOWN))
    doubt = Doubt(LEAST_DOUBT, high, bias, *map(float, slopes))
    weights = replace(weights, doubt=doubt)
    least = limit([confidence(s, weights) for s in unanswerable], [s.names_paper for s in unanswerable])
    return replace(weights, least=least, doubt=replace(doubt, low=hopeless(doubt, least)))


def limit(shares: Sequence[float], kinds: Sequence[bool]) -> float:
    """Return what `REFUSED` of the `shares` lie below, where each of two kinds weighs half."""
    weights = np.asarray([1 / kinds.count(kind) for kind in kinds])
    order = np.argsort(shares)
    below = np.cumsum(weights[order]) / weights.sum()
    last = int(np.searchsorted(below, REFUSED - 1e-9))
    values = np.asarray(shares)[order]
    return float(values[last : last + 2].mean())


def hopeless(doubt: Doubt, least: float) -> float:
    """Return the confidence below which the surest yes does not lead to `least`."""
    if doubt.confidence <= 0:
        return doubt.low
    needed = (log_odds(least) - doubt.bias - doubt.yes * log_odds(SUREST_YES)) / doubt.confidence
    return max(doubt.low, min(sigmoid(needed), doubt.high))


def regression(
    rows: NDArray[np.float64], seen: Sequence[Signals], senses: Sequence[int]
) -> tuple[float, NDArray[np.float64]]:
    """Return bias and slopes (k,) of whether questions are answerable over `rows` (n, k); `senses` are the slopes' signs."""
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    signs = np.asarray([1.0 if s.answerable else -1.0 for s in seen])
    standard = (rows - centre) / scale

    def loss(x: NDArray[np.float64]) -> float:
        """Return the loss of the bias and the slopes `x`, the slopes held small."""
        return float(np.logaddexp(0.0, -signs * (x[0] + standard @ x[1:])).sum() + x[1:] @ x[1:] / 2)

    bounds = [(None, None), *((0, None) if sense > 0 else (None, 0) for sense in senses)]
    found = minimize(loss, np.zeros(1 + len(senses)), bounds=bounds)
    slopes = found.x[1:] / scale
    return float(found.x[0] - slopes @ centre), slopes


def plain_confidence(seen: Signals, weights: Weights) -> float:
    """Return the confidence of the best sentence without the model's yes, 0 where a rule refuted all."""
    if seen.support is None:
        return 0.0
    return weights.confidence(seen.refusal, seen.nearness, seen.support, missing=seen.missing)


def is_asked(seen: Signals, weights: Weights) -> bool:
    """Return whether the model is asked for its yes."""
    plain = plain_confidence(seen, weights)
    return seen.support is not None and bool(weights.doubt and weights.doubt.applies(plain))


def confidence(seen: Signals, weights: Weights) -> float:
    """Return the confidence of the best sentence, with the model's yes where there is doubt and it was asked."""
    plain = plain_confidence(seen, weights)
    if weights.doubt is None or seen.yes is None or not is_asked(seen, weights):
        return plain
    return weights.doubt.settle(plain, seen.yes)


def report(seen: Sequence[Signals], folds: Sequence[Mapping[Language, Weights]]) -> None:
    """Print a row for each data set and language; `folds` are fitted on the second halves and on the first."""
    print("| data set | AUC | refused, unanswerable | wrongly refused | asked |")
    print("|---|---|---|---|---|")
    judged = [(s, folds[0 if not s.second_half else 1][s.language]) for s in seen]
    for dataset, language in sorted({(s.dataset, s.language) for s in seen}):
        part = [(s, weights) for s, weights in judged if (s.dataset, s.language) == (dataset, language)]
        print(f"| {dataset}, {language} | {' | '.join(_cells(part))} |")


def _cells(part: Sequence[tuple[Signals, Weights]]) -> list[str]:
    shares = [confidence(s, weights) for s, weights in part]
    refused = [
        [share < w.least for share, (s, w) in zip(shares, part, strict=True) if s.answerable is answerable]
        for answerable in (False, True)
    ]
    both = len({s.answerable for s, _ in part}) == 2
    auc = roc_auc_score([s.answerable for s, _ in part], shares) if both else float("nan")
    asked = [is_asked(s, weights) for s, weights in part]
    return [f"{auc:.3f}", *(str(Share(sum(kind), len(kind))) for kind in (*refused, asked))]


if __name__ == "__main__":
    main()
