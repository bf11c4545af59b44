"""Which questions are about fields, and what they ask; questions of science are left to the abstracts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.fields.library import Library
from rag.answering.fields.question import FieldQuestion, may_ask_fields, read_field_question, word_question
from rag.schema import Paper, Source

NOW = 2030
SOURCE = (Source("a.jsonl", 1),)
PAPERS = [
    Paper("p1", "", "en", SOURCE, "Wool dyes fade in salt air", ("Novak, Petra", "Lian, Bo"), 2019, "10.5555/w.1", venue="Textile Letters"),
    Paper("p2", "", "en", SOURCE, "Salt air and the rust of bells", ("Lian, Bo",), 2022, venue="Journal of Old Metals", arxiv_id="2201.00077"),
    Paper("p5", "", "en", SOURCE, "Tar in old roofs", ("On, Kim", "In, Jae", "Sun, Mei"), 2018),
    Paper("p3", "", "en", SOURCE, "Ice on roof gutters", ("Haas, Uwe",), 2024, venue="Nature"),
    Paper("p4", "", "zh", SOURCE, "竹材在潮湿环境中的强度变化", ("沈青", "沈青山"), 2021, venue="竹材学报"),
]  # fmt: skip
LIBRARY = Library(PAPERS)


def read(question: str) -> FieldQuestion | None:
    if not may_ask_fields(question):
        return None
    return read_field_question(word_question(question, LIBRARY, NOW), LIBRARY)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who wrote the paper on wool dyes?", {"asked": "authors", "topic": "wool dyes", "one": True}),
        ("Who are the authors of “Ice on roof gutters”?", {"asked": "authors", "works": (3,)}),
        ("Who wrote Ice on roof gutters?", {"asked": "authors", "works": (3,)}),
        ("who wrote 10.5555/W.1?", {"asked": "authors", "works": (0,)}),
        ("What year is arXiv:2201.00077v2 from?", {"asked": "year", "works": (1,)}),
        ("What was published in 2022 by Lian?", {"asked": "list", "authors": ("Lian",), "years": ((2022, 2022),)}),
        ("papers by novak", {"asked": "list", "authors": ("novak",)}),
        ("Lian's papers on rust", {"asked": "list", "authors": ("Lian",), "topic": "rust"}),
        ("Has Bo Lian written anything on bells since 2020?", {"authors": ("Bo Lian",), "topic": "bells", "years": ((2020, 9999),)}),
        ("How many papers by Lian and Novak?", {"asked": "list", "authors": ("Lian", "Novak"), "any_author": False}),
        ("papers by Lian or Haas", {"asked": "list", "authors": ("Lian", "Haas"), "any_author": True}),
        ("What has Haas written?", {"asked": "list", "authors": ("Haas",)}),
        ("张三写了哪些论文？", {"asked": "list", "authors": ("张三",)}),
        ("Lian et al. 2022", {"asked": "list", "authors": ("Lian",), "years": ((2022, 2022),)}),
        ("papers by Quimby", {"asked": "list", "authors": ("Quimby",)}),
        ("the latest on salt air", {"asked": "list", "order": "newest", "topic": "salt air"}),
        ("oldest paper", {"asked": "list", "order": "oldest", "one": True}),
        ("the 3 newest papers", {"order": "newest", "limit": 3, "one": False}),
        ("papers in Nature about gutters", {"asked": "list", "venue": "Nature", "topic": "gutters"}),
        ("What was published in J. Old Metals?", {"asked": "list", "venue": "J. Old Metals"}),
        ("When was the paper about bells published?", {"asked": "year", "topic": "bells", "one": True}),
        ("In which journal did the wool dyes paper appear?", {"asked": "venue", "topic": "wool dyes"}),
        ("What is the DOI of the article on wool dyes?", {"asked": "doi", "topic": "wool dyes"}),
        ("How many papers per year?", {"asked": "by year"}),
        ("Which authors are in the collection?", {"asked": "by author"}),
        ("Who wrote the most papers?", {"asked": "by author"}),
        ("Which Chinese papers are from 2021?", {"asked": "list", "written": "zh", "years": ((2021, 2021),)}),
        ("沈青写了哪些论文？", {"asked": "list", "authors": ("沈青",)}),
        ("沈青山的文章有几篇", {"asked": "list", "authors": ("沈青山",)}),
        ("韩梅梅发表了什么论文？", {"asked": "list", "authors": ("韩梅梅",)}),
        ("2021年以来关于竹材的论文有哪些？", {"asked": "list", "years": ((2021, 9999),), "topic": "竹材"}),
        ("《竹材在潮湿环境中的强度变化》的作者是谁？", {"asked": "authors", "works": (4,)}),
        ("关于竹材的那篇论文是哪一年发表的？", {"asked": "year", "topic": "竹材", "one": True}),
        ("发表在《竹材学报》上的论文", {"asked": "list", "venue": "竹材学报"}),
        ("最新的关于竹材的论文是哪篇？", {"order": "newest", "topic": "竹材", "one": True}),
        ("哪位作者的论文最多？", {"asked": "by author"}),
        ("每年各有多少篇论文？", {"asked": "by year"}),
        ("沈青还发表了什么？", {"asked": "list", "authors": ("沈青",)}),
        ("Please find Chinese-language articles on bamboo.", {"written": "zh", "topic": "bamboo"}),
        ("Petra Novak wool dyes", {"authors": ("Petra Novak",), "topic": "wool dyes"}),
        ("bells doi", {"asked": "doi", "topic": "bells"}),
    ],
)  # fmt: skip
def test_what_is_asked(question: str, expected: dict[str, Any]) -> None:
    found = read(question)
    assert found is not None
    assert {name: getattr(found, name) for name in expected} == expected
    if "topic" not in expected:
        assert found.topic is None


SCIENCE = """
Who discovered the salt effect according to the abstract?
In which year did the epidemic start?
Which author-level metrics predict how often a paper is cited?
How many papers did the review include?
How many studies were included in the analysis?
How many articles published before 2010 were screened?
Which papers on wool show that dyes fade?
What is the latest treatment for scoliosis?
How many patients were enrolled in 2019?
When was the survey conducted?
When was the lamp study carried out?
Who funded the gutter study?
What did Lian find about rust?
Which method did Novak et al. propose?
What dose did Haas use in the 2024 paper?
What do authors of open data report?
Who wrote it? / When was this paper published? / Who are their authors?
What happened in 2019? / Is Nature restored by it? / What is published?
Are the papers in the data set annotated by experts?
Does publication bias explain the results?
流行病是哪一年开始的？ / 综述纳入了多少篇论文？ / 该研究由谁资助？ / 作者提出了什么方法？ / 2019年纳入了多少患者？
这篇论文是谁写的？ / 哪些论文使用了竹材并提高了强度？ / 最新的治疗方法是什么？ / 沈青提出了什么方法？
论文中提到的方法发表后有何影响？ / 研究者发现了什么？
"""


@pytest.mark.parametrize(
    "question", [q.strip() for line in SCIENCE.strip().splitlines() for q in line.split(" / ")]
)
def test_a_question_of_science_is_left_to_the_abstracts(question: str) -> None:
    found = read(question)
    assert found is None or found.as_title  # then only a paper of that title is spoken of


def test_a_name_inside_a_longer_one_is_not_taken() -> None:
    found = read("沈青河写了哪些论文？")
    assert found is not None
    assert found.authors == ("沈青河",)


def test_a_surname_that_is_a_word_changes_nothing() -> None:
    found = read("papers by Lian on rust in bells since 2020")
    assert found is not None
    assert (found.authors, found.topic) == (("Lian",), "rust in bells")


def test_one_light_word_more_changes_nothing() -> None:
    plain, more = read("Who wrote the paper on bells?"), read("Who kindly wrote the paper on bells?")
    assert plain is not None
    assert plain == more


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    "piece", ["papers by ", "who wrote the ", "关于", "发表在", "Lian, ", "2019 and ", "“a” "]
)
def test_a_long_text_takes_little_time(piece: str) -> None:
    started = time.perf_counter()
    read((piece * 400)[:400])
    assert time.perf_counter() - started < 2
