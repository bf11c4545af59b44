"""Find numbers and names of a sentence that are missing from its evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text.numbers import Number, find_numbers

# A part of a name: a capital or digit after its first letter, with a number after a hyphen (GPT-4), or a lone
# capital and a capitalised word (X-Diffusion).
_NAME = re.compile(
    r"(?<![A-Za-z0-9])[A-Z][-‐‑][A-Z][a-z][A-Za-z0-9]*"
    r"|(?<![A-Za-z0-9])(?=[A-Za-z][A-Za-z0-9-]*[A-Z0-9])[A-Za-z][A-Za-z0-9]*(?:[-‐‑][0-9]+[A-Za-z]?)?(?:\.[0-9]+)*"
)
# A capitalised word that does not begin a sentence, a title or a quotation.
_PROPER = re.compile(r"(?<=[\w,;)] )[A-Z][a-z]+")
_NAME_BEFORE = re.compile(r"[A-Z][\w()+,./‐‑-]*\s?[\d(),./]*$")
_JOINED_ON = re.compile(r"[-‐‑][a-z]")
_CAPITAL = re.compile(r"[A-Z0-9]")
_SEPARATOR = re.compile(r"[\W_]+")
_WORD = re.compile(r"[a-z0-9]+")
_SHORT_NAME = 4  # letters; a name of at most so many has to be a whole word
# What common initials stand for in Chinese abstracts, which spell them out.
_INITIALS_HAN = {
    "AI": "人工智能", "ANN": "神经网络", "CNN": "卷积(?:神经)?网络", "CT": "断层", "DL": "深度学习",
    "DNN": "深度?神经网络", "DRL": "深度强化学习", "ECG": "心电", "EEG": "脑电", "FL": "联邦学习",
    "FPS": "帧", "GAN": "对抗(?:生成)?网络", "GNN": "图神经网络", "GPU": "显卡|图形处理器", "HPO": "超参数",
    "KD": "蒸馏", "KG": "知识图谱", "LLM": "大(?:型|规模)?语言模型|大模型", "ML": "机器学习",
    "MLLM": "多模态大(?:型)?(?:语言)?模型", "MLP": "多层感知", "MRI": "磁共振", "NAS": "(?:架构|结构)搜索",
    "NLP": "自然语言处理", "OOD": "分布外", "QA": "问答", "RAG": "检索增强", "RL": "强化学习",
    "RNN": "循环(?:神经)?网络", "SAR": "合成孔径", "SNN": "脉冲(?:神经)?网络", "SOTA": "最先进|最新|最优",
    "SSL": "自监督", "UAV": "无人机", "VLM": "视觉[-‐—]?语言模型", "VQA": "视觉问答",
}  # fmt: skip
_STATES = {"US": "United States", "UK": "United Kingdom", "EU": "European Union", "UN": "United Nations"}


def missing_numbers(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    """Return the numbers of `sentence` that `evidence` lacks, compared by value.

    Numbers in a name (ResNet-50) and in a compound word (zero-shot) are left out. A number that the evidence
    has only in a name (MEK1/2) counts only next to a name (MEK 1/2).
    """
    found = [number for text in evidence for number in find_numbers(text)]
    named, stated = {n.value for n in found}, {n.value for n in found if not n.identifier}
    lacking = [
        n
        for n in find_numbers(sentence)
        if not n.identifier
        and n.value not in stated
        and not (n.value in named and _next_to_name(sentence, n))
    ]
    return tuple(dict.fromkeys(str(n.value) for n in lacking if not _in_compound(sentence, n)))


def _next_to_name(text: str, number: Number) -> bool:
    """Return whether a number belongs to a name but is written apart: MEK 1/2, 3-kinase."""
    return bool(_JOINED_ON.match(text, number.end) or _NAME_BEFORE.search(text[: number.start]))


def _in_compound(text: str, number: Number) -> bool:
    return text[number.start].isalpha() and text[number.end : number.end + 1] in ("-", "‐", "‑")


def missing_names(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    """Return the names of `sentence` (LeafNet, UAVs) that `evidence` lacks, ignoring case and punctuation.

    A compound name matches if each part occurs (EMO-5M in "EMO-1M/2M/5M"). Initials match the words that they
    stand for, in English or, for common ones, in Chinese.
    """
    names = [m[0] for m in _NAME.finditer(sentence) if _CAPITAL.search(m[0], 1)]
    return tuple(name for name in dict.fromkeys(names) if not any(_is_named(name, text) for text in evidence))


def missing_proper_nouns(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    """Return the proper nouns of an English `sentence` (Berkeley, Austen) that English `evidence` lacks.

    See docs/decisions.md#missing-proper-nouns.
    """
    text = " ".join(evidence).casefold()
    found = dict.fromkeys(match[0] for match in _PROPER.finditer(sentence))
    # The ending may differ, as in Asian and Asia.
    return tuple(word for word in found if word.casefold()[: max(4, len(word) - 2)] not in text)


def _is_named(name: str, text: str) -> bool:
    return _holds_name(name, text) or _holds_parts(name, text) or _is_spelled_out(name, text)


def _holds_name(name: str, text: str) -> bool:
    """Return whether a text holds a name, however its letters are joined.

    A short name has to be a whole word or, with the same capitals, the end of one (IoU in mIoU).
    """
    letters = r"[\W_]*".join(_SEPARATOR.sub("", name.removesuffix("s")))
    if len(name) > _SHORT_NAME:
        return re.search(letters + r"(?!\.?\d)", text, re.IGNORECASE) is not None
    end = r"s?(?![A-Za-z]|\.?\d)"
    alone = re.search(rf"(?<![A-Za-z0-9]){letters}{end}", text, re.IGNORECASE)
    return alone is not None or re.search(letters + end, text) is not None


def _holds_parts(name: str, text: str) -> bool:
    parts = [part.casefold() for part in _SEPARATOR.split(name)]
    if len(parts) < 2 or any(len(part) < 2 or part.isdigit() for part in parts):
        return False
    words = set(_WORD.findall(text.casefold()))
    return all(part in words for part in parts)


def _is_spelled_out(name: str, text: str) -> bool:
    initials = name.removesuffix("s")
    if not initials.isupper():
        return False
    if initials in _STATES and _STATES[initials] in text:
        return True
    parts = re.split(r"[.;。；!?]", text.casefold()) if len(initials) > 2 else []
    if any(initials.casefold() in "".join(word[0] for word in _WORD.findall(part)) for part in parts):
        return True
    return initials in _INITIALS_HAN and re.search(_INITIALS_HAN[initials], text) is not None
