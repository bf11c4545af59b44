"""Measure questions about fields: `python -m benchmarks.fields [FILE]`, by default the unseen ones.

It indexes the invented papers of `benchmarks/data/fields/papers.jsonl` and asks the questions in FILE.
A question is right if the reply comes from the catalogue, cites the papers of `papers` and no other but those
of `maybe`, and matches `answer`. The language model reads questions in unknown words; what is left to the
abstracts counts as wrong. `--false-hits` counts instead the questions of ../shared/data and of
`benchmarks/data` that are taken for questions about fields, although abstracts answer them, and those that
the language model would have to read; with `--ask N` it reads N of those.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.common import DATA, ROOT, parser, records
from rag.answering.collection.topic import holds_terms
from rag.answering.fields.library import Library
from rag.answering.fields.query_prompt import QUERY_SYSTEM
from rag.answering.fields.question import (
    FieldQuestion,
    Worded,
    may_ask_fields,
    needs_reading,
    read_field_question,
    word_question,
)
from rag.answering.fields.reading import read_with_llm
from rag.answering.fields.wording import WordingModel
from rag.answering.router import classify
from rag.errors import LLMError, LLMResponseError
from rag.evaluation.metrics import wilson_interval
from rag.factory import configured_llm
from rag.library import index_paths
from rag.llm.base import LLM, Message, TextStream
from rag.models import defaults as models
from rag.pipeline import RAG
from rag.schema import Answer, Paper, Source
from rag.settings import load_settings

FIELDS = ROOT / "benchmarks" / "data" / "fields"
ARXIV = 10_000  # papers whose authors and titles a question might name by chance
ANSWERABILITY = ("xquad", "mlqa", "cmrc2018", "drcd", "tydiqa_en", "evidence_inference")
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚"
VENUES = ("Nature", "Science", "Cell", "Physical Review Letters", "生态学报", "科学通报")
THIS_YEAR = 2026


def main() -> None:
    """Print each wrong answer, and the share of right ones with its interval."""
    arguments = parser(__doc__)
    arguments.add_argument("file", nargs="?", default="unseen", help="unseen or dev")
    arguments.add_argument("--false-hits", action="store_true", help="count science taken for fields")
    arguments.add_argument("--learned", action="store_true", help="measure the learned models alone")
    arguments.add_argument("--ask", metavar="N", type=int, default=0, help="have N false hits read")
    arguments.add_argument("--json", metavar="FILE", type=Path, help="write the figures here")
    parsed = arguments.parse_args()
    figures = false_hits(parsed.ask) if parsed.false_hits else asked(parsed.file, learned=parsed.learned)
    if parsed.json:
        parsed.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")


def asked(name: str, model: WordingModel | None = None, *, learned: bool = False) -> dict[str, Any]:
    """Ask every question of a file, and print what is wrong.

    With other models than those shipped, or `learned`, the language model reads none.
    """
    rows = [json.loads(line) for line in (FIELDS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    papers = [json.loads(line) for line in (FIELDS / "papers.jsonl").read_text("utf-8").splitlines()]
    ids = {paper["title"]: paper["id"] for paper in papers}
    right, seconds = 0, []
    with _opened(learned=learned or model is not None) as rag, _read_with(model):
        for row in rows:
            started = time.perf_counter()
            answer = _ask(rag, row["question"])
            seconds.append(time.perf_counter() - started)
            fault = _fault(row, answer, ids)
            right += fault is None
            if fault:
                print(f"{row['id']} {row['question']}\n    {fault}\n    {answer and answer.answer!r}")
    low, high = wilson_interval(right, len(rows)) or (0.0, 1.0)
    median = sorted(seconds)[len(seconds) // 2]
    print(f"{name}: right {right} of {len(rows)} = {right / len(rows):.3f} [{low:.3f}, {high:.3f}]")
    print(f"median {median:.3f} s, slowest but the first {max(seconds[1:]):.3f} s")
    return {"file": name, "right": right, "questions": len(rows), "low": low, "high": high}


class _Reader(LLM):
    """The language model, which may read a question about fields but not answer one from abstracts."""

    def __init__(self, llm: LLM, *, learned: bool) -> None:
        """With `learned` it reads nothing either, so that the learned models guess."""
        self._llm, self._learned = llm, learned
        self.name, self.endpoint, self.is_remote = llm.name, llm.endpoint, llm.is_remote
        self.context_window, self.supports_grammar = llm.context_window, llm.supports_grammar
        self.warm, self.close = llm.warm, llm.close

    def stream(self, messages: Sequence[Message], **options: Any) -> TextStream:
        """Refuse what is no request for a query."""
        if messages[0].content != QUERY_SYSTEM:
            raise LLMError("The language model was asked.")
        if self._learned:
            raise LLMResponseError("The learned models are measured alone.")
        return self._llm.stream(messages, **options)


def _opened(*, learned: bool = False) -> RAG:
    """Index the papers, unless that was done before, and open the index."""
    index = models.cache_dir() / "benchmarks" / "fields"
    index_paths([FIELDS / "papers.jsonl"], index)
    settings = load_settings(index=index)
    return RAG(settings, llm=_Reader(configured_llm(settings), learned=learned))


@contextmanager
def _read_with(model: WordingModel | None) -> Iterator[None]:
    """Have questions read by `model`, where one is given."""
    with patch("rag.answering.fields.question.wording_model", return_value=model) if model else nullcontext():
        yield


def _ask(rag: RAG, question: str) -> Answer | None:
    try:
        return rag.ask(question)
    except LLMError:
        return None


def _fault(row: dict[str, Any], answer: Answer | None, ids: dict[str, str]) -> str | None:
    if answer is None or answer.kind != "collection":
        return "left to the language model"
    cited = {ids[str(citation.title)] for citation in answer.citations}
    if missing := set(row["papers"]) - cited:
        return f"not cited: {', '.join(sorted(missing))}"
    if more := cited - {*row["papers"], *row.get("maybe", ())}:
        return f"cited too: {', '.join(sorted(more))}"
    pattern = row.get("answer")
    found = pattern is None or re.search(pattern, answer.answer, re.IGNORECASE | re.DOTALL)
    return None if found else f"does not say {pattern}"


def false_hits(ask: int = 0) -> dict[str, Any]:
    """Count and print the questions about science that are read as questions about fields.

    Of those that would be put to the language model it is given `ask`, drawn at random.
    """
    papers = list(_many_papers())
    library = Library(papers)
    figures: dict[str, Any] = {}
    to_read: list[Worded] = []
    for name, questions in science():
        asked = [worded for q in questions if (worded := _to_be_read(q, library))]
        taken = [q for q in questions if _taken(q, library) and q not in {each.question for each in asked}]
        figures[name] = {"questions": len(questions), "taken": len(taken), "to be read": len(asked)}
        to_read += asked
        print(f"{name}: {len(taken)} of {len(questions)}; {len(asked)} to be read by the language model")
        print("".join(f"    {question}\n" for question in taken), end="")
    total, taken_all = (sum(row[key] for row in figures.values()) for key in ("questions", "taken"))
    print(f"all: {taken_all} of {total}; {len(to_read)} to be read by the language model")
    if ask:
        sample = random.Random(1).sample(to_read, min(ask, len(to_read)))
        figures["read"] = {"questions": len(sample), "taken": _read_by_llm(sample, library)}
        print(f"taken by the language model: {figures['read']['taken']} of {len(sample)}")
    return figures


def _to_be_read(question: str, library: Library) -> Worded | None:
    """Return a question as the models see it if the language model would have to read it."""
    if not may_ask_fields(question) or classify(question):
        return None
    worded = word_question(question, library, THIS_YEAR)
    return worded if needs_reading(worded, library) else None


def _read_by_llm(questions: Sequence[Worded], library: Library) -> int:
    """Return how many of the questions the language model takes for questions about fields; print them."""
    llm, taken = configured_llm(load_settings()), 0
    for worded in questions:
        read = read_with_llm(llm, worded) or read_field_question(worded, library)
        if read is not None and _is_asked(read, library):
            taken += 1
            print(f"    {worded.question}\n        {read}")
    llm.close()
    return taken


def _taken(question: str, library: Library) -> bool:
    """Return whether a question is read as one about fields; if it needs a title, there has to be one."""
    if not may_ask_fields(question):
        return False
    read = read_field_question(word_question(question, library, THIS_YEAR), library)
    return read is not None and _is_asked(read, library)


def _is_asked(read: FieldQuestion, library: Library) -> bool:
    """Return whether the catalogue would answer what was read, as far as authors, venues and titles tell."""
    if not read.as_title:
        known = not read.venue or library.venues.find(read.venue)
        return read.sure or bool(known and all(library.authors.find(name) for name in read.authors))
    titles = (paper.title or "" for work in library.works for paper in work.papers)
    return any(holds_terms(read.topic or "", title) for title in titles)


def _many_papers() -> Iterator[Paper]:
    """Yield papers with the authors and titles of arXiv, and Chinese ones with names made at random."""
    chance = random.Random(0)
    for number, row in zip(range(ARXIV), records("arxiv_50k"), strict=False):
        authors = tuple(name.strip() for name in row["author_text"].split(","))
        source, venue = (Source("arxiv", number),), VENUES[number % len(VENUES)]
        yield Paper(
            f"a{number}", "", "en", source, row["title"], authors, int(row["created"][:4]), venue=venue
        )
    for number, row in enumerate(records("csl_zh/papers")):
        names = (
            chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2)))) for _ in range(3)
        )
        yield Paper(f"c{number}", "", "zh", (Source("csl", number),), row["title"], tuple(names), 2015)


def science() -> Iterator[tuple[str, list[str]]]:
    """Yield the questions of each set that are about what abstracts and passages say."""
    for name in ANSWERABILITY:
        files = sorted((DATA / "judge" / "train" / name).glob("*.jsonl.gz"))
        rows = [row for file in files for row in records(f"judge/train/{name}/{file.name.split('.')[0]}")]
        yield name, sorted({row["b"] for row in rows if row["task"] == "answerability"})
    yield "pubmedqa", [row["QUESTION"] for row in records("pubmedqa/dev")]
    yield "rgb", [row["query"] for part in ("en_fact", "zh_refine") for row in records(f"rgb/{part}")]
    yield "scifact", [row["text"] for row in records("scifact/queries")]
    own = [DATA / "questions" / "questions.jsonl", *(ROOT / "benchmarks" / "data").glob("*.jsonl")]
    own += (ROOT / "benchmarks" / "data" / "corpus").glob("*.jsonl")
    lines = [line for file in own for line in file.read_text("utf-8").splitlines()]
    yield "own", [json.loads(line)["question"] for line in lines]


if __name__ == "__main__":
    main()
