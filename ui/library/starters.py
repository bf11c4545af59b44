"""What stands below the welcome: questions to begin with, or an invitation to add papers."""

from __future__ import annotations

from ui.chat.room import starters_html
from ui.engine import Library
from ui.library.listing import empty_html
from ui.patch import Patch

_EXAMPLES = 6
# Works of the largest library whose questions are made before the page is served; a larger one takes seconds.
_AT_ONCE = 5000


class Starters:
    """The questions of a library, and as they were last shown: the first screen keeps their place."""

    def __init__(self, library: Library, *, may_add: bool) -> None:
        """Ask `library` for them; who `may_add` papers is invited to where there are none."""
        self._library, self._may_add = library, may_add
        self.shown = ""
        if library.info()["works"] <= _AT_ONCE:
            self.patch()

    def patch(self) -> Patch:
        """Return what is shown of them now: the model may have written more, or the library have changed."""
        works = self._library.info()["works"]
        self.shown = starters_html(self._library.examples(_EXAMPLES)) if works else empty_html(self._may_add)
        return {"starters": self.shown}
