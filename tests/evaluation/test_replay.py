"""Recorded replies: told again exactly as the model told them, however far and often they were read."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import LibraryIndexError, LLMResponseError, LLMUnreachableError
from rag.evaluation.replay import RecordedLLM, replies_path
from rag.llm.base import FinishReason, Message, TextStream
from rag.llm.logprobs import Logprobs
from rag.pipeline import RAG
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

ASKED = [Message("user", "How many bees?")]
OTHER = [Message("user", "积雪有多深？")]

words = st.text(st.characters(), min_size=1, max_size=4)
tokens = st.lists(st.tuples(words, st.floats(-50, 0)), max_size=3)


class Telling(ScriptedLLM):
    """Says the deltas that it is given for a chat, and tells of the tokens of each."""

    def __init__(self, *replies: Telling.Said, fails_after: int | None = None) -> None:
        super().__init__(lambda messages: "")
        self.replies = dict(zip((ASKED[0].content, OTHER[0].content), replies, strict=False))
        self.fails_after = fails_after

    class Said:
        def __init__(
            self, deltas: Any, first: Any = (), rest: Any = (), finish: FinishReason = "stop"
        ) -> None:
            self.deltas = [(each, []) if isinstance(each, str) else each for each in deltas]
            self.first, self.rest, self.finish = first, rest, finish

        def __repr__(self) -> str:
            return f"Said({self.deltas}, {self.first}, {self.rest}, {self.finish})"

    def stream(
        self, messages: Sequence[Message], *, logprobs: Logprobs | None = None, **options: Any
    ) -> TextStream:
        self.chats.append(messages)
        return TextStream(self._said(self.replies[messages[-1].content], logprobs or Logprobs()))

    def _said(self, said: Telling.Said, told: Logprobs) -> Generator[str, None, FinishReason]:
        told.first.extend(said.first)
        for number, (text, written) in enumerate(said.deltas):
            if number == self.fails_after:
                raise LLMUnreachableError("It does not answer.")
            told.written.extend(written)
            yield text
        told.written.extend(said.rest)
        return said.finish


Said = Telling.Said
replies = st.builds(
    Said, st.lists(st.tuples(words, tokens), max_size=6), tokens, tokens, st.sampled_from(["stop", "length"])
)


def heard(
    llm: Any, messages: Sequence[Message] = ASKED, most: int | None = None, **options: Any
) -> list[Any]:
    """Read a reply, `most` deltas of it, and return all that is told at each delta and at the end."""
    told = Logprobs()
    found: list[Any] = []
    with closing(llm.stream(messages, max_tokens=9, logprobs=told, **options)) as reply:
        while most is None or len(found) < most:
            text = next(reply, None)
            found.append((text, list(told.first), list(told.written), reply.finish_reason))
            if text is None:
                break
    return found


def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replies") / "folder" / "replies.jsonl"


@given(replies)
def test_a_recorded_reply_is_told_as_the_model_told_it(
    tmp_path_factory: pytest.TempPathFactory, said: Said
) -> None:
    model, path = Telling(said), place(tmp_path_factory)
    expected = heard(Telling(said))
    for replayed in (0, 1):
        llm = RecordedLLM(model, path)
        assert heard(llm) == expected
        assert heard(llm) == expected
        assert llm.replayed == replayed + 1
    assert len(model.chats) == 1


@given(replies, st.lists(st.integers(0, 7), max_size=4), st.booleans())
def test_a_reply_that_was_read_in_part_is_gone_on_with(
    tmp_path_factory: pytest.TempPathFactory, said: Said, stops: list[int], again: bool
) -> None:
    """Each reader reads as far as it likes, in a process of its own or not; none notices the others."""
    model, path = Telling(said), place(tmp_path_factory)
    expected = heard(Telling(said))
    llm = RecordedLLM(model, path)
    for most in stops:
        llm = RecordedLLM(model, path) if again else llm
        assert heard(llm, most=most) == expected[:most]
    assert heard(RecordedLLM(model, path)) == expected
    asked = len(model.chats)
    assert asked <= 1 + sum(after > max(stops[:i], default=0) for i, after in enumerate(stops))
    assert heard(RecordedLLM(model, path)) == expected
    assert len(model.chats) == asked


@given(replies, replies, st.data())
def test_a_file_that_was_cut_short_loses_its_last_reply_only(
    tmp_path_factory: pytest.TempPathFactory, first: Said, second: Said, data: st.DataObject
) -> None:
    path = place(tmp_path_factory)
    expected = {}
    for messages in (ASKED, OTHER):
        expected[messages[0].content] = heard(RecordedLLM(Telling(first, second), path), messages)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    model = Telling(first, second)
    for _ in range(2):
        for messages in (OTHER, ASKED):
            assert heard(RecordedLLM(model, path), messages) == expected[messages[0].content]
    assert len(model.chats) <= 2


def test_a_line_that_ends_inside_a_character_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    heard(RecordedLLM(Telling(Said(["十二个蜂箱"])), path))
    path.write_bytes(path.read_bytes() + b'\n{"key": "\xe5\x8d')
    assert heard(RecordedLLM(Telling(), path))[0][0] == "十二个蜂箱"


def test_lines_of_another_kind_and_of_earlier_versions_are_read_as_far_as_they_tell(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    heard(RecordedLLM(Telling(Said(["A"], rest=[("</s>", -0.5)])), path))
    older = path.read_text(encoding="utf-8").replace(', "rest": [["</s>", -0.5]]', "")
    path.write_text(f'3\n[]\nnull\n{{"key": "k"}}{older}', encoding="utf-8")
    assert heard(RecordedLLM(Telling(), path)) == [("A", [], [], None), (None, [], [], "stop")]


@pytest.mark.parametrize(
    ("before", "after"), [(["A", "B", "C", "D"], 1), (["A", "B", "C", "D"], 0), (["A", "B"], 2)]
)
def test_a_model_that_fails_shortens_nothing_that_is_known(
    tmp_path: Path, before: list[str], after: int
) -> None:
    path = tmp_path / "replies.jsonl"
    said = Said([*before, "E"])
    heard(RecordedLLM(Telling(said), path), most=len(before))
    failing = RecordedLLM(Telling(said, fails_after=after), path)
    for _ in range(2):
        with pytest.raises(LLMUnreachableError):
            heard(failing)
    assert [text for text, *_ in heard(RecordedLLM(Telling(), path), most=len(before))] == before


@pytest.mark.parametrize("now", [["A", "X", "Y"], ["X"], ["A"], []])
def test_a_model_that_says_something_else_is_told_and_then_believed(tmp_path: Path, now: list[str]) -> None:
    """What was shown of the first reply cannot be taken back, and a mixture of two is no model's reply."""
    path = tmp_path / "replies.jsonl"
    heard(RecordedLLM(Telling(Said(["A", "B", "C"])), path), most=2)
    with pytest.raises(LLMResponseError, match=r"give the same command again\.$") as caught:
        heard(RecordedLLM(Telling(Said(now)), path))
    assert "\n" not in str(caught.value)
    expected = heard(Telling(Said(now)))
    assert heard(RecordedLLM(Telling(Said(now)), path)) == expected


