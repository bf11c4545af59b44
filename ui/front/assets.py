"""The toolkit's files, from memory: each read and compressed once, and kept by browsers for good."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from starlette.responses import Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_BELOW = "/assets/"
# A name that holds a hash of the content: what lies under it never changes.
_HASHED = re.compile(r"[\w.-]+-[\w-]{8,9}\.(?:js|css)")
_KINDS = {".js": "text/javascript", ".css": "text/css"}
_FOR_GOOD = "public, max-age=31536000, immutable"
# Bytes of a file that is kept in memory at most; longer ones are the toolkit's to serve, in pieces.
_MOST = 1 << 20
_SHORT = 400  # bytes that are not worth compressing
_LEVEL = 6  # of gzip, 1 to 9; higher is smaller and slower


class Assets:
    """ASGI middleware that answers for the hashed files of `folder`, and passes everything else on."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        """Serve `folder` before `app`."""
        self.app, self.folder = app, folder
        self._kept: dict[str, tuple[bytes, bytes | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = scope.get("path", "").removeprefix(_BELOW) if scope.get("method") in ("GET", "HEAD") else ""
        kept = self._body(name) if _HASHED.fullmatch(name) else None
        if kept is None:
            return await self.app(scope, receive, send)
        headers = {"cache-control": _FOR_GOOD, "vary": "accept-encoding"}
        body, packed = kept
        if packed is not None and accepts_gzip(scope):
            body, headers["content-encoding"] = packed, "gzip"
        answer = Response(body, headers=headers, media_type=_KINDS[Path(name).suffix])
        return await answer(scope, receive, send)

    def prepare(self, names: Iterable[str]) -> None:
        """Read and compress files before they are asked for."""
        for name in names:
            self._body(name)

    def joined(self, names: Sequence[str]) -> str:
        """Return the name of one file that holds these style sheets; its address is beside theirs."""
        body = b"\n".join(kept[0] for kept in map(self._body, names) if kept)
        name = f"first-{hashlib.sha256(body).hexdigest()[:8]}.css"
        self._kept[name] = packed(body)
        return name

    def _body(self, name: str) -> tuple[bytes, bytes | None] | None:
        """Return a file as it is and compressed, None for one that is not there or too long."""
        if name not in self._kept:
            file = self.folder / name
            try:
                if file.stat().st_size > _MOST:
                    return None
                self._kept[name] = packed(file.read_bytes())
            except OSError:
                return None
        return self._kept[name]


def packed(body: bytes) -> tuple[bytes, bytes | None]:
    """Return a body, and what gzip makes of it where that is shorter."""
    if len(body) < _SHORT:
        return body, None
    small = gzip.compress(body, _LEVEL, mtime=0)
    return body, small if len(small) < len(body) else None


def accepts_gzip(scope: Scope) -> bool:
    """Return whether the browser can read what gzip compressed."""
    offered = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
    return any(one.partition(b";")[0].strip() == b"gzip" for one in offered.split(b","))
