"""The judge in torch, as it is trained: multilingual-e5-small as a cross-encoder with two heads.

The word embeddings stay as they are, so that only the layers are shipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from rag.models.e5.judge import unpack
from rag.models.e5.packed import PackedE5, bert_names
from training.judge.pairs import BINARY, SUPPORTED

# The lowest layers stay as they are too: they have little to learn, and the shipped file is smaller.
FROZEN_LAYERS = 4


class JudgeNetwork(nn.Module):
    """Encoder, mean pooling, and a linear head for each task."""

    def __init__(self, config: BertConfig, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Start from the weights of a `BertModel` without its pooler."""
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)
        state = {name: torch.tensor(value) for name, value in weights.items()}
        missing, unknown = self.encoder.load_state_dict(state, strict=False)
        if unknown or any("position_ids" not in name for name in missing):
            raise ValueError(f"weights do not fit: {missing[:3]} missing, {unknown[:3]} unknown")
        self.support = nn.Linear(config.hidden_size, 3)
        self.answers = nn.Linear(config.hidden_size, 1)
        for part in (self.encoder.embeddings, *self.encoder.encoder.layer[:FROZEN_LAYERS]):
            part.requires_grad_(False)

    @classmethod
    def of_model(cls, base: PackedE5) -> JudgeNetwork:
        """Start from the whole base model."""
        sizes = (base.hidden, base.layers, base.heads, base.feed_forward, base.positions, base.token_types)
        weights = {name: base.tensor(short, *shape) for name, (short, shape) in bert_names(base).items()}
        return cls(_config(sizes, base.vocabulary_size, base.epsilon), weights)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> JudgeNetwork:
        """Start from what `training.judge.prepare.base_arrays` wrote."""
        weights = {name: arrays[name] for name in arrays if name.endswith((".weight", ".bias"))}
        for name in [name.removesuffix(".codes") for name in arrays if name.endswith(".codes")]:
            flat = unpack(arrays[f"{name}.codes"], arrays[f"{name}.scales"])
            weights[name] = flat.reshape(arrays[f"{name}.shape"])
        words = len(weights["embeddings.word_embeddings.weight"])
        return cls(_config(arrays["sizes"].tolist(), words, float(arrays["epsilon"])), weights)

    def load_trained(self, file: Path) -> None:
        """Read the weights.pt of a training run; raise ValueError if it is not of this network."""
        weights = torch.load(file, map_location="cpu")
        if set(weights) != set(self.trained()):
            raise ValueError(f"{file} has other weights than those that are trained.")
        self.load_state_dict(weights, strict=False)

    def trained(self) -> dict[str, Tensor]:
        """Return what is trained."""
        names = {name for name, value in self.named_parameters() if value.requires_grad}
        return {name: value for name, value in self.state_dict().items() if name in names}

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of support (n, 3) and of an answer (n,) for token ids and mask (n, tokens)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(1) / weight.sum(1)
        return self.support(pooled), self.answers(pooled).squeeze(-1)


def _config(sizes: Sequence[int], words: int, epsilon: float) -> BertConfig:
    hidden, layers, heads, inner, positions, types = sizes
    return BertConfig(
        vocab_size=words,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        hidden_dropout_prob=0.0,  # few passes over many pairs do not overfit, and it costs time
        attention_probs_dropout_prob=0.0,
        attn_implementation="sdpa",
    )


def loss_of(logits: tuple[Tensor, Tensor], labels: Tensor, answers: Tensor) -> Tensor:
    """Return the mean loss of a batch; `answers` (n,) marks the pairs of the head for answers.

    BINARY pairs say only that a sentence is not supported, so both other classes count as right.
    """
    log_p = functional.log_softmax(logits[0], dim=-1)
    either = torch.logsumexp(log_p[:, SUPPORTED + 1 :], dim=-1)
    exact = log_p.gather(1, labels.clamp(min=0).unsqueeze(1)).squeeze(1)
    support = -torch.where(labels == BINARY, either, exact)
    answer = functional.binary_cross_entropy_with_logits(
        logits[1], labels.clamp(min=0).to(logits[1].dtype), reduction="none"
    )
    return torch.where(answers, answer, support).mean()


def padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Return ids and mask (n, longest)."""
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), padding, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)
