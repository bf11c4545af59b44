"""Turn errors of a language model into one sentence that names the host and the remedy.

The key never appears: response bodies that may quote it are shortened and redacted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rag.errors import LLMError, LLMResponseError, LLMUnreachableError

_DETAIL_CHARS = 200
_CONTEXT_CODES = {"exceed_context_size_error", "context_length_exceeded"}
_KEY_LIKE = re.compile(r"\b(?:sk|key|Bearer)[-_ ][\w.*-]{6,}")

_WRONG_KEY = "refused the key {}; check RAG_LLM_API_KEY."
_STATUS = {  # 300 serves for all redirects
    300: "redirects elsewhere {}, which is not followed; set RAG_LLM_BASE_URL to the final address.",
    401: _WRONG_KEY,
    403: _WRONG_KEY,
    404: "knows no such address or model {}; check RAG_LLM_BASE_URL (most end in /v1) and RAG_LLM_MODEL.",
    429: "is over its limit {}; wait a little and ask again.",
}


@dataclass(frozen=True, slots=True)
class ErrorMessages:
    """The error messages of one model: each starts with `subject`, `check` is the default remedy."""

    subject: str
    check: str
    key: str | None = None

    def explain(self, error: Exception) -> LLMError:
        """Convert an error of the client libraries into an LLMError."""
        import httpx
        from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

        if isinstance(error, (APITimeoutError, httpx.TimeoutException)):
            return LLMUnreachableError(
                f"{self.subject} does not answer in time; {self.check}, or raise RAG_LLM_TIMEOUT_S."
            )
        if isinstance(error, APIConnectionError):
            return LLMUnreachableError(f"{self.subject} cannot be reached; {self.check}.")
        if isinstance(error, APIStatusError):
            return self._status(error.status_code, error.body)
        if isinstance(error, APIError):
            return LLMResponseError(f"{self.subject} failed{self._detail(error.body)}; {self.check}.")
        if isinstance(error, httpx.HTTPError):
            return self.cut()
        return LLMResponseError(
            f"{self.subject} answered in a form this program does not read; {self.check}."
        )

    def cut(self) -> LLMResponseError:
        """Return the error for an answer that ended early."""
        return LLMResponseError(
            f"{self.subject} broke off before the end of its answer; ask again, and if it fails again "
            f"{self.check}."
        )

    def withheld(self, reason: str) -> LLMResponseError:
        """Return the error for an answer that the endpoint withheld, for example by a content filter."""
        return LLMResponseError(f"{self.subject} withheld its answer ({reason}); ask in other words.")

    def _status(self, status: int, body: object) -> LLMError:
        code = f"(HTTP {status})"
        if _field(body, "type") in _CONTEXT_CODES or _field(body, "code") in _CONTEXT_CODES:
            return LLMError(
                f"{self.subject} cannot take in a text this long{self._detail(body)}; ask a shorter question "
                "or set RAG_TOP_K lower."
            )
        known = _STATUS.get(300 if 300 <= status < 400 else status)
        if known:
            return LLMResponseError(f"{self.subject} {known.format(code)}")
        return LLMResponseError(
            f"{self.subject} answered with an error {code}{self._detail(body)}; {self.check}."
        )

    def _detail(self, body: object) -> str:
        message = _field(body, "message")
        if not isinstance(message, str) or not message.strip():
            return ""
        text = " ".join(message.split())
        if self.key:
            text = text.replace(self.key, "***")
        return f": {_KEY_LIKE.sub('***', text)[:_DETAIL_CHARS].rstrip('. ')}"


def _field(body: object, name: str) -> Any:
    inner = body.get("error", body) if isinstance(body, dict) else body
    return inner.get(name) if isinstance(inner, dict) else None
