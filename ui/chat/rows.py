"""An answer over several abstracts as a table: the paper, what it says, and the words behind it."""

from __future__ import annotations

from dataclasses import dataclass

from rag import Citation, Sentence
from ui.chat import labels
from ui.chat.markers import cite_html
from ui.chat.paper import byline_html, title_of
from ui.chat.turn import Turn
from ui.text.typeset import typeset
from ui.words import Label


@dataclass(frozen=True, slots=True)
class Row:
    """What one abstract says in an answer: the sentences that rest on it alone."""

    citation: Citation
    sentences: tuple[Sentence, ...]


def rows_of(turn: Turn) -> list[Row]:
    """Return a row for each abstract, in the order of the answer; none where it is no answer of such parts.

    It is one if every sentence rests on one abstract, there are two abstracts at least, and each has its
    sentences in one place.
    """
    if turn.answer and (turn.answer.refused or turn.answer.kind != "answer"):
        return []
    known = {citation.number: citation for citation in turn.citations}
    rows: list[Row] = []
    for sentence in turn.sentences:
        if len(sentence.citations) != 1 or sentence.citations[0] not in known:
            return []
        citation = known[sentence.citations[0]]
        if rows and rows[-1].citation.number == citation.number:
            rows[-1] = Row(citation, (*rows[-1].sentences, sentence))
        else:
            rows.append(Row(citation, (sentence,)))
    numbers = [row.citation.number for row in rows]
    apart = turn.text.strip().count("\n\n") == len(rows) - 1
    return rows if len(rows) > 1 and len({*numbers}) == len(numbers) and apart else []


def table_html(number: int, turn: Turn) -> str:
    """Return the table of a turn, empty where its answer is none; sorted by its heads (static/table.js)."""
    rows = rows_of(turn)
    if not rows:
        return ""
    columns = (labels.COLUMN_PAPER, labels.COLUMN_SAYS, labels.COLUMN_WORDS)
    heads = "".join(
        f'<th scope="col"><button type="button" class="sort" data-column="{place}">'
        f'{column.html()}<span class="arrow" aria-hidden="true"></span></button></th>'
        for place, column in enumerate(columns)
    )
    body = "".join(_row_html(number, turn, row) for row in rows)
    return (
        f'<table class="compared"><caption class="sr">{labels.TABLE.html()}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row_html(number: int, turn: Turn, row: Row) -> str:
    citation = row.citation
    says = " ".join(_sentence_html(sentence) for sentence in row.sentences)
    quotes = list(dict.fromkeys(e.quote for s in row.sentences for e in s.evidence)) or [citation.quote]
    language = turn.language_of(citation.paper_id)
    words = "".join(f"<q>{typeset(quote)}</q>" for quote in quotes)
    title = typeset(title_of(citation.title, citation.text, language))
    paper = (
        f'<span class="title" lang="{language}">{title}</span>'
        f"{cite_html(number, citation.number)}"
        f'<span class="meta">{byline_html(citation.authors, citation.venue, citation.year)}</span>'
    )
    cells = (
        (labels.COLUMN_PAPER, paper, ""),
        (labels.COLUMN_SAYS, says, f' lang="{turn.language}"'),
        (labels.COLUMN_WORDS, words, f' lang="{language}"'),
    )
    return f"<tr>{''.join(_cell_html(*cell) for cell in cells)}</tr>"


def _cell_html(column: Label, inner: str, attributes: str) -> str:
    return f"<td{column.attribute('data-column')}><div{attributes}>{inner}</div></td>"


def _sentence_html(sentence: Sentence) -> str:
    if sentence.support != "weak":
        return typeset(sentence.text)
    return (
        f'<span class="weak"{labels.WEAK.attribute("title")}>{typeset(sentence.text)}'
        f'<span class="sr"> ({labels.WEAK.html()})</span></span>'
    )
