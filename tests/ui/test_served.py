"""What the real server behind the guard serves: no file of this machine, nothing about other readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rag import UserError
from tests.fake_rag import FakeRAG, script_of
from tests.ui.serving import serving
from ui.access.accounts import Accounts
from ui.server import make_server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def http(data: Path) -> Iterator[httpx.Client]:
    with (
        serving(FakeRAG(script_of("", [])), data=data) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def test_no_file_of_this_machine_can_be_read(http: httpx.Client, data: Path, tmp_path: Path) -> None:
    (data / "conversations.sqlite").write_text("secret")
    (tmp_path / "accounts").write_text("secret")
    here = Path(__file__)
    files = [Path("/etc/passwd"), Path("/proc/self/environ"), here, here.parents[2] / "pyproject.toml"]
    files += [data / "conversations.sqlite", tmp_path / "accounts", Path("pyproject.toml"), Path("ui/app.py")]
    for file in files:
        for address in (
            f"/gradio_api/file={file}",
            f"/gradio_api/file=/../..{file}",
            f"/assets/../../../..{file}",
        ):
            answer = http.get(address)
            assert answer.status_code in (403, 404), address
            assert "secret" not in answer.text


def test_it_fetches_no_address_for_a_stranger(http: httpx.Client) -> None:
    for address in ("http://127.0.0.1:9/x", "https://example.org/x"):
        answer = http.get(f"/gradio_api/file={address}")
        assert answer.status_code in (302, 307, 403, 404, 400), address
        assert "example" not in answer.headers.get("location", "")


def test_what_is_uploaded_is_only_ever_downloaded_again(http: httpx.Client) -> None:
    page = b"<script>alert(1)</script>"
    [path] = http.post("/gradio_api/upload", files={"files": ("a.html", page)}).json()
    answer = http.get(f"/gradio_api/file={path}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_configuration_tells_nothing_of_this_machine(http: httpx.Client, data: Path) -> None:
    for address in ("/config", "/gradio_api/info", "/"):
        text = http.get(address).text
        assert str(data) not in text
        assert str(Path.home()) + "/" not in text


def test_other_machines_need_an_account(tmp_path: Path) -> None:
    rag = FakeRAG(script_of("", []))
    with pytest.raises(UserError, match=r"rag account add NAME --auth FILE"):
        make_server(rag, "0.0.0.0")
    with pytest.raises(UserError, match="no account"):
        make_server(rag, "0.0.0.0", accounts=Accounts(tmp_path / "accounts"))
