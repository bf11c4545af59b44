"""Answer questions about fields from the catalogue: who, when, where, how many, the latest, and lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from rag.answering.collection.listing import LISTED, CollectionAnswer, listed, put_together, title_of
from rag.answering.collection.replies import format_message
from rag.answering.collection.topic import Embed, first_sentence
from rag.answering.fields.library import Library, library_of
from rag.answering.fields.question import (
    Asked,
    FieldQuestion,
    may_ask_fields,
    needs_reading,
    read_field_question,
    word_question,
)
from rag.answering.fields.reading import read_with_llm
from rag.answering.fields.replies import (
    FIELD_NAMES,
    FIELD_TEXTS,
    FIELD_VALUES,
    GROUPED_BY,
    byline,
    conditions,
    joined,
    several_fields,
    with_article,
)
from rag.answering.fields.selection import Selected, Selector
from rag.answering.fields.work import Work
from rag.answering.router import classify
from rag.llm.base import LLM
from rag.schema import Citation, Filters, Language, ScoredChunk, Sentence
from rag.store.index import Store

# Papers that "the latest" shows where it does not speak of one.
_LATEST = 5
# Values shown where papers are counted by a field.
_GROUPS, _YEARS = 30, 40


def needs_llm(question: str, store: Store) -> bool:
    """Return whether a question may be about fields in words that only a language model can read."""
    if not may_ask_fields(question) or classify(question):
        return False
    library = library_of(store)
    return needs_reading(word_question(question, library, date.today().year), library)


def answer_about_fields(
    question: str, store: Store, embed: Embed, filters: Filters | None = None, llm: LLM | None = None
) -> tuple[Language, CollectionAnswer] | None:
    """Answer a question about authors, years, venues and identifiers from the catalogue, in its language.

    None if the question is about something else, or if only the abstracts can answer it. `llm` reads it where
    its wording is unknown (`needs_llm`).

    Raises:
        LLMError, ModelError: the model failed.
    """
    if not may_ask_fields(question):
        return None
    library = library_of(store)
    worded = word_question(question, library, date.today().year)
    asked = read_field_question(worded, library)
    if llm is not None and needs_reading(worded, library):
        if read := read_with_llm(llm, worded):
            told = FieldAnswers(store, library, embed, filters or Filters()).answer(read)
            return (read.language, told) if told else None
        # It saw no question about fields. Beside a topic, a stranger's name may be part of that.
        if asked and asked.topic and not asked.names_only_known(library):
            return None
    # A list on a topic, or the file of a paper, is for `rag.answering.collection`.
    if not asked or (not asked.names_known(library) and classify(question)):
        return None
    # "Which papers report X on Y": words beside a topic are a venue only if the library knows it.
    if asked.venue and asked.topic and not library.venues.find(asked.venue):
        return None
    told = FieldAnswers(store, library, embed, filters or Filters()).answer(asked)
    return (asked.language, told) if told else None


class FieldAnswers:
    """Answers questions about the fields of one index, of the papers that pass the filters."""

    def __init__(self, store: Store, library: Library, embed: Embed, filters: Filters) -> None:
        """Take an index, its fields, what embeds a topic, and the filters."""
        self._store, self._library = store, library
        self._selector = Selector(store, library, embed, filters)

    def answer(self, question: FieldQuestion) -> CollectionAnswer | None:
        """Answer from the catalogue; None if the language model has to answer."""
        selected = self._selector.select(question)
        if not selected.works and question.guessed_topic:
            question = replace(question, topic=None)
            selected = self._selector.select(question)
        if not selected.works and (question.as_title or not question.sure):
            return None
        if lacking := self._lacking(question):
            return put_together([format_message("never", question.language, FIELD_TEXTS, field=lacking)])
        if question.asked in GROUPED_BY:
            return self._groups(question, selected)
        if not selected.works:
            return self._nothing(question, selected)
        if question.asked in FIELD_VALUES:
            return self._fields(question, selected)
        return self._list(question, selected)

    # What is lacking

    def _lacking(self, question: FieldQuestion) -> str | None:
        """Return the first field that the question needs and no record has, as a noun."""
        needed: list[tuple[Asked, object]] = [
            ("authors", question.authors or question.asked in ("authors", "by author")),
            ("year", question.years or question.order or question.asked in ("year", "by year")),
            ("venue", question.venue or question.asked in ("venue", "by venue")),
        ]
        if question.asked in FIELD_VALUES:
            needed.append((question.asked, True))
        for field, need in needed:
            if need and not self._library.having(partial(_recorded, field)):
                name = FIELD_NAMES[field][question.language]
                return with_article(name) if question.language == "en" else name
        return None

    def _nothing(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        language = question.language
        if question.works is not None and not question.works:
            return put_together([format_message("untitled", language, FIELD_TEXTS)])
        lines = [format_message("none", language, FIELD_TEXTS, what=conditions(question, language))]
        for name in question.authors:
            if not self._library.authors.find(name):
                lines.append(format_message("no such author", language, FIELD_TEXTS, name=name))
                lines += self._near(self._library.near_authors(name), language)
        if question.venue and not self._library.venues.find(question.venue):
            lines.append(format_message("no such venue", language, FIELD_TEXTS, name=question.venue))
            lines += self._near(self._library.venues.near(question.venue), language)
        return put_together(lines, contexts=selected.closest)

    def _near(self, names: Sequence[str], language: Language) -> list[str]:
        return [format_message("near", language, FIELD_TEXTS, names=joined(names, language))] if names else []

    # What is answered

    def _fields(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        """Tell one field of each selected work."""
        language = question.language
        ordered = self._ordered(question, selected.works)
        if question.order:
            ordered = self._first(question, ordered) or ordered
        shown = ordered[:LISTED]

        def line(work: Work, title: str) -> str:
            if question.also:
                return several_fields(question, work, title)
            value = FIELD_VALUES[question.asked](work, language)
            name = FIELD_NAMES[question.asked][language]
            told = question.asked if value else "unknown"
            text = format_message(told, language, FIELD_TEXTS, title=title, value=value, field=name)
            # What else the record says often answers what else was asked.
            more = byline(work, language, without=question.asked)
            return f"{text[:-1]}{more}{text[-1]}" if text[-1] in ".。" else f"{text}{more}"

        return self._listing(question, [], shown, selected, line, total=len(ordered))

    def _list(self, question: FieldQuestion, selected: Selected) -> CollectionAnswer:
        language = question.language
        works = self._ordered(question, selected.works)
        if question.order:
            works = self._first(question, works)
            head = format_message(
                question.order, language, FIELD_TEXTS, n=len(works), what=conditions(question, language)
            )
        else:
            head = format_message(
                "list", language, FIELD_TEXTS, n=len(works), what=conditions(question, language)
            )
        shown = works[: min(question.limit or LISTED, LISTED)]

        def line(work: Work, title: str) -> str:
            return f"{title}{byline(work, language)}"

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
            for value in GROUPED_BY[question.asked](self._library.works[number]):
                members.setdefault(value, []).append(number)
        by_year = question.asked == "by year" and not question.most
        order = sorted(members, key=lambda value: (value if by_year else "", -len(members[value])))
        items: list[Sentence] = []
        citations: list[Citation] = []
        found: list[ScoredChunk] = []
        for value in order[: _YEARS if by_year else _GROUPS]:
            text = format_message("group", language, FIELD_TEXTS, value=value, n=len(members[value]))
            top = not by_year and len(members[value]) == len(members[order[0]])
            own = self._contexts(question, members[value][: LISTED - len(citations)] if top else (), selected)
            cited = [
                Citation.of(
                    len(citations) + place, hit.paper, *first_sentence(hit.paper, question.topic or "")
                )
                for place, (_, hit) in enumerate(own, 1)
            ]
            citations += cited
            found += [hit for _, hit in own]
            items.append(listed(text, *cited))
        left = len(order) - len(items)
        more = format_message("more groups", language, FIELD_TEXTS, n=left) if left > 0 else ""
        head = format_message(
            question.asked, language, FIELD_TEXTS, n=len(order), what=conditions(question, language)
        )
        return put_together([head], items, citations, tuple(found), more)

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
        left = (total or 0) - len(items)
        more = format_message("more", question.language, n=left) if left > 0 else ""
        undated = self._selector.undated(question)
        note = format_message("undated", question.language, FIELD_TEXTS, n=undated) if undated else ""
        found = tuple(hit for _, hit in contexts)
        return put_together(head, items, citations, found, "\n".join(filter(None, (more, note))))

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


def _recorded(field: Asked, work: Work) -> bool:
    return bool(FIELD_VALUES[field](work, "en"))
