"""Passages and their vectors: embedded once, and kept when a build is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from rag.embedding.base import Vectors, passage_key
from rag.errors import LibraryIndexError
from rag.indexing.embed_chunks import embed_passages, unfinished_vectors
from rag.library import index_paths
from tests.conftest import HashEmbedder


class StoppedEmbedder(HashEmbedder):
    """Stops after `limit` passages, as Ctrl-C does."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if len(self.embedded) + len(texts) > self.limit:
            raise KeyboardInterrupt
        return super().embed_passages(texts)


def papers(folder: Path, count: int) -> Path:
    path = folder / "papers.txt"
    path.write_text("\n\n".join(f"Abstract {n} is about subject {n * 7919}." for n in range(count)), "utf-8")
    return path


def test_a_stopped_build_goes_on_where_it_was(tmp_path: Path) -> None:
    path, index = papers(tmp_path, 150), tmp_path / "index"
    first = StoppedEmbedder(130)
    with pytest.raises(KeyboardInterrupt):
        index_paths([path], index, embedder=first)
    assert len(first.embedded) == 128
    second = StoppedEmbedder(1000)
    report = index_paths([path], index, embedder=second)
    assert (len(second.embedded), report.manifest.works) == (22, 150)
    assert not list(index.glob(".passages*"))
    assert report.manifest.chunks == 150


def test_vectors_are_those_of_their_texts_in_any_order(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    texts = {f"key{n}": "word " * n + str(n) for n in range(1, 100)}
    with unfinished_vectors(tmp_path) as kept:
        found = embed_passages(texts, embedder, kept)
    assert found.keys() == texts.keys()
    for key, text in texts.items():
        np.testing.assert_array_equal(found[key], embedder.embed_passages([text])[0])


def test_kept_vectors_survive_an_error_and_go_after_success(tmp_path: Path) -> None:
    vector = np.arange(4, dtype=np.float32)
    with ExitStack() as stack:
        stack.push(lambda kind, *_: kind is ZeroDivisionError)
        stack.enter_context(unfinished_vectors(tmp_path)).put({"a": vector})
        raise ZeroDivisionError
    with unfinished_vectors(tmp_path) as kept:
        np.testing.assert_array_equal(kept.get(["a", "b"])["a"], vector)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / ".passages.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 40)
    with unfinished_vectors(tmp_path) as kept:
        assert kept.get(["a"]) == {}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    index = tmp_path / "index"
    (index / ".passages.sqlite").mkdir(parents=True)
    with pytest.raises(LibraryIndexError, match="cannot be written"):
        index_paths([papers(tmp_path, 2)], index, embedder=HashEmbedder())


def test_the_key_names_model_and_text() -> None:
    keys = {passage_key(model, text) for model in "ab" for text in ("x", "y")}
    assert len(keys) == 4
