"""What stands on the page until the toolkit has loaded: the masthead, and a question box that works.

`static/first.js` shows it, and hands what was typed over to the page. It looks like the Ask tab of an empty
conversation, so that nothing moves when that takes its place.
"""

from __future__ import annotations

import re

from ui import labels
from ui.chat import labels as chat_labels
from ui.chat.format import chat_html

_ID = re.compile(r' id="[^"]*"')


def shell_html(masthead: str, starters: str) -> str:
    """Return the first screen in a `<template>`; `starters` hold the place of the questions to begin with."""
    looks = _ID.sub("", masthead)  # the ids are the page's: what changes there is not for this
    rooms = (labels.ROOM_ASK, labels.ROOM_LIBRARY, labels.ROOM_SETTINGS)
    tabs = "".join(f"<span>{room.html()}</span>" for room in rooms)
    talk = (
        f'<div class="first-welcome">{chat_html(())}</div>'
        f'<div class="first-starters" aria-hidden="true" inert>{starters}</div>{_composer_html()}'
    )
    return (
        f'<template id="first-screen"><div id="first" role="main"><div class="mast">{looks}</div>'
        f'<div class="first-rooms" aria-hidden="true">{tabs}</div><div class="first-desk">'
        f'<div class="first-past"></div><div class="first-talk">{talk}</div><div class="first-side"></div>'
        "</div></div></template>"
    )


def _composer_html() -> str:
    """Return the question box; its button and Enter keep a question until it can be asked."""
    hint = chat_labels.PLACEHOLDER.attribute("placeholder")
    return (
        f'<form class="first-ask"><label class="sr" for="first-box">{chat_labels.QUESTION.html()}</label>'
        f'<textarea id="first-box" rows="1"{hint}></textarea><button>{chat_labels.ASK.html()}</button></form>'
        f'<p class="first-said"><span class="first-hint">{chat_labels.HINT.html()}</span>'
        f'<span class="first-waits" role="status">{chat_labels.ASKED_SOON.html()}</span></p>'
    )
