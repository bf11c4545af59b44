"""From a chat to a streamed answer: ask the model, recognise a refusal, cite, check and where need be translate what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from rag.abstain import Gate, refusal_log_odds
from rag.attribute import Attributor
from rag.cite import STOPS, Cited, CitedStream
from rag.endpoint import Message
from rag.grammar import answer_grammar
from rag.prompts import NOT_FOUND
from rag.schema import Language, ScoredChunk
from rag.token_choice import Logprobs

_MAX_CLAIMS = 6
# Of an answer that is translated before it is shown.
_CLAIMS_TRANSLATED = 3
# Of one abstract among several.
_CLAIMS_EACH = 2
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

    With `gate_for` it may not refuse, and the gate decides, by how likely it would have. A reply whose first sentence is
    less certain than `least_certain` (`rag.token_choice.Logprobs.certainty`) is given up. With `translate` its sentences
    are shown as that says them, and it is given up where nothing can be said.
    """

    messages: Sequence[Message]
    language: Language = "en"
    gate_for: GateFor | None = None
    least_certain: float | None = None
    translate: Translate | None = None


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


_NOTHING = Cited("", (), (), 0)


def stream_answer(
    llm: ChatModel,
    chat: Chat,
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor | None = None,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield `(text that may be shown now, all cited so far)` as it arrives, then what was `Generated`.

    A refusal shows nothing. Without a gate the first words are held back until they can no longer become a refusal. What
    is translated needs an attributor, and begins to be shown when the model has said all.
    """
    items = _stream_reply(llm, chat, contexts, max_tokens, attributor)
    if chat.translate is None or attributor is None:
        yield from items
        return
    *_, read = items
    if not isinstance(read, Generated) or read.refused:
        yield read
        return
    stream = CitedStream(contexts, attributor)
    for said in _translated(read.cited, chat.translate, attributor):
        shown, cited = stream.feed(said, whole=True)
        if shown:
            yield shown, cited
    *shown_last, end = _ended(stream, attributor)
    yield from shown_last
    yield replace(end, given_up=end.refused) if isinstance(end, Generated) else end


def _stream_reply(
    llm: ChatModel,
    chat: Chat,
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor | None,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_answer` does, in the chat's language."""
    stream, start, started, told = CitedStream(contexts, attributor), "", False, Logprobs()
    claims = _CLAIMS_TRANSLATED if chat.translate else _MAX_CLAIMS
    weighed = False
    with closing(_reply(llm, chat, max_tokens, len(contexts), claims, told)) as reply:
        for delta in reply:
            if not start and _hopeless(told, attributor, chat.gate_for):
                break
            if not weighed and "[" in delta:  # the first sentence has been written
                weighed = True
                if _uncertain(told, chat):
                    yield Generated(_NOTHING, True, given_up=True)
                    return
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
            yield Generated(_NOTHING, True, _confidence(attributor))
            return
        cut = reply.finish_reason == "length"
    yield from _ended(stream, attributor, cut=cut)


def stream_each(
    llm: ChatModel,
    chats: Sequence[Chat],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor | None = None,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_answer` does, asking one chat a context, each of which sees its own context alone, as [1].

    What does not answer is passed over, what does is a paragraph of its own; the answer is refused when none does.
    """
    stream = CitedStream(contexts, attributor)
    said: set[str] = set()
    for number, chat in enumerate(chats, 1):
        text, told = "", Logprobs()
        with closing(_reply(llm, chat, max_tokens, 1, _CLAIMS_EACH, told)) as reply:
            for delta in reply:
                if not text and _hopeless(told, attributor, chat.gate_for):
                    break
                text += delta
            cut = reply.finish_reason == "length"
        if _may_refuse(text) or text in said:
            continue
        said.add(text)
        text = re.sub(r"\[\d+\]", f"[{number}]", text.strip())
        shown, cited = stream.feed(_closed(text, chat.language, cut=cut), whole=True)
        if shown:
            yield shown, cited
    yield from _ended(stream, attributor)


def _reply(llm: ChatModel, chat: Chat, max_tokens: int, contexts: int, claims: int, told: Logprobs) -> Reply:
    if not llm.supports_grammar:
        return llm.stream(chat.messages, max_tokens=max_tokens)
    grammar = answer_grammar(contexts, chat.language, claims, may_refuse=chat.gate_for is None)
    return llm.stream(chat.messages, max_tokens=max_tokens, grammar=grammar, logprobs=told)


def _translated(cited: Cited, translate: Translate, attributor: Attributor) -> Iterator[str]:
    """Yield the sentences as `translate` says them, those left out that it cannot say or that say something else."""
    for sentence in cited.sentences:
        said = translate(sentence.text)
        if said is not None and attributor.say(said, sentence.text):
            yield said


def _uncertain(told: Logprobs, chat: Chat) -> bool:
    """Return whether the first sentence is too uncertain; what is not told is not."""
    certainty = told.certainty
    return chat.least_certain is not None and certainty is not None and certainty < chat.least_certain


def _hopeless(told: Logprobs, attributor: Attributor | None, gate_for: GateFor | None) -> bool:
    """Set the gate for a reply that has begun; return whether nothing that it says could pass."""
    refusal = refusal_log_odds(told.first)
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
