"""Words and short phrases of titles: what sets groups of titles apart, and what many titles speak of."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rag.text.analyzer import analyze
from rag.text.language import HAN

_LATIN = rf"[^\W\d_{HAN}]{{2,}}(?:-[^\W_{HAN}]+)*"
_WORD = re.compile(rf"\b{_LATIN}\b")
_PAIR = re.compile(rf"(?<![\w-])(?=({_LATIN}) ({_LATIN})(?![\w-]))")
_HAN_RUN = re.compile(rf"[{HAN}]{{2,}}")
_LONGEST = 5  # characters of a Chinese word
_PHRASE, _LONGEST_PHRASE = 4, 8  # characters of a Chinese phrase, which is mostly two or three words
# Share of the titles with a stretch of Chinese that hold a longer one, from which the longer one is meant.
_WHOLE = 0.7


def telling_words(titles: Sequence[str], groups: Sequence[int], count: int) -> tuple[str, ...]:
    """Return for each group up to `count` words, joined by commas, that its titles have more than others.

    A word is weighed by how many titles of the group have it, times the logarithm of how much more frequent
    it is there than in all titles.
    """
    within = [Counter[str]() for _ in range(max(groups, default=-1) + 1)]
    written: dict[str, Counter[str]] = {}
    for title, group in zip(titles, groups, strict=True):
        forms = dict(_words(title))
        within[group].update(forms.keys())
        for key, form in forms.items():
            written.setdefault(key, Counter())[form] += 1
    everywhere = Counter[str]()
    for counts in within:
        everywhere.update(counts)
    sizes = Counter(groups)
    names = []
    for group, counts in enumerate(within):
        scores = {
            key: n * math.log((n / sizes[group]) / (everywhere[key] / len(titles)))
            if len(sizes) > 1
            else float(n)
            for key, n in counts.items()
            if n > 1 or sizes[group] < len(within)
        }
        best = _apart(sorted(scores, key=lambda key: (-scores[key], key)), counts, count)
        names.append(", ".join(written[key].most_common(1)[0][0] for key in best))
    return tuple(names)


def frequent_phrases(titles: Iterable[str]) -> list[tuple[str, int]]:
    """Return pairs of words, and stretches of Chinese, that titles share, the most frequent first."""
    counts: Counter[str] = Counter()
    for title in titles:
        pairs = {" ".join(pair).lower() for pair in _PAIR.findall(title) if _tell(*pair)}
        counts.update(pairs | set(_stretches(title, _PHRASE, _LONGEST_PHRASE)))
    longer: Counter[str] = Counter()  # of each stretch of Chinese, titles with one that is a character longer
    for phrase, n in counts.items():
        if not phrase.isascii():
            for part in (phrase[1:], phrase[:-1]):
                longer[part] = max(longer[part], n)
    return [(p, n) for p, n in counts.most_common() if n > 1 and (p.isascii() or longer[p] < _WHOLE * n)]


def _tell(*words: str) -> bool:
    return all(len(word) > 2 and analyze(word) for word in words)


def _words(title: str) -> Iterator[tuple[str, str]]:
    """Yield each word as an index term and as it is written; of Chinese, without spaces, each stretch."""
    for word in _WORD.findall(title):
        if terms := analyze(word):
            yield terms[0], word.lower() if word.istitle() else word
    yield from ((part, part) for part in _stretches(title, 2, _LONGEST))


def _stretches(title: str, shortest: int, longest: int) -> Iterator[str]:
    for run in _HAN_RUN.findall(title):
        for length in range(shortest, longest + 1):
            yield from (run[start : start + length] for start in range(len(run) - length + 1))


def _apart(keys: Sequence[str], counts: Counter[str], count: int) -> list[str]:
    """Return the first keys that do not overlap; a stretch of Chinese gives way to the word it is part of."""
    chosen: list[str] = []
    for key in keys:
        wholes = [key] if key.isascii() else [other for other in keys if key in other]
        meant = max((other for other in wholes if counts[other] >= _WHOLE * counts[key]), key=len)
        if not any(meant in other or other in meant for other in chosen):
            chosen.append(meant)
        if len(chosen) == count:
            break
    return chosen
