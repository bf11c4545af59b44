"""Chunks keep their offsets and lose nothing."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.chunking import chunk_paper
from rag.schema import Paper, Source

words = st.lists(
    st.sampled_from(["alpha", "beta.", "Gamma", "一二三。", "6.06", "x" * 40, "?", "\n\n", "𝄞"]), max_size=60
)


def paper(text: str) -> Paper:
    return Paper("id", text, "en", (Source("f", 1),))


@given(words, st.integers(4, 60))
def test_chunks_are_stretches_of_the_text_within_the_limit(parts: list[str], limit: int) -> None:
    text = " ".join(parts)
    chunks = chunk_paper(paper(text), max_tokens=limit, count_tokens=len)
    assert all(text[c.start : c.end] == c.text and 0 < len(c.text) <= limit for c in chunks)
    assert all(a.end <= b.start for a, b in pairwise(chunks))
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())
    assert len({c.chunk_id for c in chunks}) == len(chunks)


def test_a_short_abstract_stays_whole() -> None:
    text = "One sentence. Another one."
    assert [c.text for c in chunk_paper(paper(text), max_tokens=100, count_tokens=len)] == [text]


def test_a_long_abstract_is_cut_between_sentences_into_parts_of_like_length() -> None:
    text = "Aaaa aaaa. Bbbb bbbb. Cccc cccc. Dddd dddd."
    assert [c.text for c in chunk_paper(paper(text), max_tokens=25, count_tokens=len)] == [
        "Aaaa aaaa. Bbbb bbbb.",
        "Cccc cccc. Dddd dddd.",
    ]
