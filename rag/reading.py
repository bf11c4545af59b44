"""What a language model reads of a paper, and how the chats about it begin."""

from __future__ import annotations

from rag.endpoint import Message
from rag.instructions import without_planted
from rag.layout import estimate_tokens, reading_messages
from rag.numbers import spelled_for
from rag.schema import LANGUAGES, Paper

# What the embedded model reads of one abstract, in its tokens, unless the settings say otherwise: whole ones, but for the
# longest.
ABSTRACT_TOKENS = 800


def readable(paper: Paper) -> str:
    """Return what a model reads of a paper: its title, if it has one, and its abstract, but for what was planted there."""
    text = without_planted(paper.text)
    return f"{paper.title}. {text}" if paper.title else text


def readings(paper: Paper, evidence_tokens: int | None = None) -> list[list[Message]]:
    """Return how the chats begin that questions in either language put to the embedded model about a paper.

    One that is too long to be read whole (`evidence_tokens` as `Responder` has it) has none.
    """
    text = readable(paper)
    if estimate_tokens(text) > (evidence_tokens or ABSTRACT_TOKENS):
        return []
    spelled = dict.fromkeys(spelled_for(text, language) for language in (paper.language, *LANGUAGES))
    return [reading_messages(paper.paper_id, each) for each in spelled]
