"""Write OUTPUT/judge.npz, what a training run adds to multilingual-e5-small, and the judge to OUTPUT/judge.

    python -m training.judge.export OUTPUT

Prints the size and digest of the file, and how far the probabilities of the 8-bit graph are from those of the
trained network on pairs of bilingual_arxiv/dev.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import parser
from rag.embedding.embedder import load_embedder
from rag.models import defaults as models
from rag.models.e5.judge import RANGES, convert_judge, pack, write_judge
from rag.models.e5.packed import PackedE5, bert_names, read_e5
from rag.models.session import load_session
from rag.settings import SMALL_EMBEDDING_MODEL
from training.activations import inputs_of_products, largest_inputs
from training.judge.measure import TorchJudge
from training.judge.pairs import Pair
from training.judge.sources import made_pairs, papers

# Pairs that fit the activation ranges, and pairs that are compared.
FIT, COMPARED = 160, 300

Arrays = dict[str, NDArray[Any]]


def trained_arrays(judge: TorchJudge, base: PackedE5) -> Arrays:
    """Return the differences of all trained tensors, packed, and the heads."""
    state = {name: value.numpy() for name, value in judge.network.state_dict().items()}
    arrays: Arrays = {}
    for name, (short, shape) in bert_names(base).items():
        if short.startswith("emb."):
            continue
        difference = state[f"encoder.{name}"] - base.tensor(short, *shape)
        if not difference.any():
            continue
        if len(shape) == 2:
            arrays[f"{short}.codes"], arrays[f"{short}.scales"] = pack(difference)
        else:
            arrays[short] = difference.astype(np.float16)
    arrays["heads"] = np.concatenate([state["support.weight"], state["answers.weight"]]).T
    arrays["heads.bias"] = np.concatenate([state["support.bias"], state["answers.bias"]])
    return arrays


def activation_ranges(judge: TorchJudge, base: PackedE5, arrays: Arrays, pairs: Sequence[Pair]) -> Arrays:
    """Return the largest absolute input of each channel of each matrix product of the layers, in fp32."""
    with TemporaryDirectory() as work:
        write_judge(base, arrays, Path(work) / "fp32.onnx")
        session, names = inputs_of_products(Path(work) / "fp32.onnx")
    names.remove("pooled")  # the heads stay in fp32
    read = (judge.tokens.ids(pair.evidence, pair.sentence) for pair in pairs)
    return {f"{RANGES}{name}": values for name, values in largest_inputs(session, names, read).items()}


def compare(judge: TorchJudge, base: PackedE5, arrays: Arrays, pairs: Sequence[Pair]) -> None:
    """Print how far the 8-bit graph is from the network, and its time for a pair."""
    with TemporaryDirectory() as work:
        write_judge(base, arrays, Path(work) / "judge.onnx")
        session = load_session(Path(work) / "judge.onnx", 2)
    support, answers = judge.scores(pairs)
    began = time.perf_counter()
    rows = [
        session.run(None, {"ids": np.array([judge.tokens.ids(p.evidence, p.sentence)], np.int64)})[0][0]
        for p in pairs
    ]
    spent = 1000 * (time.perf_counter() - began) / len(pairs)
    logits = torch.tensor(np.stack(rows))
    off = np.abs(torch.softmax(logits[:, :3], -1).numpy() - support)[:, 0]
    off_answers = np.abs(torch.sigmoid(logits[:, 3]).numpy() - answers)
    print(f"8 bits: supported off by {off.mean():.4f}, 95th percentile {np.quantile(off, 0.95):.4f}")
    print(f"        answers off by {off_answers.mean():.4f}; {spent:.1f} ms a pair on two threads")


def main() -> None:
    """Export and compare."""
    command = parser(__doc__)
    command.add_argument("output", type=Path, help="folder of a training run")
    options = command.parse_args()
    folder = models.ensure(SMALL_EMBEDDING_MODEL)
    base, judge = read_e5(folder.parent / "e5-small-q4.bin"), TorchJudge(options.output)
    embedder = load_embedder(SMALL_EMBEDDING_MODEL, folder, backend="onnx")
    fit = made_pairs(papers("train", 100, embedder), 1)[:FIT]
    arrays = trained_arrays(judge, base)
    arrays |= activation_ranges(judge, base, arrays, fit)
    compare(judge, base, arrays, made_pairs(papers("dev", 60, embedder), 1)[:COMPARED])
    target = options.output / "judge.npz"
    np.savez_compressed(target, allow_pickle=False, **arrays)
    content = target.read_bytes()
    shutil.rmtree(options.output / "judge", ignore_errors=True)
    convert_judge(folder.parent / "e5-small-q4.bin", target, options.output / "judge")
    print(f"{target.name}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
