"""A map of a library: each work as a point of a plane, works of like meaning near each other, in clusters.

The plane is that of the two main axes of the vectors (PCA). A cluster is the works nearest to one exemplar,
in all dimensions; the words that set the titles of a cluster apart are its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from rag.answering.collection.exemplars import exemplars
from rag.browsing.shelf import Shelf, title_of
from rag.browsing.words import telling_words
from rag.embedding.alignment import normalise_rows
from rag.embedding.base import Vectors
from rag.schema import Language
from rag.store.index import Store

# Points drawn at most; of a larger library an even sample. More make a slow browser stutter.
MOST_POINTS = 10_000
# Clusters: about one for this many works squared, and at most as many as colours can be told apart.
_WORKS_EACH, _MOST_CLUSTERS = 4, 8
# Words that name a cluster.
_NAME_WORDS = 3
# Works among which exemplars are looked for; time and memory grow with the square.
_COMPARED = 1500


@dataclass(frozen=True, slots=True)
class MapPoint:
    """One work on the map; x and y are in [-1, 1]."""

    paper_id: str
    title: str
    language: Language
    year: int | None
    cluster: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class PaperMap:
    """The points, and what names each cluster; `every` n-th work is drawn (1: all)."""

    points: tuple[MapPoint, ...]
    clusters: tuple[str, ...]
    every: int = 1


def draw_map(store: Store) -> PaperMap:
    """Return the map of an open index; seconds for ten thousand works."""
    shelf = Shelf(store)
    every = max(1, -(-len(shelf.works) // MOST_POINTS))
    numbers = list(range(0, len(shelf.works), every))
    if not numbers:
        return PaperMap((), ())
    vectors = _work_vectors(store, shelf, numbers)
    places, clusters = _plane(vectors), _clusters(vectors)
    papers = store.catalog.papers_by_id([shelf.works[n].papers[0].paper_id for n in numbers])
    points, titles = [], []
    for row, number in enumerate(numbers):
        paper = papers[shelf.works[number].papers[0].paper_id]
        title = title_of(shelf.works[number]) or paper.text
        titles.append(" ".join(title.split()))
        place = float(places[row, 0]), float(places[row, 1])
        points.append(
            MapPoint(paper.paper_id, titles[-1][:120], paper.language, paper.year, clusters[row], *place)
        )
    names = telling_words(titles, clusters, _NAME_WORDS)
    return PaperMap(tuple(points), names, every)


def _work_vectors(store: Store, shelf: Shelf, numbers: Sequence[int]) -> Vectors:
    """Return the mean aligned vector of each work, of length one, shape (n, d)."""
    row_of = {p.paper_id: row for row, n in enumerate(numbers) for p in shelf.works[n].papers}
    owners, languages, raw = store.catalog.raw_vectors()
    taken = [place for place, owner in enumerate(owners) if owner in row_of]
    aligned = store.alignment.apply_each(raw[taken], [languages[place] for place in taken], "passage")
    sums = np.zeros((len(numbers), raw.shape[1]), dtype=np.float32)
    np.add.at(sums, [row_of[owners[place]] for place in taken], aligned)
    return normalise_rows(sums)


def _plane(vectors: Vectors) -> Vectors:
    """Return the places on the two main axes (PCA), scaled into [-1, 1], shape (n, 2)."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # by rising variance
    places: Vectors = centred @ axes[:, :-3:-1]
    return places / max(float(np.abs(places).max()), 1e-6)


def _clusters(vectors: Vectors) -> list[int]:
    """Return the number of the cluster of each row: that of the nearest exemplar of a sample."""
    count = min(_MOST_CLUSTERS, max(1, round(sqrt(len(vectors)) / _WORKS_EACH)))
    sample = vectors[:: -(-len(vectors) // _COMPARED)]
    chosen = [row for row, _ in exemplars(sample, count)]
    nearest: list[int] = (vectors @ sample[chosen].T).argmax(axis=1).tolist()
    return nearest
