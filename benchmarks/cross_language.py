"""Search across languages in general knowledge: questions of XQuAD and MLQA, each paragraph in one language.

    python -m benchmarks.cross_language [--limit 600]

A question is asked in both languages. Its paragraph is stored in English or in Chinese, by turns. No means,
weights or thresholds come from either data set. Only the activation ranges of EmbeddingGemma's 8-bit graph
saw 158 paragraphs and questions of XQuAD. Prints recall@1, @3 and @10 of what the product shows, for the
model that RAG_EMBEDDING_MODEL names.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from typing import Any

from benchmarks.common import parser, records
from rag.answering.retrieval import retrieve
from rag.embedding.base import Embedder
from rag.evaluation.cache import dataset_index
from rag.evaluation.datasets.loading import limited
from rag.evaluation.datasets.records import Dataset, Document, Query
from rag.evaluation.metrics import wilson_interval
from rag.evaluation.qrels import resolve_qrels
from rag.factory import configured_embedder
from rag.models import defaults as models
from rag.schema import LANGUAGES, Language
from rag.settings import load_settings
from rag.store.index import open_index

SOURCES = {"xquad": "judge/train/xquad/en_zh_all4", "mlqa": "judge/train/mlqa/dev_en_zh_all4"}
SHOWN = 10


def dataset(name: str) -> Dataset:
    """Return the questions that exist in both languages, and a paragraph for each."""
    rows: dict[str, dict[tuple[Language, Language], dict[str, Any]]] = defaultdict(dict)
    for row in records(SOURCES[name]):
        if row["label"] == "answerable":
            rows[row["origin"]][row["lang_a"], row["lang_b"]] = row
    stored: dict[str, tuple[Language, str]] = {}
    queries = []
    for origin, four in rows.items():
        if len(four) < 4:
            continue
        english = four["en", "en"]["a"]
        language, text = stored.setdefault(english, _text(four, LANGUAGES[len(stored) % 2]))
        for asked in LANGUAGES:
            question, group = four[language, asked]["b"], f"{asked}->{language}"
            queries.append(Query(f"{origin}-{asked}", question, asked, {text: 1.0}, group=group))
    documents = tuple(Document(text, text) for text in dict.fromkeys(text for _, text in stored.values()))
    return Dataset(name, "paragraphs", documents, tuple(queries))


def _text(four: dict[tuple[Language, Language], dict[str, Any]], language: Language) -> tuple[Language, str]:
    return language, four[language, language]["a"]


def report(name: str, embedder: Embedder, limit: int | None) -> None:
    """Print one line for each pair of languages."""
    data = dataset(name)
    index = dataset_index(data, embedder, models.cache_dir())
    ranks: dict[str, list[int]] = defaultdict(list)
    with closing(open_index(index.directory, embedder.name)) as store:
        for question in limited([q for q in resolve_qrels(data, store) if q.gains], limit):
            query = question.query
            shown = [
                found.paper.paper_id for found in retrieve(store, embedder, query.text, query.language, SHOWN)
            ]
            rank = next((n for n, paper in enumerate(shown, 1) if paper in question.gains), SHOWN + 1)
            ranks[question.group].append(rank)
    print(f"{name}: {len(data.documents)} paragraphs, {embedder.name}", flush=True)
    for group, found in sorted(ranks.items()):
        shares = []
        for k in (1, 3, SHOWN):
            hits = sum(rank <= k for rank in found)
            low, high = wilson_interval(hits, len(found)) or (0.0, 1.0)
            shares.append(f"R@{k} {hits / len(found):.3f} [{low:.3f}, {high:.3f}]")
        print(f"  {group} (n = {len(found)})  {'  '.join(shares)}", flush=True)


def main() -> None:
    """Report both."""
    command = parser(__doc__)
    command.add_argument("--limit", type=int, default=600, help="questions of each data set")
    limit = command.parse_args().limit
    embedder = configured_embedder(load_settings())
    for name in SOURCES:
        report(name, embedder, limit)


if __name__ == "__main__":
    main()
