"""Example questions that the model writes: only what the library answers is kept, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import pytest

from rag.browsing.written import Written, keep_written, read_written, with_written
from rag.errors import LLMError
from rag.library import index_paths
from rag.llm.base import Message
from rag.pipeline import RAG
from tests.conftest import HashEmbedder, ScriptedLLM

# The question written to the abstract that holds the words, the question, and the answer to it.
MUSE = ("Muse is", "What FID does Muse reach on CC3M?", "Muse reaches an FID of 6.06 on CC3M.")
BEES = ("honey bees", "By how much does traffic noise lower foraging of honey bees?", "NOT FOUND")
SNOW = ("SnowNet", "SnowNet在高原数据上的雪深误差是多少？", "SnowNet的误差为2.5厘米。")


def script(messages: Sequence[Message]) -> str:
    """Write the question of an abstract, or answer it."""
    asked = messages[-1].content
    for words, question, answer in (MUSE, BEES, SNOW):
        if question in asked:
            return answer
        if words in asked and asked.endswith(("Question in English:", "中文问题:")):
            return f" {question}\nAnswer: none."
    return "NOT FOUND"


def asked_for(llm: ScriptedLLM, question: str) -> int:
    """Return how often a question was put to the model."""
    return sum(f"Question: {question}" in chat[-1].content for chat in llm.chats)


def model_of(rag: RAG) -> ScriptedLLM:
    assert isinstance(rag.llm, ScriptedLLM)
    return rag.llm


def test_only_questions_that_the_library_answers_are_offered(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag(script)
    told: list[tuple[str, int, int]] = []
    assert rag.write_examples(lambda *state: told.append(state)) == 2
    first, *templates = rag.examples()
    assert first == {"en": MUSE[1], "zh": SNOW[1]}
    assert BEES[1] not in {text for example in templates for text in example.values()}
    assert asked_for(model_of(rag), BEES[1]) >= 1
    assert told[-1] == ("Writing examples", 2, 3)


def test_a_question_whose_answer_is_not_supported_is_not_offered(open_rag: Callable[..., RAG]) -> None:
    def quoting(messages: Sequence[Message]) -> str:
        said = script(messages)
        return "Muse reaches an FID of 9.99 on CC3M." if said == MUSE[2] else said

    rag = open_rag(quoting)
    assert rag.write_examples() == 1
    assert MUSE[1] not in {example["en"] for example in rag.examples()}


def test_they_are_made_once_and_kept_for_the_next_process(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag(script)
    assert rag.write_examples() == 2
    chats = len(model_of(rag).chats)
    assert rag.write_examples() == 2
    assert len(model_of(rag).chats) == chats
    rag.close()
    with RAG(rag.settings, embedder=HashEmbedder(), llm=ScriptedLLM(script)) as again:
        assert again.examples()[0] == {"en": MUSE[1], "zh": SNOW[1]}


def test_a_changed_library_keeps_those_that_it_still_answers(
    open_rag: Callable[..., RAG], small_corpus: Path, tmp_path: Path, embedder: HashEmbedder
) -> None:
    said = {MUSE[1]: MUSE[2]}

    def forgetful(messages: Sequence[Message]) -> str:
        asked = messages[-1].content
        return next((answer for question, answer in said.items() if question in asked), script(messages))

    rag = open_rag(forgetful)
    rag.write_examples()
    (small_corpus / "b.txt").unlink()
    (small_corpus / "c.txt").write_text("Otters return to Kamchatka rivers in 1998.", encoding="utf-8")
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    offered = [text for example in rag.examples() for text in example.values()]
    assert MUSE[1] in offered, "before it is checked anew"
    assert SNOW[1] not in offered, "its abstract is gone"
    asked = asked_for(model_of(rag), MUSE[1])
    assert rag.write_examples() == 1
    assert asked_for(model_of(rag), MUSE[1]) == asked + 1
    (small_corpus / "d.txt").write_text("Puffins nest on Skomer in 2001.", encoding="utf-8")
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    said[MUSE[1]] = "NOT FOUND"
    assert rag.write_examples() == 0
    assert MUSE[1] not in {example["en"] for example in rag.examples()}


def test_another_model_writes_new_ones(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag(script)
    rag.write_examples()
    other = ScriptedLLM(script)
    other.name = "another"
    rag.llm = other
    assert MUSE[1] not in {example["en"] for example in rag.examples()}
    assert rag.write_examples() == 2
    assert other.chats


def test_a_library_of_one_language_offers_its_questions_to_readers_of_the_other(
    open_rag: Callable[..., RAG], small_corpus: Path
) -> None:
    (small_corpus / "b.txt").unlink()
    rag = open_rag(script)
    assert rag.write_examples() == 1
    assert rag.examples()[0]["en"] == MUSE[1]
    assert [example["zh"] for example in rag.examples()] == ["这个库是关于什么的？", MUSE[1]]


def test_a_model_that_fails_leaves_the_templates_and_is_not_asked_again(open_rag: Callable[..., RAG]) -> None:
    def fail(messages: Sequence[Message]) -> str:
        raise LLMError("The model has gone.")

    rag = open_rag(fail)
    templates = rag.examples()
    assert rag.write_examples() == 0
    assert rag.examples() == templates != ()
    chats = len(model_of(rag).chats)
    assert rag.write_examples() == 0
    assert len(model_of(rag).chats) == chats


def test_an_endpoint_is_sent_nothing(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag(script)
    model_of(rag).endpoint = "localhost:11434"
    assert rag.write_examples() == 0
    assert model_of(rag).chats == []


def test_it_stops_when_told_and_goes_on_where_it_was(open_rag: Callable[..., RAG]) -> None:
    rag, stop = open_rag(script), Event()
    assert rag.write_examples(lambda *state: stop.set(), stop) in (0, 1)
    begun = read_written(rag.settings.index, rag.state[0], "scripted", str)
    assert sum(begun.tried.values()) == 1
    assert not begun.done
    assert rag.write_examples() == 2
    stop = Event()
    stop.set()
    assert rag.write_examples(stop=stop) == 2, "nothing is left to do"


def test_it_waits_while_a_reader_asks_and_begins_anew_after(open_rag: Callable[..., RAG]) -> None:
    rag = open_rag(script)
    llm, reader, rests = model_of(rag), [], []
    reader.append(rag.ask("By how much does noise lower foraging?", stream=True))

    class Impatient(Event):
        def wait(self, timeout: float | None = None) -> bool:
            rests.append(len(llm.chats))
            list(reader.pop())
            return self.is_set()

    next(reader[0])
    assert rag.write_examples(stop=Impatient()) == 2
    assert rests == [0], "the model was left to the reader"


def test_a_reply_ends_between_two_words_when_a_reader_comes(open_rag: Callable[..., RAG]) -> None:
    streams = []

    def interrupted(messages: Sequence[Message]) -> str:
        if not streams and len(messages) > 10 and "Muse is" in messages[-1].content:
            streams.append(rag.ask("By how much does noise lower foraging?", stream=True))
            next(streams[0])
        return script(messages)

    class Impatient(Event):
        def wait(self, timeout: float | None = None) -> bool:
            list(streams[0])
            return self.is_set()

    rag = open_rag(interrupted)
    assert rag.write_examples(stop=Impatient()) == 2
    assert rag.examples()[0]["en"] == MUSE[1]


def test_a_language_without_questions_of_its_own_gets_templates_first() -> None:
    written = (
        Written("g", "m").after("en", "a", "What FID?").after("en", "b", "what fid?").after("en", "c", None)
    )
    assert written.of("en") == ("What FID?",)
    assert written.tried == {"en": 3}
    templates = [{"en": "What is it about?", "zh": "关于什么？"}]
    assert with_written(written, templates, 6) == (
        {"en": "What FID?", "zh": "关于什么？"},
        {"en": "What is it about?", "zh": "What FID?"},
    )
    assert with_written(written, templates, 1) == ({"en": "What FID?", "zh": "关于什么？"},)
    assert with_written(Written("g", "m"), templates, 6) == tuple(templates)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 2, "generation": "g"'])
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "examples.json").write_text(text, encoding="utf-8")
    assert read_written(tmp_path, "g", "m", str) == Written("g", "m")


def test_what_is_kept_is_read_again_whole(tmp_path: Path) -> None:
    written = Written("g", "m").after("zh", "a", "雪深是多少？").completed()
    keep_written(tmp_path, written)
    assert read_written(tmp_path, "g", "m", str).of("zh") == ("雪深是多少？",)
    assert read_written(tmp_path, "g", "m", str).done
    assert read_written(tmp_path, "g", "other", str) == Written("g", "other")
    assert [path.name for path in tmp_path.iterdir()] == ["examples.json"]
