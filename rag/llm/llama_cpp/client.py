"""Open the language model: embedded llama.cpp, or any OpenAI-compatible endpoint.

`open_llm` returns at once. The embedded model is loaded by `warm` or by the first question.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from rag.errors import LLMError, LLMResponseError, LLMUnreachableError, ModelError
from rag.llm.base import LLM, FinishReason, Message, PrefillOutcome, TextStream
from rag.llm.llama_cpp.kv_cache import PromptCache
from rag.llm.llama_cpp.prefix_cache import PrefixCache
from rag.llm.llama_cpp.process import SUBJECT, LlamaProcess
from rag.llm.llama_cpp.server import DEFAULT_CONTEXT, ServerOptions
from rag.llm.llama_cpp.stopping import ProcessUse, StoppableReply
from rag.llm.logprobs import Logprobs
from rag.llm.openai_compatible import STALL_TIMEOUT_S, EndpointLLM

_EXIT_S = 0.5  # a dying process closes its connections a little before it exits


def open_llm(
    *,
    base_url: str | None = None,
    model: str,
    api_key: str | None = None,
    gguf: Path | Callable[[], Path] | None = None,
    n_ctx: int = DEFAULT_CONTEXT,
    n_threads: int | None = None,
    stall_timeout_s: float = STALL_TIMEOUT_S,
    prefixes: Sequence[Sequence[Message]] = (),
    states: Path | None = None,
    prompt_cache: PromptCache | None = None,
) -> LLM:
    """Return the endpoint's model if `base_url` is given, else the embedded model in `gguf`.

    Args:
        gguf: a file, or a function that returns it; it is called when the model is first needed.
        n_ctx: context window in tokens.
        stall_timeout_s: longest silence of an endpoint.
        prefixes: messages that many chats start with, the most common one first.
        states: folder for the KV states after `prefixes`.
        prompt_cache: KV states of the shared parts of messages.

    Raises:
        SettingsError: an address, key or model name that cannot be used.
        ModelError: neither `base_url` nor `gguf` is given.
    """
    if base_url is not None:
        return EndpointLLM(base_url, model, api_key, context_window=n_ctx, stall_timeout_s=stall_timeout_s)
    if gguf is None:
        raise ModelError("No language model is set; run `rag models pull`, or set RAG_LLM_BASE_URL.")
    options = ServerOptions(n_ctx=n_ctx, n_threads=n_threads)
    return EmbeddedLLM(gguf, model, options, prefixes, states, prompt_cache)


class _ContendedLock:
    """A lock that knows whether another thread waits for it."""

    def __init__(self) -> None:
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._count = 0

    def __enter__(self) -> None:
        with self._counting:
            self._count += 1
        try:
            self._lock.acquire()
        except BaseException:  # Ctrl-C while it waits
            with self._counting:
                self._count -= 1
            raise

    def __exit__(self, *error: object) -> None:
        self._lock.release()
        with self._counting:
            self._count -= 1

    def contended(self) -> bool:
        """Return whether another thread waits; only the thread that holds the lock may ask."""
        return self._count > 1


class EmbeddedLLM(LLM):
    """A GGUF model in a llama.cpp process, which ends when this process ends."""

    def __init__(
        self,
        gguf: Path | Callable[[], Path],
        name: str,
        options: ServerOptions | None = None,
        prefixes: Sequence[Sequence[Message]] = (),
        states: Path | None = None,
        prompt_cache: PromptCache | None = None,
    ) -> None:
        """Store the settings (see `open_llm`); without `states` nothing is cached on disk."""
        self.name = name
        self.endpoint: str | None = None
        self.is_remote = False
        self.supports_grammar = True
        self._options = options or ServerOptions()
        self.context_window = self._options.n_ctx
        self._gguf = gguf
        self._prefixes = prefixes
        self._states = states
        self._prompt_cache = prompt_cache
        self._loading = threading.Lock()
        # Held from loading a prefix to the first token; a chat in between would end up in the saved state.
        self._slot_lock = _ContendedLock()
        self._use = ProcessUse()
        self._server: LlamaProcess | None = None
        self._prefix_cache: PrefixCache | None = None
        self._closed = False

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the text deltas of one reply; the first one loads the model if necessary."""
        options = {"max_tokens": max_tokens, "grammar": grammar, "logprobs": logprobs}
        reply = StoppableReply()
        return TextStream(self._deltas(messages, options, reply), reply.stop)

    def address(self) -> tuple[str, str]:
        """Load the model and return the base URL and key for any OpenAI client.

        They change when a reply is stopped before its first token.
        """
        server = self._running()
        return server.base_url, server.key

    def warm(self) -> None:
        """Load the model and the KV state of the most common prefix."""
        self._load_prefix(self._prefixes[0] if self._prefixes else ())

    def prepare(self) -> None:
        """Load the model and save the KV state of every prefix."""
        for prefix in self._prefixes[1:]:
            self._load_prefix(prefix)
        self.warm()

    def prefill(self, messages: Sequence[Message]) -> PrefillOutcome:
        """Cache the KV state of the shared part of `messages`; load the model if necessary.

        A reply that is asked for meanwhile waits for one step only: 160 bytes of text, or one whole prefix.
        """
        with self._slot_lock:
            server = self._running()
            with self._reporting_exit(server):
                if self._prefix_cache is None:
                    return "full"
                return self._prefix_cache.prefill(messages, self._slot_lock.contended)

    def close(self) -> None:
        """End the process, even while it loads; the model cannot be used again."""
        self._closed = True
        if self._server is not None:
            self._server.close()

    def _load_prefix(self, prefix: Sequence[Message]) -> None:
        with self._slot_lock:
            self._prepare_slot(self._running(), prefix)

    def _deltas(
        self, messages: Sequence[Message], options: dict[str, Any], reply: StoppableReply
    ) -> Generator[str, None, FinishReason]:
        with ExitStack() as stack:
            with self._slot_lock:
                with reply.phase(lambda: None):  # a stopped reply starts no process
                    server = self._running()
                stack.enter_context(self._use.counted())
                with self._use.prefilling(reply, server):
                    self._prepare_slot(server, messages)
                    deltas = server.client.stream(messages, **options)
                    stack.enter_context(closing(deltas))
                    with self._reporting_exit(server):
                        first = next(deltas, None)
            with reply.phase(deltas.close), self._reporting_exit(server):
                if first is not None:
                    yield first
                yield from deltas
        return deltas.finish_reason or "stop"

    def _prepare_slot(self, server: LlamaProcess, messages: Sequence[Message]) -> None:
        """Bring the slot to the cached prefix of `messages`."""
        with self._reporting_exit(server):
            if self._prefix_cache is not None:
                self._prefix_cache.load_prefix(messages)

    @contextmanager
    def _reporting_exit(self, server: LlamaProcess) -> Iterator[None]:
        """Replace an error of the connection if its cause is that the process ended."""
        try:
            yield
        except (LLMUnreachableError, LLMResponseError):
            if server.alive(after_s=_EXIT_S):
                raise
            raise self._ended() from None

    def _ended(self) -> LLMError:
        if self._closed:
            return LLMError(f"{SUBJECT} was closed; open it again.")
        return LLMError(f"{SUBJECT} stopped, perhaps for lack of memory; close other programs and ask again.")

    def _running(self) -> LlamaProcess:
        """Return the loaded process; only one thread loads it, the others wait."""
        with self._loading:
            if self._closed:
                raise self._ended()
            if self._server is None or not self._server.alive():
                gguf = self._gguf() if callable(self._gguf) else self._gguf
                check_gguf(gguf)
                self._server = LlamaProcess(self._options)
                if self._closed:  # by another thread, before it could see the process
                    self._server.close()
                self._load(self._server, gguf)
            return self._server

    def _load(self, server: LlamaProcess, gguf: Path) -> None:
        try:
            states = self._states if self._states and _is_writable(self._states) else None
            server.load(gguf, self.name, states)
            self._prefix_cache = (
                PrefixCache(server, gguf, states, self._prefixes, self._prompt_cache) if states else None
            )
        except BaseException as error:  # Ctrl-C included: nobody may use a half-loaded process
            server.close()
            if self._closed and isinstance(error, ModelError):
                raise self._ended() from None
            raise


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def check_gguf(path: Path) -> None:
    """Raise ModelError unless `path` is a GGUF file that can be read."""
    try:
        with path.open("rb") as file:
            if file.read(4) == b"GGUF":
                return
    except OSError as error:
        raise ModelError(
            f"The language model {path} cannot be read ({error.strerror}); correct RAG_LLM_MODEL "
            "or run `rag models pull`."
        ) from error
    raise ModelError(f"{path} is not a GGUF file; correct RAG_LLM_MODEL or run `rag models pull`.")
