import json
from pathlib import Path
from typing import Any

import pytest

from rag.errors import CorpusError
from rag.indexing.readers import iter_papers, read_papers
from rag.schema import Paper

EN = "Maple seedlings were watered every second day. Leaf wilting fell by 18% in the greenhouse."
EN_TWO = "Stone walls were heated to 60 degrees. Cracks grew by 3 mm within a year."


def read(
    tmp_path: Path, content: str, name: str = "x", **options: Any
) -> tuple[list[Paper], list[tuple[int | None, str]]]:
    (tmp_path / name).write_text(content, encoding="utf-8")
    reading = read_papers(tmp_path / name, **options)
    return list(reading.papers), [(problem.position, problem.reason) for problem in reading.problems]


ONE, TWO = {"title": "Maple", "abstract": EN}, {"title": "Stone", "abstract": EN_TWO}


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda items: items,
        lambda items: [items],
        lambda items: {"results": items},
        lambda items: {"meta": {"count": 2, "q": ["x"]}, "results": items, "group_by": []},
        lambda items: {
            "status": "ok",
            "message": {"facets": {}, "total-results": 2, "items": items, "query": {"a": 1}},
        },
        lambda items: {"total": 2, "data": items},
        lambda items: {
            "hits": {"total": {"value": 2}, "hits": [{"_id": "1", "_source": item} for item in items]}
        },
        lambda items: [{"key": "K", "library": {"id": 1}, "data": item} for item in items],
        lambda items: {str(place): item for place, item in enumerate(items)},
        lambda items: {"data": [{"id": "1", "attributes": item} for item in items]},
    ],
)
def test_documents_of_every_layout(tmp_path: Path, wrap: Any, indent: int | None) -> None:
    papers, problems = read(tmp_path, json.dumps(wrap([ONE, TWO]), indent=indent))
    assert [(paper.title, paper.text) for paper in papers] == [("Maple", EN), ("Stone", EN_TWO)]
    assert problems == []
    assert [paper.sources[0].position for paper in papers] == [1, 2]


@pytest.mark.parametrize("between", ["", "\n", "\n\n", ",\n", "\n\ufeff", " "])
@pytest.mark.parametrize("indent", [None, 2])
def test_joined_objects(tmp_path: Path, between: str, indent: int | None) -> None:
    papers, problems = read(
        tmp_path, between.join(json.dumps(item, indent=indent) for item in (ONE, TWO, ONE))
    )
    assert ([paper.text for paper in papers], problems) == ([EN, EN_TWO, EN], [])


@pytest.mark.parametrize("bad", ['{"title": "Bad", "abstract": "never closed}', '{"title": "Bad" "abstract": 3}', '{"title": "Bad", "abstract": "a "quoted" b"}', '{"title": "Bad", "abstract": ["x"}', '{"title": "Bad", "abstract": nothing}'])  # fmt: skip
@pytest.mark.parametrize(
    "layout", ["[{}, {}, {}]", "{}\n{}\n{}\n", "[\n  {},\n  {},\n  {}\n]", '{{"results": [{}, {}, {}]}}']
)
def test_a_broken_record_costs_only_itself(tmp_path: Path, bad: str, layout: str) -> None:
    papers, problems = read(tmp_path, layout.format(json.dumps(ONE), bad, json.dumps(TWO)))
    assert [paper.text for paper in papers] == [EN, EN_TWO]
    assert problems == [(2, "malformed JSON")]


def test_openalex(tmp_path: Path) -> None:
    inverted: dict[str, list[int]] = {}
    for place, word in enumerate(EN.split()):
        inverted.setdefault(word, []).append(place)
    work = {
        "id": "https://openalex.example/W7",
        "doi": "https://doi.org/10.4321/leaf.7",
        "display_name": "Watering <i>maple</i>",
        "publication_year": 2031,
        "ids": {"openalex": "W7", "pmid": "https://pubmed.ncbi.nlm.nih.gov/90000017"},
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": "A1", "display_name": "Jane Doe"},
                "institutions": [],
            }
        ],
        "primary_location": {"source": {"display_name": "Journal of Leaves"}, "landing_page_url": "x"},
        "keywords": [{"id": "k", "display_name": "Maple"}],
        "abstract_inverted_index": inverted,
    }
    (paper,), _ = read(tmp_path, json.dumps({"meta": {}, "results": [work]}))
    assert (paper.text, paper.title, paper.authors, paper.year) == (EN, "Watering maple", ("Jane Doe",), 2031)
    assert (paper.doi, paper.pmid, paper.venue, paper.keywords) == (
        "10.4321/leaf.7",
        "90000017",
        "Journal of Leaves",
        ("Maple",),
    )


def test_crossref(tmp_path: Path) -> None:
    item = {
        "DOI": "10.4321/LEAF.7",
        "title": ["Watering maple"],
        "author": [{"given": "Jane", "family": "Doe", "sequence": "first"}, {"name": "Leaf Group"}],
        "container-title": ["Journal of Leaves"],
        "issued": {"date-parts": [[2031, 3]]},
        "created": {"date-parts": [[2030, 1, 1]]},
        "abstract": "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title><jats:p>To count 10<jats:sup>7</jats:sup> leaves.</jats:p></jats:sec>",
        "URL": "http://dx.doi.org/10.4321/leaf.7",
    }
    (paper,), _ = read(tmp_path, json.dumps({"status": "ok", "message": {"items": [item]}}))
    assert (paper.text, paper.title) == ("Aim: To count 10^7 leaves.", "Watering maple")
    assert (paper.authors, paper.year, paper.venue, paper.doi) == (
        ("Jane Doe", "Leaf Group"),
        2031,
        "Journal of Leaves",
        "10.4321/leaf.7",
    )


