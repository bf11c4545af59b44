"""Which proxy of the environment leads to an address, whatever the variables hold."""

from __future__ import annotations

import os

import pytest

from rag.network import only_proxy, proxy_for


@pytest.fixture(autouse=True)
def _proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example")
    monkeypatch.setenv("NO_PROXY", "inside.example, [fd00::]/8,10.0.0.0/8, [2001:db8::7], no/where, :")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://host.example/v1", "http://proxy.example:3128"),
        ("http://host.example", "socks5://proxy.example"),
        ("http://127.0.0.1:8080", None),
        ("http://[::1]:8080/v1", None),
        ("https://a.inside.example", None),
        ("https://10.1.2.3/v1", None),
        ("https://[fd12::3]/v1", None),
        ("https://[2001:db8::7]:8443/v1", None),
        ("https://[2001:db8::8]/v1", "http://proxy.example:3128"),
    ],
)
def test_the_proxy_of_an_address(url: str, proxy: str | None) -> None:
    assert proxy_for(url) == proxy


def test_the_environment_names_one_proxy_for_a_while() -> None:
    before = dict(os.environ)
    with only_proxy("http://one.example"):
        named = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        assert named == {"ALL_PROXY": "http://one.example"}
    assert dict(os.environ) == before
