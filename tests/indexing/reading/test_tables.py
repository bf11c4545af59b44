import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import CorpusError
from rag.indexing.readers import read_papers
from rag.indexing.reading.forms.tables import read_table, table_of
from rag.indexing.reading.record import Record
from tests.soak import SOAK

EN = "Maple seedlings were watered, every second day. Leaf wilting fell by 18%."


def read(
    tmp_path: Path, content: str, name: str = "a.csv"
) -> tuple[list[tuple[str | None, str]], list[tuple[int | None, str]]]:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    reading = read_papers(tmp_path / name)
    return [(p.title, p.text) for p in reading.papers], [(p.position, p.reason) for p in reading.problems]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_lines_within_a_cell(tmp_path: Path, delimiter: str) -> None:
    rows = [["Title", "Abstract"], ["One", f'{EN}\nSaid "twice"; done.'], ["Two", "Walls | crack."]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    texts, problems = read(tmp_path, text.getvalue())
    assert texts == [("One", f'{EN} Said "twice"; done.'), ("Two", "Walls | crack.")]
    assert problems == []


def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    texts, problems = read(
        tmp_path, 'Title,Abstract\nOne,"never closed\nTwo,Walls crack.\nThree,"Roofs, too."\n'
    )
    assert texts == [("Two", "Walls crack."), ("Three", "Roofs, too.")]
    assert [position for position, _ in problems] == [1]


def test_a_row_with_too_many_cells_is_named(tmp_path: Path) -> None:
    texts, problems = read(tmp_path, "Title,Abstract\nOne,Walls, roofs\nTwo,Walls crack.\n")
    assert (texts, problems) == ([("Two", "Walls crack.")], [(1, "3 cells where the table has 2 columns")])


def test_quotation_marks_in_tabbed_text_stay(tmp_path: Path) -> None:
    texts, _ = read(
        tmp_path, 'TI\tAB\n"One"\tA 5" pipe and "odd quotes.\nTwo\t"Walls ""crack""."\n', "savedrecs.txt"
    )
    assert texts == [("One", 'A 5" pipe and "odd quotes.'), ("Two", 'Walls "crack".')]


def test_a_table_of_other_columns_needs_a_map(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f'Heading,Body\nOne,"{EN}"\n')
    with pytest.raises(CorpusError, match="--map abstract=COLUMN"):
        read_papers(tmp_path)
    (paper,) = read_papers(tmp_path, mapping={"abstract": "Body", "title": "Heading"}).papers
    assert (paper.title, paper.text) == ("One", EN)
    (tmp_path / "a.csv").write_text("Title,Authors,Year\nOne,Doe,2031\n")
    with pytest.raises(CorpusError, match="without a column of abstracts"):
        read_papers(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["Title, abstract and year of each were noted. We found more.\n\nMore text.", "We saw a, b; c.\nThen d."],
)
def test_prose_is_no_table(text: str) -> None:
    assert table_of(text) is None


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12
)


@settings(max_examples=100 * SOAK, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.sampled_from([",", ";"]))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("Title", "Abstract"), *rows])
    content = text.getvalue().replace("\r\n", "\n")
    table = table_of(content)
    assert table is not None
    found = [
        record.fields
        for record in read_table(io.StringIO(content, newline=""), table)
        if isinstance(record, Record)
    ]
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    assert [(f["Title"], f["Abstract"]) for f in found] == [
        tuple(cell.strip("\ufeff \t") for cell in row) for row in expected
    ]
