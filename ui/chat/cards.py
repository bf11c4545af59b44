"""The card of a citation: what the paper is, and the quoted words in their context.

Each card is a popover that static/cards.js shows at its number, by mouse, keyboard and touch.
"""

from __future__ import annotations

from rag import Citation
from ui.chat import labels
from ui.chat.paper import byline_html, files_of, title_of
from ui.chat.turn import Turn
from ui.patch import does
from ui.text.clip import head, tail
from ui.text.typeset import typeset

# Characters of the abstract shown before and behind the quoted words; a Han character is wider.
_AROUND = {"en": 140, "zh": 60}
# Characters of quoted words on a card; what is longer is read in the sources.
_QUOTED = {"en": 600, "zh": 300}


def cards_html(number: int, turn: Turn) -> str:
    """Return the cards of a turn's citations, which are hidden until asked for."""
    return "".join(_card_html(number, turn, citation) for citation in turn.citations)


def _card_html(number: int, turn: Turn, citation: Citation) -> str:
    language = turn.language_of(citation.paper_id)
    title = typeset(title_of(citation.title, citation.text, language))
    key = f"{number}-{citation.number}"
    name = labels.CARD.of(citation.number).attribute("aria-label")
    byline = byline_html(citation.authors, citation.venue, citation.year)
    files = labels.FILES.of(files_of(citation.sources)).html()
    return (
        f'<div class="cite-card" id="card-{key}" popover="manual" role="dialog" tabindex="-1"{name}>'
        f'<p class="title" lang="{language}">{title}</p>'
        f'<p class="meta">{byline}<span>{files}</span></p>'
        f'<p class="quoted" lang="{language}">{_in_context(citation, language)}</p>'
        f'<div class="translation" id="translation-{key}" aria-live="polite"></div>'
        f'<p class="more">{_translate_html(number, citation, foreign=language != turn.language)}'
        f'<a href="#source-{key}" data-goto="source-{key}">{labels.TO_SOURCE.html()}</a></p></div>'
    )


def _in_context(citation: Citation, language: str) -> str:
    """Return the quoted words, marked, between the words around them."""
    text, start, end = citation.text, citation.start, citation.end
    before, after = tail(text[:start], _AROUND[language]), head(text[end:], _AROUND[language])
    quote = head(text[start:end], _QUOTED[language])
    cut = "" if len(quote) == end - start else " …"
    return (
        ("… " if len(before) < start else "")
        + f"{typeset(before)}<mark>{typeset(quote)}{cut}</mark>"
        + ("" if cut else typeset(after) + (" …" if len(after) < len(text) - end else ""))
    )


def _translate_html(number: int, citation: Citation, *, foreign: bool) -> str:
    if not foreign:
        return ""
    action = does("translate", turn=number, source=citation.number)
    return f'<button type="button" class="translate"{action}>{labels.TRANSLATE.html()}</button>'
