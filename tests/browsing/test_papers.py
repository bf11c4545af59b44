"""Lists of works with their counts by field, single works, the map and the example questions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from rag.answering.fields.work import Work
from rag.browsing.examples import phrases
from rag.browsing.paper_map import PaperMap
from rag.browsing.records import Order
from rag.browsing.shelf import Shelf
from rag.browsing.words import frequent_phrases, telling_words
from rag.errors import QuestionError
from rag.library import index_paths
from rag.pipeline import RAG
from rag.schema import Filters, Paper
from rag.settings import load_settings
from tests.conftest import HashEmbedder, ScriptedLLM


def listed(rag: RAG, query: str = "", **options: object) -> list[str | None]:
    return [work[0].title for work in rag.papers(query, **options).works]


def indexed(home: Path, records: Sequence[Mapping[str, object]]) -> RAG:
    """Return a library of these records, open."""
    file, embedder = home / "records.jsonl", HashEmbedder()
    file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    index_paths([file], home / "index", embedder=embedder)
    return RAG(load_settings(index=home / "index"), embedder=embedder, llm=ScriptedLLM(lambda messages: ""))


def test_every_word_must_stand_in_a_work_or_be_its_name(library: RAG) -> None:
    assert library.papers("sea ice").total == 2
    assert listed(library, "moths lamps") == ["Blue lamps and moths"]
    assert set(listed(library, "張三")) == {"高原雪深的卫星预测", "冻土路基的温度监测"}
    assert listed(library, "Polar Farming") == ["Kelp farms under ice"]
    assert not library.papers("lamp").nearest


def test_words_that_no_text_holds_give_what_is_nearest_and_say_so(library: RAG) -> None:
    page = library.papers("lamps volcano")
    assert page.nearest
    assert page.total == len(page.works)
    assert page.works[0][0].title in {"Amber lamps in the tundra", "Blue lamps and moths"}
    assert library.papers("volcano", Filters(papers=frozenset({"0" * 16}))).total == 0


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [
        ("year", "高原雪深的卫星预测", "A note without a year"),
        ("title", "A note without a year", "高原雪深的卫星预测"),
        ("added", "A note without a year", "Amber lamps in the tundra"),
    ],
)
def test_orders(library: RAG, order: Order, first: str, last: str) -> None:
    found = listed(library, order=order)
    assert (found[0], found[-1]) == (first, last)


def test_the_best_match_holds_the_words_most_and_a_keyword_alone_comes_last(tmp_path: Path) -> None:
    records = [
        {"title": "Salt", "abstract": "Salt marshes grow by 4 mm a year where goats graze.", "keywords": ["kelp"]},
        {"title": "Ice", "abstract": "Under ice some kelp and many other plants were counted on 9 days of a long trip.",
         "keywords": ["kelp"]},
        {"title": "Kelp", "abstract": "Kelp feeds on light: kelp in clear water doubles its weight, other kelp does not."},
    ]  # fmt: skip
    with indexed(tmp_path, records) as rag:
        assert listed(rag, "kelp") == ["Kelp", "Ice", "Salt"]


def test_pages_follow_each_other_and_bad_ones_are_refused(library: RAG) -> None:
    whole = listed(library, order="title")
    pages = [listed(library, order="title", offset=n, limit=4) for n in (0, 4)]
    assert [*pages[0], *pages[1]] == whole
    assert library.papers(offset=4, limit=4).total == len(whole) == 6
    with pytest.raises(QuestionError, match="A page has from 1 to 1,000"):
        library.papers(limit=0)


def test_counts_are_of_what_the_other_filters_let_through(library: RAG) -> None:
    counts = library.facets()
    assert dict(counts["language"]) == {"en": 4, "zh": 2}
    assert counts["year"][0] == ("2022", 1)
    assert dict(counts["author"])["Ada Holm"] == 2
    assert "Holm, Ada" not in dict(counts["author"])
    assert [dict(counts["keyword"])[word] for word in ("amber lamp", "雪深", "kelp")] == [2, 2, 1]
    chinese = library.facets(filters=Filters(language="zh"))
    assert dict(chinese["language"]) == {"en": 4, "zh": 2}
    assert dict(chinese["venue"]) == {"遥感学报": 2}
    assert dict(library.facets("lamps")["venue"]) == {"Journal of Lamps": 2}


@pytest.mark.parametrize("field", ["author", "venue", "keyword"])
def test_a_count_is_what_its_filter_finds(library: RAG, field: str) -> None:
    for value, count in library.facets()[field]:
        assert library.papers(filters=replace(Filters(), **{f"{field}s": (value,)})).total == count


def test_a_work_shows_what_was_folded_into_it_and_why(tmp_path: Path) -> None:
    text = (
        "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent in spring and summer."
    )
    copy = text.replace("We count", "Here we count")
    records = [{"title": "Bees", "abstract": text}, {"title": "Bees", "abstract": copy}]
    with indexed(tmp_path, records) as rag:
        [[paper]] = rag.papers().works
        work = rag.work(paper.paper_id)
        assert work is not None
        [folded] = work.folded
        assert (folded.kept_id, folded.reason) == (paper.paper_id, "near")
        assert rag.work(folded.paper.paper_id) == work
        assert rag.work("0" * 16) is None


def test_the_map_has_every_work_once_and_the_same_each_time(library: RAG) -> None:
    drawn = library.map()
    assert {point.paper_id for point in drawn.points} == {w[0].paper_id for w in library.papers().works}
    assert all(-1 <= value <= 1 for point in drawn.points for value in (point.x, point.y))
    assert all(0 <= point.cluster < len(drawn.clusters) for point in drawn.points)
    assert library.map() is drawn


def test_no_map_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("One abstract alone has no axes to be placed on.", encoding="utf-8")
    embedder = HashEmbedder()
    index_paths([tmp_path / "one.txt"], tmp_path / "index", embedder=embedder)
    settings = load_settings(index=tmp_path / "index")
    with RAG(settings, embedder=embedder, llm=ScriptedLLM(lambda messages: "")) as rag:
        drawn = rag.map()
        assert isinstance(drawn, PaperMap)
        assert [(point.x, point.y) for point in drawn.points] == [(0.0, 0.0)]


def test_examples_are_answered_from_the_records(library: RAG) -> None:
    examples = library.examples(6)
    assert 4 <= len(examples) <= 6
    for example in examples:
        for language in ("en", "zh"):
            answer = library.ask(example[language])
            assert answer.kind == "collection", example[language]
            assert answer.citations, example[language]


def test_topics_of_a_large_library_come_from_a_sample_the_rarer_first() -> None:
    def shelf(titles: Sequence[str]) -> Shelf:
        works = [Work((Paper(f"p{n}", "", "en", (), title=title),)) for n, title in enumerate(titles)]
        return cast(Shelf, SimpleNamespace(works=works))

    titles = ["Sea ice"] * 25 + ["Solar cells"] * 30 + ["Snow"] * 1945
    assert phrases(shelf(titles)) == ["solar cells", "sea ice"]
    assert phrases(shelf([each for title in titles for each in (title, "Snow")])) == [
        "sea ice",
        "solar cells",
    ]


def test_words_that_set_groups_apart() -> None:
    titles = [
        "Solar cells of glass",
        "Thin solar cells",
        "深度学习的应用",
        "深度学习与图像",
        "Bees and solar storms",
        "Wild bees",
    ]
    first, second, third = telling_words(titles, [0, 0, 1, 1, 2, 2], 1)
    assert first in {"cells", "solar"}
    assert second == "深度学习"
    assert third == "bees"


def test_phrases_are_pairs_of_words_that_say_something() -> None:
    found = dict(
        frequent_phrases(["Graph networks of proteins", "On graph networks", "量子点发光", "量子点显示"])
    )
    assert found["graph networks"] == 2
    assert "networks of" not in found
