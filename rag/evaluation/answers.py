"""Ask every question of a data set, keep the answers as they come, and score them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from rag.errors import RagError
from rag.evaluation.answer_groups import group_summary, group_tables
from rag.evaluation.answer_tables import summary, tables
from rag.evaluation.cache import code_digest
from rag.evaluation.datasets.records import Dataset
from rag.evaluation.kept_lines import keep, read_kept
from rag.evaluation.qrels import QueryWithQrels
from rag.evaluation.scoring import Row, failed, score, to_json
from rag.schema import Answer
from rag.settings import Settings

# Where the models lie, what they are kept secret with and how many threads they use change no answer.
_NOT_ANSWERING = {"index", "conversations", "llm_api_key", "llm_timeout_s", "threads"}


class Asked(Protocol):
    """What answers questions; `rag.pipeline.RAG` does."""

    def ask(self, question: str, history: Sequence[tuple[str, str]] = ()) -> Answer:
        """Answer one question, after earlier turns."""


class KeptAnswers:
    """Answers in a JSONL file, one `{"question", "answer"}` a line, written as each is given.

    "question" is the question's text, or after earlier turns the JSON list of those and it. `given` counts
    the questions that were answered from it.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        """Read what `path` has, unless `fresh`; a line that was cut short is left out."""
        self._path = path
        self.given = 0
        if fresh:
            path.unlink(missing_ok=True)
        records = read_kept(path, {"question", "answer"})
        self._answers: dict[str, Mapping[str, Any]] = {r["question"]: r["answer"] for r in records}

    def get(self, question: str) -> Mapping[str, Any] | None:
        """Return the answer that was given, None when there is none."""
        self.given += question in self._answers
        return self._answers.get(question)

    def put(self, question: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer; it is on disk when this returns. Raises LibraryIndexError when it cannot be."""
        self._answers[question] = answer
        keep(self._path, {"question": question, "answer": answer})


def kept_answers_path(cache: Path, settings: Settings, generation: str, llm: str) -> Path:
    """Return where the answers of this library, model, code and these settings are kept."""
    chosen = settings.model_dump(mode="json", exclude=_NOT_ANSWERING)
    parts = [generation, llm, code_digest("pipeline"), chosen]
    name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return cache / "evaluate" / f"answers-{name}.jsonl"


def answer_all(rag: Asked, judged: Sequence[QueryWithQrels], kept: KeptAnswers) -> Iterator[Row]:
    """Yield the row of each question; one that has been answered before is not asked again.

    A question that ends in an error costs itself only, and is asked again next time.
    """
    for question in judged:
        text, history = question.query.text, question.query.history
        key = json.dumps([*history, text], ensure_ascii=False) if history else text
        answer = kept.get(key)
        if answer is None:
            try:
                answer = rag.ask(text, history).to_dict()
            except RagError as error:
                yield failed(question, error)
                continue
            kept.put(key, answer)
        yield score(question, answer)


def verdict(row: Row) -> str:
    """Return one word or two on a row, for the progress line."""
    if row.error:
        return row.error
    if row.refused:
        return "WRONGLY REFUSED" if row.answerable else "refused"
    if not row.answerable:
        return "NOT REFUSED"
    said = {True: "right", False: "WRONG", None: row.decided or "answered"}[row.right]
    return f"{said}, {({True: 'cited', False: 'NOT CITED', None: 'not judged'})[row.cited]}"


def answers_document(
    dataset: Dataset,
    config: Mapping[str, Any],
    llm: str,
    settings: Settings,
    rows: Sequence[Row],
    *,
    timed: bool = True,
) -> dict[str, Any]:
    """Return everything that `rag evaluate answers --json` writes.

    `config` as in `RetrievalReport`, with the language model and the settings; `summary` holds the figures of
    `table` by kind of question, column and measure; `groups` those of the data set's own groups; `rows` every
    question with its whole answer. Without `timed` seconds mean nothing, and are left out.
    """
    if not timed:
        rows = [replace(row, first_token_s=None, total_s=None) for row in rows]
    chosen = settings.model_dump(mode="json", exclude={"index", "conversations", "llm_api_key"})
    return {
        "dataset": {
            "name": dataset.name,
            "form": dataset.form,
            "digest": dataset.digest,
            "questions": len(dataset.queries),
            "asked": len(rows),
        },
        "config": {**config, "llm": llm, "settings": chosen, "cpus": os.cpu_count()},
        "timed": timed,
        "summary": summary(rows),
        "groups": group_summary(rows),
        "table": group_tables(rows) or tables(rows),
        "rows": to_json(rows),
    }
