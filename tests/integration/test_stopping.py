"""An abandoned question frees the language model: every kind of answer with fakes, then the real model and page."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from rag.answering.event_stream import EventStream
from rag.errors import LLMResponseError
from rag.library import index_paths
from rag.llm.base import LLM, Message, TextStream
from rag.llm.llama_cpp.client import EmbeddedLLM
from rag.llm.llama_cpp.process import LlamaProcess
from rag.pipeline import RAG
from rag.schema import ProgressEvent, SourcesEvent, TextEvent
from rag.settings import load_settings
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM
from ui.server import listen, make_server

QUESTION = "What FID does Muse reach on CC3M?"
IN_CHINESE = "Muse在CC3M上的FID是多少？"
ENGLISH = "It reaches an FID of 6.06 on CC3M."


class WaitingLLM(ScriptedLLM):
    """Replies as the script says until its chat number `last`, in which it says nothing until it is stopped."""

    def __init__(self, replies: Sequence[str], unlikely: int = 0) -> None:
        super().__init__(
            lambda _: replies[len(self.chats) - 1],
            negative_log_likelihood=lambda _: 9.0 if len(self.chats) <= unlikely else 0.0,
        )
        self.last = len(replies) + 1
        self.supports_grammar = bool(unlikely)
        self.waits, self._stopped = threading.Event(), threading.Event()

    def stream(self, messages: Sequence[Message], **options: object) -> TextStream:
        if len(self.chats) + 1 < self.last:
            return super().stream(messages, **options)
        self.chats.append(messages)
        return TextStream(self._wait(), self._stopped.set)

    def _wait(self) -> Generator[str, None, None]:
        self.waits.set()
        assert self._stopped.wait(10)
        raise LLMResponseError("the connection was shut down")
        yield


@pytest.fixture
def open_waiting(open_rag: Callable[..., RAG]) -> Callable[[ScriptedLLM], RAG]:
    def open_(llm: ScriptedLLM) -> RAG:
        rag = open_rag()
        rag.llm = llm
        return rag

    return open_


def read_in_thread(events: EventStream) -> tuple[threading.Thread, list[object]]:
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.extend(events))
    thread.start()
    return thread, seen


KINDS = {
    "from the first abstract": (QUESTION, (), WaitingLLM([])),
    "from each of several": ("Which papers report numbers?", (), WaitingLLM(["It reaches 6.06."])),
    "of a follow-up": ("And how low?", [(QUESTION, ENGLISH)], WaitingLLM([])),
    "read in English": (IN_CHINESE, (), WaitingLLM(["它达到6.06。"], unlikely=1)),
    "translated": (IN_CHINESE, (), WaitingLLM(["它达到6.06。", ENGLISH], unlikely=1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_closing_reaches_the_model_and_no_other_call_follows(
    open_waiting: Callable[[ScriptedLLM], RAG], kind: str
) -> None:
    question, history, llm = KINDS[kind]
    events = open_waiting(llm).ask(question, history, stream=True)
    thread, seen = read_in_thread(events)
    assert llm.waits.wait(5)
    events.close()
    thread.join(1)
    assert not thread.is_alive()
    assert len(llm.chats) == llm.last
    assert not any(isinstance(event, TextEvent) for event in seen[6:])


@pytest.mark.parametrize("drop", ["raise", "close", "forget"])
def test_a_consumer_that_gives_up_stops_the_reply(
    open_waiting: Callable[[ScriptedLLM], RAG], drop: str
) -> None:
    stopped: list[bool] = []

    class Watched(ScriptedLLM):
        def stream(self, messages: Sequence[Message], **options: object) -> TextStream:
            return TextStream(super().stream(messages, **options), lambda: stopped.append(True))

    rag = open_waiting(Watched(lambda _: f"{ENGLISH} {ENGLISH}"))
    events = rag.ask(QUESTION, stream=True)
    with suppress(ZeroDivisionError):
        for event in events:
            if isinstance(event, TextEvent):
                if drop == "raise":
                    raise ZeroDivisionError
                break
    assert not stopped
    if drop == "close":
        events.close()
        assert list(events) == []
    del events
    assert stopped
    assert rag.ask(QUESTION).answer, "the next question is answered"


# --- the real model: CPU seconds of its process after the reply is abandoned

WATCHED_S, ALLOWED_CPU_S = 5.0, 1.0
REVIEW = " ".join(
    f"In region {n} the glacier lake grew by {n + 2} hectares after the warm summer, and the dam of debris held."
    for n in range(24)
)


def cpu_s(process: LlamaProcess) -> float:
    """Return the CPU seconds of a process, 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RAG]:
    """The default language model over one long abstract, which no cache holds."""
    folder = tmp_path_factory.mktemp("stopping")
    (folder / "a.txt").write_text(REVIEW, encoding="utf-8")
    embedder = HashEmbedder()
    index_paths([folder / "a.txt"], folder / "index", embedder=embedder)
    settings = load_settings(index=folder / "index", prompt_cache_mb=0, min_similarity=-1.0)
    with RAG(settings, embedder=embedder, verifier=NumberVerifier()) as rag:
        yield rag


