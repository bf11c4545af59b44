import gzip
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import CorpusError
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.readers import read_endnote_records, read_papers
from rag.text.encoding import decode, is_undecodable

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SEPARATOR = "\ntranslated by 谷歌翻译\n"
ENGLISH = ["We study copper in hospitals.", "Spiking networks save energy.", "Muse reaches an FID of 6.06."]
LATIN = "Caf\u00e9 r\u00e9sum\u00e9 is Latin."
CHINESE = ["我们研究了医院中的铜表面和细菌。", "尖峰神经网络可以节省能量。"]


def read(path: Path) -> tuple[list[str], list[tuple[str, int | None, str]]]:
    reading = read_papers(path)
    return [p.text for p in reading.papers], [(p.file, p.position, p.reason) for p in reading.problems]


def endnote(*records: str) -> bytes:
    return f'<?xml version="1.0"?><xml><records>{"".join(records)}</records></xml>'.encode()


RECORD = (
    "<record><contributors><authors><author><style>Asemota, E. A.</style></author></authors></contributors>"
    "<titles><title><style>Zinc &amp; copper</style></title></titles><dates><year>2018</year></dates>"
    "<abstract><style>Background: Low&#xD;zinc.</style></abstract>"
    "<electronic-resource-num>https://doi.org/10.1016/j.imr</electronic-resource-num></record>"
)


def test_readme_counts_and_digests_are_those_of_the_default_corpus() -> None:
    readme = (ROOT / "corpus" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| (\S+\.txt) \| (\d+) \| ([0-9a-f]{64}) \|", readme)
    papers = read_papers(ROOT / "corpus").papers
    assert [name for name, _, _ in rows] == sorted(p.name for p in (ROOT / "corpus").glob("*.txt"))
    for name, records, digest in rows:
        assert hashlib.sha256((ROOT / "corpus" / name).read_bytes()).hexdigest() == digest
        assert sum(p.sources[0].file == name for p in papers) == int(records)
    kept = deduplicate(papers).kept
    counts = (len(papers), len(kept), *(sum(p.language == name for p in kept) for name in ("en", "zh")))
    assert counts == (50, 31, 22, 9)
    assert (
        "{} records; {} distinct abstracts after folding duplicates: {} English, {} Chinese".format(*counts)
        in readme
    )
    assert sum(len(p.sources) for p in kept) == 50


@pytest.mark.parametrize(
    "end", ["", "\n", SEPARATOR, SEPARATOR.rstrip("\n"), "\r\ntranslated by 谷歌翻译  \r\n"]
)
def test_scraped_form(tmp_path: Path, end: str) -> None:
    (tmp_path / "a.txt").write_text(SEPARATOR.join(ENGLISH) + end, encoding="utf-8", newline="")
    reading = read_papers(tmp_path / "a.txt")
    assert [p.text for p in reading.papers] == ENGLISH
    assert [(s.file, s.position) for p in reading.papers for s in p.sources] == [
        ("a.txt", i) for i in (1, 2, 3)
    ]
    assert reading.problems == ()


def test_plain_text_is_divided_at_blank_lines_only(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "\n\nOne line,\nwrapped.\n \n\nTwo.\r\n\r\n我们\n研究\n", encoding="utf-8", newline=""
    )
    assert read(tmp_path / "a.txt") == (["One line, wrapped.", "Two.", "我们研究"], [])


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_jsonl_with_every_field(tmp_path: Path, name: str) -> None:
    lines = [
        {
            "id": 1,
            "title": "T",
            "abstract": ENGLISH[0],
            "authors": ["A. B", "C"],
            "year": "2020-01",
            "doi": "doi:10.1/x",
        },
        {
            "id": "2",
            "title": None,
            "abstract": CHINESE[0],
            "authors": "Li, X.; Wu, Y.",
            "year": 2021,
            "url": "http://u",
        },
        {"id": "3", "abstract": ENGLISH[1], "authors": "Ann Lee, Bo Chen and Cy Dow", "year": None},
    ]
    data = "\n".join(map(json.dumps, lines)).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    first, second, third = read_papers(tmp_path / name).papers
    assert (first.title, first.authors, first.year, first.doi) == ("T", ("A. B", "C"), 2020, "10.1/x")
    assert (second.title, second.authors, second.year, second.url) == (
        None,
        ("Li, X.", "Wu, Y."),
        2021,
        "http://u",
    )
    assert (third.authors, third.language, second.language) == (("Ann Lee", "Bo Chen", "Cy Dow"), "en", "zh")


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        ("Li, X. and Wu, Y.", ("Li, X.", "Wu, Y.")),
        ("Asemota, E. A.", ("Asemota, E. A.",)),
        ("Smith, J., Doe, A. B.", ("Smith, J.", "Doe, A. B.")),
        ("", ()),
        (["A", 3, " "], ("A",)),
        (7, ()),
    ],
)
def test_author_strings(tmp_path: Path, authors: object, expected: tuple[str, ...]) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"abstract": "Text.", "authors": authors}), encoding="utf-8")
    assert read_papers(tmp_path).papers[0].authors == expected


