"""Small invented exports in the shape of the real ones: each is read with all its fields."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rag.indexing.readers import read_papers
from rag.schema import Paper

EN = "Maple seedlings were watered every second day. Leaf wilting fell by 18% in the greenhouse."
EN_TWO = "Stone walls were heated to 60 degrees. Cracks grew by 3 mm within a year."
ZH = "为研究灌溉间隔对番茄萎蔫的影响，在温室中开展了两年试验。结果表明，隔日灌溉使叶片萎蔫率下降18%。"


def read(
    tmp_path: Path, content: str, name: str = "export.txt"
) -> tuple[list[Paper], list[tuple[int | None, str]]]:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    reading = read_papers(tmp_path / name)
    return list(reading.papers), [(problem.position, problem.reason) for problem in reading.problems]


def known(paper: Paper) -> dict[str, Any]:
    skipped = ("paper_id", "sources", "language", "work_id")
    return {name: value for name, value in paper.to_dict().items() if value and name not in skipped}


FULL = {
    "text": EN,
    "title": "Watering maple seedlings",
    "authors": ["Doe, Jane", "Roe, Rick"],
    "year": 2031,
    "doi": "10.4321/leaf.7",
    "venue": "Journal of Leaves",
    "keywords": ["maple", "water use"],
}

RIS = f"""TY  - JOUR
AU  - Doe, Jane
AU  - Roe, Rick
TI  - Watering maple seedlings
T2  - Journal of Leaves
PY  - 2031/03/01/
DO  - 10.4321/LEAF.7
KW  - maple
KW  - water use
UR  - https://leaves.example/7
AB  - {EN[:46]}
{EN[46:].strip()}
ER  - {''}

TY  - JOUR
TI  - No text
ER  -
"""  # fmt: skip
WOS = f"""FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Doe, J
   Roe, R
AF Doe, Jane
   Roe, Rick
TI Watering maple
   seedlings
SO Journal of Leaves
DE maple; water use
AB {EN[:46]}
   {EN[46:].strip()}
PY 2031
DI 10.4321/leaf.7
UT WOS:000000000000007
ER

EF
"""
MEDLINE = f"""
PMID- 90000017
OWN - NLM
DP  - 2031 Mar-Apr
TI  - Watering maple seedlings
LID - S0000-0000 [pii]
LID - 10.4321/leaf.7 [doi]
AB  - {EN[:46]}
      {EN[46:].strip()}
FAU - Doe, Jane
AU  - Doe J
FAU - Roe, Rick
AU  - Roe R
JT  - Journal of Leaves
OT  - maple
OT  - water use
SO  - J Leaves. 2031;2:1-9.
"""
REFER = f"""%0 Journal Article
%A Doe, Jane
%A Roe, Rick
%T Watering maple seedlings
%J Journal of Leaves
%D 2031
%R 10.4321/leaf.7
%K maple; water use
%X {EN}

