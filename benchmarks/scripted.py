"""A scripted library that answers at once, and conversations kept before, for measuring the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.schema import SourcesEvent, TextEvent
from tests.fake_rag import FakeRAG, Step, answer, citation, context
from ui.chat.turn import Turn
from ui.conversations.store import Conversations

SOURCES, PIECES = 5, 20
# The reader whose conversations are kept; the browser is given this cookie.
READER = "0123456789abcdef" * 2
_FILLER = "We study the question on many data sets and compare with earlier methods. " * 16
_CONTEXTS = [
    context(
        f"Method {n} is new. It reaches {n}.5 percent on the benchmark. {_FILLER}",
        f"It reaches {n}.5 percent on the benchmark.",
        files=[(f"{n:03}.txt", 1)],
        title=f"Method {n} for a hard problem",
    )
    for n in range(1, SOURCES + 1)
]
_CITED = [citation(n, found, f"reaches {n}.5 percent") for n, found in enumerate(_CONTEXTS[:2], 1)]
_TEXT = "Method 1 reaches 1.5 percent on the benchmark [1], and method 2 reaches 2.5 percent there [2]. "


def script(question: str, history: Sequence[tuple[str, str]] = ()) -> list[Step]:
    """Return five sources of 1,300 characters, an answer in 20 pieces, and its end."""
    text = (_TEXT * 4).strip()
    size = -(-len(text) // PIECES)
    pieces = [TextEvent(text[at : at + size], tuple(_CITED)) for at in range(0, len(text), size)]
    return [SourcesEvent(tuple(_CONTEXTS), "en"), *pieces, answer(question, text, _CONTEXTS, _CITED)]


def scripted_library() -> FakeRAG:
    """Return the library."""
    return FakeRAG(script)


def keep_conversations(folder: Path, turns: Sequence[int]) -> list[str]:
    """Write a conversation of READER for each number of `turns` into `folder`; return their ids."""
    store = Conversations(folder)
    ids = []
    for number, count in enumerate(turns, 1):
        known: str | None = None
        past: tuple[Turn, ...] = ()
        for position in range(count):
            turn = _answered(f"What does method {number} reach in run {position}?")
            known = store.begin(known, f"browser {READER}", past, turn)
            past = (*past, turn)
        ids.append(known or "")
    store.close()
    return ids


def _answered(question: str) -> Turn:
    turn = Turn(question)
    for event in script(question):
        turn = turn.after(event)
    return turn
