"""Prompt-prefix cache: save and restore the KV states of llama.cpp after prefixes that many chats share.

A prefix (instructions and examples) has its state in a file in the cache folder, an abstract has its own in
the index (`PromptCache`). Later processes restore them in milliseconds. A question is never written.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from rag.llm.base import Message, PrefillOutcome
from rag.llm.llama_cpp.kv_cache import PromptCache, SlotState, StateError, write_joined
from rag.llm.llama_cpp.process import LlamaProcess
from rag.llm.llama_cpp.server import SLOT

_MAX_FILES = 16  # two models with four prefixes each, before and after a change of each
_TIMEOUT_S = 60.0
_STEP_BYTES = 160  # UTF-8 bytes per prefill step, below a second; higher lets a reply wait longer
_LEFTOVER_S = 3600.0  # age from which a temporary file was left by a killed process

Prefix = tuple[Message, ...]


class PrefixCache:
    """Restores or computes the KV state of the longest known prefix of a chat.

    Not thread-safe: the caller holds a lock from `load_prefix` to the first token of the chat.
    """

    def __init__(
        self,
        process: LlamaProcess,
        gguf: Path,
        folder: Path,
        prefixes: Sequence[Sequence[Message]],
        prompt_cache: PromptCache | None = None,
    ) -> None:
        """Save the states of `prefixes` in `folder`, which the process was started with."""
        self._process = process
        self._folder = folder
        self._prefixes = sorted((tuple(prefix) for prefix in prefixes), key=len, reverse=True)
        self._prompt_cache = prompt_cache
        self._model = _identity(process, gguf)
        self._model_key = _digest(self._model[0])[:8]
        self._setup_key = _digest([self._model, [_plain(prefix) for prefix in prefixes]])[:8]
        self._in_slot: Prefix = ()
        self._delete_leftovers()
        if prompt_cache is not None:
            prompt_cache.evict_except(self._model_key, self._setup_key)

    def load_prefix(self, messages: Sequence[Message], interrupted: Callable[[], bool] | None = None) -> bool:
        """Bring the slot to the state after the longest known prefix of `messages`.

        The state is restored or computed, unless the slot already has it. A computed state is cached. Returns
        False if `interrupted`, which is called about once a second, stopped the prefill of the shared part.
        """
        prefix, head = self._split(messages)
        wanted = (*prefix, *head)
        missing = _common(wanted, self._in_slot) < len(wanted)
        if missing and not (head and self._restore_shared(prefix, head[0])):
            if _common(prefix, self._in_slot) < len(prefix) and not self._restore(prefix):
                self._process.client.complete(prefix, max_tokens=1)
                self._save(prefix)
            if head and self._prompt_cache and not self._prefill_shared(prefix, head[0], interrupted):
                self._in_slot = prefix
                return False
        self._in_slot = (*wanted, *messages[len(wanted) :])
        return True

    def prefill(self, messages: Sequence[Message], interrupted: Callable[[], bool]) -> PrefillOutcome:
        """Cache the state of the shared part of `messages`, unless it is cached or there is no room."""
        prefix, head = self._split(messages)
        if self._prompt_cache is None or not head:
            return "full"
        key = self._shared_key(prefix, head[0])
        if self._prompt_cache.has(*key):
            return "cached"
        if self._prompt_cache.full(self._model_key):
            return "full"
        if not self.load_prefix(messages, interrupted):
            return "interrupted"
        return "cached" if self._prompt_cache.has(*key) else "full"

    def _split(self, messages: Sequence[Message]) -> tuple[Prefix, Prefix]:
        """Return the longest known prefix and, if there is one, the shared part of the next message."""
        prefix = next((p for p in self._prefixes if tuple(messages[: len(p)]) == p), ())
        head = next(iter(messages[len(prefix) :]), None)
        if head is None or head.shared is None:
            return prefix, ()
        return prefix, (replace(head, content=head.content[: head.shared.length]),)

    def _restore(self, prefix: Prefix) -> bool:
        file = self._file(prefix)
        if not file.exists() or not self._slot("restore", file.name):
            return False
        with suppress(OSError):  # another user may own the file
            os.utime(file)
        return True

    def _restore_shared(self, prefix: Prefix, head: Message) -> bool:
        """Restore the state after a prefix and a shared part, which is stored in two files."""
        cached = self._prompt_cache.get(*self._shared_key(prefix, head)) if self._prompt_cache else None
        if cached is None:
            return False
        try:
            before = SlotState.read(self._file(prefix))
            with self._private_file() as joined:
                write_joined(joined, [before.part(0, cached.start), cached])
                return self._slot("restore", joined.name)
        except (OSError, StateError):
            return False

    def _prefill_shared(self, prefix: Prefix, head: Message, interrupted: Callable[[], bool] | None) -> bool:
        """Compute the state after a shared part and cache it; return False if interrupted before."""
        for part in steps(head.content) if interrupted else [head.content]:
            if interrupted and interrupted():
                return False
            self._process.client.complete([*prefix, replace(head, content=part)], max_tokens=1)
        with suppress(OSError, StateError), self._private_file() as saved:
            if self._slot("save", saved.name) and self._prompt_cache:
                before, whole = SlotState.read(self._file(prefix)), SlotState.read(saved)
                own = whole.part(whole.common(before), whole.end)
                self._prompt_cache.put(*self._shared_key(prefix, head), own)
        return True

    @contextmanager
    def _private_file(self) -> Iterator[Path]:
        """Yield a temporary file that no other user may read, because it will hold an abstract."""
        number, name = tempfile.mkstemp(suffix=".part", dir=self._folder)
        os.close(number)
        try:
            yield Path(name)
        finally:
            with suppress(OSError):
                Path(name).unlink()

    def _save(self, prefix: Prefix) -> None:
        """Write the state of the slot to a file, if the disk has room."""
        file = self._file(prefix)
        part = self._folder / f"{file.name}.{uuid.uuid4().hex}.part"
        try:
            if self._slot("save", part.name):
                part.replace(file)
            states = sorted(self._folder.glob("*.state"), key=lambda state: state.stat().st_mtime)
            for state in states[:-_MAX_FILES]:
                state.unlink(missing_ok=True)
        except OSError:
            pass
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _delete_leftovers(self) -> None:
        for file in self._folder.glob("*.part"):
            with suppress(OSError):
                if file.stat().st_mtime < time.time() - _LEFTOVER_S:
                    file.unlink()

    def _file(self, prefix: Prefix) -> Path:
        return self._folder / f"{self._key(prefix)}.state"

    def _shared_key(self, prefix: Prefix, head: Message) -> tuple[str, str]:
        """Return name and key of a shared part in the prompt cache."""
        name = head.shared.name if head.shared else ""
        return name, self._model_key + self._setup_key + self._key((*prefix, head))

    def _key(self, prefix: Prefix) -> str:
        return _digest([self._model, _plain(prefix)])[:24]

    def _slot(self, action: str, name: str) -> bool:
        """Have the server save or restore its slot; return False if it cannot."""
        address = urlsplit(self._process.base_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._process.key}", "Content-Type": "application/json"}
        body = json.dumps({"filename": name})
        try:
            connection.request("POST", f"/slots/{SLOT}?action={action}", body, headers)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def steps(text: str) -> Iterator[str]:
    """Yield ever longer beginnings of a text, and then the text: what a model takes in below a second each.

    They are measured in bytes, because Chinese has more tokens a character.
    """
    size = 0
    for end, char in enumerate(text):
        if size >= _STEP_BYTES:
            yield text[:end]
            size = 0
        size += len(char.encode("utf-8", "surrogatepass"))
    yield text


def _plain(chat: Sequence[Message]) -> list[dict[str, object]]:
    return [asdict(message) for message in chat]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _common(first: Sequence[Message], second: Sequence[Message]) -> int:
    """Count the equal messages at the start of two chats."""
    pairs = zip(first, second, strict=False)
    return next((i for i, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def _identity(process: LlamaProcess, gguf: Path) -> list[object]:
    """Return what a state depends on besides the text: weights, server options and llama.cpp release."""
    stat, options = gguf.stat(), asdict(process.options)
    del options["n_threads"]
    return [str(gguf.resolve()), stat.st_size, stat.st_mtime_ns, options, version("xllamacpp")]