"""
BIBTEX = f"""% exported
@string{{jl = "Journal of Leaves"}}
@article{{doe2031,
  title = {{Watering {{M}}aple seedlings}},
  author = {{Doe, Jane and Roe, Rick}},
  journal = jl,
  year = 2031,
  doi = {{10.4321/leaf.7}},
  keywords = {{maple, water use}},
  abstract = {{{EN}}},
}}
"""
SCOPUS = (
    '"Authors","Author full names","Title","Year","Source title","DOI","Link","Abstract","Author Keywords"\n'
    f'"Doe J.; Roe R.","Doe, Jane (570001); Roe, Rick (570002)","Watering maple seedlings","2031","Journal of Leaves","10.4321/leaf.7","https://leaves.example/7","{EN}","maple; water use"\n'
)
ZOTERO = (
    '"Key","Item Type","Publication Year","Author","Title","Publication Title","DOI","Url","Abstract Note","Date","Manual Tags"\n'
    f'"AB","journalArticle","2031","Doe, Jane; Roe, Rick","Watering maple seedlings","Journal of Leaves","10.4321/leaf.7","","{EN}","2031-03-01","maple; water use"\n'
)
WOS_TABLE = f"PT\tAU\tAF\tTI\tSO\tDE\tAB\tPY\tDI\nJ\tDoe, J; Roe, R\tDoe, Jane; Roe, Rick\tWatering maple seedlings\tJournal of Leaves\tmaple; water use\t{EN}\t2031\t10.4321/leaf.7\n"
PUBMED_XML = f"""<?xml version="1.0"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "https://dtd.example/pubmed.dtd">
<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">90000017</PMID><Article>
<Journal><JournalIssue><PubDate><Year>2031</Year></PubDate></JournalIssue><Title>Journal of Leaves</Title></Journal>
<ArticleTitle>Watering maple seedlings</ArticleTitle><Abstract><AbstractText>{EN}</AbstractText></Abstract>
<AuthorList><Author><LastName>Doe</LastName><ForeName>Jane</ForeName></Author><Author><LastName>Roe</LastName><ForeName>Rick</ForeName></Author></AuthorList>
</Article><KeywordList><Keyword>maple</Keyword><Keyword>water use</Keyword></KeywordList></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="doi">10.4321/leaf.7</ArticleId></ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>"""
ENDNOTE_XML = f"""<?xml version="1.0" encoding="UTF-8"?><xml><records><record><contributors><authors><author><style>Doe, Jane</style></author>
<author>Roe, Rick</author></authors></contributors><titles><title><style face="normal">Watering maple seedlings</style></title><secondary-title>Journal of Leaves</secondary-title></titles>
<keywords><keyword>maple</keyword><keyword>water use</keyword></keywords><dates><year>2031</year></dates><electronic-resource-num>10.4321/leaf.7</electronic-resource-num>
<abstract><style>{EN}</style></abstract></record></records></xml>"""
NOTEEXPRESS = f"""{{Reference Type}}: Journal Article
{{Title}}: Watering maple seedlings
{{Author}}: Doe, Jane;Roe, Rick
{{Journal}}: Journal of Leaves
{{Year}}: 2031
{{Keywords}}: maple;water use
{{Abstract}}: {EN}
{{DOI}}: 10.4321/leaf.7

"""
REFWORKS = f"""RT Journal Article
SR 1
A1 Doe, Jane;Roe, Rick
AD Institute of Leaves
T1 Watering maple seedlings
JF Journal of Leaves
YR 2031
vo 2
K1 maple;water use
AB {EN}
DO 10.4321/leaf.7

"""
CNKI = f"""SrcDatabase-来源库: 期刊
Title-题名: Watering maple seedlings
Author-作者: Doe, Jane;Roe, Rick;
Organ-单位: 叶片研究所
Source-文献来源: Journal of Leaves
Keyword-关键词: maple;;water use
Summary-摘要: {EN}
PubTime-发表时间: 2031-03-15
DOI-DOI: 10.4321/leaf.7

"""
LABELLED = f"""Title: Watering maple seedlings
Authors: Doe, Jane; Roe, Rick
Journal: Journal of Leaves
Year: 2031
DOI: 10.4321/leaf.7
Keywords: maple; water use
Abstract: {EN}
"""
FRONT = f"""---
title: "Watering maple seedlings"
authors:
  - Doe, Jane
  - Roe, Rick
date: 2031-03-01
journal: Journal of Leaves
doi: 10.4321/leaf.7
tags: [maple, water use]
---