def test_semantic_scholar(tmp_path: Path) -> None:
    item = {
        "paperId": "f00",
        "externalIds": {"ArXiv": "3101.00001", "DOI": "10.4321/leaf.7", "PubMed": "90000017", "CorpusId": 7},
        "title": "Watering maple",
        "abstract": EN,
        "venue": "",
        "journal": {"name": "Journal of Leaves", "pages": "1-9"},
        "year": 2031,
        "authors": [{"authorId": "1", "name": "Jane Doe"}, {"authorId": None, "name": "Rick Roe"}],
    }
    (paper,), problems = read(tmp_path, json.dumps({"total": 1, "data": [item]}))
    assert (paper.authors, paper.venue, paper.arxiv_id) == (
        ("Jane Doe", "Rick Roe"),
        "Journal of Leaves",
        "3101.00001",
    )
    assert (paper.doi, paper.pmid, problems) == ("10.4321/leaf.7", "90000017", [])


def test_arxiv_snapshot(tmp_path: Path) -> None:
    item = {
        "id": "3101.00001",
        "authors": "Jane Doe and Rick Roe",
        "title": "Watering\n  maple",
        "journal-ref": "J. Leaves 2 (2032) 1",
        "doi": None,
        "abstract": f"  {EN[:46]}\n{EN[46:].strip()}\n",
        "categories": "q-bio.PE",
        "versions": [
            {"version": "v1", "created": "Mon, 2 Jan 2031 19:18:42 GMT"},
            {"version": "v2", "created": "Tue, 3 Jan 2033 1:1:1 GMT"},
        ],
        "update_date": "2033-01-03",
        "authors_parsed": [["Doe", "Jane", ""], ["Roe", "Rick", ""]],
    }
    (paper,), _ = read(tmp_path, json.dumps(item) + "\n")
    assert (paper.text, paper.title, paper.authors) == (EN, "Watering maple", ("Jane Doe", "Rick Roe"))
    assert (paper.arxiv_id, paper.year, paper.doi) == ("3101.00001", 2031, None)


def test_zotero_items(tmp_path: Path) -> None:
    data = {
        "itemType": "journalArticle",
        "title": "Watering maple",
        "creators": [
            {"creatorType": "author", "firstName": "Jane", "lastName": "Doe"},
            {"creatorType": "editor", "firstName": "Ed", "lastName": "Itor"},
        ],
        "abstractNote": EN,
        "publicationTitle": "Journal of Leaves",
        "date": "2031-03",
        "DOI": "10.4321/leaf.7",
        "tags": [{"tag": "maple"}, {"tag": "water"}],
    }
    (paper,), _ = read(
        tmp_path, json.dumps([{"key": "A", "version": 1, "meta": {"numChildren": 0}, "data": data}])
    )
    assert (paper.authors, paper.keywords, paper.year, paper.venue) == (
        ("Jane Doe",),
        ("maple", "water"),
        2031,
        "Journal of Leaves",
    )


def test_fields_of_anything_else_by_their_path(tmp_path: Path) -> None:
    items = [
        {
            "head": {"t": "Maple"},
            "body": [{"kind": "a", "txt": EN}],
            "people": [{"n": {"full": "Jane Doe"}}, {"n": {"full": "Rick Roe"}}],
            "when.at": "2031",
        }
    ]
    mapping = {"abstract": "body.0.txt", "title": "head.t", "authors": "people.n.full", "year": "when.at"}
    (paper,), _ = read(tmp_path, json.dumps(items), mapping=mapping)
    assert (paper.text, paper.title, paper.authors, paper.year) == (
        EN,
        "Maple",
        ("Jane Doe", "Rick Roe"),
        2031,
    )
    with pytest.raises(CorpusError, match="no field 'sumary' to map: use one of abstract"):
        read(tmp_path, json.dumps(items), mapping={"sumary": "x"})


def test_a_field_that_is_given_and_not_read_is_named(tmp_path: Path) -> None:
    papers, problems = read(tmp_path, json.dumps({"abstract": EN, "authors": [{"orcid": "0000"}]}))
    assert (len(papers), [position for position, _ in problems]) == (1, [1])
    assert "authors" in problems[0][1]


def test_a_record_of_absurd_size_is_named_and_memory_stays(tmp_path: Path) -> None:
    big = json.dumps({"abstract": "leaf " * 1_000_000})
    for name, layout in (("a.jsonl", "{}\n{}\n"), ("b.json", "[{},{}]")):
        papers, problems = read(tmp_path, layout.format(big, json.dumps(ONE)), name)
        assert [paper.text for paper in papers] == [EN]
        assert problems[0][0] == 1


def test_reading_streams(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(ONE) for _ in range(50_000)), encoding="utf-8")
    first = next(iter_papers(tmp_path))
    assert isinstance(first, Paper)
    assert first.text == EN


def test_a_doi_in_an_address_counts_only_where_it_leads_to_the_paper(tmp_path: Path) -> None:
    addresses = ("https://doi.org/10.4321/Leaf.7", "https://library.example/records/doi/10.4321/leaf.8/full")
    papers, _ = read(
        tmp_path,
        json.dumps([{"abstract": EN, "url": address, "authors": "Doe, J.; et al."} for address in addresses]),
    )
    assert [paper.doi for paper in papers] == ["10.4321/leaf.7", None]
    assert {paper.authors for paper in papers} == {("Doe, J.",)}
