"""Ask the development questions and print the honest table: right, rightly cited, refused, how fast.

    python -m benchmarks.answers [--only single|several|unanswerable] [--json FILE] [--limit N] [--fresh]
    python -m benchmarks.answers --questions benchmarks/data/corpus --index DIR --beside-llamaindex

Three groups, a table for each: questions that one abstract answers, that several answer between them, and
that none does. A development corpus is built from the shared data. The questions about corpus/ are development
data too: `rag evaluate answers benchmarks/data/corpus`. Neither gives a figure that may be called a test.

With `--beside-llamaindex` LlamaIndex's CitationQueryEngine answers the same questions afterwards, with the same models on
the same abstracts (`benchmarks.citation_engine`), and has its own tables. `--questions` and `--index` ask other questions
of another index, such as one of corpus/.
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
    parser.add_argument(
        "--questions", type=Path, metavar="DATASET", help="these instead of the development ones"
    )
    parser.add_argument("--index", type=Path, metavar="DIR", help="the index that --questions are about")
    parser.add_argument("--beside-llamaindex", action="store_true", help="ask CitationQueryEngine too")
    parser.add_argument("--limit", type=int, metavar="N", help="only N questions, drawn with a fixed seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows and answers here")
    parser.add_argument("--fresh", action="store_true", help="ask again what was answered before")
    return parser.parse_args(argv)


def development_questions(store: Store, positions: Mapping[str, int]) -> Dataset:
    """Return the development questions, what is relevant named by paper id instead of arXiv id."""
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
    """Return the index to ask, and what reads the questions to ask it.

    Raises SystemExit when questions are named without the index that they are about.
    """
    if options.questions is None:
        index, positions = dev_corpus.build()
        return index, lambda store: development_questions(store, positions)
    if options.index is None:
        raise SystemExit("--questions needs the --index that they are about.")
    return options.index, lambda store: load_dataset(options.questions)


def asked(answered: Iterable[Row], total: int) -> list[Row]:
    """Return the rows, each reported as it comes; an interruption ends them, and what is kept is not asked again."""
    rows: list[Row] = []
    try:
        for row in answered:
            rows.append(row)
            print(f"[{len(rows)}/{total}] {row.id} {verdict(row)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on here", file=sys.stderr)
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; what was asked before an interruption is still written and shown, and kept."""
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
