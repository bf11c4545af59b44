"""Models named by their place on the hub: digests on trust at first, checked ever after."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rag.errors import ModelError, UserError
from rag.models.cache import ModelCache
from rag.models.hub import HubSource
from tests.models.test_hub import Handler, ranged, status
from tests.models.test_models import CONTENT, tiny_file

NAME = "hub:nobody/tiny-GGUF/q4/tiny.gguf"


def hub(digest: str = "", *, body: Handler = ranged) -> Handler:
    def handle(request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/nobody/tiny-GGUF/resolve/main/q4/tiny.gguf"
        if request.command == "HEAD":
            etag = {"X-Linked-Etag": f'"{digest}"'} if digest else {}
            status(request, 302, {"Location": "/x", "X-Linked-Size": str(len(CONTENT)), **etag})
        else:
            body(request)

    return handle


def cache(tmp_path: Path, base: str = "http://127.0.0.1:9") -> ModelCache:
    return ModelCache(tmp_path, specs={}, sources=(HubSource(base),))


@pytest.mark.parametrize(
    ("digest", "words"), [(tiny_file().sha256, "as the hub states it"), ("", "the hub states none")]
)
def test_the_digest_is_recorded_and_said_at_the_first_fetch(
    tmp_path: Path,
    serve: Callable[[Handler], str],
    capsys: pytest.CaptureFixture[str],
    digest: str,
    words: str,
) -> None:
    path = cache(tmp_path, serve(hub(digest))).ensure(NAME, progress=False)
    assert path.read_bytes() == CONTENT
    said = capsys.readouterr().err
    assert f"SHA-256 {tiny_file().sha256}" in said
    assert words in said
    offline = cache(tmp_path)
    assert offline.ensure(NAME) == path
    assert offline.verify(NAME) == path
    assert [row["name"] for row in offline.status() if row["present"]] == [NAME]


def test_other_bytes_under_the_same_name_are_refused_later(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    path = cache(tmp_path, serve(hub())).ensure(NAME, progress=False)
    path.write_bytes(b"?" * len(CONTENT))
    with pytest.raises(ModelError, match="not on this machine"):
        cache(tmp_path).verify(NAME)
    assert cache(tmp_path, serve(hub())).ensure(NAME, progress=False).read_bytes() == CONTENT
    path.unlink()

    def changed(request: BaseHTTPRequestHandler) -> None:
        status(request, 206, {"Content-Length": str(len(CONTENT))})
        request.wfile.write(b"!" * len(CONTENT))

    with pytest.raises(ModelError, match=f"not the expected {tiny_file().sha256}"):
        cache(tmp_path, serve(hub(body=changed))).ensure(NAME, progress=False)


def test_bytes_that_differ_from_the_hubs_own_record_are_refused(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    with pytest.raises(ModelError, match="twice"):
        cache(tmp_path, serve(hub("0" * 64))).ensure(NAME, progress=False)
    assert not list(tmp_path.rglob("record.json"))


def test_a_fetch_that_breaks_off_says_what_else_to_do(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    cut = hub(body=lambda request: ranged(request, end=0))
    with pytest.raises(ModelError, match=r"broke off after 0 .*set RAG_LLM_MODEL to its path\.$"):
        cache(tmp_path, serve(cut)).ensure(NAME, progress=False)


def test_a_hub_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"hub:nobody/.* could not be fetched \(model hub: "):
        cache(tmp_path).ensure(NAME, progress=False)


@pytest.mark.parametrize(
    "name",
    [
        "hub:",
        "hub:tiny.gguf",
        "hub:nobody/tiny",
        "hub:nobody/tiny/a.bin",
        "hub:a/../b.gguf",
        "hub:../b/c.gguf",
    ],
)
def test_a_name_of_another_form_is_the_users_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="OWNER/REPOSITORY"):
        cache(tmp_path).ensure(name)


def test_a_damaged_record_counts_as_none(tmp_path: Path, serve: Callable[[Handler], str]) -> None:
    here = cache(tmp_path, serve(hub()))
    record = here.ensure(NAME, progress=False).with_name("record.json")
    record.write_text("{}")
    assert not here.present(NAME)
    assert here.ensure(NAME, progress=False).read_bytes() == CONTENT
    assert json.loads(record.read_text())["sha256"] == tiny_file().sha256
