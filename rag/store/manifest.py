"""The manifest of an index: which generation is current, and what built it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from rag.errors import IndexMismatchError, IndexMissingError

SCHEMA_VERSION = 3
READABLE_VERSIONS = frozenset({2, 3})  # version 2 has no records: the first change upgrades it
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What built an index, and how much is in it."""

    schema_version: int
    generation: str
    embedding_model: str
    embedding_digest: str
    chunk_tokens: int
    alignment_digest: str
    inputs: tuple[str, ...]
    records: int = 0
    papers: int = 0
    works: int = 0
    chunks: int = 0
    languages: dict[str, int] = field(default_factory=dict)
    chroma_url: str | None = None
    alignment_origin: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)  # where fields were read from, given by --map
    collection: str | None = None  # a changed generation has the collection of the one it was copied from

    @property
    def collection_name(self) -> str:
        """Return the name of the Chroma collections, without the language."""
        return self.collection or f"citefold-{self.generation}"

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read the manifest of the index in `directory`.

        Raises:
            IndexMissingError: there is none.
            IndexMismatchError: another version of citefold wrote it, or it is damaged.
        """
        path = directory / MANIFEST_FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise IndexMissingError(
                f"There is no index in {directory}; build one with `rag index PATH --index {directory}`."
            ) from None
        except (OSError, ValueError) as error:
            raise IndexMismatchError(
                f"The manifest {path} cannot be read ({error}); build the index again with `rag index`."
            ) from error
        if (
            not isinstance(record, dict)
            or record.get("schema_version") not in READABLE_VERSIONS
            or set(record) | {"alignment_origin", "mapping", "collection"} != {f.name for f in fields(cls)}
        ):
            raise IndexMismatchError(
                f"The index in {directory} was written by another version of citefold; build it again with "
                f"`rag index PATH --index {directory}`."
            )
        return cls(**record | {"inputs": tuple(record["inputs"])})

    def write(self, directory: Path) -> None:
        """Make this the manifest of the index in `directory`, at once: a crash leaves the old one.

        Raises:
            OSError: it cannot be written.
        """
        temporary = directory / f".{MANIFEST_FILE}"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())  # a power cut must not leave an empty manifest
        temporary.replace(directory / MANIFEST_FILE)

    @staticmethod
    def stamp(directory: Path) -> int:
        """Return a number that changes when the index in `directory` is rebuilt; 0 when there is none."""
        try:
            return (directory / MANIFEST_FILE).stat().st_mtime_ns
        except OSError:
            return 0

    def check(self, directory: Path, expected: Mapping[str, object]) -> None:
        """Compare with the settings in force.

        Raises:
            IndexMismatchError: naming what differs and the command that rebuilds the index.
        """
        for name, value in expected.items():
            if getattr(self, name) != value:
                command = " ".join(
                    ["rag index", *map(_quoted, self.inputs), "--index", _quoted(str(directory))]
                )
                raise IndexMismatchError(
                    f"The index in {directory} was built with {name.replace('_', ' ')} "
                    f"{getattr(self, name)}, "
                    f"now it is {value}; run `{command}`, or use the settings it was built with."
                )


def has_index(directory: Path) -> bool:
    """Return whether there is an index in `directory`, of any version."""
    return (directory / MANIFEST_FILE).exists()


def _quoted(path: str) -> str:
    return f"'{path}'" if " " in path else path
