"""What one endpoint takes, found out from its refusals: which address, fields and roles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag.llm.base import Message

# Tokens added to a reply's limit for reasoning; higher lets a model reason longer.
REASONING_TOKENS = 4096
_VERSIONED = re.compile(r"/v\d[^/]*$")
_NO_SUCH_ADDRESS = re.compile(r"unexpected endpoint|not allowed|no route|invalid url", re.IGNORECASE)
_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt|instruction)|developer instruction|roles must alternate"
    r"|role.{0,20}system",
    re.IGNORECASE,
)
_NO_STREAM = re.compile(r"stream", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context.{0,12}(?:length|window|size)|max(?:imum|_tokens|_completion_tokens).{0,80}token"
    r"|max_(?:completion_)?tokens.{0,40}(?:large|less|at most|exceed|range|maximum)|too many tokens",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an endpoint takes; each refusal gives the next one to try.

    Attributes:
        base: the address before `/chat/completions`.
        limit: the field that holds the limit of tokens.
        room: tokens added to this limit.
        system: whether there is a system role.
    """

    base: str
    limit: str = "max_tokens"
    room: int = 0
    temperature: bool = True
    system: bool = True
    stream: bool = True

    @property
    def url(self) -> str:
        """The address of chat completions."""
        return f"{self.base}/chat/completions"

    def body(self, messages: Sequence[Message], max_tokens: int, extra: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON of a request; fields that are not needed are left out."""
        body: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in self._turns(messages)],
            self.limit: max_tokens + self.room,
            "stream": self.stream,
        }
        if self.temperature:
            body["temperature"] = 0.0
        return body | extra

    def _turns(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages, with the system message in the first turn if there is no such role."""
        if self.system or len(messages) < 2 or messages[0].role != "system":
            return list(messages)
        system, first, *rest = messages
        return [replace(first, content=f"{system.content}\n\n{first.content}"), *rest]

    def after(self, status: int, told: str) -> Dialect | None:
        """Return what to try after a refusal, given its HTTP status and message; None if nothing helps."""
        if (status in {404, 405} or _NO_SUCH_ADDRESS.search(told)) and not _VERSIONED.search(self.base):
            return replace(self, base=f"{self.base}/v1")
        if status not in {400, 403, 422, 500, 501}:
            return None
        if "max_completion_tokens" in told and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "temperature" in told.lower() and self.temperature:
            return replace(self, temperature=False)
        if _NO_SYSTEM.search(told) and self.system:
            return replace(self, system=False)
        if self.room and _TOO_LONG.search(told):
            return replace(self, room=0)
        if _NO_STREAM.search(told) and self.stream:
            return replace(self, stream=False)
        return None
