import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.text.encoding import decode, decoded_lines, is_undecodable, open_bytes, read_bytes
from rag.text.encoding_guess import encoding_of
from tests.soak import SOAK

SIMPLIFIED = "为了降低温室番茄的用水量，我们比较了四种滴灌方案。结果表明，每两天灌溉一次可以节水百分之十八，而产量没有明显变化。"
TRADITIONAL = "為了降低溫室番茄的用水量，我們比較了四種滴灌方案。結果表明，每兩天灌溉一次可以節水百分之十八，而產量沒有明顯變化。"
ENGLISH = "We compared four schemes of drip irrigation in greenhouses. Every second day was enough, and yield did not change."
WINDOWS = "Garc\u00eda\u2019s trial \u2013 run in S\u00e3o Paulo \u2013 found \u201cno\u201d change at 21\u00b0C. The rest of it is plain English text."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *[(SIMPLIFIED, name) for name in ("utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "utf-16", "utf-16-le", "utf-16-be", "utf-32")],
        *[(TRADITIONAL, name) for name in ("utf-8", "gbk", "big5", "utf-16-le", "utf-16-be")],
        *[(f"{SIMPLIFIED}\n\n{ENGLISH}\n", name) for name in ("gb18030", "utf-16-le", "utf-16-be")],
        *[(ENGLISH, name) for name in ("ascii", "utf-16-le", "utf-16-be", "utf-32")],
        (WINDOWS, "cp1252"),
        ("Une \u00e9tude \u00e0 Zurich sur la for\u00eat et les \u00e9l\u00e8ves. " * 5, "latin-1"),
    ],
)  # fmt: skip
def test_an_encoding_is_recognised_by_the_text(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"), [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "gbk"), (TRADITIONAL, "big5")]
)
@pytest.mark.parametrize("place", range(20, 60))
def test_a_damaged_byte_costs_a_few_characters(text: str, encoding: str, place: int) -> None:
    data = text.encode(encoding)
    for damaged in (
        data[:place] + data[place + 1 :],
        data[:place] + b"\xff" + data[place:],
        data[:place] + b"?" + data[place + 1 :],
    ):
        found = decode(damaged) or ""
        assert found[:8] == text[:8]
        assert found[-20:] == text[-20:]
        assert abs(len(found) - len(text)) <= 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "big5"), (SIMPLIFIED, "utf-8"), (ENGLISH, "utf-16-le")],
)
def test_a_cut_end_costs_the_last_character(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)[:-1]) == text[:-1]


def test_a_stray_byte_that_is_no_half_character_leaves_nothing() -> None:
    data = SIMPLIFIED.encode("gbk")
    assert decode(data[:20] + b"\xff" + data[20:]) == SIMPLIFIED


def test_joined_files_of_several_encodings_are_each_read() -> None:
    joined = b"\n".join(
        [
            ENGLISH.encode(),
            WINDOWS.encode("cp1252"),
            SIMPLIFIED.encode("gbk"),
            b"\xef\xbb\xbf" + TRADITIONAL.encode(),
        ]
    )
    assert (decode(joined) or "").split("\n") == [ENGLISH, WINDOWS, SIMPLIFIED, TRADITIONAL]


def test_one_stray_byte_in_utf8_is_read_as_windows_1252() -> None:
    assert (
        decode(f"{SIMPLIFIED}\nA caf\u00e9".encode().replace(b"\xc3\xa9", b"\xe9"))
        == f"{SIMPLIFIED}\nA caf\u00e9"
    )


def test_text_of_no_known_encoding_is_marked() -> None:
    russian = (
        "\u041c\u044b \u0441\u0440\u0430\u0432\u043d\u0438\u043b\u0438 \u0447\u0435\u0442\u044b\u0440\u0435 \u0441\u0445\u0435\u043c\u044b \u043f\u043e\u043b\u0438\u0432\u0430 "
        * 5
    )
    assert is_undecodable(decode(russian.encode("cp1251")) or "")


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 4, b"\x89PNG\r\n\x1a\n" + bytes(range(0, 256, 3)) * 20, b"\0" * 100]
)
def test_binary_data_is_no_text(data: bytes) -> None:
    assert encoding_of(data) is None
    assert decode(data) is None


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(gzip.compress(b"Leaves."))
    (tmp_path / "b.gz").write_bytes(b"Leaves.")
    for name in ("a.txt", "b.gz"):
        with open_bytes(tmp_path / name) as stream:
            assert stream.read() == b"Leaves."
    assert read_bytes(tmp_path / "a.txt") == (b"Leaves.", None)


def test_a_very_long_line_comes_in_pieces_that_cut_no_character() -> None:
    text = "，".join([SIMPLIFIED] * 30_000)
    for encoding in ("utf-8", "gb18030"):
        pieces = list(decoded_lines(io.BytesIO(text.encode(encoding)), encoding))
        assert len(pieces) > 1
        assert "".join(pieces) == text


@settings(max_examples=100 * SOAK, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=90).map(lambda text: text.encode("gb18030")))
def test_any_bytes_are_text_or_binary(data: bytes) -> None:
    text = decode(data)
    assert text is None or len(text) <= len(data)
