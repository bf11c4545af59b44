"""Turn HTML, JATS and MathML within a text into plain text: formulas once, exponents and indices kept.

A tag is known by its name, so that "p<0.05" and "a<b>c" stay. See docs/decisions.md#markup
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Names that are markup wherever they stand, and names that are only where both tags of a pair stand, because
# abstracts write such things themselves ("a<b>c", "<s>").
_SURE = frozenset(
    (
        "abstracttext alternatives annotation annotation-xml article-title blockquote br break dd def-list "
        "disp-formula disp-formula-group div dl dt ext-link fn h1 h2 h3 h4 h5 h6 hr html img inf "
        "inline-formula inline-graphic inline-supplementary-material italic li list-item maction math "
        "menclose merror mfenced mfrac mglyph mi mlabeledtr mmultiscripts mn mo mover mpadded mphantom "
        "mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder "
        "munderover named-content ol overline p sc sec semantics small span strike strong styled-content "
        "sub sup tbody td tex-math tfoot th thead tr ul underline uri xref"
    ).split()
)
_PAIRED = frozenset(
    (
        "a abbr abstract article b big body bold caption center cite code content dfn em fig font footnote "
        "graphic head i italics kbd label list mark monospace nlm none pre roman samp sans-serif script "
        "section style summary table title tt u"
    ).split()
)
_TAG = re.compile(
    r"<(?P<close>/?)(?:(?P<space>[A-Za-z][\w-]{0,20}):)?(?P<name>[A-Za-z][A-Za-z0-9-]{0,40})"
    r"(?P<rest>(?:\s+[\w:.-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))?)*)\s*(?P<empty>/?)>"
)
_ATTRIBUTE = re.compile(r"""[\w:.-]+\s*=\s*["']""")
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->|<!\[CDATA\[|\]\]>|<\?[A-Za-z][^<>]*\?>", re.DOTALL)
_EMPTY = frozenset("br break hr img mspace mglyph mprescripts none inline-graphic graphic".split())
_BLOCKS = frozenset(
    "abstract abstracttext blockquote body br break caption dd def-list disp-formula div dl dt fn hr "
    "html list mtable mtr ol p pre sec section table tbody td tfoot th thead tr ul".split()
)
_ITEMS = frozenset({"li", "list-item", "dt"})
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6 title label".split())
_DROPPED = frozenset(
    "annotation annotation-xml script style mphantom inline-graphic graphic img mspace".split()
)
_PARTS = frozenset(  # elements of MathML whose children mean something by their place
    "msup msub msubsup munder mover munderover mfrac mroot mmultiscripts alternatives semantics".split()
)
_DEEPEST = 60  # elements within elements; deeper ones are read as their text
_NO_HEADING = re.compile(r"\W*(?:abstract|summary|摘\s*要)\W*", re.IGNORECASE)
_HIDDEN = re.compile(r"""aria-hidden\s*=\s*["']?true""", re.IGNORECASE)
# What stands before an index that is part of a formula of chemistry: "H", "Ca", "(OH)".
_ELEMENT = re.compile(r"(?:^|[^a-z])[A-Z][a-z]?[)\]]*$|[)\]]$")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TEX_DOCUMENT = re.compile(
    r"\\documentclass(?:(?!\\documentclass).){0,4000}?\\begin\{document\}"
    r"((?:(?!\\documentclass).){0,4000}?)\\end\{document\}",
    re.DOTALL,
)
_TEX = re.compile(r"[$\\]")
_SIMPLE = re.compile(r"[\w.∞αβγδεθλμπστφω]*")
_OPERATORS = frozenset("=<>≤≥≈≠∼~±×→∈+")


def without_markup(text: str) -> str:
    """Return `text` without tags.

    A superscript becomes "^", an index "_" unless it counts atoms (H2O), a fraction "/". Of a formula in
    several forms one is read. Paragraphs and items of lists stay apart, and a heading ends with a colon.
    """
    text = _TEX_DOCUMENT.sub(r" \1 ", text)
    if "<" not in text:
        return text
    text = _COMMENT.sub("", text)
    tags = _markup(text)
    return _Reader().read(text, tags) if tags else text


@dataclass(slots=True)
class _Element:
    name: str
    parts: list[str] = field(default_factory=list)
    is_hidden: bool = False
    starts_heading: bool = False


def _markup(text: str) -> list[re.Match[str]]:
    """Return the tags in `text` that are markup; a name that may be text counts in pairs only."""
    found: list[re.Match[str]] = []
    waiting: dict[str, list[int]] = {}
    for tag in _TAG.finditer(text):
        name = tag["name"].lower()
        is_sure = name in _SURE or tag["space"] or _ATTRIBUTE.search(tag["rest"]) is not None
        if not is_sure and (name not in _PAIRED or (tag["close"] and not waiting.get(name))):
            continue
        if tag["close"] and waiting.get(name):
            waiting[name].pop()
        elif not tag["close"] and name in _PAIRED:
            waiting.setdefault(name, []).append(-1 if is_sure else len(found))
        found.append(tag)
    single = {place for places in waiting.values() for place in places}
    return [tag for place, tag in enumerate(found) if place not in single]


