"""An answer over several abstracts as a table: each paper, what is said of it, and the words behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from rag.export.cited import entries, say
from rag.export.references import one_line
from rag.schema import Answer

# A spreadsheet runs a cell that begins so as a formula, in its full-width form too. A quotation mark before
# it makes it text (OWASP, "CSV Injection").
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_COLUMNS = ("paper", "authors", "year", "venue", "link", "says", "quoted")


def csv_answer(answer: Answer) -> str:
    """Return the cited papers as CSV, one a row, with a header in the language of the answer."""
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([say(name, answer.language) for name in _COLUMNS])
    writer.writerows([_cell(text) for text in row] for row in _rows(answer))
    return written.getvalue()


def _rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    if answer.refused:
        return
    cited = sorted(answer.citations, key=lambda citation: citation.number)
    for citation, entry in zip(cited, entries(answer), strict=True):
        says = [s.text for s in answer.sentences if citation.number in s.citations]
        yield (
            entry.title,
            "; ".join(citation.authors),
            str(citation.year or ""),
            citation.venue or "",
            entry.link,
            " ".join(dict.fromkeys(says)),
            " … ".join(entry.quotes),
        )


def _cell(text: str) -> str:
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line
