"""Train the judge: one pass over pairs made from papers and published pairs, resumable.

    python -m training.judge.train OUTPUT [--pairs N] [--minutes M]

OUTPUT/state.pt is written every few minutes and read again after a break; OUTPUT/log.jsonl has the losses.
On two cores about six pairs a second are read, on a GPU some thousands. The same seed gives the same pairs
and order.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.common import parser
from rag.embedding.embedder import load_embedder
from rag.judge.pair_tokens import PairTokens
from rag.models import defaults as models
from rag.settings import SMALL_EMBEDDING_MODEL
from training.judge.model import JudgeNetwork, loss_of, padded
from training.judge.pairs import Pair
from training.judge.sources import (
    BILINGUAL,
    ENGLISH,
    SEED,
    english_papers,
    made_pairs,
    papers,
    published_pairs,
)

BATCH_TOKENS = 4096
# Batches of similar length are cut from runs of so many pairs.
_RUN = 1024
_SAVE_SECONDS = 240
RATE, WARM_UP, DECAY = 1.6e-4, 0.05, 0.01


def training_pairs(folder: Path) -> list[Pair]:
    """Return all pairs in the order in which they are read."""
    embedder = load_embedder(SMALL_EMBEDDING_MODEL, folder, backend="onnx")
    made = made_pairs(papers("train", BILINGUAL, embedder), 2, same=0.35)
    made += made_pairs(english_papers(ENGLISH, embedder), 1)
    pairs = made + list(published_pairs())
    random.Random(SEED).shuffle(pairs)
    return pairs


def batches(pairs: Sequence[Pair], tokens: PairTokens, seed: int) -> list[list[tuple[Pair, list[int]]]]:
    """Return batches of about BATCH_TOKENS, each of pairs of similar length, shuffled within each run."""
    draw = random.Random(seed)
    found: list[list[tuple[Pair, list[int]]]] = []
    for first in range(0, len(pairs), _RUN):
        run = [(pair, tokens.ids(pair.evidence, pair.sentence)) for pair in pairs[first : first + _RUN]]
        run.sort(key=lambda item: len(item[1]))
        cut: list[list[tuple[Pair, list[int]]]] = [[]]
        for item in run:
            if (len(cut[-1]) + 1) * len(item[1]) > BATCH_TOKENS:
                cut.append([])
            cut[-1].append(item)
        draw.shuffle(cut)
        found += cut
    return found


def rate_at(done: float) -> float:
    """Return the factor of the learning rate at a share of the training: a rise, then a fall to a tenth."""
    if done < WARM_UP:
        return done / WARM_UP + 0.01
    return max(0.05, 1 - (done - WARM_UP) / (1 - WARM_UP))


def train(
    network: JudgeNetwork, tokens: PairTokens, pairs: Sequence[Pair], output: Path, minutes: float
) -> None:
    """Train one pass, or as much of it as `minutes` allow; the rate falls with what is used up first."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network.to(device).train()
    trained = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=RATE, weight_decay=DECAY)
    steps = batches(pairs, tokens, SEED)
    state = output / "state.pt"
    first, spent = 0, 0.0
    if state.exists():
        saved = torch.load(state, map_location=device)
        network.load_state_dict(saved["network"], strict=False)
        optimiser.load_state_dict(saved["optimiser"])
        first, spent = saved["step"], saved["spent"]
    began = last_saved = time.monotonic() - spent
    losses: list[float] = []
    for step in range(first, len(steps)):
        spent = time.monotonic() - began
        done = max(step / len(steps), spent / (60 * minutes))
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * rate_at(done)
        losses.append(_step(network, tokens, optimiser, trained, steps[step], device))
        if step % 50 == 49:
            seen = sum(map(len, steps[: step + 1]))
            line = {"step": step + 1, "steps": len(steps), "pairs": seen, "seconds": round(spent)}
            line |= {"loss": round(sum(losses) / len(losses), 4)}
            losses.clear()
            print(json.dumps(line), flush=True)
            with (output / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if time.monotonic() - last_saved > _SAVE_SECONDS:
            last_saved = time.monotonic()
            save(network, optimiser, step + 1, spent, state)
    save(network, optimiser, len(steps), spent, state)


def _step(
    network: JudgeNetwork,
    tokens: PairTokens,
    optimiser: torch.optim.Optimizer,
    trained: Sequence[torch.nn.Parameter],
    batch: Sequence[tuple[Pair, list[int]]],
    device: str,
) -> float:
    ids, mask = (t.to(device) for t in padded([row for _, row in batch], tokens.padding))
    labels = torch.tensor([pair.label for pair, _ in batch], device=device)
    answers = torch.tensor([pair.task == "answers" for pair, _ in batch], device=device)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        logits = network(ids, mask)
    loss = loss_of((logits[0].float(), logits[1].float()), labels, answers)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    if not math.isfinite(value := float(loss.detach())):
        raise ValueError("the loss is not finite; start again with a lower RATE.")
    return value


def save(
    network: JudgeNetwork, optimiser: torch.optim.Optimizer, step: int, spent: float, path: Path
) -> None:
    """Write what is trained and the state of the optimiser, whole or not at all."""
    trained = {name for name, value in network.named_parameters() if value.requires_grad}
    weights = {name: value for name, value in network.state_dict().items() if name in trained}
    partial = path.with_suffix(".partial")
    torch.save(
        {"network": weights, "optimiser": optimiser.state_dict(), "step": step, "spent": spent}, partial
    )
    partial.replace(path)


def main() -> None:
    """Train."""
    command = parser(__doc__)
    command.add_argument("output", type=Path, help="folder of the weights and the log")
    command.add_argument("--pairs", type=int, help="read so many pairs only")
    command.add_argument("--minutes", type=float, default=600.0, help="end after so many minutes")
    options = command.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    folder = models.ensure(SMALL_EMBEDDING_MODEL)
    pairs = training_pairs(folder)[: options.pairs]
    print(f"{len(pairs)} pairs", flush=True)
    train(JudgeNetwork(folder), PairTokens(folder / "tokenizer.json"), pairs, options.output, options.minutes)


if __name__ == "__main__":
    main()
