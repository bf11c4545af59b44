"""Answer questions about fields from the catalogue: who, when, where, how many, the latest, and lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from rag.answering.collection.field_question import Asked, FieldQuestion
from rag.answering.collection.field_replies import (
    FIELD_NAMES,
    conditions,
    joined,
    say,
    with_article,
)
from rag.answering.collection.library import Library, Work
from rag.answering.collection.listing import LISTED, CollectionAnswer, listed, put_together, title_of
from rag.answering.collection.replies import format_message
from rag.answering.collection.topic import Embed, filter_by_topic, first_sentence, holds_terms
from rag.answering.collection.years import within
from rag.schema import LANGUAGES, Citation, Filters, Language, Paper, ScoredChunk, Sentence
from rag.store.index import Store

# Papers shown where the question speaks of one and several are as near.
_AS_NEAR = 3
# Papers that "the latest" shows where it does not speak of one.
_LATEST = 5
# Share of the nearest paper's cosine from which another is plainly on the topic, in the topic's language where
# some paper holds its words, and else; higher keeps fewer. See docs/decisions.md#questions-about-fields
OWN_SHARE, OTHER_SHARE = 0.9, 0.66
# Values shown where papers are counted by a field.
_GROUPS, _YEARS = 10, 40
# What each question about one field of a paper shows of it; "" where its record lacks it.
_FIELDS: dict[Asked, Callable[[Work, Language], str]] = {
    "authors": lambda work, language: joined(work.authors, language),
    "year": lambda work, _: str(work.year or ""),
    "venue": lambda work, _: work.venue or "",
    "doi": lambda work, _: work.first(lambda paper: paper.doi) or "",
    "arxiv": lambda work, _: work.first(lambda paper: paper.arxiv_id) or "",
    "pmid": lambda work, _: work.first(lambda paper: paper.pmid) or "",
    "link": lambda work, _: work.first(link_of) or "",
    "keywords": lambda work, language: (", " if language == "en" else "、").join(
        work.first(lambda paper: paper.keywords) or ()
    ),
}
_GROUPED_BY: dict[Asked, Callable[[Work], Sequence[str]]] = {
    "by author": lambda work: work.authors,
    "by year": lambda work: [str(work.year)] if work.year else [],
    "by venue": lambda work: [work.venue] if work.venue else [],
}


def _value(field: Asked, work: Work) -> str:
    return _FIELDS[field](work, "en")


def link_of(paper: Paper) -> str:
    """Return where a paper can be read: by its DOI, its arXiv identifier, or the address of its record."""
    if paper.doi:
        return f"https://doi.org/{paper.doi}"
    return f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else paper.url or ""


@dataclass(frozen=True)
class Selected:
    """The works that fulfil a question, and, where it has a topic, the closest passages of any work."""

    works: list[int]
    hits: dict[int, ScoredChunk]
    closest: tuple[ScoredChunk, ...] = ()


class FieldAnswers:
    """Answers questions about the fields of one index, of the papers that pass the filters."""

    def __init__(self, store: Store, library: Library, embed: Embed, filters: Filters) -> None:
        """Take an index, its fields, what embeds a topic, and the filters."""
        self._store, self._library, self._embed, self._filters = store, library, embed, filters

    def answer(self, question: FieldQuestion) -> CollectionAnswer | None:
        """Answer from the catalogue; None if the language model has to answer."""
        selected = self._select(question)
        if not selected.works and (question.as_title or not question.sure):
            return None
        if lacking := self._lacking(question):
            text = say("never", question.language, field=lacking)
            return put_together([text])
        if question.asked in _GROUPED_BY:
            return self._groups(question, selected)
        if not selected.works:
            return self._nothing(question, selected)
        if question.asked in _FIELDS:
            return self._fields(question, selected)
        return self._list(question, selected)

    # Which works

    def _select(self, question: FieldQuestion) -> Selected:
        numbers = self._fulfilling(question)
        if question.topic is None:
            return Selected(numbers, {})
        works = self._library.works
        among = {paper.paper_id for number in numbers for paper in works[number].papers}
        spans = question.years
        years = (min(a for a, _ in spans), max(b for _, b in spans)) if spans else (None, None)
        filters = replace(self._filters, year_from=years[0], year_to=years[1]) if spans else self._filters
        found, closest = filter_by_topic(
            self._store, question.topic, self._embed, question.language, filters, among
        )
        if question.as_title:
            found = [hit for hit in found if holds_terms(question.topic, hit.paper.title or "")]
        elif question.one and question.asked in _FIELDS:
            found = _nearest(question.topic, found)
        elif question.order:
            found = _plainly_on(question.topic, question.language, found)
        hits: dict[int, ScoredChunk] = {}
        for hit in found:
            hits.setdefault(self._library.number_of[hit.paper.paper_id], hit)
        return Selected(list(hits), hits, tuple(closest))

    def _fulfilling(self, question: FieldQuestion, *, authors: bool = True) -> list[int]:
        """Return the works that fulfil every condition but the topic, in index order."""
        library = self._library
        passing = range(len(library.works)) if question.works is None else question.works
        kept = set(passing)
        if self._filters:
            files = set(self._store.catalog.source_names(self._filters.sources))
            kept &= {n for n in kept if any(passes(p, self._filters, files) for p in library.works[n].papers)}
        if question.authors and authors:
            sets = [set(library.authors.find(name)) for name in question.authors]
            kept &= sets[0].union(*sets) if question.any_author else sets[0].intersection(*sets)
        if question.venue:
            kept &= set(library.in_venue(question.venue))
        works = library.works
        return [
            number
            for number in passing
            if number in kept
            and within(works[number].year, question.years)
            and (
                question.written is None or any(p.language == question.written for p in works[number].papers)
            )
        ]

    # What is lacking

    def _lacking(self, question: FieldQuestion) -> str | None:
        """Return the first field that the question needs and no record has, as a noun."""
        needed: list[tuple[Asked, object]] = [
            ("authors", question.authors or question.asked in ("authors", "by author")),
            ("year", question.years or question.order or question.asked in ("year", "by year")),
            ("venue", question.venue or question.asked in ("venue", "by venue")),
        ]
        if question.asked in _FIELDS:
            needed.append((question.asked, True))
        for field, need in needed:
            if need and not self._library.having(partial(_value, field)):
                name = FIELD_NAMES[field][question.language]
                return with_article(name) if question.language == "en" else name
        return None

    def _nothing(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        language = question.language
        if question.works is not None and not question.works:
            return put_together([say("untitled", language)])
        lines = [say("none", language, what=conditions(question, language))]
        for name in question.authors:
            if not self._library.authors.find(name):
                lines.append(say("no such author", language, name=name))
                lines += self._near(self._library.near_authors(name), language)
        if question.venue and not self._library.in_venue(question.venue):
            lines.append(say("no such venue", language, name=question.venue))
            lines += self._near(self._library.near_venues(question.venue), language)
        return put_together(lines, contexts=selected.closest)

    def _near(self, names: Sequence[str], language: Language) -> list[str]:
        return [say("near", language, names=joined(names, language))] if names else []

    # What is answered

    def _fields(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        """Tell one field of each selected work."""
        language = question.language
        shown = self._ordered(question, selected.works)[:LISTED]

        def line(work: Work, title: str) -> str:
            value = _FIELDS[question.asked](work, language)
            name = FIELD_NAMES[question.asked][language]
            return say(question.asked if value else "unknown", language, title=title, value=value, field=name)

        return self._listing(question, [], shown, selected, line)

    def _list(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        language = question.language
        works = self._ordered(question, selected.works)
        if question.order:
            works = self._first(question, works)
            head = say(question.order, language, n=len(works), what=conditions(question, language))
        else:
            head = say("list", language, n=len(works), what=conditions(question, language))
        shown = works[: min(question.limit or LISTED, LISTED)]

        def line(work: Work, title: str) -> str:
            return f"{title}{_byline(work, language)}"

        return self._listing(question, [head], shown, selected, line, total=len(works))

    def _ordered(self, question: FieldQuestion, numbers: Sequence[int]) -> list[int]:
        """Return works newest first, or oldest first if asked; those on a topic as near as they are."""
        works = self._library.works
        if question.topic and not question.order:
            return list(numbers)
        if question.order == "oldest":
            return sorted(numbers, key=lambda n: works[n].year or 10_000)
        return sorted(numbers, key=lambda n: -(works[n].year or 0))

    def _first(self, question: FieldQuestion, numbers: Sequence[int]) -> list[int]:
        """Return the works of the first year, or as many as are wanted; those without a year are left out."""
        dated = [n for n in numbers if self._library.works[n].year]
        if question.limit or not question.one:
            return dated[: question.limit or _LATEST]
        first = self._library.works[dated[0]].year if dated else None
        return [n for n in dated if self._library.works[n].year == first]

    def _groups(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        """Count works by a field: years in their order, other values by how many works have them."""
        language = question.language
        members: dict[str, list[int]] = {}
        for number in selected.works:
            for value in _GROUPED_BY[question.asked](self._library.works[number]):
                members.setdefault(value, []).append(number)
        by_year = question.asked == "by year" and not question.most
        order = sorted(members, key=lambda value: (value if by_year else "", -len(members[value])))
        lines = [say("group", language, value=value, n=len(members[value])) for value in order[: _YEARS if by_year else _GROUPS]]
        left = len(order) - len(lines)
        more = say("more groups", language, n=left) if left > 0 else ""
        head = say(question.asked, language, n=len(order), what=conditions(question, language))
        return put_together(
            [head],
            [listed(line) for line in lines],
            more=more,
        )

    def _listing(
        self,
        question: FieldQuestion,
        head: Sequence[str],
        numbers: Sequence[int],
        selected: Selected,
        line: Callable[[Work, str], str],
        *,
        total: int | None = None,
    ) -> CollectionAnswer:
        """Show works, one a line, each cited; `line` makes the line of a work and its title."""
        items: list[Sentence] = []
        citations: list[Citation] = []
        contexts = self._contexts(question, numbers, selected)
        for number, hit in contexts:
            start, end = first_sentence(hit.paper, question.topic or "")
            citations.append(Citation.of(len(citations) + 1, hit.paper, start, end))
            text = line(self._library.works[number], title_of(hit.paper, start, end))
            items.append(listed(text, citations[-1]))
        more = (
            format_message("more", question.language, n=total - len(items))
            if total and total > len(items)
            else ""
        )
        undated = self._undated(question)
        found = tuple(hit for _, hit in contexts)
        return put_together(head, items, citations, found, "\n".join(filter(None, (more, undated))))

    def _contexts(
        self, question: FieldQuestion, numbers: Sequence[int], selected: Selected
    ) -> list[tuple[int, ScoredChunk]]:
        """Return a passage of each work: the one on the topic, else the first of the text in the language."""
        wanted = {
            number: self._library.works[number].shown(question.written or question.language).paper_id
            for number in numbers
            if number not in selected.hits
        }
        ids = set(wanted.values())
        first: dict[str, str] = {}
        for chunk_id, paper_id in self._store.catalog.chunk_ids() if ids else ():
            if paper_id in ids:
                first.setdefault(paper_id, chunk_id)
        chunks = self._store.chunks(list(first.values()))
        found: list[tuple[int, ScoredChunk]] = []
        for number in numbers:
            if number in selected.hits:
                found.append((number, selected.hits[number]))
            elif wanted[number] in first:
                found.append((number, ScoredChunk(*chunks[first[wanted[number]]], 0.0)))
        return found

    def _undated(self, question: FieldQuestion) -> str:
        """Say how many records may belong to a list of certain years, but have no year."""
        if not question.years or question.topic:
            return ""
        without = [
            n for n in self._fulfilling(replace(question, years=())) if not self._library.works[n].year
        ]
        return say("undated", question.language, n=len(without)) if without else ""


def _nearest(topic: str, found: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Return what "the paper on" a topic may be: titles that hold it, else texts that do, else the nearest."""
    titled = [hit for hit in found if holds_terms(topic, hit.paper.title or "")]
    held = [hit for hit in found if holds_terms(topic, f"{hit.paper.title or ''}\n{hit.chunk.text}")]
    return list((titled or held or found[:1])[:_AS_NEAR])


