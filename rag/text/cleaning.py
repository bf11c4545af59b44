"""Repair text for display, and compute the same identity hash for a text on every machine."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from functools import lru_cache
from typing import Any

from rag.text.markup import without_markup
from rag.text.tex import without_tex

#: Version of `normalise`; any change of its output needs a new number, because stored indexes and published
#: citations hold hashes of it. tests/text/test_cleaning.py pins sample hashes.
NORMALISATION_VERSION = 1

# Zero-width, soft hyphen, bidi controls, invisible operators, interlinear marks, byte order mark, tags.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0001-\U000e007f"
)
_INVISIBLE_CHARS = re.compile(f"[{_INVISIBLE}]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f]+")
_RARE_SPACE = re.compile(r"[\x0b\x1c-\x1f]")  # whitespace to Python, control characters to ftfy
# A copy of `rag.text.language.HAN`: it is part of the frozen identity form.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_WRAP_IN_HAN = re.compile(f"(?<=[{_HAN}])[ \t]*[\r\n]+[ \t]*(?=[{_HAN}])")
# An entity with a space inside ("& lt ;") or without its semicolon ("&lt 5"). Few names are accepted, so that
# "R&D" and the "&" of a LaTeX array stay.
_BROKEN_ENTITY = re.compile(
    r"&\s?(lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6})(?:\s?;|(?![\w;=]))", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
# Characters whose Unicode category must be checked; all others are visible.
_UNUSUAL = re.compile(f"[^ -~\u00c0-\u02af{_HAN}]")
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070-\u207f]+")
_LOWERED = re.compile("[\u2080-\u208e]+")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_QUOTES = re.compile("[\u2018\u2019\u201a\u201b\u2032\u00b4`]")
_DOUBLE_QUOTES = re.compile("[\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u300c-\u300f]")
_MAX_ROUNDS = 25  # layers of escaping to undo ("&amp;amp;lt;"); the bound limits the time for hostile text
_WORD = f"(?:(?![{_HAN}])[^\\W_])"
_LOOSE_SPACE = re.compile(f"(?<!{_WORD}) | (?!{_WORD})")


def clean_text(text: str) -> str:
    """Return `text` repaired for display: one line, NFC, nothing invisible, no entities or markup.

    Repairs mojibake and lone surrogates (ftfy), HTML entities, HTML, JATS and MathML (`<sup>6</sup>` becomes
    `^6`), accents of TeX, ligatures, control and zero-width characters. A run of whitespace becomes one
    space, or nothing for a line wrap between Han characters. Formulas in LaTeX and full-width punctuation
    stay. Idempotent.
    """
    for _ in range(_MAX_ROUNDS):
        if (cleaned := _clean_once(text)) == text:
            break
        text = cleaned
    return text


def normalise(text: str) -> str:
    """Return the identity form of a text, version `NORMALISATION_VERSION`; frozen.

    Case, full or half width, line wraps, and spaces around Han and punctuation do not change it. The steps
    repeat until nothing changes, since a dropped space can join a letter and an accent:

    0. Put "^" before every run of superscripts (U+00B2, U+00B3, U+00B9, U+2070-U+207F) and "_" before every
       run of subscripts (U+2080-U+208E); NFKC would turn 10⁶ into 106.
    1. NFKC, full case folding, NFKC again.
    2. Drop the Unicode categories Cf, Cc, Cs and Co, except whitespace (`str.isspace`).
    3. Dashes and the minus sign become "-", single quotes "'", double quotes and corner brackets '"'.
    4. Every run of whitespace becomes one space, which stays only between two letters or digits, neither Han.
    """
    while (normalised := _normalise_once(text)) != text:
        text = normalised
    return text


def paper_id(text: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of `normalise(text)` in UTF-8."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()[:16]


def _normalise_once(text: str) -> str:
    text = _LOWERED.sub(r"_\g<0>", _RAISED.sub(r"^\g<0>", text))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = _UNUSUAL.sub(_visible, folded)
    kept = _DOUBLE_QUOTES.sub('"', _QUOTES.sub("'", _DASHES.sub("-", kept)))
    return _LOOSE_SPACE.sub("", " ".join(kept.split()))


def _visible(match: re.Match[str]) -> str:
    char = match[0]
    return char if char.isspace() or unicodedata.category(char) not in {"Cf", "Cc", "Cs", "Co"} else ""


def _clean_once(text: str) -> str:
    text = _BROKEN_ENTITY.sub(r"&\1;", _RARE_SPACE.sub(" ", text))
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = without_markup(without_tex(text))
    if not text.isascii() or "\x1b" in text:  # in ASCII, ftfy repairs terminal escapes only
        import ftfy

        text = ftfy.fix_text(text, _ftfy_config())
    text = _INVISIBLE_CHARS.sub("", _CONTROL.sub("", text))
    text = _WRAP_IN_HAN.sub("", text.strip())
    return unicodedata.normalize("NFC", " ".join(text.split()))


@lru_cache(maxsize=1)
def _ftfy_config() -> Any:
    from ftfy import TextFixerConfig

    # Chinese text needs its curly quotes and full-width punctuation; `_clean_once` handles entities.
    return TextFixerConfig(
        unescape_html=False, uncurl_quotes=False, fix_character_width=False, normalization="NFC"
    )
