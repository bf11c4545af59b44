"""An answer with its references as plain text, for the clipboard."""

from __future__ import annotations

from rag.export.cited import Entry, entries, say
from rag.schema import Answer


def plain_text(answer: Answer) -> str:
    """Return the answer, and below it each reference with the words quoted."""
    listed = entries(answer)
    if not listed or answer.kind == "chat":
        return answer.answer.strip()
    head = say("closest" if answer.refused else "references", answer.language)
    return "\n".join([answer.answer.strip(), "", head, *(line for e in listed for line in _lines(e))])


def _lines(entry: Entry) -> list[str]:
    label = f"[{entry.number}]" if entry.number else "-"
    line = " ".join(filter(None, (label, _ended(entry.title), _ended(entry.byline), entry.link)))
    return [line, *(f"    “{quote}”" for quote in entry.quotes)]


def _ended(text: str) -> str:
    """Return a part of a reference with a full stop, unless it ends in a mark of its own."""
    return f"{text}." if text and text[-1] not in ".?!。？！…" else text
