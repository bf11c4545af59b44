"""The document of the page: the toolkit's, with our head, and links to what the browser will need next.

The toolkit adds a head of its own making by a script, after it has loaded; here it is in the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from starlette.responses import Response

from ui.front.assets import ASGIApp, Message, Receive, Scope, Send, accepts_gzip, packed

_END = "</head>"


class Document:
    """ASGI middleware that puts what `head` returns into the document of the page; all else passes by."""

    def __init__(self, app: ASGIApp, head: Callable[[], str]) -> None:
        """Add a head to each document of `app`."""
        self.app, self.head = app, head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            return await self.app(scope, receive, send)
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: Message = {}
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self.app({**scope, "headers": plain}, receive, keep)
        return await self._answer(scope, start, b"".join(parts))(scope, receive, send)

    def _answer(self, scope: Scope, start: Message, body: bytes) -> Response:
        """Return the toolkit's answer with the head in it, in the encoding that the browser prefers."""
        if start["status"] == 200:
            body = with_head(body.decode("utf-8"), self.head()).encode()
        small = packed(body)[1] if accepts_gzip(scope) else None
        answer = Response(body if small is None else small, start["status"])
        written = {b"content-length", b"vary"}
        kept = [pair for pair in start.get("headers", ()) if pair[0].lower() not in written]
        answer.raw_headers += [*kept, (b"vary", b"accept-encoding")]
        if small is not None:
            answer.raw_headers.append((b"content-encoding", b"gzip"))
        return answer


def with_head(document: str, head: str) -> str:
    """Return the document with `head` at the end of its head, at its beginning if it has none."""
    before, end, after = document.partition(_END)
    return f"{before}{head}{end}{after}" if end else head + document


def links(scripts: Iterable[str], styles: Iterable[str], joined: str, theme: str) -> str:
    """Return links to files of the toolkit: `scripts`, and `styles`, which are all in the file `joined`.

    The toolkit asks for no style sheet that a link in the document names already, even one that is disabled.
    `theme` is the hash of its theme, whose link has to hold the origin.
    """
    sheet = f'<link rel="stylesheet" href="./assets/{joined}">' if joined else ""
    known = "".join(f'<link rel="stylesheet" href="./assets/{name}" disabled>' for name in styles)
    ahead = "".join(f'<link rel="modulepreload" href="./assets/{name}">' for name in scripts)
    return sheet + known + (_theme_link(theme) if re.fullmatch(r"\w+", theme) else "") + ahead


def _theme_link(theme: str) -> str:
    return (
        "<script>(() => { const link = document.createElement('link'); link.rel = 'stylesheet'; "
        f"link.href = new URL('theme.css?v={theme}', document.baseURI).href; "
        "link.blocking = 'render'; document.currentScript.after(link); })()</script>"
    )
