"""Filters by author, venue, keyword and a set of papers, in searches, lists and answers."""

from __future__ import annotations

import pytest

from rag.errors import QuestionError
from rag.pipeline import RAG
from rag.schema import Filters


def titles(rag: RAG, filters: Filters) -> set[str | None]:
    """Return what is found, which a list and a search must agree about."""
    listed = {work[0].title for work in rag.papers(filters=filters).works}
    assert {hit.paper.title for hit in rag.search("lamps 雪深 ice", 10, filters)} == listed
    return listed


AMBER, BLUE, KELP = "Amber lamps in the tundra", "Blue lamps and moths", "Kelp farms under ice"
SNOW, SOIL = "高原雪深的卫星预测", "冻土路基的温度监测"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(authors=("A. Holm",)), {AMBER, BLUE}),
        (Filters(authors=("holm, ada",)), {AMBER, BLUE}),
        (Filters(authors=("Jose Nunez",)), {KELP}),
        (Filters(authors=("張三",)), {SNOW, SOIL}),
        (Filters(authors=("李四", "Wei Wang")), {SNOW, AMBER}),
        (Filters(venues=("THE JOURNAL OF LAMPS",)), {AMBER, BLUE}),
        (Filters(venues=("遙感學報",)), {SNOW, SOIL}),
        (Filters(keywords=("AMBER lamp",)), {AMBER, BLUE}),
        (Filters(keywords=("雪深",), year_from=2021), {SNOW}),
        (Filters(authors=("Ada Holm",), year_to=2020), {BLUE}),
        (Filters(language="zh", authors=("张三", "Ada Holm")), {SNOW, SOIL}),
        (Filters(sources=("library.jsonl",), keywords=("kelp",)), {KELP}),
        (Filters(keywords=("kelp",), venues=("遥感学报",)), set()),
    ],
)
def test_names_are_compared_as_the_catalogue_compares_them(
    library: RAG, filters: Filters, found: set[str]
) -> None:
    assert titles(library, filters) == found


def test_chosen_papers_are_the_only_ones_asked(library: RAG) -> None:
    chosen = {p.paper_id for work in library.papers("lamps").works for p in work}
    filters = Filters(papers=frozenset(chosen))
    assert titles(library, filters) == {AMBER, BLUE}
    answer = library.ask("By how much does growth rise in the greenhouse?", filters=filters)
    assert {context.paper.paper_id for context in answer.contexts} <= chosen
    counted = library.ask("How many abstracts are there?", filters=filters)
    assert "2 distinct abstracts" in counted.answer
    by_field = library.ask("Which papers did 张三 write?", filters=filters)
    assert not by_field.citations


def test_a_chosen_paper_that_is_gone_lets_nothing_through(library: RAG) -> None:
    assert titles(library, Filters(papers=frozenset({"0" * 16}))) == set()


def test_a_name_that_is_not_there_is_said_with_the_nearest(library: RAG) -> None:
    with pytest.raises(QuestionError, match=r"author 'Ada Hollm'.*Did you mean 'Ada Holm'"):
        library.search("lamps", filters=Filters(authors=("Ada Hollm",)))
    with pytest.raises(QuestionError, match="keyword 'volcano'"):
        library.papers(filters=Filters(keywords=("volcano",)))
