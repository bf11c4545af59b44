"""Index terms: stems, identifiers, bigrams."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.analyzer import analyze, analyze_document


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The models are quantizing", ["model", "quantiz"]),
        ("VGNetG-1.0MP", ["vgnetg-1.0mp", "vgnetg", "1", "0mp"]),
        ("CIFAR10-DVS", ["cifar10-dvs", "cifar10", "dvs"]),
        ("t5.1.1", ["t5.1.1", "t5", "1", "1"]),
        ("量化框架", ["量化", "化框", "框架"]),
        ("雪", ["雪"]),
        ("HAQ框架", ["haq", "框架"]),
        ("TinyMIM的mIoU", ["tinymim", "的", "miou"]),
        ("ImageNet上", ["imagenet", "上"]),
        ("Top-1准确率", ["top-1", "top", "1", "准确", "确率"]),
        ("Ｔｏｐ－１", ["top-1", "top", "1"]),
        ("參數量", ["参数", "数量"]),
        ("C++", ["c++", "c"]),
        ("—！", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert analyze(text) == terms


def test_documents_are_also_indexed_by_character() -> None:
    assert analyze_document("HAQ的框架 of 铜") == ["haq", "的框", "框架", "铜", "的", "框", "架"]


@given(st.text())
def test_a_text_is_indexed_under_all_its_terms_and_none_holds_a_space(text: str) -> None:
    terms = analyze(text)
    assert analyze_document(text)[: len(terms)] == terms
    assert all(term and not any(char.isspace() for char in term) for term in terms)
