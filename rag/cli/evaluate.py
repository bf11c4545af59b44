"""The command `rag evaluate`: measure retrieval and answers on a data set."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.errors import SettingsError

if TYPE_CHECKING:
    from rag.embedding.base import Embedder
    from rag.evaluation.cache import DatasetIndex
    from rag.evaluation.datasets.records import Dataset
    from rag.evaluation.replay import RecordedLLM
    from rag.evaluation.scoring import Row
    from rag.schema import Progress
    from rag.settings import Settings
    from rag.store.index import Store

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
_PLOT_KINDS = {".png", ".pdf", ".svg"}


def add_evaluate(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `evaluate retrieval` and `evaluate answers` to the commands of `rag`."""
    evaluate = commands.add_parser("evaluate", help="measure retrieval or answers on a data set")
    kinds = evaluate.add_subparsers(metavar="retrieval|answers", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    add = shared.add_argument
    add("dataset", metavar="DATASET", type=Path, help="a folder, or a .jsonl(.gz) file")
    add("--split", help="judgements of a BEIR folder (default: test), or file of another folder")
    add("--limit", type=_count, metavar="N", help="only N questions, always the same")
    add("--json", type=Path, metavar="FILE", help="write everything measured here")
    text = "nDCG, recall and MRR, one row for each retriever"
    retrieval = kinds.add_parser("retrieval", parents=[common, shared], help=text)
    retrieval.add_argument("--plot", type=Path, metavar="FILE.png", help="draw it")
    retrieval.set_defaults(run=_retrieval)
    text = "right, rightly cited, refused, how fast; Ctrl-C resumes"
    answers = kinds.add_parser("answers", parents=[common, shared], help=text)
    add = answers.add_argument
    add("--plot", type=Path, metavar="FILE.png", help="draw risk over coverage")
    add("--fresh", action="store_true", help="ask again what was answered before")
    text = "leave out every relevant document, so that each question has to be refused"
    add("--without-relevant", action="store_true", help=text)
    text = "compare with an earlier run's --json, question by question"
    add("--compare", type=Path, metavar="FILE", help=text)
    text = "record the model's replies and reuse those of earlier runs; reports no seconds then"
    add("--replay", action="store_true", help=text)
    answers.set_defaults(run=_answers)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return int(text)


def _retrieval(parsed: argparse.Namespace) -> int:
    _check_output(parsed)
    from rag.cli.progress import progress_bars
    from rag.evaluation.datasets.loading import load_dataset
    from rag.evaluation.report import retrieval_tables
    from rag.evaluation.retrieval import evaluate_retrieval

    dataset = load_dataset(parsed.dataset, parsed.split)
    settings = _settings(parsed)
    with progress_bars() as progress, _library(dataset, settings, progress) as (store, embedder, index):
        report = evaluate_retrieval(dataset, store, embedder, index, limit=parsed.limit, progress=progress)
    print(retrieval_tables(report))
    if parsed.json:
        _write(parsed.json, report.to_dict())
    if parsed.plot:
        from rag.evaluation.plots import plot_retrieval

        plot_retrieval(report, parsed.plot)
    return 0


def _answers(parsed: argparse.Namespace) -> int:
    _check_output(parsed)
    from rag.evaluation.answer_groups import comparison_table, read_rows
    from rag.evaluation.datasets.loading import load_dataset, without_relevant
    from rag.evaluation.ratings import ratings_report

    earlier = read_rows(parsed.compare) if parsed.compare else None
    dataset = load_dataset(parsed.dataset, parsed.split)
    if parsed.without_relevant:
        dataset = without_relevant(dataset)
    document, rows, stopped = _measured(parsed, dataset)
    print(document["table"])
    if compared := ratings_report(dataset.queries, rows):
        print("\n" + compared)
    if earlier is not None:
        print("\n" + comparison_table(earlier, rows))
    if parsed.json:
        _write(parsed.json, document)
    if parsed.plot:
        from rag.evaluation.plots import plot_risk_coverage

        plot_risk_coverage(dataset.name, rows, parsed.plot)
    if stopped:
        print("Run the same command again to continue.", file=sys.stderr)
        raise KeyboardInterrupt
    return 0


def _measured(parsed: argparse.Namespace, dataset: Dataset) -> tuple[dict[str, Any], list[Row], bool]:
    """Return the report, its rows, and whether Ctrl-C stopped the run."""
    from rag.cli.progress import progress_bars
    from rag.evaluation.answers import KeptAnswers, answer_all, answers_document, kept_answers_path
    from rag.evaluation.datasets.loading import limited
    from rag.evaluation.qrels import resolve_qrels
    from rag.evaluation.retrieval import configuration
    from rag.models import defaults as models
    from rag.pipeline import RAG

    settings = _settings(parsed)
    with progress_bars() as progress, _library(dataset, settings, progress) as (store, embedder, index):
        judged = limited(resolve_qrels(dataset, store), parsed.limit)
        config = configuration(store)
    if dataset.documents:
        settings = settings.model_copy(update={"index": index.directory, "chroma_url": None})
    recorded = _recorded(settings) if parsed.replay else None
    with RAG(settings, embedder=embedder, llm=recorded) as rag:
        if rag.notice:
            print(f"Note: {rag.notice}", file=sys.stderr)
        llm = rag.llm.name
        generation = config["generation"] + (" replayed" if recorded else "")
        path = kept_answers_path(models.cache_dir(), settings, generation, llm)
        kept = KeptAnswers(path, fresh=parsed.fresh)
        rows, stopped = _asked(answer_all(rag, judged, kept), len(judged))
    # A kept answer may come from an earlier run with --replay, so its seconds are unreliable.
    timed = recorded is None or not (recorded.replayed or kept.given)
    return answers_document(dataset, config, llm, settings, rows, timed=timed), rows, stopped


def _recorded(settings: Settings) -> RecordedLLM:
    """Return the configured language model with the replies that earlier runs recorded."""
    from rag.evaluation.replay import RecordedLLM, replies_path
    from rag.factory import configured_llm
    from rag.models import defaults as models

    model = configured_llm(settings)
    return RecordedLLM(model, replies_path(models.cache_dir(), model.name))


def _asked(answered: Iterator[Row], total: int) -> tuple[list[Row], bool]:
    """Return the rows and whether Ctrl-C stopped the run; each row is reported on standard error."""
    from rag.evaluation.answers import verdict

    rows: list[Row] = []
    try:
        for row in answered:
            rows.append(row)
            took = "" if row.total_s is None else f" {row.total_s:.1f} s"
            print(f"[{len(rows)}/{total}] {row.id} {verdict(row)}{took}", file=sys.stderr)
    except KeyboardInterrupt:
        return rows, True
    return rows, False


def _settings(parsed: argparse.Namespace) -> Settings:
    from rag.settings import load_settings

    return load_settings(index=Path(parsed.index) if parsed.index is not None else None)


@contextmanager
def _library(
    dataset: Dataset, settings: Settings, progress: Progress
) -> Iterator[tuple[Store, Embedder, DatasetIndex]]:
    """Yield the index to measure: that of the data set, or the user's own if it has only questions."""
    from rag.evaluation.cache import DatasetIndex, dataset_index
    from rag.factory import configured_embedder
    from rag.models import defaults as models
    from rag.store.index import open_index
    from rag.store.manifest import Manifest

    if not dataset.documents:
        Manifest.read(settings.index)  # fails before a model is loaded
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


def _check_output(parsed: argparse.Namespace) -> None:
    """Raise SettingsError for an output file that cannot be written, before anything is measured."""
    for file in (parsed.json, parsed.plot):
        if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise SettingsError(f"{str(file)!r} cannot be written; name a file in a folder that exists.")
    if parsed.plot is not None and parsed.plot.suffix.lower() not in _PLOT_KINDS:
        raise SettingsError(f"{str(parsed.plot)!r} ends in no format that can be drawn; name a .png file.")


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{str(path)!r} cannot be written ({error.strerror}); name another file with --json."
        ) from error