def loaded(llm: LLM) -> LlamaProcess:
    assert isinstance(llm, EmbeddedLLM)
    llm.warm()
    assert llm._server is not None
    return llm._server


def wait_for_prefill(process: LlamaProcess) -> float:
    """Wait until the process works; return its CPU seconds."""
    before, deadline = cpu_s(process), time.monotonic() + 20
    while cpu_s(process) < before + 0.3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return cpu_s(process)


def assert_idle(llm: LLM, process: LlamaProcess, before: float, token_s: float = 0.0) -> None:
    assert isinstance(llm, EmbeddedLLM)
    last, deadline = before, time.monotonic() + WATCHED_S
    while time.monotonic() < deadline:
        last = max(last, cpu_s(process))
        time.sleep(0.01)
    assert llm._server is process, "nothing was asked, so no other process is started"
    # Threads that wait for a busy core spin, so that a token of a second is possible on a shared machine.
    assert last - before <= max(ALLOWED_CPU_S, 3 * token_s)


@pytest.mark.llm
@pytest.mark.skipif(not Path("/proc").exists(), reason="reads CPU seconds in /proc")
class TestModel:
    def test_closing_during_prefill_from_another_thread(self, real: RAG) -> None:
        process = loaded(real.llm)
        events = real.ask("How much did the lake of region 7 grow?", stream=True)
        thread, seen = read_in_thread(events)
        before = wait_for_prefill(process)
        events.close()
        thread.join(1)
        assert not thread.is_alive()
        assert not {type(event) for event in seen} - {ProgressEvent, SourcesEvent}
        assert_idle(real.llm, process, before)

    @pytest.mark.parametrize("way", ["close", "exception"])
    def test_giving_up_while_tokens_come(self, real: RAG, way: str) -> None:
        process = loaded(real.llm)
        stream = real.llm.stream([Message("user", "Count from 1 to 1000.")], max_tokens=3000)
        with suppress(ZeroDivisionError), closing(stream):
            next(stream)
            first = cpu_s(process)
            for _, _ in zip(range(5), stream, strict=False):
                pass
            before = cpu_s(process)
            if way == "exception":
                raise ZeroDivisionError
        assert_idle(real.llm, process, before, token_s=(before - first) / 5)
        assert process.alive()

    def test_an_exception_in_the_consumer(self, real: RAG) -> None:
        process, before = loaded(real.llm), 0.0
        with suppress(ZeroDivisionError):
            for event in real.ask("How much did the lake of region 7 grow?", stream=True):
                before = cpu_s(process)
                if isinstance(event, TextEvent):
                    raise ZeroDivisionError
        assert_idle(real.llm, process, before)

    @pytest.mark.browser
    @pytest.mark.parametrize("way", ["Stop", "closed tab"])
    def test_the_page(self, real: RAG, browser: Browser, way: str, tmp_path: Path) -> None:
        process = loaded(real.llm)
        with closing(listen("127.0.0.1", 0)) as bound:
            server = make_server(real, data=tmp_path)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
            thread.start()
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{bound.getsockname()[1]}")
            expect(page.get_by_role("textbox")).to_be_focused(timeout=30_000)
            page.get_by_role("textbox").fill("How much did the lake of region 9 grow?")
            page.keyboard.press("Enter")
            before = wait_for_prefill(process)
            if way == "Stop":
                page.get_by_role("button", name="Stop").click()
            else:
                page.close()
            assert_idle(real.llm, process, before)
            assert not process.alive(), "it was stopped during prefill"
            page.close()
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
