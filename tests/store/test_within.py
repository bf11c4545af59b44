"""Searches among given papers: exact where few, and the same where much is fetched and left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.store.within import Hits, Part, fetched


@given(st.integers(1, 200), st.sets(st.integers(0, 199)), st.integers(1, 30))
def test_what_is_fetched_is_what_filtering_everything_gives(count: int, inside: set[int], k: int) -> None:
    everything: Hits = [(f"c{n}", 1.0 - n / count) for n in range(count)]
    part = Part((), tuple(f"c{n}" for n in sorted(inside) if n < count))
    found = fetched(part, k, count, lambda size: everything[:size])
    assert found == [hit for hit in everything if hit[0] in set(part.chunk_ids)][:k]


def test_a_part_without_chunks_searches_nothing() -> None:
    def search(size: int) -> Hits:
        pytest.fail("nothing has to be fetched")

    assert fetched(Part((), ()), 5, 100, search) == []
