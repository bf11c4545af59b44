"""Texts and records that the tests of folding share."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rag.schema import Paper, Source
from rag.text.cleaning import paper_id
from rag.text.language import detect_language

ENGLISH = (
    "Masked image modeling performs strongly in pre-training large vision Transformers. However, small models "
    "that are critical for real-world applications cannot benefit from it. We explore distillation to transfer "
    "the success of large pre-trained models to smaller ones. Accuracy rises by 3.2% on 12000 images, and the "
    "method does improve robustness of the students with a larger teacher in every setting that we studied."
)
CHINESE = (
    "尖峰神经网络是第三代人工神经网络，可以在神经形态硬件上实施节能。但是，尖峰的离散传播给坚固且高性能的学习机制带来了重大挑战。"
    "为了解决这个问题，我们对突触之间的关联可塑性进行建模，从而提出了一种强大而有效的学习机制，在1.2万个样本上准确率提高了3.2%。"
)
VARIANTS = [
    ENGLISH,
    ENGLISH.replace("3.2%", "3.4%"),
    ENGLISH.replace("distillation", "distilation"),
    ENGLISH + " © 2012 Elsevier Ltd. All rights reserved.",
    ENGLISH.replace("does improve", "does not improve"),
    CHINESE,
    CHINESE.replace("1.2万", "12000"),
    CHINESE.replace("提高", "降低"),
]


def paper(text: str, position: int = 1, **fields: Any) -> Paper:
    """Return a record of the file "f"."""
    return Paper(paper_id(text), text, detect_language(text), (Source("f", position),), **fields)


RECORDS = st.builds(
    lambda text, title, year, doi: paper(
        text, 1, title=title, authors=("Li, X.",) if title else (), year=year, doi=doi
    ),
    st.sampled_from(VARIANTS),
    st.sampled_from([None, "Distilling tiny vision transformers", "Spiking networks on chips"]),
    st.sampled_from([None, 2020, 2023]),
    st.sampled_from([None, None, "10.1/a", "https://doi.org/10.1/A", "10.1/b"]),
)
