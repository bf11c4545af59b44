"""Where a language model lives and whether text sent there leaves this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from rag.errors import SettingsError


def is_loopback(host: str) -> bool:
    """Return whether text sent to `host` stays on this machine; an unknown name does not."""
    if host.lower().rstrip(".") in {"localhost", "localhost.localdomain"}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def check_base_url(base_url: str) -> str:
    """Return the host of an endpoint's base URL.

    Raises SettingsError unless it is http(s)://host[:port][/path], without a user name, password or query.
    """
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
            "RAG_LLM_BASE_URL must not carry a user name or key; set RAG_LLM_API_KEY instead."
        )
    return host


def check_key(api_key: str | None) -> str | None:
    """Return the key without surrounding space, None when empty.

    Raises SettingsError when no header can carry it.
    """
    key = (api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("RAG_LLM_API_KEY holds characters no key has; copy it again.")
    return key or None
