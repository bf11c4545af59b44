"""What the server refuses before Gradio sees it, and who it takes a request for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from ui.access.accounts import Accounts
from ui.access.door import Door
from ui.access.sessions import MOST_TRIES
from ui.guard import MOST_BODY, MOST_UPLOAD, Guard, Receive, Scope, Send
from ui.reader import reader_of

PASSWORD = "correct horse"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Say who asks."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": reader_of(Request(scope)).encode()})


def client(guard: Guard, **cookies: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(guard, client=("192.0.2.7", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860", cookies=cookies)


async def status(guard: Guard, path: str = "/", **headers: str) -> int:
    async with client(guard) as http:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await http.get(path, headers=sent)).status_code


@pytest.mark.anyio
class TestAddress:
    @pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "[::1]:7860", "LOCALHOST:1"])
    async def test_this_machine(self, host: str) -> None:
        assert await status(Guard(app, "127.0.0.1"), Host=host) == 200

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "192.0.2.1", "[", "a@b"])
    async def test_a_foreign_name(self, host: str) -> None:
        assert await status(Guard(app, "127.0.0.1"), Host=host) == 403

    @pytest.mark.parametrize(
        "host", ["192.0.2.1:7860", "[2001:db8::1]", "localhost", "lab.example", "Lab.Example:80"]
    )
    async def test_all_interfaces(self, host: str) -> None:
        assert await status(Guard(app, "0.0.0.0", names=["lab.example"]), Host=host) == 200

    @pytest.mark.parametrize("host", ["evil.example", "x.lab.example", "1.2.3", ""])
    async def test_a_name_that_was_not_given(self, host: str) -> None:
        assert await status(Guard(app, "0.0.0.0", names=["lab.example"]), Host=host) == 403


@pytest.mark.anyio
class TestOtherSites:
    HOST: Mapping[str, str] = {"Host": "localhost:7860"}

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "http://localhost:7861", "http://localhost"]
    )
    async def test_a_foreign_origin(self, origin: str) -> None:
        assert await status(Guard(app, "localhost"), **self.HOST, Origin=origin) == 403

    async def test_its_own_origin(self) -> None:
        assert await status(Guard(app, "localhost"), **self.HOST, Origin="http://localhost:7860") == 200

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    async def test_a_script_or_picture_on_another_page_but_not_a_link(self, site: str) -> None:
        guard = Guard(app, "localhost")
        assert await status(guard, "/config", Sec_Fetch_Site=site, Sec_Fetch_Dest="script") == 403
        assert await status(guard, "/?c=1", Sec_Fetch_Site=site, Sec_Fetch_Dest="document") == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/monitoring", "/monitoring/summary", "/gradio_api/queue/status", "/gradio_api/token", "/gradio_api/runs",
        "/gradio_api/openapi.json", "/gradio_api/proxy=http://example.org/", "/gradio_api/dev/reload",
        "/gradio_api/vibe-code", "/gradio_api/stream/x", "/gradio_api/../monitoring", "/login", "/docs",
    ],
)  # fmt: skip
async def test_what_is_not_needed_is_not_served(path: str) -> None:
    assert await status(Guard(app, "127.0.0.1"), path) == 404


@pytest.mark.anyio
class TestSize:
    async def post(self, path: str, length: int | str, **headers: str) -> int:
        async with client(Guard(app, "127.0.0.1")) as http:
            return (await http.post(path, headers={"content-length": str(length)} | headers)).status_code

    async def test_a_body_is_bounded_and_files_have_more_room(self) -> None:
        assert await self.post("/gradio_api/queue/join", MOST_BODY) == 200
        assert await self.post("/gradio_api/queue/join", MOST_BODY + 1) == 413
        assert await self.post("/gradio_api/upload", MOST_UPLOAD) == 200
        assert await self.post("/gradio_api/upload", MOST_UPLOAD + 1) == 413
        assert await self.post("/gradio_api/upload", "many") == 413
        assert await self.post("/gradio_api/upload", 1, **{"transfer-encoding": "chunked"}) == 411


@pytest.mark.anyio
class TestBrowser:
    async def test_a_browser_is_known_again_by_a_cookie_that_scripts_cannot_read(self) -> None:
        async with client(Guard(app, "127.0.0.1")) as http:
            first = await http.get("/")
            cookie = first.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert "Secure" not in cookie
            value = http.cookies["citefold_reader"]
            assert len(value) == 32
            again = await http.get("/")
            assert again.text == f"browser {value}"
            assert http.cookies["citefold_reader"] == value

    async def test_another_browser_has_another(self) -> None:
        async with client(Guard(app, "127.0.0.1")) as one, client(Guard(app, "127.0.0.1")) as two:
            await one.get("/")
            await two.get("/")
            assert one.cookies["citefold_reader"] != two.cookies["citefold_reader"]

    async def test_a_program_gets_none(self) -> None:
        async with client(Guard(app, "127.0.0.1")) as http:
            for path in ("/config", "/gradio_api/info", "/gradio_api/mcp"):
                assert "set-cookie" not in (await http.get(path)).headers

    async def test_a_cookie_of_another_form_is_nobody(self) -> None:
        async with client(Guard(app, "127.0.0.1"), citefold_reader="account anna") as http:
            assert (await http.get("/config")).text == "at 192.0.2.7"

    async def test_cookies_of_other_programs_on_this_machine_do_no_harm(self) -> None:
        headers = {"cookie": f'a=[b]; =; x"y; citefold_reader={"ab" * 16}; {{}}'}
        async with client(Guard(app, "127.0.0.1")) as http:
            assert (await http.get("/config", headers=headers)).text == f"browser {'ab' * 16}"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    made = Accounts(tmp_path_factory.mktemp("door") / "accounts")
    made.add("anna", PASSWORD)
    made.add("berta", PASSWORD)
    return made


PAGE = {"accept": "text/html"}


@pytest.mark.anyio
class TestDoor:
    @pytest.fixture
    def guard(self, accounts: Accounts) -> Guard:
        return Guard(app, "0.0.0.0", door=Door(accounts))

    @pytest.mark.parametrize(
        "path", ["/", "/config", "/gradio_api/mcp", "/gradio_api/heartbeat/x", "/assets/a.js"]
    )
    async def test_nothing_is_served_before_signing_in(self, guard: Guard, path: str) -> None:
        assert await status(guard, path) == 401

    async def test_a_page_shows_a_form_that_leads_back_to_it(self, guard: Guard) -> None:
        async with client(guard) as http:
            shown = await http.get("/?c=1&d=%3Cb%3E", headers=PAGE)
            assert shown.status_code == 401
            assert 'name="next" value="/?c=1&amp;d=%3Cb%3E"' in shown.text
            assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
            chinese = await http.get("/", headers=PAGE | {"accept-language": "zh-CN,en;q=0.5"})
            assert "登录" in chinese.text
            assert "Sign in" not in chinese.text

    async def test_signing_in_and_out(self, guard: Guard) -> None:
        async with client(guard) as http:
            form = {"username": "anna", "password": PASSWORD, "next": "/?c=1"}
            done = await http.post("/login", data=form, headers=PAGE)
            assert (done.status_code, done.headers["location"]) == (303, "/?c=1")
            assert "HttpOnly" in done.headers["set-cookie"]
            assert "samesite=lax" in done.headers["set-cookie"].lower()
            assert (await http.get("/")).text == "account anna"
            held = dict(http.cookies)
            assert (await http.post("/logout")).status_code == 303
            http.cookies.update(held)
            assert (await http.get("/")).status_code == 401, "the token itself has ended"

    async def test_a_wrong_password_shows_the_form_again(self, guard: Guard) -> None:
        async with client(guard) as http:
            done = await http.post(
                "/login", data={"username": "<b>", "password": "x", "next": "/?c=1"}, headers=PAGE
            )
            assert done.status_code == 401
            assert "is wrong" in done.text
            assert "/?c=1" in done.text
            assert "set-cookie" not in done.headers

    @pytest.mark.parametrize(
        "after", ["//evil.example", "https://evil.example", "/\\evil.example", "", "/login", "/a\nb"]
    )
    async def test_it_leads_to_no_other_site(self, guard: Guard, after: str) -> None:
        async with client(guard) as http:
            form = {"username": "anna", "password": PASSWORD, "next": after}
            assert (await http.post("/login", data=form, headers=PAGE)).headers["location"] == "/"

    async def test_gradio_client_signs_in_without_a_form(self, guard: Guard) -> None:
        async with client(guard) as http:
            wrong = await http.post("/login", data={"username": "anna", "password": "x"})
            assert (wrong.status_code, wrong.json()["detail"].startswith("The name")) == (401, True)
            assert (await http.post("/login", data={"username": "anna", "password": PASSWORD})).json() == {
                "success": True
            }
            assert (await http.get("/config")).text == "account anna"

    async def test_a_program_brings_its_token(self, guard: Guard, accounts: Accounts) -> None:
        token = accounts.renew_token("berta")
        async with client(guard) as http:
            assert (
                await http.get("/config", headers={"authorization": f"Bearer {token}"})
            ).text == "account berta"
            refused = await http.get("/config", headers={"authorization": f"Bearer {token}x"})
            assert refused.status_code == 401

    async def test_guessing_is_stopped_also_with_the_right_password_at_last(self, guard: Guard) -> None:
        async with client(guard) as http:
            wrong = {"username": "anna", "password": ""}
            assert {(await http.post("/login", data=wrong)).status_code for _ in range(MOST_TRIES)} == {401}
            stopped = await http.post("/login", data=wrong | {"password": PASSWORD})
            assert stopped.status_code == 429
            assert 0 < int(stopped.headers["retry-after"]) <= 900

    async def test_the_cookie_of_a_browser_makes_nobody_an_account(self, guard: Guard) -> None:
        async with client(guard, citefold_reader="ab" * 16) as http:
            assert (await http.get("/")).status_code == 401

    async def test_over_https_the_cookie_stays_there(self, guard: Guard) -> None:
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as http:
            form = {"username": "anna", "password": PASSWORD}
            assert "Secure" in (await http.post("/login", data=form)).headers["set-cookie"]


@pytest.mark.anyio
async def test_a_file_of_accounts_that_breaks_lets_nobody_in(tmp_path: Path) -> None:
    made = Accounts(tmp_path / "accounts")
    made.add("anna", PASSWORD)
    guard = Guard(app, "0.0.0.0", door=Door(made))
    made.path.write_text("not accounts")
    assert await status(guard, "/config", Authorization="Bearer x") == 503


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
