"""Which references are one work: identifiers, titles, authors and scripts in all their forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing.dedup.folding import deduplicate
from rag.indexing.dedup.names import common_authors
from rag.schema import Paper, Source
from tests.indexing.records import CHINESE, ENGLISH, RECORDS, paper

TITLE = "Mosses on the roofs of bus shelters in the rain"
MOSS = (
    "Mosses were collected from 61 bus shelters in spring. Their water content was 8.4 g a day in the shade, and "
    "they kept the roofs cool for 5 hours after rain. Shelters beside roads had fewer species than in parks."
)
LICHEN = (
    "We photographed lichens on park benches in winter and counted colonies with a phone. Cold nights did not "
    "matter; benches of oak carried most colonies, and paint kept them away for 3 years in all towns."
)
SNAIL = (
    "Snails crossed a wet path at night under infrared light. Pairs moved in one direction and left trails that "
    "others followed for 2 hours. Salt on the path stopped them, while sand slowed them by half."
)
AUTHORS = ("Nowak, Ida", "Berg, Tor")


def kept(*papers: Paper) -> int:
    result = deduplicate(papers)
    assert len(result.kept) + len(result.dropped) == len(papers)
    return len(result.kept)


@pytest.mark.parametrize(
    "doi",
    [
        "10.77/Ab.1",
        "https://doi.org/10.77/ab.1",
        "http://dx.doi.org/10.77/AB.1",
        "doi: 10.77/ab.1",
        "10.77/ab.1 [doi]",
    ],
)
def test_a_doi_is_one_in_all_written_forms(doi: str) -> None:
    cut = MOSS[:90]
    assert kept(paper(MOSS, 1, title=TITLE, doi="10.77/ab.1"), paper(cut, 2, title="Wet roofs", doi=doi)) == 1


def test_chapters_under_the_doi_of_the_book_are_kept_apart() -> None:
    chapters = [paper(text, i, doi="10.77/978-1") for i, text in enumerate([MOSS, LICHEN, SNAIL])]
    assert kept(*chapters) == 3
    titled = [
        paper(text, i, doi="10.77/978-1", title="Preface") for i, text in enumerate([MOSS, LICHEN, SNAIL])
    ]
    assert kept(*titled) == 3
    bare = [
        f"Chapter {number}: {what} of bus shelters"
        for number, what in enumerate(["roofs", "benches", "signs"])
    ]
    assert kept(*(paper(title, i, doi="10.77/978-1", title=title) for i, title in enumerate(bare))) == 3


@pytest.mark.parametrize("other", [{"doi": "10.77/conf.2"}, {}])
def test_a_conference_and_a_journal_paper_of_one_title_are_two_if_their_texts_differ(
    other: dict[str, Any],
) -> None:
    same: dict[str, Any] = {"title": TITLE, "authors": AUTHORS, "year": 2021}
    journal = paper(MOSS, 1, doi="10.77/j.1", **same)
    assert kept(journal, paper(LICHEN, 2, **same, **other)) == 2
    assert kept(journal, paper(LICHEN, 2, **same | {"year": 2020}, **other)) == 2


def test_equal_references_with_two_dois_are_two_if_a_number_differs() -> None:
    same: dict[str, Any] = {"title": TITLE, "authors": AUTHORS, "year": 2021}
    first, second = (
        paper(MOSS, 1, doi="10.77/j.1", **same),
        paper(MOSS.replace("8.4", "4.8"), 2, doi="10.77/j.2", **same),
    )
    assert kept(first, second) == 2


@pytest.mark.parametrize("title", ["Editorial", "Letter to editor", "前言", "编者按"])
@pytest.mark.parametrize("texts", [(MOSS, LICHEN), ("{} ", "{} B")])
def test_generic_titles_join_nothing(title: str, texts: tuple[str, str]) -> None:
    same: dict[str, Any] = {"title": title, "authors": AUTHORS, "year": 2021}
    assert kept(*(paper(text.format(title), i, **same) for i, text in enumerate(texts))) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"arxiv_id": "2101.00007"}, {"arxiv_id": "arXiv:2101.00007v3"}),
        ({"arxiv_id": "2101.00007"}, {"doi": "10.48550/arXiv.2101.00007"}),
        ({"pmid": "777"}, {"pmid": "777"}),
    ],
)
def test_versions_of_one_preprint_are_one_though_a_number_was_corrected(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    result = deduplicate([paper(MOSS, 1, **first), paper(MOSS.replace("8.4", "8.6"), 2, **second)])
    assert [drop.reason for drop in result.dropped] == ["identifier"]


def test_a_preprint_and_the_journal_version_are_one() -> None:
    preprint = paper(MOSS, 1, title=TITLE, authors=AUTHORS, year=2020, doi="10.48550/arXiv.2006.00007")
    reworded = (
        MOSS.replace("were collected", "have been collected") + " We discuss what this means for towns."
    )
    journal = paper(reworded, 2, title=TITLE, authors=AUTHORS, year=2021, doi="10.77/j.1")
    assert kept(preprint, journal) == 1


@pytest.mark.parametrize(
    "authors",
    [
        ("Ida Nowak", "Tor Berg"),
        ("Nowak Ida", "Berg Tor"),
        ("Nowak I", "Berg T"),
        ("I. Nowak", "T. Berg"),
        ("Berg, T.",),
    ],
)
def test_names_are_read_in_every_order(authors: tuple[str, ...]) -> None:
    bare = paper(TITLE, 2, title=TITLE, authors=authors, year=2021)
    assert kept(paper(MOSS, 1, title=TITLE, authors=AUTHORS, year=2021), bare) == 1


@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        (["Li, Wei"], ["Wei Li"], 1),
        (["Li Wei"], ["Wei Li"], 1),
        (["Wei Wang"], ["Wang Li"], 0),
        (["Ann Lee", "Bo Chan"], ["Lee A", "Chen, Bo"], 1),
        (["張三"], ["张三"], 1),
        (["José Núñez"], ["Nunez, Jose"], 1),
        ([], ["Lee A"], 0),
        ([",", " "], ["Lee A"], 0),
    ],
)
def test_authors_in_common(first: Sequence[str], second: Sequence[str], common: int) -> None:
    assert common_authors(first, second) == common_authors(second, first) == common


def test_traditional_and_simplified_characters_are_one_text() -> None:
    traditional = (
        "本文調查臺灣山區溪流的魚類，發現乾季時種類減少百分之三十七，並與雨量有顯著的關係，應予保護。"
    )
    simplified = (
        "本文调查台湾山区溪流的鱼类，发现干季时种类减少百分之三十七，并与雨量有显著的关系，应予保护。"
    )
    assert kept(paper(traditional, 1), paper(simplified, 2)) == 1
    assert kept(paper(traditional, 1), paper(simplified.replace("三十七", "三十八"), 2)) == 2
    assert kept(paper(traditional, 1), paper(simplified.replace("减少", "增加"), 2)) == 2


def test_a_text_and_its_translation_are_never_folded() -> None:
    same: dict[str, Any] = {"doi": "10.77/j.1", "title": TITLE, "authors": AUTHORS, "year": 2021}
    assert kept(paper(ENGLISH, 1, **same), paper(CHINESE, 2, **same)) == 2


def test_texts_of_one_record_stay_one_work_when_one_of_them_is_folded() -> None:
    slip = ENGLISH.replace("distillation", "distilation")
    english, chinese = paper(slip, 1, work_id="w"), paper(CHINESE, 1, work_id="w")
    result = deduplicate([english, chinese, paper(ENGLISH, 2, title=TITLE), paper(MOSS, 3, work_id="x")])
    works = {one.text: one.work_id for one in result.kept}
    best = paper(ENGLISH).paper_id
    assert works == {ENGLISH: best, CHINESE: best, MOSS: None}


@settings(max_examples=80, deadline=None)
@given(st.lists(RECORDS, max_size=9))
def test_every_record_is_kept_or_dropped_and_every_source_is_kept(found: list[Paper]) -> None:
    records = [Paper(p.paper_id, p.text, p.language, (Source("f", i),), p.title, p.authors, p.year, p.doi)
               for i, p in enumerate(found)]  # fmt: skip
    result = deduplicate(records)
    held = {source for one in result.kept for source in one.sources}
    assert held == {source for one in records for source in one.sources}
    dropped = {drop.paper.sources: drop.paper for drop in result.dropped}
    texts = {one.paper_id: one.text for one in result.kept}
    for one in records:
        assert dropped.get(one.sources, one) == one
        assert one.sources in dropped or texts[one.paper_id] == one.text
    assert {drop.kept_id for drop in result.dropped} <= texts.keys()
