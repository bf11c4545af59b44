"""Measure from which cosine a search has found something near: `python -m benchmarks.near [--model NAME]`.

Each library of one field is asked its own questions (titles, for abstracts that have no questions), its own
keywords, everyday questions (RGB, English and Chinese), and the questions of the other libraries. A search
says "nothing is near" if no abstract has a cosine of at least the threshold and none holds every word. For
its own questions and keywords that is a false alarm; for everyday ones it is right. Questions of another
field are in between: libraries of many fields may well hold something near. `csl_zh` is of 46 disciplines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.common import DATA, parser, records
from rag.answering.nearness import is_near
from rag.evaluation.cache import dataset_index
from rag.evaluation.datasets.loading import limited, load_dataset
from rag.evaluation.metrics import wilson_interval
from rag.factory import configured_embedder
from rag.models.defaults import cache_dir
from rag.pipeline import RAG
from rag.schema import ScoredChunk
from rag.settings import load_settings

LIBRARIES = ("questions", "bilingual_arxiv/dev", "csl_zh/papers")
EVERYDAY = ("rgb/en_fact", "rgb/zh_refine")
THRESHOLDS = (0.12, 0.15, 0.18, 0.20, 0.22, 0.25, 0.28, 0.30, 0.32, 0.35)
RESULTS = 10
GROUPS = ("own questions", "own keywords", "everyday", "other fields")
Found = tuple[str, list[ScoredChunk]]


def own_questions(name: str, data: Path) -> list[str]:
    """Return the questions of a library that it answers."""
    return [query.text for query in load_dataset(data / name).queries if query.relevant]


def own_keywords(name: str, data: Path) -> list[str]:
    """Return the first keyword of each abstract of a library that has keywords."""
    return [r["keywords"][0] for r in records(name, data) if r.get("keywords")] if "/" in name else []


def asked(name: str, data: Path, limit: int) -> Iterator[tuple[str, list[str]]]:
    """Yield each group of queries that the library `name` is asked."""
    yield "own questions", limited(own_questions(name, data), limit)
    yield "own keywords", limited(own_keywords(name, data), limit)
    yield "everyday", [q for e in EVERYDAY for q in limited([r["query"] for r in records(e, data)], limit)]
    others = [q for other in LIBRARIES if other != name for q in limited(own_questions(other, data), limit)]
    yield "other fields", others


def line(name: str, group: str, found: Sequence[Found]) -> str:
    """Return the share of queries for which nothing is near, by threshold."""
    shown = [f"{name:<22}{group:<15}{len(found):>4}"]
    for threshold in THRESHOLDS:
        none = sum(not is_near(query, results, threshold) for query, results in found)
        low, high = wilson_interval(none, len(found)) or (0.0, 1.0)
        shown.append(f"{threshold:.2f}: {none / max(1, len(found)):.3f} [{low:.2f}, {high:.2f}]")
    return "  ".join(shown)


def main() -> None:
    """Ask every library, and print a row for each group and one for all libraries."""
    options = parser(__doc__)
    options.add_argument("--model", help="the embedding model (default: as configured)")
    options.add_argument("--limit", type=int, default=60, help="queries of a group (default: 60)")
    options.add_argument("--data", type=Path, default=DATA)
    parsed = options.parse_args()
    embedder = configured_embedder(load_settings(embedding_model=parsed.model))
    totals: dict[str, list[Found]] = {group: [] for group in GROUPS}
    for name in LIBRARIES:
        index = dataset_index(load_dataset(parsed.data / name), embedder, cache_dir())
        settings = load_settings(index=index.directory, embedding_model=parsed.model)
        with RAG(settings, embedder=embedder) as rag:
            for group, queries in asked(name, parsed.data, parsed.limit):
                found = [(query, rag.search(query, RESULTS)) for query in queries]
                totals[group] += found
                if found:
                    print(line(name, group, found), flush=True)
    for group in GROUPS:
        print(line("all", group, totals[group]))


if __name__ == "__main__":
    main()
