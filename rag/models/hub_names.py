"""Models that a user names by their place on the model hub: `hub:OWNER/REPOSITORY/FILE.gguf`.

Their digests are not known beforehand. The first fetch takes the hub's own, or that of the bytes that came,
and records it; every later check uses the record.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rag.errors import ModelError, UserError
from rag.models.files import sha256, size_of
from rag.models.hub import HubSource
from rag.models.registry import ModelFile, ModelSpec

PREFIX = "hub:"
_NAME = re.compile(r"hub:([\w.-]+/[\w.-]+)/((?:[\w.-]+/)*[\w.-]+\.gguf)", re.ASCII)
_RECORD = "record.json"


def hub_spec(name: str, folder: Path) -> ModelSpec:
    """Return the recorded model, with size 0 and digest "" before its first fetch.

    Raises:
        UserError: the name is not of the form `hub:OWNER/REPOSITORY/FILE.gguf`.
    """
    parts = _NAME.fullmatch(name)
    if parts is None or {".", ".."} & set(name.removeprefix(PREFIX).split("/")):
        raise UserError(f"{name!r} names no model of the hub; write hub:OWNER/REPOSITORY/FILE.gguf.")
    size, digest = 0, ""
    try:
        known = json.loads((home(name, folder) / _RECORD).read_text(encoding="utf-8"))
        size, digest = int(known["size"]), str(known["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not fetched yet
    repository, path = parts.groups()
    file = ModelFile(Path(path).name, size, digest, f"{repository}/resolve/main/{path}")
    return ModelSpec(name, "llm", (file,), "see its page of the hub", repository, about="named by you")


def home(name: str, folder: Path) -> Path:
    """Return the folder of a model under the folder of all models."""
    return folder / name.replace(PREFIX, "hub/", 1)


def looked_up(spec: ModelSpec, hub: HubSource | None) -> ModelSpec:
    """Return `spec` with size and digest as the hub states them, if they are not known yet.

    Raises:
        ModelError: the hub cannot be asked.
    """
    file = spec.files[0]
    if file.size or hub is None:
        return spec
    try:
        size, digest = hub.look_up(file.hub_path or "")
    except ModelError as error:
        raise ModelError(f"The model {spec.name} could not be fetched ({hub.name}: {error}).") from error
    return replace(spec, files=(replace(file, size=size, sha256=digest),))


def record(spec: ModelSpec, path: Path, folder: Path) -> None:
    """Write down size and digest of a model that was fetched for the first time, and say so."""
    if hub_spec(spec.name, folder).sha256:
        return
    stated = spec.files[0].sha256
    known = {"size": size_of(path), "sha256": stated or sha256(path)}
    (home(spec.name, folder) / _RECORD).write_text(json.dumps(known), encoding="utf-8")
    origin = "as the hub states it" if stated else "of the bytes that came; the hub states none"
    print(f"{spec.name}: SHA-256 {known['sha256']}, {origin}; later checks use it.", file=sys.stderr)


def recorded(folder: Path) -> Iterator[str]:
    """Yield the names of the models that were fetched by name."""
    for path in sorted((folder / "hub").rglob(_RECORD)):
        yield PREFIX + path.parent.relative_to(folder / "hub").as_posix()
