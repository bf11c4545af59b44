"""A library that changes: build its index, add to it, mirror a folder, and take papers out.

Every function works on the index in `index` (default: the configured one), and takes fields of `Settings` as
further arguments. Those that raise say: SettingsError for a wrong setting, ModelError for a missing model,
IndexBusyError while another process writes, LibraryIndexError if the index cannot be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.embedding.base import Embedder
from rag.errors import LibraryIndexError
from rag.factory import configured_embedder
from rag.indexing.build import BuildReport, build_index
from rag.indexing.changing.change import ChangeReport
from rag.indexing.changing.sync import Library, silent
from rag.indexing.engine import engine_named
from rag.indexing.text_checks import odd_texts
from rag.llm.llama_cpp.kv_cache import PROMPT_CACHE, forget, prune
from rag.schema import Problem, Progress
from rag.settings import Settings, load_settings
from rag.store.backup import read_backup, write_backup
from rag.store.health import Finding, can_rebuild, damage, rebuild
from rag.store.index import current_catalog
from rag.store.manifest import Manifest
from rag.store.writing import writing


def index_paths(
    paths: Sequence[Path | str],
    index: Path | str | None = None,
    *,
    mapping: Mapping[str, str] | None = None,
    engine: str = "here",
    embedder: Embedder | None = None,
    progress: Progress = silent,
    **arguments: Any,
) -> BuildReport:
    """Make the index hold exactly the abstracts in `paths`.

    `mapping` says where fields stand in JSON or tables of another form, such as
    {"abstract": "data.summary"}; later changes of the index read files in the same way. `engine` is "here",
    or "ray" to read, fold and embed on a Ray cluster (docs/scale.md).

    Raises:
        CorpusError: there is no path, or no abstract in them.
    """
    settings = _settings(index, arguments)
    report = build_index(
        [Path(path) for path in paths],
        settings.index,
        lambda: embedder or configured_embedder(settings, fetch=True),
        mapping=mapping,
        engine=engine_named(engine),
        chroma_url=settings.chroma_url,
        progress=progress,
    )
    prune(settings.index / PROMPT_CACHE, {paper.paper_id for paper in report.folded.kept})
    return report


def add_paths(
    paths: Sequence[Path | str],
    index: Path | str | None = None,
    *,
    mapping: Mapping[str, str] | None = None,
    embedder: Embedder | None = None,
    progress: Progress = silent,
    **arguments: Any,
) -> list[ChangeReport]:
    """Add the abstracts in `paths`; return a report per batch, none if the index holds them already.

    Raises:
        CorpusError: a path does not exist, or holds no file to read.
        IndexMissingError, IndexMismatchError: there is no index, or it was built with other models.
    """
    library, settings = _library(index, embedder, progress, arguments)
    library = replace(library, mapping=mapping)
    return _pruned(settings, library.add([Path(path) for path in paths]))


def sync_path(
    path: Path | str,
    index: Path | str | None = None,
    *,
    embedder: Embedder | None = None,
    progress: Progress = silent,
    **arguments: Any,
) -> list[ChangeReport]:
    """Make the index hold what the folder or file `path` holds now: new, changed and deleted files.

    Returns a report per batch, none if nothing has changed.

    Raises:
        CorpusError: `path` does not exist, or is empty though the index holds files of it.
        IndexMissingError, IndexMismatchError: there is no index, or it was built with other models.
    """
    library, settings = _library(index, embedder, progress, arguments)
    return _pruned(settings, library.sync(Path(path)))


def remove(
    names: Sequence[str],
    index: Path | str | None = None,
    *,
    embedder: Embedder | None = None,
    progress: Progress = silent,
    **arguments: Any,
) -> list[ChangeReport]:
    """Take out files and folders, named as in citations, and papers, named by their ids.

    Raises:
        CorpusError: nothing in the index has such a name; then nothing is removed.
        IndexMissingError, IndexMismatchError: there is no index, or it was built with other models.
    """
    library, settings = _library(index, embedder, progress, arguments)
    return _pruned(settings, library.remove(names))


def refold(
    paper_ids: Sequence[str],
    index: Path | str | None = None,
    *,
    embedder: Embedder | None = None,
    progress: Progress = silent,
    **arguments: Any,
) -> list[ChangeReport]:
    """Fold these papers again, after a choice by hand about them (`rag.indexing.decisions`).

    Raises:
        IndexMissingError, IndexMismatchError: there is no index, or it was built with other models.
    """
    library, settings = _library(index, embedder, progress, arguments)
    return _pruned(settings, library.refold(paper_ids))


def examine(index: Path | str | None = None, **arguments: Any) -> list[Finding]:
    """Return what is damaged or odd in the index, the worst first.

    Raises:
        IndexMissingError, IndexMismatchError: there is no index of this version.
    """
    settings = _settings(index, arguments)
    found = list(damage(settings.index))
    manifest = Manifest.read(settings.index)
    if manifest.embedding_model != settings.embedding_model:
        message = f"The index needs the model {manifest.embedding_model}, the settings name another one."
        found.append(Finding("error", "models", f"{message} Set RAG_EMBEDDING_MODEL, or index again."))
    if not any(finding.check == "catalogue" for finding in found):
        with closing(current_catalog(settings.index, manifest)) as catalog:
            found += odd_texts(catalog.papers())
            found += _left_out(catalog.problems())
        folded = manifest.records - manifest.works
        found.append(
            Finding("note", "duplicates", f"{folded:,} of {manifest.records:,} records are repeats.")
        )
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.level))


def repair(
    index: Path | str | None = None, findings: Sequence[Finding] | None = None, **arguments: Any
) -> list[str]:
    """Mend what can be mended without embedding, and return a sentence for each repair.

    Raises:
        LibraryIndexError: the catalogue is damaged, from which everything else is made.
    """
    settings = _settings(index, arguments)
    found = examine(index, **arguments) if findings is None else findings
    if any(finding.check == "catalogue" for finding in found):
        raise LibraryIndexError(
            "The catalogue is damaged, from which all else is made; restore a backup with "
            "`rag restore FILE`, or build the index again with `rag index PATH`."
        )
    with writing(settings.index):
        broken = sorted({finding.check for finding in found if can_rebuild(finding)})
        if broken:
            rebuild(settings.index)
    return [f"The {check} was made again from the catalogue." for check in broken]


def backup(file: Path | str, index: Path | str | None = None, **arguments: Any) -> int:
    """Write the current index, with the choices by hand, to one .tar.gz; return its size in bytes.

    Raises:
        IndexMissingError: there is no index.
    """
    return write_backup(_settings(index, arguments).index, Path(file))


def restore(file: Path | str, index: Path | str | None = None, **arguments: Any) -> Manifest:
    """Put a backup in the place of the index; return its manifest.

    Raises:
        CorpusError: the file is no backup, or is damaged; the index is then as before.
    """
    settings = _settings(index, arguments)
    with writing(settings.index):
        return read_backup(Path(file), settings.index)


def _left_out(problems: Sequence[Problem]) -> list[Finding]:
    if not problems:
        return []
    reasons = Counter(problem.reason.partition(":")[0] for problem in problems).most_common(5)
    listed = "; ".join(f"{reason} ({n:,})" for reason, n in reasons)
    return [Finding("note", "texts", f"{len(problems):,} records or files were left out: {listed}.")]


def _settings(index: Path | str | None, arguments: dict[str, Any]) -> Settings:
    return load_settings(index=Path(index) if index is not None else None, **arguments)


def _library(
    index: Path | str | None, embedder: Embedder | None, progress: Progress, arguments: dict[str, Any]
) -> tuple[Library, Settings]:
    settings = _settings(index, arguments)
    library = Library(settings.index, lambda: embedder or configured_embedder(settings, fetch=True), progress)
    return library, settings


def _pruned(settings: Settings, reports: list[ChangeReport]) -> list[ChangeReport]:
    """Delete what the language model has read of papers that are gone."""
    forget(settings.index / PROMPT_CACHE, {paper_id for report in reports for paper_id in report.removed})
    return reports
