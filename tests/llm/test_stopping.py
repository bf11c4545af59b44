"""A reply that is closed frees the language model at once, whatever it is doing."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from rag.errors import LLMStoppedError
from rag.llm.base import Message, TextStream
from rag.llm.llama_cpp.prefix_cache import _STEP_BYTES, steps
from rag.llm.llama_cpp.stopping import ProcessUse, StoppableReply
from rag.llm.openai_compatible import EndpointLLM
from rag.llm.stoppable import StoppableLLM
from tests import bad_endpoint as bad
from tests.conftest import ScriptedLLM

ASK = [Message("user", "Hello?")]


def read_in_thread(stream: TextStream) -> tuple[threading.Thread, list[object]]:
    heard: list[object] = []

    def read() -> None:
        try:
            heard.extend(stream)
        except LLMStoppedError as error:
            heard.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    return thread, heard


@pytest.mark.parametrize("behave", [bad.stall_before_headers, bad.stall_mid_stream])
def test_closing_ends_a_connection_that_another_thread_waits_for(behave: bad.Behaviour) -> None:
    gone = threading.Event()

    def watch(handler: bad.Handler) -> None:
        handler.server.recorder.release.set()  # behave without waiting
        behave(handler)
        if handler.connection.recv(1) == b"":
            gone.set()

    with bad.serve(watch) as server:
        stream = EndpointLLM(server.base_url, "m").stream(ASK, max_tokens=9)
        thread, heard = read_in_thread(stream)
        while not server.bodies:
            time.sleep(0.01)
        time.sleep(0.1)
        stream.close()
        assert gone.wait(1)
        thread.join(1)
        assert not thread.is_alive()
    assert isinstance(heard[-1], LLMStoppedError)
    assert stream.finish_reason is None


def test_a_reply_that_is_closed_between_two_deltas_does_not_look_finished() -> None:
    stream = ScriptedLLM(lambda _: "one two").stream(ASK, max_tokens=9)
    next(stream)
    stream.close()
    with pytest.raises(LLMStoppedError):
        next(stream)
    assert stream.finish_reason is None


def test_a_stopped_model_ends_its_reply_and_starts_no_other() -> None:
    model = ScriptedLLM(lambda _: "one two")
    llm = StoppableLLM(model)
    stream = llm.stream(ASK, max_tokens=9)
    next(stream)
    llm.stop()
    with pytest.raises(LLMStoppedError):
        next(stream)
    with pytest.raises(LLMStoppedError):
        llm.complete(ASK, max_tokens=9)
    assert len(model.chats) == 1
    assert model.complete(ASK, max_tokens=9)


# --- the phases of the embedded model


class FakeProcess:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def process() -> FakeProcess:
    return FakeProcess()


def test_a_prefill_is_stopped_with_its_process(process: FakeProcess) -> None:
    use, reply = ProcessUse(), StoppableReply()
    with use.counted(), use.prefilling(reply, process):
        assert not process.closed
        reply.stop()
        assert process.closed


def test_a_reply_in_another_phase_leaves_the_process_alone(process: FakeProcess) -> None:
    use, reply = ProcessUse(), StoppableReply()
    with use.counted():
        with use.prefilling(reply, process):
            pass
        reply.stop()
        with pytest.raises(LLMStoppedError), reply.phase(process.close):
            raise AssertionError("a stopped reply enters no phase")
    assert not process.closed


def test_a_prefill_waits_for_another_reply_before_it_takes_the_process_away(process: FakeProcess) -> None:
    use, reply = ProcessUse(), StoppableReply()
    other = use.counted()
    other.__enter__()
    with use.counted(), use.prefilling(reply, process):
        reply.stop()
        assert not process.closed
        other.__exit__(None, None, None)
        assert process.closed


def test_a_stopped_prefill_that_has_ended_takes_nothing_away(process: FakeProcess) -> None:
    use, reply = ProcessUse(), StoppableReply()
    with use.counted(), use.counted(), use.prefilling(reply, process):
        reply.stop()
    assert not process.closed


def test_ctrl_c_during_prefill_stops_it(process: FakeProcess) -> None:
    use, reply = ProcessUse(), StoppableReply()
    with pytest.raises(KeyboardInterrupt), use.counted(), use.prefilling(reply, process):
        raise KeyboardInterrupt
    assert process.closed


def test_a_background_prefill_takes_small_steps_in_any_language() -> None:
    for text in ("A word and a word. " * 40, "本文提出一种方法。" * 40, "", "short"):
        parts = list(steps(text))
        assert parts[-1] == text
        added = [len(now.encode()) - len(was.encode()) for was, now in pairwise(["", *parts])]
        assert max(added) <= _STEP_BYTES + 2
