"""Stream chats with an OpenAI-compatible endpoint.

LlamaIndex's OpenAILike speaks the protocol. This module adds privacy and errors: it sends only our own key
and headers, uses no proxy for loopback and follows no redirect. An incomplete answer is an error.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rag.errors import SettingsError
from rag.llm.base import LLM, FinishReason, Message, TextStream
from rag.llm.connection import Connection
from rag.llm.error_messages import ErrorMessages
from rag.llm.logprobs import TOP_TOKENS, Logprobs

if TYPE_CHECKING:
    import httpx
    from llama_index.llms.openai_like import OpenAILike

_CONNECT_TIMEOUT_S = 10.0
# Longest silence before or between two tokens; reasoning models and cold starts take half a minute.
STALL_TIMEOUT_S = 90.0
_WITHHELD = {"content_filter", "tool_calls", "function_call"}
_WITH_LOGPROBS = {"logprobs": True, "top_logprobs": TOP_TOKENS}


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine; an unknown name counts as remote."""
    if host.lower().rstrip(".") in {"localhost", "localhost.localdomain"}:
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def check_base_url(base_url: str) -> str:
    """Return the host of a base URL; raise SettingsError unless it is http(s)://host[:port][/path]."""
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise SettingsError(
            "RAG_LLM_BASE_URL must be the address of an OpenAI-compatible endpoint, such as "
            "https://host.example/v1 or http://127.0.0.1:8080/v1."
        )
    if "@" in parts.netloc:
        raise SettingsError(
            "RAG_LLM_BASE_URL must not contain a user name or key; set RAG_LLM_API_KEY instead."
        )
    return host


def check_key(api_key: str | None) -> str | None:
    """Return the key without surrounding space, None if empty; raise SettingsError if not ASCII."""
    key = (api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("RAG_LLM_API_KEY holds characters no key has; copy it again.")
    return key or None


class EndpointLLM(LLM):
    """A chat model behind an OpenAI-compatible endpoint."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        context_window: int = 8192,
        stall_timeout_s: float = STALL_TIMEOUT_S,
        supports_grammar: bool = False,
        slot: int | None = None,
        errors: ErrorMessages | None = None,
    ) -> None:
        """Check and store the settings; send nothing.

        Args:
            slot: the slot of a llama.cpp server to use.

        Raises:
            SettingsError: the address, key or model name cannot be used.
        """
        host = check_base_url(base_url)
        if not model.strip():
            raise SettingsError("RAG_LLM_MODEL must name the model to ask the endpoint for.")
        self.name = model
        self.endpoint: str | None = urlsplit(base_url).netloc
        self.is_remote = not is_loopback(host)
        self.context_window = context_window
        self.supports_grammar = supports_grammar
        self._slot: dict[str, object] = {} if slot is None else {"id_slot": slot}
        self._base_url = base_url.rstrip("/")
        self._key = check_key(api_key)
        self._errors = errors or ErrorMessages(
            subject=f"The language model at {self.endpoint}",
            check="check that it is running and RAG_LLM_BASE_URL names it",
            key=self._key,
        )
        self._stall_timeout_s = stall_timeout_s

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the text deltas of one reply; nothing is sent until the first is read.

        Raises ValueError for `grammar` or `logprobs` if `supports_grammar` is false.
        """
        if (grammar is not None or logprobs is not None) and not self.supports_grammar:
            raise ValueError("grammars and log probabilities are supported by the embedded model only")
        extra = self._slot | ({} if grammar is None else {"grammar": grammar})
        options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": 0.0, "extra_body": extra}
        if logprobs is not None:
            options |= _WITH_LOGPROBS
        connection = Connection()
        return TextStream(self._deltas(messages, options, logprobs, connection), connection.end)

    def warm(self) -> None:
        """Do nothing: an endpoint receives only what the user asks."""

    def prepare(self) -> None:
        """Do nothing, as `warm`."""

    def prefill(self, messages: Sequence[Message]) -> Literal["full"]:
        """Do nothing, as `warm`."""
        return "full"

    def close(self) -> None:
        """Do nothing: every reply has its own connection."""

    def _deltas(
        self,
        messages: Sequence[Message],
        options: dict[str, Any],
        logprobs: Logprobs | None,
        connection: Connection,
    ) -> Generator[str, None, FinishReason]:
        import httpx
        from llama_index.core.llms import ChatMessage

        options["timeout"] = httpx.Timeout(self._stall_timeout_s, connect=_CONNECT_TIMEOUT_S)
        chat = [ChatMessage(role=message.role, content=message.content) for message in messages]
        finish: str | None = None
        hooks = {"request": [self._replace_headers, connection.follow]}
        # One HTTP client per reply, because closing the client is sure to end the connection.
        with httpx.Client(follow_redirects=False, trust_env=self.is_remote, event_hooks=hooks) as http:
            model = self._model(http)
            with _converted(self._errors), closing(model.stream_chat(chat, **options)) as chunks:
                for chunk in chunks:
                    choices = getattr(chunk.raw, "choices", None)
                    choice = choices[0] if choices else None
                    reason = getattr(choice, "finish_reason", None)
                    if isinstance(reason, str) and reason:
                        finish = reason
                    if logprobs is not None:
                        _add_logprobs(choice, logprobs)
                    if chunk.delta:
                        yield chunk.delta
        if finish is None:
            raise self._errors.cut()
        if finish in _WITHHELD:
            raise self._errors.withheld(finish)
        return "length" if finish == "length" else "stop"

    def _replace_headers(self, request: httpx.Request) -> None:
        """Replace all headers, because the openai client adds some from `OPENAI_*` variables."""
        own = {
            "Host": request.url.netloc.decode("ascii"),
            "User-Agent": "citefold",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Content-Length": str(len(request.content)),
        }
        if self._key:
            own["Authorization"] = f"Bearer {self._key}"
        request.headers.clear()
        request.headers.update(own)

    def _model(self, http: httpx.Client) -> OpenAILike:
        from llama_index.llms.openai_like import OpenAILike

        settings: dict[str, Any] = {
            "model": self.name,
            "api_base": self._base_url,
            "api_key": self._key or "none",  # an empty one would be replaced by OPENAI_API_KEY
            "context_window": self.context_window,
            "is_chat_model": True,
            "is_function_calling_model": False,
            "max_retries": 0,
            "http_client": http,
        }
        try:
            return OpenAILike(**settings)
        except ValueError as error:
            raise SettingsError(
                f"RAG_LLM_MODEL={self.name} cannot be used for chat; name another."
            ) from error


@contextmanager
def _converted(errors: ErrorMessages) -> Iterator[None]:
    import httpx
    from openai import OpenAIError

    try:
        yield
    except (OpenAIError, httpx.HTTPError, httpx.StreamError) as error:
        raise errors.explain(error) from None  # the original may quote the key
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # The libraries raise these if the JSON of a stream is broken or has another shape.
        raise errors.explain(error) from error


def _add_logprobs(choice: object, logprobs: Logprobs) -> None:
    content = getattr(getattr(choice, "logprobs", None), "content", None)
    if not content:
        return
    if not logprobs.first:
        logprobs.first.extend((top.token, top.logprob) for top in content[0].top_logprobs)
    logprobs.written.extend((token.token, token.logprob) for token in content)
