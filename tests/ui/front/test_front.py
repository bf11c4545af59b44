"""What a browser gets first: the toolkit's files, which of them it needs, and the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fake_rag import FakeRAG, script_of
from tests.ui.serving import serving
from ui.front.chunks import first_chunks
from ui.front.document import links, with_head
from ui.front.shell import shell_html


class Growing(FakeRAG):
    """A library of `works` works, another generation for each number; counts how often all is read of it."""

    works = 31
    reads = 0

    @property
    def state(self) -> tuple[str, str]:
        return str(self.works), "model"

    def info(self) -> dict[str, Any]:
        self.reads += 1
        return super().info() | {"works": self.works}


@pytest.fixture(scope="module")
def rag() -> Growing:
    notice = {"en": "Questions go to <b>llm.example</b>.", "zh": "问题会发送到 llm.example。"}
    return Growing(script_of("", []), notice=notice)


@pytest.fixture(scope="module")
def http(rag: Growing) -> Iterator[httpx.Client]:
    with (
        serving(rag) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def named_in(document: str) -> list[str]:
    return re.findall(r'href="\./(assets/[\w.-]+)"', document)


def test_the_files_that_the_document_names_are_kept_for_good(http: httpx.Client) -> None:
    names = named_in(http.get("/").text)
    assert len(names) > 40
    for name in names:
        answer = http.get(f"/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"].split(";")[0] in ("text/javascript", "text/css")


@pytest.mark.parametrize("offered", ["gzip", "br, gzip;q=0.5", "br", "identity"])
def test_a_file_is_the_same_in_every_encoding(http: httpx.Client, offered: str) -> None:
    name = next(name for name in named_in(http.get("/").text) if "/core-" in name and name.endswith("js"))
    answer = http.get(f"/{name}", headers={"accept-encoding": offered})
    assert answer.headers.get("content-encoding") == ("gzip" if "gzip" in offered else None)
    assert answer.text == http.get(f"/{name}").text
    assert http.head(f"/{name}").content == b""


def test_the_document_is_the_same_in_every_encoding(http: httpx.Client) -> None:
    for offered in ("gzip", "identity"):
        answer = http.get("/", headers={"accept-encoding": offered})
        assert answer.headers.get("content-encoding") == (None if offered == "identity" else offered)
        assert answer.text.count("<template") == answer.text.count("</head>") == 1
        assert int(answer.headers["content-length"]) == len(answer.content) or offered == "gzip"


def first_screen(http: httpx.Client) -> str:
    return http.get("/").text.partition('<template id="first-screen">')[2].partition("</template>")[0]


def test_where_text_goes_is_said_before_the_page_has_loaded(http: httpx.Client) -> None:
    assert "Questions go to &lt;b&gt;llm.example&lt;/b&gt;." in first_screen(http)


def test_it_counts_the_abstracts_that_there_are_now(
    http: httpx.Client, rag: Growing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "31 abstracts" in first_screen(http)
    reads = rag.reads
    first_screen(http)
    assert rag.reads == reads
    monkeypatch.setattr(rag, "works", 32)
    assert "32 abstracts" in first_screen(http)


def test_only_files_of_the_toolkit_lie_below_assets(http: httpx.Client) -> None:
    for name in (
        "nothing-12345678.js",
        "../index.html",
        "..%2f..%2fpackage.json",
        "%2e%2e/index-12345678.js",
    ):
        assert http.get(f"/assets/{name}").status_code in (403, 404), name


def test_a_toolkit_that_is_built_in_another_way_only_costs_time(tmp_path: Path) -> None:
    assert first_chunks(tmp_path, ["html"]) == []
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<script src="./assets/index-12345678.js"></script>')
    for script in (
        "",
        "import('./Index-12345678.js')",
        'x(import("./Index-12345678.js"),__vite__mapDeps([7]))',
    ):
        (tmp_path / "assets" / "index-12345678.js").write_text(script)
        assert first_chunks(tmp_path, ["html"]) == []


def test_what_an_import_needs_is_found(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()

    def importing(target: str, *needed: str) -> str:
        listed = json.dumps([f"./{name}" for name in (target, *needed)])
        numbers = list(range(1 + len(needed)))
        call = f"v(()=>import(`./{target}`).then(e=>e.t),__vite__mapDeps({numbers}),import.meta.url)"
        return f"d=(m.f||(m.f={listed})); all={{text:{{component:()=>{call.replace(' ', '')}}}}}"

    (tmp_path / "index.html").write_text('<script src="./assets/index-1.js"></script>')
    start = importing("Index-1.js", "core-1.js", "core-1.css").replace("component:()=>", "")
    (assets / "index-1.js").write_text(start)
    (assets / "core-1.js").write_text(importing("Text-1.js", "Text-1.css", "gone-1.js"))
    for name in ("Index-1.js", "core-1.css", "Text-1.js", "Text-1.css"):
        (assets / name).touch()
    assert first_chunks(tmp_path, ["picture", "text"]) == [
        "Index-1.js", "core-1.js", "core-1.css", "Text-1.js", "Text-1.css",
    ]  # fmt: skip


def test_a_document_without_a_head_gets_one_all_the_same() -> None:
    assert with_head("<head>1</head>2", "<x>") == "<head>1<x></head>2"
    assert with_head("2", "<x>") == "<x>2"
    assert links([], [], "", "None'</script>") == ""


def test_the_first_screen_holds_no_id_of_the_page() -> None:
    screen = shell_html('<header id="notice">1</header>', "<button>2</button>")
    assert re.findall(r' id="([^"]*)"', screen) == ["first-screen", "first", "first-box"]
