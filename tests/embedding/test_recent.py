"""Vectors of recent passages: embedded once, in the order asked for, the oldest forgotten first."""

from __future__ import annotations

import numpy as np

from rag.embedding.recent import RecentPassages
from tests.conftest import HashEmbedder


def test_a_passage_is_embedded_once_and_rows_keep_their_order(embedder: HashEmbedder) -> None:
    recent = RecentPassages(embedder)
    first = recent.embed_passages(["honey bees", "deep snow", "honey bees"])
    again = recent.embed_passages(["deep snow", "chess", "honey bees"])
    assert embedder.embedded == ["honey bees", "deep snow", "chess"]
    assert np.array_equal(first[[1, 0]], again[[0, 2]])
    assert np.array_equal(again, HashEmbedder().embed_passages(["deep snow", "chess", "honey bees"]))


def test_only_what_is_remembered_is_recalled_without_embedding(embedder: HashEmbedder) -> None:
    recent = RecentPassages(embedder, most=2)
    recent.embed_passages(["a cat"])
    recent.embed_passages(["a dog"])
    recent.embed_passages(["a cat"])  # used again, so the dog is the oldest
    recent.embed_passages(["a bee"])
    assert recent.remembered(["a cat", "a bee"]) is not None
    assert recent.remembered(["a cat", "a dog"]) is None
    assert recent.remembered([]) is None
