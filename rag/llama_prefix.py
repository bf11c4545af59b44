"""What the embedded model has read once is not read again: its state after the beginnings that many chats share.

Instructions and examples are most of a prompt, and the same every time. The model's state after them (29 kB a token)
is kept in a file, written once and read back in milliseconds, by any later process: 615 tokens take 7.5 s to read
anew on 2 cores, 6 ms from the file (`benchmarks/llm.py`). Only those beginnings are ever written, never a question or an
abstract.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from rag.endpoint import Message
from rag.llama_process import LlamaProcess
from rag.llama_server import ANSWER_SLOT

# Files kept: two models, three beginnings each, before and after a change of each.
_MOST_FILES = 12
_TIMEOUT_S = 60.0

Prefix = tuple[Message, ...]


class PrefixKeeper:
    """Brings the slot for answers to the state after the longest known beginning of a chat.

    Not for several threads at once: what is between `take_in` and the chat's first token is the caller's turn.
    """

    def __init__(
        self, process: LlamaProcess, gguf: Path, folder: Path, prefixes: Sequence[Sequence[Message]]
    ) -> None:
        """Keep states in `folder`, which the process was given when it loaded."""
        self._process = process
        self._folder = folder
        self._prefixes = sorted((tuple(prefix) for prefix in prefixes), key=len, reverse=True)
        self._model = _identity(process, gguf)
        self._held: Prefix = ()

    def take_in(self, messages: Sequence[Message]) -> None:
        """Have the model hold the longest known prefix of `messages`, from its file or by reading it, which is then kept.

        What the slot already shares with the chat is left alone where that is as much.
        """
        wanted = next((p for p in self._prefixes if tuple(messages[: len(p)]) == p), ())
        if wanted and _common(wanted, self._held) < len(wanted) and not self._recall(wanted):
            self._process.client.complete(wanted, max_tokens=1)
            self._keep(wanted)
        self._held = tuple(messages)

    def _recall(self, prefix: Prefix) -> bool:
        file = self._file(prefix)
        if not file.exists() or not self._slot("restore", file.name):
            return False
        file.touch()
        return True

    def _keep(self, prefix: Prefix) -> None:
        """Write the state; without room on the disk it is read anew next time."""
        file = self._file(prefix)
        part = f"{file.name}.{os.getpid()}.part"
        try:
            if self._slot("save", part):
                (self._folder / part).replace(file)
            self._prune()
        except OSError:
            (self._folder / part).unlink(missing_ok=True)

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.state*"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_MOST_FILES:]:
            file.unlink(missing_ok=True)

    def _file(self, prefix: Prefix) -> Path:
        text = json.dumps([self._model, [asdict(message) for message in prefix]], sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.state"

    def _slot(self, action: str, name: str) -> bool:
        """Have the server save or restore its slot; False where it cannot."""
        address = urlsplit(self._process.base_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._process.key}", "Content-Type": "application/json"}
        try:
            connection.request(
                "POST", f"/slots/{ANSWER_SLOT}?action={action}", json.dumps({"filename": name}), headers
            )
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _common(first: Sequence[Message], second: Sequence[Message]) -> int:
    """Return how many messages two chats begin with alike."""
    count = 0
    for mine, other in zip(first, second, strict=False):
        if mine != other:
            break
        count += 1
    return count


def _identity(process: LlamaProcess, gguf: Path) -> list[object]:
    """Return what the state depends on beside the text: the weights, how they are run, and by which release."""
    stat = gguf.stat()
    return [
        str(gguf.resolve()), stat.st_size, stat.st_mtime_ns, asdict(process.options), version("xllamacpp")
    ]  # fmt: skip
