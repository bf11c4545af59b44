"""Ask every question of the test set and print the honest table: right, rightly cited, refused, how fast.

    python -m benchmarks.answers [--index DIR] [--json FILE] [--subset N]
    python -m benchmarks.answers --dev

Without `--dev` the index must hold the default corpus (`rag index corpus`). With it, a development corpus is
built from the shared data; prompts and thresholds may be tuned on that one only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import dev_corpus
from benchmarks.scoring import Question, Row, failed, read_questions, score, to_json
from benchmarks.table import tables
from rag.errors import RagError

if TYPE_CHECKING:
    from rag import RAG

DATA = dev_corpus.ROOT / "tests" / "data"
SUBSET_SEED = 7


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--index", type=Path, help="index of the default corpus (default: the user's)")
    parser.add_argument("--questions", type=Path, default=DATA / "questions.jsonl")
    parser.add_argument("--unanswerable", type=Path, default=DATA / "unanswerable.jsonl")
    parser.add_argument("--dev", action="store_true", help="the development questions and corpus instead")
    parser.add_argument("--subset", type=int, metavar="N", help="only N questions, drawn with a fixed seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rows and answers here")
    return parser.parse_args(argv)


def ask_all(rag: RAG, questions: Sequence[Question]) -> Iterator[Row]:
    """Yield the row of each question, with a progress line on standard error."""
    for number, question in enumerate(questions, start=1):
        started = time.perf_counter()
        try:
            row = score(question, rag.ask(question.text))
        except RagError as error:
            row = failed(question, error)
        seconds = time.perf_counter() - started
        print(f"[{number}/{len(questions)}] {row.id} {verdict(row)} {seconds:.1f} s", file=sys.stderr)
        yield row


def verdict(row: Row) -> str:
    """Return one word or two on a row, for the progress line."""
    if row.error:
        return row.error
    if row.refused:
        return "WRONGLY REFUSED" if row.answerable else "refused"
    if not row.answerable:
        return "NOT REFUSED"
    return f"{'right' if row.right else 'WRONG'}, {'cited' if row.cited else 'NOT CITED'}"


def subset(questions: Sequence[Question], size: int | None) -> list[Question]:
    """Return `size` of the questions, the same ones every time and in their order; all without a size."""
    if size is None or size >= len(questions):
        return list(questions)
    chosen = sorted(random.Random(SUBSET_SEED).sample(range(len(questions)), size))
    return [questions[number] for number in chosen]


def write(path: Path, rows: Sequence[Row], dev: bool) -> None:
    """Write every row, and the tables, as one JSON document."""
    document = {
        "set": "development" if dev else "test",
        "cpus": os.cpu_count(),
        "table": tables(rows),
        "rows": to_json(rows),
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; what was asked before an interruption is still written and shown."""
    options = arguments(argv)
    if options.dev:
        index, positions = dev_corpus.build()
        questions = read_questions(dev_corpus.QUESTIONS, positions)
    else:
        index = options.index
        questions = read_questions(options.questions) + read_questions(options.unanswerable)
    from rag import RAG

    rows: list[Row] = []
    try:
        with RAG.open(index) as rag:
            for row in ask_all(rag, subset(questions, options.subset)):
                rows.append(row)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    if options.json:
        write(options.json, rows, options.dev)
    print(tables(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
