"""Answers and conversations as files: readable, whole, and harmless whatever stands in an abstract."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.errors import UserError
from rag.export.cited import cited_papers
from rag.export.files import (
    ANSWER_FORMATS,
    CONVERSATION_FORMATS,
    ExportFile,
    export_answer,
    export_conversation,
    export_papers,
)
from rag.export.markdown import escaped
from rag.export.plain import plain_text
from rag.schema import Evidence, Paper, Sentence, Source
from tests.export.samples import LAMPS, SNOW, answered, cite

HOSTILE = (
    "<script>alert(1)</script> ![x](https://e.example/p.png) [y](javascript:alert(1)) **b** `c` &lt; <b>\"'"
)
TURNS = [("What do lamps do?", answered()), ("And owls?", None)]


class Page(HTMLParser):
    """The tags, attributes and text of an HTML page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(markdown: str) -> Page:
    """Return Markdown as a reader of it shows it, HTML and links of the text included."""
    return Page(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


def hostile_paper() -> Paper:
    return Paper("ab" * 8, HOSTILE, "en", (Source("a", 1),), HOSTILE, (HOSTILE,), 2020, None, "javascript:alert(1)", HOSTILE)  # fmt: skip


def hostile_answer() -> object:
    cited = cite(1, hostile_paper(), HOSTILE)
    words = Evidence(1, 0, len(HOSTILE), HOSTILE)
    sentence = Sentence(HOSTILE, (1,), "weak", 0.1, (words,))
    return answered(
        f"{HOSTILE} [1](javascript:alert(1))", HOSTILE, sentences=(sentence,), citations=(cited,), contexts=()
    )


def test_an_answer_as_markdown_has_its_references_and_their_words() -> None:
    file = export_answer(answered(), "markdown")
    assert (file.name, file.media_type) == ("What-do-lamps-do.md", "text/markdown")
    assert file.text.startswith(
        "# What do lamps do?\n\nLamps calm otters [1]. The error was 2.5 cm [2].\n\n## References"
    )
    assert "- [1] **Amber Lamps" in file.text
    assert "<https://doi.org/10.5555/lamp_1>" in file.text
    page = rendered(file.text)
    assert "Amber lamps calm otters." in page.text
    assert "误差为2.5厘米。" in page.text
    assert "Weakly supported: “The error was 2.5 cm.”" in page.text
    assert "no abstract supports them: 1" in page.text
    assert page.tags.count("blockquote") == 2


def test_a_chinese_answer_is_exported_in_chinese() -> None:
    answer = answered("误差为2.5厘米[2]。", "误差是多少？", language="zh")
    assert "## 参考文献" in export_answer(answer, "markdown").text
    assert "参考文献" in plain_text(answer)
    assert '<html lang="zh">' in export_answer(answer, "html").text
    assert export_answer(answer, "html").name == "误差是多少.html"


def test_a_refusal_lists_what_was_closest_and_cites_nothing() -> None:
    answer = answered("The abstracts do not answer this.", refused=True, citations=(), sentences=())
    text = export_answer(answer, "markdown").text
    assert "## Closest abstracts, which do not answer" in text
    assert "[1]" not in text
    assert cited_papers([answer]) == []
    assert len(export_answer(answer, "csv").text.splitlines()) == 1


def test_text_for_the_clipboard() -> None:
    assert plain_text(answered()).splitlines() == [
        "Lamps calm otters [1]. The error was 2.5 cm [2].",
        "",
        "References",
        "[1] Amber Lamps & DNA: X-ray studies of $L_{2}$ sleep. Ash, Jane; Ludwig van Birch; Cedar JA; et al. "
        "Journal of R&D. 2021. https://doi.org/10.5555/lamp_1",
        "    “Amber lamps calm otters.”",
        "[2] 雪灯研究. 沈青; 欧阳雪. 第三届灯具会议论文集. 2022.",
        "    “误差为2.5厘米。”",
    ]
    assert plain_text(answered("Hello.", kind="chat", citations=())) == "Hello."


def test_html_is_one_file_that_fetches_and_runs_nothing() -> None:
    page = Page(export_conversation("Lamps", TURNS, "html").text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert ("href", "#ref-1-1") in page.attributes
    assert ("id", "ref-1-1") in page.attributes
    assert any("default-src 'none'" in value for _, value in page.attributes)
    assert "url(" not in export_conversation("Lamps", TURNS, "html").text
    assert "There is no answer to this question." in page.text


def test_nothing_that_an_abstract_says_becomes_markup() -> None:
    answer = hostile_answer()
    for page in (
        Page(export_answer(answer, "html").text),
        Page(export_conversation(HOSTILE, [(HOSTILE, answer)], "html").text),
        rendered(export_answer(answer, "markdown").text),
        rendered(export_conversation(HOSTILE, [(HOSTILE, answer)], "markdown").text),
    ):
        assert not {"script", "img", "b", "code"} & set(page.tags)
        assert [
            v for name, v in page.attributes if name in ("href", "src") and not v.startswith("#ref-")
        ] == []
        assert page.text.count(HOSTILE) >= 3


@given(
    st.text(
        st.one_of(st.sampled_from("\\`*_[]<>&~|#+-=!()1.) \t灯a$:/"), st.characters(codec="utf-8")),
        max_size=40,
    )
)
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    page = rendered(escaped(text))
    shown = " ".join(text.replace("\x00", " ").split())
    assert page.text.strip() == " ".join(escaped_controls(shown).split())
    assert set(page.tags) <= {"p"}


def escaped_controls(text: str) -> str:
    return re.sub("[\x00-\x08\x0e-\x1b\x7f\ufffe\uffff]", " ", text)


def test_json_is_the_contract_of_the_command_line() -> None:
    assert json.loads(export_answer(answered(), "json").text) == answered().to_dict()
    assert json.loads(export_conversation("Lamps", TURNS, "json").text) == {
        "title": "Lamps",
        "turns": [
            {"question": "What do lamps do?", "answer": answered().to_dict()},
            {"question": "And owls?", "answer": None},
        ],
    }


def test_a_table_has_a_row_for_each_paper() -> None:
    file = export_answer(answered(), "csv")
    assert file.text.startswith("\ufeff")
    header, lamps, snow = csv.reader(io.StringIO(file.text.removeprefix("\ufeff"), newline=""))
    assert header == ["Paper", "Authors", "Year", "Venue", "Link", "What it says", "Words behind it"]
    assert (lamps[0], lamps[2], lamps[5:]) == (
        LAMPS.title,
        "2021",
        ["Lamps calm otters.", "Amber lamps calm otters."],
    )
    assert snow[5:] == ["The error was 2.5 cm.", "误差为2.5厘米。"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r\n@", "＝", " ="])
def test_no_cell_of_a_table_is_a_formula(start: str) -> None:
    title = f'{start}HYPERLINK("http://e.example";"x"),\n"'
    paper = replace(LAMPS, title=title, authors=(title,), venue=title)
    file = export_answer(answered(citations=(cite(1, paper, "Amber lamps"),)), "csv")
    _, row = csv.reader(io.StringIO(file.text.removeprefix("\ufeff"), newline=""))
    assert len(row) == 7
    assert not any(cell.startswith(("=", "+", "-", "@", "＝", "\t", "\r", " ")) for cell in row)


@pytest.mark.parametrize("form", ["bibtex", "ris", "csl"])
def test_references_of_a_conversation_hold_each_cited_paper_once(form: str) -> None:
    turns = [("a", answered()), ("b", None), ("c", answered())]
    file = export_conversation("Lamps", turns, form)
    assert file == export_papers([LAMPS, SNOW], form, "Lamps")
    assert file.text.count("Birch") == 1


def test_a_cited_paper_that_was_not_retrieved_is_exported_from_its_citation() -> None:
    [paper] = cited_papers([answered(contexts=(), citations=(cite(1, SNOW, "误差"),))])
    assert paper == SNOW


@pytest.mark.parametrize(
    ("write", "forms"),
    [
        (lambda form: export_answer(answered(), form), ANSWER_FORMATS),
        (lambda form: export_conversation("t", TURNS, form), CONVERSATION_FORMATS),
    ],
)
def test_every_format_has_a_name_and_an_unknown_one_names_the_others(
    write: Callable[[str], ExportFile], forms: tuple[str, ...]
) -> None:
    names = {write(form).name for form in forms}
    assert len(names) == len(forms)
    with pytest.raises(UserError, match=", ".join(forms)):
        write("docx")


@pytest.mark.parametrize("title", ["", "../../etc/passwd", "a/b\\c:d*?", "\x00", "灯" * 500])
def test_a_file_name_is_safe(title: str) -> None:
    name = export_conversation(title, [], "bibtex").name
    assert re.fullmatch(r"[\w-]{1,60}\.bib", name)
    assert len(name.encode()) < 255
