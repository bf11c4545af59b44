"""Language alignment: one space for two languages, by centring each and rotating Chinese onto English.

Multilingual e5 vectors cluster by language before they cluster by subject, so a question finds abstracts of
its own language only. Subtracting the mean vector of each language (and kind: question or passage), then
turning Chinese onto English by an orthogonal map (Procrustes; Schönemann 1966) undoes it. What is left are
hubs: passages that are near to every question of the other language (Radovanović et al. 2010). How near a
passage is to questions that have nothing to do with it says how much of a hub it is, and is taken off its
similarity (CSLS; Conneau et al. 2018).

Where the fitted alignment of an embedding model lies: in the package for a default model, else in the cache.
"""

from __future__ import annotations

import hashlib
import itertools
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import numpy as np

from rag.embedding.base import Vectors
from rag.errors import ModelError
from rag.models import defaults as models
from rag.models.registry import MODELS
from rag.schema import Language

Kind = Literal["query", "passage"]

# Weight, in texts, of the fitted mean against the mean of the corpus itself.
PRIOR_TEXTS = 50
# Background questions that hubness compares with; see docs/decisions.md#hubness.
HUB_NEIGHBOURS = 10
_HUB_STEP = 4096  # passages compared at once, for memory's sake


@dataclass(frozen=True)
class Alignment:
    """Means by (language, kind), a map per language onto the common space, all of shape (d,) and (d, d).

    `background` are raw vectors of questions (n, d) by language that `hubness` compares with. Languages or
    kinds that are missing are left as they are.
    """

    means: Mapping[tuple[Language, Kind], Vectors] = field(default_factory=dict)
    rotations: Mapping[Language, Vectors] = field(default_factory=dict)
    background: Mapping[Language, Vectors] = field(default_factory=dict)

    def apply(self, vectors: Vectors, language: Language, kind: Kind) -> Vectors:
        """Return `vectors` (n, d) centred, turned and L2-normalised."""
        mean = self.means.get((language, kind))
        rotation = self.rotations.get(language)
        moved: Vectors = vectors if mean is None else vectors - mean
        turned: Vectors = moved if rotation is None else moved @ rotation
        return normalise_rows(turned)

    def apply_each(self, vectors: Vectors, languages: Sequence[Language], kind: Kind) -> Vectors:
        """Return `vectors` (n, d) with row i aligned as `languages[i]`."""
        aligned = vectors.copy()
        for language in sorted(set(languages)):
            rows = [i for i, own in enumerate(languages) if own == language]
            aligned[rows] = self.apply(vectors[rows], language, kind)
        return aligned

    def apply_query(self, vectors: Vectors, language: Language) -> Vectors:
        """Return question `vectors` (n, d) aligned by the share of each language that they show.

        A question in one language may be full of the other's words, and then its vector lies between the two
        means. How far along the line between them says what to subtract and how much to turn. See
        docs/decisions.md#mixed-questions.
        """
        english, chinese = self.means.get(("en", "query")), self.means.get(("zh", "query"))
        rotation = self.rotations.get("zh")
        if english is None or chinese is None or rotation is None:
            return self.apply(vectors, language, "query")
        axis = chinese - english
        along = (vectors - english) @ axis / np.float32(max(float(axis @ axis), 1e-12))
        share: Vectors = np.clip(along, 0, 1).astype(np.float32)[:, None]
        moved: Vectors = vectors - english - share * axis
        turned: Vectors = (1 - share) * moved + share * (moved @ rotation)
        return normalise_rows(turned)

    def hubness(self, aligned: Vectors) -> Vectors:
        """Return how near each aligned passage (n, d) is to questions at large, shape (n,); 0 without
        background.
        """
        if not self.background:
            return np.zeros(len(aligned), dtype=np.float32)
        questions = np.concatenate([self.apply(rows, la, "query") for la, rows in self.background.items()])
        count = min(HUB_NEIGHBOURS, len(questions))
        means = [
            np.partition(rows @ questions.T, -count, axis=1)[:, -count:].mean(axis=1)
            for rows in np.array_split(aligned, 1 + len(aligned) // _HUB_STEP)
        ]
        result: Vectors = np.concatenate(means).astype(np.float32)
        return result

    def for_corpus(self, passages: Mapping[Language, Vectors]) -> Alignment:
        """Return this alignment with its passage means moved towards those of the corpus at hand.

        The corpus mean of n passages counts n against `PRIOR_TEXTS` of the fitted one; means of questions
        stay. Without any fitted mean the corpus mean serves for both kinds.
        """
        means = dict(self.means)
        for language, vectors in passages.items():
            if not len(vectors):
                continue
            corpus = vectors.mean(axis=0)
            fitted = self.means.get((language, "passage"))
            if fitted is None:
                means[language, "passage"] = means[language, "query"] = corpus
                continue
            step = (corpus - fitted) * np.float32(len(vectors) / (len(vectors) + PRIOR_TEXTS))
            means[language, "passage"] = fitted + step
        return Alignment(means, self.rotations, self.background)

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
        """Read what `save` wrote."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name].astype(np.float32) for name in data.files}
        return cls._from_arrays(arrays)

    def _arrays(self) -> dict[str, Vectors]:
        means = {f"mean-{language}-{kind}": value for (language, kind), value in self.means.items()}
        rotations = {f"rotation-{language}": value for language, value in self.rotations.items()}
        return means | rotations | {f"background-{la}": rows for la, rows in self.background.items()}

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, Vectors]) -> Alignment:
        languages: tuple[Language, ...] = ("en", "zh")
        kinds: tuple[Kind, ...] = ("query", "passage")
        means = {
            (language, kind): arrays[f"mean-{language}-{kind}"]
            for language in languages
            for kind in kinds
            if f"mean-{language}-{kind}" in arrays
        }
        rotations = {la: arrays[f"rotation-{la}"] for la in languages if f"rotation-{la}" in arrays}
        background = {la: arrays[f"background-{la}"] for la in languages if f"background-{la}" in arrays}
        return cls(means, rotations, background)


def fit_alignment(vectors: Mapping[tuple[Language, Kind], Vectors], background: int = 0) -> Alignment:
    """Fit means and the Chinese-to-English map on parallel texts, and keep `background` questions a language.

    Every pairing of kinds counts: a question and a passage of one paper are translations too.

    Args:
        vectors: raw embeddings (n, d) by language and kind; row i of every array is the same paper.
    """
    means = {key: rows.mean(axis=0) for key, rows in vectors.items()}
    centred = {key: normalise_rows(rows - means[key]) for key, rows in vectors.items()}
    kinds: tuple[Kind, ...] = ("query", "passage")
    product = sum(
        centred["zh", zh].T @ centred["en", en]
        for zh, en in itertools.product(kinds, kinds)
        if ("zh", zh) in vectors and ("en", en) in vectors
    )
    left, _, right = np.linalg.svd(product)
    questions = {
        la: rows[:background] for (la, kind), rows in vectors.items() if kind == "query" and background
    }
    return Alignment(means, {"zh": (left @ right).astype(np.float32)}, questions)


def normalise_rows(vectors: Vectors) -> Vectors:
    """Return `vectors` (n, d) with every row of L2 length 1; a zero row stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return result


def stack(rows: Sequence[Sequence[float]], dimension: int) -> Vectors:
    """Return rows of floats as an (n, d) array, also when there are none."""
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), dimension)


