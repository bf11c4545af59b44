"""Stream chats with an OpenAI-compatible endpoint.

Only our own key and headers are sent, no proxy is used for loopback and no redirect is followed. What the
endpoint refuses (`dialect`) is left out and remembered. An incomplete answer is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rag.errors import LLMError, SettingsError
from rag.llm.address import base_of, check_base_url, check_key
from rag.llm.base import LLM, FinishReason, Message, TextStream
from rag.llm.chat_events import DONE, EventError, Piece, read_events, read_piece
from rag.llm.chat_reply import Reply
from rag.llm.connection import Connection
from rag.llm.dialect import REASONING_TOKENS, Dialect
from rag.llm.error_messages import ErrorMessages, message_of
from rag.llm.logprobs import TOP_TOKENS, Logprobs
from rag.llm.reasoning import Hold
from rag.network import is_loopback, proxy_for

if TYPE_CHECKING:
    import httpx

_OK = 200
_CONNECT_TIMEOUT_S = 10.0
# Longest silence before or between two tokens; reasoning models and cold starts take half a minute.
STALL_TIMEOUT_S = 90.0
_WITH_LOGPROBS = {"logprobs": True, "top_logprobs": TOP_TOKENS}


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
        self._dialect = Dialect(base_of(base_url))
        self._hold: Hold = "nothing" if supports_grammar else "until cited"
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
        """Return the text deltas of one reply, without reasoning; nothing is sent until the first is read.

        The first sentence of a reply is held until it is seen to be no reasoning (`rag.llm.reasoning`).
        Raises ValueError for `grammar` or `logprobs` if `supports_grammar` is false.
        """
        if (grammar is not None or logprobs is not None) and not self.supports_grammar:
            raise ValueError("grammars and log probabilities are supported by the embedded model only")
        extra = {"model": self.name} | self._slot | ({} if grammar is None else {"grammar": grammar})
        if logprobs is not None:
            extra |= _WITH_LOGPROBS
        connection = Connection()
        return TextStream(self._deltas(messages, max_tokens, extra, logprobs, connection), connection.end)

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
        max_tokens: int,
        extra: dict[str, Any],
        logprobs: Logprobs | None,
        connection: Connection,
    ) -> Generator[str, None, FinishReason]:
        """Yield the answer; a reply that used up its tokens before it is asked for once more, with room."""
        for _ in range(2):
            reply = Reply(self._hold)
            pieces = self._pieces(lambda own: own.body(messages, max_tokens, extra), logprobs, connection)
            with closing(pieces):
                for piece in pieces:
                    if said := reply.add(piece):
                        yield said
            if rest := reply.end():
                yield rest
            if self.supports_grammar:
                return reply.reason
            self._learn(reply)
            if reply.answered or not (reply.cut or reply.reasoning.seen):
                return reply.reason
            if not reply.cut:
                raise self._errors.only_reasoned()
        raise self._errors.used_up()

    def _learn(self, reply: Reply) -> None:
        """Remember of a whole reply whether later ones need room for reasoning, and what of them to hold."""
        if reply.reasoning.seen or not reply.answered:
            self._dialect = replace(self._dialect, room=REASONING_TOKENS)
        if reply.reasoning.closed_only:
            self._hold = "all"
        elif not reply.cut and self._hold != "all":
            self._hold = "nothing"

    def _pieces(
        self, body: Callable[[Dialect], dict[str, Any]], logprobs: Logprobs | None, connection: Connection
    ) -> Generator[Piece, None, None]:
        """Yield the parts of one reply; what the endpoint refuses is left out, and remembered."""
        dialect = self._dialect
        # One HTTP client per reply, because closing the client is sure to end the connection.
        with self._client(connection) as http:
            while True:
                try:
                    for piece in self._attempt(http, dialect.url, body(dialect), logprobs):
                        self._dialect = dialect
                        yield piece
                    return
                except _RefusedError as refusal:
                    following = dialect.after(refusal.status, message_of(refusal.body))
                    if following is None:
                        raise self._refused(refusal) from None
                    dialect = following

    def _refused(self, refusal: _RefusedError) -> LLMError:
        if refusal.status == _OK:
            return self._errors.reported(refusal.body)
        return self._errors.status(refusal.status, refusal.body)

    def _attempt(
        self, http: httpx.Client, url: str, body: dict[str, Any], logprobs: Logprobs | None
    ) -> Iterator[Piece]:
        """Yield the parts of the reply to one request; raise _RefusedError if it is refused."""
        import httpx

        response = self._sent(http, url, body)
        seen, piece, finished = False, None, False
        try:
            for event in read_events(response.iter_bytes()):
                if event == DONE:
                    finished = finished or piece is not None
                    continue
                seen, found = True, read_piece(event, logprobs)
                if found is None:
                    continue
                piece = found
                self._check(piece)
                yield piece
                finished = finished or piece.finish is not None
                if piece.finish and not piece.text:
                    return  # some servers keep the connection open
        except (httpx.HTTPError, httpx.StreamError) as error:
            if not finished:
                raise self._errors.connection(error, answering=True) from None
        except EventError as error:
            if piece is None:
                raise _RefusedError(_code_of(error.body), error.body) from None
            raise self._errors.reported(error.body) from None
        except (ValueError, TypeError, AttributeError, KeyError, IndexError):
            raise self._errors.unreadable() from None  # its text may quote the key
        if seen and piece is None:
            raise self._errors.unreadable()
        if not finished:
            raise self._errors.cut()

    def _check(self, piece: Piece) -> None:
        if piece.broken:
            raise self._errors.cut()
        if piece.withheld:
            raise self._errors.withheld(piece.finish or "")

    def _client(self, connection: Connection) -> httpx.Client:
        """Return a client that reads certificates from the environment, and proxies by `rag.network`."""
        import httpx

        proxy = proxy_for(self._dialect.base)
        try:
            transport = httpx.HTTPTransport(proxy=proxy, trust_env=self.is_remote)
        except (ImportError, ValueError, httpx.InvalidURL):
            if proxy is None:
                raise
            raise self._errors.proxy("is of a kind that cannot be used here") from None
        hooks = {"request": [connection.follow]}
        return httpx.Client(transport=transport, trust_env=False, follow_redirects=False, event_hooks=hooks)

    def _sent(self, http: httpx.Client, url: str, body: dict[str, Any]) -> httpx.Response:
        """Send a request and return the response, unread; raise _RefusedError if its status is no success."""
        import httpx

        timeout = httpx.Timeout(self._stall_timeout_s, connect=_CONNECT_TIMEOUT_S)
        try:
            request = httpx.Request(
                "POST", url, headers=self._headers(), json=body, extensions={"timeout": timeout.as_dict()}
            )
            response = http.send(request, stream=True)
            if response.status_code == _OK:
                return response
            response.read()
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._errors.connection(error, answering=False) from None
        raise _RefusedError(response.status_code, _error_body(response))

    def _headers(self) -> dict[str, str]:
        own = {
            "User-Agent": "citefold",
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
        }
        return own | ({"Authorization": f"Bearer {self._key}"} if self._key else {})


class _RefusedError(Exception):
    """A request that the endpoint refused, with its HTTP status and what it sent."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def _error_body(response: httpx.Response) -> object:
    """Return the JSON of an error, its text if it is plain, or None."""
    try:
        body: object = response.json()
    except ValueError:
        plain = response.headers.get("content-type", "").startswith("text/plain")
        return response.text if plain else None
    return body


def _code_of(body: object) -> int:
    """Return the HTTP status that an error within a stream names, or that of the stream."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else _OK
