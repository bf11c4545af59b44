"""Fit the activation ranges that smooth the 8-bit graph of the default embedding model.

    python -m training.activations

Writes rag/data/activations-multilingual-e5-small.npz and prints its digest. The file has the largest absolute
input of each channel of each matrix product of the fp32 graph, over titles and abstracts of 40 papers in both
languages.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from benchmarks.common import ROOT, sample
from rag.models import defaults as models
from rag.models.e5.onnx import write_onnx
from rag.models.e5.packed import read_e5

MODEL = "multilingual-e5-small"
TARGET = ROOT / "rag" / "data" / f"activations-{MODEL}.npz"
PAPERS = 40
SEED = 20261121
FIELDS = {
    "abstract_en": "passage: ",
    "abstract_zh": "passage: ",
    "title": "query: ",
    "headline_zh": "query: ",
}


def texts() -> list[str]:
    """Return the texts with their prompts."""
    papers = sample("train", PAPERS, SEED)
    return [prompt + paper[key] for paper in papers for key, prompt in FIELDS.items()]


def inputs_of_products(graph: Path) -> tuple[InferenceSession, list[str]]:
    """Return a session that outputs every input of a matrix product, and the names of these inputs."""
    model = onnx.load(graph)
    names = list(dict.fromkeys(node.input[0] for node in model.graph.node if node.op_type == "MatMul"))
    for name in names:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session, names


def main() -> None:
    """Fit and write."""
    folder = models.ensure(MODEL)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(512)
    with TemporaryDirectory() as work:
        graph = Path(work) / "fp32.onnx"
        write_onnx(read_e5(folder.parent / "e5-small-q4.bin"), graph, None)
        session, names = inputs_of_products(graph)
    largest = {name: np.zeros(0, np.float32) for name in names}
    for text in texts():
        seen = session.run(names, {"ids": np.array([tokenizer.encode(text).ids], np.int64)})
        for name, values in zip(names, seen, strict=True):
            peak = np.abs(values[0]).max(axis=0)
            largest[name] = np.maximum(largest[name], peak) if largest[name].size else peak
    halves = {name: values.astype(np.float16) for name, values in largest.items()}
    np.savez_compressed(TARGET, allow_pickle=False, **halves)
    print(
        f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, {hashlib.sha256(TARGET.read_bytes()).hexdigest()}"
    )


if __name__ == "__main__":
    main()
