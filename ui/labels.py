"""The words of the masthead and of what all rooms share."""

from __future__ import annotations

from ui.words import Label, Part

TAGLINE = Label("Answers from your abstracts, with citations", "依据摘要作答，逐句注明出处")
INDEXED = Label("Indexed", "已收录")
SIGN_OUT = Label("Sign out", "退出登录")
SWITCH = Label("Language", "语言")
ABSTRACTS = Label("{n} abstract{s}", "{n} 篇摘要")
IN_LANGUAGE = {"en": Label("{n} English", "{n} 篇英文"), "zh": Label("{n} Chinese", "{n} 篇中文")}

# Rooms
ROOM_ASK = Label("Ask", "提问")
ROOM_LIBRARY = Label("Library", "文库")
ROOM_SETTINGS = Label("Settings", "设置")

_ROOMS = {"ask": ROOM_ASK, "library": ROOM_LIBRARY, "settings": ROOM_SETTINGS}
# Gradio holds the names of the tabs twice: to be seen, and to be measured.
PARTS: list[Part] = [(f"#room-{name}-button", "", label) for name, label in _ROOMS.items()]
PARTS += [
    (f"#rooms .visually-hidden button:nth-child({place})", "", label)
    for place, label in enumerate(_ROOMS.values(), 1)
]
