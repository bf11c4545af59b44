"""Which hosts are this machine, and which proxy of the environment leads to another one."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine; an unknown name counts as remote."""
    if host.lower().rstrip(".") in {"localhost", "localhost.localdomain"}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for `url`; None for this machine and for `NO_PROXY`.

    httpx is not left to read the variables, because it fails on some values of `NO_PROXY`.
    """
    parts = urlsplit(url)
    host, proxies = parts.hostname or "", getproxies()
    if is_loopback(host) or _is_exempt(host, proxies.get("no", "")) or proxy_bypass(parts.netloc):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _is_exempt(host: str, exempt: str) -> bool:
    """Return whether `host` is an address in one of the networks of `NO_PROXY`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in exempt.split(","):
        try:
            network = ipaddress.ip_network(entry.strip().replace("[", "").replace("]", ""), strict=False)
        except ValueError:
            continue
        if address in network:
            return True
    return False


@contextmanager
def only_proxy(proxy: str | None) -> Iterator[None]:
    """Let the environment name `proxy` alone, or none, for a library that reads it when it is opened."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.lower().endswith("_proxy")}
    if proxy:
        os.environ["ALL_PROXY"] = proxy
    try:
        yield
    finally:
        os.environ.pop("ALL_PROXY", None)
        os.environ.update(hidden)
