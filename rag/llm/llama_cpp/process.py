"""Start, load and end the process of the embedded model."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import weakref
from dataclasses import asdict
from pathlib import Path

from rag.errors import ModelError
from rag.llm.error_messages import ErrorMessages
from rag.llm.llama_cpp import server as llama_server
from rag.llm.llama_cpp.server import SLOT, ServerOptions
from rag.llm.openai_compatible import EndpointLLM

SUBJECT = "The embedded language model"

# A question may wait for another one, and the prefill of a full context takes minutes on 2 cores.
_STALL_TIMEOUT_S = 900.0


class LlamaProcess:
    """The process of `rag.llm.llama_cpp.server`.

    After `load`, `client` talks to it; any other OpenAI client can do so with `base_url` and `key`.
    """

    client: EndpointLLM
    base_url: str
    key: str

    def __init__(self, options: ServerOptions) -> None:
        """Start the process; `load` does the slow work."""
        self.options = options
        self._process = subprocess.Popen(
            [sys.executable, "-P", llama_server.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in a terminal must not reach the model
        )
        self.close = weakref.finalize(self, _end, self._process)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self, after_s: float = 0.0) -> bool:
        """Wait up to `after_s` seconds for the process to end; return whether it still runs."""
        try:
            self._process.wait(after_s)
        except subprocess.TimeoutExpired:
            return True
        return False

    def load(self, gguf: Path, name: str, states: Path | None = None) -> None:
        """Load a model, which takes seconds; raise ModelError if that fails or the process was closed.

        `states` is the folder in which the server may save KV states.
        """
        self.key = secrets.token_urlsafe(32)
        job = {
            "gguf": str(gguf),
            "name": name,
            "api_key": self.key,
            "options": asdict(self.options),
            "states": str(states) if states else "",
        }
        answer = self._exchange(json.dumps(job))
        if "address" not in answer:
            reason = answer.get("error", "the process ended")
            raise ModelError(
                f"The language model {gguf} cannot be loaded ({reason}); it is broken, of an unknown kind or "
                "too large for the memory: run `rag models pull` or name another in RAG_LLM_MODEL."
            )
        self.base_url = f"{answer['address']}/v1"
        self.client = EndpointLLM(
            self.base_url,
            name,
            self.key,
            context_window=self.options.n_ctx,
            stall_timeout_s=_STALL_TIMEOUT_S,
            supports_grammar=True,
            slot=SLOT,
            errors=ErrorMessages(SUBJECT, "start the program anew", self.key),
        )

    def _exchange(self, line: str) -> dict[str, str]:
        """Send a job and wait for the reply; return {} if the process ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(line.encode() + b"\n")
            answer: dict[str, str] = json.loads(stdout.readline() or b"{}")
        except (OSError, ValueError):  # it died, or another thread closed it
            return {}
        return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
