"""Find abstracts that look wrong: damaged characters, cut ends, boilerplate, two languages, little text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.schema import Paper
from rag.store.health import Finding
from rag.text.language import is_han

_SHOWN = 20  # ids that a finding lists
_SHORT = 100  # characters (30 of Chinese) below which a text is hardly an abstract; higher reports more
_SHORT_ZH = 30
_BOILERPLATE = 0.3  # share of the text; higher reports fewer
_MIXED = 0.25  # share that the smaller language has of both, a Han character counting as two letters
_ENDS = re.compile(r"[.!?。！？;；:)\]}”\"’'>*$%％）】》]\s*$")
_CUT = re.compile(r"(?:\.\.\.|…)\s*$|\(abstract truncated", re.IGNORECASE)


def odd_texts(papers: Iterable[Paper]) -> Iterator[Finding]:
    """Yield a finding for each kind of oddity that some of the papers show."""
    found: dict[str, list[str]] = {message: [] for message in _CHECKS}
    for paper in papers:
        for message, is_odd in _CHECKS.items():
            if is_odd(paper.text):
                found[message].append(paper.paper_id)
    for message, ids in found.items():
        if ids:
            one = "1 abstract" if len(ids) == 1 else f"{len(ids):,} abstracts"
            yield Finding("warning", "texts", f"{one}: {message}.", tuple(ids[:_SHOWN]))


def _is_damaged(text: str) -> bool:
    from ftfy.badness import is_bad

    return "\ufffd" in text or is_bad(text)


def _is_cut(text: str) -> bool:
    return bool(_CUT.search(text)) or (len(text) > _SHORT and not _ENDS.search(text))


def _is_boilerplate(text: str) -> bool:
    return len(strip_boilerplate(text)) < (1 - _BOILERPLATE) * len(text)


def _is_mixed(text: str) -> bool:
    han = 2 * sum(is_han(char) for char in text)
    latin = sum(char.isascii() and char.isalpha() for char in text)
    return han + latin > 2 * _SHORT and min(han, latin) > _MIXED * (han + latin)


def _is_short(text: str) -> bool:
    return len(text) < (_SHORT_ZH if sum(map(is_han, text)) > len(text) / 3 else _SHORT)


_CHECKS: dict[str, Callable[[str], bool]] = {
    "with characters that a wrong encoding leaves; save the files as UTF-8 and sync them": _is_damaged,
    "cut off at the end": _is_cut,
    "with much boilerplate, such as copyright lines": _is_boilerplate,
    "in two languages at once": _is_mixed,
    "so short that they hardly say anything": _is_short,
}
