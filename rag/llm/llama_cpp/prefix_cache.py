"""What the embedded model has read once is not read again: its state after what many chats begin with.

Instructions and examples are most of a prompt, and the same every time; an abstract is most of what is left, and the same
for every question about it. The model's state after the ones is kept in a file in the cache, after the others in one
beside the index (`rag.llm.llama_cpp.kv_cache`): written once and read back in milliseconds, by any later process. 250 tokens take
4 s to read anew on 2 cores, 30 ms from the file. Only such beginnings are ever written, never a question.
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

from rag.llm.base import Message, Read
from rag.llm.llama_cpp.kv_cache import Readings, SlotState, StateError, write_joined
from rag.llm.llama_cpp.process import LlamaProcess
from rag.llm.llama_cpp.server import SLOT

# Files kept: two models, four beginnings each, before and after a change of each.
_MOST_FILES = 16
_TIMEOUT_S = 60.0
# Characters that are read at a time where somebody may come and not want to wait: a second's worth.
_STEP_CHARS = 300
# A file that is only passed through is gone within seconds, unless its process was killed.
_PART_S = 3600.0

Prefix = tuple[Message, ...]


class PrefixKeeper:
    """Brings the slot for answers to the state after the longest known beginning of a chat.

    Not for several threads at once: what is between `take_in` and the chat's first token is the caller's turn.
    """

    def __init__(
        self,
        process: LlamaProcess,
        gguf: Path,
        folder: Path,
        prefixes: Sequence[Sequence[Message]],
        readings: Readings | None = None,
    ) -> None:
        """Keep states in `folder`, which the process was given when it loaded, and those of what is shared in `readings`."""
        self._process = process
        self._folder = folder
        self._prefixes = sorted((tuple(prefix) for prefix in prefixes), key=len, reverse=True)
        self._readings = readings
        self._model = _identity(process, gguf)
        self._weights, self._how = _digest(self._model[0])[:8], _digest([self._model, _plain(*prefixes)])[:8]
        self._held: Prefix = ()
        self._tidy()
        if readings is not None:
            readings.keep_only(self._weights, self._how)

    def take_in(self, messages: Sequence[Message], disturbed: Callable[[], bool] | None = None) -> bool:
        """Have the model hold the longest known beginning of `messages`, from its file or by reading it, which is then kept.

        What the slot already shares with the chat is left alone where that is as much. Once `disturbed`, which is asked
        every second or so while something shared is read, the rest is left and False returned.
        """
        prefix = self._prefix(messages)
        head = _head(messages[len(prefix) :])
        wanted = (*prefix, *head)
        if _common(wanted, self._held) < len(wanted) and not (head and self._recall_reading(prefix, head[0])):
            if _common(prefix, self._held) < len(prefix) and not self._recall(prefix):
                self._process.client.complete(prefix, max_tokens=1)
                self._keep(prefix)
            if head and self._readings and not self._read(prefix, head[0], disturbed):
                self._held = prefix
                return False
        self._held = (*wanted, *messages[len(wanted) :])
        return True

    def read(self, messages: Sequence[Message], disturbed: Callable[[], bool]) -> Read:
        """Read and keep what `messages` share with other chats, unless that is kept, there is no room, or `disturbed`."""
        prefix = self._prefix(messages)
        head = _head(messages[len(prefix) :])
        if self._readings is None or not head or not head[0].shared:
            return "full"
        name, key = head[0].shared.name, self._reading_key((*prefix, head[0]))
        if self._readings.has(name, key):
            return "kept"
        if self._readings.full(self._weights):
            return "full"
        if not self.take_in(messages, disturbed):
            return "disturbed"
        return "kept" if self._readings.has(name, key) else "full"

    def _prefix(self, messages: Sequence[Message]) -> Prefix:
        return next((p for p in self._prefixes if tuple(messages[: len(p)]) == p), ())

    def _recall(self, prefix: Prefix) -> bool:
        file = self._file(prefix)
        if not file.exists() or not self._slot("restore", file.name):
            return False
        with suppress(OSError):  # it may be another user's
            os.utime(file)
        return True

    def _recall_reading(self, prefix: Prefix, head: Message) -> bool:
        """Restore the state after a prefix and what is shared behind it, which lie in two files."""
        if not self._readings or not head.shared:
            return False
        reading = self._readings.get(head.shared.name, self._reading_key((*prefix, head)))
        if reading is None:
            return False
        try:
            before = SlotState.read(self._file(prefix))
            with self._passing() as joined:
                write_joined(joined, [before.part(0, reading.start), reading])
                return self._slot("restore", joined.name)
        except (OSError, StateError):
            return False

    def _read(self, prefix: Prefix, head: Message, disturbed: Callable[[], bool] | None) -> bool:
        """Read what is shared, and keep the state; False when disturbed before it was read."""
        steps = range(_STEP_CHARS, len(head.content), _STEP_CHARS) if disturbed else ()
        for end in steps:
            if disturbed and disturbed():
                return False
            part = replace(head, content=head.content[:end])
            self._process.client.complete([*prefix, part], max_tokens=1)
        self._process.client.complete([*prefix, head], max_tokens=1)
        with suppress(OSError, StateError), self._passing() as saved:
            if self._slot("save", saved.name) and self._readings and head.shared:
                before, whole = SlotState.read(self._file(prefix)), SlotState.read(saved)
                own = whole.part(whole.common(before), whole.end)
                self._readings.put(head.shared.name, self._reading_key((*prefix, head)), own)
        return True

    @contextmanager
    def _passing(self) -> Iterator[Path]:
        """Give a file to pass a state through that no other user may read, for the text of an abstract is in it."""
        number, name = tempfile.mkstemp(suffix=".part", dir=self._folder)
        os.close(number)
        try:
            yield Path(name)
        finally:
            with suppress(OSError):
                Path(name).unlink()

    def _keep(self, prefix: Prefix) -> None:
        """Write the state; without room on the disk it is read anew next time."""
        file = self._file(prefix)
        part = f"{file.name}.{uuid.uuid4().hex}.part"
        try:
            if self._slot("save", part):
                (self._folder / part).replace(file)
            self._prune()
        except OSError:
            pass
        finally:
            with suppress(OSError):
                (self._folder / part).unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Delete what killed processes left behind."""
        for file in self._folder.glob("*.part"):
            with suppress(OSError):
                if file.stat().st_mtime < time.time() - _PART_S:
                    file.unlink()

    def _prune(self) -> None:
        files = sorted(self._folder.glob("*.state"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_MOST_FILES:]:
            file.unlink(missing_ok=True)

    def _file(self, prefix: Prefix) -> Path:
        return self._folder / f"{self._key(prefix)}.state"

    def _reading_key(self, beginning: Prefix) -> str:
        return self._weights + self._how + self._key(beginning)

    def _key(self, beginning: Prefix) -> str:
        return _digest([self._model, *_plain(beginning)])[:24]

    def _slot(self, action: str, name: str) -> bool:
        """Have the server save or restore its slot; False where it cannot."""
        address = urlsplit(self._process.base_url)
        connection = http.client.HTTPConnection(address.netloc, timeout=_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._process.key}", "Content-Type": "application/json"}
        try:
            connection.request(
                "POST", f"/slots/{SLOT}?action={action}", json.dumps({"filename": name}), headers
            )
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _head(messages: Sequence[Message]) -> Prefix:
    """Return what is shared of the first message, as one; nothing where none is."""
    if not messages or messages[0].shared is None:
        return ()
    return (replace(messages[0], content=messages[0].content[: messages[0].shared.length]),)


def _plain(*chats: Sequence[Message]) -> list[list[dict[str, object]]]:
    return [[asdict(message) for message in chat] for chat in chats]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


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
    stat, options = gguf.stat(), asdict(process.options)
    del options["n_threads"]
    return [str(gguf.resolve()), stat.st_size, stat.st_mtime_ns, options, version("xllamacpp")]
