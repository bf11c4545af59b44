"""What is made on this machine from the fetched files of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Conversion:
    """Writes the new folder `making` from a model's one file, or from the folder of its several files.

    The result becomes the subfolder `into` of the model's folder, or that folder itself if empty. Increase
    `version` when `run` writes different files, so that they are made anew.
    """

    version: int
    run: Callable[[Path, Path], None]
    into: str = ""


def _e5(source: Path, making: Path) -> None:
    from rag.models.e5.folder import convert_e5

    convert_e5(source, making)


def _gemma(source: Path, making: Path) -> None:
    from rag.models.gemma.onnx import convert_gemma

    convert_gemma(source, making)


CONVERSIONS = {
    "multilingual-e5-small": Conversion(version=3, run=_e5),
    "embeddinggemma-300m": Conversion(version=1, run=_gemma, into="onnx"),
}