def test_what_is_asked_otherwise_is_asked_anew(tmp_path: Path) -> None:
    model = Telling(Said(["A"]), Said(["B"]))
    llm = RecordedLLM(model, tmp_path / "replies.jsonl")
    ways: list[dict[str, Any]] = [{}, {"grammar": "root ::= x"}]
    for _ in range(2):
        for options in ways:
            heard(llm, **options)
        heard(llm, OTHER)
        assert llm.complete(ASKED, max_tokens=9) == "A"
        assert llm.complete(ASKED, max_tokens=8) == "A"
    assert len(model.chats) == len(ways) + 3


def test_models_of_other_names_and_endpoints_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    for name, endpoint in (("a", None), ("b", None), ("a", "one:1"), ("a", "two:2")):
        model = Telling(Said([f"{name}{endpoint}"]))
        model.name, model.endpoint = name, endpoint
        assert RecordedLLM(model, path).complete(ASKED, max_tokens=9) == f"{name}{endpoint}"
    assert replies_path(tmp_path, "Qwen/Qwen2.5") == tmp_path / "evaluate" / "replies-Qwen2.5.jsonl"


def test_the_model_is_loaded_beforehand_only_where_nothing_is_known(tmp_path: Path) -> None:
    model = Telling(Said(["A"]))
    llm = RecordedLLM(model, tmp_path / "replies.jsonl")
    llm.warm()
    assert model.warmed == 1
    heard(llm)
    llm.warm()
    assert model.warmed == 1
    llm.prepare()
    assert (model.warmed, llm.prefill(ASKED)) == (2, "cached")
    llm.close()
    assert model.closed
    assert (llm.name, llm.context_window, llm.is_remote) == (model.name, model.context_window, False)


def test_a_place_that_cannot_be_written_or_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(LibraryIndexError, match="RAG_CACHE"):
        heard(RecordedLLM(Telling(Said(["A"])), tmp_path / "file" / "replies.jsonl"))
    with pytest.raises(LibraryIndexError, match="RAG_CACHE"):
        RecordedLLM(Telling(), tmp_path)


def test_a_second_run_asks_the_model_nothing_and_answers_the_same(
    open_rag: Any, embedder: HashEmbedder, tmp_path: Path
) -> None:
    """With a grammar and probabilities, as the embedded model; a reply of some sentences is cut off."""
    plain = open_rag("It reaches 6.06 [1]. It has 900M parameters [1]. " * 3)
    model = plain.llm
    model.supports_grammar = True
    model.first_tokens = lambda messages: [("It", -0.1), ("NOT", -3.0)]

    def asked(llm: Any) -> list[dict[str, Any]]:
        rag = RAG(plain.settings, embedder=embedder, llm=llm, verifier=NumberVerifier())
        answers = [rag.ask(text).to_dict() for text in ("What FID does Muse reach?", "How many parameters?")]
        return [answer | {"timings": None} for answer in answers]

    expected = asked(model)
    assert not expected[0]["refused"]
    assert asked(RecordedLLM(model, tmp_path / "replies.jsonl")) == expected
    before = len(model.chats)
    llm = RecordedLLM(model, tmp_path / "replies.jsonl")
    assert asked(llm) == expected
    assert len(model.chats) == before
    assert llm.replayed
