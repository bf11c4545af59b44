"""Keep the page to itself: nothing loaded from elsewhere, no other site may read or drive it."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ui.access.door import Door
from ui.reader import COOKIE, browser_of, note_account, note_browser

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# Bytes of a request: files that are added, and everything else, such as a pasted list of references.
MOST_UPLOAD, MOST_BODY = 64 << 20, 8 << 20
_UPLOAD = "/gradio_api/upload"
_COOKIE_S = 400 * 24 * 3600  # as long as browsers keep a cookie

# What the page, the HTTP API and MCP use of Gradio's addresses. The others tell strangers what is going on,
# fetch addresses of other machines, or run what this page does not have.
_SERVED = frozenset({"", "config", "favicon.ico", "manifest.json", "robots.txt", "theme.css"})
_SERVED_BELOW = ("assets/", "static/", "svelte/")
_GRADIO = "gradio_api/"
_GRADIO_SERVED = frozenset(
    "app_id cancel component_server info login_check mcp mcp/http queue/data queue/join reset startup-events "
    "theme.css upload upload_progress user".split()
)
_GRADIO_SERVED_BELOW = ("api/", "call/", "file=", "heartbeat/", "run/")

# The toolkit's own page needs inline scripts and `new Function`; everything else is this origin or nothing,
# so a font, script or picture that any part of it asks for elsewhere is never requested.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),  # with "no-referrer" a form, as at the door, names no Origin
    (b"x-content-type-options", b"nosniff"),
    (b"x-dns-prefetch-control", b"off"),
]


class Guard:
    """ASGI middleware: security headers on every response, and a refusal in one sentence.

    A Host header must name this machine: a loopback name, or for another `host` one of `names` or an address
    in digits (a foreign name that resolves to this machine is how a web page reads a server: DNS rebinding).
    An Origin must equal Host. With a `door`, only who has signed in comes further.
    """

    def __init__(
        self, app: ASGIApp, host: str, *, names: Sequence[str] = (), door: Door | None = None
    ) -> None:
        """Guard `app`, which is served at `host`, and which readers may call by `names` too."""
        self.app, self.door = app, door
        self.names = LOOPBACK | {name.lower() for name in (host, *names)}
        self.any_address = host not in LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return None
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        answer = self._refusal(scope, headers)
        if answer is None and self.door is not None:
            came = await self.door.answer(scope, receive)
            if isinstance(came, Response):
                answer = came
            else:
                note_account(scope, came.name)
        if answer is None and not _served(scope["path"]):
            answer = PlainTextResponse("There is nothing at this address.", 404)
        added = list(_HEADERS)
        if answer is None and self.door is None:
            note_browser(scope, Request(scope).cookies.get(COOKIE))
            if scope["method"] == "GET" and scope["path"] == "/":
                added.append((b"set-cookie", _set_cookie(scope).encode()))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        return await (answer or self.app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, str]) -> Response | None:
        host = headers.get(b"host", "")
        if not self._is_ours(_hostname(f"//{host}")) or _is_foreign(scope["method"], host, headers):
            text = "This page answers only to its own address; name further ones with `rag chat --name NAME`."
            return PlainTextResponse(text, 403)
        if b"transfer-encoding" in headers:
            return PlainTextResponse("Send the length of the request.", 411)
        most = MOST_UPLOAD if scope["path"] == _UPLOAD else MOST_BODY
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or int(length) > most:
            text = f"That is too large: at most {most >> 20} MB at a time; use `rag add` for more."
            return PlainTextResponse(text, 413)
        return None

    def _is_ours(self, name: str | None) -> bool:
        return name in self.names or (self.any_address and name is not None and _is_address(name))


def _is_foreign(method: str, host: str, headers: Mapping[bytes, str]) -> bool:
    """Return whether another site makes the request; a link on it may be followed."""
    origin = headers.get(b"origin")
    if origin is not None and origin.partition("://")[2] != host:
        return True
    link = method == "GET" and headers.get(b"sec-fetch-dest") == "document"
    return headers.get(b"sec-fetch-site") in ("cross-site", "same-site") and not link


def _served(path: str) -> bool:
    path = path.lstrip("/")
    if path.startswith(_GRADIO):
        path = path.removeprefix(_GRADIO)
        return path.rstrip("/") in _GRADIO_SERVED or path.startswith(_GRADIO_SERVED_BELOW)
    return path.rstrip("/") in _SERVED or path.startswith(_SERVED_BELOW)


def _set_cookie(scope: Scope) -> str:
    """Return the cookie by which a browser is known again, for another 400 days.

    It is sent when a link from another site is followed (Lax): else that visit would get a new one, and lose
    the reader's conversations.
    """
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    attributes = f"Path=/; Max-Age={_COOKIE_S}; HttpOnly; SameSite=Lax{secure}"
    return f"{COOKIE}={browser_of(scope)}; {attributes}"


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
