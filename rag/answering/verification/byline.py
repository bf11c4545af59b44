"""Bylines in a sentence, such as "According to Lee et al. (2020)": only those of its own paper are known."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.schema import Paper

_BEFORE = r"(?:(?:according to|as (?:reported|shown|found) by|(?:the|a) study (?:of|by)|by|根据|据)\s*)?"
_MORE = r"(?:\s*(?:et al\b\.?|and (?:colleagues|co-?workers|others)|等人?))"
_AND = r"(?:\s*(?:,\s*and|,|&|and|、|，|和|与)\s*)"
_AFTER = (
    r"(?:['’]s|的研究)?(?:\s*(?:found|finds?|report(?:s|ed)?|show(?:s|ed)?|stat(?:es|ed)|observed|发现|表明|指出|报道)"
    r"(?:\s*that\b)?)?[,，:：]?\s*"
)
_STUDY = r"study|paper|article|trial|work|report|publication"
_WORD = r"[A-Z][\w'’-]+"
# Names that a sentence gives as authors: with "et al.", with a year in brackets, or with "according to".
_YEAR = r"(?:19|20)\d\d[a-z]?\s*[)）]"
_AUTHORS = re.compile(
    rf"({_WORD})(?: (?:and|&) {_WORD})?(?:,? et al\b|\s?[(（]{_YEAR}|,? {_YEAR})"
    rf"|\b[Aa]ccording to ({_WORD})(?=[,.])|([\u4e00-\u9fff]{{2}})等人"
)
# A sentence of which less is left is nothing but a byline.
_FEWEST_LETTERS = 4


def without_byline(sentence: str, paper: Paper) -> str:
    """Return a sentence without the authors and the year of its own paper, where it names them as such.

    Another name or year stays, so that it counts as missing.
    """
    year = rf"{paper.year}" if paper.year is not None else r"(?!)"
    dated = rf"\s*[,，]?\s*(?:[（(]\s*{year}[a-z]?\s*[)）]|{year}(?=\s*[)）]))"
    alone = (
        rf"\s*,?\b(?:published )?(?:in|from) {year}\b,?"
        rf"|\b{year}(?= (?:{_STUDY})\b)|{year}年的?"
    )
    patterns = [alone]
    if names := [name for author in paper.authors for name in _forms(author)]:
        name = "(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?![a-z])"
        people = rf"{name}(?:{_AND}{name})*"
        ending = rf"(?:{_MORE}(?:{dated})?|{dated})"
        inner = rf"[（(]\s*{people}{_MORE}?\s*[,，]?\s*(?:{year}[a-z]?)?\s*[)）]"
        source = rf"(?:according to|根据|据)\s*{people}(?=[,，的])"
        patterns = [rf"\s*{inner}", rf"(?:{_BEFORE}{people}{ending}|{source}){_AFTER}", alone]
    rest = sentence
    for pattern in patterns:
        rest = re.sub(pattern, "", rest, flags=re.IGNORECASE)
    return rest.strip() if len(re.findall(r"\w", rest)) >= _FEWEST_LETTERS else sentence


def foreign_authors(sentence: str, paper: Paper, known: str) -> tuple[str, ...]:
    """Return the names that a sentence gives as authors and that are in neither the paper's nor `known`."""
    names = [next(filter(None, match.groups())) for match in _AUTHORS.finditer(sentence)]
    own = " ".join([*paper.authors, known]).casefold()
    return tuple(name for name in names if re.split(r"['’]", name)[0].casefold() not in own)


def _forms(author: str) -> Sequence[str]:
    """Return the ways to write one author: the surname, and with given names or initials."""
    surname, comma, given = (part.strip() for part in author.partition(","))
    if not comma:
        *first, surname = author.split() or [""]
        given = " ".join(first)
    initials = ". ".join(name[0] for name in given.split()) + "." if given else ""
    forms = [
        surname,
        f"{given} {surname}",
        f"{initials} {surname}",
        f"{surname} {given}",
        surname + given,
        author,
    ]
    return list(dict.fromkeys(form.strip() for form in forms if len(form.strip()) > 1))
