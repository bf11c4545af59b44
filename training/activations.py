"""Fit the activation ranges that smooth the 8-bit graph of a default embedding model.

    python -m training.activations MODEL

Writes rag/data/activations-MODEL.npz and prints its digest. The file has the largest absolute input of each
channel of each matrix product of the fp32 graph, over texts of many fields in both languages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from benchmarks.common import ROOT, parser, records, sample
from rag.models import defaults as models
from rag.models.e5.onnx import write_onnx
from rag.models.e5.packed import read_e5
from rag.models.gemma.onnx import NAME as GEMMA
from rag.models.gemma.onnx import write_gemma

PAPERS = 20  # of each source
SEED = 20261121
# Prompt of a question and of a passage.
PROMPTS = {
    "multilingual-e5-small": ("query: ", "passage: "),
    GEMMA: ("task: search result | query: ", "title: none | text: "),
}


def texts(question: str, passage: str) -> Iterator[str]:
    """Yield the texts with their prompts."""
    for paper in sample("train", PAPERS, SEED):
        yield from (passage + paper[key] for key in ("abstract_en", "abstract_zh"))
        yield from (question + paper[key] for key in ("title", "headline_zh"))
    for _, paper in zip(range(PAPERS), records("csl_zh/papers"), strict=False):
        yield passage + f"{paper['title']}\n{paper['abstract']}"
        yield question + paper["title"]
    for number, row in enumerate(records("judge/train/xquad/en_zh_all4")):
        if number % 60 == 0:
            yield from (passage + row["a"], question + row["b"])


def write_fp32(name: str, path: Path, folder: Path) -> Tokenizer:
    """Write the graph of a model with float32 products; return the model's tokenizer."""
    if name == GEMMA:
        write_gemma(folder, path, None)
    else:
        write_onnx(read_e5(folder.parent / "e5-small-q4.bin"), path, None)
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def inputs_of_products(graph: Path) -> tuple[InferenceSession, list[str]]:
    """Return a session that outputs every input of a matrix product, and the names of these inputs."""
    model = onnx.load(graph)
    names = list(dict.fromkeys(node.input[0] for node in model.graph.node if node.op_type == "MatMul"))
    for name in names:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session, names


def largest_inputs(
    session: InferenceSession, names: Sequence[str], texts: Iterable[Sequence[int]]
) -> dict[str, NDArray[np.float16]]:
    """Return the largest absolute value of each channel of the outputs `names`, over texts of token ids."""
    largest: dict[str, NDArray[np.float32]] = {}
    for ids in texts:
        for name, values in zip(names, session.run(names, {"ids": np.array([ids], np.int64)}), strict=True):
            peak = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
            largest[name] = np.maximum(largest.get(name, peak), peak)
    return {name: values.astype(np.float16) for name, values in largest.items()}


def main() -> None:
    """Fit and write."""
    command = parser(__doc__)
    command.add_argument("model", choices=PROMPTS)
    command.add_argument("--folder", type=Path, help="the model, where it is not the fetched one")
    options = command.parse_args()
    name, folder = options.model, options.folder or models.ensure(options.model)
    target = ROOT / "rag" / "data" / f"activations-{name}.npz"
    with TemporaryDirectory() as work:
        tokenizer = write_fp32(name, Path(work) / "fp32.onnx", folder)
        session, names = inputs_of_products(Path(work) / "fp32.onnx")
    tokenizer.enable_truncation(512)
    read = (tokenizer.encode(text).ids for text in texts(*PROMPTS[name]))
    halves = largest_inputs(session, names, read)
    np.savez_compressed(target, allow_pickle=False, **halves)
    print(
        f"{target.name}: {target.stat().st_size:,} bytes, {hashlib.sha256(target.read_bytes()).hexdigest()}"
    )


if __name__ == "__main__":
    main()
