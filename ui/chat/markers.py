"""A citation's number in the answer: a link to its source, with a card (static/cards.js)."""

from __future__ import annotations

from ui.chat import labels


def cite_html(turn: int, source: int) -> str:
    """Return the link of a citation, which stays on the line of the word it follows."""
    target = f"source-{turn}-{source}"
    name = labels.SOURCE.of(source).attribute("aria-label")
    return (
        f'&#8288;<a class="cite" href="#{target}" data-goto="{target}" data-card="card-{turn}-{source}" '
        f'aria-details="card-{turn}-{source}"{name}>[{source}]</a>&#8288;'
    )
