"""One client for every language model: streamed chat with an OpenAI-compatible endpoint.

LlamaIndex's OpenAILike speaks the protocol. This module adds what it leaves open: only our own key and
headers are sent, loopback never goes through a proxy, a redirect is never followed, an answer that breaks
off is an error, and each failure is one sentence that names the host and what to check.

Where a language model lives and whether text sent there leaves this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rag.errors import SettingsError
from rag.llm.base import FinishReason, Message, TextStream
from rag.llm.error_messages import Failures
from rag.llm.logprobs import TOP_TOKENS, Logprobs

if TYPE_CHECKING:
    import httpx
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike


def is_loopback(host: str) -> bool:
    """Return whether text sent to `host` stays on this machine; an unknown name does not."""
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
    """Return the host of an endpoint's base URL.

    Raises SettingsError unless it is http(s)://host[:port][/path], without a user name, password or query.
    """
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
            "RAG_LLM_BASE_URL must not carry a user name or key; set RAG_LLM_API_KEY instead."
        )
    return host


def check_key(api_key: str | None) -> str | None:
    """Return the key without surrounding space, None when empty.

    Raises SettingsError when no header can carry it.
    """
    key = (api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("RAG_LLM_API_KEY holds characters no key has; copy it again.")
    return key or None


CONNECT_TIMEOUT_S = 10.0
# Silence a hosted endpoint is allowed, before the first token and between two: reasoning models and cold
# starts of hosted ones are commonly silent for half a minute.
STALL_TIMEOUT_S = 90.0
_WITHHELD = {"content_filter", "tool_calls", "function_call"}

# Asks for log probabilities of a reply's tokens.
_TELL = {"logprobs": True, "top_logprobs": TOP_TOKENS}


class EndpointLLM:
    """A chat model behind an OpenAI-compatible endpoint.

    `endpoint` is the host (and port) text is sent to; `leaves_machine` is false for loopback.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        context_window: int = 8192,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        stall_timeout_s: float = STALL_TIMEOUT_S,
        supports_grammar: bool = False,
        slot: int | None = None,
        failures: Failures | None = None,
    ) -> None:
        """Keep the settings; nothing is sent.

        `slot` is that of a llama.cpp server in which replies are made.

        Raises SettingsError for an unusable address, key or model name.
        """
        host = check_base_url(base_url)
        if not model.strip():
            raise SettingsError("RAG_LLM_MODEL must name the model to ask the endpoint for.")
        self.name = model
        self.endpoint: str | None = urlsplit(base_url).netloc
        self.leaves_machine = not is_loopback(host)
        self.context_window = context_window
        self.supports_grammar = supports_grammar
        self._slot = {} if slot is None else {"id_slot": slot}
        self._base_url = base_url.rstrip("/")
        self._key = check_key(api_key)
        self._failures = failures or Failures(
            subject=f"The language model at {self.endpoint}",
            check="check that it is running and RAG_LLM_BASE_URL names it",
            key=self._key,
        )
        self._timeouts = (connect_timeout_s, stall_timeout_s)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Start a reply and return its text deltas; nothing is sent before the first one is asked for.

        `logprobs` is filled with what the tokens of each delta tell, before it is returned. It and `grammar` (GBNF) are
        refused with ValueError where `supports_grammar` is false.
        """
        if (grammar is not None or logprobs is not None) and not self.supports_grammar:
            raise ValueError("grammars and log probabilities are supported by the embedded model only")
        extra: dict[str, Any] = dict(self._slot)
        if grammar is not None:
            extra["grammar"] = grammar
        options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": 0.0}
        if logprobs is not None:
            options |= _TELL
        return TextStream(self._deltas(messages, options | {"extra_body": extra}, logprobs))

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
    ) -> str:
        """Return the whole reply; arguments and errors as in `stream`."""
        return "".join(self.stream(messages, max_tokens=max_tokens, grammar=grammar))

    def warm(self) -> None:
        """Do nothing: an endpoint is sent nothing that was not asked."""

    def prepare(self) -> None:
        """Do nothing, as `warm`."""

    def read(self, messages: Sequence[Message]) -> Literal["full"]:
        """Do nothing, as `warm`: what an endpoint keeps is its own affair."""
        return "full"

    def close(self) -> None:
        """Do nothing: every reply has its own connection."""

    def _deltas(
        self, messages: Sequence[Message], options: dict[str, Any], logprobs: Logprobs | None
    ) -> Generator[str, None, FinishReason]:
        options["timeout"] = self._timeout()
        finish: str | None = None
        # A client a reply: closing it is what surely ends the connection, whoever else holds the stream.
        with self._http_client() as http:
            model = self._model(http)
            with (
                _translated(self._failures),
                closing(model.stream_chat(_turns(messages), **options)) as chunks,
            ):
                for chunk in chunks:
                    finish = _finish_reason(chunk.raw) or finish
                    if logprobs is not None:
                        _tell(chunk.raw, logprobs)
                    if chunk.delta:
                        yield chunk.delta
        if finish is None:
            raise self._failures.cut()
        if finish in _WITHHELD:
            raise self._failures.withheld(finish)
        return "length" if finish == "length" else "stop"

    def _timeout(self) -> httpx.Timeout:
        import httpx

        connect, stall = self._timeouts
        return httpx.Timeout(stall, connect=connect)

    def _http_client(self) -> httpx.Client:
        """Make a client that sends our headers alone, follows no redirect, and skips proxies on loopback."""
        import httpx

        return httpx.Client(
            follow_redirects=False,
            trust_env=self.leaves_machine,
            event_hooks={"request": [self._own_headers]},
        )

    def _own_headers(self, request: httpx.Request) -> None:
        """Replace the request's headers: the openai client adds some from `OPENAI_*` variables it finds."""
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
            "api_key": self._key or "none",  # empty would make it look into OPENAI_API_KEY
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


def _turns(messages: Sequence[Message]) -> list[ChatMessage]:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role=m.role, content=m.content) for m in messages]


@contextmanager
def _translated(failures: Failures) -> Iterator[None]:
    import httpx
    from openai import OpenAIError

    try:
        yield
    except (OpenAIError, httpx.HTTPError, httpx.StreamError) as error:
        raise failures.explain(error) from None  # the original may quote the key
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        # What the libraries let through when the JSON of a stream is broken or has another shape.
        raise failures.explain(error) from error


def _finish_reason(raw: object) -> str | None:
    choices = getattr(raw, "choices", None)
    reason = getattr(choices[0], "finish_reason", None) if choices else None
    return reason if isinstance(reason, str) else None


def _tell(raw: object, logprobs: Logprobs) -> None:
    """Add what a piece of a reply tells of its tokens; some endpoints tell nothing."""
    choices = getattr(raw, "choices", None)
    content = getattr(getattr(choices[0], "logprobs", None), "content", None) if choices else None
    if not content:
        return
    if not logprobs.first:
        logprobs.first.extend((top.token, top.logprob) for top in content[0].top_logprobs)
    logprobs.written.extend((token.token, token.logprob) for token in content)
