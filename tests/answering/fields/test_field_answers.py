"""Questions about fields, answered from an index without the language model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.answering.fields.library import Library
from rag.library import index_paths
from rag.pipeline import RAG
from rag.schema import Answer, Filters, Paper, Source
from rag.settings import load_settings
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

ROWS: list[dict[str, Any]] = [
    {"title": "Wool dyes fade in salt air", "abstract": "Blue wool faded by half in salt air near the sea.",
     "authors": ["Novak, Petra", "Lian, Bo"], "year": 2019, "doi": "10.5555/w.1"},
    {"title": "Rust of church bells", "abstract": "Bells near the coast rust twice as fast as bells inland.",
     "authors": ["Lian, Bo"], "year": 2022},
    {"title": "Rust on ship bells", "abstract": "Brass ship bells show no rust after ten years.",
     "authors": ["Haas, Uwe", "Novak, Petra", "Ode, Ann", "Kay, Sue"], "year": 2024},
    {"title": "竹材在潮湿环境中的强度变化", "abstract": "竹材在潮湿环境中放置一年后强度下降两成。", "authors": ["沈青"], "year": 2021},
    {"title": "竹材防霉处理", "abstract": "竹材经热处理后霉斑减少七成。", "authors": ["沈青山"]},
    {"abstract": "Otters slept longer on cold days."},
]  # fmt: skip


@pytest.fixture(scope="module")
def rag(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RAG]:
    folder = tmp_path_factory.mktemp("fields")
    lines = (json.dumps(row, ensure_ascii=False) for row in ROWS)
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    opened = _open(folder / "rows.jsonl", folder / "index")
    yield opened
    opened.close()


def _open(corpus: Path, index: Path) -> RAG:
    embedder = HashEmbedder()
    index_paths([corpus], index, embedder=embedder)
    settings = load_settings(index=index, min_similarity=-1.0)
    llm = ScriptedLLM(lambda messages: "The model was asked [1].")
    return RAG(settings, embedder=embedder, llm=llm, verifier=NumberVerifier())


def told(rag: RAG, question: str, filters: Filters | None = None) -> Answer:
    answer = rag.ask(question, filters=filters)
    assert answer.kind == "collection"
    assert not answer.refused
    for citation in answer.citations:
        assert citation.text[citation.start : citation.end] == citation.quote != ""
        assert f"[{citation.number}]" in answer.answer
    assert {n for s in answer.sentences for n in s.citations} == {c.number for c in answer.citations}
    return answer


def titles(answer: Answer) -> list[str | None]:
    return [citation.title for citation in answer.citations]


WOOL, CHURCH, SHIP, BAMBOO, MOULD = [row["title"] for row in ROWS[:5]]


@pytest.mark.parametrize(
    ("question", "cited", "says"),
    [
        ("Who wrote the paper on wool dyes?", [WOOL], "Novak, Petra; Lian, Bo"),
        ("When was the paper on wool dyes published?", [WOOL], "2019"),
        ("What is the DOI of the paper on wool dyes?", [WOOL], "10.5555/w.1"),
        ("Who wrote “Rust of church bells”?", [CHURCH], "Lian, Bo"),
        ("Who wrote 10.5555/W.1?", [WOOL], "Novak, Petra"),
        ("Papers by Lian", [CHURCH, WOOL], "2 papers by Lian"),
        ("How many papers by Petra Novak?", [SHIP, WOOL], "2 papers"),
        ("Papers by Novak on rust", [SHIP], "1 paper by Novak on “rust”"),
        ("papers by Novak and Haas", [SHIP], "1 paper"),
        ("papers by Lian or Haas", [SHIP, CHURCH, WOOL], "3 papers"),
        ("What was published in 2022?", [CHURCH], "1 paper from 2022"),
        ("papers on rust since 2023", [SHIP], "since 2023"),
        ("the latest on rust", [SHIP], "latest paper on “rust”"),
        ("What is the oldest paper?", [WOOL], "oldest paper:"),
        ("沈青写了哪些论文？", [BAMBOO], "沈青的论文有1篇"),
        ("关于竹材防霉的论文是谁写的？", [MOULD], "沈青山"),
        ("竹材防霉处理是哪一年发表的？", [MOULD], "记录中没有年份"),
        ("2021年发表的论文有哪些？", [BAMBOO], "2021年的论文有1篇"),
        ("Which Chinese papers are by 沈青山?", [MOULD], "in Chinese"),
        ("Who wrote the paper on otters?", [None], "no author"),
    ],
)
def test_a_question_about_fields_cites_the_papers_it_speaks_of(
    rag: RAG, question: str, cited: list[str | None], says: str
) -> None:
    answer = told(rag, question)
    assert titles(answer) == cited
    assert says in answer.answer
    assert answer.contexts


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("papers by Novack", "No author named Novack is in the records.\nSimilar names here: Novak, Petra."),
        ("Did Quimby publish anything?", "No author named Quimby"),
        ("韩梅梅写了哪些论文？", "没有名为韩梅梅的作者"),
        ("沈青河写了哪些论文？", "没有名为沈青河的作者"),
        ("papers by Lian from 2011", "No paper by Lian from 2011"),
        ("In which journal did the paper on wool dyes appear?", "None of these abstracts records a journal"),
        ("发表在《竹材学报》上的论文有哪些？", "没有期刊或会议"),
        ("Who wrote 10.5555/none.9?", "No paper of that identifier"),
        ("How often has the paper on wool dyes been cited?", "records a number of citations"),
    ],
)
def test_what_is_not_recorded_is_said_and_nothing_is_cited(rag: RAG, question: str, says: str) -> None:
    answer = told(rag, question)
    assert says in answer.answer
    assert answer.citations == ()


def test_records_without_a_year_are_mentioned_where_years_are_asked_for(rag: RAG) -> None:
    assert "2 other records have no year" in told(rag, "papers from 2022").answer
    assert "no year" not in told(rag, "papers by Lian from 2022").answer


def test_works_are_counted_by_a_field(rag: RAG) -> None:
    authors = told(rag, "Which authors are in the collection?").answer
    assert re.search(r"Novak, Petra: 2 papers.*Haas, Uwe: 1 paper", authors, re.DOTALL)
    years = told(rag, "How many papers per year?").answer
    assert years.index("2019: 1") < years.index("2022: 1") < years.index("2024: 1")


def test_filters_hold_for_questions_about_fields_too(rag: RAG) -> None:
    assert titles(told(rag, "Papers by Lian", Filters(year_from=2020))) == [CHURCH]
    assert titles(told(rag, "papers by 沈青山", Filters(language="en"))) == []


@pytest.mark.parametrize(
    "question", ["Who invented the wheel?", "What did Lian find about bells?", "Who wrote Hamlet?"]
)
def test_a_question_of_science_goes_to_the_language_model(rag: RAG, question: str) -> None:
    assert rag.ask(question).kind == "answer"


def test_a_citation_carries_what_is_known_of_its_paper(rag: RAG) -> None:
    [citation] = told(rag, "Who wrote the paper on wool dyes?").citations
    assert citation.authors == ("Novak, Petra", "Lian, Bo")
    assert (citation.year, citation.venue, citation.doi, citation.url) == (2019, None, "10.5555/w.1", None)
    assert citation.to_dict()["authors"] == ["Novak, Petra", "Lian, Bo"]


def test_many_authors_are_cut_in_a_list(rag: RAG) -> None:
    assert "(Haas, Uwe et al.; 2024)" in told(rag, "papers by Haas").answer


def test_an_index_without_authors_says_so(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("Otters slept longer.\n\nOwls flew at dusk.", encoding="utf-8")
    with _open(tmp_path / "plain.txt", tmp_path / "index") as rag:
        for question, says in (
            ("Who wrote the paper on otters?", "None of these abstracts records an author."),
            ("What was published in 2022?", "None of these abstracts records a year."),
            ("张三写了哪些论文？", "所有摘要的记录中都没有作者。"),
        ):
            assert told(rag, question).answer == says


def test_an_abstract_and_its_translation_are_one_work() -> None:
    source = (Source("a.jsonl", 1),)
    english = Paper("e", "", "en", source, "Bamboo mould", ("Shen, Qing",), work_id="e")
    chinese = Paper("c", "", "zh", source, "竹材霉变", ("沈青",), 2020, work_id="e")
    library = Library([english, chinese])
    [work] = library.works
    assert work.shown("zh").title == "竹材霉变"
    assert (work.year, work.authors) == (2020, ("Shen, Qing",))
    assert set(library.authors.find("沈青")) == set(library.authors.find("Shen")) == {0}
