"""KV states are cut and joined without losing a byte, and a broken file is recognised."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.llm.llama_cpp.kv_cache import PromptCache, SlotState, StateError, prune, write_joined

LAYERS, WIDTH = 2, 6


def state(tokens: list[int], start: int = 0, layers: int = LAYERS) -> SlotState:
    """Return a state whose rows contain token, position and layer."""
    rows = [
        np.asarray(
            [
                [token % 251, position % 251, layer] * (WIDTH // 3)
                for position, token in enumerate(tokens, start)
            ]
        )
        .reshape(len(tokens), WIDTH)
        .astype(np.uint8)
        for layer in range(2 * layers)
    ]
    return SlotState(start, np.asarray(tokens, dtype=np.uint32), (1,) * (2 * layers), tuple(rows))


def same(one: SlotState, other: SlotState) -> bool:
    return (
        (one.start, one.types) == (other.start, other.types)
        and np.array_equal(one.tokens, other.tokens)
        and all(np.array_equal(a, b) for a, b in zip(one.rows, other.rows, strict=True))
    )


tokens = st.lists(st.integers(0, 151_000), min_size=1, max_size=40)


@given(read=tokens, cut=st.integers(0, 40))
def test_what_is_cut_off_and_joined_again_is_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, read: list[int], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("states")
    cut = min(cut, len(read))
    whole, part, joined = folder / "whole", folder / "part", folder / "joined"
    write_joined(whole, [state(read)])
    before = SlotState.read(whole).part(0, cut)
    write_joined(part, [SlotState.read(whole).part(cut, len(read))])
    behind = SlotState.read(part)
    if cut < len(read):
        assert behind.start == cut
        write_joined(joined, [before, behind])
        assert joined.read_bytes() == whole.read_bytes()
    assert same(SlotState.read(whole), state(read))


def test_cells_that_lie_in_another_order_are_put_in_that_of_their_positions(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_joined(path, [state([7, 8, 9])])
    raw = bytearray(path.read_bytes())
    cells = raw.index(struct.pack("<6I", 0, 1, 0, 1, 1, 0))
    swapped = struct.pack("<6I", 1, 1, 0, 0, 1, 0)
    raw[cells : cells + len(swapped)] = swapped
    path.write_bytes(raw)
    found = SlotState.read(path)
    assert [row.tolist()[:2] for row in found.rows[0]] == [[8, 1], [7, 0], [9, 2]]


@pytest.mark.parametrize("at", [0, 4, 8, 12, 16, 20, 40, 60, -1])
def test_a_file_of_another_layout_is_an_error(tmp_path: Path, at: int) -> None:
    path = tmp_path / "state"
    write_joined(path, [state([7, 8, 9])])
    raw = bytearray(path.read_bytes())
    if at < 0:
        raw.pop()
    else:
        raw[at] ^= 0x55
    path.write_bytes(raw)
    with pytest.raises(StateError, match="no state of the known layout"):
        SlotState.read(path)


def test_an_empty_file_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(StateError):
        SlotState.read(tmp_path / "empty")


@pytest.mark.parametrize("second", [state([4], start=2), state([4], start=3, layers=1)])
def test_parts_that_do_not_follow_each_other_are_not_joined(tmp_path: Path, second: SlotState) -> None:
    with pytest.raises(StateError, match="do not follow"):
        write_joined(tmp_path / "joined", [state([1, 2, 3]), second])


def test_two_states_begin_alike_up_to_their_first_difference() -> None:
    assert state([1, 2, 3]).common(state([1, 2, 4, 5])) == 2
    assert state([1, 2]).common(state([1, 2, 4])) == 2
    assert state([9]).common(state([1])) == 0


# --- the prompt cache of an index


@pytest.fixture
def prompt_cache(tmp_path: Path) -> PromptCache:
    return PromptCache(tmp_path / "readings", 1000)


def test_a_state_is_cached_by_paper_and_key(prompt_cache: PromptCache, tmp_path: Path) -> None:
    prompt_cache.put("paper", "key", state([1, 2], start=3))
    assert prompt_cache.has("paper", "key")
    found = prompt_cache.get("paper", "key")
    assert found is not None
    assert same(found, state([1, 2], start=3))
    assert prompt_cache.get("paper", "other") is None
    assert not prompt_cache.has("other", "key")
    assert [file.name for file in (tmp_path / "readings").iterdir()] == ["paper-key.reading"]


def test_the_least_recently_used_states_are_evicted(tmp_path: Path) -> None:
    import os

    size = 0
    folder = tmp_path / "readings"
    for number in range(4):
        prompt_cache = PromptCache(folder, 3 * size if size else 10**6)
        prompt_cache.put(f"paper{number}", "key", state([1, 2]))
        file = folder / f"paper{number}-key.reading"
        size = file.stat().st_size
        os.utime(file, (number, number))
    assert prompt_cache.get("paper0", "key") is None or not prompt_cache.has("paper1", "key")
    assert sorted(file.name for file in folder.iterdir()) == [f"paper{n}-key.reading" for n in (1, 2, 3)]
    assert PromptCache(folder, 3 * size).get("paper1", "key") is not None
    prompt_cache.put("paper4", "key", state([1, 2]))
    assert prompt_cache.has("paper1", "key"), "it was used last"
    assert not prompt_cache.has("paper2", "key")
    assert prompt_cache.full("k"), "one more would take the place of another"
    assert not prompt_cache.full("other"), "those of another model have been used less lately"
    assert not PromptCache(folder, 4 * size).full("k")


def test_states_of_another_setup_are_deleted(prompt_cache: PromptCache, tmp_path: Path) -> None:
    for key in ("aa11x", "aa22x", "bb11x"):
        prompt_cache.put("paper", key, state([1]))
    prompt_cache.evict_except("aa", "22")
    kept = sorted(file.name for file in (tmp_path / "readings").iterdir())
    assert kept == ["paper-aa22x.reading", "paper-bb11x.reading"]


def test_a_broken_state_is_ignored(prompt_cache: PromptCache, tmp_path: Path) -> None:
    prompt_cache.put("paper", "key", state([1]))
    (tmp_path / "readings" / "paper-key.reading").write_bytes(b"broken")
    assert prompt_cache.get("paper", "key") is None


def test_a_folder_that_cannot_be_written_caches_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    prompt_cache = PromptCache(tmp_path / "file" / "readings", 1000)
    prompt_cache.put("paper", "key", state([1]))
    assert prompt_cache.get("paper", "key") is None
    gone = tmp_path / "index"
    PromptCache(gone / "readings", 1000).put("paper", "key", state([1]))
    assert not gone.exists(), "an index that was deleted stays so"


def test_states_of_removed_papers_are_deleted(prompt_cache: PromptCache, tmp_path: Path) -> None:
    folder = tmp_path / "readings"
    prune(folder, [])
    for name in ("here", "gone"):
        prompt_cache.put(name, "key", state([1]))
    (folder / "here-key.123.part").touch()
    prune(folder, ["here"])
    assert [file.name for file in folder.iterdir()] == ["here-key.reading"]
