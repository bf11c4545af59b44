"""Markers to citations, whole and streamed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.cite import CitedStream, cite
from rag.schema import Chunk, Paper, ScoredChunk, Source


def context(number: int) -> ScoredChunk:
    text = f"Abstract {number}."
    paper = Paper(f"p{number}", text, "en", (Source("a.txt", number),))
    return ScoredChunk(paper, Chunk(f"p{number}-0", f"p{number}", text, 0, len(text), "en"), 1.0)


CONTEXTS = [context(n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("raw", "text", "cited", "unknown"),
    [
        ("It is 6.06 [2].", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06. [2]", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06.[2][2] So it is[1].", "It is 6.06 [1]. So it is [2].", ["p2", "p1"], 0),
        ("一是。[3]二是[3]。", "一是[1]。二是[1]。", ["p3"], 0),
        ("一是【3】。", "一是[1]。", ["p3"], 0),
        ("Both hold [1, 3].", "Both hold [1][2].", ["p1", "p3"], 0),
        ("All hold [1-3].", "All hold [1][2][3].", ["p1", "p2", "p3"], 0),
        ("Nothing here [7].", "Nothing here.", [], 1),
        ("Some [1] hold [9].", "Some hold [1].", ["p1"], 1),
        ("A list [a] and x[0] stay.", "A list [a] and x stay.", [], 1),
        ("", "", [], 0),
        ("[2]", "", [], 0),
    ],
)
def test_markers_become_citations(raw: str, text: str, cited: list[str], unknown: int) -> None:
    result = cite(raw, CONTEXTS)
    assert result.text == text
    assert [c.paper_id for c in result.citations] == cited or not result.sentences
    assert result.unknown_markers == unknown


def test_each_sentence_names_its_own_citations() -> None:
    result = cite("First [2]. Second. Third [1][2].", CONTEXTS)
    assert [(s.text, s.citations) for s in result.sentences] == [
        ("First.", (1,)),
        ("Second.", ()),
        ("Third.", (1, 2)),
    ]


def test_quote_lies_at_its_offsets() -> None:
    for citation in cite("Yes [1].", CONTEXTS).citations:
        assert citation.text[citation.start : citation.end] == citation.quote


pieces = st.sampled_from(
    [
        *(
            "It",
            " is",
            " 6",
            ".",
            "06",
            " ",
            "[",
            "1",
            "]",
            "[2]",
            "【3】",
            "。",
            "一",
            "二",
            "\n",
            "\n\n",
            "e.g",
            "x[",
        ),
        *(", ", "]", "9", "!", "?", "a", "B", ")", '"', "；", "-"),
    ]
)


@given(st.lists(pieces, max_size=30), st.data())
def test_streamed_pieces_make_the_whole_answer(parts: list[str], data: st.DataObject) -> None:
    raw = "".join(parts)
    stream, shown, rest = CitedStream(CONTEXTS), "", raw
    while rest:
        size = data.draw(st.integers(1, 5))
        shown += stream.feed(rest[:size])[0]
        rest = rest[size:]
    end, whole = stream.finish()
    assert shown + end == cite(raw, CONTEXTS).text == whole.text