{EN}
"""
CSL = json.dumps(
    [
        {
            "type": "article-journal",
            "title": "Watering maple seedlings",
            "author": [{"literal": "Doe, Jane"}, {"literal": "Roe, Rick"}],
            "container-title": "Journal of Leaves",
            "issued": {"date-parts": [[2031, 3, 1]]},
            "DOI": "https://doi.org/10.4321/leaf.7",
            "keyword": "maple, water use",
            "abstract": EN,
        }
    ],
    indent=1,
)

EXPORTS = {
    "RIS": RIS,
    "Web of Science": WOS,
    "MEDLINE": MEDLINE,
    "EndNote refer": REFER,
    "BibTeX": BIBTEX,
    "Scopus CSV": SCOPUS,
    "Zotero CSV": ZOTERO,
    "Web of Science table": WOS_TABLE,
    "PubMed XML": PUBMED_XML,
    "EndNote XML": ENDNOTE_XML,
    "NoteExpress": NOTEEXPRESS,
    "RefWorks": REFWORKS,
    "CNKI": CNKI,
    "labelled text": LABELLED,
    "front matter": FRONT,
    "CSL JSON": CSL,
}


@pytest.mark.parametrize("content", EXPORTS.values(), ids=list(EXPORTS))
@pytest.mark.parametrize("name", ["export.txt", "export", "export.dat", "export.v2.1", "export.md"])
def test_an_export_is_read_with_its_fields_whatever_its_name(tmp_path: Path, content: str, name: str) -> None:
    (paper, *others), _ = read(tmp_path, content, name)
    assert not others
    found = known(paper)
    found.pop("url", None)
    assert found.pop("pmid", "90000017") == "90000017"
    assert found | {"title": found["title"].replace("Maple", "maple")} == FULL


@pytest.mark.parametrize("content", EXPORTS.values(), ids=list(EXPORTS))
@pytest.mark.parametrize("how", ["gzip", "crlf", "utf-16", "mark"])
def test_an_export_is_read_gzipped_and_in_other_encodings(tmp_path: Path, content: str, how: str) -> None:
    data = content.encode()
    if how == "crlf":
        data = content.replace("\n", "\r\n").encode()
    elif how == "utf-16":
        data = content.encode("utf-16")
    elif how == "mark":
        data = content.encode("utf-8-sig")
    (tmp_path / "x").write_bytes(gzip.compress(data) if how == "gzip" else data)
    assert [paper.text for paper in read_papers(tmp_path).papers] == [EN]


def test_a_record_without_an_abstract_is_named(tmp_path: Path) -> None:
    assert read(tmp_path, RIS)[1] == [(2, "no abstract")]


def test_ris_records_without_an_end_and_with_stray_text_are_read(tmp_path: Path) -> None:
    content = f"Provider: Leaves\nContent: text/plain\n\nTY - JOUR\nT1 - One\nN2 - {EN}\nTY  - CHAP\nAB  - {EN_TWO}\nT2-weighted images agree.\n"
    papers, problems = read(tmp_path, content)
    assert [(paper.title, paper.text) for paper in papers] == [
        ("One", EN),
        (None, f"{EN_TWO} T2-weighted images agree."),
    ]
    assert problems == []


def test_a_broken_bibtex_entry_costs_only_itself(tmp_path: Path) -> None:
    broken = "@article{x,\n  title = {Never closed,\n  abstract = {Lost.\n\n"
    papers, problems = read(tmp_path, f"{broken}{BIBTEX}\n@book{{y, title={{No text}}}}\n")
    assert [paper.text for paper in papers] == [EN]
    assert [position for position, _ in problems] == [1, 3]
    assert "malformed BibTeX" in problems[0][1]


def test_tex_and_names_of_a_group_in_bibtex(tmp_path: Path) -> None:
    entry = r"@article{k, author={{Leaf Group} and M{\"u}ller, J{\'e}r{\^o}me and others}, title={On $x_{10}$ of {\'E}rable}, eprint={3101.00001}, archivePrefix={arXiv}, abstract={We use 10\% of {M}aple at $T=2^{7}$.}}"
    (paper,), _ = read(tmp_path, entry)
    assert (paper.authors, paper.title, paper.arxiv_id) == (
        ("Leaf Group", "Müller, Jérôme"),
        "On $x_{10}$ of Érable",
        "3101.00001",
    )
    assert paper.text == "We use 10% of Maple at $T=2^{7}$."


def test_a_preprint_appeared_in_arxiv_whatever_its_number(tmp_path: Path) -> None:
    entry = "@article{{k, title={{On {0}}}, journal={{arXiv preprint arXiv:{0}}}, abstract={{{1}}}}}\n"
    papers, _ = read(tmp_path, entry.format("3101.00001", EN) + entry.format("3101.00002", ZH))
    assert [(paper.venue, paper.arxiv_id) for paper in papers] == [
        ("arXiv", "3101.00001"),
        ("arXiv", "3101.00002"),
    ]


PUBMED_TEXT = f"""1. J Leaves. 2031 Mar;2(1):1-9. doi: 10.4321/leaf.7. Epub 2031 Jan 2.

Watering maple seedlings in the greenhouse
of a town.

Doe JA(1), Roe R(2)(3), O'Hara-Smith M Jr(1).

Author information:
(1)Institute of Leaves, Springfield.
(2)Garden, Shelbyville.

BACKGROUND: Leaves wilt.
METHODS: Watering.
RESULTS: {EN}

Copyright © 2031. Published by Leaves.

DOI: 10.4321/leaf.7
PMID: 90000017 [Indexed for MEDLINE]

Conflict of interest statement: None.


2. Stone Notes. 2030;1:2.

On stone walls.

Stone A.

PMID: 90000018


