"""Ratings that readers gave on the page, as questions on the user's own index (docs/conversations.md)."""

from __future__ import annotations

from collections.abc import Sequence

from rag.errors import CorpusError
from rag.evaluation.datasets.records import Line, Query, Rated
from rag.text.language import detect_language

FIELDS = {"question", "rating", "answer", "citations"}


def read_ratings(lines: Sequence[Line], history: Sequence[tuple[tuple[str, str], ...]]) -> list[Query]:
    """Return the question of each rated answer, with what it cited where the reader liked it.

    A later line on the same answer counts alone; one without a rating takes the earlier one back. `history`
    holds the earlier turns of each line. A refusal that was liked is expected again.

    Raises:
        CorpusError: a line lacks a field, or no rating is left.
    """
    last: dict[str, Query | None] = {}
    for line, turns in zip(lines, history, strict=True):
        name = line.text("id")
        last.pop(name, None)  # in the order of the last word on each
        last[name] = _query(name, line, turns)
    rated = [query for query in last.values() if query is not None]
    if not rated:
        raise CorpusError(
            f"{lines[0].file} holds no rating that was not taken back; rate some answers first."
        )
    return rated


def _query(name: str, line: Line, turns: tuple[tuple[str, str], ...]) -> Query | None:
    verdict, text, refused = line.fields["rating"], line.text("question"), bool(line.fields.get("refused"))
    if verdict not in ("up", "down", None):
        raise CorpusError(f'In {line.place} "rating" must be "up", "down" or null; correct it.')
    if verdict is None:
        return None
    liked = verdict == "up"
    return Query(
        name,
        text,
        detect_language(text),
        dict.fromkeys(line.texts("citations"), 1.0) if liked and not refused else {},
        answerable=not (liked and refused),
        history=turns,
        place=line.place,
        kind=f"rated {verdict}",
        rated=Rated(verdict, line.text("answer")),
    )
