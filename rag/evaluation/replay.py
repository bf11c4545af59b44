"""Record what the language model replies, so that a later evaluation asks it only what is new.

Most changes to the pipeline leave most prompts as they are. Replies are kept by prompt, with the log
probabilities of their tokens; a recorded reply costs no time, so seconds mean nothing in such a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import LLMResponseError
from rag.evaluation.kept_lines import keep, read_kept
from rag.llm.base import LLM, FinishReason, Message, TextStream
from rag.llm.forwarding import ForwardingLLM
from rag.llm.logprobs import Logprobs

_Tokens = list[tuple[str, float]]
_OTHERWISE = (
    "The language model does not say again what it said before, so that a recorded reply has no end; "
    "give the same "
    "command again."
)


@dataclass(slots=True)
class _Reply:
    """A reply as far as it was read: its deltas, each with its tokens, and how it may have begun.

    `rest` are the tokens after the last delta. `finish` is None where the reply was not read to its end.
    """

    deltas: list[tuple[str, _Tokens]] = field(default_factory=list)
    first: _Tokens = field(default_factory=list)
    rest: _Tokens = field(default_factory=list)
    finish: FinishReason | None = None
    _counted: int = 0

    @classmethod
    def of(cls, record: dict[str, Any]) -> _Reply:
        """Return the reply that a record holds."""
        deltas = [(text, _tokens(written)) for text, written in record["deltas"]]
        said = record["finish"]
        finish: FinishReason | None = "length" if said == "length" else "stop" if said else None
        return cls(deltas, _tokens(record["first"]), _tokens(record.get("rest", [])), finish)

    def add(self, text: str, heard: Logprobs) -> None:
        """Add a delta; `heard` is what the model has told of its tokens so far."""
        self.first = heard.first
        self.deltas.append((text, self._new(heard)))

    def end(self, finish: FinishReason | None, heard: Logprobs) -> None:
        """End the reply."""
        self.first, self.rest, self.finish = heard.first, self._new(heard), finish

    def begins(self, other: _Reply) -> bool:
        """Return whether the other reply begins with all of this one."""
        texts = [text for text, _ in self.deltas]
        return texts == [text for text, _ in other.deltas[: len(texts)]]

    def _new(self, heard: Logprobs) -> _Tokens:
        self._counted, start = len(heard.written), self._counted
        return heard.written[start:]


def _tokens(told: Sequence[tuple[str, float]]) -> _Tokens:
    return [(token, logprob) for token, logprob in told]


def replies_path(cache: Path, llm: str) -> Path:
    """Return where the replies of a language model are recorded."""
    return cache / "evaluate" / f"replies-{Path(llm).name}.jsonl"


class RecordedLLM(ForwardingLLM):
    """A language model whose replies are read from `path`, and added to it where they are new.

    A reply that was abandoned is recorded as far as it was read; whoever reads on makes the model reply anew.
    """

    def __init__(self, llm: LLM, path: Path) -> None:
        """Read what `path` holds; a line that was cut short is left out.

        Raises LibraryIndexError when it cannot be read.
        """
        super().__init__(llm)
        self._path = path
        self.replayed = 0
        records = read_kept(path, {"key", "deltas", "first", "finish"})
        self._known = {record["key"]: _Reply.of(record) for record in records}

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the recorded reply, else the model's own; arguments and errors as in `rag.llm.base.LLM`.

        While it is read it also raises LLMResponseError, when the model does not go on with a reply as it
        began, and LibraryIndexError, when the reply cannot be recorded.
        """
        options: dict[str, Any] = {"max_tokens": max_tokens, "grammar": grammar}
        key = self._key(messages, options, logprobs is not None)
        options["logprobs"] = None if logprobs is None else Logprobs()
        return TextStream(self._deltas(key, messages, options, Logprobs() if logprobs is None else logprobs))

    def warm(self) -> None:
        """Load the model, unless replies are known: then it is loaded when something new is asked."""
        if not self._known:
            super().warm()

    def _key(self, messages: Sequence[Message], options: dict[str, Any], told: bool) -> str:
        chat = [[message.role, message.content] for message in messages]
        sampling = {"max_tokens": options["max_tokens"], "temperature": 0.0, "grammar": options["grammar"]}
        asked: list[object] = [self.name, chat, sampling, [], told]
        if self.endpoint:  # two endpoints may call different models the same
            asked.append(self.endpoint)
        text = json.dumps(asked, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _deltas(
        self, key: str, messages: Sequence[Message], options: dict[str, Any], told: Logprobs
    ) -> Generator[str, None, FinishReason]:
        """Yield what is known of a reply, and then what the model says after it."""
        self.replayed += key in self._known
        reply = self._known.get(key, _Reply())
        told.first.extend(reply.first)
        for text, written in reply.deltas:
            told.written.extend(written)
            yield text
        if reply.finish is None:
            reply = yield from self._asked(key, reply, self._llm.stream(messages, **options), options, told)
        told.first[:] = reply.first
        told.written.extend(reply.rest)
        return reply.finish or "stop"

    def _asked(
        self, key: str, known: _Reply, stream: TextStream, options: dict[str, Any], told: Logprobs
    ) -> Generator[str, None, _Reply]:
        """Yield the deltas of the model's reply after those that are known; record and return all of it."""
        heard, reply = options["logprobs"] or Logprobs(), _Reply()
        with closing(stream):
            try:
                for text in stream:
                    reply.add(text, heard)
                    if len(reply.deltas) > len(known.deltas):
                        told.first[:] = reply.first
                        told.written.extend(reply.deltas[-1][1])
                        yield text
                    elif text != known.deltas[len(reply.deltas) - 1][0]:
                        break
                reply.end(stream.finish_reason, heard)
            finally:
                if reply.finish or not reply.begins(known):
                    self._record(key, reply)
        if not known.begins(reply):
            raise LLMResponseError(_OTHERWISE)
        return reply

    def _record(self, key: str, reply: _Reply) -> None:
        self._known[key] = reply
        told = {"deltas": reply.deltas, "first": reply.first, "rest": reply.rest}
        keep(self._path, {"key": key, **told, "finish": reply.finish})
