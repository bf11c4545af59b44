"""Take a model's reasoning out of its reply, whatever the pieces in which the reply arrives.

Reasoning stands between tags such as <think> and </think>. Some chat templates put the opening tag into the
prompt, so that only the closing one arrives and all text before it is reasoning. That text cannot be taken
back once it was shown. So the first words are held until they are seen to be an answer.
"""

from __future__ import annotations

import re
from typing import Literal

Hold = Literal["nothing", "until cited", "all"]
"""Which text without tags is held: none, until its first sentence cites, or until a closing tag."""

_NAME = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?)"
_TAG = re.compile(
    rf"(?P<open><[ \t]{{0,3}}(?i:{_NAME})(?:\s[^<>]{{0,40}})?>|\[THINK\]|◁think▷|<\|START_THINKING\|>"
    r"|<\|channel\|>\s{0,3}(?:analysis|commentary))"
    rf"|(?P<close><[ \t]{{0,3}}/[ \t]{{0,3}}(?i:{_NAME})\s{{0,10}}>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>"
    r"|<\|channel\|>\s{0,3}final)"
    r"|(?P<wrapper></?(?:answer|response)>)"
    r"|(?P<token><\|start\|>\s{0,3}assistant|<\|[A-Za-z_]{1,30}\|>)"
)
# The end of a text that could still grow into a tag.
_PARTIAL = re.compile(
    r"<\|(?:channel|start)\|>\s{0,3}[a-z]{0,10}$"
    r"|<(?:\|[A-Za-z_]{0,30}\|?)?$"
    r"|<[ \t]{0,3}/?[ \t]{0,3}(?:[A-Za-z][A-Za-z:]{0,20}(?:\s[^<>]{0,40})?\s{0,10})?$"
    r"|\[/?T?H?I?N?K?$|◁/?t?h?i?n?k?$"
)
# A first sentence with a citation at its end, as the prompts ask for. Reasoning seldom begins with one.
_MARKER = r"[\[【(（]\^?\d{1,3}[^\[\]【】()（）]{0,20}[\]】)）]"
_CITED = re.compile(
    rf"(?:(?![.!?]\s|[。！？\n]).)*(?:{_MARKER}\s*[.!?。！？]|[.!?。！？]\s*{_MARKER})", re.DOTALL
)
# So long a text without the end of a sentence is neither; characters.
_UNENDING = re.compile(r"[^.!?。！？\n]{300}")


class ReasoningFilter:
    """Passes on the answer in a reply and leaves out its reasoning.

    Attributes:
        seen: whether the reply held reasoning.
        closed_only: whether reasoning was closed that was never opened.
    """

    def __init__(self, hold: Hold) -> None:
        """Start a reply."""
        self.seen = False
        self.closed_only = False
        self._hold: Hold = hold
        self._raw = ""  # what may still become a tag
        self._held = ""
        self._inside = False
        self._tagged = False  # whether tags were taken out; then those around the answer are too
        self._inline = 0  # tags that are open in the middle of a line, where they are text
        self._shown = ""  # the line so far of what was passed on
        self._begun = True  # whether leading space is kept

    def feed(self, delta: str) -> str:
        """Take a piece of the reply; return the text that is certain to be answer."""
        self._raw += delta
        partial = _PARTIAL.search(self._raw)
        certain = self._raw[: partial.start()] if partial else self._raw
        self._raw = self._raw[len(certain) :]
        return self._take(certain)

    def apart(self) -> str:
        """Note that reasoning arrives apart, so that all text is answer; return what was held."""
        self.seen = True
        return self._release(True)

    def finish(self, *, cut: bool = False) -> str:
        """Return the rest of the answer; text that was held is none if the reply was `cut`."""
        rest = self._take(self._raw) + self._release(not cut)
        self._raw = ""
        return rest

    def _take(self, text: str) -> str:
        said, last = "", 0
        for match in _TAG.finditer(text):
            said += self._text(text[last : match.start()]) + self._tag(match[0], match.lastgroup or "")
            last = match.end()
        return said + self._text(text[last:])

    def _text(self, text: str) -> str:
        if self._inside:
            self.seen = self.seen or bool(text.strip())
            return ""
        if self._hold != "nothing":
            self._held += text
            answers = _CITED.match(self._held.lstrip()) or _UNENDING.match(self._held.lstrip())
            return self._release(self._hold == "until cited" and bool(answers))
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        self._shown = (self._shown + text).rpartition("\n")[2]
        return text

    def _tag(self, tag: str, kind: str) -> str:
        inline = (self._shown if self._hold == "nothing" else self._held).rpartition("\n")[2].strip()
        if kind == "open" and not self._inside:
            if inline:
                self._inline += 1
                return self._text(tag)
            said = self._release(True)
            self._inside = True
            return said if said.strip() else ""
        if kind == "close":
            return self._close(tag)
        if kind == "wrapper" and inline and not self._tagged:
            return self._text(tag)
        self._tagged = True
        return ""

    def _close(self, tag: str) -> str:
        if self._inline and not self._inside:
            self._inline -= 1
            return self._text(tag)
        if not self._inside:
            self.closed_only = self.seen = True
        self._held, self._hold, self._inside, self._begun = "", "nothing", False, False
        self._tagged = True
        return ""

    def _release(self, due: bool) -> str:
        """Pass on the text that is held, and hold no more, if that is `due`."""
        if not due or self._inside or self._hold == "nothing":
            return ""
        held, self._held, self._hold = self._held, "", "nothing"
        return self._text(held)
