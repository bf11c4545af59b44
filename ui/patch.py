"""What changes on the page, as fragments of HTML by element id; `static/page.js` puts them in their places.

Gradio sends of a streamed value only the difference to the one before, and may show two of them at once.
So the patch of a turn names all its fragments every time: what did not change costs nothing, and nothing
is lost.
"""

from __future__ import annotations

from html import escape
from json import dumps

# "answer-3": the inner HTML of the element with that id. "turn-3@lang": that attribute of it. A "turn-N"
# that is not on the page yet is added at the end of the conversation. Applied in order, an outer element
# before an inner one.
Patch = dict[str, str]


def does(name: str, **values: str | int | None) -> str:
    """Return the attributes that make a button of our HTML set off the action `name` with `values`."""
    return f' data-do="{name}" data-with="{escape(dumps(values, ensure_ascii=False))}"'


def button(shown: str, classes: str, action: str) -> str:
    """Return a button of our HTML; `shown` is HTML, `action` the attributes that `does` made, and others."""
    return f'<button type="button" class="{classes}"{action}>{shown}</button>'
