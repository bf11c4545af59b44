"""Ask the development questions and print what was right, rightly cited and refused, and how fast.

    python -m benchmarks.answers [--only single|several|unanswerable] [--json FILE] [--limit N] [--fresh]
    python -m benchmarks.answers --questions benchmarks/data/corpus --index DIR --beside-llamaindex

There are three groups of questions: one abstract answers, several abstracts answer together, or none does.
All of them are development data, so no figure is a test result. The development corpus is built from the
shared data.

With `--beside-llamaindex`, LlamaIndex's CitationQueryEngine answers the same questions with the same models
(`benchmarks.citation_engine`). `--questions` and `--index` name other questions and their index.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks import dev_corpus
from benchmarks.citation_engine import CitationEngine
from benchmarks.common import parser
from rag import RAG
from rag.evaluation.answers import KeptAnswers, answer_all, answers_document, kept_answers_path, verdict
from rag.evaluation.datasets.loading import limited, load_dataset
from rag.evaluation.datasets.records import Dataset, Query
from rag.evaluation.qrels import resolve_qrels
from rag.evaluation.retrieval import configuration
from rag.evaluation.scoring import Row
from rag.models import defaults as models
from rag.settings import load_settings
from rag.store.index import Store, open_store

# The groups of --only.
GROUPS: Mapping[str, Callable[[Query], bool]] = {
    "single": lambda query: query.answerable and not query.every,
    "several": lambda query: query.every,
    "unanswerable": lambda query: not query.answerable,
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    command = parser(__doc__)
    command.add_argument("--only", choices=sorted(GROUPS), help="only the questions of one group")
    command.add_argument(
        "--questions", type=Path, metavar="DATASET", help="these instead of the development ones"
    )
    command.add_argument("--index", type=Path, metavar="DIR", help="the index that --questions are about")
    command.add_argument("--beside-llamaindex", action="store_true", help="ask CitationQueryEngine too")
    command.add_argument("--limit", type=int, metavar="N", help="only N questions, drawn with a fixed seed")
    command.add_argument("--json", type=Path, metavar="FILE", help="write all rows and answers here")
    command.add_argument("--fresh", action="store_true", help="ask again what was answered before")
    return command.parse_args(argv)


def development_questions(store: Store, positions: Mapping[str, int]) -> Dataset:
    """Return the development questions with paper ids instead of arXiv ids."""
    paper_at = {
        source.position: paper.paper_id for paper in store.catalog.papers() for source in paper.sources
    }
    parts = [load_dataset(path) for path in (dev_corpus.QUESTIONS, dev_corpus.MORE, dev_corpus.SEVERAL)]
    queries = [
        replace(query, relevant={paper_at[positions[paper]]: gain for paper, gain in query.relevant.items()})
        for part in parts
        for query in part.queries
    ]
    return replace(parts[0], name="benchmarks/dev", queries=tuple(queries))


def chosen_questions(options: argparse.Namespace) -> tuple[Path, Callable[[Store], Dataset]]:
    """Return the index to ask, and a function that reads the questions; raise SystemExit without an index."""
    if options.questions is None:
        index, positions = dev_corpus.build()
        return index, lambda store: development_questions(store, positions)
    if options.index is None:
        raise SystemExit("--questions needs the --index that they are about.")
    return options.index, lambda store: load_dataset(options.questions)


def asked(answered: Iterable[Row], total: int) -> list[Row]:
    """Return the rows and report each on standard error; Ctrl-C ends them."""
    rows: list[Row] = []
    try:
        for row in answered:
            rows.append(row)
            print(f"[{len(rows)}/{total}] {row.id} {verdict(row)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; after Ctrl-C the answers so far are still written and shown."""
    options = arguments(argv)
    index, read = chosen_questions(options)
    with closing(open_store(index)) as store:
        dataset = read(store)
        if options.only:
            kept = tuple(query for query in dataset.queries if GROUPS[options.only](query))
            dataset = replace(dataset, name=f"{dataset.name}, {options.only}", queries=kept)
        judged = limited(resolve_qrels(dataset, store), options.limit)
        config, papers = configuration(store), store.catalog.papers()
    settings = load_settings(index=index)
    documents = {}
    with RAG(settings) as rag:
        llm = rag.llm.name
        path = kept_answers_path(models.cache_dir(), settings, config["generation"], llm)
        rows = asked(answer_all(rag, judged, KeptAnswers(path, fresh=options.fresh)), len(judged))
        documents["citefold"] = answers_document(dataset, config, llm, settings, rows)
    if options.beside_llamaindex:
        with CitationEngine(papers, settings) as engine:
            beside = KeptAnswers(path.with_stem(f"{path.stem}-llamaindex"), fresh=options.fresh)
            rows = asked(answer_all(engine, judged, beside), len(judged))
        documents["llamaindex"] = answers_document(dataset, config, llm, settings, rows)
    if options.json:
        options.json.write_text(json.dumps(documents, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for name, document in documents.items():
        print(f"{name}\n\n{document['table']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