def _plainly_on(topic: str, language: Language, found: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Return the papers of which one may be called the latest on a topic: those that hold it or are near it."""
    held = {id(hit) for hit in found if holds_terms(topic, f"{hit.paper.title or ''}\n{hit.chunk.text}")}
    best = max((hit.dense or 0.0 for hit in found), default=0.0)
    own = OWN_SHARE if held else OTHER_SHARE
    shares = {la: own if la == language else OTHER_SHARE for la in LANGUAGES}
    return [
        hit for hit in found if id(hit) in held or (hit.dense or 0.0) >= shares[hit.paper.language] * best
    ]


def _byline(work: Work, language: Language) -> str:
    """Return authors, venue and year in brackets, as far as they are known."""
    names = list(work.authors[:3])
    if len(work.authors) > 3:
        names = [f"{names[0]} et al." if language == "en" else f"{names[0]}等"]
    parts = [joined(names, language), work.venue or "", str(work.year or "")]
    row = ("; " if language == "en" else "；").join(filter(None, parts))
    return (f" ({row})" if language == "en" else f"（{row}）") if row else ""


def passes(paper: Paper, filters: Filters, files: Iterable[str]) -> bool:
    """Return whether a paper passes the filters; `files` are the exact names that `filters.sources` select."""
    first, last, year = filters.year_from, filters.year_to, paper.year
    if first is not None and (year is None or year < first):
        return False
    if last is not None and (year is None or year > last):
        return False
    in_files = not filters.sources or any(source.file in files for source in paper.sources)
    return in_files and filters.language in (None, paper.language)
