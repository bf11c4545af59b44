"""What is made on this machine from the fetched files of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from rag.models.files import sha256

# What training added to the judge. It is shipped with this package.
JUDGE_WEIGHTS = Path(str(files("rag").joinpath("data", "judge.npz")))


@dataclass(frozen=True, slots=True)
class Conversion:
    """Writes the new folder `making` from a model's one file, or from the folder of its several files.

    The result becomes the subfolder `into` of the model's folder, or that folder itself if empty. Increase
    `version` when `run` writes different files, so that they are made anew. `data` is the file of this
    package that `run` reads too, if any: when its content changes, they are made anew as well.
    """

    version: int
    run: Callable[[Path, Path], None]
    into: str = ""
    data: Path | None = None

    @property
    def stamp(self) -> dict[str, Any]:
        """Return what says whether files that were made before are still the right ones."""
        made_by: dict[str, Any] = {"conversion": self.version}
        return made_by if self.data is None else made_by | {"data": sha256(self.data)}


def _e5(source: Path, making: Path) -> None:
    from rag.models.e5.folder import convert_e5

    convert_e5(source, making)


def _gemma(source: Path, making: Path) -> None:
    from rag.models.gemma.onnx import convert_gemma

    convert_gemma(source, making)


def _judge(source: Path, making: Path) -> None:
    from rag.models.e5.judge import convert_judge

    convert_judge(source, JUDGE_WEIGHTS, making)


CONVERSIONS = {
    "citefold-judge": Conversion(version=1, run=_judge, data=JUDGE_WEIGHTS),
    "multilingual-e5-small": Conversion(version=3, run=_e5),
    "embeddinggemma-300m": Conversion(version=1, run=_gemma, into="onnx"),
}
