"""Fetch model files from the model hub, by ranged requests."""

from __future__ import annotations

import http.client
import os
import queue
import threading
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import ModelError
from rag.models.download import Progress
from rag.models.files import CHUNK, open_at, size_of
from rag.models.registry import ModelFile

HUB = "https://huggingface.co"
_ANSWER_S = 2.0  # longest wait for the response header before the next source is tried
_STALL_S = 20.0  # longest silence within a file before the next source continues


@dataclass(frozen=True, slots=True)
class HubSource:
    """The official file on the model hub, or on the mirror `HF_ENDPOINT`."""

    name = "model hub"
    base: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT") or HUB)
    answer_s: float = _ANSWER_S
    stall_s: float = _STALL_S

    def has(self, file: ModelFile) -> bool:
        """Return whether the registry knows the file's place on the hub."""
        return file.hub_path is not None

    def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        """Append the rest of the file by one ranged request."""
        start = size_of(partial)
        request = urllib.request.Request(
            f"{self.base.rstrip('/')}/{file.hub_path}",
            headers={"Range": f"bytes={start}-", "User-Agent": "citefold"},
        )
        with self._open(request) as response:
            if response.status != http.client.PARTIAL_CONTENT:
                start = 0  # the server ignores ranges and sends the whole file
            length = response.headers.get("Content-Length")
            if length is not None and int(length) != file.size - start:
                raise ModelError(f"offers {length} bytes where {file.size - start} are missing")
            with open_at(partial, start) as out:
                while block := _read_block(response):
                    out.write(block)
                    progress(out.tell())
                end = out.tell()
        if end != file.size:
            raise ModelError(f"broke off after {end:,} of {file.size:,} bytes")

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


def _read_block(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)  # `read` would drop the last bytes before a stream breaks
    except (OSError, http.client.HTTPException) as error:  # not errors of writing, such as a full disk
        raise ModelError(f"broke off ({error or type(error).__name__})") from error
