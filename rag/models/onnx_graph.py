"""What the graphs of the embedding models share: how they are built, and how weights become 8-bit."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CONTRIB = "com.microsoft"
_OPSET = 20
_IR_VERSION = 9
_MIN_ABS = 1e-3  # floor for largest absolute values, so that no factor is 0


@dataclass
class GraphBuilder:
    """Builds a graph from `ids` (1, n) to one row; each method returns the name of its result."""

    nodes: list[Any] = field(default_factory=list, init=False)
    constants: dict[str, Any] = field(default_factory=dict, init=False)

    def constant(self, name: str, value: Array) -> str:
        """Add an array under `name`, unless it is there."""
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(
        self, op: str, inputs: Sequence[str], *outputs: str, domain: str = CONTRIB, **attributes: Any
    ) -> str:
        """Add a node of onnxruntime's own operators; `domain=""` is for the standard ones."""
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def finish(self, name: str, output: str, dimension: int) -> Any:
        """Return the whole graph as an ONNX model; `output` (1, `dimension`) is the name of its last node."""
        from onnx import TensorProto, helper

        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, dimension])],
            list(self.constants.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def fitted_activations(model: str) -> dict[str, Array]:
    """Return the largest absolute inputs of each matrix product, (channels,), by input name."""
    with np.load(Path(str(files("rag").joinpath("data", f"activations-{model}.npz")))) as data:
        return {name: data[name].astype(np.float32) for name in data.files}


def adds_in_sixteen_bits() -> bool:
    """Return whether this processor adds 8-bit products in 16 bits, which overflow with signed 8-bit weights.

    That is true of x86 without VNNI, and assumed if unknown.
    """
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return not re.search(r"\bavx(512)?_vnni\b", flags)


def smoothing_factors(weights: Array, largest: Array, exponent: float) -> Array:
    """Return the divisor of each input channel, geometric mean 1; `weights` is (outputs, inputs).

    A few large input channels would spoil the scale of 8-bit inputs. So each input is divided by its factor
    and its weights are multiplied by it (SmoothQuant, Xiao et al. 2023). A higher exponent smooths more.
    """
    inputs = np.maximum(largest, _MIN_ABS) ** exponent
    factors = inputs / np.maximum(np.abs(weights).max(axis=0), _MIN_ABS) ** (1 - exponent)
    result: Array = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return result


def quantised_rows(weights: Array, steps: int = 127) -> tuple[Array, Array]:
    """Round weights (outputs, inputs) to int8, at most `steps`; return them and the scale of each row."""
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-12) / steps
    rounded = np.clip(np.round(weights / scales[:, None]), -steps, steps)
    return rounded.astype(np.int8), scales.astype(np.float32)
