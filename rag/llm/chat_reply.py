"""A reply as it arrives: its text without reasoning, and how it ended."""

from __future__ import annotations

from rag.llm.base import FinishReason
from rag.llm.chat_events import Piece
from rag.llm.reasoning import Hold, ReasoningFilter


class Reply:
    """What has arrived of one reply."""

    def __init__(self, hold: Hold) -> None:
        """Hold back of the first sentence what `hold` says."""
        self.reasoning = ReasoningFilter(hold)
        self.answered = self.cut = False
        self._content = ""

    @property
    def reason(self) -> FinishReason:
        """How the reply ended so far."""
        return "length" if self.cut else "stop"

    def add(self, piece: Piece) -> str:
        """Take one part; return the text that is certain to be answer."""
        self.cut = piece.cut or self.cut
        text = piece.text
        if piece.whole and self._content and text.startswith(self._content):
            text = text[len(self._content) :]
        self._content += text
        return self._noted((self.reasoning.apart() if piece.reasoning else "") + self.reasoning.feed(text))

    def end(self) -> str:
        """Return the text that is left."""
        return self._noted(self.reasoning.finish(cut=self.cut))

    def _noted(self, said: str) -> str:
        self.answered = self.answered or bool(said.strip())
        return said