class _Reader:
    """Reads a text with its tags once, keeping the elements that are open."""

    def __init__(self) -> None:
        self._open = [_Element("")]

    def read(self, text: str, tags: list[re.Match[str]]) -> str:
        place = 0
        for number, tag in enumerate(tags):
            self._add(text[place : tag.start()])
            place = tag.end()
            after = text[place : tags[number + 1].start()] if number + 1 < len(tags) else text[place:]
            self._take(tag, after)
        self._add(text[place:])
        while len(self._open) > 1:
            self._close(self._open[-1].name, "")
        return "".join(self._open[0].parts)

    def _add(self, text: str) -> None:
        element = self._open[-1]
        if element.name in _PARTS and not text.strip():
            return
        element.parts.append(text)

    def _take(self, tag: re.Match[str], after: str) -> None:
        name = tag["name"].lower()
        if tag["close"]:
            if any(element.name == name for element in self._open):
                while self._open[-1].name != name:
                    self._close(self._open[-1].name, "")
                self._close(name, after)
            return
        if name in _EMPTY or tag["empty"]:
            self._add(" " if name in _BLOCKS else "")
        elif len(self._open) < _DEEPEST:
            hidden = name in _DROPPED or _HIDDEN.search(tag["rest"] or "") is not None
            self._open.append(_Element(name, is_hidden=hidden))

    def _close(self, name: str, after: str) -> None:
        element = self._open.pop()
        if element.is_hidden:
            return
        before = "".join(self._open[-1].parts[-2:])
        self._open[-1].parts.append(_combined(element, before, after))


def _combined(element: _Element, before: str, after: str) -> str:
    """Return the text of an element that is closed, as it is written between `before` and `after`."""
    name, inner = element.name, "".join(element.parts)
    if name in _HEADINGS:
        return _heading(inner)
    if name in _ITEMS:
        return _item(inner, before)
    if name in _BLOCKS:
        return f" {inner} "
    if name == "sup":
        return _raised(inner.strip(), after)
    if name in ("sub", "inf"):
        return _lowered(inner.strip(), before, after)
    return _formula(name, element.parts, inner)


def _formula(name: str, parts: list[str], inner: str) -> str:
    parts = [part.strip() for part in parts if part.strip()]
    base, *others = parts or [""]
    if name in ("alternatives", "semantics"):
        return next((part for part in parts if not _TEX.search(part)), base)
    if name in ("math", "tex-math", "inline-formula"):
        return " ".join(inner.split()) if name == "math" else inner
    if name in ("msup", "mover") and others:
        return f"{base}^{_grouped(others[0])}"
    if name in ("msub", "munder") and others:
        return base + (_lowered(others[0], base, ""))
    if name in ("msubsup", "munderover") and len(others) > 1:
        return f"{base}_{_grouped(others[0])}^{_grouped(others[1])}"
    if name == "mfrac" and others:
        return f"{_grouped(base)}/{_grouped(others[0])}"
    if name == "msqrt":
        return f"√{_grouped(inner.strip())}"
    if name == "mroot" and others:
        return f"{_grouped(base)}^(1/{others[0]})"
    if name == "mfenced":
        return f"({', '.join(parts)})"
    if name == "mo":
        spaced = inner.strip() in _OPERATORS or any(char.isalpha() for char in inner)
        return f" {inner.strip()} " if spaced else inner.strip()
    return inner.strip() if name in ("mi", "mn") else inner


def _raised(inner: str, after: str) -> str:
    if not inner:
        return ""
    return f"^{inner}{' ' if after[:1].isdigit() else ''}"


def _lowered(inner: str, before: str, after: str) -> str:
    """Return an index: joined where it counts atoms ("H2O"), else behind "_"; a number stays apart."""
    if not inner:
        return ""
    is_count = _NUMBER.fullmatch(inner) is not None and _ELEMENT.search(before) is not None
    if is_count and not after[:1].isdigit():
        return inner
    return f"_{_grouped(inner)}{' ' if after[:1].isdigit() else ''}"


def _grouped(inner: str) -> str:
    return inner if _SIMPLE.fullmatch(inner) or inner.lstrip("-−+").isalnum() else f"({inner})"


def _heading(inner: str) -> str:
    text = " ".join(inner.split())
    if not text or _NO_HEADING.fullmatch(text):
        return " "
    return f" {text} " if text[-1] in ".:：。?!？" else f" {text}: "


def _item(inner: str, before: str) -> str:
    text, above = " ".join(inner.split()), before.rstrip()
    if not text:
        return " "
    return f" {text}" if not above or above[-1] in ".;:,。；：，!?、>" else f"; {text}"
