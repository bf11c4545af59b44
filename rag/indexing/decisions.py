"""Choices by hand about duplicates, kept in `INDEX/duplicates.jsonl` so that they survive indexing again."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import LibraryIndexError

_FILE = "duplicates.jsonl"
_CHOICES = ("join", "split")

Pair = frozenset[str]
"""Two ids of papers."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Pairs of paper ids that are one work, and pairs that are not, whatever their texts say.

    Where both are said of papers, directly or through others, they stay apart.
    """

    joined: frozenset[Pair] = frozenset()
    split: frozenset[Pair] = frozenset()

    def join(self, first: str, second: str) -> Decisions:
        """Return these choices with one more pair that is one work."""
        pair = frozenset({first, second})
        return Decisions(self.joined | {pair}, self.split - {pair})

    def keep_apart(self, first: str, second: str) -> Decisions:
        """Return these choices with one more pair that is not one work."""
        pair = frozenset({first, second})
        return Decisions(self.joined - {pair}, self.split | {pair})

    def forbid(self, first: frozenset[str] | set[str], second: frozenset[str] | set[str]) -> bool:
        """Return whether a pair that is kept apart has one id in each of two sets."""
        return any(
            (pair & first and pair & second and len(pair & (first | second)) == len(pair))
            for pair in self.split
        )


NO_DECISIONS = Decisions()


def load_decisions(directory: Path) -> Decisions:
    """Return the choices of an index; none if it has no such file.

    Raises:
        LibraryIndexError: the file cannot be read, or a line of it is none of ours.
    """
    path = directory / _FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return NO_DECISIONS
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryIndexError(f"{path} cannot be read ({error}); repair or delete it.") from error
    found = [_parse(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]
    decisions = NO_DECISIONS
    for choice, (first, second) in found:
        decisions = decisions.join(first, second) if choice == "join" else decisions.keep_apart(first, second)
    return decisions


def save_decisions(directory: Path, decisions: Decisions) -> None:
    """Write the choices so that the file holds either the old or the new ones, whatever happens.

    Raises:
        LibraryIndexError: the file cannot be written.
    """
    path = directory / _FILE
    lines = [
        json.dumps({"choice": choice, "papers": sorted(pair)})
        for choice, pairs in zip(_CHOICES, (decisions.joined, decisions.split), strict=True)
        for pair in sorted(pairs, key=sorted)
    ]
    new = path.with_suffix(".new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise LibraryIndexError(
            f"{path} cannot be written ({error.strerror}); free some space, or allow writing to the folder."
        ) from error


def _parse(line: str, path: Path, number: int) -> tuple[str, tuple[str, str]]:
    remedy = f"Line {number} of {path} is no choice about duplicates; correct or delete the line."
    try:
        record: Any = json.loads(line)
    except ValueError as error:
        raise LibraryIndexError(remedy) from error
    if not isinstance(record, dict) or record.get("choice") not in _CHOICES:
        raise LibraryIndexError(remedy)
    papers = record.get("papers")
    if not isinstance(papers, list) or len(papers) != 2 or not all(isinstance(p, str) for p in papers):
        raise LibraryIndexError(remedy)
    return record["choice"], (papers[0], papers[1])
