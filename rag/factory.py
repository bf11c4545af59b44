"""The settings turned into things: the embedder, the language model, and what `rag info` says of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from rag.answering.fields.query_prompt import query_prefix
from rag.answering.generation.messages import abstract_prompt_prefix
from rag.answering.generation.translation import translation_prefix
from rag.answering.reranking import CrossEncoderReranker
from rag.answering.rewriting import rewrite_prefix
from rag.embedding.embedder import LocalEmbedder, device_for, load_embedder, resolve_folder
from rag.errors import ModelError
from rag.llm.base import LLM
from rag.llm.llama_cpp.client import check_gguf, open_llm
from rag.llm.llama_cpp.kv_cache import PROMPT_CACHE, PromptCache, count_cached
from rag.models import defaults as models
from rag.models.download import bytes_in
from rag.models.registry import MODELS
from rag.network import is_loopback
from rag.schema import Language
from rag.settings import Settings
from rag.store.manifest import Manifest
from rag.store.vectors import server_address

# Context windows, in tokens. The embedded one holds instructions and examples, an abstract and the answer;
# each further 1,000 tokens take 29 MB, and the whole chat is to stay under 3 GB.
EMBEDDED_CONTEXT = 4096
HOSTED_CONTEXT = 8192


def configured_embedder(settings: Settings, *, fetch: bool = False) -> LocalEmbedder:
    """Load the embedding model that the settings name; a missing default model is fetched.

    Raises:
        ModelError: it is not on this machine, or not usable.
    """
    name = settings.embedding_model
    folder = models.ensure(name) if name in MODELS else resolve_folder(name, fetch=fetch)
    return load_embedder(
        name,
        folder,
        query_prompt=settings.query_prompt,
        passage_prompt=settings.passage_prompt,
        threads=settings.threads,
        backend=settings.embedding_backend,
    )


def configured_reranker(settings: Settings) -> CrossEncoderReranker | None:
    """Load the cross-encoder that the settings name, None when they name none; it is never fetched here.

    Raises:
        ModelError: it is not on this machine, or not usable.
    """
    if settings.rerank_model is None:
        return None
    folder = resolve_folder(settings.rerank_model, fetch=False, kind="rerank")
    return CrossEncoderReranker(folder, settings.threads)


def configured_llm(settings: Settings) -> LLM:
    """Return the language model that the settings name; nothing is loaded or sent yet.

    Raises:
        SettingsError: an address, key or model name that cannot be used.
    """
    return _open_llm(
        settings,
        prefixes=(abstract_prompt_prefix(), rewrite_prefix(), query_prefix(), translation_prefix()),
        states=models.cache_dir() / "states",
        prompt_cache=PromptCache(settings.index / PROMPT_CACHE, settings.prompt_cache_mb * 2**20),
    )


def check_llm(settings: Settings) -> None:
    """Check that the language model is here or has an address that can be used; nothing is loaded or sent.

    Raises:
        SettingsError, ModelError: it is not, or has none.
    """
    name = settings.llm_model
    if settings.llm_base_url:
        plain_llm(settings)
    elif not models.is_known(name):
        check_gguf(_gguf(name))
    elif not models.is_here(name):
        raise ModelError(f"The model {name} is not on this machine; run `rag models pull {name}` first.")


def same_llm(one: Settings, other: Settings) -> bool:
    """Return whether both settings open the same language model in the same way."""
    fields = ("llm_base_url", "llm_model", "llm_api_key", "llm_timeout_s", "threads")
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def plain_llm(settings: Settings, name: str | None = None) -> LLM:
    """Return the language model in use, or the embedded model `name`, without caches of prompts.

    Raises:
        SettingsError: as `configured_llm`.
    """
    if name is not None:
        settings = settings.model_copy(update={"llm_model": name, "llm_base_url": None})
    return _open_llm(settings)


def _open_llm(settings: Settings, **caches: Any) -> LLM:
    """Return the language model in use; `caches` are what `open_llm` takes for prompts."""
    key = settings.llm_api_key
    return open_llm(
        base_url=settings.llm_base_url,
        model=settings.llm_model,
        api_key=key.get_secret_value() if key else None,
        gguf=lambda: _gguf(settings.llm_model),
        n_ctx=HOSTED_CONTEXT if settings.llm_base_url else EMBEDDED_CONTEXT,
        n_threads=settings.threads,
        stall_timeout_s=settings.llm_timeout_s,
        **caches,
    )


def prepare_llm(settings: Settings) -> None:
    """Prefill the instructions of a language model that was just fetched.

    Raises:
        LLMError, ModelError: it cannot be loaded.
    """
    with closing(configured_llm(settings)) as llm:
        llm.prepare()


def needed_models(settings: Settings) -> list[str]:
    """Return the default models that these settings use."""
    named = [settings.embedding_model] + ([] if settings.llm_base_url else [settings.llm_model])
    return [name for name in named if models.is_known(name)]


def describe_models(settings: Settings) -> dict[str, Any]:
    """Return the figures of `rag info` that need no index: the models, and what is kept of them on disk."""
    llm = configured_llm(settings)
    return {
        "embedding_device": device_for(settings.embedding_backend),
        "rerank_model": settings.rerank_model,
        "llm": {"name": llm.name, "endpoint": llm.endpoint, "leaves_machine": llm.is_remote},
        "models": models.status(),
        "index_bytes": bytes_in(settings.index),
        "readings": dict(zip(("papers", "bytes"), count_cached(settings.index / PROMPT_CACHE), strict=True)),
    }


def describe_nothing(settings: Settings) -> dict[str, Any]:
    """Return the figures of `rag info` where there is no index yet."""
    return describe_models(settings) | {
        "records": 0,
        "papers": 0,
        "works": 0,
        "chunks": 0,
        "languages": {},
        "embedding_model": settings.embedding_model,
        "alignment": None,
        "inputs": [],
        "paths": _paths(settings, settings.chroma_url),
    }


def leaving_notices(llm: LLM, chroma_url: str | None) -> dict[Language, str]:
    """Return, in each language, the sentences that say which text leaves this machine, nothing when
    none does.
    """
    english, chinese = [], []
    if llm.is_remote:
        english.append(f"Questions and the abstracts found for them are sent to {llm.endpoint}.")
        chinese.append(f"问题和检索到的摘要会发送到 {llm.endpoint}。")
    if chroma_url and not is_loopback(server_address(chroma_url)[0]):
        host, port, _ = server_address(chroma_url)
        english.append(f"The abstracts are stored on, and searched through, the Chroma server {host}:{port}.")
        chinese.append(f"摘要存放在 Chroma 服务器 {host}:{port} 上，并在那里检索。")
    return {"en": " ".join(english), "zh": "".join(chinese)} if english else {}


def describe(settings: Settings, manifest: Manifest) -> dict[str, Any]:
    """Return the figures of `rag info` for an index, without loading any model."""
    return describe_models(settings) | {
        "records": manifest.records,
        "papers": manifest.papers,
        "works": manifest.works,
        "chunks": manifest.chunks,
        "languages": manifest.languages,
        "embedding_model": manifest.embedding_model,
        "alignment": manifest.alignment_origin,
        "generation": manifest.generation,
        "inputs": list(manifest.inputs),
        "paths": _paths(
            settings, manifest.chroma_url or str(settings.index / manifest.generation / "chroma")
        ),
    }


def _paths(settings: Settings, chroma: str | None) -> dict[str, str | None]:
    return {"index": str(settings.index), "chroma": chroma, "models": str(models.cache_dir())}


def _gguf(name: str) -> Path:
    return models.ensure(name) if models.is_known(name) else Path(name).expanduser()
