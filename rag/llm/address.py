"""The address and key of an endpoint, as a user typed them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from rag.errors import SettingsError

_PASTED = re.compile(r"/+(?:chat/+completions/*)?$")


def check_base_url(base_url: str) -> str:
    """Return the host of a base URL; raise SettingsError unless it is http(s)://host[:port][/path]."""
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise SettingsError(
            "RAG_LLM_BASE_URL must be the address of an OpenAI-compatible endpoint, such as "
            "https://host.example/v1 or http://127.0.0.1:8080/v1."
        )
    if "@" in parts.netloc:
        raise SettingsError(
            "RAG_LLM_BASE_URL must not contain a user name or key; set RAG_LLM_API_KEY instead."
        )
    return host


def check_key(api_key: str | None) -> str | None:
    """Return the key without surrounding space, None if empty; raise SettingsError if not ASCII."""
    key = (api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("RAG_LLM_API_KEY holds characters no key has; copy it again.")
    return key or None


def base_of(address: str) -> str:
    """Return the base URL of what a user typed, which may be the address of chat completions itself."""
    return _PASTED.sub("", address.strip())
