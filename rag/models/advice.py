"""What is said of a model before and after a fetch: its terms, the room it takes, what to do if it fails."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rag.models import hub_names
from rag.models.registry import ModelSpec


def room(spec: ModelSpec, *, fetch: bool = True) -> int:
    """Return the disk space in bytes: the files, what is made of them, an archive, a wheel and its data."""
    carried = (*spec.files, *([spec.archive] if spec.archive else []))
    wheel = max((wheel.size for file in carried for wheel in file.wheels), default=0)
    archive = spec.archive.size if spec.archive and fetch else 0
    return spec.size + spec.converted_size + archive + 2 * wheel


def by_hand(spec: ModelSpec) -> str:
    """Return what to do on a machine that cannot fetch the model."""
    if spec.name.startswith(hub_names.PREFIX):
        return "copy the file to this machine by hand and set RAG_LLM_MODEL to its path."
    if len(spec.files) > 1:
        return f"copy the folder of {spec.origin} to this machine by hand and run `rag models add FOLDER`."
    then = f", then `rag models pull {spec.name}`" if spec.kind == "judge" else ""
    return (
        f"copy {spec.files[0].name} ({spec.origin}, SHA-256 {spec.sha256}) to this machine by hand "
        f"and run `rag models add FILE`{then}."
    )


def smaller(spec: ModelSpec, specs: Iterable[ModelSpec]) -> str:
    """Return the words that name the smallest model of the kind, "" for that model itself."""
    if spec.kind == "judge":
        return ""
    others = (other for other in specs if other.kind == spec.kind)
    least = min(others, key=lambda other: other.size, default=spec)
    variable = "RAG_EMBEDDING_MODEL" if spec.kind == "embedder" else "RAG_LLM_MODEL"
    set_it = f" Or set {variable}={least.name} ({least.size / 1e6:.0f} MB)."
    return set_it if least is not spec else ""


def say_terms(spec: ModelSpec) -> None:
    """Print the terms of a model, if it has any, on standard error."""
    if spec.terms:
        print(spec.terms + ".", file=sys.stderr)
