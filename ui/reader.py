"""Who is reading: the owner of conversations, scopes and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

COOKIE = "citefold_reader"


class Request(Protocol):
    """What is needed of a request: the account that signed in, and cookies."""

    username: str | None
    cookies: Mapping[str, str]


def reader_of(request: Request) -> str:
    """Return the account's name after "@", else the browser's cookie, empty where it has none."""
    return f"@{request.username}" if request.username else request.cookies.get(COOKIE, "")
