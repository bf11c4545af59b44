"""A build that is spread gives the index that one process gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import SettingsError
from rag.indexing.build import build_index
from rag.indexing.decisions import NO_DECISIONS, Decisions
from rag.indexing.dedup.components import components, packed
from rag.indexing.engine import Here, engine_named
from rag.indexing.folded import fold
from tests.conftest import HashEmbedder
from tests.indexing.records import paper
from tests.indexing.test_sync import TEXTS, contents, write

KEYS = st.lists(st.lists(st.integers(0, 30), max_size=3), max_size=40)


class Spread(Here):
    """Pretends to be a cluster, in this process."""

    remote = True


@given(KEYS)
def test_components_are_the_finest_groups_without_a_key_between_two(keys: list[list[int]]) -> None:
    groups = components(keys)
    assert sorted(place for group in groups for place in group) == list(range(len(keys)))
    held = [{key for place in group for key in keys[place]} for group in groups]
    assert sum(map(len, held)) == len(set().union(*held))
    for group in groups:  # everything in a group is reached from its first member
        reached, more = set(keys[group[0]]), True
        while more:
            known = len(reached)
            for place in group:
                if reached & set(keys[place]):
                    reached |= set(keys[place])
            more = len(reached) > known
        assert len(group) == 1 or reached == {key for place in group for key in keys[place]}


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(1, 12))
def test_batches_hold_whole_groups_and_are_not_small(sizes: list[int], least: int) -> None:
    places = iter(range(sum(sizes)))
    groups = [[next(places) for _ in range(size)] for size in sizes]
    batches = packed(groups, least)
    assert sorted(place for batch in batches for place in batch) == list(range(sum(sizes)))
    assert all(len(batch) >= least for batch in batches[:-1])
    assert all(any(set(group) <= set(batch) for batch in batches) for group in groups)


@given(st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=30))
def test_records_that_are_folded_apart_fold_as_they_do_together(numbers: list[int]) -> None:
    papers = [paper(TEXTS[number], place) for place, number in enumerate(numbers)]
    assert fold(papers, NO_DECISIONS, Spread()) == fold(papers, NO_DECISIONS, Here())


def test_papers_joined_by_hand_are_folded_together_when_spread() -> None:
    papers = [paper(text, place) for place, text in enumerate(TEXTS[:4])]
    chosen = Decisions().join(papers[0].paper_id, papers[3].paper_id)
    folded, records = fold(papers, chosen, Spread())
    assert (folded, records) == fold(papers, chosen, Here())
    assert len(folded.kept) == 3


def test_a_local_cluster_of_two_workers_gives_the_index_of_one_process(tmp_path: Path) -> None:
    write(tmp_path / "files", {"a": list(range(15)), "b": [3, 4, 20, 21], "c": [0, 7, 29]})
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.indexing.ray_target", tmp_path / "files", tmp_path / "spread"],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == "2"
    build_index([tmp_path / "files"], tmp_path / "one", HashEmbedder)
    assert contents(tmp_path / "spread") == contents(tmp_path / "one")


def test_an_engine_that_is_not_there_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="here or ray"):
        engine_named("spark")
