"""The model reads the sentences that a question needs, within its budget, each under the right number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.context import ContextSentences, evidence_for, excerpts
from rag.embedding.alignment import Alignment
from rag.schema import Chunk, Language, Paper, ScoredChunk, Source
from tests.conftest import HashEmbedder

TEXTS: list[tuple[str, Language]] = [
    ("Muse is a Transformer. It paints. It reaches an FID of 6.06 on CC3M. Code is online.", "en"),
    ("We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent.", "en"),
    ("本文提出SnowNet用于雪深预测。它在高原数据上的误差为2.5厘米。", "zh"),
]


def contexts(*, title: str | None = None, scores: tuple[float, ...] = (1.0, 1.0, 1.0)) -> list[ScoredChunk]:
    papers = [Paper(f"p{n}", t, la, (Source("a", n),), title=title) for n, (t, la) in enumerate(TEXTS, 1)]
    return [
        ScoredChunk(p, Chunk(f"{p.paper_id}-0", p.paper_id, p.text, 0, len(p.text), p.language), score)
        for p, score in zip(papers, scores, strict=True)
    ]


def words(text: str) -> int:
    return len(text.split())


def chosen(
    question: str, budget: int, title: str | None = None, scores: tuple[float, ...] = (1.0, 1.0, 1.0)
) -> dict[int, str]:
    embedder = HashEmbedder()
    sentences = ContextSentences(contexts(title=title, scores=scores), embedder, Alignment())
    return evidence_for(sentences, question, embedder.embed_query(question)[0], words, budget)


def test_the_sentence_that_answers_is_read_first() -> None:
    assert chosen("FID on CC3M?", 8) == {1: "It reaches an FID of 6.06 on CC3M."}
    assert chosen("noise foraging percent", 6) == {2: "Traffic noise lowers foraging by 30 percent."}


def test_what_is_left_out_shows_and_neighbours_do_not() -> None:
    assert chosen("Is Muse a Transformer with FID on CC3M?", 12) == {
        1: "Muse is a Transformer. … It reaches an FID of 6.06 on CC3M."
    }
    sentences = ContextSentences(contexts(), HashEmbedder(), Alignment())
    assert excerpts(sentences, [3, 2, 0]) == {
        1: "Muse is a Transformer. … It reaches an FID of 6.06 on CC3M. Code is online."
    }


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("How many bees are at hives?", "We count honey bees at 12 hives."),
        ("SnowNet的误差是多少?", "它在高原数据上的误差为2.5厘米。"),
        ("SnowNet用于什么?", "本文提出SnowNet用于雪深预测。"),
    ],
)
def test_a_question_for_a_number_reads_where_numbers_are(question: str, read: str) -> None:
    assert read in "".join(chosen(question, 1).values())


def test_an_ample_budget_gives_whole_abstracts_in_the_order_found() -> None:
    assert chosen("anything", 1000) == {n: text for n, (text, _) in enumerate(TEXTS, 1)}


def test_the_best_sentence_is_read_whatever_it_costs() -> None:
    assert chosen("FID on CC3M?", 1) == {1: "It reaches an FID of 6.06 on CC3M."}


def test_a_title_names_the_paper_once_and_is_paid_for() -> None:
    assert chosen("FID on CC3M?", 8, title="Muse") == {1: "Muse. It reaches an FID of 6.06 on CC3M."}
    both = chosen("Is Muse a Transformer with FID on CC3M?", 13, title="Muse")
    assert both == {1: "Muse. Muse is a Transformer. … It reaches an FID of 6.06 on CC3M."}


def test_a_far_worse_abstract_gives_way() -> None:
    near = chosen("Traffic noise code", 16)
    far = chosen("Traffic noise code", 16, scores=(1.0, -20.0, 1.0))
    assert 2 in near
    assert 2 not in far


def test_each_language_is_aligned_by_its_own_mean_and_embedded_once() -> None:
    embedder = HashEmbedder()
    shift = np.ones(64, dtype=np.float32)
    moved = Alignment({("zh", "passage"): shift})
    plain = ContextSentences(contexts(), embedder, Alignment()).vectors
    sentences = ContextSentences(contexts(), embedder, moved)
    changed = np.abs(sentences.vectors - plain).max(axis=1) > 1e-3
    assert [bool(c) for c in changed] == [item.number == 3 for item in sentences.items]
    embedder.embedded.clear()
    narrowed = sentences.of([3, 1])
    assert [item.number for item in narrowed.items] == [1, 1, 2, 2, 2, 2]
    assert narrowed.contexts == (contexts()[2], contexts()[0])
    assert np.array_equal(narrowed.vectors[2:], sentences.vectors[:4])
    assert embedder.embedded == []


@pytest.mark.parametrize("question", ["", "雪深", "???"])
@given(budget=st.integers(0, 80))
def test_excerpts_are_text_of_their_abstract_within_the_budget(question: str, budget: int) -> None:
    found = chosen(question, budget)
    costs = 0
    for number, excerpt in found.items():
        for piece in excerpt.split(" … "):
            assert piece in TEXTS[number - 1][0]
            costs += words(piece)
    assert costs <= max(budget, 8)
    assert list(found) == sorted(found)
