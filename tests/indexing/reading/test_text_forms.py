from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing.readers import read_papers
from rag.indexing.reading.forms.plain_text import read_paragraphs
from rag.indexing.reading.record import Record
from rag.schema import Paper
from tests.soak import SOAK

EN = "Maple seedlings were watered every second day. Leaf wilting fell by 18% in the greenhouse."
EN_TWO = "Stone walls were heated to 60 degrees. Cracks grew by 3 mm within a year."
ZH = "为研究灌溉间隔对番茄萎蔫的影响，在温室中开展了两年试验。结果表明，隔日灌溉使叶片萎蔫率下降18%。"
LONG_EN = "To study how the interval of irrigation changes the wilting of tomato, a trial of two years was run in a greenhouse. The results show that watering every second day lowers leaf wilting by 18%."


def read(tmp_path: Path, content: str, name: str = "a.txt", **options: Any) -> list[Paper]:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    reading = read_papers(tmp_path / name, **options)
    assert reading.problems == ()
    return list(reading.papers)


def titles(papers: list[Paper]) -> list[tuple[str | None, str]]:
    return [(paper.title, paper.text) for paper in papers]


def test_a_short_paragraph_above_an_abstract_is_its_title(tmp_path: Path) -> None:
    content = f"Watering maple seedlings\n\n{EN}\n\nDoes heat crack walls?\n\n{EN_TWO}\n\n灌溉间隔与番茄萎蔫\n\n{ZH}\n"
    assert titles(read(tmp_path, content)) == [
        ("Watering maple seedlings", EN),
        ("Does heat crack walls?", EN_TWO),
        ("灌溉间隔与番茄萎蔫", ZH),
    ]


def test_a_first_line_above_an_abstract_is_its_title(tmp_path: Path) -> None:
    wrapped = "Maple seedlings were watered every second\nday. Leaf wilting fell by 18% in the big\ngreenhouse of glass."
    content = f"Watering maple\n{EN}\n\nWatering maple\n{wrapped}\n\n灌溉间隔与番茄萎蔫\n{ZH}\n"
    assert titles(read(tmp_path, content)) == [
        ("Watering maple", EN),
        ("Watering maple", " ".join(wrapped.split())),
        ("灌溉间隔与番茄萎蔫", ZH),
    ]


@pytest.mark.parametrize("title", ["MAPLE-TS: watering of seedlings", "Can trees drink? A survey of maples"])
def test_titles_that_begin_with_an_acronym_or_hold_a_question(tmp_path: Path, title: str) -> None:
    for gap in ("\n", "\n\n"):
        content = f"{title}{gap}{EN}\n\nCracks\n\nPATIENTS: {EN_TWO}\n"
        assert titles(read(tmp_path, content)) == [(title, EN), ("Cracks", f"PATIENTS: {EN_TWO}")]


def test_a_wrapped_paragraph_has_no_title(tmp_path: Path) -> None:
    wrapped = "Maple seedlings that were watered every day\nDoubled their leaves. The wilting of their older\nleaves fell by 18% in the greenhouse."
    assert titles(read(tmp_path, f"{wrapped}\n\n{EN_TWO}")) == [
        (None, " ".join(wrapped.split())),
        (None, EN_TWO),
    ]


def test_authors_between_title_and_abstract(tmp_path: Path) -> None:
    (one, two) = read(
        tmp_path,
        f"Watering maple seedlings\n\nJane Doe, Rick van Roe and A. B. Stone\n\n{EN}\n\n番茄萎蔫\n\n张三，李四\n\n{ZH}",
    )
    assert (one.title, one.authors) == (
        "Watering maple seedlings",
        ("Jane Doe", "Rick van Roe", "A. B. Stone"),
    )
    assert (two.title, two.authors, two.text) == ("番茄萎蔫", ("张三", "李四"), ZH)


def test_short_paragraphs_without_a_text_below_are_records_as_before(tmp_path: Path) -> None:
    assert titles(read(tmp_path, "One leaf\n\nTwo leaves\n\nThree leaves\n\nFour leaves\n")) == [
        (None, text) for text in ("One leaf", "Two leaves", "Three leaves", "Four leaves")
    ]


@pytest.mark.parametrize(
    "labels",
    [
        ["BACKGROUND: ", "METHODS: ", "RESULTS: ", "CONCLUSIONS: "],
        ["Objective. ", "Design. ", "Main outcome measures. ", "Interpretation. "],
        ["[Aim] ", "[Methods] ", "[Findings] ", "[Conclusion] "],
        ["Introduction\n", "Methods\n", "Results\n", "Conclusions\n"],
        ["目的：", "方法：", "结果：", "结论："],
        ["【目的】", "【方法】", "【结果】", "【结论】"],
        ["目的 ", "方法 ", "结果 ", "结论 "],
    ],
)
def test_the_sections_of_a_structured_abstract_are_one_record(tmp_path: Path, labels: list[str]) -> None:
    parts = [f"{label}Sentence {place} of it." for place, label in enumerate(labels)]
    content = "\n\n".join(["The title of it", *parts, *parts, EN])
    first, second, third = read(tmp_path, content)
    assert first.text == second.text
    assert all(f"Sentence {place} of it." in first.text for place in range(4))
    assert (first.title, third.text) == ("The title of it", EN)


