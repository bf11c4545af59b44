"""Endpoints of many forms: how they stream, what they refuse, and where they live."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rag.errors import LLMResponseError, LLMUnreachableError
from rag.llm.address import base_of
from rag.llm.base import Message
from rag.llm.dialect import REASONING_TOKENS
from rag.llm.openai_compatible import EndpointLLM
from tests import bad_endpoint as bad

ASK = [Message("system", "Be brief."), Message("user", "Where do owls nest?")]
SAID = "Owls nest in barns [1]."
DONE = "data: [DONE]\n\n"


def reply(base_url: str, max_tokens: int = 40) -> str:
    return EndpointLLM(base_url, "m", stall_timeout_s=2).complete(ASK, max_tokens=max_tokens)


def data(**choice: Any) -> str:
    return f"data: {json.dumps({'choices': [choice]}, ensure_ascii=False)}\n\n"


def whole(**message: Any) -> str:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}, indent=1)


STREAMS = {
    "no reason": [data(delta={"content": SAID}), DONE],
    "no end": [data(delta={"content": SAID}), data(delta={}, finish_reason="stop")],
    "empty reasons": [data(delta={"content": SAID}, finish_reason=""), data(delta={}, finish_reason="eos")],
    "null reasons": [data(delta={"content": SAID}, finish_reason="null"), DONE],
    "one object": [whole(content=SAID)],
    "messages": [data(message={"content": "Owls nest "}), data(message={"content": "in barns [1]."}), DONE],
    "all so far": [data(message={"content": "Owls"}), data(message={"content": SAID}), DONE],
    "all at the end": [data(delta={"content": SAID}), data(message={"content": SAID}, finish_reason="stop")],
    "comments": [": ping\r\n\r\n", "event: x\r\nid: 1\r\n", data(delta={"content": SAID}), ": \n\n", DONE],
    "carriage returns": [data(delta={"content": SAID}).replace("\n", "\r\n"), DONE],
    "no blank lines": [data(delta={"content": SAID})[:-1], data(delta={}, finish_reason="stop")[:-1]],
    "nothing in between": [
        data(delta={"role": "assistant", "content": None}), data(delta=None), 'data: {"choices": []}\n\n',
        'data: {"usage": {"total_tokens": 3}}\n\n', data(delta={"content": SAID}), DONE,
    ],
    "parts": [data(delta={"content": [{"type": "text", "text": SAID}]}), DONE],
    "thinking parts": [
        data(delta={"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}),
        data(delta={"content": SAID}), DONE,
    ],
    "reasoning apart": [data(delta={"reasoning_content": "Hm.", "content": ""}), data(delta={"content": SAID}), DONE],
    "reasoning details": [data(delta={"reasoning_details": [{"text": "Hm."}]}), data(delta={"content": SAID}), DONE],
    "reasoning within": [data(delta={"content": f"Hm. </think> {SAID}"}), DONE],
    "text": [data(text=SAID), data(text="", finish_reason="stop")],
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_an_answer_is_read_in_the_form_in_which_it_comes(name: str) -> None:
    with bad.serve(bad.events(*STREAMS[name])) as server:
        assert reply(server.base_url) == SAID


def test_lines_end_only_where_json_allows() -> None:
    with bad.serve(bad.events(data(delta={"content": "Owls\u2028nest [1]."}), DONE)) as server:
        assert reply(server.base_url) == "Owls\u2028nest [1]."


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ({"error": {"message": "no memory is left"}}, "failed: no memory is left;"),
        ({"error": "model 'owl' not found"}, "failed: model 'owl' not found;"),
        ({"object": "error", "message": "no memory"}, "failed: no memory;"),
        ({"choices": [{"delta": {}, "error": {"message": "upstream is gone"}}]}, "upstream is gone"),
        ({"choices": [{"delta": {"refusal": "I will not."}, "finish_reason": "stop"}]}, "withheld"),
        ({"choices": [{"delta": {}, "finish_reason": "insufficient_system_resource"}]}, "broke off"),
    ],
)
def test_an_error_within_a_stream_is_one_sentence(error: object, says: str) -> None:
    with (
        bad.serve(bad.events(f"data: {json.dumps(error)}\n\n")) as server,
        pytest.raises(LLMResponseError, match=says),
    ):
        reply(server.base_url)


def refusing(accepts: Callable[[dict[str, Any]], bool], message: str, status: int = 400) -> bad.Behaviour:
    def behave(handler: bad.Handler) -> None:
        last = handler.server.recorder.bodies[-1]
        (bad.good(SAID) if accepts(last) else bad.status(status, message))(handler)

    return behave


REFUSALS: dict[str, tuple[Callable[[dict[str, Any]], bool], str]] = {
    "limit": (lambda sent: "max_tokens" not in sent, "Use 'max_completion_tokens' instead of 'max_tokens'."),
    "temperature": (lambda sent: "temperature" not in sent, "Unsupported value: 'temperature' is fixed."),
    "system": (lambda sent: sent["messages"][0]["role"] == "user", "System role not supported"),
    "stream": (lambda sent: not sent["stream"], "streaming is not supported here"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_an_endpoint_refuses_is_left_out_and_remembered(name: str) -> None:
    accepts, message = REFUSALS[name]
    with bad.serve(refusing(accepts, message)) as server:
        llm = EndpointLLM(server.base_url, "m")
        assert [llm.complete(ASK, max_tokens=40) for _ in range(2)] == [SAID, SAID]
    assert len(server.bodies) == 3
    assert all("Be brief." in sent["messages"][0]["content"] for sent in server.bodies)


def test_reasoning_gets_room_once_it_used_up_the_tokens() -> None:
    def behave(handler: bad.Handler) -> None:
        sent = handler.server.recorder.bodies[-1]
        thought = data(delta={"content": "<think>Hm, owls."})
        end = data(delta={}, finish_reason="length")
        answer = [data(delta={"content": f"</think>{SAID}"}), data(delta={}, finish_reason="stop")]
        bad.events(thought, *(answer if sent["max_tokens"] > REASONING_TOKENS else [end]))(handler)

    with bad.serve(behave) as server:
        llm = EndpointLLM(server.base_url, "m")
        assert [llm.complete(ASK, max_tokens=40) for _ in range(2)] == [SAID, SAID]
    assert [sent["max_tokens"] for sent in server.bodies] == [
        40,
        40 + REASONING_TOKENS,
        40 + REASONING_TOKENS,
    ]


@pytest.mark.parametrize(
    "parts",
    [
        [data(delta={"reasoning": "Hm."}), data(delta={"content": ""}, finish_reason="length")],
        [data(delta={"content": "<think>Hm."}), data(delta={}, finish_reason="max_tokens")],
        [data(delta={"content": "Hm, the user asks. Owls"}, finish_reason="length"), DONE],
        [data(delta={"content": ""}, finish_reason="length"), DONE],
    ],
)
def test_tokens_used_up_before_the_answer_are_an_error(parts: list[str]) -> None:
    with (
        bad.serve(bad.events(*parts)) as server,
        pytest.raises(LLMResponseError, match="RAG_MAX_ANSWER_TOKENS"),
    ):
        reply(server.base_url)
    assert len(server.bodies) == 2


def test_reasoning_without_an_answer_is_an_error() -> None:
    with (
        bad.serve(bad.events(data(delta={"reasoning": "Hm."}), DONE)) as server,
        pytest.raises(LLMResponseError, match="gave no answer"),
    ):
        reply(server.base_url)


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("http://h:1/v1/chat/completions", "http://h:1/v1"),
        (" https://h/v1/chat/completions/ ", "https://h/v1"),
        ("http://h:1/", "http://h:1"),
        ("http://h:1/v1//", "http://h:1/v1"),
        ("https://h/chat", "https://h/chat"),
    ],
)
def test_what_is_typed_is_an_address(typed: str, base: str) -> None:
    assert base_of(typed) == base


@pytest.mark.parametrize("path", ["", "/", "/api", "/v1/chat/completions"])
@pytest.mark.parametrize("refusal", [404, 405, 200])
def test_a_version_is_added_where_there_is_no_such_address(path: str, refusal: int) -> None:
    def behave(handler: bad.Handler) -> None:
        found = handler.path.endswith("/v1/chat/completions")
        (bad.good(SAID) if found else bad.status(refusal, "Unexpected endpoint or method."))(handler)

    with bad.serve(behave) as server:
        llm = EndpointLLM(server.base_url.removesuffix("/v1") + path, "m")
        assert [llm.complete(ASK, max_tokens=40) for _ in range(2)] == [SAID, SAID]
    assert len(server.requests) == (2 if path.startswith("/v1") else 3)


def test_a_proxy_that_cannot_be_used_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("socks4://127.0.0.1:9", "http://127.0.0.1:no"):
        monkeypatch.setenv("ALL_PROXY", value)
        with pytest.raises(LLMUnreachableError, match=r"llm\.invalid.*ALL_PROXY.*NO_PROXY\.$"):
            reply("http://llm.invalid/v1")
