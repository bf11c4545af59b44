"""Turn errors of a language model into one sentence that names the host and the remedy.

The key never appears: response bodies that may quote it are shortened and redacted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.errors import LLMError, LLMResponseError, LLMUnreachableError

_DETAIL_CHARS = 200
_CONTEXT_CODES = {"exceed_context_size_error", "context_length_exceeded"}
_CONTEXT_LENGTH = re.compile(r"(?:context|prompt).{0,30}(?:length|window|size|too long)", re.IGNORECASE)
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

    def connection(self, error: Exception, *, answering: bool) -> LLMError:
        """Return the error for a failed connection; `answering` means that the answer had begun."""
        import httpx

        if isinstance(error, httpx.TimeoutException):
            return LLMUnreachableError(
                f"{self.subject} does not answer in time; {self.check}, or raise RAG_LLM_TIMEOUT_S."
            )
        if isinstance(error, httpx.ProxyError):
            return self.proxy("failed")
        return (
            self.cut()
            if answering
            else LLMUnreachableError(f"{self.subject} cannot be reached; {self.check}.")
        )

    def proxy(self, why: str) -> LLMUnreachableError:
        """Return the error for a proxy that leads nowhere."""
        return LLMUnreachableError(
            f"{self.subject} cannot be reached, because the proxy of the environment {why}; set HTTPS_PROXY, "
            "HTTP_PROXY or ALL_PROXY to the address of an HTTP proxy, or name the host in NO_PROXY."
        )

    def unreadable(self) -> LLMResponseError:
        """Return the error for a body that is no chat completion."""
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

    def used_up(self) -> LLMResponseError:
        """Return the error for a reply whose tokens were used up before the answer."""
        return LLMResponseError(
            f"{self.subject} used up its tokens, as models that reason do, before it answered; raise "
            "RAG_MAX_ANSWER_TOKENS, or choose a model that reasons less."
        )

    def only_reasoned(self) -> LLMResponseError:
        """Return the error for a reply that holds reasoning and no answer."""
        return LLMResponseError(
            f"{self.subject} reasoned and gave no answer; ask again, or choose a model that reasons less."
        )

    def reported(self, body: object) -> LLMResponseError:
        """Return the error for one that the endpoint reports in place of an answer."""
        return LLMResponseError(f"{self.subject} failed{self._detail(body)}; {self.check}.")

    def status(self, status: int, body: object) -> LLMError:
        """Return the error for an HTTP status other than 200."""
        code = f"(HTTP {status})"
        if {_field(body, "type"), _field(body, "code")} & _CONTEXT_CODES or (
            status in {400, 413, 422} and _CONTEXT_LENGTH.search(message_of(body))
        ):
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
        text = " ".join(message_of(body).split())
        if self.key:
            text = text.replace(self.key, "***")
        return f": {_KEY_LIKE.sub('***', text)[:_DETAIL_CHARS].rstrip('. ')}" if text else ""


def message_of(body: object) -> str:
    """Return the message in the JSON of an error, empty if there is none; servers put it in many places."""
    if isinstance(body, list):
        return message_of(body[0]) if body else ""
    if isinstance(body, dict):
        inner = (body.get(name) for name in ("error", "message", "detail", "msg", "error_msg"))
        return next((text for text in map(message_of, inner) if text), "")
    return body.strip() if isinstance(body, str) else ""


def _field(body: object, name: str) -> str:
    inner = body.get("error", body) if isinstance(body, dict) else body
    return str(inner.get(name)) if isinstance(inner, dict) else ""
