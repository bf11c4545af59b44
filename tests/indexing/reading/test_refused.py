import io
import sqlite3
import zipfile
from pathlib import Path

import pytest

from rag.errors import CorpusError
from rag.indexing.readers import read_papers

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89" + bytes(range(40))


def packed(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "<x>leaves</x>")
    return data.getvalue()


def database(folder: Path) -> bytes:
    with sqlite3.connect(folder / "leaves.db") as connection:
        connection.execute("CREATE TABLE leaves (a)")
    connection.close()
    return (folder / "leaves.db").read_bytes()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "a PDF file"),
        (packed("[Content_Types].xml", "word/document.xml"), "a Word document"),
        (packed("[Content_Types].xml", "xl/workbook.xml"), "a spreadsheet"),
        (packed("papers/a.txt"), "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "older Microsoft Office"),
        (b"{\\rtf1\\ansi Leaves.}", "a rich-text (RTF) file"),
        (
            b"<!DOCTYPE html>\n<html><head><title>Leaves</title></head><body>We study leaves.</body></html>",
            "an HTML page",
        ),
        (b"\xef\xbb\xbf<html>\n<body><table><tr><td>Leaves</td></tr></table></body></html>", "an HTML page"),
        (b"\\documentclass{article}\n\\begin{document}\nLeaves.\n\\end{document}\n", "a LaTeX source"),
        (
            b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><text>Leaves</text></svg>',
            "XML of an unknown kind (<svg>)",
        ),
        (PNG, "a picture"),
        (b"PAR1" + bytes(100), "a Parquet file"),
        (bytes(range(256)) * 3, "binary file, no text"),
    ],
)
@pytest.mark.parametrize("name", ["x", "x.txt", "x.csv"])
def test_what_is_not_read_is_named_with_the_remedy(tmp_path: Path, data: bytes, kind: str, name: str) -> None:
    (tmp_path / "a.txt").write_text("Walls crack.")
    (tmp_path / name).write_bytes(data)
    reading = read_papers(tmp_path)
    assert [paper.text for paper in reading.papers] == ["Walls crack."]
    (problem,) = reading.problems
    assert (problem.file, problem.position) == (name, None)
    assert kind in problem.reason
    assert ";" in problem.reason


def test_a_database_is_named(tmp_path: Path) -> None:
    database(tmp_path)
    with pytest.raises(CorpusError, match="an SQLite database, which is not read; export its table as CSV"):
        read_papers(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "BM25 ranks leaves.",
        "<i>Acer</i> wilts.",
        "<jats:p>Leaves wilt.</jats:p>",
        "[Background] Leaves wilt.",
        "{Leaves} wilt.",
        "@jane saw leaves.",
        "<5 leaves wilt.",
        "PKD wilts.",
        "% of leaves that wilt.",
        "1. Leaves wilt.",
    ],
)
def test_a_text_that_begins_like_something_else_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    (paper,) = read_papers(tmp_path).papers
    assert "wilt" in paper.text or "leaves" in paper.text
    assert "<" not in paper.text or paper.text.startswith("<5")
