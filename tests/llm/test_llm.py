"""The language model's client against servers that behave and misbehave, and the embedded model for real."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.answering.fields.query import parse_query, query_grammar
from rag.answering.fields.values import Values
from rag.answering.generation.grammar import answer_grammar
from rag.answering.generation.translation import translate
from rag.errors import LLMError, LLMResponseError, LLMUnreachableError, ModelError, SettingsError
from rag.llm.address import check_base_url
from rag.llm.base import Message, TextStream
from rag.llm.llama_cpp.client import EmbeddedLLM, open_llm
from rag.llm.logprobs import TOP_TOKENS, Logprobs
from rag.llm.openai_compatible import EndpointLLM
from rag.network import is_loopback
from rag.schema import Language
from tests import bad_endpoint as bad

KEY = "sk-our-own-key-123456"
ASK = [Message("system", "Be brief."), Message("user", "Hello?")]


def client(base_url: str, **settings: float) -> EndpointLLM:
    return EndpointLLM(base_url, "some-model", KEY, **{"stall_timeout_s": 0.5} | settings)


def reply(base_url: str, **settings: float) -> str:
    return client(base_url, **settings).complete(ASK, max_tokens=20)


# --- what a good server is sent, and what we make of its answer


def test_deltas_arrive_one_by_one_and_end_with_their_reason() -> None:
    with bad.serve(bad.good("one [1]. two three")) as server:
        stream = client(server.base_url).stream(ASK, max_tokens=7)
        assert stream.finish_reason is None
        assert list(stream) == ["one [1]. ", "two ", "three"]
        assert stream.finish_reason == "stop"
    sent = server.bodies[0]
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["stream"]) == (
        "some-model",
        7,
        0.0,
        True,
    )
    assert server.requests == ["POST /v1/chat/completions HTTP/1.1"]


def test_an_answer_cut_at_its_length_says_so() -> None:
    with bad.serve(bad.good("Yes [1]. And a half sent", finish="length")) as server:
        stream = client(server.base_url).stream(ASK, max_tokens=3)
        assert "".join(stream) == "Yes [1]. And a half sent"
        assert stream.finish_reason == "length"


def test_a_finished_answer_without_done_is_whole() -> None:
    with bad.serve(bad.events(bad.event("Yes."), bad.event(finish="stop"))) as server:
        assert reply(server.base_url) == "Yes."


def test_only_our_own_key_and_headers_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {
        "OPENAI_API_KEY": "sk-foreign",
        "OPENAI_ADMIN_KEY": "sk-foreign-admin",
        "OPENAI_ORG_ID": "foreign-org",
        "OPENAI_PROJECT_ID": "foreign-project",
        "OPENAI_CUSTOM_HEADERS": "X-Foreign: foreign\nAuthorization: Bearer foreign\nHost: foreign.example",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/foreign",
        "OPENAI_API_BASE": "http://127.0.0.1:9/foreign",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    with bad.serve(bad.good()) as server:
        assert reply(server.base_url)
        keyless = EndpointLLM(server.base_url, "some-model")
        assert keyless.complete(ASK, max_tokens=20)
    with_key, without_key = server.headers
    assert with_key["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in without_key
    names = {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "authorization",
    }
    assert set(with_key) == names
    assert "foreign" not in str(server.headers) + str(server.bodies)


def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with bad.serve(bad.good("proxied")) as proxy, bad.serve(bad.good("direct")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.base_url.removesuffix("/v1"))
        assert reply(server.base_url) == "direct"
    assert proxy.requests == []


def test_an_endpoint_elsewhere_uses_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with bad.serve(bad.good("proxied")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert reply("http://model.invalid/v1") == "proxied"
    assert proxy.requests == ["POST http://model.invalid/v1/chat/completions HTTP/1.1"]


def test_a_consumer_that_stops_ends_the_connection() -> None:
    with bad.serve(bad.endless) as server:
        stream = client(server.base_url).stream(ASK, max_tokens=10_000)
        assert next(stream).startswith("word ")
        stream.close()
        assert server.closed_by_client.wait(5)
        dropped = client(server.base_url).stream(ASK, max_tokens=10_000)
        server.closed_by_client.clear()
        next(dropped)
        del dropped
        assert server.closed_by_client.wait(5)


# --- what goes wrong

REFUSED = (LLMResponseError, "refused the key (HTTP 401); check RAG_LLM_API_KEY")
CUT = (LLMResponseError, "broke off before the end of its answer")
FAILURES = {
    "401": (bad.status(401, f"Incorrect API key provided: {KEY}"), *REFUSED),
    "403": (bad.status(403), LLMResponseError, "check RAG_LLM_API_KEY"),
    "404": (bad.status(404), LLMResponseError, "check RAG_LLM_BASE_URL (most end in /v1) and RAG_LLM_MODEL"),
    "429": (bad.status(429), LLMResponseError, "over its limit (HTTP 429); wait"),
    "500": (bad.status(500, f"boom near {KEY}"), LLMResponseError, "error (HTTP 500): boom near ***;"),
    "400 too long": (
        bad.status(400, "maximum context is 10", code="context_length_exceeded"),
        LLMError,
        "cannot take in a text this long: maximum context is 10;",
    ),
    "500 page": (
        lambda handler: (handler.start(500, "text/html"), handler.send("<html>oops"))[0],
        LLMResponseError,
        "answered with an error (HTTP 500); check that",
    ),
    "web page": (bad.page, LLMResponseError, "a form this program does not read"),
    "nothing": (bad.events(), *CUT),
    "only done": (bad.events("data: [DONE]\n\n"), *CUT),
    "cut between events": (bad.events(bad.event("Half a")), *CUT),
    "cut within a chunk": (bad.cut_mid_chunk, *CUT),
    "broken JSON": (bad.events("data: {nonsense\n\n"), LLMResponseError, "a form this program does not read"),
    "other JSON": (bad.events("data: [1, 2]\n\n"), LLMResponseError, "a form this program does not read"),
    "empty object": (bad.events("data: {}\n\n"), LLMResponseError, "a form this program does not read"),
    "error in the stream": (
        bad.events(bad.event("Half"), 'data: {"error": {"message": "out of memory"}}\n\n'),
        LLMResponseError,
        "failed: out of memory; check",
    ),
    "withheld": (
        bad.good("No", finish="content_filter"),
        LLMResponseError,
        "withheld its answer (content_filter)",
    ),
    "silent": (bad.stall_before_headers, LLMUnreachableError, "does not answer in time"),
    "silent midway": (bad.stall_mid_stream, LLMUnreachableError, "does not answer in time"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_is_one_sentence_with_the_remedy(name: str) -> None:
    behaviour, kind, says = FAILURES[name]
    with bad.serve(behaviour) as server, pytest.raises(kind) as caught:
        reply(server.base_url)
    told = str(caught.value)
    assert type(caught.value) is kind
    assert says in told
    assert told.startswith(f"The language model at {server.base_url.split('/')[2]} ")
    assert told.endswith(".")
    assert "\n" not in told
    assert KEY not in told + repr(caught.value.__cause__)
    assert len(server.requests) == 1, "a failed request must not be repeated behind the user's back"


def test_what_came_before_a_cut_is_seen_before_the_error() -> None:
    with bad.serve(bad.events(bad.event("Half [1]."), bad.event(" a"))) as server:
        stream = client(server.base_url).stream(ASK, max_tokens=20)
        assert [next(stream), next(stream)] == ["Half [1].", " a"]
        with pytest.raises(LLMResponseError):
            next(stream)
        assert stream.finish_reason is None


def test_a_redirect_is_not_followed_and_leaks_no_key() -> None:
    with (
        bad.serve(bad.good("stolen")) as thief,
        bad.serve(bad.redirect(thief.base_url)) as server,
        pytest.raises(LLMResponseError, match=r"redirects elsewhere \(HTTP 307\)"),
    ):
        reply(server.base_url)
    assert thief.requests == []


def test_a_refused_connection_names_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused for sure
        port = taken.getsockname()[1]
        with pytest.raises(LLMUnreachableError, match=f"127.0.0.1:{port} cannot be reached; check"):
            reply(f"http://127.0.0.1:{port}/v1")


def test_a_stall_ends_after_the_timeout() -> None:
    with bad.serve(bad.stall_mid_stream) as server:
        began = time.monotonic()
        with pytest.raises(LLMUnreachableError):
            reply(server.base_url, stall_timeout_s=0.3)
        assert 0.3 <= time.monotonic() - began < 60


# --- settings


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("192.168.1.10", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.example.org", False),
        ("api.openai.com", False),
    ],
)
def test_only_loopback_stays_on_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://host/v1",
        "http://",
        "http://host:port/v1",
        "https://host/v1?key=1",
        "http://[::1/v1",
    ],
)
def test_an_unusable_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="RAG_LLM_BASE_URL must be"):
        check_base_url(url)


def test_credentials_in_the_address_are_refused_without_repeating_them() -> None:
    with pytest.raises(SettingsError, match="RAG_LLM_API_KEY") as caught:
        open_llm(base_url=f"https://me:{KEY}@host.example/v1", model="m")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-ключ", "two\nlines"])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="RAG_LLM_API_KEY"):
        open_llm(base_url="https://host.example/v1", model="m", api_key=key)


def test_open_llm_says_where_text_goes(tmp_path: Path) -> None:
    elsewhere = open_llm(base_url="https://host.example/v1", model="big", api_key=KEY)
    nearby = open_llm(base_url="http://localhost:8080/v1", model="mine")
    embedded = open_llm(model="small", gguf=tmp_path / "m.gguf")
    seen = [(llm.name, llm.endpoint, llm.is_remote) for llm in (elsewhere, nearby, embedded)]
    assert seen == [("big", "host.example", True), ("mine", "localhost:8080", False), ("small", None, False)]
    with pytest.raises(ModelError, match="rag models pull"):
        open_llm(model="none")


def test_a_grammar_is_refused_where_it_would_be_ignored() -> None:
    with pytest.raises(ValueError, match="embedded"):
        client("http://localhost:1/v1").stream(ASK, max_tokens=1, grammar='root ::= "yes"')


def test_a_scripted_stream_needs_no_more_than_an_iterator() -> None:
    stream = TextStream(iter(["a", "b"]))
    assert ("".join(stream), stream.finish_reason) == ("ab", "stop")


# --- the embedded model: files


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    text, broken = tmp_path / "text.gguf", tmp_path / "broken.gguf"
    text.write_text("hello")
    broken.write_bytes(b"GGUF" + bytes(range(256)) * 8)
    for path, says in (
        (tmp_path / "absent.gguf", "cannot be read"),
        (text, "is not a GGUF file"),
        (broken, "cannot be loaded"),
    ):
        llm = open_llm(model="m", gguf=path)
        with pytest.raises(ModelError, match=says) as caught:
            llm.complete(ASK, max_tokens=1)
        assert str(path) in str(caught.value)
        llm.close()


# --- the embedded model: for real


@pytest.fixture(scope="session")
def embedded(gguf: Path) -> Iterator[EmbeddedLLM]:
    llm = EmbeddedLLM(gguf, "qwen")
    yield llm
    llm.close()


COUNT = [Message("user", "Count from 1 to 1000, separated by spaces.")]


@pytest.mark.llm
class TestEmbedded:
    def test_it_answers_in_both_languages(self, embedded: EmbeddedLLM) -> None:
        english = embedded.complete(
            [Message("user", "What is the capital of France? One word.")], max_tokens=8
        )
        chinese = embedded.complete([Message("user", "法国的首都是哪里?只回答城市名。")], max_tokens=8)
        assert "Paris" in english
        assert "巴黎" in chinese

    def test_length_is_told_from_stop(self, embedded: EmbeddedLLM) -> None:
        stream = embedded.stream(COUNT, max_tokens=10)
        assert "".join(stream).startswith("1")
        assert stream.finish_reason == "length"

    def test_a_grammar_binds_it(self, embedded: EmbeddedLLM) -> None:
        grammar = 'root ::= "yes" | "no"'
        assert embedded.complete(COUNT, max_tokens=5, grammar=grammar) in {"yes", "no"}

    @pytest.mark.parametrize(
        ("question", "sentence", "kept"),
        [
            (
                "FoodLink用了多少张图?",
                "FoodLink uses 12,500 images and reaches 81.7%.",
                ["12", "500", "81.7%"],
            ),
            ("采用了哪种控制方法?", "Model predictive control (MPC) is used.", ["MPC"]),
            ("主要结论是什么?", "--", []),
        ],
    )
    def test_it_translates_within_the_numbers_and_words_of_a_sentence(
        self, embedded: EmbeddedLLM, question: str, sentence: str, kept: list[str]
    ) -> None:
        said = translate(embedded, question, sentence)
        assert said is not None
        assert said.endswith("。")
        assert all(word in said for word in kept)
        known = f"{sentence} {sentence.replace(',', '')}"
        assert all(word in known for word in re.findall("[A-Za-z]+|[0-9]+", said))

    def test_the_grammar_of_queries_is_one_that_it_takes(self, embedded: EmbeddedLLM) -> None:
        values = Values(('Jo "J" Ng', "沈青"), ("Cell",), (), (3, 12), ("zh",), either=True)
        asked = [
            Message("user", 'Write JSON: {"show":["year"],"about":"bells","by":["Tom"],"order":"newest"}')
        ]
        query = parse_query(embedded.complete(asked, max_tokens=80, grammar=query_grammar(values)))
        assert query is not None
        assert set(query.by) <= set(values.names)

    @pytest.mark.parametrize("may_refuse", [True, False])
    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_the_grammar_of_answers_is_one_that_it_takes(
        self, embedded: EmbeddedLLM, language: Language, may_refuse: bool
    ) -> None:
        grammar = answer_grammar(language, may_refuse=may_refuse)
        asked = [Message("user", "Write exactly: NOT FOUND. 只写:链-of-thought与NOT FOUND。")]
        told = Logprobs()
        stream = embedded.stream(asked, max_tokens=40, grammar=grammar, logprobs=told)
        text = "".join(stream)
        assert text
        assert may_refuse or not text.upper().startswith("NOT")
        assert not re.search("[一-鿿]" if language == "en" else "[一-鿿]-", text)
        assert not re.search(r"[\[\]\n]", text)
        assert len(told.first) == TOP_TOKENS
        assert all(share <= 0 for _, share in [*told.first, *told.written])
        assert text.startswith("".join(token for token, _ in told.written)[:20])
        assert told.negative_log_likelihood >= 0

    def test_a_prompt_over_the_context_is_an_error_that_says_so(self, embedded: EmbeddedLLM) -> None:
        long = [Message("user", "word " * (embedded.context_window + 100))]
        with pytest.raises(LLMError, match=r"embedded language model cannot take in a text this long.*8192"):
            embedded.complete(long, max_tokens=5)

    def test_a_reply_nobody_reads_stops_decoding(self, embedded: EmbeddedLLM) -> None:
        stream = embedded.stream(COUNT, max_tokens=4000)
        next(stream)
        stream.close()
        began = time.monotonic()
        embedded.complete([Message("user", "Say hi.")], max_tokens=2)
        # The slot for replies is free at once: 4,000 tokens would take it over two minutes.
        assert time.monotonic() - began < 90

    def test_it_serves_as_a_hosted_endpoint_would(self, embedded: EmbeddedLLM) -> None:
        base_url, key = embedded.address()
        hosted = open_llm(base_url=base_url, model="qwen", api_key=key)
        assert "Paris" in hosted.complete([Message("user", "What is the capital of France?")], max_tokens=12)
        with pytest.raises(LLMResponseError, match=r"HTTP 401.*RAG_LLM_API_KEY"):
            open_llm(base_url=base_url, model="qwen", api_key="wrong").complete(ASK, max_tokens=5)
        with pytest.raises(LLMResponseError, match="HTTP 404"):
            open_llm(base_url=base_url + "/nowhere", model="qwen", api_key=key).complete(ASK, max_tokens=5)
        with pytest.raises(LLMError, match="cannot take in a text this long"):
            hosted.complete([Message("user", "word " * 9000)], max_tokens=5)

    def test_it_listens_on_loopback_alone_with_its_pages_shut(self, embedded: EmbeddedLLM) -> None:
        import httpx

        base_url, key = embedded.address()
        assert base_url.startswith("http://127.0.0.1:")
        root = base_url.removesuffix("/v1")
        asked = {"Authorization": f"Bearer {key}", "Origin": "https://foreign.example"}
        with httpx.Client(trust_env=False) as http:
            assert http.get(root).status_code in {401, 404}
            assert http.post(f"{base_url}/chat/completions", json={}).status_code == 401
            for shut in ("/slots", "/metrics"):
                assert http.get(root + shut, headers=asked).status_code in {404, 501}
            models = http.get(f"{base_url}/models", headers=asked)
        assert models.headers.get("access-control-allow-origin") not in {"*", "https://foreign.example"}
        assert str(embedded._gguf) not in models.text


# --- the embedded model: its process

PROGRAM = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to it
from pathlib import Path
from rag.llm.llama_cpp.client import Message, open_llm
llm = open_llm(model="qwen", gguf=Path(sys.argv[1]))
stage = sys.argv[2]
def told(word):
    print(word, llm._server.pid if llm._server else 0, flush=True)
if stage == "load":
    threading.Timer(0.7, told, ["loading"]).start()
stream = llm.stream([Message("user", "Count from 1 to 1000.")], max_tokens=3000)
next(stream)
if stage == "exit":
    told("leaving")
    sys.exit(0)
if stage == "decode":
    told("decoding")
for _ in stream:
    pass
"""


