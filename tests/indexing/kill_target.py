"""The process that `test_kills` kills: it builds an index, then follows a folder through its states."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np

from rag.embedding.base import Embedder
from rag.factory import configured_embedder
from rag.indexing.build import build_index
from rag.indexing.changing.sync import Library
from rag.settings import load_settings
from rag.store.manifest import MANIFEST_FILE
from tests.conftest import HashEmbedder

STATES = 5
_WORDS = [f"{a}{b}" for a in ("ba", "ko", "li", "mu", "ra", "so") for b in ("den", "fir", "gat", "lum")]


def embedder() -> Embedder:
    """Return the embedding model that CITEFOLD_KILLS_WITH names, else a stand-in."""
    name = os.environ.get("CITEFOLD_KILLS_WITH")
    return configured_embedder(load_settings(embedding_model=name)) if name else HashEmbedder()


@cache
def state(number: int, size: int) -> dict[str, tuple[str, ...]]:
    """Return the texts of each file in a state: each has a new file, with repeats, and older ones change."""
    rng = np.random.default_rng(number)
    texts = [f"{' '.join(rng.choice(_WORDS, 40))} {number} {n}." for n in range(size // STATES)]
    if number == 0:
        return {"0.jsonl": tuple(texts)}
    before = dict(state(number - 1, size))
    latest = f"{number - 1}.jsonl"
    texts[:3] = before[latest][-3:]
    before[latest] = before[latest][1:]
    before.pop(f"{number - 3}.jsonl", None)
    return {**before, f"{number}.jsonl": tuple(texts)}


def write(folder: Path, number: int, size: int) -> None:
    """Make the folder hold a state; files that are as they were are left alone."""
    folder.mkdir(exist_ok=True)
    files = state(number, size)
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, texts in files.items():
        content = "".join(json.dumps({"abstract": text}) + "\n" for text in texts)
        if not (folder / name).exists() or (folder / name).read_text() != content:
            (folder / name).write_text(content)


def follow(folder: Path, index: Path, states: range, size: int) -> None:
    """Bring the index through these states of the folder."""
    for number in states:
        write(folder, number, size)
        if (index / MANIFEST_FILE).exists():
            Library(index, embedder).sync(folder)
        else:
            build_index([folder], index, embedder)


if __name__ == "__main__":
    home, size = Path(sys.argv[1]), int(sys.argv[2])
    follow(home / "files", home / "index", range(STATES), size)
