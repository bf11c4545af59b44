"""The HTTP API and MCP, driven by gradio_client and by an MCP client: what is exposed, and what it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from rag import AddReport, CorpusError
from rag.schema import Problem
from tests.fake_rag import FakeRAG, Gate, answer, citation, context, script_of
from tests.ui.serving import serving
from ui.access.accounts import Accounts

LAKE = context(
    "The lake grew by 7 hectares. The dam held.", "The lake grew by 7 hectares.", title="Lakes", year=2021
)
SNOW = context("本文提出SnowNet用于雪深预测。", language="zh")
CITED = citation(1, LAKE, "grew by 7 hectares")
TEXT = "The lake grew by 7 hectares [1]."
QUESTION = "How much did the lake grow?"
PATIENCE_S = 60  # a busy machine
TOOLS = ["ask", "search", "get_paper", "add_papers"]


def fake() -> FakeRAG:
    return FakeRAG(script_of(TEXT, [LAKE, SNOW], [CITED]), found=[LAKE, SNOW])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def rag() -> FakeRAG:
    return fake()


@pytest.fixture(scope="module")
def url(rag: FakeRAG, data: Path) -> Iterator[str]:
    with serving(rag, data=data) as address:
        yield address


def connect(url: str, **options: Any) -> Client:
    return Client(
        url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": PATIENCE_S}, **options
    )


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    made = connect(url)
    yield made
    made.close()


def over_mcp(url: str, use: Callable[[ClientSession], Awaitable[Any]], **headers: str) -> Any:
    async def run() -> Any:
        http = httpx.AsyncClient(headers=headers, timeout=PATIENCE_S)
        connection = streamable_http_client(f"{url}/gradio_api/mcp/", http_client=http)
        async with http, connection as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return await use(session)

    return anyio.run(run)


def call(url: str, tool: str, **arguments: Any) -> CallToolResult:
    return over_mcp(url, lambda session: session.call_tool(tool, arguments))


def said(result: CallToolResult) -> str:
    [content] = result.content
    assert content.type == "text"
    return content.text


def test_this_is_all_that_is_exposed(client: Client, url: str) -> None:
    info = client.view_api(return_format="dict", print_info=False)
    assert list(info["named_endpoints"]) == [f"/{name}" for name in TOOLS]
    assert info["unnamed_endpoints"] == {}
    public = [d["api_name"] for d in client.config["dependencies"] if d["api_visibility"] == "public"]
    assert public == TOOLS
    assert all(d["api_visibility"] in ("public", "private") for d in client.config["dependencies"])
    tools = over_mcp(url, lambda session: session.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS
    for listing in ("list_resources", "list_prompts", "list_resource_templates"):
        found = over_mcp(url, lambda session, listing=listing: getattr(session, listing)())
        assert found.model_dump(exclude_none=True, exclude_defaults=True).popitem()[1] == []


def test_a_model_is_told_what_the_tools_do_and_take(url: str) -> None:
    tools = {tool.name: tool for tool in over_mcp(url, lambda session: session.list_tools()).tools}
    ask = tools["ask"]
    assert ask.description.startswith("Answer a question from the library of scientific abstracts")
    properties = ask.inputSchema["properties"]
    assert ask.inputSchema["required"] == ["question"]
    assert properties["question"]["type"] == "string"
    assert "request" not in properties
    assert {"enum": ["en", "zh"]} in properties["language"]["oneOf"]
    assert all(tool.description for tool in tools.values())
    assert all(
        p.get("description") for tool in tools.values() for p in tool.inputSchema["properties"].values()
    )


def test_ask_gives_what_the_command_line_gives(client: Client, url: str) -> None:
    expected = answer(QUESTION, TEXT, [LAKE, SNOW], [CITED]).to_dict()
    assert client.predict(QUESTION, api_name="/ask") == expected
    assert json.loads(said(call(url, "ask", question=QUESTION))) == expected


def test_filters_reach_the_library(client: Client, url: str, rag: FakeRAG) -> None:
    client.predict(QUESTION, language="zh", sources=["a.txt"], year_from=2000, year_to=2001, api_name="/ask")
    call(url, "ask", question=QUESTION, year_from=1999, authors=["Li"], venues=["Limn"], keywords=["ice"])
    first, second = rag.filters[-2:]
    assert first is not None
    assert (first.language, first.sources, first.year_from, first.year_to) == ("zh", ("a.txt",), 2000, 2001)
    assert second is not None
    assert second.year_from == 1999
    assert (second.authors, second.venues, second.keywords) == (("Li",), ("Limn",), ("ice",))


def test_search_and_get_paper(client: Client, url: str) -> None:
    found = client.predict("雪深", k=2, api_name="/search")
    assert found == {"query": "雪深", "results": [LAKE.to_dict(), SNOW.to_dict()]}
    assert "雪深预测" in said(call(url, "search", query="雪深", k=2)), "Chinese as it is, not as escapes"
    paper = json.loads(said(call(url, "get_paper", paper_id=LAKE.paper.paper_id)))
    assert paper == LAKE.paper.to_dict() == client.predict(LAKE.paper.paper_id, api_name="/get_paper")


def test_add_papers_says_what_became_of_them(client: Client, url: str, data: Path, rag: FakeRAG) -> None:
    rag.added = AddReport((LAKE.paper,), problems=(Problem("refs.txt", 3, "no abstract"),))
    assert client.predict("@article{a}", api_name="/add_papers") == rag.added.to_dict()
    assert [path.read_text(encoding="utf-8") for path in (data / "added").iterdir()] == ["@article{a}"]
    rag.added = CorpusError("There is no abstract in it; add another file.")
    refused = call(url, "add_papers", text="nothing in it")
    assert (refused.isError, said(refused)) == (True, "There is no abstract in it; add another file.")


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("ask", {"question": " "}, "The question is empty; write one."),
        ("search", {"query": ""}, "The question is empty; write one."),
        (
            "get_paper",
            {"paper_id": "<b>"},
            "There is no paper '<b>'; take an id from a citation or a result.",
        ),
    ],
)
def test_a_mistake_is_one_sentence(
    client: Client,
    url: str,
    tool: str,
    arguments: dict[str, Any],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(AppError) as raised:
        client.predict(**arguments, api_name=f"/{tool}")
    assert raised.value.message == words
    result = call(url, tool, **arguments)
    assert (result.isError, said(result)) == (True, words)
    assert "Traceback" not in capfd.readouterr().err


def test_an_mcp_client_that_goes_frees_the_model(url: str, rag: FakeRAG) -> None:
    gate, usual = Gate(), rag.script
    rag.script = script_of(TEXT, [LAKE], [CITED], before_text=[gate])
    rag.closed.clear()
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": "?"}},
    }
    accept = {"accept": "application/json, text/event-stream"}
    try:
        with httpx.Client(timeout=PATIENCE_S) as http:
            request = threading.Thread(
                target=lambda: _until_closed(http, f"{url}/gradio_api/mcp/", body, accept)
            )
            request.start()
            assert gate.reached.wait(20)
            http.close()
        assert rag.closed.wait(20)
        request.join(5)
    finally:
        rag.script = usual
        gate.open()


def _until_closed(http: httpx.Client, url: str, body: dict[str, Any], headers: dict[str, str]) -> None:
    try:
        with http.stream("POST", url, json=body, headers=headers) as response:
            for _ in response.iter_bytes():
                pass
    except (httpx.HTTPError, OSError, RuntimeError):
        pass


def test_behind_accounts_programs_sign_in(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts")
    accounts.add("anna", "correct horse")
    with serving(fake(), "0.0.0.0", accounts=accounts, data=tmp_path) as url:
        for path in (
            "/config",
            "/gradio_api/info",
            "/gradio_api/mcp/",
            "/gradio_api/mcp/http",
            "/gradio_api/heartbeat/x",
        ):
            assert httpx.get(url + path, timeout=PATIENCE_S).status_code == 401, path
        assert httpx.post(f"{url}/gradio_api/run/ask", json={"data": ["?"]}).status_code == 401
        client = connect(url, auth=("anna", "correct horse"))
        assert client.predict(QUESTION, api_name="/ask")["answer"] == TEXT
        client.close()
        token = accounts.renew_token("anna")
        tools = over_mcp(url, lambda session: session.list_tools(), Authorization=f"Bearer {token}").tools
        assert [tool.name for tool in tools] == TOOLS
        result = over_mcp(
            url,
            lambda session: session.call_tool("ask", {"question": QUESTION}),
            Authorization=f"Bearer {token}",
        )
        assert json.loads(said(result))["answer"] == TEXT
