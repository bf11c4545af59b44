"""Traditional characters fold to Simplified ones by phrase."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.language import to_simplified


@pytest.mark.parametrize(
    ("text", "simplified"),
    [
        ("這個模型的參數量是多少？", "这个模型的参数量是多少？"),
        ("之後的研究 皇后", "之后的研究 皇后"),
        ("乾燥 乾隆 干涉 干擾 樹幹", "干燥 乾隆 干涉 干扰 树干"),
        ("裏面 裡面 里程", "里面 里面 里程"),
        ("頭髮發展", "头发发展"),
        ("BERT 準確率", "BERT 准确率"),
        ("这个模型的参数量", "这个模型的参数量"),
        ("後\udcff", "後\udcff"),
    ],
)
def test_phrases(text: str, simplified: str) -> None:
    assert to_simplified(text) == simplified


@given(st.text())
def test_any_text_can_be_folded_and_twice_is_once(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert to_simplified(to_simplified(text)) == to_simplified(text)


@given(st.text(st.characters(max_codepoint=0x33FF, exclude_categories=["Cs"])))
def test_text_without_han_characters_comes_back(text: str) -> None:
    assert to_simplified(text) == text


def test_english_loads_no_converter() -> None:
    code = "import sys; from rag.text.language import to_simplified as t; t('ResNet-50 の'); assert 'opencc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
