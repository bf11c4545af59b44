"""Pairs with a question, from sets for reading comprehension: XQuAD, MLQA, CMRC, DRCD and TyDi QA.

The right answer is the set's own; a wrong one is the answer to another question on the same passage, or
another number of it, or a sentence beside it. Each is given alone or as a statement.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from benchmarks.common import records
from rag.schema import Language
from rag.text.language import to_simplified
from rag.text.sentences import sentence_texts
from training.judge import changes
from training.judge.pairs import (
    ANSWERED,
    BINARY,
    CONTRADICTED,
    LONGEST,
    NOT_TOLD,
    SUPPORTED,
    UNANSWERED,
    Pair,
)
from training.judge.questions import statement
from training.judge.sources import held_out, passage_with

# Sets by folder and file; those marked True have paragraphs that are held out.
SETS = {
    "xquad/en_zh_all4": True, "mlqa/dev_en_zh_all4": True, "cmrc2018/dev": False, "cmrc2018/trial": False,
    "drcd/dev": False, "drcd/test": False, "tydiqa_en/train": False, "tydiqa_en/dev": False,
}  # fmt: skip
_NEGATIVE = ":hardneg"


def reading_pairs(name: str, seed: int, *, held: bool = False) -> Iterator[Pair]:
    """Yield the pairs of one set: those that are `held` out, or the others."""
    draw = random.Random(f"{seed} {name}")
    rows = [_plain(row) for row in records(f"judge/train/{name}")]
    reader = _Reader(rows, name.partition("/")[0], draw, split=SETS[name], held=held)
    draw.shuffle(rows)
    for row in rows:
        yield from reader.pairs(row)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row in simplified characters, as the judge reads them."""
    if "zh" not in (row["lang_a"], row["lang_b"]):
        return row
    keys = [key for key in ("a", "b", "answer") if row.get(key)]
    return row | {key: to_simplified(row[key]) for key in keys}


class _Reader:
    def __init__(
        self, rows: list[dict[str, Any]], kind: str, draw: random.Random, *, split: bool, held: bool
    ) -> None:
        self._kind, self._draw, self._wanted = kind, draw, held
        self._answers: dict[tuple[str, str], str] = {}
        self._on: dict[str, dict[str, None]] = defaultdict(dict)
        self._held: set[str] = set()
        for row in rows:
            if row["label"] == "answerable" and row.get("answer"):
                if row["lang_a"] == row["lang_b"]:
                    self._answers[row["origin"], row["lang_b"]] = row["answer"].strip().rstrip("。.")
                self._on[row["a"]][row["origin"]] = None
            if split and held_out(row["a"]):
                self._held.add(row["origin"].removesuffix(_NEGATIVE))

    def pairs(self, row: dict[str, Any]) -> Iterator[Pair]:
        base = row["origin"].removesuffix(_NEGATIVE)
        answer = self._answers.get((base, row["lang_b"]))
        if (base in self._held) != self._wanted or not row["b"].strip():
            return
        if row["label"] == "answerable":
            yield from self._answered(row, answer)
        else:
            yield from self._unanswered(row, answer)

    def _passage(self, row: dict[str, Any], answer: str) -> str | None:
        """Return a passage around the answer, often as much of the paragraph as fits."""
        if len(row["a"]) <= LONGEST[row["lang_a"]] and self._draw.random() < 0.4:
            return str(row["a"])
        return passage_with(row["a"], answer, row["lang_a"], self._draw)

    def _answered(self, row: dict[str, Any], answer: str | None) -> Iterator[Pair]:
        asked, stored, way = row["b"], str(row.get("answer") or ""), f"{row['lang_b']}->{row['lang_a']}"
        passage = self._passage(row, stored)
        if passage is None or not stored or stored not in passage:
            return
        yield Pair("answers", passage, asked, ANSWERED, self._kind, way)
        if not answer:
            return
        for right in dict.fromkeys(self._form(asked, answer, row["lang_b"]) for _ in range(2)):
            yield Pair("support", passage, right, SUPPORTED, "read", way, asked)
        for wrong in self._wrong(row, answer, passage):
            text = self._form(asked, wrong, row["lang_b"])
            yield Pair("support", passage, text, CONTRADICTED, "read_other", way, asked)
        if (said := statement(asked, answer, row["lang_b"])) and self._draw.random() < 0.5:
            yield Pair("support", passage, said, SUPPORTED, "read_stated", way)
            for wrong in self._wrong(row, answer, passage)[:1]:
                if text := statement(asked, wrong, row["lang_b"]):
                    yield Pair("support", passage, text, CONTRADICTED, "read_stated", way)
        if row["lang_a"] == row["lang_b"]:
            yield from self._quoted(row, passage, stored, way)

    def _quoted(self, row: dict[str, Any], passage: str, stored: str, way: str) -> Iterator[Pair]:
        """Yield the sentence with the answer, and another one of the passage."""
        sentences = sentence_texts(passage)
        holds = [text for text in sentences if stored in text]
        beside = [text for text in sentences if stored not in text]
        if holds and self._draw.random() < 0.4:
            yield Pair("support", passage, holds[0], SUPPORTED, "read_quoted", way, row["b"])
        if beside and self._draw.random() < 0.4:
            text = self._draw.choice(beside)
            yield Pair("support", passage, text, BINARY, "read_beside", way, row["b"])

    def _unanswered(self, row: dict[str, Any], answer: str | None) -> Iterator[Pair]:
        asked, way = row["b"], f"{row['lang_b']}->{row['lang_a']}"
        passage = self._passage(row, "")
        if passage is None:
            return
        yield Pair("answers", passage, asked, UNANSWERED, self._kind, way)
        if answer and answer not in passage and self._draw.random() < 0.5:
            text = self._form(asked, answer, row["lang_b"])
            yield Pair("support", passage, text, NOT_TOLD, "read_missing", way, asked)
        if self._draw.random() < 0.3:
            text = self._draw.choice(sentence_texts(passage))
            yield Pair("support", passage, text, BINARY, "read_beside", way, asked)

    def _wrong(self, row: dict[str, Any], answer: str, passage: str) -> list[str]:
        """Return wrong answers: those to other questions on the passage, and another of its numbers."""
        draw, language = self._draw, row["lang_b"]
        others = [self._answers.get((origin, language), "") for origin in self._on[row["a"]]]
        others = [o for o in others if o and o not in answer and answer not in o]
        numeric = any(c.isdigit() for c in answer)
        alike = [o for o in others if any(c.isdigit() for c in o) == numeric]
        draw.shuffle(alike)
        found = alike[:2] or others[:1]
        if numeric and (changed := changes.another_number(answer, [passage], draw)):
            found.append(changed)
        elif not numeric and (named := changes.names([passage])) and draw.random() < 0.3:
            name = draw.choice(named)
            found += [name] if name not in answer and answer not in name else []
        return found

    def _form(self, asked: str, answer: str, language: Language) -> str:
        said = statement(asked, answer, language)
        if said and self._draw.random() < 0.6:
            return said
        return answer + ("." if language == "en" else "。") if self._draw.random() < 0.5 else answer
