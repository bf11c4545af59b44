"""`rag ask` and `rag search`: one question, or one a line from standard input."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rag.cli.export import write_out
from rag.errors import QuestionError, RagError, UserError

if TYPE_CHECKING:
    from rag.cli.waiting import WaitingLine
    from rag.pipeline import RAG
    from rag.schema import Answer, Filters

# "text" is for reading, "json" one object on one line (docs/json.md), the others are files (docs/export.md).
ANSWER_FORMATS = ("text", "json", "markdown", "html", "csv", "bibtex", "ris", "csl")


def ask(parsed: argparse.Namespace, filters: Filters) -> int:
    """Answer a question, or every line of standard input; return the exit code.

    Raises:
        RagError: the question cannot be answered, or the format is for a single question.
    """
    from rag.cli.waiting import WaitingLine
    from rag.pipeline import RAG

    form = "json" if parsed.json else parsed.format
    lines = parsed.question == "-"
    if lines and form not in ("text", "json"):
        raise UserError(f"Standard input gives JSON lines; ask a single question for --format {form}.")
    with WaitingLine() as wait:
        wait.say("Opening the library")
        with RAG.open(parsed.index) as rag:
            print_privacy_notice(rag, wait)
            wait.say("Searching the abstracts")
            if form == "json" or lines:
                if lines:
                    wait.clear()
                return json_lines(
                    parsed.question, "question", lambda q: _answered(rag, q, filters, wait).to_dict()
                )
            return _print_answer(rag, parsed, filters, wait)


def search(parsed: argparse.Namespace, filters: Filters) -> int:
    """List the abstracts nearest to a query, or to every line of standard input; return the exit code.

    Raises:
        RagError: the query cannot be searched.
    """
    from rag.cli.output import search_results
    from rag.cli.waiting import WaitingLine
    from rag.pipeline import RAG

    with WaitingLine() as wait:
        wait.say("Opening the library")
        with RAG.open(parsed.index) as rag:
            print_privacy_notice(rag, wait)
            wait.say("Searching the abstracts")

            def found(query: str) -> dict[str, Any]:
                results = rag.search(query, parsed.k, filters)
                wait.clear()
                near = rag.is_near(query, results)
                return {"query": query, "near": near, "results": [r.to_dict() for r in results]}

            if parsed.json or parsed.query == "-":
                return json_lines(parsed.query, "query", found)
            results = rag.search(parsed.query, parsed.k, filters)
            shown = search_results(results, near=parsed.all or rag.is_near(parsed.query, results))
    print(shown)
    return 0


def _print_answer(rag: RAG, parsed: argparse.Namespace, filters: Filters, wait: WaitingLine) -> int:
    """Print an answer as text while it is written, or write it in another form once it is whole."""
    from rag.cli.output import answer_sources
    from rag.export.files import export_answer

    if parsed.format == "text" and parsed.output is None:
        answer = _answered(rag, parsed.question, filters, wait, lambda text: print(text, end="", flush=True))
        print(f"\n\n{answer_sources(answer)}".rstrip())
        return 0
    answer = _answered(rag, parsed.question, filters, wait)
    text = (
        f"{answer.answer}\n\n{answer_sources(answer)}".rstrip() + "\n"
        if parsed.format == "text"
        else export_answer(answer, parsed.format).text
    )
    write_out(text, parsed.output)
    return 0


def _answered(
    rag: RAG,
    question: str,
    filters: Filters,
    wait: WaitingLine,
    show: Callable[[str], None] = lambda text: None,
) -> Answer:
    """Return the answer; until its first words the line says what is being done, then `show` gets them."""
    from rag.schema import Answer, TextEvent

    for event in rag.ask(question, stream=True, filters=filters):
        wait.follow(event)
        if isinstance(event, TextEvent):
            wait.clear()
            show(event.delta)
        elif isinstance(event, Answer):
            return event
    raise AssertionError("a stream of events ends with an Answer")


def json_lines(argument: str, key: str, answer: Callable[[str], dict[str, Any]]) -> int:
    """Print one JSON object for the question, or for each line of standard input if it is "-".

    A line that fails gives `{key, "error"}`, and the next lines are still answered.
    """
    code = 0
    for line in _lines() if argument == "-" else [argument]:
        try:
            record = answer(line)
        except RagError as error:
            if argument != "-":
                raise
            record, code = {key: line, "error": str(error)}, error.exit_code
        print(json.dumps(record, ensure_ascii=False), flush=True)
    return code


def _lines() -> Iterator[str]:
    if sys.stdin is None:
        raise QuestionError("There is no standard input with questions; give a question instead of -.")
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="replace").rstrip("\r\n")


def print_privacy_notice(rag: RAG, wait: WaitingLine | None = None) -> None:
    """Say on standard error which text leaves this machine, if any does; the waiting line gives way."""
    if rag.notice:
        if wait:
            wait.pause()
        print(f"Note: {rag.notice}", file=sys.stderr)
