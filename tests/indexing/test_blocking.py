"""Two papers that are folded share a key, and a set closed under shared keys is folded as the whole is."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing.dedup.blocking import blocking_keys
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.readers import read_endnote_records
from rag.schema import Paper, Source
from tests.indexing.records import ENGLISH, RECORDS, paper

DATA = Path(__file__).parents[3] / "shared" / "data" / "dedup"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/dedup is absent")


def numbered(found: Sequence[Paper]) -> list[Paper]:
    return [replace(one, sources=(Source("f", i),)) for i, one in enumerate(found, 1)]


def partition(papers: Sequence[Paper]) -> set[tuple[str, frozenset[Source]]]:
    return {(kept.paper_id, frozenset(kept.sources)) for kept in deduplicate(papers).kept}


def components(papers: Sequence[Paper]) -> list[list[Paper]]:
    """Return the connected parts of the papers, two papers with a common key being connected."""
    holders: dict[str, set[int]] = defaultdict(set)
    keys = [blocking_keys(one) for one in papers]
    for i, own in enumerate(keys):
        for key in own:
            holders[key].add(i)
    left, parts = set(range(len(papers))), []
    while left:
        part, new = set(), {min(left)}
        while new:
            part |= new
            new = {j for i in new for key in keys[i] for j in holders[key]} - part
        left -= part
        parts.append([papers[i] for i in sorted(part)])
    return parts


def copper() -> list[Paper]:
    return [one for one, _ in read_endnote_records(DATA / "copper.xml.gz")]


@settings(max_examples=150, deadline=None)
@given(RECORDS, RECORDS)
def test_two_papers_that_are_folded_share_a_key(first: Paper, second: Paper) -> None:
    if len(deduplicate(numbered([first, second])).kept) == 1:
        assert set(blocking_keys(first)) & set(blocking_keys(second))


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=10))
def test_a_closed_set_is_folded_as_among_all_others(found: list[Paper]) -> None:
    papers = numbered(found)
    parts = [partition(part) for part in components(papers)]
    assert set().union(*parts) == partition(papers)


def test_keys_are_the_same_in_every_process_and_few() -> None:
    keys = blocking_keys(paper(ENGLISH, title="Tiny", authors=("Ren, S.",), year=2023, doi="10.1/x"))
    assert len(keys) == len(set(keys)) <= 35
    assert all(len(key) < 30 for key in keys)
    assert keys == blocking_keys(
        paper(ENGLISH, title="TINY", authors=("S. Ren",), year=2023, doi="doi:10.1/X")
    )


def test_unlike_abstracts_share_no_key() -> None:
    other = "Robots play soccer in the humanoid league; we report how goalkeepers learn to dive sideways."
    assert not set(blocking_keys(paper(ENGLISH))) & set(blocking_keys(paper(other)))


def test_an_empty_text_has_only_the_keys_of_itself() -> None:
    assert {key.partition(":")[0] for key in blocking_keys(paper("…"))} == {"text", "work"}


@needs_data
def test_every_pair_of_copper_that_is_folded_shares_a_key_or_a_chain_of_them() -> None:
    papers = copper()
    parts = components(papers)
    assert set().union(*(partition(part) for part in parts)) == partition(papers)
    drops = {drop.paper.sources[0]: drop.kept_id for drop in deduplicate(papers).dropped}
    by_id = {one.paper_id: one for one in papers}
    for one, kept in ((one, by_id[drops[one.sources[0]]]) for one in papers if one.sources[0] in drops):
        assert set(blocking_keys(one)) & set(blocking_keys(kept)), one.title


@needs_data
def test_new_papers_change_only_their_own_part() -> None:
    papers = copper()
    Random(0).shuffle(papers)
    old, new = papers[:-20], papers[-20:]
    touched = [part for part in components(papers) if any(one in new for one in part)]
    subset = [one for part in touched for one in part]
    rest = [one for one in old if one not in subset]
    assert len(subset) < len(papers) / 2
    assert partition(subset) | partition(rest) == partition(papers)


def test_keys_take_about_a_millisecond() -> None:
    rng = Random(1)
    words = [
        f"{a}{b}{c}" for a, b, c in itertools.product("bdfgklm", "aeiou", ("ntal", "sting", "mer", "phic"))
    ]
    texts = [" ".join(rng.choices(words, k=180)) for _ in range(100)]
    papers = [paper(text, i) for i, text in enumerate(texts)]
    blocking_keys(papers[0])
    started = time.process_time()
    for one in papers:
        blocking_keys(one)
    assert time.process_time() - started < 0.5
