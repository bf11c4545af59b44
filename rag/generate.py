"""From a chat to a streamed answer: ask the model, recognise a refusal, cite, check and where need be translate what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from rag.abstain import Gate, refusal_log_odds
from rag.attribute import Attributor
from rag.cite import NOTHING_SAID, STOPS, Cited, CitedStream, mark_sentences
from rag.endpoint import Message
from rag.grammar import answer_grammar
from rag.prompts import NOT_FOUND
from rag.schema import Language, ScoredChunk
from rag.sentences import split_sentences
from rag.token_choice import Logprobs

# Sentences after which a reply about one abstract among several is cut off.
_SENTENCES_EACH = 2
# So many sentences that nothing supports, and nothing else, end a reply: what follows an invention is one.
_MAX_DROPPED = 2
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
    nothing can be said.
    """

    messages: Sequence[Message]
    language: Language = "en"
    gate_for: GateFor | None = None
    most_surprisal: float | None = None
    most_sentences: int | None = None
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


def stream_answer(
    llm: ChatModel,
    chat: Chat,
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield `(text that may be shown now, all cited so far)` as it arrives, then what was `Generated`.

    A refusal shows nothing. Without a gate the first words are held back until they can no longer become a refusal. What
    is translated begins to be shown when the model has said all.
    """
    items = _stream_reply(llm, chat, contexts, max_tokens, attributor)
    if chat.translate is None:
        yield from items
        return
    *_, read = items
    if not isinstance(read, Generated) or read.refused:
        yield read
        return
    stream, cited = CitedStream(contexts, attributor), NOTHING_SAID
    for said in _translated(read.cited, chat.translate, attributor):
        shown, cited = stream.feed(said, whole=True)
        if shown:
            yield shown, cited
    lost = not cited.sentences
    yield replace(read, cited=cited, refused=lost, given_up=lost)


def stream_each(
    llm: ChatModel,
    chats: Sequence[Chat],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_answer` does, asking one chat a context, each of which sees its own context alone.

    What does not answer is passed over, what does is a paragraph of its own; the answer is refused when none does.
    """
    stream, cited = CitedStream(contexts, attributor), NOTHING_SAID
    said: set[str] = set()
    for number, chat in enumerate(chats, 1):
        text = _closed(_reply_to_part(llm, chat, max_tokens, attributor), chat.language)
        if _may_refuse(text) or text in said:
            continue
        shown, cited = stream.feed(f"{mark_sentences(text, number)}\n\n", whole=True)
        if shown:
            said.add(text)
            yield shown, cited
    yield Generated(cited, not cited.sentences, attributor.confidence)


def _reply_to_part(llm: ChatModel, chat: Chat, max_tokens: int, attributor: Attributor) -> str:
    """Return what one abstract among several answers, cut off after some sentences; nothing where there is no hope."""
    text, told = "", Logprobs()
    with closing(_reply(llm, chat, max_tokens, told)) as reply:
        for delta in reply:
            if not text and _hopeless(told, attributor, chat.gate_for):
                return ""
            text += delta
            if len(spans := split_sentences(text)) > _SENTENCES_EACH:
                return text[: spans[_SENTENCES_EACH - 1][1]].strip()
        return text.strip() + ("…" if reply.finish_reason == "length" else "")


def _stream_reply(
    llm: ChatModel, chat: Chat, contexts: Sequence[ScoredChunk], max_tokens: int, attributor: Attributor
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_answer` does, in the chat's language."""
    stream, start, started, told = CitedStream(contexts, attributor), "", False, Logprobs()
    cited = NOTHING_SAID
    with closing(_reply(llm, chat, max_tokens, told)) as reply:
        for delta in reply:
            if not start and _hopeless(told, attributor, chat.gate_for):
                break
            if not cited.sentences and _too_uncertain(told, chat):
                yield Generated(NOTHING_SAID, True, given_up=True)
                return
            if not started:
                start += delta
                started = not _may_refuse(start)
                delta = start
            if started:
                shown, cited = stream.feed(delta)
                if shown:
                    yield shown, cited
                if _said_enough(cited, chat):
                    yield Generated(cited, not cited.sentences, attributor.confidence)
                    return
        if not started and _letters(start) == "no":
            started = True
            stream.feed(start)
        if not started:  # it would have refused, the reply ended as a refusal, or as nothing at all
            yield Generated(NOTHING_SAID, True, attributor.confidence)
            return
        end, cited = stream.finish(cut=reply.finish_reason == "length")
    if end:
        yield end, cited
    yield Generated(cited, not cited.sentences, attributor.confidence)


def _reply(llm: ChatModel, chat: Chat, max_tokens: int, told: Logprobs) -> Reply:
    if not llm.supports_grammar:
        return llm.stream(chat.messages, max_tokens=max_tokens)
    grammar = answer_grammar(chat.language, may_refuse=chat.gate_for is None)
    return llm.stream(chat.messages, max_tokens=max_tokens, grammar=grammar, logprobs=told)


def _said_enough(cited: Cited, chat: Chat) -> bool:
    """Return whether a reply need not go on."""
    if chat.most_sentences is None:
        return False
    lost = not cited.sentences and len(cited.dropped) >= _MAX_DROPPED
    return cited.read >= chat.most_sentences or lost


def _too_uncertain(told: Logprobs, chat: Chat) -> bool:
    return chat.most_surprisal is not None and told.surprisal > chat.most_surprisal


def _translated(cited: Cited, translate: Translate, attributor: Attributor) -> Iterator[str]:
    """Yield the sentences as `translate` says them, those left out that it cannot say or that say something else."""
    for sentence in cited.sentences:
        said = translate(sentence.text)
        if said is not None and attributor.say(said, sentence.text):
            yield said


def _hopeless(told: Logprobs, attributor: Attributor, gate_for: GateFor | None) -> bool:
    """Set the gate for a reply that has begun; return whether nothing that it says could pass."""
    refusal = refusal_log_odds(told.first)
    if gate_for is None or refusal is None:
        return False
    gate = gate_for(refusal)
    attributor.begin(gate)
    if gate.hopeless:
        attributor.confidence = max(gate.confidence(0.5), attributor.confidence or 0.0)
    return gate.hopeless


def _closed(text: str, language: Language) -> str:
    """Return a text with an end, so that what follows begins a sentence; nothing stays nothing."""
    ended = not text or text.endswith(tuple(STOPS))
    return text if ended else text + ("。" if language == "zh" else ".")


def _may_refuse(start: str) -> bool:
    """Return whether an answer that begins with `start` is, or may still become, a refusal; a number outside a marker is none."""
    if re.search(r"\d", _MARK.sub("", start)):
        return False
    return _letters(NOT_FOUND).startswith(_letters(start)) or bool(_REFUSED.match(start))


def _letters(text: str) -> str:
    return re.sub(r"[\W_\d]+", "", text).casefold()
