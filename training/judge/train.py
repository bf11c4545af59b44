"""Train the judge on what `training.judge.prepare` wrote.

    python -m training.judge.train DATA OUTPUT [--epochs 3] [--minutes M] [--start WEIGHTS --seed S]

OUTPUT/state.pt is written every few minutes and read again after a break, OUTPUT/log.jsonl has the losses,
and OUTPUT/weights.pt in the end what was trained, in 16 bits. On two cores some five pairs a second are read,
on a GPU some thousands. The same seed gives the same batches. `--start` goes on from the weights.pt of an
earlier run, with a new optimiser; give another seed then, so that the pairs come in another order.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rag.judge.pair_tokens import PAIR_TOKENS, QUESTION_TOKENS, SENTENCE_TOKENS
from training.judge.model import JudgeNetwork, loss_of

SEED = 7
# Tokens in a batch, by device.
BATCH_TOKENS = {"cpu": 4096, "cuda": 32768}
# At three times this rate, and in small batches at a little more than it, all pairs soon get the same score,
# and nothing is learned any more.
RATE, DECAY, EPSILON = 1e-4, 0.01, 1e-6
WARM_UP = 200
# Lengths are rounded up to a multiple of this, so that few shapes occur.
_ROUND = 16
# Batches of similar length are cut from runs of so many pairs.
_RUN = 16384
_SAVE_SECONDS = 300
# The first numbers of `training.judge.prepare.Encoder`.
PADDING, START, END = 0, 1, 2


class Pairs:
    """The pairs of pairs.npz."""

    def __init__(self, data: Path) -> None:
        """Read them."""
        with np.load(data / "pairs.npz") as file:
            self._ids, ends, self.rows = file["ids"].astype(np.int64), file["ends"], file["train"]
        self._starts = np.concatenate([[0], ends[:-1]])
        self._lengths = ends - self._starts

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)

    def sizes(self) -> NDArray[np.int64]:
        """Return how many tokens each pair has."""
        return self._sum(self._parts(self.rows))

    def batch(self, indices: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return ids and mask (n, tokens) of pairs, written as `PairTokens.ids` does."""
        rows = self.rows[indices]
        parts = self._parts(rows)
        ends = self._sum(parts)
        ids = np.full((len(rows), rounded(int(ends.max()))), PADDING, np.int64)
        mask = (np.arange(ids.shape[1]) < ends[:, None]).astype(np.int64)
        ids[mask == 1] = END
        ids[:, 0] = START
        evidence, sentence, question = parts
        offsets = (1, evidence + 3, ends - 1 - sentence)
        for column, length, offset in zip((0, 2, 1), (evidence, question, sentence), offsets, strict=True):
            self._copy(ids, self._starts[rows[:, column]], length, np.broadcast_to(offset, len(rows)))
        return ids, mask

    def _parts(self, rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], ...]:
        """Return how many tokens are read of evidence, sentence and question."""
        evidence, sentence, question = (self._lengths[rows[:, i]] for i in range(3))
        sentence, question = np.minimum(sentence, SENTENCE_TOKENS), np.minimum(question, QUESTION_TOKENS)
        room = PAIR_TOKENS - 4 - sentence - np.where(question > 0, question + 2, 0)
        return np.minimum(evidence, room), sentence, question

    @staticmethod
    def _sum(parts: tuple[NDArray[np.int64], ...]) -> NDArray[np.int64]:
        total: NDArray[np.int64] = parts[0] + parts[1] + parts[2] + np.where(parts[2] > 0, 6, 4)
        return total

    def _copy(
        self, ids: NDArray[Any], starts: NDArray[Any], lengths: NDArray[Any], offsets: NDArray[Any]
    ) -> None:
        """Write `lengths[i]` tokens from `starts[i]` on to row i, from `offsets[i]` on."""
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = np.repeat(np.arange(len(ids)), lengths)
        ids[rows, np.repeat(offsets, lengths) + within] = self._ids[np.repeat(starts, lengths) + within]


