"""Keep the page to itself: nothing loaded from elsewhere, no other site may read or drive it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# The toolkit's own page needs inline scripts and `new Function`; everything else is this origin or nothing,
# so a font, script or picture that any part of it asks for elsewhere is never requested.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-dns-prefetch-control", b"off"),
]


class Guard:
    """ASGI middleware: security headers on every response, 403 for requests made by other sites.

    With a loopback `host`, the Host header must name this machine (a foreign name that resolves to 127.0.0.1
    is how a web page reads a local server: DNS rebinding); with any `host`, an Origin must equal Host.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        """Guard `app`, which is served at `host`."""
        self.app = app
        self.allowed = LOOPBACK if host in LOOPBACK else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http" or not self._ours(scope):
            return await _refuse(send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        return await self.app(scope, receive, send_with_headers)

    def _ours(self, scope: Scope) -> bool:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if self.allowed is not None and _hostname(f"//{host}") not in self.allowed:
            return False
        origin = headers.get(b"origin")
        return origin is None or origin.partition("://")[2] == host


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"This page answers only to its own address."})
