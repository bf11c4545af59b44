"""Select the works that fulfil the conditions of a question about fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.collection.listing import passes
from rag.answering.collection.topic import Embed, filter_by_topic, holds_terms
from rag.answering.fields.library import Library
from rag.answering.fields.question import OF_ONE_FIELD, FieldQuestion
from rag.answering.fields.replies import FIELD_VALUES
from rag.answering.fields.work import Work
from rag.answering.fields.years import within
from rag.schema import LANGUAGES, Filters, Language, ScoredChunk
from rag.store.index import Store

# Papers shown where the question speaks of one and several are as near.
_AS_NEAR = 3
# Share of the nearest paper's cosine from which another is plainly on the topic: in the topic's language if
# some paper holds its words, and else. Higher keeps fewer. See docs/decisions.md#questions-about-fields
OWN_SHARE, OTHER_SHARE = 0.9, 0.66


@dataclass(frozen=True)
class Selected:
    """The works that fulfil a question, and, where it has a topic, the closest passages of any work."""

    works: list[int]
    hits: dict[int, ScoredChunk]
    closest: tuple[ScoredChunk, ...] = ()


class Selector:
    """Selects works of one index among the papers that pass the filters."""

    def __init__(self, store: Store, library: Library, embed: Embed, filters: Filters) -> None:
        """Take an index, its fields, what embeds a topic, and the filters."""
        self._store, self._library, self._embed, self._filters = store, library, embed, filters

    def select(self, question: FieldQuestion) -> Selected:
        """Return the works that fulfil every condition, those on a topic as near as they are."""
        numbers = self.fulfilling(question)
        if question.not_topic:
            numbers = self._without_topic(question, question.not_topic, numbers)
        if question.topic is None:
            return Selected(numbers, {})
        among = self._papers(numbers)
        found, closest = filter_by_topic(
            self._store, question.topic, self._embed, question.language, self._narrowed(question), among
        )
        hits: dict[int, ScoredChunk] = {}
        for hit in _meant(question, question.topic, found):
            hits.setdefault(self._library.number_of[hit.paper.paper_id], hit)
        return Selected(list(hits), hits, tuple(closest))

    def _without_topic(self, question: FieldQuestion, topic: str, numbers: Sequence[int]) -> list[int]:
        """Return the works that are not on a topic, with none of which they are plainly on it."""
        among = self._papers(numbers)
        found, _ = filter_by_topic(
            self._store, topic, self._embed, question.language, self._narrowed(question), among
        )
        on_topic = {
            self._library.number_of[hit.paper.paper_id]
            for hit in _plainly_on(topic, question.language, found)
        }
        return [number for number in numbers if number not in on_topic]

    def _papers(self, numbers: Sequence[int]) -> set[str]:
        return {paper.paper_id for number in numbers for paper in self._library.works[number].papers}

    def _narrowed(self, question: FieldQuestion) -> Filters:
        """Return the filters with the years of the question, so that candidates are not wasted on others."""
        if not (spans := question.years):
            return self._filters
        first, last = min(first for first, _ in spans), max(last for _, last in spans)
        return replace(self._filters, year_from=first, year_to=last)

    def fulfilling(self, question: FieldQuestion) -> list[int]:
        """Return the works that fulfil every condition but the topic, in index order."""
        library = self._library
        passing = range(len(library.works)) if question.works is None else question.works
        kept = set(passing)
        if self._filters:
            files = set(self._store.catalog.source_names(self._filters.sources))
            kept &= {n for n in kept if any(passes(p, self._filters, files) for p in library.works[n].papers)}
        if question.authors:
            sets = [set(library.authors.find(name)) for name in question.authors]
            kept &= sets[0].union(*sets) if question.any_author else sets[0].intersection(*sets)
        for name in question.not_authors:
            kept -= set(library.authors.find(name))
        if question.venue:
            kept &= set(library.venues.find(question.venue))
        return [number for number in passing if number in kept and _fits(library.works[number], question)]

    def undated(self, question: FieldQuestion) -> int:
        """Return how many works may belong to certain years, but have no year."""
        if not question.years or question.topic:
            return 0
        fulfilling = self.fulfilling(replace(question, years=()))
        return sum(not self._library.works[number].year for number in fulfilling)


def _fits(work: Work, question: FieldQuestion) -> bool:
    """Return whether a work is of the years and in the language that are asked for."""
    in_language = question.written is None or any(p.language == question.written for p in work.papers)
    empty = not any(FIELD_VALUES[field](work, "en") for field in question.without)
    return in_language and empty and within(work.year, question.years)


def _meant(question: FieldQuestion, topic: str, found: Sequence[ScoredChunk]) -> Sequence[ScoredChunk]:
    """Return which papers on a topic the question means: all, or those that are plainly on it."""
    if question.as_title:
        return [hit for hit in found if holds_terms(topic, hit.paper.title or "")]
    if question.one and question.asked in OF_ONE_FIELD:
        return _nearest(topic, found)
    strict = question.order or question.asked in OF_ONE_FIELD
    return _plainly_on(topic, question.language, found) if strict else found


def _nearest(topic: str, found: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Return what "the paper on" a topic may be: titles that hold it, else texts, else the nearest."""
    titled = [hit for hit in found if holds_terms(topic, hit.paper.title or "")]
    held = [hit for hit in found if holds_terms(topic, f"{hit.paper.title or ''}\n{hit.chunk.text}")]
    return list((titled or held or found[:1])[:_AS_NEAR])


def _plainly_on(topic: str, language: Language, found: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Return the papers of which one may be called the latest on a topic: they hold it or are near it."""
    held = {id(hit) for hit in found if holds_terms(topic, f"{hit.paper.title or ''}\n{hit.chunk.text}")}
    best = max((hit.dense or 0.0 for hit in found), default=0.0)
    own = OWN_SHARE if held else OTHER_SHARE
    shares = {la: own if la == language else OTHER_SHARE for la in LANGUAGES}
    return [
        hit for hit in found if id(hit) in held or (hit.dense or 0.0) >= shares[hit.paper.language] * best
    ]
