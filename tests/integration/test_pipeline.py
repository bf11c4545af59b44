"""The way from a question to a cited answer, with fakes at the seams."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from rag.answering.generation.prompts import REFUSALS
from rag.errors import (
    CorpusError,
    IndexMismatchError,
    IndexMissingError,
    LLMUnreachableError,
    QuestionError,
    RagError,
    SettingsError,
)
from rag.library import index_paths
from rag.llm.base import Message
from rag.llm.llama_cpp.kv_cache import PROMPT_CACHE
from rag.pipeline import RAG
from rag.schema import Answer, Filters, ProgressEvent, SourcesEvent, TextEvent
from rag.settings import load_settings
from tests.conftest import HashEmbedder, ScriptedLLM

OpenRag = Callable[..., RAG]
QUESTION = "What FID does Muse reach on CC3M?"


def test_an_answer_cites_the_abstract_its_marker_names(open_rag: OpenRag) -> None:
    answer = open_rag("It reaches 6.06 [1].").ask(QUESTION)
    assert answer.answer == "It reaches 6.06 [1]."
    assert not answer.refused
    assert answer.language == "en"
    [citation] = answer.citations
    assert "FID of 6.06" in citation.text
    assert citation.text[citation.start : citation.end] == citation.quote
    assert [(s.file, s.position) for s in citation.sources] == [("a.txt", 1), ("b.txt", 2)]


def test_events_are_sources_then_text_then_the_answer_the_text_makes_up(open_rag: OpenRag) -> None:
    streamed = list(open_rag("It reaches 6.06 [1]. That is low [1].").ask(QUESTION, stream=True))
    events = [event for event in streamed if not isinstance(event, ProgressEvent)]
    assert isinstance(events[0], SourcesEvent)
    assert isinstance(events[-1], Answer)
    texts = [event for event in events if isinstance(event, TextEvent)]
    assert len(texts) == 2
    assert len(events) == len(texts) + 2
    assert "".join(event.delta for event in texts) == events[-1].answer
    assert events[0].contexts == events[-1].contexts


def test_sources_come_before_the_language_model_is_asked(open_rag: OpenRag) -> None:
    rag = open_rag()
    events = rag.ask(QUESTION, stream=True)
    assert next(events) == ProgressEvent("searching")
    assert isinstance(next(events), SourcesEvent)
    assert isinstance(rag.llm, ScriptedLLM)
    assert rag.llm.chats == []


def stages_of(rag: RAG, question: str, history: Sequence[tuple[str, str]] = ()) -> list[tuple[str, int, int]]:
    events = rag.ask(question, history, stream=True)
    return [(e.stage, e.done, e.total) for e in events if isinstance(e, ProgressEvent)]


def test_the_wait_says_which_abstract_is_read(open_rag: OpenRag) -> None:
    rag = open_rag("NOT FOUND")
    assert stages_of(rag, "Compare Muse, SnowNet and the hives.")[:4] == [
        ("searching", 0, 0), ("reading", 1, 3), ("reading", 2, 3), ("reading", 3, 3),
    ]  # fmt: skip
    assert ("rewriting", 0, 0) in stages_of(rag, "And how low?", [(QUESTION, "It reaches 6.06 [1].")])


def test_the_wait_says_that_the_model_is_loaded_and_ends_when_the_reader_leaves(open_rag: OpenRag) -> None:
    rag = open_rag()
    loaded = threading.Event()
    rag.llm.warm = loaded.wait
    events = rag.ask(QUESTION, stream=True)
    assert [type(next(events)) for _ in range(2)] == [ProgressEvent, SourcesEvent]
    assert next(events) == ProgressEvent("loading")
    waiting = threading.Thread(target=lambda: list(events))
    waiting.start()
    events.close()
    waiting.join(2)
    assert not waiting.is_alive()
    loaded.set()


def test_key_sentences_are_marked_before_the_model_is_asked(
    open_rag: OpenRag, embedder: HashEmbedder
) -> None:
    rag = open_rag()

    def marked(question: str) -> list[str]:
        found = next(e for e in rag.ask(question, stream=True) if isinstance(e, SourcesEvent))
        texts = {context.paper.paper_id: context.paper.text for context in found.contexts}
        return [texts[h.paper_id][h.start : h.end] for h in found.highlights]

    before = len(embedder.embedded)
    assert marked(QUESTION)[0] == "It reaches an FID of 6.06 on CC3M with 900M parameters."
    events = rag.ask("How many hives of bees?", stream=True)
    assert [type(next(events)) for _ in range(2)] == [ProgressEvent, SourcesEvent]
    asked = embedder.embedded[before:]
    assert not any("hives" in text for text in asked)  # by its words alone: nothing is embedded for it
    events.close()
    assert rag.embed_sentences() == 3
    before = len(embedder.embedded)
    assert marked("How many hives of bees?")[0] == "We count honey bees at 12 hives."
    assert not any("We count" in text for text in embedder.embedded[before:])


def test_nothing_is_marked_where_nothing_is_near(open_rag: OpenRag) -> None:
    events = open_rag(min_similarity=0.99).ask("Who won the chess game?", stream=True)
    assert next(e for e in events if isinstance(e, SourcesEvent)).highlights == ()


@pytest.mark.parametrize(
    "reply", ["NOT FOUND", "Not found.", " NOT FOUND [1]", "", "  \n", "[1]", "NOT", "not_found"]
)
def test_a_refusal_is_said_in_the_language_of_the_question(open_rag: OpenRag, reply: str) -> None:
    rag = open_rag(reply)
    for question, language in ((QUESTION, "en"), ("蜜蜂的学习率是多少?", "zh")):
        answer = rag.ask(question)
        assert answer.refused
        assert answer.answer == REFUSALS[answer.language]
        assert answer.language == language
        assert answer.citations == ()
        assert answer.sentences == ()
        assert answer.contexts


def test_a_refusal_streams_no_word_of_the_models(open_rag: OpenRag) -> None:
    texts = [e.delta for e in open_rag("NOT FOUND").ask(QUESTION, stream=True) if isinstance(e, TextEvent)]
    assert texts == [REFUSALS["en"]]


@pytest.mark.parametrize("reply", ["6.06 [1].", "6.06 [1]"])
def test_an_answer_of_numbers_alone_is_no_refusal(open_rag: OpenRag, reply: str) -> None:
    answer = open_rag(reply).ask(QUESTION)
    assert not answer.refused
    assert answer.answer == "“It reaches an FID of 6.06 on CC3M with 900M parameters.” [1]"


def test_an_answer_of_no_alone_is_no_refusal(open_rag: OpenRag) -> None:
    answer = open_rag("No [1].").ask(QUESTION)
    assert not answer.refused
    assert answer.citations


@pytest.mark.parametrize(
    "reply", ["Not only that FID [1].", "Nothing that Muse reaches is lost [1].", "Note that FID [1]."]
)
def test_an_answer_that_begins_like_a_refusal_is_shown_whole(open_rag: OpenRag, reply: str) -> None:
    answer = open_rag(reply).ask(QUESTION)
    assert answer.answer == reply
    assert not answer.refused


def test_markers_that_name_no_context_are_removed_and_counted(open_rag: OpenRag) -> None:
    answer = open_rag("It reaches 6.06 [1][9]. It paints CC3M [44].").ask(QUESTION)
    assert answer.answer == "It reaches 6.06 [1]. It paints CC3M [1]."
    assert answer.unknown_markers == 2


def test_a_follow_up_also_finds_what_the_question_before_was_about(open_rag: OpenRag) -> None:
    rag = open_rag(top_k=1)
    answer = rag.ask("And how low?", history=[(QUESTION, "It is 6.06 [1].")])
    assert "Muse" in answer.contexts[0].paper.text


def test_a_question_far_from_every_abstract_is_refused_without_asking_the_model(open_rag: OpenRag) -> None:
    rag = open_rag(min_similarity=0.99)
    assert rag.ask(QUESTION).refused
    assert isinstance(rag.llm, ScriptedLLM)
    assert rag.llm.chats == []


@pytest.mark.parametrize(
    ("endpoint", "said"), [(None, "It reaches 6.06 on"), ("host", "It reaches 6.06 on [1")]
)
def test_an_answer_cut_at_its_longest_says_so(open_rag: OpenRag, endpoint: str | None, said: str) -> None:
    from rag.llm.base import TextStream

    class Cut(ScriptedLLM):
        def stream(self, messages: Sequence[Message], **options: object) -> TextStream:
            def deltas():
                yield said
                return "length"

            return TextStream(deltas())

    rag = open_rag()
    rag.llm = Cut(lambda messages: "")
    rag.llm.endpoint = endpoint
    answer = rag.ask(QUESTION)
    assert answer.answer == "It reaches 6.06 on [1]…"


def test_errors_of_the_language_model_reach_the_caller(open_rag: OpenRag) -> None:
    def fail(messages: Sequence[Message]) -> str:
        raise LLMUnreachableError("down")

    with pytest.raises(LLMUnreachableError):
        open_rag(fail).ask(QUESTION)


def test_an_invented_number_is_dropped_and_counted(open_rag: OpenRag) -> None:
    answer = open_rag("It reaches an FID of 6.06 on CC3M [1]. It took 512 GPUs [1].").ask(QUESTION)
    assert answer.answer == "It reaches an FID of 6.06 on CC3M [1]."
    assert answer.dropped_sentences == 1
    nothing_left = open_rag("It took 512 GPUs [1].").ask(QUESTION)
    assert nothing_left.refused
    assert nothing_left.dropped_sentences == 1


def test_searching_goes_on_while_the_index_is_rebuilt(
    open_rag: OpenRag, small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    rag, errors, stop = open_rag(), [], threading.Event()

    def search() -> None:
        while not stop.is_set():
            try:
                assert rag.search(QUESTION)
            except (RagError, AssertionError, AttributeError, KeyError, sqlite3.Error) as error:
                errors.append(error)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_damaged_index_can_be_built_again(
    open_rag: OpenRag, small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    open_rag().close()
    [catalog] = (tmp_path / "index").glob("*/catalog.sqlite")
    catalog.write_bytes(b"garbage" * 1000)
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    assert open_rag().search(QUESTION)


def test_one_unreadable_path_among_several_is_named_and_the_rest_kept(
    small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").touch()
    report = index_paths([small_corpus, tmp_path / "empty.txt"], tmp_path / "index", embedder=embedder)
    assert report.manifest.works == 3
    assert [problem.file for problem in report.problems] == ["empty.txt"]
    assert {
        s.file
        for hit in RAG(load_settings(index=tmp_path / "index"), embedder=embedder).search(QUESTION)
        for s in hit.paper.sources
    } == {"papers/a.txt", "papers/b.txt"}
    with pytest.raises(CorpusError, match="no such"):
        index_paths([small_corpus, tmp_path / "no such"], tmp_path / "index", embedder=embedder)


@pytest.mark.parametrize("question", ["", "   \n\t", "\x00\x07", "x" * 100_000])
def test_an_empty_or_endless_question_is_refused_with_a_sentence(open_rag: OpenRag, question: str) -> None:
    rag = open_rag()
    with pytest.raises(QuestionError, match=r"\.$"):
        rag.ask(question)
    with pytest.raises(QuestionError, match=r"\.$"):
        rag.search(question)


def test_control_characters_in_a_question_are_dropped(open_rag: OpenRag) -> None:
    assert open_rag().ask("What FID\x00 does Muse\x1b reach?").question == "What FID does Muse reach?"


def test_search_gives_one_entry_a_paper_best_first(open_rag: OpenRag) -> None:
    results = open_rag().search(QUESTION, k=10)
    assert len({r.paper.paper_id for r in results}) == len(results) == 3
    assert [r.score for r in results] == sorted((r.score for r in results), reverse=True)
    assert "Muse" in results[0].paper.text
    found = results[0].to_dict()
    assert found.items() >= results[0].paper.to_dict().items()
    assert found["text"][found["start"] : found["end"]] == found["chunk"]
    with pytest.raises(QuestionError):
        open_rag().search(QUESTION, k=0)


def test_answers_have_the_keys_of_the_contract(open_rag: OpenRag) -> None:
    record = open_rag("It reaches 6.06 [1].").ask(QUESTION).to_dict()
    assert list(record) == [
        "question", "standalone_question", "language", "kind", "answer", "refused", "confidence", "sentences",
        "citations", "contexts",
        "unknown_markers", "dropped_sentences", "timings",
    ]  # fmt: skip
    assert set(record["citations"][0]) == {
        "number", "paper_id", "title", "text", "sources", "quote", "start", "end",
        "authors", "year", "venue", "doi", "url",
    }  # fmt: skip
    assert set(record["contexts"][0]) == {"paper_id", "chunk_id", "score", "text"}
    assert set(record["timings"]) == {"retrieve_s", "first_token_s", "total_s"}
    [sentence] = record["sentences"]
    [evidence] = sentence.pop("evidence")
    assert sentence == {"text": "It reaches 6.06.", "citations": [1], "support": "supported", "score": 0.9}
    assert set(evidence) == {"number", "start", "end", "quote"}
    assert record["citations"][0]["text"][evidence["start"] : evidence["end"]] == evidence["quote"]


def test_records_are_frozen(open_rag: OpenRag) -> None:
    answer = open_rag().ask(QUESTION)
    with pytest.raises(FrozenInstanceError):
        answer.answer = "other"


def test_info_counts_records_papers_and_works(open_rag: OpenRag) -> None:
    info = open_rag().info()
    assert (info["records"], info["papers"], info["works"]) == (4, 3, 3)
    assert info["languages"] == {"en": 2, "zh": 1}
    assert Path(info["paths"]["index"]).is_dir()


def test_an_index_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="rag index"):
        RAG.open(tmp_path / "none")


def test_an_index_built_by_another_model_names_the_command(
    tmp_path: Path, small_corpus: Path, embedder: HashEmbedder
) -> None:
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    with pytest.raises(IndexMismatchError, match=f"rag index {small_corpus} --index"):
        RAG(load_settings(index=tmp_path / "index"), embedder=HashEmbedder("other"))
    changed = HashEmbedder(embedder.name, dimension=32)
    rag = RAG(load_settings(index=tmp_path / "index"), embedder=changed)
    with pytest.raises(IndexMismatchError, match="embedding digest"):
        rag.search("muse")
    rag.close()


def test_a_rebuilt_index_is_seen_by_an_open_library_and_reuses_its_vectors(
    open_rag: OpenRag, small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    rag = open_rag()
    assert len(rag.search("otters in Kamchatka")) == 3
    embedder.embedded.clear()
    (small_corpus / "c.txt").write_text("Otters return to Kamchatka rivers.", encoding="utf-8")
    time.sleep(0.01)
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    assert embedder.embedded == ["Otters return to Kamchatka rivers."]
    assert "Otters" in rag.search("otters in Kamchatka")[0].paper.text
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    generations = [p for p in (tmp_path / "index").iterdir() if p.is_dir()]
    assert (
        len(generations) == 2
    )  # the current one, and the one it replaced for readers that have just opened it


def test_what_was_read_of_papers_that_are_gone_is_forgotten(
    open_rag: OpenRag, small_corpus: Path, embedder: HashEmbedder, tmp_path: Path
) -> None:
    rag = open_rag()
    readings = tmp_path / "index" / PROMPT_CACHE
    readings.mkdir()
    for paper in rag.ask(QUESTION).contexts:
        (readings / f"{paper.paper.paper_id}-key.reading").touch()
    assert rag.info()["readings"] == {"papers": 3, "bytes": 0}
    (small_corpus / "b.txt").unlink()
    index_paths([small_corpus], tmp_path / "index", embedder=embedder)
    assert len(list(readings.iterdir())) == 2


def test_nothing_to_index_is_an_error_and_leaves_the_old_index(
    open_rag: OpenRag, tmp_path: Path, embedder: HashEmbedder
) -> None:
    rag = open_rag()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CorpusError):
        index_paths([empty], tmp_path / "index", embedder=embedder)
    assert rag.search(QUESTION)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("RAG_TOP_K", "0", "RAG_TOP_K"), ("RAG_TOPK", "3", "RAG_TOPK"), ("RAG_THREADS", "many", "RAG_THREADS")],
)
def test_unknown_and_out_of_range_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_arguments_win_over_environment_over_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "citefold.toml"
    file.write_text('top_k = 4\nllm_model = "from-file"\n', encoding="utf-8")
    monkeypatch.setenv("RAG_SETTINGS", str(file))
    assert (load_settings().top_k, load_settings().llm_model) == (4, "from-file")
    monkeypatch.setenv("RAG_TOP_K", "5")
    assert load_settings().top_k == 5
    assert load_settings(top_k=6).top_k == 6
    file.write_text("top_q = 4\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="top_q"):
        load_settings()
    file.write_text("not toml", encoding="utf-8")
    with pytest.raises(SettingsError, match="TOML"):
        load_settings()


def test_a_path_of_odd_bytes_is_indexed_and_shown_escaped(
    tmp_path: Path, embedder: HashEmbedder, small_corpus: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    odd.write_text("Otters return to Kamchatka rivers.", encoding="utf-8")
    report = index_paths([odd, small_corpus], tmp_path / "index", embedder=embedder)
    assert report.manifest.works == 4
    assert report.manifest.inputs[0].endswith("caf\\xe9.txt")


def test_nothing_is_loaded_for_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        index_paths([tmp_path / "none"], tmp_path / "index", embedding_model=str(tmp_path / "no such model"))


def test_a_source_that_is_not_there_is_a_users_mistake(open_rag: OpenRag) -> None:
    rag = open_rag()
    with pytest.raises(QuestionError, match="comes from 'nope'"):
        rag.search("otters", filters=Filters(sources=("nope",)))
    everything = rag.search("otters")
    names = {source.file for hit in everything for source in hit.paper.sources}
    assert rag.search("otters", filters=Filters(sources=tuple(names))) == everything
    assert {hit.paper.language for hit in rag.search("otters", filters=Filters(language="zh"))} <= {"zh"}
    answer = rag.ask("What do otters eat?", filters=Filters(year_from=2999))
    assert answer.refused
    assert not answer.contexts
