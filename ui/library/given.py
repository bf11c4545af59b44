"""Files that a reader gave, kept in the data folder, where the index can find them again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime
from filecmp import cmp
from pathlib import Path

from rag import UserError

FOLDER = "added"


def keep_files(files: Sequence[str], data: Path) -> list[Path]:
    """Copy uploaded files into the data folder under their own names; return where they are.

    A file that is there already with the same bytes is not copied; another of the same name gets a number.

    Raises:
        UserError: the folder cannot be written.
    """
    return [_kept(Path(file), data / FOLDER) for file in files]


def keep_text(text: str, data: Path) -> Path:
    """Write pasted text to a file named by the time; return it.

    Raises:
        UserError: the folder cannot be written.
    """
    path = data / FOLDER / f"pasted-{datetime.now():%Y-%m-%d-%H%M%S-%f}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    return path


def _kept(file: Path, folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stem, ending = file.name.partition(".")[0], "".join(file.name.partition(".")[1:])
        names = (f"{stem}{number}{ending}" for number in ("", *(f"-{n}" for n in range(2, 10_000))))
        for name in names:
            place = folder / name
            if not place.exists():
                shutil.copyfile(file, place)
                return place
            if cmp(file, place, shallow=False):
                return place
    except OSError as error:
        raise _unwritable(folder, error) from error
    raise UserError(f"Too many files are named {file.name}; rename it.")


def _unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(f"{folder} cannot be written ({error.strerror}); free some space or allow writing.")
