"""Find a name exchanged for another between two similar texts: a drug, gene, place or data set.

A word is taken for a name by its capitals, or because it is exchanged throughout, or because the texts differ
in nothing else. A single reworded phrase in a text with several changes is no exchange of names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rag.indexing.dedup.words.spelling import is_like
from rag.text.analyzer import analyze
from rag.text.language import is_han

Stretch = tuple[Sequence[str], Sequence[str]]
"""The words of two texts where they differ."""

# See docs/decisions.md#exchanged-names
_SHORTEST = 3  # letters; a shorter word without capitals is no name
_LONGEST = 4  # words of a stretch; a longer one is a reworded sentence


def exchanges_names(stretches: Sequence[Stretch]) -> bool:
    """Return whether one name stands for another where two texts differ."""
    changed = [stretch for stretch in stretches if not _is_same(*stretch)]
    exchanged = Counter(pair for ours, theirs in changed for pair in _exchanged(ours, theirs))
    if any(_is_name(word) for pair in exchanged for word in pair):
        return True
    return any(count > 1 for count in exchanged.values()) or (len(changed) == 1 and len(exchanged) == 1)


def _is_same(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Return whether two stretches are one text in two spellings: data set, dataset; α, alpha."""
    return is_like("".join(ours), "".join(theirs))


def _exchanged(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Return the first words on both sides that have no like on the other, if there are such on both."""
    if not (0 < len(ours) <= _LONGEST and 0 < len(theirs) <= _LONGEST):
        return []
    if any(is_han(char) for side in (ours, theirs) for word in side for char in word):
        return _exchanged_han("".join(ours), "".join(theirs))
    left, right = _without_like(ours, theirs), _without_like(theirs, ours)
    if left and right and min(len(left[0]), len(right[0])) == 1 != max(len(left[0]), len(right[0])):
        return []  # °C, degreeC
    return [(left[0], right[0])] if left and right else []


def _exchanged_han(ours: str, theirs: str) -> list[tuple[str, str]]:
    """Return two stretches of at least two characters that share none; synonyms often share one."""
    enough = len(ours) > 1 and len(theirs) > 1
    return [(ours.lower(), theirs.lower())] if enough and not set(ours) & set(theirs) else []


def _without_like(words: Iterable[str], others: Sequence[str]) -> list[str]:
    return [word for word in words if _tells(word) and not any(is_like(word, other) for other in others)]


def _tells(word: str) -> bool:
    return not word.startswith("#") and (_is_name(word) or (len(word) >= _SHORTEST and bool(analyze(word))))


def _is_name(word: str) -> bool:
    return word != word.lower() and not any(map(is_han, word))