def batches(sizes: NDArray[np.int64], tokens: int, epoch: int, seed: int = SEED) -> Iterator[list[int]]:
    """Yield the pairs of each batch of an epoch: of one rounded length, shuffled within each run."""
    draw = random.Random(f"{seed} {epoch}")
    order = list(range(len(sizes)))
    draw.shuffle(order)
    for first in range(0, len(order), _RUN):
        groups: dict[int, list[int]] = defaultdict(list)
        for i in order[first : first + _RUN]:
            groups[rounded(int(sizes[i]))].append(i)
        cut = []
        for length, group in groups.items():
            count = max(1, tokens // length)
            cut += [group[start : start + count] for start in range(0, len(group), count)]
        draw.shuffle(cut)
        yield from cut


def rounded(length: int) -> int:
    """Return a length with its padding."""
    return -(-length // _ROUND) * _ROUND


def rate_at(step: int, done: float) -> float:
    """Return the learning rate at a step, when a share of the training is done: a rise, then a fall."""
    return RATE * min(1.0, (step + 1) / WARM_UP) * max(0.02, 1 - done)


@dataclass
class Training:
    """A network, its optimiser, and how far it is."""

    network: JudgeNetwork
    pairs: Pairs
    output: Path
    device: str
    seed: int = SEED
    step: int = 0
    spent: float = 0.0

    def __post_init__(self) -> None:
        """Continue from a state in `output` if there is one."""
        self.network.to(self.device).train()
        self.trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.trained,
            lr=RATE,
            betas=(0.9, 0.98),
            eps=EPSILON,
            weight_decay=DECAY,
            fused=self.device == "cuda",
        )
        if (state := self.output / "state.pt").exists():
            saved = torch.load(state, map_location=self.device)
            self.network.load_state_dict(saved["network"], strict=False)
            self.optimiser.load_state_dict(saved["optimiser"])
            self.step, self.spent = saved["step"], saved["spent"]

    def run(self, epochs: float, minutes: float) -> None:
        """Train for `epochs`, or as many as `minutes` allow; the rate falls with what is used up first."""
        sizes = self.pairs.sizes()
        tokens, passes = BATCH_TOKENS[self.device], range(math.ceil(epochs))
        steps = [batch for epoch in passes for batch in batches(sizes, tokens, epoch, self.seed)]
        steps = steps[: int(len(steps) * epochs / math.ceil(epochs))]
        began = last_saved = time.monotonic() - self.spent
        losses: list[Tensor] = []
        for step in range(self.step, len(steps)):
            self.spent = time.monotonic() - began
            done = max(step / len(steps), self.spent / (60 * minutes))
            if done >= 1:
                break
            for group in self.optimiser.param_groups:
                group["lr"] = rate_at(step, done)
            losses.append(self._step(steps[step]))
            self.step = step + 1
            if step % 100 == 99:
                self._log(len(steps), losses)
                losses.clear()
            if time.monotonic() - last_saved > _SAVE_SECONDS:
                last_saved = time.monotonic()
                self.save()

    def _step(self, batch: Sequence[int]) -> Tensor:
        labels = self.pairs.rows[batch, 3:].astype(np.int64)
        arrays = (torch.from_numpy(array) for array in (*self.pairs.batch(batch), labels))
        ids, mask, wanted = (array.to(self.device) for array in arrays)
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.device == "cuda"):
            logits = self.network(ids, mask)
        loss = loss_of((logits[0].float(), logits[1].float()), wanted[:, 0], wanted[:, 1] == 1)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss.detach()

    def _log(self, steps: int, losses: Sequence[Tensor]) -> None:
        loss = float(torch.stack(list(losses)).mean())
        if not math.isfinite(loss):
            raise ValueError("the loss is not finite; start again with a lower rate.")
        line = json.dumps(
            {"step": self.step, "steps": steps, "seconds": round(self.spent), "loss": round(loss, 4)}
        )
        print(line, flush=True)
        with (self.output / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def save(self) -> None:
        """Write what is trained and the state of the optimiser, whole or not at all."""
        partial = self.output / "state.partial"
        state: dict[str, Any] = {"network": self.network.trained(), "optimiser": self.optimiser.state_dict()}
        torch.save(state | {"step": self.step, "spent": self.spent}, partial)
        partial.replace(self.output / "state.pt")


def main() -> None:
    """Train."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("data", type=Path, help="folder that training.judge.prepare wrote")
    command.add_argument("output", type=Path, help="folder of the weights and the log")
    command.add_argument("--epochs", type=float, default=3.0, help="read the pairs so many times")
    command.add_argument("--minutes", type=float, default=6000.0, help="end after so many minutes")
    command.add_argument("--start", type=Path, help="weights.pt of an earlier run to go on from")
    command.add_argument("--seed", type=int, default=SEED, help="order of the pairs")
    options = command.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with np.load(options.data / "base.npz") as base:
        network = JudgeNetwork.of_arrays(dict(base))
    if options.start:
        network.load_trained(options.start)
    training = Training(network, Pairs(options.data), options.output, device, options.seed)
    print(f"{len(training.pairs):,} pairs on {device}", flush=True)
    training.run(options.epochs, options.minutes)
    training.save()
    weights = {name: value.half().cpu() for name, value in network.trained().items()}
    torch.save(weights, options.output / "weights.pt")


if __name__ == "__main__":
    main()
