"""Foreign text to HTML: escaped, without characters that turn the reading direction, formulas as MathML.

Formulas between dollar signs, or in brackets of LaTeX, are converted here, so that the browser needs no
script and no font. What is no formula, or has a command that is not known, stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape, unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Characters that turn the reading direction of what follows them, beyond the text they stand in.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORMULA = re.compile(
    r"\$\$(?P<display>(?:[^$\\]|\\.){1,600}?)\$\$|\$(?P<inline>(?:[^$\\]|\\.){1,600}?)\$"
    r"|\\\((?P<round>.{1,600}?)\\\)|\\\[(?P<square>.{1,600}?)\\\]",
    re.DOTALL,
)
# Dollar signs around words are prices: a formula has a sign of LaTeX, or no words and no blank at its ends.
_SIGNS = re.compile(r"[\\^_{}=]")
_NO_WORDS = re.compile(r"\S{1,12}|(?!.*[A-Za-z]{2})[^\s\d](?:.{0,58}\S)?")
# A machine translation puts a blank between the backslash and the name of a command.
_SPLIT_COMMAND = re.compile(r"\\ (?=[A-Za-z]{2})")
_NOT_LATIN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
# Definitions of commands: one that names itself would grow without end.
_DEFINES = re.compile(r"\\(?:[egx]?def|let|(?:re)?new\w*|provide\w*|Declare\w*)\b")
_DEEPEST = 20  # braces within braces; a formula of an abstract has fewer

_TAGS = frozenset(
    "math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle msub msup msubsup munder mover munderover "
    "mmultiscripts mprescripts none mtable mtr mtd mpadded mphantom menclose".split()
)
_ATTRIBUTES = frozenset(
    "display displaystyle scriptlevel mathvariant stretchy fence separator accent accentunder form "
    "lspace rspace width height depth minsize maxsize linethickness columnalign rowspacing columnspacing "
    "notation".split()
)
# How many parts a tag has; a formula that lacks one is not drawn as it was meant.
_PARTS = {
    "mfrac": 2,
    "msub": 2,
    "msup": 2,
    "msubsup": 3,
    "mover": 2,
    "munder": 2,
    "munderover": 3,
    "mroot": 2,
}
_VALUE = re.compile(r"[\w.%+ -]{0,40}")


def typeset(text: str) -> str:
    """Return `text` escaped, its formulas as MathML."""
    parts: list[str] = []
    done = start = 0
    while match := _FORMULA.search(text, start):
        formula = _formula(match)
        start = match.start() + 1 if formula is None else match.end()
        if formula is not None:
            parts += [plain(text[done : match.start()]), formula]
            done = match.end()
    return "".join(parts) + plain(text[done:])


def _formula(match: re.Match[str]) -> str | None:
    tex = next(group for group in match.groups() if group is not None)
    if match["inline"] is not None and tex[0].isspace() != tex[-1].isspace():
        return None  # prices
    if match["inline"] is not None and not _SIGNS.search(tex):
        priced = match.string[match.end() : match.end() + 1].isdigit()
        if priced or not _NO_WORDS.fullmatch(tex):
            return None
    return mathml(tex.strip())


def plain(text: str) -> str:
    """Return `text` escaped, without characters that turn the reading direction."""
    return escape(_TURNING.sub("", text))


@lru_cache(maxsize=512)
def mathml(tex: str) -> str | None:
    """Return a formula of LaTeX as MathML, None where it cannot be converted as a whole."""
    from latex2mathml.converter import Converter

    tex = _SPLIT_COMMAND.sub(r"\\", tex)
    if _NOT_LATIN.search(tex) or _DEFINES.search(tex) or _depth(tex) > _DEEPEST:
        return None
    try:
        root = Converter().convert_to_element(tex)
    except _unreadable():
        return None
    written = list(_written(root, tex))
    return None if None in written else "".join(part for part in written if part is not None)


@lru_cache(maxsize=1)
def _unreadable() -> tuple[type[Exception], ...]:
    """Return what the library raises for a formula that it cannot read: its own exceptions have no base."""
    from latex2mathml import exceptions

    own = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    raised = [kind for kind in own if issubclass(kind, Exception)]
    return (*raised, LookupError, ValueError, TypeError, AttributeError, StopIteration, RuntimeError)


def _written(element: Element, tex: str = "") -> Iterator[str | None]:
    """Yield the markup of an element; None where it has a part that is not known.

    The library's own serialisation escapes no text, and hands on links and styles: here all is escaped, and
    only tags and attributes that draw are let through.
    """
    text = unescape(element.text or "")
    whole = len(element) == _PARTS.get(element.tag, len(element))
    if element.tag not in _TAGS or "\\" in text or not whole:
        yield None
        return
    kept = {
        name: value
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value)
    }
    source = f' alttext="{plain(tex)}"' if element.tag == "math" else ""
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
    yield f"<{element.tag}{attributes}{source}>{plain(text)}"
    for child in element:
        yield from _written(child)
    yield f"</{element.tag}>"


def _depth(tex: str) -> int:
    """Return how deep the braces of a formula are nested."""
    depth = deepest = 0
    for sign in tex:
        depth += (sign == "{") - (sign == "}")
        deepest = max(deepest, depth)
    return deepest
