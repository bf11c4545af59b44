"""An abstract and its translation are one work in an index, through every change."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from rag.embedding.alignment import normalise_rows
from rag.embedding.base import Vectors
from rag.indexing.build import build_index
from rag.indexing.changing.sync import Library
from rag.indexing.decisions import load_decisions, save_decisions
from rag.schema import Paper
from rag.store.index import open_store
from tests.conftest import HashEmbedder


class Translator(HashEmbedder):
    """Gives texts with the same figures nearly the same direction, whatever their language."""

    def _vector(self, text: str) -> Vectors:
        figures = " ".join(sorted(re.findall(r"\d+", text)))
        rows = [
            np.random.default_rng(zlib.crc32(key.encode())).standard_normal(64) * weight
            for key, weight in (
                (figures, 1.0),
                (text, 0.2),
                ("zh" if re.search("[一-鿿]", text) else "en", 0.5),
            )
        ]
        return normalise_rows(np.sum(rows, axis=0, keepdims=True).astype(np.float32))


def english(n: int) -> str:
    return f"We tag {101 + n} seals in bay {n} and find that {307 + 3 * n} dives last {11 + n} minutes or longer."


def chinese(n: int) -> str:
    return f"我们在{n}号海湾标记了{101 + n}只海豹，发现{307 + 3 * n}次潜水持续{11 + n}分钟或更长时间。"


def write(file: Path, texts: Sequence[str]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps({"abstract": text}) + "\n" for text in texts))


def works(index: Path) -> set[frozenset[str]]:
    """Return the works of two texts, by their texts."""
    with closing(open_store(index)) as store:
        papers: list[Paper] = store.catalog.papers()
        assert store.manifest.works == len({paper.work for paper in papers})
    groups: dict[str, set[str]] = {}
    for paper in papers:
        groups.setdefault(paper.work, set()).add(paper.text)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def pair(n: int) -> frozenset[str]:
    return frozenset({english(n), chinese(n)})


def test_translations_are_found_when_an_index_is_built_and_when_one_text_comes_later(tmp_path: Path) -> None:
    files, index = tmp_path / "files", tmp_path / "index"
    write(files / "en.jsonl", [english(n) for n in range(12)])
    write(files / "zh.jsonl", [chinese(n) for n in range(8)])
    build_index([files], index, Translator)
    assert works(index) == {pair(n) for n in range(8)}
    write(files / "more.jsonl", [chinese(8), chinese(9)])
    Library(index, Translator).sync(files)
    assert works(index) == {pair(n) for n in range(10)}


def test_a_work_of_which_a_text_goes_is_one_no_longer_and_can_be_again(tmp_path: Path) -> None:
    files, index = tmp_path / "files", tmp_path / "index"
    write(files / "en.jsonl", [english(n) for n in range(8)])
    write(files / "zh.jsonl", [chinese(n) for n in range(8)])
    build_index([files], index, Translator)
    write(files / "zh.jsonl", [chinese(n) for n in range(7)])
    Library(index, Translator).sync(files)
    assert works(index) == {pair(n) for n in range(7)}
    write(files / "zh.jsonl", [chinese(n) for n in range(8)])
    Library(index, Translator).sync(files)
    assert works(index) == {pair(n) for n in range(8)}


def test_translations_are_kept_apart_by_hand_at_once_and_when_the_index_is_built_again(
    tmp_path: Path,
) -> None:
    files, index = tmp_path / "files", tmp_path / "index"
    write(files / "all.jsonl", [*(english(n) for n in range(8)), *(chinese(n) for n in range(8))])
    build_index([files], index, Translator)
    with closing(open_store(index)) as store:
        ids = {paper.text: paper.paper_id for paper in store.catalog.papers()}
    chosen = ids[english(3)], ids[chinese(3)]
    save_decisions(index, load_decisions(index).keep_apart(*chosen))
    Library(index, Translator).refold(chosen)
    assert works(index) == {pair(n) for n in range(8) if n != 3}
    build_index([files], index, Translator)
    assert works(index) == {pair(n) for n in range(8) if n != 3}
    save_decisions(index, load_decisions(index).join(*chosen))
    Library(index, Translator).refold(chosen)
    assert works(index) == {pair(n) for n in range(8)}