def test_bad_lines_cost_only_themselves(tmp_path: Path) -> None:
    lines = [
        '{"abstract": "Good one."}',
        "{broken",
        "[1]",
        '{"title": "t"}',
        '{"abstract": 7}',
        '{"abstract": " ;. "}',
    ]
    lines += ["[" * 100_000, '{"abstract": "Good \\ud800 two."}', '{"year": ' + "9" * 5000 + "}"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    texts, problems = read(tmp_path)
    assert texts == ["Good one.", "Good \ufffd two."]
    assert [(position, reason) for _, position, reason in problems] == [
        (2, "malformed JSON"),
        (3, "not a JSON object"),
        (4, "no abstract"),
        (5, "no abstract"),
        (6, "no words in the abstract"),
        (7, "malformed JSON"),
        (9, "malformed JSON"),
    ]


@pytest.mark.parametrize("name", ["a.xml", "a.xml.gz"])
def test_endnote_xml(tmp_path: Path, name: str) -> None:
    data = endnote(RECORD, "<record><titles><title>Bare</title></titles></record>")
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    reading = read_papers(tmp_path)
    (paper,) = reading.papers
    assert (paper.text, paper.title) == ("Background: Low zinc.", "Zinc & copper")
    assert (paper.authors, paper.year, paper.doi) == (("Asemota, E. A.",), 2018, "10.1016/j.imr")
    assert [(p.file, p.position, p.reason) for p in reading.problems] == [(name, 2, "no abstract")]
    assert [fields["title"] for _, fields in read_endnote_records(tmp_path / name)] == [
        "Zinc & copper",
        "Bare",
    ]


def test_broken_xml_keeps_what_came_before(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(endnote(RECORD, RECORD)[:-40])
    (tmp_path / "b.xml").write_bytes(b"<!DOCTYPE x [<!ENTITY e 'boo'>]><x>&e;</x>")
    texts, problems = read(tmp_path)
    assert texts == ["Background: Low zinc."]
    assert [(file, position) for file, position, _ in problems] == [("a.xml", 2), ("b.xml", None)]
    assert "declares entities" in problems[1][2]


@pytest.mark.parametrize(
    ("declared", "written"),
    [("GBK", "gbk"), ("gb2312", "gbk"), ("GB18030", "gb18030"), ("Big5", "big5"), ("utf8", "utf-8")],
)
def test_xml_in_a_declared_encoding(tmp_path: Path, declared: str, written: str) -> None:
    text = RECORD.replace("Zinc", "銅表面")
    xml = f"<?xml version='1.0' encoding='{declared}'?><xml><records>{text}</records></xml>"
    (tmp_path / "a.xml").write_bytes(xml.encode(written))
    assert read_papers(tmp_path).papers[0].title == "銅表面 & copper"


def test_a_mark_of_utf8_overrides_the_declared_encoding(tmp_path: Path) -> None:
    xml = f"<?xml version='1.0' encoding='GBK'?><xml>{RECORD.replace('Zinc', '锌')}</xml>"
    (tmp_path / "a.xml").write_bytes(xml.encode("utf-8-sig"))
    assert read_papers(tmp_path).papers[0].title == "锌 & copper"


@pytest.mark.parametrize("declared", ["foo", "rot13", "base64", "undefined"])
def test_xml_of_an_unknown_encoding_is_read_as_what_it_looks_like(tmp_path: Path, declared: str) -> None:
    (tmp_path / "a.txt").write_text(ENGLISH[0])
    (tmp_path / "b.xml").write_text(f'<?xml version="1.0" encoding="{declared}"?><xml>{RECORD}</xml>')
    assert read(tmp_path) == ([ENGLISH[0], "Background: Low zinc."], [])


def test_bytes_that_are_not_the_declared_encoding_cost_their_record(tmp_path: Path) -> None:
    head, tail = (
        f"<?xml version='1.0' encoding='GBK'?><xml>{RECORD}<record>".encode(),
        f"</record>{RECORD}</xml>",
    )
    (tmp_path / "a.xml").write_bytes(head + b"\xff\xff" + tail.encode())
    assert read(tmp_path) == (["Background: Low zinc."] * 2, [("a.xml", 2, "no abstract")])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(SEPARATOR.join(CHINESE).encode(encoding))
    assert read(tmp_path) == (CHINESE, [])


def test_a_record_in_another_encoding_is_read(tmp_path: Path) -> None:
    parts = [
        ENGLISH[0].encode(),
        LATIN.encode("latin-1"),
        CHINESE[0].encode(),
    ]
    (tmp_path / "a.txt").write_bytes(SEPARATOR.encode().join(parts))
    assert read(tmp_path) == ([ENGLISH[0], LATIN, CHINESE[0]], [])


def test_a_record_in_no_known_encoding_is_named_and_the_rest_kept(tmp_path: Path) -> None:
    parts = [
        ENGLISH[0].encode(),
        ("Мы сравнили четыре схемы полива. " * 4).encode("cp1251"),
        CHINESE[0].encode(),
    ]
    (tmp_path / "a.txt").write_bytes(SEPARATOR.encode().join(parts))
    texts, ((_, position, reason),) = read(tmp_path)
    assert (texts, position) == ([ENGLISH[0], CHINESE[0]], 2)
    assert "save the file as UTF-8" in reason


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=60))
def test_utf8_is_never_taken_for_anything_else(text: str) -> None:
    decoded = decode(text.encode())
    assert decoded == text.removeprefix("\ufeff")
    assert not is_undecodable(text)


