"""Write the judge as an ONNX graph: multilingual-e5-small trained further, with two heads.

What training added is kept in one file, judge.npz: for each matrix a difference in blocks of 4 bits, the
other differences and the heads in 16 bits, and the activation ranges that smooth the 8-bit graph.
`training.judge.export` writes it, and rag/data/judge.npz is the one that is shipped (docs/judge.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.models.e5.folder import write_tokenizer
from rag.models.e5.onnx import E5Graph
from rag.models.e5.packed import BLOCK, PackedE5, read_e5
from rag.models.onnx_graph import adds_in_sixteen_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

GRAPH, TOKENIZER = "judge.onnx", "tokenizer.json"
# Columns of the output: three classes of support, then whether the abstract answers.
HEADS = 4
RANGES = "range/"
_CODES, _SCALES = ".codes", ".scales"


def pack(difference: Array) -> tuple[Array, Array]:
    """Return a difference as 4-bit codes, two per byte, and the float16 scale of each block of 32."""
    blocks = difference.astype(np.float32).reshape(-1, BLOCK)
    scales = (np.abs(blocks).max(axis=1) / 7).astype(np.float16)
    steps = blocks / np.maximum(scales.astype(np.float32), 1e-12)[:, None]
    codes = (np.clip(np.round(steps), -7, 7) + 8).astype(np.uint8)
    return codes[:, 0::2] | codes[:, 1::2] << 4, scales


def unpack(codes: Array, scales: Array) -> Array:
    """Return the difference that `pack` stored, flat."""
    halves = np.stack([codes & 15, codes >> 4], axis=-1).reshape(len(codes), BLOCK)
    difference: Array = (halves.astype(np.float32) - 8) * scales.astype(np.float32)[:, None]
    return difference.reshape(-1)


def differences(added: Mapping[str, Array]) -> dict[str, Array]:
    """Return what is added to each tensor of the base model, flat float32."""
    found = {
        name.removesuffix(_CODES): unpack(value, added[name.removesuffix(_CODES) + _SCALES])
        for name, value in added.items()
        if name.endswith(_CODES)
    }
    plain = (name for name in added if name.endswith((".w", ".b")) and not name.startswith(RANGES))
    return found | {name: added[name].astype(np.float32) for name in plain}


def convert_judge(source: Path, added: Path, folder: Path) -> None:
    """Write the judge's graph and tokenizer to a new folder, from the base model's file and judge.npz."""
    with np.load(added) as data:
        arrays = dict(data)
    base = read_e5(source)
    folder.mkdir(parents=True)
    write_tokenizer(base.vocabulary, folder / TOKENIZER)
    write_judge(base, arrays, folder / GRAPH)


def write_judge(base: PackedE5, added: Mapping[str, Array], path: Path) -> None:
    """Write the graph `ids` (1, n) to `logits` (1, HEADS): in 8 bits if `added` has ranges, else in fp32."""
    import onnx

    ranges = (name for name in added if name.startswith(RANGES))
    activations = {name.removeprefix(RANGES): added[name].astype(np.float32) for name in ranges}
    model = replace(base, changes=differences(added))
    graph = E5Graph(model, activations or None, adds_in_sixteen_bits())
    weights = graph.constant("heads.weight", added["heads"].astype(np.float32))
    bias = graph.constant("heads.bias", added["heads.bias"].astype(np.float32))
    product = graph.node("MatMul", [graph.pooled(), weights], "headed", domain="")
    graph.node("Add", [product, bias], "logits", domain="")
    onnx.save(graph.finish("judge", "logits", HEADS), str(path))
