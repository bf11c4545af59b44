"""Typed settings: defaults < settings file < environment (`RAG_*`) < arguments.

Every field can be set as an environment variable (`RAG_TOP_K=5`), as a key of a TOML file (`citefold.toml`
in the user configuration directory, or the file that `RAG_SETTINGS` names), or as an argument of `RAG.open`.
Unknown keys and values outside their range are refused with a sentence that names them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import SettingsError

DEFAULT_EMBEDDING_MODEL = "embeddinggemma-300m"
SMALL_EMBEDDING_MODEL = "multilingual-e5-small"
DEFAULT_LLM = "qwen2.5-coder-1.5b"

# Variables that share the prefix but are read elsewhere: the model cache, the file itself, test and CI marks.
_OTHER_VARIABLES = {"RAG_CACHE", "RAG_SETTINGS", "RAG_CI"}
# Old names that work for one version more, with the field that each sets now.
_OLD_VARIABLES = {"RAG_READINGS_MB": "prompt_cache_mb"}

# What can be changed while citefold runs. The others decide what an index is, or what a process is given.
CHANGEABLE = frozenset(
    {"top_k", "min_similarity", "refusal", "llm_base_url", "llm_model", "llm_api_key", "llm_timeout_s"}
    | {"abstracts_per_chat", "evidence_tokens", "max_answer_tokens"}
)


def settings_file() -> Path:
    """Return the settings file: what `RAG_SETTINGS` names, else `citefold.toml` of the user."""
    named = os.environ.get("RAG_SETTINGS")
    return Path(named).expanduser() if named else user_config_path("citefold") / "citefold.toml"


class Settings(BaseSettings):
    """Everything a user can turn, with its default, unit and range.

    Raises:
        SettingsError: through `load_settings`, for an unknown key or a value outside its range.
    """

    model_config = SettingsConfigDict(env_prefix="RAG_", env_ignore_empty=True, extra="forbid", frozen=True)

    index: Path = Field(default_factory=lambda: user_data_path("citefold") / "index")
    """Directory of the index."""
    conversations: Path = Field(default_factory=lambda: user_data_path("citefold") / "conversations")
    """Directory of the chat page's saved conversations and ratings."""
    embedding_model: str = DEFAULT_EMBEDDING_MODEL
    """A default model's name, or any sentence-transformers model by name or path."""
    embedding_backend: Literal["auto", "torch", "onnx"] = "auto"
    """auto: torch on a GPU if there is one, else onnxruntime where the model has a graph for it (the default
    models have), else torch.
    """
    query_prompt: str | None = None
    """Put before each question; None: the model's own saved prompt."""
    passage_prompt: str | None = None
    """Put before each passage; None: the model's own saved prompt."""
    rerank_model: str | None = None
    """Any sentence-transformers CrossEncoder, by name or path, reads the first papers again; None:
    none does.
    """
    chroma_url: str | None = None
    """A Chroma server (http://host:port) instead of the persistent client on this machine."""
    top_k: int = Field(default=3, ge=1, le=20)
    """Abstracts given to the language model."""
    min_similarity: float = Field(default=0.05, ge=-1, le=1)
    """Refuse without asking the language model when no abstract is nearer (aligned cosine); -1: always ask.
    See docs/decisions.md#similarity-floor.
    """
    refusal: Literal["strict", "lenient"] = "strict"
    """strict: an answer is shown if the abstracts probably hold it; lenient: also if they may hold it.
    See docs/decisions.md#lenient-refusal.
    """
    llm_base_url: str | None = None
    """An OpenAI-compatible endpoint instead of the embedded model, such as http://localhost:11434/v1."""
    llm_model: str = DEFAULT_LLM
    """Name of the endpoint's model; without an endpoint a default model's name or a GGUF file."""
    llm_api_key: SecretStr | None = None
    """Sent to `llm_base_url` only."""
    llm_timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """Longest silence of the language model, in seconds."""
    abstracts_per_chat: Literal["auto", "one", "all"] = "auto"
    """Whether the language model reads one abstract after the other, or all in one chat. auto: by its size,
    which is read off its name; a small one mixes abstracts up.
    """
    evidence_tokens: int | None = Field(default=None, ge=50, le=100_000)
    """Most tokens read in one chat: of one abstract (None: 800), of all (None: 4,000)."""
    max_answer_tokens: int = Field(default=320, ge=16, le=4096)
    """Longest answer, in the model's tokens."""
    prompt_cache_mb: int = Field(default=2000, ge=0, le=10_000_000)
    """Disk for prompt caches, in MB; an abstract takes some 7."""
    threads: int | None = Field(default=None, ge=1, le=512)
    """CPU threads of the models; None: as many as the machine has cores."""

    @field_validator("index", "conversations")
    @classmethod
    def _expand(cls, path: Path) -> Path:
        return path.expanduser()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, settings file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())


def load_settings(**arguments: Any) -> Settings:
    """Read the settings; `arguments` that are None count as not given.

    Raises:
        SettingsError: an unknown variable or key, or a value outside its range.
    """
    arguments = _with_old_names(arguments)
    known = {f"RAG_{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES | set(_OLD_VARIABLES)
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith("RAG_") and not name.startswith("RAG_TEST_") and name not in known
    )
    if unknown:
        raise SettingsError(
            f"Unknown setting {unknown[0]} in the environment; known are {', '.join(sorted(known))}."
        )
    if os.environ.get("RAG_SETTINGS") and not settings_file().is_file():
        raise SettingsError(f"There is no settings file {settings_file()}; correct RAG_SETTINGS or unset it.")
    return _validated({key: value for key, value in arguments.items() if value is not None})


def changed_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return the settings with some fields of `CHANGEABLE` replaced.

    A key belongs to its address: a new address without a new key has none.

    Raises:
        SettingsError: a field cannot be changed while citefold runs, or a value is outside its range.
    """
    for name in changes:
        if name not in CHANGEABLE:
            known = name in Settings.model_fields
            raise SettingsError(
                f"Setting {name!r} {'needs a new start' if known else 'does not exist'}; while citefold runs "
                f"only {', '.join(sorted(CHANGEABLE))} can be changed."
            )
    values = settings.model_dump() | dict(changes)
    if values["llm_base_url"] != settings.llm_base_url and "llm_api_key" not in changes:
        values["llm_api_key"] = None
    return _validated(values)


def _validated(values: dict[str, Any]) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"Setting {name!r} is not usable: {first['msg']}; correct RAG_{name.upper()}, "
            f"{settings_file()} or the argument."
        ) from error
    except ValueError as error:  # the settings file is not TOML
        raise SettingsError(f"The settings file {settings_file()} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(
            f"The settings file {settings_file()} cannot be read: {error.strerror}."
        ) from error


def _with_old_names(arguments: dict[str, Any]) -> dict[str, Any]:
    """Add the values of variables that go by an old name, unless the new one is set; warn of each."""
    for old, field in _OLD_VARIABLES.items():
        new, value = f"RAG_{field.upper()}", os.environ.get(old)
        if value:
            warnings.warn(
                f"{old} is now {new}; the old name goes with the next version.", FutureWarning, stacklevel=3
            )
            if arguments.get(field) is None and not os.environ.get(new):
                arguments = arguments | {field: value}
    return arguments
