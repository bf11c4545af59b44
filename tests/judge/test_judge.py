"""The judge around its model: how pairs are cut, read and scored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rag.errors import ModelError
from rag.judge.judge import PASSAGE_TOKENS, Judge, Logits, running_text
from rag.judge.pair_tokens import PAIR_TOKENS, SENTENCE_TOKENS, PairTokens
from rag.models import defaults as models
from rag.models.conversion import CONVERSIONS
from rag.models.e5.judge import GRAPH, TOKENIZER, differences, pack, unpack
from rag.models.files import listing
from rag.models.registry import JUDGE

WORDS = ["<s>", "<pad>", "</s>", "<unk>", *(f"w{i}" for i in range(1000)), ".", "yes", "no"]


class Reader:
    """A model that supports what contains "yes", contradicts what contains "no", and remembers what it read."""

    def __init__(self) -> None:
        self.read: list[list[str]] = []

    def __call__(self, ids: Sequence[int]) -> Logits:
        words = [WORDS[i] for i in ids]
        self.read.append(words)
        evidence = words[: words.index("</s>")]
        yes, no = "yes" in evidence, "no" in evidence
        return np.array([5.0 * yes, 1.0, 5.0 * no, 9.0 if yes else -9.0], np.float32)


def words(count: int, first: int = 0) -> str:
    return " ".join(f"w{first + i}" for i in range(count))


def test_a_pair_is_written_as_the_model_was_trained(tokens: PairTokens) -> None:
    assert [WORDS[i] for i in tokens.ids("w1 w2", "w3")] == ["<s>", "w1", "w2", "</s>", "</s>", "w3", "</s>"]


@given(first=st.integers(0, 600), second=st.integers(0, 600))
def test_no_pair_is_longer_than_the_model_reads(tokens: PairTokens, first: int, second: int) -> None:
    ids = tokens.ids(words(first), words(second))
    assert len(ids) <= PAIR_TOKENS
    read = [WORDS[i] for i in ids]
    assert read.count("</s>") == 3
    ending = read[len(read) - 1 - min(second, SENTENCE_TOKENS) : -1]
    assert " ".join(ending) == words(min(second, SENTENCE_TOKENS)), "the sentence is read before the evidence"


def test_support_is_what_the_best_sentences_say(tokens: PairTokens) -> None:
    judge = Judge(tokens, Reader())
    far = [f"w{i} ." for i in range(6)]
    assert judge.support([*far, "yes ."], "w9").relation == "supported"
    assert judge.support([*far, "no ."], "w9").relation == "contradicted"
    assert judge.support(["no .", *far, "yes ."], "w9").relation == "supported", "support counts first"
    assert judge.support(far, "w9").relation == "not told"
    assert judge.support([], "w9").relation == "not told"
    assert judge.support(far, " ").not_told == 1.0


def test_probabilities_of_a_pair_add_up(tokens: PairTokens) -> None:
    (score,) = Judge(tokens, Reader()).supports([("yes no", "w1")])
    assert score.supported + score.not_told + score.contradicted == pytest.approx(1.0)
    assert score.supported == pytest.approx(score.contradicted)


def test_every_sentence_of_an_abstract_is_read_for_an_answer(tokens: PairTokens) -> None:
    reader = Reader()
    judge = Judge(tokens, reader)
    sentences = [f"W{words(39, 40 * i)[1:]}." for i in range(12)]
    assert judge.answers(" ".join(sentences), "w1") < 0.01
    assert {w for row in reader.read for w in row} >= {w for s in sentences for w in s[:-1].split()[1:]}
    assert all(row.index("</s>") - 1 <= PASSAGE_TOKENS for row in reader.read)
    assert judge.answers(" ".join([*sentences, "yes."]), "w1") > 0.99


def test_a_text_without_full_stops_is_read_to_its_end(tokens: PairTokens) -> None:
    assert Judge(tokens, Reader()).answers(f"{words(900)} yes", "w1") > 0.99


def test_each_abstract_has_its_own_answer_in_order(tokens: PairTokens) -> None:
    judge = Judge(tokens, Reader(), threads=2)
    found = judge.each_answers(["w1.", "yes.", "", "w2. yes."], "w3")
    assert [value > 0.5 for value in found] == [False, True, False, True]
    assert judge.each_answers([], "w3") == []


def test_running_text_has_no_spaces_in_chinese() -> None:
    assert running_text(["A b.", "C d."]) == "A b. C d."
    assert running_text(["甲。", "乙。"]) == "甲。乙。"
    assert running_text([]) == ""


def test_a_folder_without_a_judge_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"training\.judge\.export"):
        Judge.load(tmp_path)


def test_a_damaged_shipped_judge_is_an_error_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer_file: Path
) -> None:
    monkeypatch.setenv("RAG_CACHE", str(tmp_path))
    folder = models.cache_dir() / "models" / JUDGE.name / JUDGE.name
    folder.mkdir(parents=True)
    shutil.copy(tokenizer_file, folder / TOKENIZER)
    (folder / GRAPH).write_bytes(b"no graph")
    stamp = CONVERSIONS[JUDGE.name].stamp | {"files": listing(folder)}
    stamp_file = folder.parent / "verified.json"
    stamp_file.write_text(json.dumps({"sha256": JUDGE.sha256, "converted": stamp}), encoding="utf-8")
    with pytest.raises(ModelError, match="delete that folder and run `rag models pull citefold-judge`"):
        Judge.default()


# --- what is shipped: differences in blocks of 4 bits


@given(arrays(np.float32, (4, 32), elements=st.floats(-2, 2, width=32)))
def test_a_packed_difference_is_off_by_half_a_step_at_most(difference: np.ndarray) -> None:
    codes, scales = pack(difference)
    assert codes.dtype == np.uint8
    assert codes.shape == (4, 16)
    found = unpack(codes, scales).reshape(4, 32)
    step = np.abs(difference).max(axis=1, keepdims=True) / 7
    assert (np.abs(found - difference) <= 0.51 * step + 1e-4).all()


def test_differences_are_named_after_the_tensors_they_change() -> None:
    codes, scales = pack(np.full((1, 32), 0.5, np.float32))
    shipped = {"l4.q.w.codes": codes, "l4.q.w.scales": scales, "l4.q.b": np.ones(3, np.float16)}
    shipped |= {"range/l4_mid": np.ones(3), "heads": np.ones((3, 4)), "heads.bias": np.ones(4)}
    found = differences(shipped)
    assert set(found) == {"l4.q.w", "l4.q.b"}
    assert found["l4.q.w"] == pytest.approx(np.full(32, 0.5), abs=1e-3)
