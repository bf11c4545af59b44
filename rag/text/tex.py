"""Turn the accents and the text commands of TeX into plain characters; formulas stay as they are."""

from __future__ import annotations

import re
import unicodedata

_COMBINING = {
    **{"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307"},
    **{'"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328"},
    "b": "\u0331",
}
_LETTERS = {
    **{"ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł"},
    **{"L": "Ł", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ"},
}
_ACCENT = re.compile(
    r"\{?\\(?:([`'^~=.\"])\s?|([uvHrdckb])(?=[\s{]))\s*(?:\{\s*(\\?[A-Za-z])\s*\}|(\\[ij](?![A-Za-z])|[A-Za-z]))(?:\s*\})?"
)
_BRACED_ACCENT = re.compile(r"\{\s*(\\(?:[`'^~=.\"]|[uvHrdckb](?![A-Za-z]))[^{}]*(?:\{[^{}]*\})?)\s*\}")
_LETTER = re.compile(rf"\{{?\\({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?:\{{\}}|\}}|\s+(?=[A-Za-z])|(?![A-Za-z]))")
_TEXT_COMMAND = re.compile(
    r"\\(?:emph|text(?:it|bf|sc|tt|rm|sf|sl|up|normal)?|mbox|url|underline)\{([^{}$]*)\}|\{\\(?:it|em|bf|sl|sc|rm|tt)\s+([^{}$]*)\}"
)
_MATH = re.compile(r"(\$\$?(?:[^$\\]|\\.){1,600}\$\$?|\\\(.{0,600}?\\\)|\\\[.{0,600}?\\\])", re.DOTALL)
_ONLY_INDEX = re.compile(r"\s?\$\s{0,3}(?:\{\}\s?)?([\^_])\s?(?:\{([^{}$]{0,80})\}|(\w))\s{0,3}\$")
_TEX = re.compile(r"\\[A-Za-z`'^~=.\"%&_#]")
_ESCAPED = re.compile(r"\\([%&_#])")
_TIE = re.compile(r"(?<=[^\W\d])~(?=\w)|(?<=[\d.})])~(?=[^\W\d]|[$\\])")  # not "5~10", which is a range


def without_tex(text: str) -> str:
    """Return `text` with the accents, letters and text commands of TeX outside formulas as plain characters."""
    if "\\" not in text and "$" not in text:
        return text
    text = _ONLY_INDEX.sub(_index, text)
    if not _TEX.search(text):
        return text
    parts = _MATH.split(text)
    parts[::2] = map(_plain, parts[::2])
    return "".join(parts)


def _plain(text: str) -> str:
    text = _TEXT_COMMAND.sub(lambda match: match[1] or match[2] or "", text)
    text = _ACCENT.sub(_accented, _BRACED_ACCENT.sub(r"\1", text))
    text = _LETTER.sub(lambda match: _LETTERS[match[1]], text)
    return _TIE.sub(" ", _ESCAPED.sub(r"\1", text))


def _accented(match: re.Match[str]) -> str:
    letter = (match[3] or match[4]).removeprefix("\\")
    return unicodedata.normalize("NFC", letter + _COMBINING[match[1] or match[2]])


def _index(match: re.Match[str]) -> str:
    """Return a formula that is nothing but an exponent or an index, as it is written in HTML."""
    inner = (match[2] if match[2] is not None else match[3]).strip()
    if "\\" in inner:
        return match[0]
    return f"<su{'p' if match[1] == '^' else 'b'}>{inner}</su{'p' if match[1] == '^' else 'b'}>"
