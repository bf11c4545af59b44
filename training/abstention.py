"""Fit the abstention of a language model: a regression over what it and retrieval say of an abstract.

    python -m training.abstention DATASET... [--refused 0.85] [--write]

A DATASET needs its own abstracts and some questions that none of them answers. Each question is paired with
the abstracts that `rag.answering.answerer` would ask; the features are those of
`rag.answering.abstention.Abstention`. The fit leaves out abstracts that do not answer a question that another
one does. The threshold is the highest that refuses the wanted share of unanswerable questions; `lenient`
refuses LENIENT of them. Errors are cross-validated by field: by the source that a document's id names, such
as "arxiv" of "arxiv-1903.01388", and a source of many documents in parts. `--write` puts the regression, with
and without the cosine, into rag/data/abstention.json.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import rag
from benchmarks.common import parser
from rag.answering.abstention import PLAIN, Abstention, refusal_log_odds
from rag.answering.answerer import SINGLE_GAP, Answerer
from rag.answering.generation.grammar import answer_grammar
from rag.answering.retrieval import retrieve
from rag.answering.verification.verifier import verifier_for
from rag.evaluation.answer_tables import Share
from rag.evaluation.cache import dataset_index
from rag.evaluation.datasets.loading import load_dataset
from rag.evaluation.qrels import QueryWithQrels, resolve_qrels
from rag.evaluation.replay import RecordedLLM
from rag.factory import configured_embedder, configured_llm
from rag.llm.base import LLM
from rag.llm.logprobs import Logprobs
from rag.models import defaults as models
from rag.schema import Language
from rag.settings import Settings, load_settings
from rag.store.index import Store, open_index

OUTPUT = Path(rag.__file__).parent / "data" / "abstention.json"
STRENGTH = 1.0  # inverse of the L2 penalty, on standardised features
PARTS = 4  # of a source
LENIENT = 0.6  # share of unanswerable questions to refuse where the settings ask for leniency
Features = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """One question with one abstract: the features, whether it answers, and the field of the abstract."""

    question: str
    field: str
    language: Language
    stored: Language
    answers: bool
    answerable: bool
    refusal: float
    cosine: float

    @property
    def features(self) -> list[float]:
        """Return the values that `Abstention` weighs."""
        return [
            self.refusal,
            self.cosine,
            float(self.language == "zh"),
            float(self.language != self.stored),
        ]


def main() -> None:
    """Fit, report, and write on request."""
    command = parser(__doc__)
    command.add_argument("datasets", type=Path, nargs="+", metavar="DATASET")
    command.add_argument(
        "--refused", type=float, default=0.85, help="share of unanswerable questions to refuse"
    )
    command.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    options = command.parse_args()
    settings = load_settings()
    seen = [pair for folder in options.datasets for pair in look_at(folder, settings)]
    fitted = []
    for embedding in (settings.embedding_model, None):
        report(seen, embedding is not None, options.refused)
        fitted.append(fit(seen, settings.llm_model, embedding, options.refused))
        print(fitted[-1])
    if options.write:
        known = json.loads(OUTPUT.read_text(encoding="utf-8"))
        new = [asdict(each) for each in fitted]
        names = {(each["llm"], each["embedding"]) for each in new}
        kept = [each for each in known if (each["llm"], each["embedding"]) not in names]
        OUTPUT.write_text(json.dumps(kept + new, indent=1) + "\n", encoding="utf-8")


def look_at(folder: Path, settings: Settings) -> list[Seen]:
    """Return the pairs of one data set; replies are recorded, so a second run asks nothing."""
    embedder, dataset = configured_embedder(settings), load_dataset(folder)
    index = dataset_index(dataset, embedder, models.cache_dir())
    sources = {position: _source(document.doc_id) for position, document in enumerate(dataset.documents, 1)}
    model = configured_llm(settings.model_copy(update={"index": index.directory}))
    llm = RecordedLLM(model, models.cache_dir() / "evaluate" / f"replies-{Path(model.name).name}.jsonl")
    with closing(llm), closing(open_index(index.directory, embedder.name)) as store:
        verifier = verifier_for(embedder.name, embedder, store.alignment)
        answerer = Answerer(llm, embedder, store.alignment, verifier, settings.max_answer_tokens)
        asked = [q for q in resolve_qrels(dataset, store) if not q.query.every and not q.query.history]
        return [pair for q in asked for pair in look(q, answerer, llm, store, sources, settings.top_k)]


def look(
    question: QueryWithQrels, answerer: Answerer, llm: LLM, store: Store, sources: dict[int, str], top_k: int
) -> Iterator[Seen]:
    """Ask the abstracts that would be asked."""
    query = question.query
    contexts = retrieve(store, answerer.embedder, query.text, query.language, top_k)
    asked = answerer.query_context(query.text, query.language, contexts)
    for number in asked.near_contexts(SINGLE_GAP):
        chat, logprobs = answerer.chat(asked, number), Logprobs()
        grammar = answer_grammar(chat.language, may_refuse=False)
        limit = answerer.max_answer_tokens
        with closing(
            llm.stream(chat.messages, max_tokens=limit, grammar=grammar, logprobs=logprobs)
        ) as reply:
            next(reply, None)
        refusal = refusal_log_odds(logprobs.first)
        context = contexts[number - 1]
        if refusal is not None:
            yield Seen(
                query.text, sources[context.paper.sources[0].position], query.language,
                context.paper.language, context.paper.paper_id in question.gains, query.answerable,
                refusal, context.dense or 0.0,
            )  # fmt: skip


def _source(doc_id: str) -> str:
    """Return the source that a document's id names, and one of its parts."""
    return f"{doc_id.partition('-')[0]}/{zlib.crc32(doc_id.encode()) % PARTS}"


