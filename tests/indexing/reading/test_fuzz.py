"""No file, however damaged, raises or hangs; what is refused has a position or is the whole file."""

import gzip
import random
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing.files import CorpusFile
from rag.indexing.readers import read_file
from rag.schema import Paper, Problem
from tests.indexing.reading.test_exports import EN, EXPORTS, PUBMED_TEXT, ZH
from tests.soak import SOAK

JSONL = f'{{"title": "T", "abstract": "{EN}"}}\n{{"title": "U", "abstract": "{ZH}"}}\n'
TEXT = f"A title\n\n{EN}\n\nBACKGROUND: One.\n\nRESULTS: Two.\n\n{ZH}\n\nAbstract: {EN}\n"
MARKDOWN = f"# One\n\n{EN}\n\n## Two\n\n*{EN}*\n\n- a\n- b\n\n```\ncode\n```\n"
SEPARATED = f"{EN}\ntranslated by 谷歌翻译\n{ZH}\n"
PAGE = f'{{"meta": {{"count": 1}}, "results": [{{"title": "T", "abstract": "{EN}", "authors": [{{"name": "J"}}]}}]}}'
VALID = [*EXPORTS.values(), PUBMED_TEXT, JSONL, TEXT, MARKDOWN, SEPARATED, PAGE]
SUFFIXES = ["", ".txt", ".jsonl", ".csv", ".xml", ".md", ".bib"]
LONGEST = 5.0  # seconds for one small file


def check(data: bytes, suffix: str = "") -> list[Paper | Problem]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x{suffix}")
        path.write_bytes(data)
        start = time.perf_counter()
        items = list(read_file(CorpusFile(path, path.name, suffix)))
        assert time.perf_counter() - start < LONGEST
    for item in items:
        if isinstance(item, Problem):
            assert item.file == path.name
            assert item.position is None or item.position > 0
            assert item.reason
        else:
            assert item.text == item.text.strip()
            assert any(char.isalnum() for char in item.text)
            item.text.encode()
    assert items, "neither a paper nor a reason"
    return items


@settings(max_examples=60 * SOAK, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(SUFFIXES))
def test_any_bytes(data: bytes, suffix: str) -> None:
    check(data, suffix)


@settings(max_examples=60 * SOAK, deadline=None)
@given(st.text(max_size=300), st.sampled_from(SUFFIXES))
def test_any_text(text: str, suffix: str) -> None:
    check(text.encode("utf-8", "replace"), suffix)


PIECES = st.sampled_from(
    [
        *["TY  - JOUR\n", "ER  - \n", "AB  - text\n", "PT J\n", "AU Doe\n   Roe\n", "ER\n", "EF\n", "PMID- 1\n", "AB  - t\n      u\n"],
        *["%0 Book\n", "%X text\n", "RT Book\n", "{Title}: x\n", "{Reference Type}: y\n", "Title-题名: x\n", "Summary-摘要: y\n"],
        *["@article{a,\n", "abstract = {t}", "}", "{", '"', ",", "\n", "\\", "=", "#", "@string{a = 1}\n", "@comment{x}\n"],
        *['{"abstract": "t"}', '{"results": [', "[", "]", ":", '"abstract"', "null", "1e999", '"\\ud800"', "NaN", "\ufeff"],
        *["<record>", "</record>", "<xml>", "<titles>", "<abstract>t</abstract>", "<PubmedArticle>", "</PubmedArticle>", "&", "&#0;", "&nbsp;", "<![CDATA["],
        *["Title,Abstract\n", "a,b\n", "\t", ";", '"a""b"', "# H\n", "---\n", "```\n", "1. J Leaves. 2031;1.\n\n", "PMID: 1\n", "\n\n"],
        *["A title", "A sentence. ", "摘要：", "方法 ", "Abstract: ", "Keywords: a; b", "translated by 谷歌翻译\n", "\x00", "\x0b", "\u2028", "\r"],
    ]
)  # fmt: skip


@settings(max_examples=250 * SOAK, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(SUFFIXES))
def test_pieces_of_every_format_mixed(text: str, suffix: str) -> None:
    check(text.encode(), suffix)


@settings(max_examples=250 * SOAK, deadline=None)
@given(
    st.sampled_from(VALID),
    st.integers(0, 1 << 30),
    st.sampled_from(["cut", "flip", "drop", "double", "shuffle", "nul"]),
    st.booleans(),
)
def test_damaged_exports(content: str, seed: int, how: str, zipped: bool) -> None:
    chooser = random.Random(seed)
    data = bytearray(content.encode(chooser.choice(["utf-8", "utf-8", "gb18030", "utf-16-le"])))
    if how == "shuffle":
        lines = content.splitlines(keepends=True)
        chooser.shuffle(lines)
        data = bytearray("".join(lines).encode())
    for _ in range(chooser.randint(1, 6)):
        place = chooser.randrange(len(data))
        if how == "cut":
            del data[max(1, place) :]
        elif how == "flip":
            data[place] = chooser.randrange(256)
        elif how == "drop":
            del data[place : place + chooser.randint(1, 30)]
            data += b"."
        elif how == "double":
            data[place:place] = data[place : place + 200]
        elif how == "nul":
            data[place:place] = bytes(chooser.randint(1, 3))
    check(gzip.compress(bytes(data))[: -chooser.choice([1, 9, 1 << 20]) or None] if zipped else bytes(data))


@pytest.mark.parametrize("piece", ['{"a":', "[", '{"abstract": "', '"', "<record>", "<titles><record>", "TY  - ", "AB  - a\n", "@article{", "@article{a,\n", "((", "摘要", "\t,", "a\n\n", "# ", "{\n", "PT J\nAU A\n   ", "Abstract: 摘要 ", "关键词：", "    ", "&amp;", "]}", "\\", "*", "[a](", "Title: a\n", '""\n', 'Title,Abstract\n"'])  # fmt: skip
def test_a_long_file_of_one_piece_takes_linear_time(piece: str) -> None:
    for suffix in ("", ".json", ".md"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "x")
            path.write_text(piece * (15_000 // len(piece)))
            start = time.process_time()  # other programs may be at work
            list(read_file(CorpusFile(path, path.name, suffix)))
            assert time.process_time() - start < 10, (piece, suffix)
