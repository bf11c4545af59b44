"""Record what the language model replies, so that a later evaluation asks it only what is new.

Most changes to the pipeline leave most prompts as they are. Replies are kept by prompt, with the log probabilities of
their tokens; a recorded reply costs no time, so seconds mean nothing in such a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rag.endpoint import FinishReason, Message, TextStream
from rag.llm import LLM, Read
from rag.token_choice import Logprobs

_Delta = tuple[str, list[tuple[str, float]]]


class RecordedLLM:
    """A language model whose replies are read from `path` where they are known, and added to it where they are not.

    A reply that was abandoned is recorded as far as it was read; whoever reads on makes the model reply anew.
    """

    def __init__(self, llm: LLM, path: Path) -> None:
        """Read what `path` holds; a line that was cut short is left out."""
        self._llm = llm
        self._path = path
        self._known: dict[str, dict[str, Any]] = {}
        self.name, self.endpoint, self.leaves_machine = llm.name, llm.endpoint, llm.leaves_machine
        self.context_window, self.supports_grammar = llm.context_window, llm.supports_grammar
        self.replayed = 0
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            self._known[record["key"]] = record

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        """Return the recorded reply, else the model's own; arguments and errors as in `rag.llm.LLM`."""
        options: dict[str, Any] = {"max_tokens": max_tokens, "grammar": grammar}
        chat = [[message.role, message.content] for message in messages]
        sampling = {"max_tokens": max_tokens, "temperature": 0.0, "grammar": grammar}
        text = json.dumps([self.name, chat, sampling, [], logprobs is not None], ensure_ascii=False)
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return TextStream(self._deltas(key, messages, options, logprobs))

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
    ) -> str:
        """Return one whole reply; arguments and errors as in `rag.llm.LLM`."""
        return "".join(self.stream(messages, max_tokens=max_tokens, grammar=grammar))

    def warm(self) -> None:
        """Load the model, unless replies are known: then it is loaded when something new is asked."""
        if not self._known:
            self._llm.warm()

    def prepare(self) -> None:
        """Get the model ready."""
        self._llm.prepare()

    def read(self, messages: Sequence[Message]) -> Read:
        """Have the model read what `messages` share."""
        return self._llm.read(messages)

    def close(self) -> None:
        """Close the model."""
        self._llm.close()

    def _deltas(
        self, key: str, messages: Sequence[Message], options: dict[str, Any], logprobs: Logprobs | None
    ) -> Generator[str, None, FinishReason]:
        self.replayed += key in self._known
        known = self._known.get(key, {"deltas": [], "first": [], "finish": None})
        if logprobs is not None:
            logprobs.first.extend((token, logprob) for token, logprob in known["first"])
        for text, written in known["deltas"]:
            if logprobs is not None:
                logprobs.written.extend((token, logprob) for token, logprob in written)
            yield text
        if known["finish"]:
            return "length" if known["finish"] == "length" else "stop"
        return (yield from self._ask(key, messages, options, logprobs, len(known["deltas"])))

    def _ask(
        self,
        key: str,
        messages: Sequence[Message],
        options: dict[str, Any],
        logprobs: Logprobs | None,
        given: int,
    ) -> Generator[str, None, FinishReason]:
        """Yield the deltas of the model's reply after the first `given`, and record all of them."""
        told = Logprobs()
        if logprobs is not None:
            options["logprobs"] = told
        deltas: list[_Delta] = []
        finish: str | None = None
        with closing(self._llm.stream(messages, **options)) as reply:
            try:
                for text in reply:
                    written = told.written[sum(len(tokens) for _, tokens in deltas) :]
                    deltas.append((text, written))
                    if len(deltas) > given:
                        if logprobs is not None:
                            logprobs.first[:] = told.first
                            logprobs.written.extend(written)
                        yield text
                finish = reply.finish_reason or "stop"
            finally:
                if deltas or finish:
                    self._record({"key": key, "deltas": deltas, "first": told.first, "finish": finish})
        return "length" if finish == "length" else "stop"

    def _record(self, record: dict[str, Any]) -> None:
        self._known[record["key"]] = record
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(record, ensure_ascii=False))