Origin = Literal["package", "fitted", "corpus"]
"""Shipped with citefold; fitted on this machine; nothing fitted, so the means of the corpus itself serve."""


@dataclass(frozen=True, slots=True)
class FittedAlignment:
    """The alignment known for a model before any corpus is seen, and where it came from."""

    alignment: Alignment
    origin: Origin


def alignment_path(name: str, digest: str) -> Path:
    """Return where the fitted alignment of a model is or will be.

    That of a default model goes by its name and is shipped. Any other model may be named by a path, or
    change under its name, so it goes by the embedder's digest: `RAG_CACHE/alignments/DIGEST.npz`.
    """
    if name in MODELS:
        return Path(str(files("rag").joinpath("data", f"alignment-{name}.npz")))
    return models.cache_dir() / "alignments" / f"{quote(digest, safe='')}.npz"


def fitted_alignment(name: str, digest: str) -> FittedAlignment:
    """Return the alignment fitted for a model, an empty one when none was.

    Raises:
        ModelError: there is a file, but it cannot be read.
    """
    path = alignment_path(name, digest)
    if not path.is_file():
        return FittedAlignment(Alignment(), "corpus")
    try:
        alignment = Alignment.load(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"The alignment {path} of the embedding model cannot be read ({error}); delete it, or fit "
            "it again with "
            "`python -m training.alignment`."
        ) from error
    return FittedAlignment(alignment, "package" if name in MODELS else "fitted")


def save_alignment(alignment: Alignment, path: Path) -> None:
    """Write a fitted alignment in half precision, whole or not at all; folders that lack are made.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.npz")  # numpy would add the ending to a name without it
    alignment.save(unfinished, half=True)
    unfinished.replace(path)
