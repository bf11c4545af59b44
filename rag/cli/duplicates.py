"""The command `rag duplicates`: list, explain, split and join what was folded."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.cli.library import index_path

if TYPE_CHECKING:
    from rag.cli.evaluate import Commands
    from rag.schema import Paper

_HEAD_CHARS = 80  # of a title or text in a list
_ID_CHARS = 16  # of an id, as lists show it

_Drops = Sequence[Mapping[str, Any]]


def add_duplicates(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `duplicates` and its actions to the commands of `rag`."""
    text = "list what was folded, explain it, or decide by hand"
    duplicates = commands.add_parser("duplicates", parents=[common], help=text)
    duplicates.add_argument("--json", action="store_true", help="print one JSON object a work")
    duplicates.set_defaults(run=_list)
    actions = duplicates.add_subparsers(metavar="[explain|split|join]")
    for name, run, text in (
        ("explain", _explain, "say why two papers are, or are not, one work"),
        ("split", _split, "keep two papers apart, whatever their texts say"),
        ("join", _join, "make two papers one work, whatever their texts say"),
    ):
        action = actions.add_parser(name, parents=[common], help=text)
        for place in ("first", "second"):
            help_ = "the id of a paper, or its beginning"
            action.add_argument(place, metavar="ID", help=help_)
        action.set_defaults(run=run)


def _list(parsed: argparse.Namespace) -> int:
    papers, drops = _read(_directory(parsed))
    works = list(_works(papers, drops))
    if parsed.json:
        for work in works:
            print(json.dumps(work, ensure_ascii=False))
    else:
        print("\n".join(line for work in works for line in _lines(work)) or "Nothing was folded.")
    return 0


def _explain(parsed: argparse.Namespace) -> int:
    from rag.indexing.decisions import load_decisions
    from rag.indexing.dedup.explain import explain

    directory = _directory(parsed)
    papers, drops = _read(directory)
    first, second = _pair(parsed, papers, drops)
    found = explain(first, second, load_decisions(directory))
    for paper in (first, second):
        print(f"{paper.paper_id}  {_head(paper.to_dict())}")
    for name, value in found.tests:
        print(f"  {name:<14} {value}")
    print(found.verdict)
    kept = _kept_ids(papers, drops)
    if not found.one_work and kept[first.paper_id] == kept[second.paper_id]:
        print(f"In this index both are {kept[first.paper_id]}: other records connect them.")
    return 0


def _split(parsed: argparse.Namespace) -> int:
    return _decide(parsed, join=False)


def _join(parsed: argparse.Namespace) -> int:
    return _decide(parsed, join=True)


def _decide(parsed: argparse.Namespace, *, join: bool) -> int:
    from rag.adding import decide
    from rag.settings import load_settings

    settings = load_settings(index=index_path(parsed))
    first, second = (paper.paper_id for paper in _pair(parsed, *_read(settings.index)))
    decide(first, second, settings, one_work=join)
    done = "one work" if join else "two works"
    print(f"{first} and {second} are {done} from now on.")
    return 0


def _directory(parsed: argparse.Namespace) -> Path:
    from rag.settings import load_settings

    return load_settings(index=index_path(parsed)).index


def _read(directory: Path) -> tuple[list[Paper], _Drops]:
    """Return the kept papers of an index, and its drops as `Drop.to_dict()`."""
    import sqlite3
    from contextlib import closing

    from rag.errors import LibraryIndexError
    from rag.store.index import current_catalog

    try:
        with closing(current_catalog(directory)) as catalog:
            return catalog.papers(), catalog.drops()
    except sqlite3.Error as error:
        raise LibraryIndexError(
            f"The index in {directory} cannot be used ({error}); see `rag doctor`."
        ) from error


def _pair(parsed: argparse.Namespace, papers: Sequence[Paper], drops: _Drops) -> tuple[Paper, Paper]:
    """Return the papers that the arguments name; a kept one, or one that was folded."""
    from rag.errors import UserError
    from rag.store.records import paper_of

    known = {drop["paper"]["paper_id"]: paper_of(drop["paper"]) for drop in drops}
    known |= {paper.paper_id: paper for paper in papers}
    found = []
    for given in (parsed.first, parsed.second):
        ids = [given] if given in known else sorted(one for one in known if one.startswith(given.lower()))
        if len(ids) != 1:
            problem = "no paper has this id" if not ids else f"{len(ids)} papers have an id that begins so"
            raise UserError(f"{given!r}: {problem}; `rag duplicates` and `rag search --json` list ids.")
        found.append(known[ids[0]])
    if found[0].paper_id == found[1].paper_id:
        raise UserError("Both ids name the same text; give two different ones.")
    return found[0], found[1]


def _kept_ids(papers: Sequence[Paper], drops: _Drops) -> dict[str, str]:
    kept = {drop["paper"]["paper_id"]: drop["kept_id"] for drop in drops}
    return kept | {paper.paper_id: paper.paper_id for paper in papers}


def _works(papers: Sequence[Paper], drops: _Drops) -> Iterator[dict[str, Any]]:
    """Yield every work of several records: its kept texts, and what was folded into them."""
    folded: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for drop in drops:
        folded[drop["kept_id"]].append(drop)
    works: dict[str, list[Paper]] = defaultdict(list)
    for paper in papers:
        works[paper.work].append(paper)
    for work, kept in works.items():
        own = [drop for paper in kept for drop in folded[paper.paper_id]]
        if own or len(kept) > 1:
            yield {"work": work, "kept": [paper.to_dict() for paper in kept], "folded": own}


def _lines(work: Mapping[str, Any]) -> Iterator[str]:
    from rag.indexing.dedup.explain import REASONS

    for number, paper in enumerate(work["kept"]):
        note = "" if number == 0 else "  (the same work in another language)"
        yield f"{paper['paper_id']:<{_ID_CHARS}}  {_head(paper)}{note}"
        for drop in work["folded"]:
            if drop["kept_id"] == paper["paper_id"]:
                source = drop["paper"]["sources"][0]
                why = f"{REASONS[drop['reason']]}, {drop['score']:.2f}"
                yield f"    {drop['paper']['paper_id']}  {source['file']} #{source['position']}: {why}"


def _head(paper: Mapping[str, Any]) -> str:
    text = " ".join((paper["title"] or paper["text"]).split())
    short = textwrap.shorten(text, _HEAD_CHARS, placeholder=" …")
    return short if len(short) > 2 else f"{text[:_HEAD_CHARS]}…"  # Chinese has no spaces to shorten at
