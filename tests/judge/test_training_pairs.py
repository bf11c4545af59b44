"""The pairs that the judge is trained on: what is asked, what answers it, and what does not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.judge.pair_tokens import PairTokens
from rag.schema import Language
from training.judge.asking import QuestionMaker
from training.judge.pairs import ANSWERED, CONTRADICTED, SUPPORTED, UNANSWERED, Pair, PairMaker, Paper
from training.judge.prepare import Encoder
from training.judge.questions import cloze, statement, yes_no
from training.judge.reading import SETS, _Reader
from training.judge.train import PADDING, WARM_UP, Pairs, batches, rate_at, rounded

ENGLISH = [
    "Muse was trained on 4000 pairs of text and image in two weeks.",
    "It reaches an accuracy of 92.1% on CC3M with 900 steps of training.",
    "BERT reaches 88.5% on the same data and needs more memory than Muse.",
    "The learning rate was increased for 12 of the 40 languages at hand.",
]
CHINESE = [
    "Muse在4000对文本和图像上训练了两周的时间。",
    "它在CC3M上经过900步训练，达到了92.1%的准确率。",
    "BERT在相同数据上达到88.5%，需要比Muse更多的内存。",
    "在40种语言中，有12种语言的学习率得到了提高和改进。",
]
OTHER = [
    "Bees fly to the hives in spring, long before noon.",
    "Hives were counted by 7 keepers of bees each week.",
]


def papers() -> list[Paper]:
    both: dict[Language, list[str]] = {"en": ENGLISH, "zh": CHINESE}
    vectors: dict[Language, np.ndarray] = {la: np.eye(4, dtype=np.float32) for la in both}
    far: dict[Language, list[str]] = {
        "en": OTHER,
        "zh": ["蜜蜂在春天飞到蜂箱里，远在中午之前。", "每周有7位养蜂人清点蜂箱的数量。"],
    }
    return [
        Paper("Muse", both, vectors),
        Paper("Bees", far, {la: np.eye(2, 4, dtype=np.float32) for la in far}),
    ]


@given(seed=st.integers(0, 999), text=st.sampled_from(ENGLISH + CHINESE))
def test_a_gap_is_asked_for_and_filled_again(seed: int, text: str) -> None:
    language: Language = "zh" if text in CHINESE else "en"
    made = cloze(text, language, random.Random(seed))
    assert made is not None
    assert made.clause in text
    assert made.with_answer(made.answer) == made.clause
    assert made.clause.count(made.answer) == 1 or made.answer not in made.question[: made.start]
    assert made.question.endswith(("?", "？"))


@pytest.mark.parametrize(
    ("sentence", "language", "asked"),
    [
        ("The method is faster than BERT on all data.", "en", "Is the method faster than BERT on all data?"),
        ("BERT outperforms Muse on all data.", "en", "Does BERT outperform Muse on all data?"),
        ("Training reduced the error to one half.", "en", "Did training reduce the error to one half?"),
    ],
)
def test_a_statement_becomes_a_question(sentence: str, language: Language, asked: str) -> None:
    assert yes_no(sentence, language, random.Random(0)) == asked


@pytest.mark.parametrize(
    ("question", "answer", "language", "said"),
    [
        ("What is the capital of Peru?", "Lima", "en", "The capital of Peru is Lima."),
        ("Who founded the city?", "Pizarro", "en", "Pizarro founded the city."),
        ("How many hives were counted?", "seven", "en", "Seven hives were counted."),
        ("When did it begin?", "1816", "en", None),
        ("该模型的准确率是多少？", "92%", "zh", "该模型的准确率是92%。"),
        ("谁提出了该模型？", "王", "zh", "王提出了该模型。"),
        ("为何如此？", "不明", "zh", None),
    ],
)
def test_a_question_and_its_answer_become_a_statement(
    question: str, answer: str, language: Language, said: str | None
) -> None:
    assert statement(question, answer, language) == said


@pytest.mark.parametrize("seed", range(5))
def test_wrong_answers_take_what_the_abstract_says_of_something_else(seed: int) -> None:
    pairs = list(QuestionMaker(papers(), [1, 0], seed).pairs(0, 4))
    asked = [p for p in pairs if p.question]
    assert {p.label for p in asked} >= {SUPPORTED, CONTRADICTED}
    right = {p.question: p.sentence for p in asked if p.kind == "asked"}
    for pair in (p for p in asked if p.kind == "asked_other"):
        assert pair.label == CONTRADICTED
        assert pair.sentence != right[pair.question]
    for pair in (p for p in pairs if p.kind == "asked" and p.label == UNANSWERED and p.task == "answers"):
        right = next(p for p in asked if p.question == pair.sentence and p.label == SUPPORTED)
        assert right.sentence not in pair.evidence
    assert {p.way for p in pairs} >= {"en->en", "en->zh", "zh->en", "zh->zh"}


@pytest.mark.parametrize("seed", range(5))
def test_a_sentence_of_the_abstract_is_supported_and_a_changed_one_is_not(seed: int) -> None:
    pairs = list(PairMaker(papers(), [1, 0], seed).pairs(0, 4))
    for pair in (p for p in pairs if p.kind == "own" and p.way == "en->en"):
        assert pair.label == SUPPORTED
        assert pair.sentence.rstrip(".").split(", ")[0][-12:] in pair.evidence
    assert any(p.label == CONTRADICTED for p in pairs)


def row(question: str, answer: str | None, passage: str, number: int) -> dict[str, str | None]:
    origin = f"set:{number}" + ("" if answer else ":hardneg")
    label = "answerable" if answer else "unanswerable"
    return {"a": passage, "b": question, "answer": answer, "label": label, "origin": origin} | {
        "lang_a": "en",
        "lang_b": "en",
    }


def test_the_answer_to_another_question_is_wrong() -> None:
    passage = "Lima has 10 million people. Quito has 3 million people."
    rows = [
        row("How many people has Lima?", "10 million", passage, 1),
        row("How many people has Quito?", "3 million", passage, 2),
        row("How many people has Lima?", None, "Rome is old. It has many hills.", 1),
    ]
    reader = _Reader(rows, "set", random.Random(1), split=False, held=False)
    first = list(reader.pairs(rows[0]))
    right = [p.sentence for p in first if p.kind == "read"]
    wrong = [p.sentence for p in first if p.kind == "read_other"]
    assert right
    assert all(text.startswith("10 million") for text in right)
    assert wrong
    assert not any(text.startswith("10 million") for text in wrong)
    missing = list(reader.pairs(rows[2]))
    assert {(p.task, p.label) for p in missing} >= {("answers", UNANSWERED)}
    assert not any(p.task == "support" and p.label == SUPPORTED for p in missing)
    held = _Reader(rows, "set", random.Random(1), split=False, held=True)
    assert list(held.pairs(rows[0])) == []
    assert "xquad/en_zh_all4" in SETS


def test_training_reads_the_pairs_that_were_prepared(tokens: PairTokens, tmp_path: Path) -> None:
    pairs = [
        Pair("support", "w1 w2", "w3", SUPPORTED, "own", "en->en"),
        Pair("support", "w1 w2", "w4", CONTRADICTED, "read", "en->en", "w5 w6"),
        Pair("answers", "w1", "w3", ANSWERED, "asked", "en->en"),
        Pair("support", " ".join(["w7"] * 500), " ".join(["w8"] * 120), SUPPORTED, "own", "", "w9 " * 70),
    ]
    encoder = Encoder(tokens)
    rows = encoder.rows(pairs)
    np.savez(tmp_path / "pairs.npz", allow_pickle=False, train=rows, **encoder.arrays())
    read, vocabulary = Pairs(tmp_path), encoder.arrays()["vocabulary"].tolist()
    ids, mask = read.batch([2, 0, 1, 3])
    for row, read_here, index in zip(ids, mask, (2, 0, 1, 3), strict=True):
        wanted = tokens.ids(pairs[index].evidence, pairs[index].sentence, pairs[index].question)
        assert [vocabulary[i] for i in row[read_here == 1]] == wanted
        assert read.sizes()[index] == len(wanted) == read_here.sum()
        assert set(row[read_here == 0].tolist()) <= {PADDING}
    assert read.rows[:, 3:].tolist() == [[SUPPORTED, 0], [CONTRADICTED, 0], [ANSWERED, 1], [SUPPORTED, 0]]


@given(lengths=st.lists(st.integers(3, 400), min_size=1, max_size=200), epoch=st.integers(0, 3))
def test_each_pair_is_read_once_an_epoch(lengths: list[int], epoch: int) -> None:
    cut = list(batches(np.array(lengths), 4096, epoch))
    assert sorted(i for batch in cut for i in batch) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(rounded(lengths[i]) for i in b) <= 4096 for b in cut)


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(step, step / 1000) for step in range(1000)]
    top = rates.index(max(rates))
    assert WARM_UP - 1 <= top <= WARM_UP
    assert max(rates[0], rates[-1]) < rates[top] / 20
