"""What is said about the collection, read from an index of three abstracts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.collection.answers import LISTED
from rag.answering.collection.exemplars import exemplars
from rag.embedding.alignment import normalise_rows
from rag.library import index_paths
from rag.pipeline import RAG
from rag.schema import Answer, Filters, SourcesEvent, TextEvent
from rag.settings import load_settings
from tests.conftest import HashEmbedder, ScriptedLLM

OpenRag = Callable[..., RAG]


def _holds(answer: Answer) -> None:
    """Check what every reply must keep."""
    assert not answer.refused
    assert answer.answer
    for number, citation in enumerate(answer.citations, 1):
        assert citation.number == number
        assert citation.text[citation.start : citation.end] == citation.quote != ""
        assert f"[{number}]" in answer.answer
    assert {n for s in answer.sentences for n in s.citations} == {c.number for c in answer.citations}


@pytest.mark.parametrize("question", ["Hello!", "谢谢", "What can you do?", "再见", "ok"])
def test_small_talk_gets_a_fixed_reply_without_the_model_or_a_source(
    open_rag: OpenRag, question: str
) -> None:
    rag = open_rag()
    answer = rag.ask(question)
    assert (answer.kind, answer.citations, answer.contexts) == ("chat", (), ())
    assert answer.language == ("en" if question.isascii() else "zh")
    assert answer.answer.isascii() == (answer.language == "en") or "“" in answer.answer
    _holds(answer)
    assert isinstance(rag.llm, ScriptedLLM)
    assert rag.llm.chats == []


def test_a_reply_is_streamed_as_any_answer(open_rag: OpenRag) -> None:
    events = list(open_rag().ask("List all papers", stream=True))
    assert [type(event) for event in events] == [SourcesEvent, TextEvent, Answer]
    assert isinstance(events[0], SourcesEvent)
    assert isinstance(events[1], TextEvent)
    assert isinstance(events[2], Answer)
    assert events[1].delta == events[2].answer
    assert events[0].contexts == events[2].contexts
    assert events[1].citations == events[2].citations


def test_counts_are_those_of_the_index(open_rag: OpenRag) -> None:
    rag = open_rag()
    assert rag.ask("How many abstracts are there?").answer == (
        "The collection holds 3 distinct abstracts (2 in English, 1 in Chinese).\n"
        "Records read: 4, from 2 files, with 1 of them folded as repeats."
    )
    assert rag.ask("有多少篇论文？").answer.startswith("共收录3篇不同的摘要（英文2篇，中文1篇）。")
    assert rag.ask("How many papers are in Chinese?").answer == "Abstracts in Chinese: 1 of 3."
    assert rag.ask("How many papers are there?", filters=Filters(language="zh")).answer == (
        "The collection holds 1 distinct abstract (1 in Chinese)."
    )
    assert rag.ask("How many papers are there?", filters=Filters(sources=("b.txt",))).answer == (
        "The collection holds 2 distinct abstracts (1 in English, 1 in Chinese)."
    )
    assert "No abstract" in rag.ask("How many papers are there?", filters=Filters(year_from=2020)).answer
    assert "a.txt, b.txt" in rag.ask("Which files did you read?").answer


def test_lists_cite_every_paper_they_name(open_rag: OpenRag) -> None:
    rag = open_rag()
    everything = rag.ask("List all papers")
    assert len(everything.citations) == 3
    _holds(everything)
    [chinese] = rag.ask("哪些论文是中文的？").citations
    assert "SnowNet" in chinese.text
    about = rag.ask("List papers about honey bees")
    assert [c.quote for c in about.citations] == ["We count honey bees at 12 hives."]
    assert about.answer.startswith("1 abstract with the words “honey bees”:\n")
    _holds(about)
    snow = rag.ask("列出关于雪深预测的论文")
    assert [c.paper_id for c in snow.citations] == [chinese.paper_id]
    assert snow.language == "zh"
    limited = rag.ask("List 1 papers")
    assert len(limited.citations) == 1
    assert limited.answer.endswith("… and 2 more.")


def test_the_quote_of_a_listed_paper_speaks_of_the_topic(open_rag: OpenRag) -> None:
    [citation] = open_rag().ask("Which papers mention FID?").citations
    assert citation.quote.startswith("It reaches an FID of 6.06")


def test_papers_near_a_topic_without_its_words_are_listed_apart_and_not_counted(open_rag: OpenRag) -> None:
    rag = open_rag()
    answer = rag.ask("List papers about honey bee hives traffic noise zebras")
    assert answer.answer.startswith(
        "No abstract has the words “honey bee hives traffic noise zebras”. Judged by meaning"
    )
    assert [c.quote for c in answer.citations] == ["We count honey bees at 12 hives."]
    _holds(answer)
    both = rag.ask("List papers about honey bees", filters=Filters(language="zh"))
    assert "1 abstract" not in both.answer


def test_a_topic_that_no_paper_is_on_lists_none_and_shows_the_closest(open_rag: OpenRag) -> None:
    answer = open_rag().ask("List papers about volcanology")
    assert answer.citations == ()
    assert "no abstract" in answer.answer
    assert answer.contexts
    _holds(answer)


def test_what_it_is_about_is_told_by_central_papers(open_rag: OpenRag) -> None:
    answer = open_rag().ask("What is this collection about?")
    assert len(answer.citations) == 3
    assert answer.kind == "collection"
    _holds(answer)
    filtered = open_rag().ask("What is this collection about?", filters=Filters(language="zh"))
    assert [c.text[:2] for c in filtered.citations] == ["本文"]


def test_a_paper_is_traced_to_its_files(open_rag: OpenRag) -> None:
    answer = open_rag().ask("Which file does the paper about honey bees come from?")
    assert answer.answer == "“We count honey bees at 12 hives.” was read from a.txt (record 2) [1]."
    _holds(answer)
    nothing = open_rag("NOT FOUND").ask("Which file does the paper about volcanology come from?")
    assert nothing.refused


def test_a_long_list_is_cut_and_the_rest_counted(tmp_path: Path, embedder: HashEmbedder) -> None:
    texts = [f"We study glacier number {n} of valley {n * 7}. It moves." for n in range(LISTED + 5)]
    (tmp_path / "many.txt").write_text("\n\n".join(texts), encoding="utf-8")
    index_paths([tmp_path / "many.txt"], tmp_path / "index", embedder=embedder)
    with RAG(load_settings(index=tmp_path / "index"), embedder=embedder) as rag:
        for question in ("List all papers", "List papers about glaciers"):
            answer = rag.ask(question)
            assert len(answer.citations) == LISTED
            assert answer.answer.endswith("… and 5 more.")
            assert "25 abstracts" in answer.answer
            _holds(answer)


def test_a_question_that_also_asks_for_content_goes_to_the_model(open_rag: OpenRag) -> None:
    answer = open_rag().ask("Which papers mention FID, and what do they reach?")
    assert answer.kind == "answer"


@given(st.integers(0, 30), st.integers(1, 8), st.integers(0, 2**16))
def test_exemplars_are_distinct_and_own_every_row(rows: int, count: int, seed: int) -> None:
    vectors = normalise_rows(np.random.default_rng(seed).standard_normal((rows, 5)).astype(np.float32))
    chosen = exemplars(vectors, count)
    assert len({row for row, _ in chosen}) == len(chosen) == min(rows, count)
    assert sum(size for _, size in chosen) == rows
    assert all(size >= 1 for _, size in chosen)


def test_exemplars_are_the_middles_of_clusters() -> None:
    generator = np.random.default_rng(0)
    centres = np.eye(3, 8, dtype=np.float32)
    noise = generator.standard_normal((30, 8)).astype(np.float32) * 0.1
    vectors = normalise_rows(np.repeat(centres, [15, 10, 5], axis=0) + noise)
    chosen = exemplars(vectors, 3)
    assert [size for _, size in chosen] == [15, 10, 5]
    assert [0 <= chosen[0][0] < 15, 15 <= chosen[1][0] < 25, chosen[2][0] >= 25] == [True] * 3


def test_a_work_in_two_languages_is_counted_and_listed_once_in_the_language_of_the_question(
    tmp_path: Path, embedder: HashEmbedder
) -> None:
    record = {
        "title_en": "Lanterns on the quay", "title_zh": "码头上的灯笼",
        "abstract_en": "Lanterns on the quay draw in a third of the moths of the harbour, as nets of two nights show.",
        "abstract_zh": "两夜的网捕结果表明，码头上的灯笼吸引了港口三分之一的飞蛾。",
    }  # fmt: skip
    other = {"title": "Tides", "abstract": "Tides of the bay are measured at nine gauges for eleven winters."}
    lines = [json.dumps(record, ensure_ascii=False), json.dumps(other)]
    (tmp_path / "both.jsonl").write_text("\n".join(lines), encoding="utf-8")
    index_paths([tmp_path / "both.jsonl"], tmp_path / "index", embedder=embedder)
    settings = load_settings(index=tmp_path / "index")
    with RAG(settings, embedder=embedder, llm=ScriptedLLM(lambda _: "")) as rag:
        english, chinese = rag.ask("List all papers"), rag.ask("列出所有论文")
        assert [c.text[:8] for c in english.citations] == ["Lanterns", "Tides of"]
        assert chinese.citations[0].text == record["abstract_zh"]
        assert len(chinese.citations) == 2
        assert "2 distinct abstracts" in rag.ask("How many papers are there?").answer
