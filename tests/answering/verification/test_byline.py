"""A sentence may name the authors and the year of its own paper, and of no other."""

from __future__ import annotations

import pytest

from rag.answering.verification.byline import foreign_authors, without_byline
from rag.schema import Paper, Source

SOURCES = (Source("a.txt", 1),)
PAPER = Paper("p", "Moss grows.", "en", SOURCES, authors=("Brandt, Ulla Maria", "Diego Ferro"), year=2017)
HAN = Paper("q", "苔藓生长。", "zh", SOURCES, authors=("周敏", "林海波"), year=2018)


@pytest.mark.parametrize(
    ("sentence", "rest"),
    [
        ("According to Brandt (2017), moss grew by 3 cm.", "moss grew by 3 cm."),
        ("According to Brandt, moss grew by 3 cm.", "moss grew by 3 cm."),
        ("Brandt et al. (2017) found that moss grew.", "moss grew."),
        ("Brandt et al. found moss growing.", "moss growing."),
        ("Brandt and Ferro (2017) showed that moss grew.", "moss grew."),
        ("Ulla Maria Brandt et al. reported that moss grew.", "moss grew."),
        ("Moss grew by 3 cm (Brandt & Ferro, 2017).", "Moss grew by 3 cm."),
        ("Moss grew by 3 cm (Brandt et al., 2017).", "Moss grew by 3 cm."),
        ("A 2017 study saw moss grow.", "A  study saw moss grow."),
        ("Moss grew, as was published in 2017.", "Moss grew, as was."),
        ("According to Brandt (2016), moss grew.", "According to Brandt (2016), moss grew."),
        ("According to Olsen (2017), moss grew.", "According to Olsen (2017), moss grew."),
        ("The trial had 2017 patches of moss.", "The trial had 2017 patches of moss."),
        ("Brandt.", "Brandt."),
    ],
)
def test_the_own_byline_is_taken_out(sentence: str, rest: str) -> None:
    assert without_byline(sentence, PAPER) == rest


@pytest.mark.parametrize(
    ("sentence", "rest"),
    [
        ("周敏等人（2018）发现苔藓长了3厘米。", "苔藓长了3厘米。"),
        ("根据周敏和林海波(2018)的研究，苔藓长了3厘米。", "苔藓长了3厘米。"),
        ("苔藓长了3厘米（周敏等，2018）。", "苔藓长了3厘米。"),
        ("王芳等人（2017）发现苔藓长了3厘米。", "王芳等人（2017）发现苔藓长了3厘米。"),
    ],
)
def test_the_own_byline_in_chinese(sentence: str, rest: str) -> None:
    assert without_byline(sentence, HAN) == rest


def test_other_authors_are_named() -> None:
    known = "Moss grows on the Ferrari test track."
    for sentence, foreign in (
        ("Olsen et al. found that moss grows.", ("Olsen",)),
        ("According to Olsen, moss grows.", ("Olsen",)),
        ("According to Olsen (2017), moss grows.", ("Olsen",)),
        ("Moss grows (Olsen, 2017).", ("Olsen",)),
        ("Moss grows (Brandt, 2017).", ()),
        ("王芳等人发现苔藓长了。", ("王芳",)),
        ("Brandt et al. found that moss grows.", ()),
        ("According to Ferrari, moss grows.", ()),
        ("According to the study, moss grows.", ()),
    ):
        assert foreign_authors(sentence, PAPER, known) == foreign, sentence
    assert foreign_authors("周敏和林海波等人发现苔藓长了。", HAN, "") == ()
