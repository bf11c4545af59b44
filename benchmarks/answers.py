"""Ask the development questions and print the honest table: right, rightly cited, refused, how fast.

    python -m benchmarks.answers [--only single|several|unanswerable] [--json FILE] [--limit N] [--fresh]

Three groups, a table for each: questions that one abstract answers, that several answer between them, and that
none does. Prompts and thresholds may be tuned on this set only. A development corpus is built from the shared
data; the table of the default corpus, on which nothing may be tuned, is `rag evaluate answers tests/data`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks import dev_corpus
from rag import models
from rag.dataset_records import Dataset, Query
from rag.datasets import limited, load_dataset
from rag.evaluate import configuration
from rag.evaluate_answers import KeptAnswers, answer_all, answers_document, kept_answers_path, verdict
from rag.relevance import judge
from rag.scoring import Row
from rag.settings import load_settings
from rag.store import Store, open_store

# What --only may name, and the questions that belong to it.
GROUPS: Mapping[str, Callable[[Query], bool]] = {
    "single": lambda query: query.answerable and not query.every,
    "several": lambda query: query.every,
    "unanswerable": lambda query: not query.answerable,
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=sorted(GROUPS), help="only the questions of one group")
    parser.add_argument("--limit", type=int, metavar="N", help="only N questions, drawn with a fixed seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows and answers here")
    parser.add_argument("--fresh", action="store_true", help="ask again what was answered before")
    return parser.parse_args(argv)


def development_questions(store: Store, positions: Mapping[str, int], only: str | None = None) -> Dataset:
    """Return the development questions, what is relevant named by paper id instead of arXiv id.

    `only` names one of `GROUPS`; all of them without it.
    """
    paper_at = {
        source.position: paper.paper_id for paper in store.catalog.papers() for source in paper.sources
    }
    single, several = (load_dataset(path) for path in (dev_corpus.QUESTIONS, dev_corpus.SEVERAL))
    queries = [
        replace(query, relevant={paper_at[positions[paper]]: gain for paper, gain in query.relevant.items()})
        for query in (*single.queries, *several.queries)
        if only is None or GROUPS[only](query)
    ]
    name = f"benchmarks/dev, {only}" if only else "benchmarks/dev"
    return replace(single, name=name, queries=tuple(queries))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; what was asked before an interruption is still written and shown, and kept."""
    options = arguments(argv)
    index, positions = dev_corpus.build()
    with closing(open_store(index)) as store:
        dataset = development_questions(store, positions, options.only)
        judged = limited(judge(dataset, store), options.limit)
        config = configuration(store)
    from rag import RAG

    settings = load_settings(index=index)
    rows: list[Row] = []
    with RAG(settings) as rag:
        llm = rag.llm.name
        path = kept_answers_path(models.cache_dir(), settings, config["generation"], llm)
        try:
            for row in answer_all(rag, judged, KeptAnswers(path, fresh=options.fresh)):
                rows.append(row)
                print(f"[{len(rows)}/{len(judged)}] {row.id} {verdict(row)}", file=sys.stderr)
        except KeyboardInterrupt:
            print("interrupted; the same command goes on here", file=sys.stderr)
    document = answers_document(dataset, config, llm, settings, rows)
    if options.json:
        options.json.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(document["table"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
