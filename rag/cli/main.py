"""The command line: `rag index | add | remove | ask | search | export | chat | …`; `rag --help` lists all.

Exit codes: 0 answered or refused, 2 user's mistake, 1 other errors, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.cli.account import add_account
from rag.cli.chat import add_chat
from rag.cli.duplicates import add_duplicates
from rag.cli.evaluate import Commands, add_evaluate
from rag.cli.export import add_export, add_output
from rag.cli.library import add_library
from rag.cli.models import add_models
from rag.cli.questions import ANSWER_FORMATS
from rag.errors import RagError

if TYPE_CHECKING:
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
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--index", metavar="DIR", help="the index (default: RAG_INDEX, else the user data directory)"
    )
    add_library(commands, common)
    add_duplicates(commands, common)
    _add_questions(commands, common)
    add_chat(commands, common)
    add_account(commands)
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
    text = "only works of this author, however the name is written; repeatable"
    add("--author", action="append", default=[], metavar="NAME", help=text)
    text = "only works in this journal or conference; repeatable"
    add("--venue", action="append", default=[], metavar="NAME", help=text)
    text = "only works with this keyword; repeatable"
    add("--keyword", action="append", default=[], metavar="WORD", help=text)
    text = "only of these years: 2020, 2018-2020, 2018-"
    add("--year", type=_years, metavar="FROM-TO", help=text)
    ask = commands.add_parser("ask", parents=[common, narrowing], help="answer a question, with citations")
    text = "the question; - reads one a line from standard input"
    ask.add_argument("question", metavar="QUESTION", help=text)
    ask.add_argument("--json", action="store_true", help="print one JSON object a question")
    text = "how the answer is written (default: text); bibtex, ris and csl write the cited papers"
    ask.add_argument("--format", choices=ANSWER_FORMATS, default="text", help=text)
    add_output(ask)
    ask.set_defaults(run=_ask)
    text = "list the abstracts nearest to a query"
    search = commands.add_parser("search", parents=[common, narrowing], help=text)
    search.add_argument("query", metavar="QUERY", help="the query; - reads one a line from standard input")
    search.add_argument("-k", type=int, default=10, metavar="N", help="how many (default: 10)")
    search.add_argument("--json", action="store_true", help="print one JSON object a query")
    text = "list the nearest abstracts also where none is near"
    search.add_argument("--all", action="store_true", help=text)
    search.set_defaults(run=_search)
    add_export(commands, common, narrowing).set_defaults(run=_export)


def _ask(parsed: argparse.Namespace) -> int:
    from rag.cli.questions import ask

    return ask(parsed, _filters(parsed))


def _search(parsed: argparse.Namespace) -> int:
    from rag.cli.questions import search

    return search(parsed, _filters(parsed))


def _export(parsed: argparse.Namespace) -> int:
    from rag.cli.export import export

    return export(parsed, _filters(parsed))


def _prefill(parsed: argparse.Namespace) -> int:
    from rag.cli.output import prefill_report
    from rag.cli.progress import progress_bars

    if parsed.command == "read":
        note = "Note: `rag read` is now `rag prefill`; the next version drops the old name."
        print(note, file=sys.stderr)
    with _open(parsed) as rag, progress_bars() as progress:
        done = rag.prefill(progress)
        rag.write_examples(progress)
    print(prefill_report(done, rag.llm.endpoint, rag.settings.prompt_cache_mb))
    return 0


def _open(parsed: argparse.Namespace) -> RAG:
    from rag.pipeline import RAG

    return RAG.open(parsed.index)


class _Version(argparse.Action):
    """Print the version that is installed; it is looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        from importlib.metadata import version

        print(f"citefold {version('citefold')}")
        parser.exit()


def _years(text: str) -> Filters:
    from rag.schema import Filters

    filters = Filters().in_years(text)
    if filters is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a year or years such as 2020, 2018-2020 or 2018-")
    return filters


def _filters(parsed: argparse.Namespace) -> Filters:
    from rag.schema import Filters

    return replace(
        parsed.year or Filters(),
        language=parsed.language,
        sources=tuple(parsed.source),
        authors=tuple(parsed.author),
        venues=tuple(parsed.venue),
        keywords=tuple(parsed.keyword),
    )
