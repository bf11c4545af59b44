"""The commands that build, change and look after an index."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.cli.evaluate import Commands
    from rag.indexing.changing.change import ChangeReport
    from rag.schema import Problem

_WATCH_S = 2.0  # seconds between two looks at a watched folder


def add_library(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `index`, `add`, `sync`, `remove`, `info`, `doctor`, `backup` and `restore`."""
    reported = argparse.ArgumentParser(add_help=False)
    text = "write each record that is not used to FILE, with its file, position and reason, as JSON lines"
    reported.add_argument("--report", type=Path, metavar="FILE", help=text)
    both = [common, reported]
    index = commands.add_parser("index", parents=both, help="make the index hold what PATH… hold")
    add = commands.add_parser("add", parents=both, help="add what PATH… hold")
    text = (
        "a field, and where it stands in JSON or a table of another form: abstract=data.summary; repeatable"
    )
    for command, run in ((index, _index), (add, _add)):
        command.add_argument("--map", action="append", type=_mapped, metavar="FIELD=PATH", help=text)
        command.add_argument("paths", nargs="+", metavar="PATH", help="a file or folder of abstracts")
        command.set_defaults(run=run)
    text = "where reading, folding and embedding run: here, or on a Ray cluster (default: here)"
    index.add_argument("--engine", choices=("here", "ray"), default="here", help=text)
    sync = commands.add_parser("sync", parents=both, help="make the index follow a folder that changes")
    sync.add_argument("path", metavar="PATH", help="a folder or file of abstracts")
    sync.add_argument("--watch", action="store_true", help="go on, and follow every change until Ctrl-C")
    sync.set_defaults(run=_sync)
    text = "take files, folders or papers out of the index; the files themselves stay"
    remove = commands.add_parser("remove", parents=[common], help=text)
    text = "a file or folder as the citations name it, or the id of a paper"
    remove.add_argument("names", nargs="+", metavar="NAME", help=text)
    remove.set_defaults(run=_remove)
    info = commands.add_parser("info", parents=[common], help="say what is indexed and where everything lies")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=_info)
    _add_care(commands, common)


def _add_care(commands: Commands, common: argparse.ArgumentParser) -> None:
    text = "look for damage, odd texts, and what the machine cannot bear"
    doctor = commands.add_parser("doctor", parents=[common], help=text)
    doctor.add_argument("--fix", action="store_true", help="repair what can be repaired safely")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=_doctor)
    backup = commands.add_parser("backup", parents=[common], help="write the index to one file")
    backup.add_argument("file", type=Path, metavar="FILE", help="for example library.tar.gz")
    backup.set_defaults(run=_backup)
    text = "put a backup in the place of the index, without embedding"
    restore = commands.add_parser("restore", parents=[common], help=text)
    restore.add_argument("file", type=Path, metavar="FILE", help="a file of `rag backup`")
    restore.set_defaults(run=_restore)


def _mapped(text: str) -> tuple[str, str]:
    """Return field and path of "abstract=data.summary"; raise ArgumentTypeError for anything else."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form abstract=data.summary")
    return name, path


def _index(parsed: argparse.Namespace) -> int:
    from rag.cli.output import build_report, problem_lines
    from rag.cli.progress import progress_bars, with_advice
    from rag.library import index_paths
    from rag.settings import load_settings

    settings = load_settings(index=index_path(parsed))
    with progress_bars() as progress:
        shown = with_advice(progress, settings.embedding_model)
        mapping = dict(parsed.map or ())
        report = index_paths(
            parsed.paths, parsed.index, mapping=mapping, engine=parsed.engine, progress=shown
        )
    if report.problems:
        print(problem_lines(report.problems), file=sys.stderr)
    _write_report(parsed.report, report.problems)
    print(build_report(report, str(settings.index)))
    return 0


def _add(parsed: argparse.Namespace) -> int:
    from rag.cli.progress import progress_bars
    from rag.library import add_paths

    with progress_bars() as progress:
        mapping = dict(parsed.map) if parsed.map else None
        reports = add_paths(parsed.paths, parsed.index, mapping=mapping, progress=progress)
    return _print_change(reports, parsed.report)


def _sync(parsed: argparse.Namespace) -> int:
    from rag.cli.progress import progress_bars
    from rag.library import sync_path

    while True:
        with progress_bars() as progress:
            reports = sync_path(parsed.path, parsed.index, progress=progress)
        if reports or not parsed.watch:
            _print_change(reports, parsed.report)
        if not parsed.watch:
            return 0
        time.sleep(_WATCH_S)


def _remove(parsed: argparse.Namespace) -> int:
    from rag.library import remove

    return _print_change(remove(parsed.names, parsed.index), None)


def _print_change(reports: Sequence[ChangeReport], file: Path | None) -> int:
    from rag.cli.output import change_report, problem_lines

    problems = [problem for report in reports for problem in report.problems]
    if problems:
        print(problem_lines(problems), file=sys.stderr)
    _write_report(file, problems)
    print(change_report(reports), flush=True)
    return 0


def _write_report(file: Path | None, problems: Sequence[Problem]) -> None:
    """Write the records that are not used as JSON lines.

    Raises:
        CorpusError: the file cannot be written.
    """
    from rag.errors import CorpusError

    if file is None:
        return
    lines = [json.dumps(problem.to_dict(), ensure_ascii=False) + "\n" for problem in problems]
    try:
        file.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise CorpusError(
            f"The report {file} cannot be written ({error.strerror}); name another file."
        ) from error


def _info(parsed: argparse.Namespace) -> int:
    from rag.cli.output import info_text
    from rag.factory import describe
    from rag.settings import load_settings
    from rag.store.manifest import Manifest

    settings = load_settings(index=index_path(parsed))
    info = describe(settings, Manifest.read(settings.index))
    print(json.dumps(info, ensure_ascii=False, indent=1) if parsed.json else info_text(info))
    return 0


def _doctor(parsed: argparse.Namespace) -> int:
    from rag.cli.output import finding_lines
    from rag.library import examine, repair

    findings = examine(parsed.index)
    if parsed.json:
        print(json.dumps([finding.to_dict() for finding in findings], ensure_ascii=False, indent=1))
    else:
        print(finding_lines(findings))
    if parsed.fix:
        print("\n".join(repair(parsed.index, findings)) or "Nothing to repair.")
        return 0
    return int(any(finding.level == "error" for finding in findings))


def _backup(parsed: argparse.Namespace) -> int:
    from rag.library import backup

    print(f"Wrote {backup(parsed.file, parsed.index):,} bytes to {parsed.file}.")
    return 0


def _restore(parsed: argparse.Namespace) -> int:
    from rag.library import restore

    manifest = restore(parsed.file, parsed.index)
    print(f"Restored {manifest.works:,} abstracts of {manifest.records:,} records.")
    return 0


def index_path(parsed: argparse.Namespace) -> Path | None:
    """Return the index that --index names, None without it."""
    return Path(parsed.index) if parsed.index is not None else None
