"""An answer or a conversation as one HTML file for printing: styles inside, nothing fetched, all escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from rag.export.cited import Entry, entries, say, warnings
from rag.export.references import one_line
from rag.schema import Answer, Language
from rag.text.language import detect_language

_MARKER = re.compile(r"\[(\d{1,4})\]")
_STYLE = """
:root { color-scheme: light; }
body { margin: 3rem auto; padding: 0 1.5rem; max-width: 40rem; color: #1d1d1b; background: #fff;
  font: 1rem/1.6 Charter, Cambria, Georgia, "Noto Serif", "Noto Serif CJK SC", "Songti SC", SimSun, serif; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 1.5rem; }
h2 { font-size: 1.2rem; line-height: 1.4; margin: 2.5rem 0 1rem; }
h3 { font-size: .9rem; letter-spacing: .02em; color: #5d5b56; margin: 1.75rem 0 .5rem; }
h1, h2, h3, p, li { overflow-wrap: anywhere; }
.refs { list-style: none; margin: 0; padding: 0; font-size: .9rem; line-height: 1.5; }
.refs > li { margin: 0 0 1rem; position: relative; break-inside: avoid; }
.refs > li[id] { padding-left: 2.25rem; }
.refs .number { position: absolute; left: 0; color: #5d5b56; }
.refs .title { font-weight: 600; }
blockquote { margin: .4rem 0 0; padding-left: .8rem; border-left: 2px solid #c9c5bb; }
.note { font-size: .9rem; color: #5d5b56; }
a { color: #1f4e79; text-decoration: none; }
section { break-before: auto; }
h2, h3 { break-after: avoid; }
@page { margin: 2cm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11pt; } }
"""
# The file may be opened years later, beside anything: it can load nothing and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html_answer(answer: Answer) -> str:
    """Return one answer under its question, as a whole page."""
    return _page(answer.question, answer.language, _body("1", answer, "h2"))


def html_conversation(title: str, turns: Sequence[tuple[str, Answer | None]]) -> str:
    """Return every question with its answer and references, oldest first, as a whole page."""
    language = next((answer.language for _, answer in turns if answer), detect_language(title))
    sections = []
    for number, (question, answer) in enumerate(turns, 1):
        unanswered = f'<p class="note">{escape(say("unanswered", language))}</p>'
        body = _body(str(number), answer, "h3") if answer else unanswered
        head = f'<h2 lang="{detect_language(question)}">{number}. {escape(one_line(question))}</h2>'
        sections.append(f"<section>\n{head}\n{body}\n</section>")
    return _page(title, language, "\n".join(sections))


def _page(title: str, language: Language, body: str) -> str:
    name = escape(one_line(title))
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n{body}\n"
        "</main>\n</body>\n</html>\n"
    )


def _body(turn: str, answer: Answer, level: str) -> str:
    listed = [] if answer.kind == "chat" else entries(answer)
    known = {entry.number for entry in listed}
    parts = []
    if answer.standalone_question:
        read_as = say("read_as", answer.language, one_line(answer.standalone_question))
        parts.append(f'<p class="note">{escape(read_as)}</p>')
    for line in filter(None, map(one_line, answer.answer.splitlines())):
        parts.append(f'<p lang="{answer.language}">{_linked(turn, line, known)}</p>')
    if listed:
        head = say("closest" if answer.refused else "references", answer.language)
        items = "\n".join(_entry(turn, entry) for entry in listed)
        parts.append(f'<{level}>{escape(head)}</{level}>\n<ul class="refs">\n{items}\n</ul>')
    return "\n".join(parts + [f'<p class="note">{escape(line)}</p>' for line in warnings(answer)])


def _linked(turn: str, line: str, known: set[int | None]) -> str:
    """Return a line escaped, each known marker a link to its reference."""

    def marker(found: re.Match[str]) -> str:
        shown = found[0]
        return f'<a href="#ref-{turn}-{found[1]}">{shown}</a>' if int(found[1]) in known else shown

    return _MARKER.sub(marker, escape(line))


def _entry(turn: str, entry: Entry) -> str:
    place = f' id="ref-{turn}-{entry.number}"' if entry.number else ""
    label = f'<span class="number">[{entry.number}]</span>' if entry.number else ""
    title = f'<span class="title" lang="{entry.language}">{escape(entry.title)}</span>'
    link = f'<a href="{escape(entry.link)}" rel="noreferrer">{escape(entry.link)}</a>' if entry.link else ""
    parts = " · ".join(filter(None, (title, escape(entry.byline), link)))
    quoted = "".join(
        f'<blockquote lang="{entry.language}">{escape(quote)}</blockquote>' for quote in entry.quotes
    )
    return f"<li{place}>{label}{parts}{quoted}</li>"
