"""Sizes, digests and copies of model files."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import IO, BinaryIO

from rag.errors import ModelError
from rag.models.registry import ModelFile

CHUNK = 1 << 20  # bytes


def fingerprint(file: Path) -> dict[str, int] | None:
    """Return size and modification time for a cheap comparison, None if there is no file."""
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
    """Return the size of a file in bytes, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Create `target` atomically, as a hard link to `source` if the file system allows it."""
    making = target.with_name(target.name + ".making")
    making.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), making)  # the hub's own cache has relative symbolic links
    except OSError:
        shutil.copyfile(source, making)
    making.replace(target)


def holds(path: Path, file: ModelFile) -> bool:
    """Return whether `path` has the size and the digest of `file`; any digest will do if it has none yet."""
    return path.is_file() and size_of(path) == file.size and (not file.sha256 or sha256(path) == file.sha256)


def partial_of(path: Path) -> Path:
    """Return the name under which a file is fetched."""
    return path.with_name(path.name + ".partial")


def open_at(partial: Path, start: int) -> BinaryIO:
    """Open a partial file for writing, cut to `start` bytes."""
    out = partial.open("r+b" if partial.exists() else "wb")
    out.truncate(start)
    out.seek(start)
    return out


def write_checked(data: IO[bytes], file: ModelFile, target: Path) -> None:
    """Write `data` to `target`, which appears only if it is `file`; raise ModelError if not."""
    making, digest = target.with_name(target.name + ".making"), hashlib.sha256()
    with making.open("wb") as out:
        while block := data.read(CHUNK):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != file.sha256:
        making.unlink()
        raise ModelError(f"{file.name} is not the expected file: its SHA-256 is not {file.sha256}.")
    making.replace(target)
