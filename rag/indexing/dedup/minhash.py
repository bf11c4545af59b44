"""Find texts that look alike without comparing all pairs: MinHash over character n-grams, LSH by datasketch."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rag.schema import Language

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Characters a shingle: five in English (a short word), three in Chinese. A slip costs at most that many of
# the ~1,000 (300) shingles of an abstract, where word shingles would lose three of ~150.
_SHINGLE = {"en": 5, "zh": 3}
_PERMUTATIONS = 128
# 25 bands of 5 rows: a pair at Jaccard .7 is found with probability .988, .8 with .9999; of 5,000 arXiv
# abstracts (benchmarks/dedup.py --scale) a text meets well under one candidate.
_BANDS, _ROWS = 25, 5
_NOT_WORD = re.compile(r"[\W_]+")
_ODD_MULTIPLIERS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)


def shingles(text: str, language: Language) -> NDArray[np.uint32]:
    """Return the distinct hashes of the character n-grams of a text, sorted; case and punctuation ignored."""
    import numpy as np

    joint = "" if language == "zh" else " "
    letters = _NOT_WORD.sub(joint, text.casefold()).strip()
    codes = np.frombuffer(letters.encode("utf-32-le"), dtype=np.uint32)
    width = min(_SHINGLE[language], len(codes))
    if width == 0:
        return np.empty(0, dtype=np.uint32)
    last = len(codes) - width + 1
    # Multiply and add modulo 2**32, mixing between steps so that the order of characters matters.
    mixed = np.zeros(last, dtype=np.uint32)
    for i in range(width):
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(_ODD_MULTIPLIERS[i]) + codes[i : i + last]
    return np.unique(mixed)


def jaccard(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> float:
    """Return |A ∩ B| / |A ∪ B| of two arrays of distinct hashes; 0.0 for two empty ones."""
    import numpy as np

    shared = len(np.intersect1d(first, second, assume_unique=True))
    union = len(first) + len(second) - shared
    return shared / union if union else 0.0


class NearIndex:
    """Texts by MinHash; asks for those that may be near, within one group only."""

    def __init__(self) -> None:
        """Start empty."""
        from datasketch import MinHash, MinHashLSH

        self._lsh = MinHashLSH(num_perm=_PERMUTATIONS, params=(_BANDS, _ROWS))
        self._permutations = MinHash(num_perm=_PERMUTATIONS).permutations

    def sketch(self, hashes: NDArray[np.uint32], group: tuple[str, ...]) -> Any:
        """Return the MinHash of a set, made so that only sets of an equal `group` share a bucket.

        The group's hash is added to every minimum: what may never merge (abstracts with other numbers) then
        costs nothing, however many near-identical ones a corpus holds.
        """
        import numpy as np
        from datasketch import MinHash

        minhash = MinHash(
            num_perm=_PERMUTATIONS, permutations=self._permutations, hashfunc=int, scheme="affine32"
        )
        minhash.update_batch(hashes.tolist())
        digest = hashlib.sha256("\n".join(group).encode()).digest()
        minhash.hashvalues = minhash.hashvalues ^ np.frombuffer(digest[:4], dtype="<u4")
        return minhash

    def near(self, sketch: Any) -> list[int]:
        """Return the keys that may be near, sorted."""
        return sorted(self._lsh.query(sketch))

    def add(self, key: int, sketch: Any) -> None:
        """Put a text in under `key`."""
        self._lsh.insert(key, sketch)


@lru_cache(maxsize=4096)
def cached_shingles(text: str, language: Language) -> NDArray[np.uint32]:
    """Return `shingles`, remembered for texts that are compared often."""
    return shingles(text, language)
