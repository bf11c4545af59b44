"""The language model that answers: embedded llama.cpp, or any OpenAI-compatible endpoint, behind one face.

`open_llm` returns at once; the embedded model is loaded by `warm` (in a background thread, if wanted) or by
the first question. `rag.llm.openai_compatible` speaks the protocol, `rag.llm.llama_cpp.server` is the process of the embedded one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from rag.errors import LLMError, LLMResponseError, LLMUnreachableError, ModelError
from rag.llm.base import LLM, FinishReason, Message, Read, TextStream
from rag.llm.llama_cpp.kv_cache import Readings
from rag.llm.llama_cpp.prefix_cache import PrefixKeeper
from rag.llm.llama_cpp.process import SUBJECT, LlamaProcess
from rag.llm.llama_cpp.server import DEFAULT_CONTEXT, ServerOptions
from rag.llm.logprobs import Logprobs
from rag.llm.openai_compatible import CONNECT_TIMEOUT_S, STALL_TIMEOUT_S, EndpointLLM

# A dying process closes its connections a little before it can be waited for.
_DYING_S = 0.5


def open_llm(
    *,
    base_url: str | None = None,
    model: str,
    api_key: str | None = None,
    gguf: Path | Callable[[], Path] | None = None,
    n_ctx: int = DEFAULT_CONTEXT,
    n_threads: int | None = None,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    stall_timeout_s: float = STALL_TIMEOUT_S,
    prefixes: Sequence[Sequence[Message]] = (),
    states: Path | None = None,
    readings: Readings | None = None,
) -> LLM:
    """Return the endpoint's model when `base_url` is given, else the embedded model in `gguf`.

    `gguf` may be a function, called when the model is first needed (it may fetch and check a file).
    `n_ctx` is in tokens, `stall_timeout_s` the longest silence of an endpoint. `prefixes` are what many chats begin
    with, most of them with the first: the embedded model reads each once and keeps its state in the folder `states`. What
    it has read of what messages share is kept in `readings`.

    Raises:
        SettingsError: an address, key or model name that cannot be used.
        ModelError: neither `base_url` nor `gguf` is given.
    """
    if base_url is not None:
        return EndpointLLM(
            base_url,
            model,
            api_key,
            context_window=n_ctx,
            connect_timeout_s=connect_timeout_s,
            stall_timeout_s=stall_timeout_s,
        )
    if gguf is None:
        raise ModelError("No language model is set; run `rag models pull`, or set RAG_LLM_BASE_URL.")
    options = ServerOptions(n_ctx=n_ctx, n_threads=n_threads)
    return EmbeddedLLM(gguf, model, options, prefixes, states, readings)


class _Turn:
    """A lock that can tell whether it is wanted by another thread."""

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

    def wanted(self) -> bool:
        """Return whether a thread waits for it, asked by the one that has it."""
        return self._count > 1


class EmbeddedLLM:
    """A GGUF model in a llama.cpp process of our own, which ends with us, however we end."""

    def __init__(
        self,
        gguf: Path | Callable[[], Path],
        name: str,
        options: ServerOptions | None = None,
        prefixes: Sequence[Sequence[Message]] = (),
        states: Path | None = None,
        readings: Readings | None = None,
    ) -> None:
        """Keep the settings; the process starts when it is first needed. `states` None: nothing is kept."""
        self.name = name
        self.endpoint: str | None = None
        self.leaves_machine = False
        self.supports_grammar = True
        self._options = options or ServerOptions()
        self.context_window = self._options.n_ctx
        self._gguf = gguf
        self._prefixes = prefixes
        self._states = states
        self._readings = readings
        self._lock = threading.Lock()
        # From the moment the model's state is prepared for a chat to the chat's first token: no other chat may come in
        # between, for it would be in the state that is kept.
        self._turn = _Turn()
        self._server: LlamaProcess | None = None
        self._keeper: PrefixKeeper | None = None
        self._closed = False

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Start a reply and return its text deltas; the model is loaded first where it is not yet.

        `grammar` is GBNF; `logprobs` is filled with what the tokens of each delta tell. Raises, while it is read:
        LLMError when the prompt does not fit the context or the model stops, ModelError when its file is missing or no
        model.
        """
        options = {"max_tokens": max_tokens, "grammar": grammar, "logprobs": logprobs}
        return TextStream(self._deltas(messages, options))

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
    ) -> str:
        """Return the whole reply; arguments and errors as in `stream`."""
        return "".join(self.stream(messages, max_tokens=max_tokens, grammar=grammar))

    def address(self) -> tuple[str, str]:
        """Return the base URL and the key with which any OpenAI client can talk to the model; it is loaded first."""
        server = self._running()
        return server.base_url, server.key

    def warm(self) -> None:
        """Load the model, and have it read what most chats begin with, unless its state after that is kept."""
        self._hold(self._prefixes[0] if self._prefixes else ())

    def prepare(self) -> None:
        """Load the model, and have it read everything that many chats begin with, so that its state after each is kept."""
        for prefix in self._prefixes[1:]:
            self._hold(prefix)
        self.warm()

    def read(self, messages: Sequence[Message]) -> Read:
        """Read what `messages` share with other chats and keep it, unless it is kept; the model is loaded first if need be.

        A reply that is asked for meanwhile waits for a part of it only: 300 characters, or the beginning of all such chats.
        """
        with self._turn:
            server = self._running()
            with self._told_if_dead(server):
                return self._keeper.read(messages, self._turn.wanted) if self._keeper else "full"

    def close(self) -> None:
        """End the process, also one that is still loading; the model cannot be used again."""
        self._closed = True
        if self._server is not None:
            self._server.close()

    def _hold(self, prefix: Sequence[Message]) -> None:
        with self._turn, self._prepared(prefix):
            pass

    def _deltas(
        self, messages: Sequence[Message], options: dict[str, Any]
    ) -> Generator[str, None, FinishReason]:
        with self._turn, self._prepared(messages) as server:
            reply = server.client.stream(messages, **options)
            first = next(reply, None)
        with self._told_if_dead(server), closing(reply):
            if first is not None:
                yield first
            yield from reply
        return reply.finish_reason or "stop"

    @contextmanager
    def _prepared(self, messages: Sequence[Message]) -> Iterator[LlamaProcess]:
        """Give the process, which has taken in what `messages` begin with."""
        server = self._running()
        with self._told_if_dead(server):
            if self._keeper is not None:
                self._keeper.take_in(messages)
            yield server

    @contextmanager
    def _told_if_dead(self, server: LlamaProcess) -> Iterator[None]:
        try:
            yield
        except (LLMUnreachableError, LLMResponseError):
            if server.alive(after_s=_DYING_S):
                raise
            raise self._ended() from None

    def _ended(self) -> LLMError:
        if self._closed:
            return LLMError(f"{SUBJECT} was closed; open it again.")
        return LLMError(f"{SUBJECT} stopped, perhaps for want of memory; close other programs and ask again.")

    def _running(self) -> LlamaProcess:
        """Return the process, started and loaded; only one thread loads, the others wait."""
        with self._lock:
            if self._closed:
                raise self._ended()
            if self._server is None or not self._server.alive():
                gguf = self._gguf() if callable(self._gguf) else self._gguf
                _check_gguf(gguf)
                self._server = LlamaProcess(self._options)
                if self._closed:  # by another thread, before it could see the process
                    self._server.close()
                self._load(self._server, gguf)
            return self._server

    def _load(self, server: LlamaProcess, gguf: Path) -> None:
        loaded = False
        try:
            states = self._states if self._states and _writable(self._states) else None
            server.load(gguf, self.name, states)
            self._keeper = (
                PrefixKeeper(server, gguf, states, self._prefixes, self._readings) if states else None
            )
            loaded = True
        except ModelError:
            if self._closed:
                raise self._ended() from None
            raise
        finally:
            if not loaded:  # Ctrl-C included: a half-loaded process must not be taken for a ready one
                server.close()


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _check_gguf(path: Path) -> None:
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
