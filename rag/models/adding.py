"""Take a model out of what a reader copied to this machine: a file, a folder, a zip, or a wheel."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelError
from rag.models.files import holds, link_or_copy, listing, sha256, size_of, write_checked
from rag.models.registry import ModelFile, ModelSpec


@dataclass(frozen=True, slots=True)
class Found:
    """A model in the file, folder or zip `path`; `members` are where its files lie inside, if inside."""

    spec: ModelSpec
    path: Path
    members: Mapping[str, str]

    def copy(self, targets: Mapping[Path, ModelFile]) -> None:
        """Copy the files to `targets`; raise ModelError if one is not as expected."""
        if self.members and not self.path.is_dir():
            _extract(self.path, targets, self.members)
            return
        for target, file in targets.items():
            source = self.path / self.members[file.name] if self.members else self.path
            if self.members and sha256(source) != file.sha256:
                raise ModelError(f"{source} is not the expected file: its SHA-256 is not {file.sha256}.")
            target.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source, target)


def found_in(path: Path, specs: Mapping[str, ModelSpec]) -> Found:
    """Recognise the model in `path`; raise ModelError if there is none of the known ones."""
    if path.is_dir():
        names = set(listing(path))
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    else:
        return Found(_recognise(path, specs), path, {})
    for spec in specs.values():
        if members := _members(names, spec.files):
            return Found(spec, path, members)
    wanted = "; ".join(f"{s.name}: {', '.join(file.name for file in s.files)}" for s in specs.values())
    raise ModelError(f"{path} holds none of the default models whole; their files are {wanted}.")


def unzip(archive: Path, targets: Mapping[Path, ModelFile]) -> None:
    """Extract the files that are missing; raise ModelError if one is not as expected."""
    with zipfile.ZipFile(archive) as opened:
        members = _members(set(opened.namelist()), targets.values())
    _extract(archive, targets, members)


def _extract(archive: Path, targets: Mapping[Path, ModelFile], members: Mapping[str, str]) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            for target, file in targets.items():
                if not holds(target, file):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with opened.open(members[file.name]) as data:
                        write_checked(data, file, target)
    except (KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{archive} does not hold the files of the model whole ({error}).") from error


def _members(names: set[str], files: Iterable[ModelFile]) -> dict[str, str]:
    """Return where among `names` the files lie: under one folder, or where a wheel has them; {} if not."""
    files = tuple(files)
    if len(files) == 1 and len(files[0].wheels) == 1 and files[0].wheels[0].member in names:
        return {files[0].name: files[0].wheels[0].member}
    first = files[0].name
    folders = (name.removesuffix(first) for name in sorted(names, key=len) if name.endswith(first))
    for folder in folders:
        if folder[-1:] in ("", "/") and all(folder + file.name in names for file in files):
            return {file.name: folder + file.name for file in files}
    return {}


def _recognise(path: Path, specs: Mapping[str, ModelSpec]) -> ModelSpec:
    """Return the model of one file that `path` is; raise ModelError with the known digests if none."""
    single = {spec.name: spec.files[0] for spec in specs.values() if len(spec.files) == 1}
    size = size_of(path)
    digest = sha256(path) if any(file.size == size for file in single.values()) else None
    for name, file in single.items():
        if file.sha256 == digest:
            return specs[name]
    known = "; ".join(
        f"{file.name} {file.size:,} bytes {file.sha256}" for file in dict.fromkeys(single.values())
    )
    found = f"{size:,} bytes" + (f", SHA-256 {digest}" if digest else "")
    raise ModelError(
        f"{path} ({found}) is none of the default model files; they are: {known}. "
        "Any other GGUF file needs no installing: set RAG_LLM_MODEL to its path."
    )
