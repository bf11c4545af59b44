"""Which answers come as a table, and what stands in its cells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag import Evidence, Sentence
from tests.fake_rag import answer, citation, context
from ui.chat.rows import rows_of, table_html
from ui.chat.turn import Turn

BEES = context("We count bees. Noise lowers foraging by 30 percent.", title="Bees <b>")
SNOW = context("本文提出SnowNet。它的误差为2.5厘米。", language="zh")
CITED = (citation(1, BEES, "Noise lowers foraging by 30 percent."), citation(2, SNOW, "它的误差为2.5厘米。"))


def said(text: str, *numbers: int) -> Sentence:
    found = tuple(Evidence(c.number, c.start, c.end, c.quote) for c in CITED if c.number in numbers)
    return Sentence(text, numbers, "supported", 0.9, found)


def turn_of(text: str, *sentences: Sentence, refused: bool = False) -> Turn:
    told = answer("q", text, [BEES, SNOW], CITED, refused=refused)
    return Turn("q").after(replace(told, sentences=sentences))


def test_a_paragraph_an_abstract_is_a_row() -> None:
    turn = turn_of(
        "Less [1]. Much [1].\n\nIt is 2.5 [2].", said("Less.", 1), said("Much.", 1), said("It is 2.5.", 2)
    )
    assert [(row.citation.number, len(row.sentences)) for row in rows_of(turn)] == [(1, 2), (2, 1)]
    html = table_html(3, turn)
    assert "Bees &lt;b&gt;" in html
    assert "<q>它的误差为2.5厘米。</q>" in html
    assert 'data-card="card-3-2"' in html
    assert html.count("<q>") == 2  # words that two sentences rest on stand once


@pytest.mark.parametrize(
    "turn",
    [
        turn_of("Less [1].", said("Less.", 1)),
        turn_of("Less [1]. It is 2.5 [2].", said("Less.", 1), said("It is 2.5.", 2)),  # one paragraph
        turn_of("Less [1][2].\n\nMuch [2].", said("Less.", 1, 2), said("Much.", 2)),
        turn_of("Less [1].\n\nBare.", said("Less.", 1), Sentence("Bare.", ())),
        turn_of("Less [1].\n\nIt is 2.5 [2].", said("Less.", 1), said("It is 2.5.", 2), refused=True),
    ],
)  # fmt: skip
def test_other_answers_are_text(turn: Turn) -> None:
    assert rows_of(turn) == []
    assert table_html(1, turn) == ""