def fit(seen: Sequence[Seen], llm: str, embedding: str | None, refused: float) -> Abstention:
    """Return the regression, without the cosine if `embedding` is None."""
    seen = [pair for pair in seen if pair.answers or not pair.answerable]
    rows = _rows(seen, cosine=embedding is not None)
    mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    truth = np.array([pair.answers for pair in seen])
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit((rows - mean) / deviation, truth)
    weights = model.coef_[0] / deviation
    bias = float(model.intercept_[0] - weights @ mean)
    values = [round(float(value), 4) for value in (bias, *weights)]
    free = Abstention(llm, embedding, *values, threshold=0.0)
    odds = sorted(max(group) for group in _unanswerable(seen, free).values())
    strict, lenient = (_quantile(odds, share) for share in (refused, min(refused, LENIENT)))
    return Abstention(llm, embedding, *values, threshold=strict, lenient=lenient)


def _quantile(odds: Sequence[float], share: float) -> float:
    """Return the threshold that refuses this share, a little above the probability at it."""
    return round(float(np.quantile(odds, share, method="higher")) + 0.005, 2) if odds else 0.0


def _rows(seen: Sequence[Seen], *, cosine: bool) -> Features:
    rows = np.array([pair.features for pair in seen])
    if not cosine:
        rows[:, 1] = 0.0
    return rows


def _unanswerable(seen: Sequence[Seen], model: Abstention) -> dict[str, list[float]]:
    """Return the probabilities of the abstracts of each question that none answers."""
    found: dict[str, list[float]] = {}
    for pair in seen:
        if not pair.answerable:
            found.setdefault(pair.question, []).append(_probability(model, pair))
    return found


def _probability(model: Abstention, pair: Seen) -> float:
    return model.doubt(pair.language, pair.stored, pair.cosine).confidence(pair.refusal)


def report(seen: Sequence[Seen], cosine: bool, refused: float) -> None:
    """Print the errors, each field judged by the regression of the others."""
    print(f"\n{'with' if cosine else 'without'} the cosine, {len(seen)} pairs")
    shown: dict[str, list[tuple[Seen, bool]]] = {}
    for field in sorted({pair.field for pair in seen}):
        rest = [pair for pair in seen if pair.field != field]
        model = fit(rest, "", "any" if cosine else None, refused)
        for pair in seen:
            if pair.field == field:
                passed = _probability(model, pair) >= model.threshold
                shown.setdefault(pair.question, []).append((pair, passed))
    _print(shown)
    print("by the model's own odds alone:")
    _print(
        {q: [(pair, PLAIN.confidence(pair.refusal) >= 0.5) for pair, _ in own] for q, own in shown.items()}
    )


def _print(shown: dict[str, list[tuple[Seen, bool]]]) -> None:
    for language, stored in ((a, b) for a in ("en", "zh", None) for b in ("en", "zh", None) if a or not b):
        wrongly: list[bool] = []
        rightly: list[bool] = []
        for pairs in shown.values():
            first = pairs[0][0]
            if language not in (None, first.language) or stored not in (None, first.stored):
                continue
            refused = not any(passed for pair, passed in pairs if pair.answers or not pair.answerable)
            (wrongly if first.answerable else rightly).append(refused)
        name = f"{language or 'all'} -> {stored or 'all'}"
        print(
            f"{name:<12} refused {Share(sum(rightly), len(rightly))}, "
            f"wrongly refused {Share(sum(wrongly), len(wrongly))}"
        )


if __name__ == "__main__":
    main()
