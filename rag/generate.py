"""From a chat to a streamed answer: ask the model, recognise a refusal, cite what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol

from rag.abstain import Gate
from rag.attribute import AskSupport, Attributor
from rag.cite import Cited, CitedStream
from rag.endpoint import Message
from rag.prompts import NOT_FOUND
from rag.schema import Language, ScoredChunk
from rag.token_choice import Logprobs

_MARK = re.compile(r"\[\d*\]?")
_REFUSED = re.compile(r"\W*not[\s_-]*found\b", re.IGNORECASE)


GateFor = Callable[[float], Gate]
"""Makes the gate of one reply from the log odds that it would have been a refusal."""

Translate = Callable[[str], str | None]
"""Says a sentence of a reply in the language of the question, or None where that fails (`rag.translate.translate`)."""


class Reply(Iterator[str], Protocol):
    """Text deltas; `finish_reason` is "length" when the reply was cut at its longest."""

    finish_reason: Literal["stop", "length"] | None

    def close(self) -> None:
        """Stop the reply."""


class ChatModel(Protocol):
    """What generation needs of a language model; `rag.llm.LLM` is one."""

    @property
    def supports_grammar(self) -> bool:
        """Whether replies can be held to a grammar."""

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> Reply:
        """Return the reply to a chat, as it arrives; `grammar` is GBNF, `logprobs` is filled with what its tokens tell."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What the model is to answer, in `language`.

    With `gate_for` it may not refuse, and the gate decides, by how likely it would have. A reply that takes the model more
    surprisal than `most_surprisal` nats (`rag.token_choice.Logprobs`) before a sentence of it is shown is given up; one of
    `most_sentences` is cut off. With `translate` its sentences are shown as that says them, and it is given up where
    nothing can be said. `ask` puts a sentence of it to the model, where the gate asks for that.
    """

    messages: Sequence[Message]
    language: Language = "en"
    gate_for: GateFor | None = None
    most_surprisal: float | None = None
    most_sentences: int | None = None
    translate: Translate | None = None
    ask: AskSupport | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """A finished answer; `refused` when the abstracts do not answer.

    `confidence` is how likely they do and the answer says it, from 0 to 1; None where that cannot be told. Of a reply that
    was `given_up` (see `Chat`) nothing was shown: it says neither.
    """

    cited: Cited
    refused: bool
    confidence: float | None = None
    given_up: bool = False


NOTHING = Cited("", (), (), 0)


def stream_answer(
    llm: ChatModel,
    messages: Sequence[Message],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor | None = None,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield `(text that may be shown now, all cited so far)` as it arrives, then what was `Generated`.

    A refusal shows nothing: the first words are held back until they can no longer become one.
    """
    stream, start, started = CitedStream(contexts, attributor), "", False
    with closing(llm.stream(messages, max_tokens=max_tokens)) as reply:
        for delta in reply:
            if not started:
                start += delta
                started = not may_refuse(start)
                delta = start
            if started:
                shown, cited = stream.feed(delta)
                if shown:
                    yield shown, cited
        if not started and not begins_with_no(start):  # a refusal, or nothing at all
            yield Generated(NOTHING, True)
            return
        if not started:
            stream.feed(start)
        end, cited = stream.finish(cut=reply.finish_reason == "length")
    if end:
        yield end, cited
    yield Generated(cited, not cited.sentences)


def may_refuse(start: str) -> bool:
    """Return whether an answer that begins with `start` is, or may still become, a refusal; a number outside a marker is none."""
    if re.search(r"\d", _MARK.sub("", start)):
        return False
    return _letters(NOT_FOUND).startswith(_letters(start)) or bool(_REFUSED.match(start))


def begins_with_no(start: str) -> bool:
    """Return whether an answer that ended with `start`, which may have become a refusal, is a plain no."""
    return _letters(start) == "no"


def _letters(text: str) -> str:
    return re.sub(r"[\W_\d]+", "", text).casefold()
