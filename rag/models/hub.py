"""Fetch model files from the model hub, by ranged requests.

The user's token is sent to the hub only, never to where it redirects. No proxy is used for loopback.
"""

from __future__ import annotations

import http.client
import os
import queue
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

from rag.errors import ModelError
from rag.models.download import Progress
from rag.models.files import CHUNK, open_at, size_of
from rag.models.registry import ModelFile
from rag.network import is_loopback

HUB = "https://huggingface.co"
_ANSWER_S = 2.0  # longest wait for the response header before the next source is tried
_STALL_S = 20.0  # longest silence within a file before the connection is opened anew
_BREAKS = 5  # most new connections for a file, each after some bytes arrived
_PATIENCE_S = 60.0  # longest wait that a busy hub may ask for


class _BrokeOff(ModelError):
    """The connection ended within the file."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """The model hub, or its mirror `HF_ENDPOINT`; `HF_TOKEN` opens repositories that ask for consent."""

    name = "model hub"
    base: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT") or HUB)
    token: str | None = field(default_factory=lambda: os.environ.get("HF_TOKEN") or None, repr=False)
    answer_s: float = _ANSWER_S
    stall_s: float = _STALL_S

    def has(self, file: ModelFile) -> bool:
        """Return whether the registry knows the file's place on the hub."""
        return file.hub_path is not None

    def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        """Append the rest of the file; a broken connection is opened anew while bytes arrive."""
        for left in reversed(range(_BREAKS)):
            start = size_of(partial)
            try:
                self._fetch_rest(file, partial, progress)
            except _BrokeOff:
                if not left or size_of(partial) <= start:
                    raise
            else:
                return

    def look_up(self, hub_path: str) -> tuple[int, str]:
        """Return the size of a file on the hub and its SHA-256, "" if the hub does not say it."""
        with self._open(self._request(hub_path, method="HEAD"), redirect=False) as answer:
            size = answer.headers.get("X-Linked-Size") or answer.headers.get("Content-Length") or ""
            digest = (answer.headers.get("X-Linked-Etag") or "").strip('"').lower()
        if not size.isdigit():
            raise ModelError("does not say how large the file is")
        return int(size), digest if len(digest) == 64 else ""

    def _request(self, hub_path: str, method: str = "GET", **headers: str) -> Request:
        url = f"{self.base.rstrip('/')}/{hub_path}"
        request = Request(url, method=method, headers={"User-Agent": "citefold", **headers})
        if self.token:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        return request

    def _fetch_rest(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        start = size_of(partial)
        with self._open(self._request(file.hub_path or "", Range=f"bytes={start}-")) as response:
            if response.status != http.client.PARTIAL_CONTENT:
                start = 0  # the server ignores ranges and sends the whole file
            _check_offer(response.headers, file, start)
            with open_at(partial, start) as out:
                while block := _read_block(response):
                    if out.tell() + len(block) > file.size:
                        raise ModelError(f"sends more than the {file.size:,} bytes of the file")
                    out.write(block)
                    progress(out.tell())
                end = out.tell()
        if end != file.size:
            raise _BrokeOff(f"broke off after {end:,} of {file.size:,} bytes")

    def _open(self, request: Request, *, redirect: bool = True) -> Any:
        """Open within `answer_s`, or after the wait that a busy hub asks for; ModelError says why not."""
        opener = urllib.request.build_opener(_Proxies(), _Redirects() if redirect else _NoRedirects())
        for last in (False, False, True):
            answer = self._answer(opener, request)
            if not isinstance(answer, HTTPError):
                return answer
            if not redirect and answer.code in (301, 302, 303, 307, 308):
                return answer  # its headers describe the file
            answer.close()
            wait = _wait_asked(answer)
            if last or wait is None:
                raise ModelError(_explanation(answer, request)) from answer
            time.sleep(wait)
        raise AssertionError("the last answer is returned or raised")

    def _answer(self, opener: urllib.request.OpenerDirector, request: Request) -> Any:
        """Return the response or HTTPError; a thread, because no timeout covers name resolution."""
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put(opener.open(request, timeout=self.stall_s))
            except (OSError, ValueError, http.client.HTTPException) as error:
                answers.put(error)

        threading.Thread(target=run, daemon=True, name="hub").start()
        try:
            answer = answers.get(timeout=self.answer_s)
        except queue.Empty:
            raise ModelError(f"no answer within {self.answer_s:g} s") from None
        if isinstance(answer, Exception) and not isinstance(answer, HTTPError):
            raise ModelError(str(getattr(answer, "reason", answer))) from answer
        return answer


class _Proxies(urllib.request.ProxyHandler):
    """The proxies of the environment, but none for this machine."""

    def proxy_open(self, req: Request, proxy: str, type: str) -> Any:
        own = is_loopback(urlsplit(req.full_url).hostname or "")
        return None if own else super().proxy_open(req, proxy, type)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, and sends the token on to the same server only."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None and urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:
            new.unredirected_hdrs.update(req.unredirected_hdrs)
            new.unredirected_hdrs.pop("Host", None)
        return new


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


def _wait_asked(answer: HTTPError) -> float | None:
    """Return the seconds that a busy hub asks to wait, None if it is not busy or the wait is too long."""
    wait = answer.headers.get("Retry-After", "")
    if answer.code not in (429, 503) or not wait.isdigit() or int(wait) > _PATIENCE_S:
        return None
    return float(wait)


def _explanation(answer: HTTPError, request: Request) -> str:
    repository = "/".join(urlsplit(request.full_url).path.strip("/").split("/")[:2])
    if answer.code in (401, 403):
        return (
            f"{repository} is not open to everyone ({answer.code} {answer.reason}): accept its terms on "
            "its page of the hub, then set HF_TOKEN to your access token"
        )
    if answer.code == 404:
        return f"{repository} does not have this file (404 {answer.reason})"
    if answer.code == 429:
        wait = answer.headers.get("Retry-After")
        return "is busy (429 Too Many Requests)" + (f" and asks to wait {wait} s" if wait else "")
    return f"{answer.code} {answer.reason}"


def _check_offer(headers: HTTPMessage, file: ModelFile, start: int) -> None:
    """Raise ModelError if the response is not the rest of the file from `start` on."""
    length, span = headers.get("Content-Length"), headers.get("Content-Range")
    if length is not None and length.isdigit() and int(length) != file.size - start:
        raise ModelError(f"offers {length} bytes where {file.size - start} are missing")
    if start and span is not None and not span.startswith(f"bytes {start}-"):
        raise ModelError(f"offers {span} where the bytes from {start} are missing")


def _read_block(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)  # `read` would drop the last bytes before a stream breaks
    except (OSError, http.client.HTTPException) as error:  # not errors of writing, such as a full disk
        raise _BrokeOff(f"broke off ({error or type(error).__name__})") from error
