"""Turn accents and escaped characters of TeX into plain characters; formulas and text commands stay."""

from __future__ import annotations

import re
import unicodedata

_COMBINING = {
    **{
        "`": "\u0300",
        "'": "\u0301",
        "^": "\u0302",
        "~": "\u0303",
        "=": "\u0304",
        "u": "\u0306",
        ".": "\u0307",
    },
    **{
        '"': "\u0308",
        "r": "\u030a",
        "H": "\u030b",
        "v": "\u030c",
        "d": "\u0323",
        "c": "\u0327",
        "k": "\u0328",
    },
    "b": "\u0331",
}
_LETTERS = {
    **{
        "ss": "ß",
        "ae": "æ",
        "AE": "Æ",
        "oe": "œ",
        "OE": "Œ",
        "aa": "å",
        "AA": "Å",
        "o": "ø",
        "O": "Ø",
        "l": "ł",
    },
    **{"L": "Ł", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ"},
}
_ACCENT = re.compile(
    r"\{?\\(?:([`'^~=.\"])\s?|([uvHrdckb])(?=[\s{]))\s*(?:\{\s*(\\?[A-Za-z])\s*\}|(\\[ij](?![A-Za-z])|[A-Za-z]))(?:\s*\})?"
)
_BRACED_ACCENT = re.compile(r"\{\s*(\\(?:[`'^~=.\"]|[uvHrdckb](?![A-Za-z]))[^{}]*(?:\{[^{}]*\})?)\s*\}")
_LETTER = re.compile(
    rf"\{{?\\({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?:\{{\}}|\}}|\s+(?=[A-Za-z])|(?![A-Za-z]))"
)
_MATH = re.compile(r"(\$\$?(?:[^$\\]|\\.){1,600}\$\$?|\\\(.{0,600}?\\\)|\\\[.{0,600}?\\\])", re.DOTALL)
_ONLY_INDEX = re.compile(r"\$\s{0,3}(?:\{\}\s?)?([\^_])\s?(?:\{([^{}$\\]{0,80})\}|(\w))\s{0,3}\$")
_TEX = re.compile(r"\\[A-Za-z`'^~=.\"%&_#]|\$[^$]{0,4}[\^_]")
_ESCAPED = re.compile(r"\\([%&_#])")
_TIE = re.compile(r"(?<=[A-Za-z.)}])~(?=[\w$\\])|(?<=\d)~(?=[A-Za-z$\\])")  # not "5~10", which is a range


def without_tex(text: str) -> str:
    """Return `text` with the accents, letters and escaped characters of TeX outside formulas as plain ones.

    A formula that is only an exponent or an index becomes one of HTML.
    """
    if "\\" not in text and "$" not in text:
        return text
    if not _TEX.search(text):
        return text
    parts = _MATH.split(text)
    for place, part in enumerate(parts):
        if place % 2 == 0:
            parts[place] = _plain(part)
        elif found := _ONLY_INDEX.fullmatch(part):
            parts[place - 1] = parts[place - 1].removesuffix(" ")
            parts[place] = _index(found)
    return "".join(parts)


def _plain(text: str) -> str:
    text = _ACCENT.sub(_accented, _BRACED_ACCENT.sub(r"\1", text))
    text = _LETTER.sub(lambda match: _LETTERS[match[1]], text)
    return _TIE.sub(" ", _ESCAPED.sub(r"\1", text))


def _accented(match: re.Match[str]) -> str:
    letter = (match[3] or match[4]).removeprefix("\\")
    return unicodedata.normalize("NFC", letter + _COMBINING[match[1] or match[2]])


def _index(match: re.Match[str]) -> str:
    """Return a formula that is nothing but an exponent or an index, as it is written in HTML."""
    inner = (match[2] if match[2] is not None else match[3]).strip()
    tag = "sup" if match[1] == "^" else "sub"
    return f"<{tag}>{inner}</{tag}>"