3. Stone Notes. 2030;1:3. doi: 10.4321/stone.3.

[Hot stone walls].

[Article in Chinese]

Stone A(1), Wall B.

{EN_TWO}

1. This is no citation but a list in the abstract.

PMID: 90000019
"""


def test_pubmed_abstract_text(tmp_path: Path) -> None:
    (first, third), problems = read(tmp_path, PUBMED_TEXT)
    assert known(first) == {
        "text": f"BACKGROUND: Leaves wilt. METHODS: Watering. RESULTS: {EN}",
        "title": "Watering maple seedlings in the greenhouse of a town",
        "authors": ["Doe JA", "Roe R", "O'Hara-Smith M Jr"],
        "year": 2031,
        "doi": "10.4321/leaf.7",
        "pmid": "90000017",
        "venue": "J Leaves",
    }
    assert third.text.startswith(EN_TWO)
    assert (third.authors, third.pmid) == (("Stone A", "Wall B"), "90000019")
    assert problems == [(2, "no abstract")]


def test_pubmed_xml_labels_and_markup(tmp_path: Path) -> None:
    content = PUBMED_XML.replace(
        f"<AbstractText>{EN}</AbstractText>",
        '<AbstractText Label="AIM">Count <i>Acer</i>.</AbstractText><AbstractText Label="RESULTS">10<sup>7</sup> cells&#x2009;&amp; p &lt; 0.05.</AbstractText>',
    )
    assert read(tmp_path, content)[0][0].text == "AIM: Count Acer. RESULTS: 10^7 cells & p < 0.05."


def test_endnote_marks_and_a_forbidden_character(tmp_path: Path) -> None:
    raised = 'Doses of 10</style><style face="superscript">7</style><style> and CO</style><style face="subscript">2</style><style> were\x0bgiven\x01.'
    content = ENDNOTE_XML.replace(EN, raised)
    assert read(tmp_path, content)[0][0].text == "Doses of 10^7 and CO2 were given."


def test_a_malformed_xml_record_costs_only_itself(tmp_path: Path) -> None:
    good = ENDNOTE_XML[ENDNOTE_XML.index("<record>") : ENDNOTE_XML.index("</records>")]
    bad = good.replace("</titles>", "</title>")
    papers, problems = read(
        tmp_path, f"<xml><records>{good}{bad}{good}<record><titles>{good}</records></xml>"
    )
    assert [paper.text for paper in papers] == [EN] * 3
    assert [position for position, _ in problems] == [2, 4]
    assert all("XML" in reason or "end is missing" in reason for _, reason in problems)


def test_atom_of_arxiv(tmp_path: Path) -> None:
    content = f"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.example/schemas"><title>Query</title>
    <entry><id>http://arxiv.org/abs/3101.00001v2</id><published>2031-01-03T00:00:00Z</published><title>Watering
    maple</title><summary>{EN}</summary><author><name>Jane Doe</name></author><author><name>Rick Roe</name></author></entry></feed>"""
    (paper,), _ = read(tmp_path, content)
    assert (paper.text, paper.title, paper.authors, paper.year, paper.arxiv_id) == (
        EN,
        "Watering maple",
        ("Jane Doe", "Rick Roe"),
        2031,
        "3101.00001",
    )


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("On leaves.", "On leaves"),
        ("[On leaves].", "On leaves"),
        ("[18F]FDG of walls", "[18F]FDG of walls"),
        ("Why leaves?", "Why leaves?"),
        ("Leaves in the U.S.", "Leaves in the U.S."),
    ],
)
def test_titles_lose_the_full_stop_and_brackets_of_pubmed(tmp_path: Path, written: str, title: str) -> None:
    (paper,), _ = read(tmp_path, f"PMID- 1\nTI  - {written}\nAB  - {EN}\n")
    assert paper.title == title


def test_chinese_exports(tmp_path: Path) -> None:
    content = f"题名,作者,刊名,年,关键词,摘要\n隔日灌溉与番茄萎蔫,张三;李四,叶片学报,2031,番茄;灌溉,{ZH}\n"
    (paper,), _ = read(tmp_path, content, "知网.csv")
    assert known(paper) == {
        "text": ZH,
        "title": "隔日灌溉与番茄萎蔫",
        "authors": ["张三", "李四"],
        "year": 2031,
        "venue": "叶片学报",
        "keywords": ["番茄", "灌溉"],
    }
    assert paper.language == "zh"
