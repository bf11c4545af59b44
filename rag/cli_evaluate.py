"""The command `rag evaluate`: measure retrieval and answers on a data set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import SettingsError

if TYPE_CHECKING:
    from rag.dataset_records import Dataset
    from rag.evaluate_index import DatasetIndex
    from rag.pipeline import QuestionEmbedder
    from rag.settings import Settings
    from rag.store import Store

_PLOT_KINDS = {".png", ".pdf", ".svg"}


def add_evaluate(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    """Add `evaluate retrieval` and `evaluate answers` to the commands of `rag`."""
    evaluate = commands.add_parser("evaluate", help="measure retrieval or answers on a data set")
    kinds = evaluate.add_subparsers(metavar="retrieval|answers", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("dataset", metavar="DATASET", type=Path, help="a BEIR folder or a .jsonl(.gz) file")
    shared.add_argument(
        "--split", help="judgements of a BEIR folder (default: test), or file of another folder"
    )
    shared.add_argument("--limit", type=_count, metavar="N", help="only N questions, always the same")
    shared.add_argument("--json", type=Path, metavar="FILE", help="write everything measured here")
    retrieval = kinds.add_parser(
        "retrieval", parents=[common, shared], help="nDCG, recall and MRR, one row an arm of retrieval"
    )
    retrieval.add_argument("--plot", type=Path, metavar="FILE.png", help="draw it")
    retrieval.set_defaults(run=_retrieval)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return int(text)


def _retrieval(parsed: argparse.Namespace) -> int:
    _check_output(parsed.json, parsed.plot)
    _check_plot(parsed.plot)
    from rag.datasets import load_dataset
    from rag.evaluate import evaluate_retrieval
    from rag.evaluate_table import retrieval_tables
    from rag.terminal import progress_bars

    dataset = load_dataset(parsed.dataset, parsed.split)
    with progress_bars() as progress, _library(dataset, parsed, progress) as (store, embedder, index):
        report = evaluate_retrieval(dataset, store, embedder, index, limit=parsed.limit, progress=progress)
    print(retrieval_tables(report))
    if parsed.json:
        _write(parsed.json, report.to_dict())
    if parsed.plot:
        from rag.plots import plot_retrieval

        plot_retrieval(report, parsed.plot)
    return 0


@contextmanager
def _library(
    dataset: Dataset, parsed: argparse.Namespace, progress: Any
) -> Iterator[tuple[Store, QuestionEmbedder, DatasetIndex]]:
    """Give the index to measure: that of the data set, or for questions alone the user's own."""
    from rag import models
    from rag.configure import configured_embedder
    from rag.evaluate_index import DatasetIndex, dataset_index
    from rag.indexing import open_index
    from rag.settings import load_settings

    settings: Settings = load_settings(index=Path(parsed.index) if parsed.index is not None else None)
    embedder = configured_embedder(settings, fetch=True)
    if dataset.documents:
        index = dataset_index(dataset, embedder, models.cache_dir(), progress)
        store = open_index(index.directory, embedder.name)
    else:
        index = DatasetIndex(settings.index, None, 0)
        store = open_index(settings.index, embedder.name, settings.chroma_url)
    with closing(store):
        store.manifest.check(store.directory, {"embedding_digest": embedder.digest})
        yield store, embedder, index


def _check_output(*files: Path | None) -> None:
    """Refuse a place that cannot be written before the minutes of measuring, not after."""
    for file in files:
        if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise SettingsError(f"{str(file)!r} cannot be written; name a file in a folder that exists.")


def _check_plot(file: Path | None) -> None:
    if file is not None and file.suffix.lower() not in _PLOT_KINDS:
        raise SettingsError(f"{str(file)!r} ends in no format that can be drawn; name a .png file.")


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{str(path)!r} cannot be written ({error.strerror}); name another file with --json."
        ) from error
