"""`rag export`: the papers of the library as references; and where exported text is written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import UserError

if TYPE_CHECKING:
    from rag.cli.evaluate import Commands
    from rag.schema import Filters

PAPER_FORMATS = ("bibtex", "ris", "csl")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the option that names a file instead of standard output."""
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to FILE, not to the screen")


def add_export(
    commands: Commands, common: argparse.ArgumentParser, narrowing: argparse.ArgumentParser
) -> argparse.ArgumentParser:
    """Add `export`, and return its parser."""
    text = "write the papers of the library as references"
    export = commands.add_parser("export", parents=[common, narrowing], help=text)
    text = "BibTeX, RIS or CSL-JSON (default: bibtex)"
    export.add_argument("--format", choices=PAPER_FORMATS, default="bibtex", help=text)
    add_output(export)
    return export


def write_out(text: str, file: Path | None) -> None:
    """Write `text` in UTF-8 to a file, or to standard output.

    Raises:
        UserError: the file cannot be written.
    """
    data = text.encode("utf-8", errors="replace")
    if file is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UserError(f"{file} cannot be written ({error.strerror}); name another file.") from error


def export(parsed: argparse.Namespace, filters: Filters) -> int:
    """Write the papers that pass the filters as references; return the exit code.

    Raises:
        RagError: the index or the file cannot be used.
    """
    from rag.export.files import export_papers
    from rag.pipeline import RAG

    with RAG.open(parsed.index) as rag:
        papers = rag.all_papers(filters)
    write_out(export_papers(papers, parsed.format).text, parsed.output)
    where = f" to {parsed.output}" if parsed.output else ""
    print(f"Wrote {len(papers):,} reference{'' if len(papers) == 1 else 's'}{where}.", file=sys.stderr)
    return 0