def test_folders_are_read_in_order_with_relative_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name, text in {
        "b/z.txt": "Zed.",
        "a.txt": "Ay.",
        "README.md": "No.",
        ".hidden.txt": "No.",
        "SHA256SUMS": "No.",
    }.items():
        (tmp_path / name).write_text(text)
    for name in ("empty.txt", "paper.pdf", "photo.jpg", "LICENSE"):
        (tmp_path / name).write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    (tmp_path / "linked").symlink_to(tmp_path / "b")
    (tmp_path / "bin.txt").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"abstract": "Kept line."}\n' * 3)[:-6])
    reading = read_papers(tmp_path)
    assert [p.sources[0].file for p in reading.papers if p.text != "Kept line."] == ["a.txt", "b/z.txt"]
    assert {(p.file, p.reason.split(";")[0].split(":")[0]) for p in reading.problems} >= {
        ("empty.txt", "empty file"),
        ("bin.txt", "binary file, no text"),
        ("paper.pdf", "empty file"),
        ("pipe.txt", "not a regular file"),
        ("linked", "a link to a folder"),
        ("loop.txt", "cannot be read to its end"),
        ("cut.jsonl.gz", "cannot be read to its end"),
    }
    assert not {p.file for p in reading.problems} & {
        "README.md",
        ".hidden.txt",
        "SHA256SUMS",
        "LICENSE",
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b""),
        ("a.txt", b" \n "),
        ("a.txt", b"\x00\x01"),
        ("a.jsonl", b"nope"),
        ("a.pdf", b"%PDF-1.4"),
    ],
)
def test_nothing_readable_is_one_sentence_with_the_remedy(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(CorpusError, match=r"No readable abstract in .*: fix or convert the files\."):
            read_papers(path)


def test_missing_path_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no file or folder"):
        read_papers(tmp_path / "none")
    with pytest.raises(CorpusError, match="holds no abstracts"):
        read_papers(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *["license_plate_recognition.jsonl", "noticeable.txt", "readme_first_studies.txt", "notice.jsonl"],
        *["checksum methods.txt", "licensed.txt", "license-plates.txt", "md5sums of genes.txt"],
    ],
)
def test_a_corpus_named_like_a_licence_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"abstract": "Plates are read."}')
    assert [p.sources[0].file for p in read_papers(tmp_path).papers] == [name]


