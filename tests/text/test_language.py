"""Records and questions, mixed or not, are taken for the language they are written in."""

import gzip
import json
from pathlib import Path

import pytest

from rag.text.language import detect_language, is_han

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("HAQ框架把延迟降低了多少?", "zh"),
        ("TinyMIM的mIoU", "zh"),
        ("TinyMIM的mIoU是多少", "zh"),
        ("BERT 模型", "zh"),
        ("Vision Transformer 和 The Pile 的区别是什么", "zh"),
        ("What does 对抗训练 mean?", "en"),
        ("Which paper does 王小明 (Wang) describe?", "en"),
        ("What is 谷歌翻译的质量 in the corpus?", "en"),
        ("We study the poems of 李白 and show that translation is hard.", "en"),
        ("What FID does the 900M Muse model reach on CC3M?", "en"),
        ("mIoU", "en"),
        ("", "en"),
        ("12345 ...", "en"),
        ("尖峰神经网络", "zh"),
        ("BERT 准确率", "zh"),
        ("BERT 準確率", "zh"),
        ("這個模型的參數量是多少？", "zh"),
        ("ResNet-50", "en"),
        ("Chain-of-Thought 准确率", "zh"),
        ("CAN和以太网的区别", "zh"),
        ("The Pile 数据集", "zh"),
        ("Mixture of Experts 模型", "zh"),
        ("Attention Is All You Need 这篇论文讲了什么", "zh"),
        ("Who proposed 多代理系统?", "en"),
        ("define 推理能力", "en"),
        ("how to 微调 LLaMA", "en"),
        ("papers by 李白", "en"),
        ("the accuracy of 脉冲神经网络 on CIFAR10-DVS", "en"),
        ("We train it with reinforcement learning (强化学习).", "en"),
        ("新しい手法を提案する", "zh"),
        ("신경망 학습", "en"),
    ],
)
def test_short_texts(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_an_english_abstract_quoting_a_chinese_name_is_english() -> None:
    abstract = "The quick algorithm of Zhang (张三丰) is applied to a corpus of letters. " * 6
    assert detect_language(abstract) == "en"


def test_han_includes_extensions_and_not_punctuation() -> None:
    assert is_han("汉")
    assert is_han("\U00020000")
    assert not is_han("，")
    assert not is_han("あ")


@pytest.mark.skipif(
    not (DATA / "bilingual_arxiv").is_dir(), reason="../shared/data/bilingual_arxiv is absent"
)
def test_parallel_abstracts_and_headlines_are_told_apart() -> None:
    with gzip.open(DATA / "bilingual_arxiv" / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    wrong = [
        r
        for r in records
        if detect_language(r["abstract_en"]) != "en" or detect_language(r["abstract_zh"]) != "zh"
    ]
    assert len(wrong) <= 2
