"""What is known of a paper as HTML: title, authors, venue, year, link, files. All of it is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from rag import Language, Paper, Source
from ui.chat import labels
from ui.text.clip import clipped
from ui.text.typeset import plain

# Two lines of a card in the narrowest layout; a Han character is about twice as wide as a Latin letter.
_TITLE_CHARS = {"en": 88, "zh": 42}
_AUTHORS_SHOWN = 3  # names; the others are "et al."


def title_of(title: str | None, text: str, language: Language) -> str:
    """Return the title, or the first words of the text where a record has none."""
    return title or clipped(text, _TITLE_CHARS[language])


def byline_html(authors: Sequence[str], venue: str | None, year: int | None) -> str:
    """Return authors, venue and year, each in an element of its own."""
    parts = [_authors(authors), plain(venue or ""), str(year) if year is not None else ""]
    return "".join(f"<span>{part}</span>" for part in parts if part)


def link_html(doi: str | None, url: str | None) -> str:
    """Return the link to a paper, shown only where it can do no more than open a page."""
    link = f"https://doi.org/{quote(doi)}" if doi else url or ""
    if not (link.isprintable() and _scheme(link) in {"http", "https"}):
        return ""
    name = "DOI" if doi else labels.LINK.html()
    return f'<a href="{plain(link)}" target="_blank" rel="noopener noreferrer">{name}</a>'


def title_line(paper: Paper) -> str:
    """Return the title of a paper, as `title_of`."""
    return title_of(paper.title, paper.text, paper.language)


def byline(paper: Paper) -> str:
    """Return authors, venue, year and link, as far as the record has them."""
    return byline_html(paper.authors, paper.venue, paper.year) + link_html(paper.doi, paper.url)


def files_of(sources: Sequence[Source]) -> int:
    """Return in how many files a paper is."""
    return len({source.file for source in sources})


def _authors(names: Sequence[str]) -> str:
    """Return at most three names, between semicolons, for a name may hold a comma."""
    others = labels.AND_OTHERS.html() if len(names) > _AUTHORS_SHOWN else ""
    return plain("; ".join(names[:_AUTHORS_SHOWN])) + others


def _scheme(link: str) -> str:
    """Return the scheme of a link, empty where it cannot be parsed."""
    try:
        return urlsplit(link).scheme
    except ValueError:
        return ""
