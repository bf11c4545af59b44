"""A training run of the judge that goes on from the weights of an earlier one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from rag.judge.pair_tokens import PairTokens
from training.judge import train
from training.judge.mean import mean_of
from training.judge.model import FROZEN_LAYERS, JudgeNetwork
from training.judge.pairs import ANSWERED, CONTRADICTED, SUPPORTED, Pair
from training.judge.prepare import Encoder

HIDDEN, INNER, HEADS, LONGEST = 8, 16, 2, 600


@pytest.fixture
def data(tokens: PairTokens, tmp_path: Path) -> Path:
    """Write what `training.judge.prepare` would write, with a tiny base model."""
    encoder = Encoder(tokens)
    rows = encoder.rows(
        [
            Pair("support", "w1 w2", "w3", SUPPORTED, "own", "en->en"),
            Pair("support", "w1 w2", "w4", CONTRADICTED, "read", "en->en", "w5 w6"),
            Pair("answers", "w1", "w3", ANSWERED, "asked", "en->en"),
        ]
    )
    arrays = encoder.arrays()
    np.savez(tmp_path / "pairs.npz", allow_pickle=False, train=rows, **arrays)
    layers, words = FROZEN_LAYERS + 1, len(arrays["vocabulary"])
    config = BertConfig(
        vocab_size=words,
        hidden_size=HIDDEN,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=LONGEST,
    )
    torch.manual_seed(3)
    model = BertModel(config, add_pooling_layer=False).state_dict()
    base = {name: value.numpy() for name, value in model.items() if name.endswith((".weight", ".bias"))}
    sizes = np.array([HIDDEN, layers, HEADS, INNER, LONGEST, config.type_vocab_size])
    np.savez(tmp_path / "base.npz", allow_pickle=False, sizes=sizes, epsilon=np.array(1e-12), **base)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, data: Path, output: str, *options: str) -> dict[str, torch.Tensor]:
    monkeypatch.setattr(sys, "argv", ["train", str(data), str(data / output), *options])
    train.main()
    weights: dict[str, torch.Tensor] = torch.load(data / output / "weights.pt")
    return weights


def test_a_run_goes_on_from_the_weights_of_another(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(monkeypatch, data, "first", "--epochs", "40")
    start = ("--start", str(data / "first" / "weights.pt"), "--seed", "11")
    # A hundredth of one pass over a single batch is no step at all.
    kept = run(monkeypatch, data, "kept", "--epochs", "0.01", *start)
    moved = run(monkeypatch, data, "moved", "--epochs", "40", *start)
    fresh = run(monkeypatch, data, "fresh", "--epochs", "0.01")
    assert all(torch.equal(kept[name], first[name]) for name in first)
    assert any(not torch.equal(moved[name], first[name]) for name in first)
    assert any(not torch.equal(fresh[name], first[name]) for name in first)


def test_weights_of_another_network_are_refused(data: Path) -> None:
    with np.load(data / "base.npz") as base:
        network = JudgeNetwork.of_arrays(dict(base))
    torch.save({"encoder.pooler.weight": torch.zeros(2)}, data / "other.pt")
    with pytest.raises(ValueError, match="other weights"):
        network.load_trained(data / "other.pt")


def test_the_mean_of_two_runs_is_half_way_between_them() -> None:
    first, second = {"w": torch.tensor([1.0, -2.0])}, {"w": torch.tensor([3.0, 2.0])}
    assert mean_of(first, second)["w"].tolist() == [2.0, 0.0]
    with pytest.raises(ValueError, match="other weights"):
        mean_of(first, {"v": torch.zeros(2)})
