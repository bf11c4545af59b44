"""Find near-duplicate texts without comparing all pairs: MinHash over character n-grams, in bands."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.schema import Language

# Characters per shingle; higher makes one typing error lower the Jaccard similarity more.
_SHINGLE = {"en": 5, "zh": 3}
# More bands or fewer rows find more candidates; see docs/decisions.md#minhash-bands
_BANDS, _ROWS = 25, 5
_NOT_WORD = re.compile(r"[\W_]+")
# MinHash permutes hashes by x -> a x + b modulo 2**32 with odd a; the same on every machine.
_RANDOM = np.frombuffer(hashlib.shake_128(b"minhash").digest(8 * _BANDS * _ROWS), "<u4").astype(np.uint32)
_MULTIPLIERS, _OFFSETS = (half[:, None] for half in np.split(_RANDOM, 2))
_MULTIPLIERS = _MULTIPLIERS | np.uint32(1)
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


def containment(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> float:
    """Return the share of the smaller of two arrays of distinct hashes that is in the other; 0.0 if empty."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    smaller = min(len(first), len(second))
    return shared / smaller if smaller else 0.0


def band_keys(hashes: NDArray[np.uint32], group: tuple[str, ...]) -> tuple[str, ...]:
    """Return one short key per band of the MinHash of a set; near-equal sets share one almost surely.

    Sets share a key only if their `group` is the same. Texts that may never merge, such as a series with
    different numbers, are then not compared.
    """
    if not len(hashes):
        return ()
    head = hashlib.blake2b("\n".join(group).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    minima = (_MULTIPLIERS * hashes + _OFFSETS).min(axis=1).astype("<u4")
    bands = (minima[first : first + _ROWS].tobytes() for first in range(0, _BANDS * _ROWS, _ROWS))
    return tuple(
        hashlib.blake2b(head + bytes([number]) + band, digest_size=8).hexdigest()
        for number, band in enumerate(bands)
    )
