"""Where the fitted alignment of an embedding model lies: in the package for a default model, else in the cache."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from rag import models
from rag.align import Alignment
from rag.errors import ModelError
from rag.model_specs import MODELS

Origin = Literal["package", "fitted", "corpus"]
"""Shipped with citefold; fitted on this machine; nothing fitted, so the means of the corpus itself serve."""


@dataclass(frozen=True, slots=True)
class FittedAlignment:
    """The alignment known for a model before any corpus is seen, and where it came from."""

    alignment: Alignment
    origin: Origin


def alignment_path(name: str, digest: str) -> Path:
    """Return where the fitted alignment of a model is or will be.

    That of a default model goes by its name and is shipped. Any other model may be named by a path, or change under
    its name, so it goes by the embedder's digest: `RAG_CACHE/alignments/DIGEST.npz`.
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
            f"The alignment {path} of the embedding model cannot be read ({error}); delete it, or fit it again with "
            "`python -m benchmarks.fit_alignment`."
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