def test_keywords_and_identifiers_below_an_abstract(tmp_path: Path) -> None:
    (one, two) = read(
        tmp_path,
        f"{EN}\n\nKeywords: maple; water use\n\nhttps://doi.org/10.4321/Leaf.7\n\n{ZH}\n\n关键词：番茄；灌溉\n",
    )
    assert (one.keywords, one.doi, one.text) == (("maple", "water use"), "10.4321/leaf.7", EN)
    assert (two.keywords, two.text) == (("番茄", "灌溉"), ZH)


@pytest.mark.parametrize(
    "between", ["\n\nAbstract: ", "\n\n英文摘要：", "\n\n[Abstract] ", "\nAbstract: ", " Abstract: "]
)
def test_both_languages_in_one_text(tmp_path: Path, between: str) -> None:
    zh, en = read(tmp_path, f"番茄萎蔫\n\n摘要：{ZH}{between}{LONG_EN}\n\n{EN_TWO}\n")[:2]
    assert (zh.text, en.text, zh.language, en.language) == (ZH, LONG_EN, "zh", "en")
    assert zh.work_id == en.work_id == zh.paper_id
    assert (zh.title, zh.sources) == (en.title, en.sources)


@pytest.mark.parametrize(
    "record",
    [
        {"abstract": ZH, "abstract_en": LONG_EN},
        {"abstract_zh": ZH, "abstract_en": LONG_EN},
        {"摘要": ZH, "英文摘要": LONG_EN},
        {"中文摘要": ZH, "English abstract": LONG_EN},
        {"abstract": {"zh": ZH, "en": LONG_EN}},
        {"abstract": f"摘要：目的 {ZH}Abstract: Objective {LONG_EN}"},
        {"abstract": f"{ZH}\n{LONG_EN}"},
    ],
)
def test_both_languages_in_one_record(tmp_path: Path, record: dict[str, Any]) -> None:
    import json

    zh, en = read(
        tmp_path,
        json.dumps(record | {"title": "番茄萎蔫 / Tomato wilting", "year": 2031, "doi": "10.4321/leaf.7"}),
    )
    assert zh.text.endswith(ZH)
    assert en.text.endswith(LONG_EN)
    assert zh.work_id == en.work_id == zh.paper_id
    assert (
        (zh.year, zh.doi, zh.sources) == (en.year, en.doi, en.sources) == (2031, "10.4321/leaf.7", zh.sources)
    )
    assert (zh.title, en.title) == ("番茄萎蔫", "Tomato wilting")


def test_one_language_with_terms_of_the_other_is_one_paper(tmp_path: Path) -> None:
    mixed = f"{ZH}使用 ResNet (deep residual network for image recognition) 和 BERT (a model of the language) 提取特征。"
    english = f"{LONG_EN} The method is called 灌溉间隔 in China."
    assert [paper.work_id for paper in read(tmp_path, f"{mixed}\n\n{english}")] == [None, None]


def test_markdown(tmp_path: Path) -> None:
    content = f"# Watering *maple*\n\nJane Doe, Rick Roe\n\n## Abstract\n\n{EN} See [the **site**](http://x.example).\n\n## Keywords\n\nmaple; water\n\n# Stone walls\n\n{EN_TWO}\n\n- cracks\n- dust\n\n## References\n\n1. Old paper.\n"
    one, two = read(tmp_path, content, "a.md")
    assert (one.title, one.authors, one.keywords) == (
        "Watering maple",
        ("Jane Doe", "Rick Roe"),
        ("maple", "water"),
    )
    assert one.text == f"{EN} See the site."
    assert (two.title, two.text) == ("Stone walls", f"{EN_TWO} cracks dust")


def test_markdown_without_headings_is_read_as_plain_text(tmp_path: Path) -> None:
    assert titles(read(tmp_path, f"{EN}\n\n{EN_TWO}\n", "a.md")) == [(None, EN), (None, EN_TWO)]


WORDS = st.text("abc de.", min_size=1, max_size=40)


@settings(max_examples=100 * SOAK, deadline=None)
@given(st.lists(WORDS, max_size=12))
def test_no_word_of_plain_text_is_lost(paragraphs: list[str]) -> None:
    lines = "\n\n".join(paragraphs).splitlines(keepends=True)
    found = [record.fields for record in read_paragraphs(lines) if isinstance(record, Record)]
    words = [word for fields in found for value in fields.values() for word in str(value).split()]
    assert sorted(words) == sorted(word for text in paragraphs for word in text.split())
