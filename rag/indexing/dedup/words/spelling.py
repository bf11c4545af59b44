"""Whether two different words are one: a slip, another spelling, or another form."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rag.text.analyzer import analyze

# See docs/decisions.md#exchanged-names
_TYPO_LENGTH = 7  # letters; shorter words that differ in one letter are often two words (gain, pain)
_NAME_TYPO_LENGTH = 6  # the same for names, which are exchanged for longer ones
_SHARED_HEAD = 4  # letters that a word has to have to be the beginning of another form of it
# British and American spellings, in this order; the second replaces the first on both sides.
_SPELLINGS = (("ae", "e"), ("oe", "e"), ("our", "or"), ("ph", "f"), ("ys", "yz"), ("is", "iz"), ("ll", "l"))
_LETTERS = "αβγδεζηθικλμνξοπρστυφχψω"
_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau "
    "upsilon phi chi psi omega"
)
_GREEK = str.maketrans(dict(zip(_LETTERS, _NAMES.split(), strict=True)))
_MICRO = re.compile("^(?:micro|mu|[µμ])(?=[a-z])")
_NAME_ENDINGS = frozenset("s n an ian i ese ish ean".split())  # Pakistani, Japanese
_INNER_CAPITAL = re.compile(r".+[A-Z]")


@lru_cache(maxsize=65536)
def is_like(word: str, other: str) -> bool:
    """Return whether two words are one: study, studied; tumour, tumor; α, alpha; Pakistan, Pakistani."""
    ours, theirs = spell(word), spell(other)
    if ours == theirs:
        return True
    if _INNER_CAPITAL.match(word) and _INNER_CAPITAL.match(other):  # acronyms have a plural, no other forms
        return ours.removesuffix("s") == theirs.removesuffix("s") or is_slip(ours, theirs)
    shorter, longer = sorted((ours, theirs), key=len)
    head = len(shorter) >= _SHARED_HEAD and longer.startswith(shorter)
    if word != word.lower() and other != other.lower():
        return is_slip(ours, theirs, _NAME_TYPO_LENGTH) or (head and longer[len(shorter) :] in _NAME_ENDINGS)
    return head or is_slip(ours, theirs, shortest=1) or analyze(ours) == analyze(theirs)


def spell(word: str) -> str:
    """Return a word in lower case and American spelling, without accents, Greek letters by their names."""
    word = _MICRO.sub("u", word.casefold()).translate(_GREEK)
    if not word.isascii():
        word = "".join(
            char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char)
        )
    for british, american in _SPELLINGS:
        word = word.replace(british, american)
    return word


def is_slip(word: str, other: str, shortest: int = _TYPO_LENGTH) -> bool:
    """Return whether two words of `shortest` letters or more differ by one letter or two swapped letters."""
    shorter = min(len(word), len(other))
    if shorter < shortest or "#" in (word[0], other[0]) or abs(len(word) - len(other)) > 1:
        return False
    head = next((i for i in range(shorter) if word[i] != other[i]), shorter)
    left, right = word[head:], other[head:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]
