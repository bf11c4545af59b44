"""Example questions that the indexed library can answer, made from its records by templates: no model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rag.answering.fields.answers import answer_about_fields
from rag.answering.router import classify
from rag.browsing.facets import count_facets
from rag.browsing.records import FacetField, Facets
from rag.browsing.shelf import Shelf, title_of
from rag.browsing.words import frequent_phrases
from rag.embedding.base import Vectors
from rag.errors import QuestionError
from rag.schema import LANGUAGES, Language
from rag.store.index import Store

Example = dict[Language, str]
"""One question in both languages."""

# Works that a question lists at least and at most: fewer are dull, more are no list to read.
_FEWEST, _MOST = 2, 40
# Characters of the longest title that is quoted.
_TITLE_CHARS = 70
# Topics and titles looked at, the most frequent first, and those that are taken.
_TRIED, _OFFERED = 200, 3

_TEMPLATES: dict[FacetField, Example] = {
    "author": {"en": "Which papers did {value} write?", "zh": "{value}写了哪些论文？"},
    "year": {"en": "What was published in {value}?", "zh": "{value}年发表了哪些论文？"},
    "venue": {"en": "Which papers appeared in {value}?", "zh": "{value}上有哪些论文？"},
}
_TOPIC: Example = {"en": "List papers about {value}", "zh": "列出关于{value}的论文"}
_TITLE: Example = {"en": "Who wrote “{value}”?", "zh": "《{value}》的作者是谁？"}
_WHOLE: Example = {"en": "What is this collection about?", "zh": "这个库是关于什么的？"}


def example_questions(store: Store, count: int) -> tuple[Example, ...]:
    """Return up to `count` questions that the records of this index answer, none if it is empty."""
    if not store.manifest.works:
        return ()
    shelf, values = Shelf(store), count_facets(store, "", None)
    fields: tuple[FacetField, ...] = ("author", "venue", "year")
    kinds = [_topics(shelf, values), _titles(shelf), iter([_WHOLE])]
    kinds += [_of_field(store, values, field) for field in fields]
    found: list[Example] = []
    while kinds and len(found) < count:  # one of each kind, then another of each
        for kind in list(kinds):
            example = next(kind, None)
            if example is None:
                kinds.remove(kind)
            elif len(found) < count:
                found.append(example)
    return tuple(found)


def _filled(template: Example, value: str) -> Example:
    return {language: text.format(value=value) for language, text in template.items()}


def _of_field(store: Store, values: Facets, field: FacetField) -> Iterator[Example]:
    for value, works in values[field]:
        example = _filled(_TEMPLATES[field], value)
        if _FEWEST <= works <= _MOST and _is_answered(store, example):
            yield example


def _titles(shelf: Shelf) -> Iterator[Example]:
    """Yield questions about authors, each language with titles of its own if there are any."""
    english, chinese = (list(islice(_titles_in(shelf, language), _OFFERED)) for language in LANGUAGES)
    for pair in zip(english or chinese, chinese or english, strict=False):
        filled = zip(LANGUAGES, pair, strict=True)
        example = {language: _TITLE[language].format(value=title) for language, title in filled}
        if _is_answered(shelf.store, example):
            yield example


def _titles_in(shelf: Shelf, language: Language) -> Iterator[str]:
    for work in shelf.works:
        title = title_of(work)
        quotable = 0 < len(title) <= _TITLE_CHARS and title.isprintable()
        if work.authors and quotable and title.isascii() == (language == "en"):
            yield title


def _is_answered(store: Store, example: Example) -> bool:
    """Return whether the records answer a question in both languages, with papers to show."""

    def no_model(text: str) -> Vectors:
        raise QuestionError(f"{text!r} was taken for a topic.")

    try:
        answers = [answer_about_fields(question, store, no_model) for question in example.values()]
    except QuestionError:
        return False
    return all(answer is not None and answer[1].citations for answer in answers)


def _topics(shelf: Shelf, values: Facets) -> Iterator[Example]:
    """Yield topics, each language with its own as keywords or titles name it, else with the other's."""
    english, chinese = (_topics_in(shelf, values, language) for language in LANGUAGES)
    for pair in zip(english or chinese, chinese or english, strict=False):
        filled = zip(LANGUAGES, pair, strict=True)
        yield {language: _TOPIC[language].format(value=value) for language, value in filled}


def _topics_in(shelf: Shelf, values: Facets, language: Language) -> list[str]:
    named = [value for value, works in values["keyword"] if _FEWEST <= works <= _MOST]
    titles = map(title_of, shelf.works)
    named += [phrase for phrase, n in frequent_phrases(titles) if _FEWEST <= n <= _MOST]
    own = [value for value in named if value.isascii() == (language == "en")]
    return list(islice((value for value in own[:_TRIED] if _is_listed(shelf, value)), _OFFERED))


def _is_listed(shelf: Shelf, topic: str) -> bool:
    """Return whether both questions are read as asking for a list, and some texts hold the words."""
    asks = [classify(template.format(value=topic)) for template in _TOPIC.values()]
    read = all(ask is not None and ask.about == topic for ask in asks)
    return read and len(shelf.store.catalog.papers_with(topic)) >= _FEWEST
