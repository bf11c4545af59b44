"""Papers that stand for a collection: the exemplars whose neighbourhoods cover it best."""

from __future__ import annotations

import numpy as np

from rag.embedding.base import Vectors


def exemplars(vectors: Vectors, count: int) -> list[tuple[int, int]]:
    """Return up to `count` exemplars of unit `vectors` (n, d), as (row, rows nearest to it).

    Greedy facility location: each step takes the row that raises most the sum, over all rows, of the cosine
    with the nearest exemplar. That is k-medoids with a bound, at least 1 - 1/e of the best cover (Nemhauser
    et al. 1978; for exemplars Gomes and Krause 2010), and needs no start by chance. Time and memory n².
    """
    likeness = np.clip(vectors @ vectors.T, 0, None)
    covered = np.zeros(len(vectors), dtype=likeness.dtype)
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        gains = np.maximum(likeness - covered, 0).sum(axis=1)
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        covered = np.maximum(covered, likeness[chosen[-1]])
    if not chosen:
        return []
    owners = likeness[chosen].argmax(axis=0)
    owners[chosen] = range(len(chosen))
    sizes = np.bincount(owners, minlength=len(chosen))
    return list(zip(chosen, sizes.tolist(), strict=True))
