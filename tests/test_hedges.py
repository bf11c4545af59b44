"""A hedge before a number is not lost on the way into a sentence."""

from __future__ import annotations

import pytest
from conftest import HashEmbedder, NumberVerifier
from hypothesis import given
from hypothesis import strategies as st

from rag.align import Alignment
from rag.attribute import Attributor
from rag.cite import cite
from rag.evidence import ContextSentences
from rag.hedges import with_hedges
from rag.schema import Chunk, Paper, ScoredChunk, Source


@pytest.mark.parametrize(
    ("sentence", "quotes", "hedged"),
    [
        ("攻击成功率能达到1.0。", ["It reaches rates (close to 1.0)."], "攻击成功率能达到接近1.0。"),
        ("它能节省70倍内存。", ["using up to 70x less memory"], "它能节省高达70倍内存。"),
        ("It needs 16 GB.", ["该方法需要至少16 GB。"], "It needs at least 16 GB."),
        ("It costs $5.", ["It costs roughly $5."], "It costs about $5."),
        ("It reaches almost 1.0.", ["It is close to 1.0."], None),
        ("It exceeds 1.0.", ["It is more than 1.0."], None),
        ("The delay is 50 ms.", ["It is no more than 50 ms."], None),
        ("It is 90.", ["It is no less than 90."], None),
        ("延迟为50毫秒。", ["延迟不超过50毫秒。"], "延迟为至多50毫秒。"),
        ("能耗降低50%。", ["节约50%的能耗。"], None),
        ("It gains 20%.", ["It gains 10~20%."], None),
        ("95 patients took part.", ["nearly 95 patients"], None),
        ("It is an 8% gain.", ["a gain of roughly 8%"], None),
        ("提升达11%。", ["by up to 11%"], None),
        ("It needs 16 GB.", ["At least 16 GB.", "It took 16 GB."], None),
        ("It takes 5 of 16.", ["up to 5 of 16"], None),
        ("It has 5 parts.", ["averaged over 5 runs"], None),
        ("ResNet-50 wins.", ["up to 50"], None),
        ("二元分类器", ["roughly two"], None),
        ("It follows IEC 61850.", ["IEC~61850"], None),
        ("It wins.", ["close to 1.0"], None),
        ("It is 1.0.", [], None),
    ],
)
def test_a_hedge_is_given_back_where_only_its_number_is_left(
    sentence: str, quotes: list[str], hedged: str | None
) -> None:
    assert with_hedges(sentence, quotes) == (hedged or sentence)


@given(st.text(), st.lists(st.text(), max_size=3))
def test_nothing_is_taken_away(sentence: str, quotes: list[str]) -> None:
    found = with_hedges(sentence, quotes)
    assert found == sentence or with_hedges(found, quotes) == found


def test_what_is_shown_is_hedged(embedder: HashEmbedder) -> None:
    text = "The attack reaches a rate close to 1.0 in all cases."
    paper = Paper("p1", text, "en", (Source("a", 1),))
    contexts = [ScoredChunk(paper, Chunk("p1-0", "p1", text, 0, len(text), "en"), 1.0)]
    attributor = Attributor(ContextSentences(contexts, embedder, Alignment()), NumberVerifier())
    assert (
        cite("The attack reaches a rate of 1.0.", contexts, attributor).text
        == "The attack reaches a rate of nearly 1.0 [1]."
    )


def test_a_sentence_that_was_hedged_can_be_translated(embedder: HashEmbedder) -> None:
    text = "The attack reaches a rate close to 1.0 in all cases."
    paper = Paper("p1", text, "en", (Source("a", 1),))
    contexts = [ScoredChunk(paper, Chunk("p1-0", "p1", text, 0, len(text), "en"), 1.0)]
    attributor = Attributor(ContextSentences(contexts, embedder, Alignment()), NumberVerifier())
    (sentence,) = cite("The attack reaches a rate of 1.0.", contexts, attributor).sentences
    assert attributor.say("攻击的成功率达到1.0。", sentence.text)
    assert cite("攻击率为1.0。", contexts, attributor).text.startswith("攻击率为接近1.0")
