"""The command line: `rag index | add | sync | remove | ask | search | chat | …`; `rag --help` lists all.

Exit codes: 0 answered or refused, 2 user's mistake, 1 other errors, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.cli.duplicates import add_duplicates
from rag.cli.evaluate import Commands, add_evaluate
from rag.cli.library import add_library
from rag.cli.models import add_models
from rag.errors import QuestionError, RagError

if TYPE_CHECKING:
    from threading import Event

    from rag.pipeline import RAG
    from rag.schema import Filters

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error is one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):  # other encodings show \u escapes instead of a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()  # raises BrokenPipeError here, not at exit
    except RagError as error:
        print(f"rag: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nrag: stopped.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        print("rag: the disk is full, so the output could not be written; free some space.", file=sys.stderr)
        return 1
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        parsed = _parser().parse_args(arguments)
    except SystemExit as end:  # argparse has printed help or an error
        return end.code if isinstance(end.code, int) else 0
    run: Callable[[argparse.Namespace], int] = parsed.run
    return run(parsed)


def _drop_output() -> None:
    """Discard buffered output, so that the interpreter can exit without an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rag",
        description="Ask a pile of scientific abstracts, in English or Chinese; answers cite their source.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--index", metavar="DIR", help="the index (default: RAG_INDEX, else the user data directory)"
    )
    add_library(commands, common)
    add_duplicates(commands, common)
    _add_questions(commands, common)
    chat = commands.add_parser("chat", parents=[common], help="serve the chat page")
    chat.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    chat.add_argument("--port", type=int, default=7860, help="port to listen on (default: 7860)")
    chat.set_defaults(run=_chat)
    text = "pre-compute prompt caches (about 4 s an abstract)"
    prefill = commands.add_parser("prefill", aliases=["read"], parents=[common], help=text)
    prefill.set_defaults(run=_prefill)
    add_models(commands, common)
    add_evaluate(commands, common)
    return parser


def _add_questions(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `ask` and `search`, with the filters that both have."""
    narrowing = argparse.ArgumentParser(add_help=False)
    add = narrowing.add_argument
    add("--language", choices=("en", "zh"), help="only abstracts in this language")
    text = "only abstracts of this file or folder; repeatable"
    add("--source", action="append", default=[], metavar="FILE", help=text)
    text = "only of these years: 2020, 2018-2020, 2018-"
    add("--year", type=years, default=(None, None), metavar="FROM-TO", help=text)
    ask = commands.add_parser("ask", parents=[common, narrowing], help="answer a question, with citations")
    text = "the question; - reads one a line from standard input"
    ask.add_argument("question", metavar="QUESTION", help=text)
    ask.add_argument("--json", action="store_true", help="print one JSON object a question")
    ask.set_defaults(run=_ask)
    text = "list the abstracts nearest to a query"
    search = commands.add_parser("search", parents=[common, narrowing], help=text)
    search.add_argument("query", metavar="QUERY", help="the query; - reads one a line from standard input")
    search.add_argument("-k", type=int, default=10, metavar="N", help="how many (default: 10)")
    search.add_argument("--json", action="store_true", help="print one JSON object a query")
    search.set_defaults(run=_search)


def _ask(parsed: argparse.Namespace) -> int:
    filters = _filters(parsed)
    with _open(parsed) as rag:
        _print_privacy_notice(rag)
        if parsed.json or parsed.question == "-":
            return _json_lines(parsed.question, "question", lambda q: rag.ask(q, filters=filters).to_dict())
        return _ask_aloud(rag, parsed.question, filters)


def _ask_aloud(rag: RAG, question: str, filters: Filters) -> int:
    from rag.cli.output import answer_sources
    from rag.schema import Answer, TextEvent

    for event in rag.ask(question, stream=True, filters=filters):
        if isinstance(event, TextEvent):
            print(event.delta, end="", flush=True)
        elif isinstance(event, Answer):
            print(f"\n\n{answer_sources(event)}".rstrip())
    return 0


def _search(parsed: argparse.Namespace) -> int:
    from rag.cli.output import search_results

    filters = _filters(parsed)
    with _open(parsed) as rag:
        _print_privacy_notice(rag)
        if parsed.json or parsed.query == "-":

            def found(query: str) -> dict[str, Any]:
                return {
                    "query": query,
                    "results": [r.to_dict() for r in rag.search(query, parsed.k, filters)],
                }

            return _json_lines(parsed.query, "query", found)
        print(search_results(rag.search(parsed.query, parsed.k, filters)))
    return 0


def _chat(parsed: argparse.Namespace) -> int:
    from threading import Event, Thread

    from ui.server import serve
    from ui.words import Label

    closing = Event()
    with _open(parsed) as rag:
        _print_privacy_notice(rag)
        warming = Thread(target=_warm, args=(rag, closing), daemon=True)
        try:
            notice = Label(**rag.notices) if rag.notices else None
            serve(rag, host=parsed.host, port=parsed.port, notice=notice, ready=warming.start)
        finally:
            closing.set()
    return 0


def _warm(rag: RAG, closing: Event) -> None:
    """Load the models while the page opens, then embed sentences and prefill prompt caches."""
    try:
        rag.warm()
        rag.embed_sentences(closing)
        rag.prefill(stop=closing)
    except RagError as error:
        if not closing.is_set():
            print(f"rag: {error}", file=sys.stderr)


def _prefill(parsed: argparse.Namespace) -> int:
    from rag.cli.output import prefill_report, progress_bars

    if parsed.command == "read":
        note = "Note: `rag read` is now `rag prefill`; the next version drops the old name."
        print(note, file=sys.stderr)
    with _open(parsed) as rag, progress_bars() as progress:
        done = rag.prefill(progress)
    print(prefill_report(done, rag.llm.endpoint, rag.settings.prompt_cache_mb))
    return 0


def _open(parsed: argparse.Namespace) -> RAG:
    from rag.pipeline import RAG

    return RAG.open(parsed.index)


def years(text: str) -> tuple[int | None, int | None]:
    """Return first and last year of 2020, 2018-2020, 2018- or -2020; else raise ArgumentTypeError."""
    first, dash, last = text.partition("-")
    if not re.fullmatch(r"\d{1,4}-?|\d{0,4}-\d{1,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a year or years such as 2020, 2018-2020 or 2018-")
    start, end = int(first) if first else None, int(last) if last else None
    return start, end if dash else start


def _filters(parsed: argparse.Namespace) -> Filters:
    from rag.schema import Filters

    return Filters(parsed.language, tuple(parsed.source), *parsed.year)


def _json_lines(argument: str, key: str, answer: Callable[[str], dict[str, Any]]) -> int:
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


def _print_privacy_notice(rag: RAG) -> None:
    if rag.notice:
        print(f"Note: {rag.notice}", file=sys.stderr)
