"""From a chat to a streamed answer: ask the model, recognise a refusal, cite and check what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, Protocol

from rag.abstain import Gate, refusal_log_odds
from rag.attribute import Attributor
from rag.cite import STOPS, Cited, CitedStream
from rag.endpoint import Message
from rag.grammar import answer_grammar
from rag.prompts import NOT_FOUND
from rag.schema import Language, ScoredChunk

_MAX_CLAIMS = 6
# Of one abstract among several.
_CLAIMS_EACH = 2
_MARK = re.compile(r"\[\d*\]?")
_REFUSED = re.compile(r"\W*not[\s_-]*found\b", re.IGNORECASE)


GateFor = Callable[[float], Gate]
"""Makes the gate of one reply from the log odds that it would have been a refusal."""


class Reply(Iterator[str], Protocol):
    """Text deltas; `finish_reason` is "length" when the reply was cut at its longest.

    `first_tokens`: the likeliest tokens that it could have begun with, with log probabilities.
    """

    finish_reason: Literal["stop", "length"] | None
    first_tokens: Sequence[tuple[str, float]]

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
        first_tokens: bool = False,
    ) -> Reply:
        """Return the reply to a chat, as it arrives; `grammar` is GBNF, `first_tokens` asks for those."""


@dataclass(frozen=True, slots=True)
class Generated:
    """A finished answer; `refused` when the abstracts do not answer.

    `confidence` is how likely they do and the answer says it, from 0 to 1; None where that cannot be told.
    """

    cited: Cited
    refused: bool
    confidence: float | None = None


def stream_answer(
    llm: ChatModel,
    messages: Sequence[Message],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor | None = None,
    language: Language = "en",
    gate_for: GateFor | None = None,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield `(text that may be shown now, all cited so far)` as it arrives, then what was `Generated`.

    A refusal shows nothing. With `gate_for` the model may not refuse, and the gate decides, by how likely it would have;
    without, the first words are held back until they can no longer become a refusal.
    """
    stream, start, started = CitedStream(contexts, attributor), "", False
    with closing(_reply(llm, messages, max_tokens, len(contexts), language, _MAX_CLAIMS, gate_for)) as reply:
        for delta in reply:
            if not start and _hopeless(reply, attributor, gate_for):
                break
            if not started:
                start += delta
                started = not _may_refuse(start)
                delta = start
            if started:
                shown, cited = stream.feed(delta)
                if shown:
                    yield shown, cited
        if not started and _letters(start) == "no":
            started = True
            stream.feed(start)
        if not started:  # it would have refused, the reply ended as a refusal, or as nothing at all
            yield Generated(Cited("", (), (), 0), True, _confidence(attributor))
            return
        cut = reply.finish_reason == "length"
    yield from _ended(stream, attributor, cut=cut)


def stream_each(
    llm: ChatModel,
    chats: Sequence[Sequence[Message]],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor | None = None,
    language: Language = "en",
    gates: Sequence[GateFor] = (),
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_answer` does, asking one chat a context, each of which sees its own context alone, as [1].

    What does not answer is passed over, what does is a paragraph of its own; the answer is refused when none does. `gates`
    are one a chat, or none.
    """
    stream = CitedStream(contexts, attributor)
    said: set[str] = set()
    for number, (messages, gate_for) in enumerate(zip_longest(chats, gates), 1):
        text = ""
        with closing(_reply(llm, messages, max_tokens, 1, language, _CLAIMS_EACH, gate_for)) as reply:
            for delta in reply:
                if not text and _hopeless(reply, attributor, gate_for):
                    break
                text += delta
            cut = reply.finish_reason == "length"
        if _may_refuse(text) or text in said:
            continue
        said.add(text)
        text = re.sub(r"\[\d+\]", f"[{number}]", text.strip())
        shown, cited = stream.feed(_closed(text, language, cut=cut), whole=True)
        if shown:
            yield shown, cited
    yield from _ended(stream, attributor)


def _reply(
    llm: ChatModel,
    messages: Sequence[Message],
    max_tokens: int,
    contexts: int,
    language: Language,
    claims: int,
    gate_for: GateFor | None,
) -> Reply:
    if not llm.supports_grammar:
        return llm.stream(messages, max_tokens=max_tokens)
    grammar = answer_grammar(contexts, language, claims, may_refuse=gate_for is None)
    return llm.stream(messages, max_tokens=max_tokens, grammar=grammar, first_tokens=gate_for is not None)


def _hopeless(reply: Reply, attributor: Attributor | None, gate_for: GateFor | None) -> bool:
    """Set the gate for a reply that has begun; return whether nothing that it says could pass."""
    refusal = refusal_log_odds(reply.first_tokens)
    if gate_for is None or attributor is None or refusal is None:
        return False
    gate = gate_for(refusal)
    attributor.begin(gate)
    if gate.hopeless:
        attributor.confidence = max(gate.confidence(0.5), attributor.confidence or 0.0)
    return gate.hopeless


def _confidence(attributor: Attributor | None) -> float | None:
    return attributor.confidence if attributor else None


def _ended(
    stream: CitedStream, attributor: Attributor | None, *, cut: bool = False
) -> Iterator[tuple[str, Cited] | Generated]:
    end, cited = stream.finish(cut=cut)
    if end:
        yield end, cited
    yield Generated(cited, not cited.sentences, _confidence(attributor))


def _closed(text: str, language: Language, *, cut: bool) -> str:
    """Return one reply as a paragraph: whatever its last words are, the next one begins a sentence."""
    ended = re.sub(r"[\s\[\]\d]+$", "", text).endswith(tuple(STOPS))
    stop = "…" if cut else "" if ended else "。" if language == "zh" else "."
    return f"{text}{stop}\n\n"


def _may_refuse(start: str) -> bool:
    """Return whether an answer that begins with `start` is, or may still become, a refusal; a number outside a marker is none."""
    if re.search(r"\d", _MARK.sub("", start)):
        return False
    return _letters(NOT_FOUND).startswith(_letters(start)) or bool(_REFUSED.match(start))


def _letters(text: str) -> str:
    return re.sub(r"[\W_\d]+", "", text).casefold()
