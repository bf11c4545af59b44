"""An index as one file, and back: the current generation, the manifest and the choices by hand.

A backup is a .tar.gz of the folder, so that other tools can read it too. Vectors on a Chroma server are not
in it; they are made again from the catalogue when it is restored.
"""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path

from rag.errors import CorpusError, LibraryIndexError
from rag.store.generations import RESTORING, hold
from rag.store.health import rebuild
from rag.store.manifest import MANIFEST_FILE, Manifest
from rag.store.writing import new_generation

_CHOICES = "duplicates.jsonl"


def write_backup(directory: Path, file: Path) -> int:
    """Write the index in `directory` to `file`; return its size in bytes.

    Raises:
        IndexMissingError: there is no index.
        LibraryIndexError: `file` cannot be written.
    """
    manifest = Manifest.read(directory)
    home = directory / manifest.generation
    new = file.with_name(f".{file.name}.new")
    release = hold(home, manifest)
    try:
        with tarfile.open(new, "w:gz", compresslevel=1) as archive:
            archive.add(directory / MANIFEST_FILE, MANIFEST_FILE)
            if (directory / _CHOICES).exists():
                archive.add(directory / _CHOICES, _CHOICES)
            archive.add(home, home.name, filter=lambda info: None if info.name.endswith(".held") else info)
        new.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise LibraryIndexError(
            f"The backup cannot be written to {file} ({error.strerror}); name a file in a folder that can be "
            "written to and has room."
        ) from error
    finally:
        release()
    return file.stat().st_size


def read_backup(file: Path, directory: Path) -> Manifest:
    """Make the index in `directory` what `file` holds; call it inside `writing(directory)`.

    Raises:
        CorpusError: `file` is no backup, or is damaged; the index is then as before.
        LibraryIndexError: the index cannot be written.
    """
    unpacked = directory / f"{RESTORING}{new_generation()}"
    try:
        with tarfile.open(file) as archive:
            archive.extractall(unpacked, filter="data")
        manifest = Manifest.read(unpacked)
        home = unpacked / manifest.generation
        if not (home / "catalog.sqlite").exists():
            raise ValueError("it holds no catalogue")
        # On a server the name may be in use by the index that was backed up.
        name = None if manifest.chroma_url else manifest.collection_name
        now = replace(manifest, generation=new_generation(), collection=name)
        home.replace(directory / now.generation)
        now.write(directory)
        if (unpacked / _CHOICES).exists():
            (unpacked / _CHOICES).replace(directory / _CHOICES)
    except FileNotFoundError as error:
        raise CorpusError(f"There is no file {file}; name one that `rag backup` wrote.") from error
    except (tarfile.TarError, EOFError, zlib.error, ValueError, LibraryIndexError, OSError) as error:
        why = "it is no .tar.gz" if isinstance(error, tarfile.ReadError) else str(error)
        raise CorpusError(
            f"{file} is no backup that can be restored ({why}); the index is as it was."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return rebuild(directory) if now.chroma_url else now
