"""Convert EmbeddingGemma to ONNX."""

from __future__ import annotations

from pathlib import Path

from rag.errors import ModelError


def convert_gemma(folder: Path, making: Path) -> None:
    """Write the ONNX graph of the model in `folder` to the new folder `making`."""
    raise ModelError(f"The model in {folder} cannot be converted to {making.name} yet.")
