"""Language alignment: one space for two languages, by subtracting the mean vector of each.

Vectors of a multilingual model cluster by language before they cluster by subject, so a question finds
abstracts of its own language first. The mean of a language is that of the library's own passages. A small
library's mean is drawn towards one that is shipped for the model. A library in one language is left as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.embedding.base import Vectors
from rag.schema import LANGUAGES, Language

Kind = Literal["query", "passage"]

# Weight, in texts, of the shipped mean against the library's own; see docs/decisions.md#language-means.
PRIOR_TEXTS = 50


@dataclass(frozen=True)
class VectorSum:
    """How many raw vectors there are, and their sum (d,) in double precision."""

    count: int
    total: NDArray[np.float64]

    @classmethod
    def by_language(cls, vectors: Vectors, languages: Sequence[Language]) -> dict[Language, VectorSum]:
        """Return the sum of the rows of `vectors` (n, d) of each language."""
        own = np.array(languages)
        rows = {language: vectors[own == language] for language in sorted(set(languages))}
        return {la: cls(len(part), part.sum(axis=0, dtype=np.float64)) for la, part in rows.items()}

    def plus(self, other: VectorSum, sign: int = 1) -> VectorSum:
        """Return the sum of both, or with `sign` -1 of what is left without `other`."""
        return VectorSum(self.count + sign * other.count, self.total + sign * other.total)

    @property
    def mean(self) -> Vectors:
        """The mean vector (d,)."""
        return (self.total / self.count).astype(np.float32)


@dataclass(frozen=True)
class Alignment:
    """The mean vector (d,) of each language and kind of text; what is missing is left as it is."""

    means: Mapping[tuple[Language, Kind], Vectors] = field(default_factory=dict)

    def apply(self, vectors: Vectors, language: Language, kind: Kind) -> Vectors:
        """Return `vectors` (n, d) centred and L2-normalised."""
        mean = self.means.get((language, kind))
        return normalise_rows(vectors if mean is None else vectors - mean)

    def apply_each(self, vectors: Vectors, languages: Sequence[Language], kind: Kind) -> Vectors:
        """Return `vectors` (n, d) with row i aligned as `languages[i]`."""
        aligned = vectors.copy()
        for language in sorted(set(languages)):
            rows = [i for i, own in enumerate(languages) if own == language]
            aligned[rows] = self.apply(vectors[rows], language, kind)
        return aligned

    def for_library(self, sums: Mapping[Language, VectorSum]) -> Alignment:
        """Return the alignment of a library whose raw passages have these sums, by language.

        `self` is what is shipped for the model. The mean of n passages counts n against `PRIOR_TEXTS` of the
        shipped one. The mean of the questions moves by as much as that of the passages.
        """
        present = [language for language in LANGUAGES if language in sums and sums[language].count]
        if len(present) < 2:
            return Alignment()
        means: dict[tuple[Language, Kind], Vectors] = {}
        for language in present:
            count, own = sums[language].count, sums[language].mean
            shipped = self.means.get((language, "passage"), own)
            step = (own - shipped) * np.float32(count / (count + PRIOR_TEXTS))
            means[language, "passage"] = shipped + step
            means[language, "query"] = self.means.get((language, "query"), shipped) + step
        return Alignment(means)

    def for_corpus(self, passages: Mapping[Language, Vectors]) -> Alignment:
        """Return `for_library` of these raw passages (n, d), by language."""
        sums = {la: VectorSum(len(v), v.sum(axis=0, dtype=np.float64)) for la, v in passages.items()}
        return self.for_library(sums)

    def drift(self, other: Alignment) -> float:
        """Return the largest L2 distance between two means of one kind; infinite if one lacks a mean."""
        if self.means.keys() != other.means.keys():
            return float("inf")
        return max((float(np.linalg.norm(self.means[k] - other.means[k])) for k in self.means), default=0.0)

    @property
    def digest(self) -> str:
        """Short hash of every number in it, for the manifest."""
        hasher = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            hasher.update(name.encode())
            hasher.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
        return hasher.hexdigest()[:16]

    def save(self, path: Path, *, half: bool = False) -> None:
        """Write it as an .npz file, in half precision to ship it."""
        arrays = {name: value.astype(np.float16) if half else value for name, value in self._arrays().items()}
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Alignment:
        """Read what `save` wrote; raise ValueError if the file holds anything else."""
        known: dict[str, tuple[Language, Kind]] = {
            f"mean-{language}-{kind}": (language, kind)
            for language in LANGUAGES
            for kind in ("query", "passage")
        }
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            if unknown := set(data.files) - set(known):
                raise ValueError(f"it was written by another version: {min(unknown)}")
            return cls({known[name]: data[name].astype(np.float32) for name in data.files})

    def _arrays(self) -> dict[str, Vectors]:
        return {f"mean-{language}-{kind}": value for (language, kind), value in self.means.items()}


def shipped_alignment(model: str) -> Alignment:
    """Return the means that are shipped for a default model, none for any other."""
    path = Path(str(files("rag").joinpath("data", f"means-{model}.npz")))
    return Alignment.load(path) if path.is_file() else Alignment()


def normalise_rows(vectors: Vectors) -> Vectors:
    """Return `vectors` (n, d) with every row of L2 length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result


def stack(rows: Sequence[Sequence[float]], dimension: int) -> Vectors:
    """Return rows of floats as an (n, d) array, also when there are none."""
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), dimension)
