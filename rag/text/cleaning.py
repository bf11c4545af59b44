"""Repair text without losing it, and name a text by a hash that is the same on every machine."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from functools import lru_cache
from typing import Any

#: Version of `normalise`. Stored indexes and other people's citations hold hashes of its output, so it may
#: never change under the same number; tests/text/test_cleaning.py pins sample hashes.
NORMALISATION_VERSION = 1

# Zero-width, soft hyphen, bidi controls, invisible operators, interlinear marks, byte order mark, tags.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0001-\U000e007f"
)
_INVISIBLE_CHARS = re.compile(f"[{_INVISIBLE}]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f]+")
_RARE_SPACE = re.compile(r"[\x0b\x1c-\x1f]")  # whitespace to Python, control characters to ftfy
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_WRAP_IN_HAN = re.compile(f"(?<=[{_HAN}])[ \t]*[\r\n]+[ \t]*(?=[{_HAN}])")
# An entity that a scraper pulled apart ("& lt ;") or cut ("&lt 5"); only the names that occur in abstracts,
# so that "R&D" and the column mark of a LaTeX array stay.
_BROKEN_ENTITY = re.compile(
    r"&\s?(lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6})(?:\s?;|(?![\w;=]))", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)
_TAGS = (
    "jats:(?:p|title|sec|italic|bold|sub|sup)|p|i|b|em|u|strong|italic|bold|span|sub|sup|inf|sec|title|div"
)
_TAG_PAIR = re.compile(rf"<({_TAGS})(?:\s[^<>]*)?>([^<>]*)</\1\s*>", re.IGNORECASE)
_LINE_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Characters whose category has to be looked up; the others are letters, digits and punctuation.
_UNUSUAL = re.compile(f"[^ -~\u00c0-\u02af{_HAN}]")
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070-\u207f]+")
_LOWERED = re.compile("[\u2080-\u208e]+")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_QUOTES = re.compile("[\u2018\u2019\u201a\u201b\u2032\u00b4`]")
_DOUBLE_QUOTES = re.compile("[\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u300c-\u300f]")
# Every round undoes one layer ("&amp;amp;lt;"); three layers is the most seen, the bound stops a bomb.
_MAX_ROUNDS = 25
_WORD = f"(?:(?![{_HAN}])[^\\W_])"
_LOOSE_SPACE = re.compile(f"(?<!{_WORD}) | (?!{_WORD})")


def clean_text(text: str) -> str:
    """Return `text` repaired for display: one line, NFC, nothing invisible, no entities or markup.

    Repairs mojibake and lone surrogates (ftfy), HTML entities (whole, split or cut), paired inline tags
    (`<sup>6</sup>` becomes `^6`), ligatures, control and zero-width characters; every run of whitespace
    becomes one space, and a line wrap between two Han characters disappears. LaTeX and full-width
    punctuation stay. Idempotent: `clean_text(clean_text(s)) == clean_text(s)`.
    """
    for _ in range(_MAX_ROUNDS):
        if (cleaned := _clean_once(text)) == text:
            break
        text = cleaned
    return text


def normalise(text: str) -> str:
    """Return the identity form of a text, version `NORMALISATION_VERSION`; frozen.

    In this order: (0) "^" goes before every run of superscript digits and signs (U+00B2, U+00B3, U+00B9,
    U+2070-U+207F) and "_" before every run of subscript ones (U+2080-U+208E), since NFKC would make 106 of
    10⁶; (1) NFKC; (2) full case folding; (3) NFKC again; (4) characters of the Unicode categories Cf, Cc, Cs
    and Co are dropped, except tab, line feed, vertical tab, form feed, carriage return and
    U+001C-U+001F, U+0085, which count as whitespace; (5) dashes and the minus sign become "-", single quotes
    "'", double quotes and corner brackets '"'; (6) every run of whitespace (`str.isspace`) becomes one
    space, and a space stays only where both neighbours are letters or digits and neither is a Han character.
    The steps are repeated until nothing changes (a dropped space can bring a letter and an accent together).
    Case, full or half width, spacing around Han and punctuation, and line wraps therefore do not change
    identity; any other character does.
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
    text = _TAG_PAIR.sub(_untag, _LINE_TAG.sub("\n", text))
    if not text.isascii() or "\x1b" in text:  # nothing in plain ASCII needs ftfy but terminal escapes
        import ftfy

        text = ftfy.fix_text(text, _ftfy_config())
    text = _INVISIBLE_CHARS.sub("", _CONTROL.sub("", text))
    text = _WRAP_IN_HAN.sub("", text.strip())
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _untag(match: re.Match[str]) -> str:
    tag, inner = match[1].lower().removeprefix("jats:"), match[2]
    if tag == "sup" and inner.strip():
        return f"^{inner.strip()}"
    return f" {inner} " if tag in {"p", "sec", "title", "div"} else inner


@lru_cache(maxsize=1)
def _ftfy_config() -> Any:
    from ftfy import TextFixerConfig

    # Curly quotes and full-width punctuation are right in Chinese text; entities are handled above.
    return TextFixerConfig(
        unescape_html=False, uncurl_quotes=False, fix_character_width=False, normalization="NFC"
    )
