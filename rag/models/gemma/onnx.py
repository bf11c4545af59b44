"""Write EmbeddingGemma as an ONNX graph that is fast on a CPU.

The graph embeds one text, as that of multilingual-e5-small does. It is Gemma 3 with attention in both
directions (Vera et al. 2025), mean pooling and two linear layers, which are one here. Matrix products run in
8 bits. Smoothing costs nothing, because the norms and the matrices before each product take the factors in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ModelError
from rag.models.onnx_graph import (
    GraphBuilder,
    adds_in_sixteen_bits,
    fitted_activations,
    quantised_rows,
    smoothing_factors,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

NAME = "embeddinggemma-300m"
GRAPH = "model_qint8.onnx"
_SMOOTHING = 0.6  # exponent; see docs/decisions.md#smoothing-of-the-8-bit-graphs
_TABLE_BLOCK = 64  # values of a token embedding that share a scale
_TABLE_STEP = 8192  # rows quantised at a time, for memory's sake
_FAR = -1e9  # added to the attention of tokens outside the window
_CONFIG = {"model_type": "gemma3_text", "use_bidirectional_attention": True}


def convert_gemma(folder: Path, making: Path) -> None:
    """Write the 8-bit graph of the model in `folder` to the new folder `making`; peak memory about 1.5 GB.

    Raises:
        ModelError: the folder holds another kind of model.
    """
    making.mkdir(parents=True)
    write_gemma(folder, making / GRAPH, fitted_activations(NAME))


def write_gemma(folder: Path, path: Path, activations: Mapping[str, Array] | None) -> None:
    """Write the graph of the model in `folder`; without `activations` its products are float32.

    Raises:
        ModelError: the folder holds another kind of model.
    """
    import onnx
    from safetensors import SafetensorError, safe_open

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if any(config.get(key) != value for key, value in _CONFIG.items()):
            raise ValueError("it is no EmbeddingGemma")
        with ExitStack() as stack:
            weights, first, second = (
                stack.enter_context(safe_open(folder / part / "model.safetensors", "np"))
                for part in ("", "2_Dense", "3_Dense")
            )
            head = second.get_tensor("linear.weight") @ first.get_tensor("linear.weight")
            model = _GemmaGraph(
                weights, config, head, activations, 63 if adds_in_sixteen_bits() else 127
            ).model()
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"The model in {folder} cannot be converted ({error}); fetch it again.") from error
    onnx.save(model, str(path))


@dataclass
class _GemmaGraph(GraphBuilder):
    """The graph of one model; `head` is (d, d), `steps` the largest 8-bit weight."""

    weights: Any
    config: Mapping[str, Any]
    head: Array
    activations: Mapping[str, Array] | None
    steps: int

    def model(self) -> Any:
        """Return the whole graph as an ONNX model."""
        self.positions()
        x = self.embeddings()
        for number, kind in enumerate(self.config["layer_types"]):
            x = self.layer(x, number, kind == "full_attention")
        x = self.norm(x, "final", 1 + self.tensor("norm"))
        pooled = self.node("ReduceMean", [x, self.axis(1)], "pooled", domain="", keepdims=0)
        headed = self.node("MatMul", [pooled, self.constant("head", self.head.T)], "headed", domain="")
        self.node("LpNormalization", [headed], "embedding", domain="", axis=-1, p=2)
        return self.finish("gemma", "embedding", self.head.shape[0])

    def tensor(self, name: str) -> Array:
        result: Array = self.weights.get_tensor(f"{name}.weight")
        return result

    def axis(self, *numbers: int) -> str:
        return self.constant("axis" + "".join(map(str, numbers)), np.array(numbers, np.int64))

    def number(self, value: int) -> str:
        return self.constant(f"number{value}", np.array(value, np.int64))

    def positions(self) -> None:
        """Make `places` (1, n), `window` (1, 1, n, n), and a rotation for each of both kinds of layers."""
        count = self.node(
            "Squeeze", [self.node("Shape", ["ids"], "shape", domain="", start=1)], "n", domain=""
        )
        line = self.node("Range", [self.number(0), count, self.number(1)], "line", domain="")
        places = self.node("Unsqueeze", [line, self.axis(0)], "places", domain="")
        column = self.node("Unsqueeze", [line, self.axis(1)], "column", domain="")
        apart = self.node(
            "Abs", [self.node("Sub", [column, places], "signed", domain="")], "apart", domain=""
        )
        reach = self.number(self.config["sliding_window"] // 2 + 1)
        far = self.node("GreaterOrEqual", [apart, reach], "far", domain="")
        none, zero = (self.constant(n, np.array(v, np.float32)) for n, v in (("none", _FAR), ("zero", 0)))
        masked = self.node("Where", [far, none, zero], "masked", domain="")
        self.node("Unsqueeze", [masked, self.axis(0, 1)], "window", domain="")
        width = self.config["head_dim"]
        for kind, base in (("near", "rope_local_base_freq"), ("full", "rope_theta")):
            steps = self.config[base] ** -(np.arange(0, width, 2) / width)
            angles = np.outer(np.arange(self.config["max_position_embeddings"]), steps)
            self.constant(f"{kind}.cos", np.cos(angles).astype(np.float32))
            self.constant(f"{kind}.sin", np.sin(angles).astype(np.float32))

    def embeddings(self) -> str:
        """Look up the token embeddings, which are 8-bit, scaled by the root of the width."""
        rows, width = self.config["vocab_size"], self.config["hidden_size"]
        codes = np.empty((rows, width), np.uint8)
        scales = np.empty((rows, width // _TABLE_BLOCK), np.float32)
        table = self.weights.get_slice("embed_tokens.weight")
        for start in range(0, rows, _TABLE_STEP):
            part = table[start : start + _TABLE_STEP].reshape(-1, _TABLE_BLOCK)
            rounded, scale = quantised_rows(part)
            end = start + len(part) * _TABLE_BLOCK // width
            codes[start:end] = (rounded.view(np.uint8) ^ 128).reshape(-1, width)
            scales[start:end] = (scale * np.float32(width**0.5)).reshape(-1, width // _TABLE_BLOCK)
        return self.node(
            "GatherBlockQuantized",
            [self.constant("table", codes), "ids", self.constant("table.scales", scales)],
            "embedded",
            bits=8,
            block_size=_TABLE_BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def layer(self, x: str, number: int, full: bool) -> str:
        own = f"layers.{number}"
        seen = self.norm(
            self.attention(x, own, full),
            f"{own}.seen_norm",
            1 + self.tensor(f"{own}.post_attention_layernorm"),
        )
        gate, up, down = (self.tensor(f"{own}.mlp.{part}_proj") for part in ("gate", "up", "down"))
        down_factors = self.factors(f"{own}.active", down)
        wide = np.concatenate([gate, up / down_factors[:, None]]) * (
            1 + self.tensor(f"{own}.pre_feedforward_layernorm")
        )
        factors = self.factors(f"{own}.read", wide)
        gain = self.constant(f"{own}.read.gain", 1 / factors)
        self.node(
            "SkipSimplifiedLayerNormalization",
            [seen, x, gain],
            *(f"{own}.read", "", "", f"{own}.sum"),
            epsilon=self.config["rms_norm_eps"],
        )
        self.split(
            self.product(f"{own}.read", wide * factors, f"{own}.wide"), len(gate), f"{own}.gate", f"{own}.up"
        )
        gated = self.node("FastGelu", [f"{own}.gate"], f"{own}.gelu")
        active = self.node("Mul", [gated, f"{own}.up"], f"{own}.active", domain="")
        said = self.product(active, down * down_factors, f"{own}.down", each_row=True)
        said = self.norm(said, f"{own}.down_norm", 1 + self.tensor(f"{own}.post_feedforward_layernorm"))
        return self.node("Add", [said, f"{own}.sum"], f"{own}.out", domain="")

    def attention(self, x: str, own: str, full: bool) -> str:
        heads = self.config["num_attention_heads"]
        q, k, v, out = (self.tensor(f"{own}.self_attn.{part}_proj") for part in "qkvo")
        # All heads see the same values, so they share the factors of the matrix that follows.
        out_factors = self.factors(f"{own}.seen", out, heads)
        joint = np.concatenate([q, k, v / out_factors[:, None]]) * (1 + self.tensor(f"{own}.input_layernorm"))
        factors = self.factors(f"{own}.in", joint)
        x = self.norm(x, f"{own}.in", 1 / factors)
        parts = [f"{own}.{part}" for part in "qkv"]
        sizes = self.constant("sizes", np.array([len(q), len(k), len(v)], np.int64))
        self.node("Split", [self.product(x, joint * factors, f"{own}.qkv"), sizes], *parts, domain="", axis=2)
        turned = [self.turned(part, own, letter, full) for part, letter in zip(parts[:2], "qk", strict=True)]
        spread = [
            self.node("Concat", [part] * heads, f"{part}.all", domain="", axis=2)
            for part in (turned[1], parts[2])
        ]
        window = [] if full else ["", "", "window"]
        scale = self.config["query_pre_attn_scalar"] ** -0.5
        inputs = [turned[0], *spread, *window]
        seen = self.node("MultiHeadAttention", inputs, f"{own}.seen", num_heads=heads, scale=scale)
        return self.product(seen, out * np.tile(out_factors, heads), f"{own}.o")

    def turned(self, part: str, own: str, letter: str, full: bool) -> str:
        """Normalise each head of a query or key, and turn it by its position."""
        heads = self.config["num_attention_heads"] if letter == "q" else 1
        width = self.config["head_dim"]
        apart = self.constant(f"{letter}.apart", np.array([0, 0, heads, width], np.int64))
        joined = self.constant(f"{letter}.joined", np.array([0, 0, heads * width], np.int64))
        split = self.node("Reshape", [part, apart], f"{part}.heads", domain="")
        normed = self.norm(split, f"{part}.norm", 1 + self.tensor(f"{own}.self_attn.{letter}_norm"))
        flat = self.node("Reshape", [normed, joined], f"{part}.flat", domain="")
        kind = "full" if full else "near"
        inputs = [flat, "places", f"{kind}.cos", f"{kind}.sin"]
        return self.node("RotaryEmbedding", inputs, f"{part}.turned", num_heads=heads)

    def norm(self, x: str, name: str, gain: Array) -> str:
        """Apply the root-mean-square norm over the last axis."""
        return self.node(
            "SimplifiedLayerNormalization",
            [x, self.constant(f"{name}.gain", gain)],
            name,
            domain="",
            axis=-1,
            epsilon=self.config["rms_norm_eps"],
        )

    def split(self, x: str, size: int, *names: str) -> None:
        sizes = self.constant(f"halves{size}", np.array([size] * len(names), np.int64))
        self.node("Split", [x, sizes], *names, domain="", axis=2)

    def factors(self, x: str, weights: Array, heads: int = 1) -> Array:
        """Return the smoothing factors of an input, (inputs / heads,)."""
        if self.activations is None:
            return np.ones(weights.shape[1] // heads, np.float32)
        largest = self.activations[x].reshape(heads, -1).max(axis=0)
        stacked = weights.reshape(len(weights) * heads, -1)
        return smoothing_factors(stacked, largest, _SMOOTHING)

    def product(self, x: str, weights: Array, name: str, *, each_row: bool = False) -> str:
        """Multiply by `weights` (outputs, inputs); `each_row` gives every token an input scale of its own."""
        if self.activations is None:
            return self.node("MatMul", [x, self.constant(f"{name}.w", weights.T)], name, domain="")
        largest = ""
        if each_row:
            size = self.node("Abs", [x], f"{name}.size", domain="")
            largest = self.node("ReduceMax", [size, self.axis(-1)], f"{name}.largest", domain="", keepdims=1)
            x = self.node("Div", [x, largest], f"{name}.even", domain="")
        steps, scales = quantised_rows(weights, self.steps)
        parts = {"w": steps.T, "s": scales, "z": np.zeros(len(weights), np.int8)}
        inputs = [self.constant(f"{name}.{part}", values) for part, values in parts.items()]
        result = f"{name}.y" if each_row else name
        self.node("DynamicQuantizeMatMul", [x, *inputs], result)
        return self.node("Mul", [result, largest], name, domain="") if each_row else result