def program(gguf: Path, stage: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(gguf), stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    word, pid = process.stdout.readline().split()
    assert word
    return process, int(pid)


def gone(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.llm
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks processes up in /proc")
class TestProcess:
    @pytest.mark.parametrize("stage", ["load", "decode"])
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_it_dies_with_its_parent(self, gguf: Path, stage: str, number: signal.Signals) -> None:
        process, pid = program(gguf, stage)
        assert pid
        os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=10)
        assert gone(pid, 2)
        assert process.returncode in {-number, 130}
        if number == signal.SIGINT:
            assert errors.strip().endswith("KeyboardInterrupt")
        else:
            assert errors == ""

    def test_leaving_while_it_decodes_is_clean(self, gguf: Path) -> None:
        process, pid = program(gguf, "exit")
        _, errors = process.communicate(timeout=10)
        assert gone(pid, 2)
        assert (process.returncode, errors) == (0, "")

    def test_a_killed_model_is_told_and_replaced(self, gguf: Path) -> None:
        llm = EmbeddedLLM(gguf, "qwen")
        stream = llm.stream(COUNT, max_tokens=3000)
        next(stream)
        assert llm._server is not None
        os.kill(llm._server.pid, signal.SIGKILL)
        with pytest.raises(LLMError, match="embedded language model stopped"):
            list(stream)
        assert llm.complete(COUNT, max_tokens=4)
        llm.close()
        with pytest.raises(LLMError, match="was closed"):
            llm.complete(COUNT, max_tokens=4)

    def test_closing_ends_a_load_in_another_thread(self, gguf: Path) -> None:
        llm = EmbeddedLLM(gguf, "qwen")
        told: list[LLMError] = []

        def load() -> None:
            try:
                llm.warm()
            except LLMError as error:
                told.append(error)

        loader = threading.Thread(target=load)
        loader.start()
        time.sleep(0.5)
        began = time.monotonic()
        llm.close()
        loader.join(30)
        assert not loader.is_alive()
        assert time.monotonic() - began < 30
        assert ["was closed" in str(error) for error in told] in ([True], [])

    def test_loading_leaves_this_process_free(self, gguf: Path) -> None:
        llm = EmbeddedLLM(gguf, "qwen")
        loader = threading.Thread(target=llm.warm)
        loader.start()
        longest, last = 0.0, time.monotonic()
        while loader.is_alive():
            time.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        llm.close()
        assert longest < 4.0

    def test_memory_stays_within_its_share(self, embedded: EmbeddedLLM) -> None:
        embedded.complete([Message("user", "word " * 600)], max_tokens=2)
        assert embedded._server is not None
        status = Path(f"/proc/{embedded._server.pid}/status").read_text()
        peak_mb = (
            int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1000
        )
        assert peak_mb < 1700, "the chat's 3 GB are shared with the embedder and the page"


# --- connections

RECORDED = """
import json, sys
seen = []
def watch(event, args):
    if event == "socket.connect":
        seen.append(args[1][:2] if isinstance(args[1], tuple) else str(args[1]))
    elif event == "socket.getaddrinfo":
        seen.append(args[:2])
sys.addaudithook(watch)
from rag.llm.base import Message
from rag.llm.openai_compatible import EndpointLLM
llm = EndpointLLM(sys.argv[1], "gpt-4o", "k")
llm.complete([Message("user", "hi")], max_tokens=3)
print(json.dumps(seen, default=str))
"""


def test_nothing_but_the_endpoint_is_contacted(tmp_path: Path) -> None:
    environment = os.environ | {
        "HOME": str(tmp_path),
        "TIKTOKEN_CACHE_DIR": str(tmp_path),
        "NLTK_DATA": str(tmp_path),
    }
    with bad.serve(bad.good()) as server:
        port = int(server.base_url.split(":")[2].split("/")[0])
        done = subprocess.run(
            [sys.executable, "-c", RECORDED, server.base_url],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=True,
        )
    seen = json.loads(done.stdout)
    assert seen
    assert {tuple(address) for address in seen} == {("127.0.0.1", port)}
