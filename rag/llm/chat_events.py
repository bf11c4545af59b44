"""Read the events of a chat completion in the forms in which servers send them.

The form is that of OpenAI's `chat/completions`, streamed or as one JSON object. Servers differ in where the
text stands, in how a stream ends, and in how an error is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rag.llm.logprobs import Logprobs

DONE = "[DONE]"
"""What `read_events` yields for the end of a stream."""
_LINE_END = re.compile(rb"[\r\n]")
_FIELD = re.compile(r"(?:data|event|id|retry)?:")
_LENGTH = {"length", "max_tokens", "max_output_tokens", "model_length"}
_WITHHELD = {
    "content_filter", "tool_calls", "function_call", "refusal", "safety", "recitation", "blocklist",
    "prohibited_content", "sensitive",
}  # fmt: skip
_BROKEN = {"error", "abort", "aborted", "cancelled", "insufficient_system_resource", "network_error"}
_NO_REASON = {"", "null", "none"}
_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks")


class EventError(Exception):
    """An error that a server reports instead of a part of its answer; `body` is what it sent."""

    def __init__(self, body: object) -> None:
        """Keep the body, which may quote the key."""
        super().__init__("the server reported an error")
        self.body = body


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a reply.

    Attributes:
        text: what is new of the content.
        reasoning: whether the part holds reasoning apart from the content.
        finish: why the reply ended, in the server's word; None while it goes on.
        whole: whether `text` is all content so far and not only the new part.
    """

    text: str = ""
    reasoning: bool = False
    finish: str | None = None
    whole: bool = False

    @property
    def cut(self) -> bool:
        """Whether the reply ended at its limit of tokens."""
        return self.finish in _LENGTH

    @property
    def withheld(self) -> bool:
        """Whether the server kept the reply back."""
        return self.finish in _WITHHELD

    @property
    def broken(self) -> bool:
        """Whether the server gave up the reply."""
        return self.finish in _BROKEN


def read_events(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Yield the JSON values of a stream of server-sent events, or of a body that is one JSON value.

    `DONE` ends a stream. Raises ValueError for any other text.
    """
    pending, body, streamed = "", "", False
    for line in _lines(chunks):
        if not streamed and (body or not (_FIELD.match(line) or not line.strip())):
            body += f"{line}\n"
            continue
        streamed = streamed or bool(line.strip())
        name, _, value = line.partition(":")
        if name == "data":
            pending += value.strip()
            if pending == DONE:
                yield pending
                return
            try:
                event = json.loads(pending)
            except ValueError:
                continue  # an event may take several lines
            pending = ""
            yield event
        elif not line and pending:
            raise ValueError("an event is not JSON")
    if body or pending:
        yield json.loads(body or pending)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines; only CR and LF end one, since JSON may hold other separators as they are."""
    rest = b""
    for chunk in chunks:
        *whole, rest = _LINE_END.split(rest + chunk)
        yield from (line.decode("utf-8", errors="replace").removeprefix("\ufeff") for line in whole)
    if rest:
        yield rest.decode("utf-8", errors="replace").removeprefix("\ufeff")


def read_piece(event: Any, logprobs: Logprobs | None = None) -> Piece | None:
    """Return what an event adds to the reply, None if it has no choice; fill `logprobs`.

    Raises:
        EventError: the server reports an error.
        ValueError: the event is no JSON object of a known form.
    """
    if not isinstance(event, dict):
        raise ValueError("an event is no object")
    if event.get("error") or event.get("object") == "error":
        raise EventError(event)
    choices = event.get("choices")
    if not choices:
        return None
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, dict):
        raise ValueError("a choice is no object")
    if choice.get("error"):
        raise EventError(choice)
    if logprobs is not None:
        _add_logprobs(choice, logprobs)
    return _piece(choice)


def _piece(choice: dict[str, Any]) -> Piece:
    delta, message = choice.get("delta"), choice.get("message")
    said = delta or message or {}
    if not isinstance(said, dict):
        raise ValueError("a delta is no object")
    text, reasoning = _content(said.get("content"))
    finish = str(choice.get("finish_reason") or "").lower()
    if said.get("refusal") and not text:
        finish = "refusal"
    return Piece(
        text or _string(choice.get("text")),
        reasoning or any(said.get(name) for name in _REASONING),
        None if finish in _NO_REASON else finish,
        whole=not delta and bool(message),
    )


def _content(content: Any) -> tuple[str, bool]:
    """Return the text of a content, which may be a list of parts, and whether it holds reasoning."""
    if not isinstance(content, list):
        return _string(content), False
    parts = [part for part in content if isinstance(part, dict)]
    text = "".join(_string(part.get("text")) for part in parts if "text" in str(part.get("type", "text")))
    return text, any(part.get("type") in {"thinking", "reasoning"} for part in parts)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _add_logprobs(choice: dict[str, Any], logprobs: Logprobs) -> None:
    content = (choice.get("logprobs") or {}).get("content")
    if not content:
        return
    if not logprobs.first:
        logprobs.first.extend((top["token"], top["logprob"]) for top in content[0]["top_logprobs"])
    logprobs.written.extend((token["token"], token["logprob"]) for token in content)
