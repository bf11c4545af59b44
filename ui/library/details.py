"""One work in full as HTML, pure: its texts, what its records say, and what was folded into it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag import FoldedText, Paper, WorkDetails
from ui.chat.paper import byline
from ui.library import labels
from ui.patch import does
from ui.words import Label


def details_html(work: WorkDetails | None, may_change: bool) -> str:
    """Return all that is known of a work; `may_change` whether what was folded may be parted."""
    if work is None:
        return f'<p class="none">{labels.GONE.html()}</p>'
    several = len(work.papers) > 1
    head = f'<p class="note">{labels.TWO_TEXTS.html()}</p>' if several else ""
    texts = "".join(_text(paper, several) for paper in work.papers)
    return head + texts + _fields(work.papers) + _folded(work.folded, may_change)


def parted_html(kept: str, other: str) -> str:
    """Return what is said once two records are two works, with a button that takes it back."""
    undo = does("decide", kept=kept, other=other, one=1)
    return (
        f'<p class="note" role="status">{labels.SPLIT_DONE.html()} '
        f'<button type="button" class="plain"{undo}>{labels.JOIN.html()}</button></p>'
    )


def said_html(label: Label, kind: str = "note") -> str:
    """Return one sentence that is read out; `kind` is "note" or "error"."""
    role = "alert" if kind == "error" else "status"
    return f'<p class="{kind}" role="{role}">{label.html()}</p>'


def _text(paper: Paper, named: bool) -> str:
    title = f'<h4 lang="{paper.language}">{escape(paper.title)}</h4>' if paper.title and named else ""
    language = f'<p class="which">{labels.LANGUAGE_NAMES[paper.language].html()}</p>' if named else ""
    return f'{language}{title}<p class="abstract" lang="{paper.language}">{escape(paper.text)}</p>'


def _fields(papers: Sequence[Paper]) -> str:
    def first(name: str) -> Sequence[str]:
        value = next((value for paper in papers if (value := getattr(paper, name))), ())
        return value if isinstance(value, tuple) else (str(value),)

    links = [part for paper in papers if (part := byline(paper).partition("<a ")[2])]
    places = list(
        dict.fromkeys(f"{source.file} #{source.position}" for paper in papers for source in paper.sources)
    )
    rows = [
        (labels.AUTHORS, escape("; ".join(first("authors")))),
        (labels.VENUE, escape("; ".join(first("venue")))),
        (labels.YEAR, escape("; ".join(first("year")))),
        (labels.KEYWORDS, escape("; ".join(first("keywords")))),
        (Label("DOI"), escape("; ".join(first("doi")))),
        (Label("arXiv"), escape("; ".join(first("arxiv_id")))),
        (Label("PMID"), escape("; ".join(first("pmid")))),
        (Label("↗"), f"<a {links[0]}" if links else ""),
        (labels.FOUND_IN, "<br>".join(map(escape, places))),
    ]
    return f"<dl>{''.join(f'<dt>{name.html()}</dt><dd>{value}</dd>' for name, value in rows if value)}</dl>"


def _folded(folded: Sequence[FoldedText], may_change: bool) -> str:
    if not folded:
        return ""
    items = "".join(_record(record, may_change) for record in folded)
    count = labels.FOLDED.of(len(folded)).html()
    return f'<details class="folded"><summary>{count}</summary><ul>{items}</ul></details>'


def _record(record: FoldedText, may_change: bool) -> str:
    paper, source = record.paper, record.paper.sources[0]
    why = labels.REASONS[record.reason].html()
    if record.reason == "near":
        why += f" ({labels.LIKE.of(round(100 * record.score)).html()})"
    part = ""
    if may_change and paper.paper_id != record.kept_id:
        action = does("decide", kept=record.kept_id, other=paper.paper_id)
        part = f'<button type="button" class="plain"{action}>{labels.SPLIT.html()}</button>'
    text = paper.text if paper.paper_id != record.kept_id else ""
    shown = f'<p class="abstract" lang="{paper.language}">{escape(text)}</p>' if text else ""
    title = f"<cite>{escape(paper.title)}</cite> " if paper.title else ""
    return f"<li><p>{title}{escape(source.file)} #{source.position}: {why} {part}</p>{shown}</li>"
