"""Nothing of a data set that is reported as a test stands in the code, the tests or the benchmarks."""

from __future__ import annotations

import functools
import gzip
import json
import string
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.leaks import Leak, find_leaks, literal_parts, names_in, normalised
from tests.reported import REPORTED, ROOT, Reported, own_questions

ENGLISH = "How many kilns of the Tarrow valley were fired twice a year?"
CHINESE = "塔罗河谷的窑炉每年烧制几次青瓷？"
ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "question": ENGLISH,
        "gold": "Only 38.5 percent of the kilns there were fired twice.",
        "answer": [r"(?<![\d.])38\.5(?!\d)", r"up to 40\s?in the north(?!ern)"],
    },
    {"id": "b", "question": CHINESE, "gold": "两次。", "answer": ["两次"]},
    {"id": "c", "question": "And when?", "standalone": "When did the KILN-7 survey of Tarrow end?"},
]


@functools.cache
def leaks_of_all() -> Sequence[Leak]:
    return find_leaks([dataset for dataset in REPORTED if dataset.path.exists()], ROOT)


@pytest.mark.parametrize("dataset", REPORTED, ids=lambda dataset: dataset.name)
def test_no_reported_set_stands_in_the_tree(dataset: Reported) -> None:
    if not dataset.path.exists():
        pytest.skip(f"{dataset.name} of ../shared/data is absent")
    assert [str(leak) for leak in leaks_of_all() if leak.dataset == dataset.name] == []


@pytest.fixture
def planted(tmp_path: Path) -> Any:
    """Return what finds the leaks in a tree of one file beside a reported set."""
    folder = tmp_path / "benchmarks" / "reported"
    folder.mkdir(parents=True)
    rows = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    (folder / "kilns.jsonl").write_text(rows, encoding="utf-8")

    def find(content: str | bytes, name: str = "rag/module.py") -> list[str]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        found = find_leaks([Reported("kilns", folder / "kilns.jsonl", own_questions)], tmp_path)
        return [f"{leak.file}:{leak.line} {leak.kind} {leak.id}" for leak in found]

    return find


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (f'ASKED = "{ENGLISH}"', ["rag/module.py:1 question a"]),
        (f'"""Rules.\n\nSee {ENGLISH.upper()}\n"""', ["rag/module.py:3 question a"]),
        ("# How many kilns of the Tarrow\n# valley were fired twice a year", ["rag/module.py:1 question a"]),
        (
            'A = (\n "How many kilns of the "\n "Tarrow valley were fired twice a year?")',
            ["rag/module.py:2 question a"],
        ),
        ("# 塔罗河谷的窑炉，\n# 每年烧制几次 青瓷?", ["rag/module.py:1 question b"]),
        (json.dumps({"question": CHINESE}), ["rag/module.py:1 question b"]),
        ("# when did the kiln 7 survey of tarrow end", ["rag/module.py:1 question c"]),
        ("# only 38.5 percent of the kilns there were fired twice", ["rag/module.py:1 gold answer a"]),
        ("# Up to 40 in the north", ["rag/module.py:1 answer pattern a"]),
        ("\n# of 38.5 at Tarrow", ["rag/module.py:2 figure a"]),
    ],
)
def test_what_is_planted_is_found(planted: Any, content: str | bytes, found: list[str]) -> None:
    assert planted(content) == found


@pytest.mark.parametrize(
    "content",
    [
        "# How many kilns of the valley were fired?",
        "# 38.5 of what? And 40 in the north",
        f"# Tarrow\n# {'and so on ' * 8}\n# 38.5",
        "# The Tarrow valley has 138.5 and 38.51",
        "# up to 40 in the northern part",
        "# 两次。",
        "# And when?",
        "",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_short_or_only_near_is_left_alone(planted: Any, content: str | bytes) -> None:
    assert planted(content) == []


def test_every_tree_is_read_but_not_the_set_itself(planted: Any) -> None:
    assert planted("", "tests/empty.py") == []
    for name in ("ui/style.css", "tests/data/rows.jsonl", "training/fit.py", "benchmarks/data/README.md"):
        assert f"{name}:1 question a" in planted(ENGLISH, name)
    packed = planted(gzip.compress(ENGLISH.encode()), "benchmarks/data/rows.jsonl.gz")
    assert "benchmarks/data/rows.jsonl.gz:1 question a" in packed


def test_the_literal_parts_of_a_pattern_are_cut_where_it_leaves_a_choice() -> None:
    assert literal_parts(r"(?<![\d.])38\.5\s*(?:%|percent)") == ["38.5 ", "%", "percent"]
    assert literal_parts(r"(?s)(?=.*kilns?)(?=.*red[\s-]+clay)") == ["kiln", "red clay"]
    assert literal_parts(r"容?易[^。]{0,4}到难(?!度)") == ["易", "到难"]


def test_names_have_a_capital_or_a_digit_that_no_sentence_gives_them() -> None:
    assert names_in("Which score did Tarrow-2b and PMT reach on xDeep, not kilns?") == {
        "tarrow",
        "pmt",
        "xdeep",
    }
    assert names_in("塔罗用的KILN7数据集token有多少？") == {"kiln7"}


@given(
    st.lists(st.text(string.ascii_letters, min_size=3, max_size=9), min_size=8, max_size=20),
    st.integers(20, 100),
    st.sampled_from(["# ", "    ", '"', "* "]),
)
def test_a_text_is_found_however_it_is_wrapped(words: list[str], width: int, prefix: str) -> None:
    wrapped = textwrap.fill(" ".join(words).upper(), width, initial_indent=prefix, subsequent_indent=prefix)
    assert normalised(" ".join(words)) in normalised(f"before\n{wrapped}\nafter")
