"""Measure retrieval on a data set: one row an arm, every figure with its interval."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.answering import retrieval
from rag.embedding.base import Embedder
from rag.errors import CorpusError
from rag.evaluation.cache import DatasetIndex
from rag.evaluation.datasets.loading import limited
from rag.evaluation.datasets.records import Dataset
from rag.evaluation.metrics import RANKING_MEASURES, bootstrap_intervals
from rag.evaluation.qrels import QueryWithQrels, resolve_qrels
from rag.evaluation.retrievers import RETRIEVERS, SHOWN, Asked, Library, fused_as_shown
from rag.schema import Progress
from rag.store.index import Store
from rag.text.language import detect_language

ALL = "all"
_LIBRARIES = ("citefold", "numpy", "chromadb", "torch", "sentence-transformers", "llama-index-core")

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with the bootstrap 95% interval over questions."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of some of the questions: by arm and measure, and fused minus dense by measure, paired."""

    name: str
    questions: int
    arms: Mapping[str, Mapping[str, Estimate]]
    fused_minus_dense: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """Everything that `rag evaluate retrieval --json` writes; `to_dict` is that document.

    `dataset`: name, form, digest, counts. `config`: versions, digests and the constants of retrieval.
    `index`: papers, chunks, seconds (None: it was there already) and passages embedded. `speed`: of the
    fused arm, the embedding of the question included, warm. `groups`: all questions, then those of each
    pair of languages. `per_question`: for each question the relevant papers, and by arm the measures and
    the first ten papers.
    """

    dataset: Mapping[str, Any]
    config: Mapping[str, Any]
    index: Mapping[str, Any]
    speed: Mapping[str, float]
    groups: Sequence[Group]
    per_question: Sequence[Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


def evaluate_retrieval(
    dataset: Dataset,
    store: Store,
    embedder: Embedder,
    index: DatasetIndex,
    *,
    limit: int | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> RetrievalReport:
    """Ask every arm every question that has something relevant, or `limit` of them, and score the rankings.

    Raises:
        CorpusError: nothing is relevant to any question, or what is named as relevant is not in the index.
    """
    judged = limited([question for question in resolve_qrels(dataset, store) if question.gains], limit)
    if not judged:
        raise CorpusError(
            f"No question of {dataset.name} says what is relevant to it, so retrieval cannot be "
            "measured; add "
            '"relevant".'
        )
    library = Library(store, embedder, progress)
    rankings, seconds = _ask(library, embedder, judged, progress)
    scores = {arm: _scores(found, judged) for arm, found in rankings.items()}
    return RetrievalReport(
        dataset=_dataset(dataset, judged),
        config=configuration(store),
        index=_index(store, index),
        speed=_speed(seconds),
        groups=_groups(scores, judged),
        per_question=[
            _question(question, number, rankings, scores) for number, question in enumerate(judged)
        ],
    )


def _ask(
    library: Library, embedder: Embedder, judged: Sequence[QueryWithQrels], progress: Progress
) -> tuple[dict[str, list[list[str]]], list[float]]:
    """Return every arm's rankings, and the seconds each question took through the product's own path."""
    rankings: dict[str, list[list[str]]] = {arm: [] for arm in RETRIEVERS}
    seconds = []
    fused_as_shown(
        library, _embedded(judged[0], embedder)
    )  # the first question loads what the others find loaded
    for number, question in enumerate(judged):
        progress("Asking", number, len(judged))
        started = time.perf_counter()
        asked = _embedded(question, embedder)
        fused_as_shown(library, asked)
        seconds.append(time.perf_counter() - started)
        for arm, search in RETRIEVERS.items():
            rankings[arm].append(search(library, asked))
    progress("Asking", len(judged), len(judged))
    return rankings, seconds


def _embedded(question: QueryWithQrels, embedder: Embedder) -> Asked:
    text = question.query.text
    return Asked(text, detect_language(text), embedder.embed_query(text), embedder)


def _scores(rankings: Sequence[Sequence[str]], judged: Sequence[QueryWithQrels]) -> Scores:
    """Return one row a question and one column a measure."""
    rows = [
        [measure(ranking, question.gains) for measure in RANKING_MEASURES.values()]
        for ranking, question in zip(rankings, judged, strict=True)
    ]
    return np.asarray(rows, dtype=np.float64)


def _groups(scores: Mapping[str, Scores], judged: Sequence[QueryWithQrels]) -> list[Group]:
    names = sorted({question.group for question in judged})
    rows = {name: [i for i, question in enumerate(judged) if question.group == name] for name in names}
    parts = {ALL: list(range(len(judged)))} | (rows if len(names) > 1 else {})
    return [_group(name, {arm: table[part] for arm, table in scores.items()}) for name, part in parts.items()]


def _group(name: str, scores: Mapping[str, Scores]) -> Group:
    """Estimate every arm, and the difference, on the same resamples."""
    tables = [*scores.values(), scores["fused"] - scores["dense"]]
    values = np.concatenate(tables, axis=1)
    estimates = [
        Estimate(float(mean), low, high)
        for mean, (low, high) in zip(values.mean(axis=0), bootstrap_intervals(values), strict=True)
    ]
    width = len(RANKING_MEASURES)
    named = [
        dict(zip(RANKING_MEASURES, estimates[first : first + width], strict=True))
        for first in range(0, len(estimates), width)
    ]
    return Group(name, len(values), dict(zip(scores, named[:-1], strict=True)), named[-1])


def _question(
    question: QueryWithQrels,
    number: int,
    rankings: Mapping[str, list[list[str]]],
    scores: Mapping[str, Scores],
) -> dict[str, Any]:
    query = question.query
    return {
        "id": query.query_id,
        "question": query.text,
        "group": question.group,
        "relevant": dict(question.gains),
        "arms": {
            arm: {
                "measures": dict(zip(RANKING_MEASURES, scores[arm][number].tolist(), strict=True)),
                "first": found[number][:SHOWN],
            }
            for arm, found in rankings.items()
        },
    }


def _dataset(dataset: Dataset, judged: Sequence[QueryWithQrels]) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "form": dataset.form,
        "digest": dataset.digest,
        "documents": len(dataset.documents),
        "questions": len(dataset.queries),
        "asked": len(judged),
    }


def configuration(store: Store) -> dict[str, Any]:
    """Return what was measured: digests of the index, constants of retrieval, versions."""
    manifest = store.manifest
    return {
        "embedding_model": manifest.embedding_model,
        "embedding_digest": manifest.embedding_digest,
        "alignment_digest": manifest.alignment_digest,
        "chunk_tokens": manifest.chunk_tokens,
        "generation": manifest.generation,
        "retrieval": {
            name: value
            for name, value in sorted(vars(retrieval).items())
            if name.isupper() and isinstance(value, bool | int | float | str)
        },
        "versions": {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
        "cpus": os.cpu_count(),
    }


def _index(store: Store, index: DatasetIndex) -> dict[str, Any]:
    manifest = store.manifest
    return {
        "records": manifest.records,
        "works": manifest.works,
        "chunks": manifest.chunks,
        "languages": manifest.languages,
        "seconds": index.seconds,
        "embedded": index.embedded,
    }


def _speed(seconds: Sequence[float]) -> dict[str, float]:
    median, slow = np.quantile(seconds, [0.5, 0.95])
    return {
        "questions_per_second": len(seconds) / sum(seconds),
        "p50_ms": 1000 * float(median),
        "p95_ms": 1000 * float(slow),
    }
