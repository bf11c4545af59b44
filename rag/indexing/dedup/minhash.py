"""Find near-duplicate texts without comparing all pairs: MinHash over character n-grams, with LSH."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.schema import Language

# Characters per shingle; higher makes one typing error lower the Jaccard similarity more.
_SHINGLE = {"en": 5, "zh": 3}
_PERMUTATIONS = 128
# More bands or fewer rows find more candidates; see docs/decisions.md#minhash-bands
_BANDS, _ROWS = 25, 5
_NOT_WORD = re.compile(r"[\W_]+")
_ODD_MULTIPLIERS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)


@lru_cache(maxsize=4096)
def shingles(text: str, language: Language) -> NDArray[np.uint32]:
    """Return the sorted, distinct hashes of a text's character n-grams; case and punctuation do not count."""
    joint = "" if language == "zh" else " "
    letters = _NOT_WORD.sub(joint, text.casefold()).strip()
    codes = np.frombuffer(letters.encode("utf-32-le"), dtype=np.uint32)
    width = min(_SHINGLE[language], len(codes))
    if width == 0:
        return np.empty(0, dtype=np.uint32)
    last = len(codes) - width + 1
    # Multiply and add modulo 2**32; the shift makes the order of characters count.
    mixed = np.zeros(last, dtype=np.uint32)
    for i in range(width):
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(_ODD_MULTIPLIERS[i]) + codes[i : i + last]
    return np.unique(mixed)


def jaccard(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> float:
    """Return the Jaccard similarity of two arrays of distinct hashes; 0.0 for two empty ones."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    union = len(first) + len(second) - shared
    return shared / union if union else 0.0


class NearIndex:
    """LSH index of MinHash sketches that finds candidates for near duplicates."""

    def __init__(self) -> None:
        """Create an empty index."""
        from datasketch import MinHash, MinHashLSH

        self._lsh = MinHashLSH(num_perm=_PERMUTATIONS, params=(_BANDS, _ROWS))
        self._permutations = MinHash(num_perm=_PERMUTATIONS).permutations

    def sketch(self, hashes: NDArray[np.uint32], group: tuple[str, ...]) -> Any:
        """Return the MinHash of a set; only sketches with the same `group` are candidates for each other.

        The hash of `group` changes every minimum. Texts that may never merge, such as a series with different
        numbers, are then not compared.
        """
        from datasketch import MinHash

        minhash = MinHash(
            num_perm=_PERMUTATIONS, permutations=self._permutations, hashfunc=int, scheme="affine32"
        )
        minhash.update_batch(hashes.tolist())
        digest = hashlib.sha256("\n".join(group).encode()).digest()
        minhash.hashvalues = minhash.hashvalues ^ np.frombuffer(digest[:4], dtype="<u4")
        return minhash

    def near(self, sketch: Any) -> list[int]:
        """Return the keys of the candidates, sorted."""
        return sorted(self._lsh.query(sketch))

    def add(self, key: int, sketch: Any) -> None:
        """Add a text under `key`."""
        self._lsh.insert(key, sketch)