@pytest.mark.parametrize(
    "name",
    [
        *[
            "README",
            "readme.md",
            "README.zh-CN.md",
            "README_en.txt",
            "LICENSE",
            "LICENCE.txt",
            "LICENSE-APACHE",
        ],
        *["NOTICE", "checksums.txt", "SHA256SUMS", "md5sums.txt", "a.txt.sha256", "a.jsonl.asc"],
    ],
)
def test_what_lies_beside_a_corpus_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.txt").write_text(ENGLISH[0])
    (tmp_path / name).write_text("Not an abstract.")
    assert read(tmp_path) == ([ENGLISH[0]], [])


@pytest.mark.parametrize(
    "name", ["papers.dat", "3101.00001v2", "Prof. Ho notes", "Ho et al. 2031", "x.jsonl.bak", "a.pdf"]
)
def test_a_text_of_any_name_is_read_by_what_it_holds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(f"{ENGLISH[0]}\n\n{ENGLISH[1]}")
    assert read(tmp_path) == (ENGLISH[:2], [])


def test_source_code_in_a_folder_is_no_abstract(tmp_path: Path) -> None:
    (tmp_path / "plot.py").write_text("# We plot copper.\n\nprint(1)\n")
    (tmp_path / "a.txt").write_text(ENGLISH[1])
    texts, ((file, _, reason),) = read(tmp_path)
    assert (texts, file) == ([ENGLISH[1]], "plot.py")
    assert "code or settings" in reason


def test_names_that_are_not_utf8_stay_text_and_stay_apart(tmp_path: Path) -> None:
    for letter, text in zip((b"\xe9", b"\xe8"), ENGLISH, strict=False):
        (tmp_path / os.fsdecode(b"caf" + letter + b".txt")).write_text(text)
    files = [p.sources[0].file for p in read_papers(tmp_path).papers]
    assert files == [r"caf\xe8.txt", r"caf\xe9.txt"]
    with pytest.raises(CorpusError, match="no file or folder") as caught:
        read_papers(tmp_path / os.fsdecode(b"\xe9"))
    str(caught.value).encode()


def test_names_are_relative_to_a_common_parent_on_request(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(ENGLISH[0])
    (kept,) = deduplicate(
        [
            *read_papers(tmp_path / "a", name_from=tmp_path).papers,
            *read_papers(tmp_path / "b" / "x.txt", name_from=tmp_path).papers,
        ]
    ).kept
    assert [source.file for source in kept.sources] == ["a/x.txt", "b/x.txt"]


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Give a folder to try permissions in; root, whom no permission stops, becomes a user for the while."""
    read_papers(ROOT / "corpus")  # whatever is imported on first use is imported by now
    with tempfile.TemporaryDirectory() as folder:
        user = os.geteuid()
        if not user:
            os.chown(folder, 65534, -1)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            for place in [folder, *(os.path.join(folder, name) for name in os.listdir(folder))]:
                os.chmod(place, 0o700)
            os.seteuid(user)


def folder_with_abstract(parent: Path, name: str, mode: int) -> Path:
    (parent / name).mkdir()
    (parent / name / "x.txt").write_text(ENGLISH[0])
    (parent / name).chmod(mode)
    return parent / name


def test_folders_that_may_not_be_listed_or_entered_are_problems() -> None:
    with ordinary_user() as here:
        (here / "a.txt").write_text(ENGLISH[1])
        folder_with_abstract(here, "closed", 0o000)
        folder_with_abstract(here, "listed", 0o400)
        texts, problems = read(here)
    assert texts == [ENGLISH[1]]
    assert problems == [
        ("closed", None, "this folder cannot be listed: Permission denied"),
        ("listed/x.txt", None, "cannot be read to its end: Permission denied"),
    ]


def test_a_path_that_may_not_be_seen_is_one_sentence() -> None:
    with ordinary_user() as here:
        closed = folder_with_abstract(here, "closed", 0o000)
        with pytest.raises(CorpusError, match=r"cannot be listed \(Permission denied\): change"):
            read_papers(closed)
        with pytest.raises(CorpusError, match=r"cannot be opened \(Permission denied\): check"):
            read_papers(closed / "x.txt")


@pytest.mark.parametrize("path", [Path("x" * 5000), Path("nul\0"), Path("/dev/null")])
def test_a_path_that_no_file_can_have_is_one_short_sentence(path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        read_papers(path)
    assert len(str(caught.value)) < 300
