"""References in three formats, each read back by a library that did not write it or that others trust."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bibtexparser
import pytest
import rispy
from bibtexparser.middlewares import LatexDecodingMiddleware
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db

from rag.export.bibtex import bibtex, tex
from rag.export.csl import csl_json
from rag.export.names import name_of
from rag.export.references import heading, one_line, references
from rag.export.ris import ris
from rag.indexing.reading.forms.bibtex import read_bibtex
from rag.indexing.reading.papers import papers_of
from rag.schema import Paper, Source
from tests.export.samples import BARE, LAMPS, SNOW

PAPERS = [LAMPS, SNOW, BARE]
SPECIAL = "\\{}$&%#_~^@\"'=,;<>`|*[]\n\r\t\x00\x0b\x1c\x85\u2028\ud800 -"
ODD = st.text(
    st.one_of(st.sampled_from(SPECIAL), st.characters(), st.sampled_from("abcAB12灯雪")), max_size=60
)


def read_bib(text: str) -> list[dict[str, str]]:
    """Read BibTeX as its library does, TeX decoded; `{}` of protected capitals falls away."""
    known = get_default_latex_context_db()
    macros = [MacroTextSpec("url", "%s"), MacroTextSpec("textasciicircum", "^")]
    known.add_context_category("ours", prepend=True, macros=macros)
    decoding = LatexDecodingMiddleware(decoder=LatexNodes2Text(known, math_mode="verbatim"))
    library = bibtexparser.parse_string(text, append_middleware=[decoding])
    assert library.failed_blocks == []
    return [
        {field.key: field.value for field in entry.fields} | {"ID": entry.key, "TYPE": entry.entry_type}
        for entry in library.entries
    ]


def odd_paper(text: str, **fields: Any) -> Paper:
    return Paper("0123456789abcdef", text, "en", (Source("a", 1),), **fields)


def test_bibtex_is_read_back() -> None:
    lamps, snow, bare = read_bib(bibtex(PAPERS))
    assert lamps["TYPE"] == "article"
    assert lamps["author"] == "Ash, Jane and van Birch, Ludwig and Cedar, JA and The River Otter Team"
    assert lamps["title"] == "Amber Lamps & DNA: X-ray studies of $L_{2}$ sleep"
    assert (lamps["journal"], lamps["year"], lamps["pmid"]) == ("Journal of R&D", "2021", "4711")
    assert (lamps["doi"], lamps["url"]) == ("10.5555/lamp_1", "https://example.org/lamps?a=1;b=2")
    assert (lamps["language"], lamps["keywords"]) == ("english", "otters, light & sleep")
    assert lamps["abstract"] == LAMPS.text
    assert (snow["TYPE"], snow["author"], snow["title"]) == ("inproceedings", "沈青 and 欧阳雪", "雪灯研究")
    assert (snow["booktitle"], snow["language"]) == ("第三届灯具会议论文集", "chinese")
    assert (bare["TYPE"], bare["eprint"], bare["archiveprefix"]) == ("misc", "2101.00001", "arXiv")
    assert bare["title"] == "A lamp without a record."


def test_capitals_that_a_style_would_lower_are_kept_in_braces() -> None:
    assert (
        tex("Amber Lamps and DNA in X-ray SnowNet", keep_case=True)
        == "Amber Lamps and {DNA} in {X-ray} {SnowNet}"
    )
    assert tex("A lamp: $L_2$", keep_case=True) == "A lamp: {$L_2$}"


@pytest.mark.parametrize("text", ["cost $5 and $6", "$a{b$", "a $ b $ c", "$\\}$", "$x\\$", "7$"])
def test_dollars_that_are_no_formula_are_escaped(text: str) -> None:
    assert "$" not in re.sub(r"\\\$", "", tex(text))


def test_ris_is_read_back() -> None:
    lamps, snow, bare = rispy.loads(ris(PAPERS))
    assert lamps == {
        "type_of_reference": "JOUR", "id": "ash2021amber-00aa11bb", "year": "2021", "doi": "10.5555/lamp_1",
        "authors": ["Ash, Jane", "van Birch, Ludwig", "Cedar, JA", "The River Otter Team"],
        "title": LAMPS.title, "secondary_title": "Journal of R&D", "abstract": LAMPS.text,
        "urls": ["https://example.org/lamps?a=1%3Bb=2"], "accession_number": "4711",
        "name_of_database": "PubMed", "language": "English", "keywords": ["otters", "light & sleep"],
    }  # fmt: skip
    assert (snow["type_of_reference"], snow["authors"], snow["language"]) == (
        "CPAPER",
        ["沈青", "欧阳雪"],
        "Chinese",
    )
    assert (bare["accession_number"], bare["urls"]) == (
        "arXiv:2101.00001",
        ["https://arxiv.org/abs/2101.00001"],
    )
    assert all(re.match("[A-Z][A-Z0-9]  - |$", line) for line in ris(PAPERS).split("\n"))


def test_csl_json_is_read_back_and_set_by_a_citation_processor() -> None:
    text = csl_json(PAPERS)
    lamps, snow, bare = json.loads(text)
    assert (lamps["type"], snow["type"], bare["type"]) == ("article-journal", "paper-conference", "article")
    assert lamps["author"][1] == {"family": "Birch", "given": "Ludwig", "non-dropping-particle": "van"}
    assert lamps["author"][3] == {"literal": "The River Otter Team"}
    assert snow["author"] == [{"literal": "沈青"}, {"literal": "欧阳雪"}]
    assert (lamps["DOI"], lamps["PMID"], bare["number"]) == ("10.5555/lamp_1", "4711", "arXiv:2101.00001")
    assert (snow["language"], lamps["abstract"]) == ("zh", LAMPS.text)
    assert "Ash" in (shown := set_by_citeproc(text)[0])
    assert "Journal of R&D" in shown
    assert "2021" in shown
    assert "雪灯研究" in set_by_citeproc(text)[1]


def set_by_citeproc(text: str) -> list[str]:
    """Return the bibliography of CSL-JSON in the style that citeproc-py brings along."""
    items = json.loads(text)
    for item in items:
        item["author"] = [
            {"family": name["literal"]} if "literal" in name else name for name in item.get("author", [])
        ]  # citeproc-py 0.11 knows no literal names
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
    for item in items:
        bibliography.register(Citation([CitationItem(item["id"])]))
    return [str(line) for line in bibliography.bibliography()]


@given(ODD, ODD, st.lists(ODD, max_size=3), ODD, st.lists(ODD, max_size=2))
def test_odd_text_survives_every_format(
    text: str, title: str, authors: Sequence[str], venue: str, keywords: Sequence[str]
) -> None:
    paper = odd_paper(text, title=title, authors=tuple(authors), venue=venue, keywords=tuple(keywords))
    [bib], [tagged], [item] = (
        read_bib(bibtex([paper])),
        rispy.loads(ris([paper])),
        json.loads(csl_json([paper])),
    )
    expected = one_line(text)
    assert item.get("abstract", "") == tagged.get("abstract", "") == expected
    assert item.get("title", "") == tagged.get("title", "") == heading(title, text)
    assert tagged.get("secondary_title", "") == item.get("container-title", "") == one_line(venue)
    names = [n for n in map(one_line, authors) if n]
    assert len(item.get("author", [])) == len(tagged.get("authors", [])) == len(names)
    assert loose(bib.get("abstract", "")) == loose(expected)
    assert loose(bib.get("title", "")) == loose(heading(title, text))
    f"{bibtex([paper])}{ris([paper])}{csl_json([paper])}".encode()  # nothing that UTF-8 cannot write


def loose(text: str) -> str:
    """Return what is left when quotes and dashes, which TeX joins, and white space do not count."""
    return re.sub(r"[\s`'\"“”‘’<>«»!?¡¿-]|[–—]", "", text)


@given(st.lists(ODD.filter(lambda name: bool(one_line(name))), max_size=4))
def test_every_author_stays_one_in_bibtex(names: Sequence[str]) -> None:
    [entry] = bibtexparser.parse_string(bibtex([odd_paper("Lamps.", authors=tuple(names))])).entries
    parsed = bibtexparser.middlewares.names.split_multiple_persons_names(
        {field.key: field.value for field in entry.fields}.get("author", "")
    )
    assert len([name for name in parsed if name]) == len(names)


@pytest.mark.parametrize(
    ("written", "family", "given_name", "whole"),
    [
        ("Ash, Jane B.", "Ash", "Jane B.", False),
        ("Jane B. Ash", "Ash", "Jane B.", False),
        ("Ash JB", "Ash", "JB", False),
        ("van der Birch A", "Birch", "A", False),
        ("沈青", "沈青", "", True),
        ("沈青 (Qing Shen)", "沈青 (Qing Shen)", "", True),
        ("Lamp Study Group", "Lamp Study Group", "", True),
        ("A, B, C, D", "A, B, C, D", "", True),
        ("Plato", "Plato", "", False),
    ],
)
def test_names_are_split_where_they_have_parts(
    written: str, family: str, given_name: str, whole: bool
) -> None:
    name = name_of(written)
    assert (name.family, name.given, name.whole) == (family, given_name, whole)


def test_keys_are_unique_and_do_not_depend_on_what_else_is_exported() -> None:
    twin = replace(LAMPS, paper_id=LAMPS.paper_id[:8] + "99999999")
    keys = [reference.key for reference in references([LAMPS, twin, SNOW, LAMPS])]
    assert len(set(keys)) == len(keys) == 3
    assert references([SNOW])[0].key == keys[2]
    assert all(re.fullmatch("[a-z0-9-]+", key) for key in keys)


def test_what_is_exported_can_be_indexed_again() -> None:
    [record] = read_bibtex(bibtex([LAMPS]).splitlines(keepends=True))
    [paper] = papers_of(record, "lamps.bib")
    assert paper.paper_id != ""
    assert (paper.title, paper.year, paper.doi, paper.venue) == (LAMPS.title, 2021, LAMPS.doi, LAMPS.venue)
