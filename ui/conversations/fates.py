"""What became of the abstracts that an older turn cites: still there, folded into another, or removed."""

from __future__ import annotations

from collections.abc import Mapping

from rag import RagError
from ui.chat.turn import Turn
from ui.conversations.labels import KEPT_AS, KEPT_UNTITLED, NOT_THERE
from ui.engine import Library
from ui.words import Label

Fates = Mapping[str, Label]
"""By the id that was cited; an abstract that is still there as it was has none."""


def fates_of(library: Library, turn: Turn) -> Fates:
    """Return what became of the abstracts of a turn, nothing where the library cannot be read now."""
    ids = {context.paper.paper_id for context in turn.contexts or ()}
    fates: dict[str, Label] = {}
    try:
        for paper_id in ids:
            found = library.paper(paper_id)
            if found is None:
                fates[paper_id] = NOT_THERE
            elif found.paper_id != paper_id:
                fates[paper_id] = KEPT_AS.of(title=found.title) if found.title else KEPT_UNTITLED
    except RagError:
        return {}
    return fates
