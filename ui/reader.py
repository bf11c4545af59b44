"""Who asks: the account that signed in, else the browser, known by a random cookie."""

from __future__ import annotations

import re
import secrets
from collections.abc import MutableMapping
from typing import Any

COOKIE = "citefold_reader"
# A value that nobody guesses keeps one browser's conversations from all others; 32 hexadecimal digits.
_COOKIE_BYTES = 16
_COOKIE = re.compile(rf"[0-9a-f]{{{2 * _COOKIE_BYTES}}}")
# Where the guard leaves what it found, in the ASGI scope of a request.
_ACCOUNT, _BROWSER = "citefold.account", "citefold.browser"


def reader_of(request: Any) -> str:
    """Return who asks, the same for all requests of one reader and for no other reader's.

    `request` is a `gradio.Request` (or the request that it wraps). The reader is the account, where there are
    accounts, else the browser. Without a cookie it is one visit, or the address of a client that names no
    visit; who starts with "visit " or "at " is not known to come back.
    """
    scope = (getattr(request, "request", None) or request).scope
    if _ACCOUNT in scope:
        return f"account {scope[_ACCOUNT]}"
    if _BROWSER in scope:
        return f"browser {scope[_BROWSER]}"
    visit = getattr(request, "session_hash", None)
    address = scope.get("client")
    return f"visit {visit}" if visit else f"at {address[0] if address else 'nowhere'}"


def note_account(scope: MutableMapping[str, Any], name: str) -> None:
    """Remember with a request that this account makes it."""
    scope[_ACCOUNT] = name


def note_browser(scope: MutableMapping[str, Any], cookie: str | None) -> None:
    """Remember with a request which browser makes it, if its cookie is one of ours."""
    if cookie is not None and _COOKIE.fullmatch(cookie):
        scope[_BROWSER] = cookie


def browser_of(scope: MutableMapping[str, Any]) -> str:
    """Return the value for the cookie of the browser that makes a request: its own, or a new one."""
    return scope.get(_BROWSER) or secrets.token_hex(_COOKIE_BYTES)
