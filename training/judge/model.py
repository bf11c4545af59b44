"""The judge in torch, as it is trained: multilingual-e5-small as a cross-encoder with two heads.

The word embeddings and the lowest layers stay as they are, so that only the upper layers are shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from training.judge.pairs import BINARY, SUPPORTED

FROZEN_LAYERS = 4


class JudgeNetwork(nn.Module):
    """Encoder, mean pooling, and a linear head for each task."""

    def __init__(self, folder: Path) -> None:
        """Start from the sentence-transformers folder of multilingual-e5-small."""
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            str(folder), attn_implementation="sdpa", local_files_only=True
        )
        for part in self.encoder.modules():  # one pass over the pairs does not overfit, and it costs a third
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        self.support = nn.Linear(self.encoder.config.hidden_size, 3)
        self.answers = nn.Linear(self.encoder.config.hidden_size, 1)
        for part in (self.encoder.embeddings, *self.encoder.encoder.layer[:FROZEN_LAYERS]):
            part.requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of support (n, 3) and of an answer (n,) for token ids and mask (n, tokens)."""
        hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weight).sum(1) / weight.sum(1)
        return self.support(pooled), self.answers(pooled).squeeze(-1)


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


def padded(rows: Sequence[list[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Return ids and mask (n, longest)."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), padding, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask
