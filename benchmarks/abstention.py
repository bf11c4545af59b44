"""Measure when to say that the abstracts do not answer, and fit what ships.

    python -m benchmarks.abstention [--each 20] [--write]

Questions: the development set, RGB zh_refine and en_fact, PubMedQA, and SciFact's supported claims put as questions; of
the published ones `--each` questions, asked twice, once without the abstracts that answer them
(`benchmarks.abstention_data`). The language model has to answer every one; what `rag.abstain` looks at is recorded, and
kept in the cache for the next run. One half of each set, by a fixed seed, is fitted on, the sets weighing the same; what is
printed is the other half, with Wilson 95 % intervals: AUC, and what is refused at the limit that shipped. The limit is the one
that wrongly refuses `WRONGLY_REFUSED` of the development half. `--write` writes rag/data/abstention.json.
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
from rag.abstain import Abstention, Gate, Weights
from rag.answer_tables import Share
from rag.code_digest import code_digest
from rag.configure import configured_embedder, configured_llm
from rag.embed import Embedder
from rag.generate import Generated
from rag.llm import LLM
from rag.respond import Responder
from rag.retrieve import retrieve
from rag.schema import LANGUAGES, Language
from rag.scoring import matches
from rag.settings import Settings, load_settings
from rag.store import Store
from rag.verify import Verdict, log_odds, verifier_for

OUTPUT = Path(rag.__file__).parent / "data" / "abstention.json"
# Of the development half; less refuses less of what has no answer.
WRONGLY_REFUSED = 0.05
# The first sentence or two tell; what is cut off is left out.
_MAX_TOKENS = 48
_OPEN = Weights(0.0, 0.0, 0.0, 0.0, least=0.0)


@dataclass(frozen=True)
class Signals:
    """What was seen of one question: `refusal` and the best sentence's `support`, None where a rule refuted every sentence."""

    key: str
    dataset: str
    language: Language
    answerable: bool
    right: bool | None
    second_half: bool
    refusal: float
    nearness: float
    support: float | None

    @property
    def row(self) -> list[float]:
        """The three signals as `rag.abstain.Weights` weighs them."""
        assert self.support is not None
        return [self.refusal, self.nearness, log_odds(self.support)]


@dataclass(frozen=True)
class Recorder(Abstention):
    """Lets everything pass, and remembers what it was asked: (nearness, refusal) of each reply, every verdict."""

    gates: list[tuple[float, float]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def gate(self, language: Language, nearness: float, refusal: float) -> Gate:
        """Return a gate that is open."""
        self.gates.append((nearness, refusal))
        return _OpenGate(_OPEN, nearness, refusal, self.verdicts)


@dataclass(frozen=True)
class _OpenGate(Gate):
    verdicts: list[Verdict]

    def judge(self, verdict: Verdict, *, first: bool = True) -> Verdict:
        """Remember the verdict, then let it pass."""
        self.verdicts.append(verdict)
        return super().judge(verdict, first=first)


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
    weights = {language: fit([s for s in seen if s.language == language]) for language in LANGUAGES}
    report(seen, weights)
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
    """Ask one question, whatever speaks against it."""
    query = task.question.query
    left_out = task.question.gains if task.without else {}
    found = retrieve(store, embedder, query.text, query.language, settings.top_k + len(left_out))
    contexts = [context for context in found if context.paper.paper_id not in left_out][: settings.top_k]
    recorder = Recorder("recorder", "", {})
    verifier = verifier_for(settings.embedding_model, embedder, store.alignment)
    responder = Responder(llm, embedder, store.alignment, verifier, _MAX_TOKENS, None, recorder)
    text = ""
    for item in responder.answer(query.text, query.language, contexts):
        if isinstance(item, Generated):
            text = item.cited.text
    nearness, refusal = max(recorder.gates, key=lambda gate: -gate[1])
    return Signals(
        task.key,
        task.dataset,
        query.language,
        task.answerable,
        all(matches(need, text) for need in query.answers) if query.answers and task.answerable else None,
        task.second_half,
        refusal,
        nearness,
        max((verdict.score for verdict in recorder.verdicts if not verdict.refuted), default=None),
    )


def fit(seen: Sequence[Signals]) -> Weights:
    """Fit one language on the first halves; the limit is chosen on the development one.

    A logistic regression (L2, C = 1 on standardised signals) in which no signal may count against its sense: where a
    set's questions lie nearer to what does not answer them, that is no reason to trust what lies far.
    """
    first = [s for s in seen if not s.second_half and s.support is not None]
    sizes = {dataset: sum(s.dataset == dataset for s in first) for dataset in {s.dataset for s in first}}
    rows = np.asarray([s.row for s in first])
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    signs = np.asarray([1.0 if s.answerable else -1.0 for s in first])
    weights = np.asarray([len(first) / len(sizes) / sizes[s.dataset] for s in first])
    standard = (rows - centre) / scale

    def loss(x: NDArray[np.float64]) -> float:
        """Return the weighted loss of the bias and three slopes `x`, the slopes held small."""
        return float(weights @ np.logaddexp(0.0, -signs * (x[0] + standard @ x[1:])) + x[1:] @ x[1:] / 2)

    found = minimize(loss, np.zeros(4), bounds=[(None, None), (None, 0), (0, None), (0, None)])
    slopes = found.x[1:] / scale
    fitted = Weights(float(found.x[0] - slopes @ centre), *map(float, slopes), least=0.5)
    answered = [confidence(s, fitted) for s in first if s.dataset == DEVELOPMENT and s.answerable]
    return replace(fitted, least=float(np.quantile(answered, WRONGLY_REFUSED)))


def confidence(seen: Signals, weights: Weights) -> float:
    """Return the confidence of the best sentence, 0 where a rule refuted all."""
    if seen.support is None:
        return 0.0
    return weights.confidence(seen.refusal, seen.nearness, seen.support)


def report(seen: Sequence[Signals], weights: Mapping[Language, Weights]) -> None:
    """Print a row for each data set and language: the second halves, and the first in small."""
    print("| data set | AUC | refused, unanswerable | wrongly refused | the same on the half fitted on |")
    print("|---|---|---|---|---|")
    for dataset, language in sorted({(s.dataset, s.language) for s in seen}):
        part = [s for s in seen if (s.dataset, s.language) == (dataset, language)]
        cells = [
            _cells([s for s in part if s.second_half is half], weights[language]) for half in (True, False)
        ]
        auc, refused, wrongly = cells[0]
        print(f"| {dataset}, {language} | {auc} | {refused} | {wrongly} | {' ; '.join(cells[1])} |")
    for language, found in weights.items():
        print(f"{language}: {found}")


def _cells(part: Sequence[Signals], weights: Weights) -> tuple[str, str, str]:
    shares = [confidence(s, weights) for s in part]
    refused = [
        [share < weights.least for share, s in zip(shares, part, strict=True) if s.answerable is answerable]
        for answerable in (False, True)
    ]
    both = len({s.answerable for s in part}) == 2
    auc = roc_auc_score([s.answerable for s in part], shares) if both else float("nan")
    return (f"{auc:.3f}", *(str(Share(sum(kind), len(kind))) for kind in refused))


if __name__ == "__main__":
    main()
