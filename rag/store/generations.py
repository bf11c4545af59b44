"""The folders of an index's generations: copy one, hold it while it is read, delete what nobody reads.

In a copy, files of the lexical index are linked, because they are never changed once written. The others are
cloned where the file system can share blocks (Btrfs, XFS), else copied.
"""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

_FICLONE = 0x40049409  # the ioctl of Linux that clones a file (linux/fs.h)
_HELD = ".held"
RESTORING = ".restore-"  # begins the name of a folder into which a backup is unpacked


def copy_generation(source: Path, target: Path) -> None:
    """Copy the folder of a generation to `target`, which does not exist yet.

    Raises:
        OSError: the disk is full, or a file cannot be read.
    """
    shutil.copytree(source, target, copy_function=_copy, ignore=shutil.ignore_patterns(_HELD))


def hold(home: Path, holder: object) -> Callable[[], object]:
    """Have `sweep` leave a generation alone until the function returned is called, or `holder` is gone.

    Nothing is held where the system has no such locks or the folder cannot be written.
    """
    try:
        import fcntl

        held = os.open(home / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except (ImportError, OSError):
        return lambda: None
    with suppress(OSError):  # a network file system without locks
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return weakref.finalize(holder, os.close, held)


def left_over(directory: Path, keep: Collection[str]) -> list[Path]:
    """Return the generations in `directory` that are neither in `keep` nor read, and remains of restoring.

    Nothing is restored while somebody else holds the index's lock.
    """
    return [
        home
        for home in directory.iterdir()
        if home.name.startswith(RESTORING)
        or (home.name not in keep and (home / "catalog.sqlite").exists() and not _is_held(home))
    ]


def sweep(directory: Path, keep: Collection[str]) -> None:
    """Delete what is `left_over`; call it inside `writing(directory)`."""
    for home in left_over(directory, keep):
        shutil.rmtree(home, ignore_errors=True)


def size_of(home: Path) -> int:
    """Return the bytes of a generation's files."""
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


def _is_held(home: Path) -> bool:
    try:
        import fcntl

        with (home / _HELD).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False


def _copy(source: str, target: str) -> str:
    linked = Path(source).parent.parent.suffix == ".lexical"
    if linked and not Path(source).name.endswith((".lock", ".json")):
        try:
            os.link(source, target)
        except OSError:  # the file system has no links
            shutil.copyfile(source, target)
    elif not _clone(source, target):
        shutil.copyfile(source, target)
    return target


def _clone(source: str, target: str) -> bool:
    """Clone a file; return whether the system and the file system can."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return False
    with open(source, "rb") as old, open(target, "wb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            return False
    return True
