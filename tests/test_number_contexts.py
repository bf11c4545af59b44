"""A number is held against what the evidence says it of, not only against the evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from conftest import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st

from rag.align import Alignment, Vectors
from rag.number_contexts import margin, misplaced_numbers, numbers_in_context
from rag.verify import Verifier

REVCOL = (
    "We propose RevCol, a reversible column network.",
    "RevCol reaches 90.0% accuracy on ImageNet, 63.8% precision on COCO detection and 61.0% overlap on ADE20K.",
)
SNOW = ("雪网在高原上的误差为2.5厘米,在平原上的误差为4.5厘米。",)


def embed(texts: Sequence[str]) -> Vectors:
    return HashEmbedder().embed_passages(list(texts))


def wrong(sentence: str, evidence: Sequence[str]) -> tuple[str, ...]:
    return misplaced_numbers(sentence, evidence, embed, embed, cross=False)


@pytest.mark.parametrize(
    ("sentence", "misplaced"),
    [
        ("RevCol reaches 90.0% accuracy on ImageNet.", ()),
        ("RevCol reaches 61.0% overlap on ADE20K.", ()),
        ("RevCol reaches 90.0% overlap on ADE20K.", ("90.0",)),
        ("RevCol reaches 61.0% precision on COCO detection, 63.8% overlap on ADE20K.", ("61.0", "63.8")),
        ("RevCol reaches 90.0% on ImageNet, 63.8% on COCO and 61.0% on ADE20K.", ()),
        ("RevCol is reversible.", ()),
        ("RevCol reaches 12.5% overlap on ADE20K.", ()),  # not stated at all: `missing_numbers` tells
        ("RevCol has 3 columns.", ()),
    ],
)
def test_a_number_belongs_to_what_it_is_said_of(sentence: str, misplaced: tuple[str, ...]) -> None:
    assert wrong(sentence, REVCOL) == misplaced


def test_it_does_in_chinese_too() -> None:
    assert wrong("雪网在平原上的误差为4.5厘米。", SNOW) == ()
    assert wrong("雪网在平原上的误差为2.5厘米。", SNOW) == ("2.5",)


@pytest.mark.parametrize(
    "evidence",
    [
        "EMO-1M, EMO-2M and EMO-5M reach 71.5%, 75.1% and 78.4% accuracy.",
        "It cuts errors from 78.4% to 71.5%.",
        "On ImageNet and COCO it reaches 71.5% and 78.4% respectively.",
        "在两个数据集上分别达到71.5%,以及78.4%的准确率。",
    ],
)
def test_numbers_that_share_what_they_are_said_of_are_not_told_apart(evidence: str) -> None:
    assert len({number.context for number in numbers_in_context(evidence)}) <= 1
    assert wrong("EMO-2M reaches 71.5% accuracy.", [evidence]) == ()


def test_the_context_of_a_number_leaves_out_what_is_said_of_others_alone() -> None:
    first, second, third = numbers_in_context(REVCOL[1])
    assert first.context == "RevCol reaches accuracy on ImageNet,"
    assert second.context == "RevCol reaches precision on COCO detection"
    assert third.context == "RevCol reaches and overlap on ADE20K."


@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        (
            "It reaches 90.0% on COCO with 1,000 images.",
            "It reaches 90.0% with 1,000 images on COCO and 63.8% on ADE20K.",
        ),
        ("90.0%的参与者症状改善。", "90.0%的参与者症状改善,63.8%的对照者症状恶化。"),
        ("Overlap is 90.0%.", "It reaches 90.0% accuracy, and 85.0% overlap. It raises overlap (90.0%)."),
        ("It emits 1.5% of 10^{33} erg/s.", "It emits 1.5% of 10^{33} erg/s, and 2.5% of 1e30."),
    ],
)
def test_signs_inside_numbers_words_and_brackets_part_nothing(sentence: str, evidence: str) -> None:
    assert wrong(sentence, [evidence]) == ()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80), st.text(max_size=80))
def test_no_text_breaks_it_and_none_contradicts_itself(sentence: str, other: str) -> None:
    assert wrong(sentence, [sentence]) == ()
    stated = {str(found.number.value) for found in numbers_in_context(sentence)}
    assert set(wrong(sentence, [other, f"{other} 5.5%, 6.5% of it"])) <= stated


def test_the_margin_is_measured_along_the_step_between_both() -> None:
    own, rival = np.asarray([1.0, 0.0], np.float32), np.asarray([0.0, 1.0], np.float32)
    assert margin(own, own, rival) == pytest.approx(2**-0.5)
    assert margin(rival, own, rival) == pytest.approx(-(2**-0.5))
    assert margin(own, own, own) == 0.0


def test_a_sentence_with_a_misplaced_number_is_refuted(embedder: HashEmbedder) -> None:
    verifier = Verifier(embedder, Alignment())
    verdict = verifier.verify("RevCol reaches 90.0% overlap on ADE20K.", REVCOL[1:], known=" ".join(REVCOL))
    assert (verdict.refuted, verdict.missing, verdict.support) == (True, ("90.0",), "unsupported")
    right = verifier.verify("RevCol reaches 61.0% overlap on ADE20K.", REVCOL[1:], known=" ".join(REVCOL))
    assert not right.refuted


def test_evidence_may_be_a_whole_abstract() -> None:
    abstract = " ".join(REVCOL)
    assert wrong("RevCol reaches 90.0% overlap on ADE20K.", [abstract]) == ("90.0",)
    assert wrong("RevCol reaches 90.0% accuracy on ImageNet.", [abstract]) == ()


def test_nothing_is_embedded_for_a_sentence_without_such_a_number() -> None:
    def never(texts: Sequence[str]) -> Vectors:
        raise AssertionError(texts)

    assert misplaced_numbers("RevCol is reversible.", REVCOL, never, never, cross=False) == ()
