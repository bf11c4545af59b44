"""From a chat to a streamed answer: ask the model, recognise a refusal, cite, check and where need be translate."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from rag.answering.abstention import confidence_of, refusal_log_odds
from rag.answering.citing.attribution import Attributor
from rag.answering.citing.citations import (
    NOTHING_SAID,
    STOPS,
    Cited,
    CitedStream,
    mark_sentences,
    with_sentences,
)
from rag.answering.generation.grammar import answer_grammar
from rag.answering.generation.prompts import NOT_FOUND
from rag.llm.base import LLM, Message
from rag.llm.logprobs import Logprobs
from rag.schema import Language, ScoredChunk, Sentence
from rag.text.sentences import split_sentences

# Sentences after which a reply about one abstract among several is cut off.
_SENTENCES_EACH = 2
# So many sentences that nothing supports, and nothing else, end a reply: what follows an invention is one.
_MAX_DROPPED = 2
_MARK = re.compile(r"\[\d*\]?")
_REFUSED = re.compile(r"\W*not[\s_-]*found\b", re.IGNORECASE)

Translate = Callable[[str], str | None]
"""Says a sentence of a reply in the language of the question, or None where that fails (`rag.answering.generation.translation.translate`)."""


class Reply(Iterator[str], Protocol):
    """Text deltas; `finish_reason` is "length" when the reply was cut at its longest."""

    finish_reason: Literal["stop", "length"] | None

    def close(self) -> None:
        """Stop the reply."""


@dataclass(frozen=True, slots=True)
class Chat:
    """What the model is to answer, in `language`.

    Attributes:
        may_refuse: whether a grammar lets the model say `NOT_FOUND`.
        refusal_threshold: log odds of a refusal above which the reply is not shown; None shows every reply.
        most_surprisal: nats above which a reply is given up before anything of it is shown.
        most_sentences: after so many sentences the reply is cut off.
        translate: says the sentences in the question's language; where it can say none the reply is given up.
    """

    messages: Sequence[Message]
    language: Language = "en"
    may_refuse: bool = True
    refusal_threshold: float | None = None
    most_surprisal: float | None = None
    most_sentences: int | None = None
    translate: Translate | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """A finished answer; `refused` when the abstracts do not answer.

    `confidence` is how likely they do, from 0 to 1; None where that cannot be told. A reply that was `given_up` showed
    nothing and says neither.
    """

    cited: Cited
    refused: bool
    confidence: float | None = None
    given_up: bool = False


Shown = tuple[str, Cited]
"""Text that may be shown now, and everything cited so far."""

Answering = Generator[Shown, None, Generated]
"""Yields what is shown, returns what was generated."""


def stream_answer(
    llm: LLM, chat: Chat, contexts: Sequence[ScoredChunk], max_tokens: int, attributor: Attributor
) -> Answering:
    """Yield what may be shown as it arrives, and return what was generated.

    A refusal shows nothing. A translated reply begins to be shown when the model has said all of it.
    """
    if chat.translate is None:
        return (yield from _stream_reply(llm, chat, contexts, max_tokens, attributor))
    read = _drained(_stream_reply(llm, chat, contexts, max_tokens, attributor))
    if read.refused:
        return read
    cited = NOTHING_SAID
    for shown, cited in _translated(read.cited, chat.translate, attributor):
        yield shown, cited
    lost = not cited.sentences
    return replace(read, cited=cited, refused=lost, given_up=lost)


def stream_each(
    llm: LLM,
    chats: Sequence[Chat],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
) -> Answering:
    """Ask one chat a context, each of which sees its own context alone, and show each part as a paragraph.

    A context that does not answer is passed over. The answer is refused when none does.
    """
    stream, cited, confidence = CitedStream(contexts, attributor), NOTHING_SAID, None
    said: set[str] = set()
    for number, chat in enumerate(chats, 1):
        told = Logprobs()
        text = _closed(_reply_to_part(llm, chat, max_tokens, told), chat.language)
        confidence = max_confidence(confidence, _confidence(told))
        if _may_refuse(text) or text in said:
            continue
        shown, cited = stream.feed(f"{mark_sentences(text, number)}\n\n", whole=True)
        if shown:
            said.add(text)
            yield shown, cited
    return Generated(cited, not cited.sentences, confidence)


def max_confidence(one: float | None, other: float | None) -> float | None:
    """Return the higher of two confidences, None where neither is known."""
    return max((each for each in (one, other) if each is not None), default=None)


def _reply_to_part(llm: LLM, chat: Chat, max_tokens: int, told: Logprobs) -> str:
    """Return the reply about one abstract among several, cut off after some sentences; nothing for a refusal."""
    text = ""
    with closing(_reply(llm, chat, max_tokens, told)) as reply:
        for delta in reply:
            if _refuses(told, chat):
                return ""
            text += delta
            if len(spans := split_sentences(text)) > _SENTENCES_EACH:
                return text[: spans[_SENTENCES_EACH - 1][1]].strip()
        return text.strip() + ("…" if reply.finish_reason == "length" else "")


def _stream_reply(
    llm: LLM, chat: Chat, contexts: Sequence[ScoredChunk], max_tokens: int, attributor: Attributor
) -> Answering:
    """Stream one reply in the chat's language; first words are held back until they cannot become a refusal."""
    stream, start, cited, told = CitedStream(contexts, attributor), "", NOTHING_SAID, Logprobs()
    started = False
    with closing(_reply(llm, chat, max_tokens, told)) as reply:
        for delta in reply:
            if _refuses(told, chat):
                return Generated(NOTHING_SAID, True, _confidence(told))
            if not cited.sentences and _too_uncertain(told, chat):
                return Generated(NOTHING_SAID, True, given_up=True)
            start += delta
            if not started and _may_refuse(start):
                continue
            shown, cited = stream.feed(delta if started else start)
            started = True
            if shown:
                yield shown, cited
            if _said_enough(cited, chat):
                return Generated(cited, not cited.sentences, _confidence(told))
        if not started and _letters(start) != "no":  # the reply ended as a refusal, or as nothing at all
            return Generated(NOTHING_SAID, True, _confidence(told))
        if not started:
            stream.feed(start)
        end, cited = stream.finish(cut=reply.finish_reason == "length")
    if end:
        yield end, cited
    return Generated(cited, not cited.sentences, _confidence(told))


def _reply(llm: LLM, chat: Chat, max_tokens: int, told: Logprobs) -> Reply:
    if not llm.supports_grammar:
        return llm.stream(chat.messages, max_tokens=max_tokens)
    grammar = answer_grammar(chat.language, may_refuse=chat.may_refuse)
    return llm.stream(chat.messages, max_tokens=max_tokens, grammar=grammar, logprobs=told)


def _drained(items: Answering) -> Generated:
    """Return what was generated; what would have been shown on the way is left out."""
    while True:
        try:
            next(items)
        except StopIteration as end:
            generated: Generated = end.value
            return generated


def _translated(read: Cited, translate: Translate, attributor: Attributor) -> Iterator[Shown]:
    """Yield the sentences as `translate` says them; what it cannot say, or says otherwise, is left out."""
    kept: list[Sentence] = []
    for sentence in read.sentences:
        said = translate(sentence.text)
        found = attributor.check_translation(said, sentence) if said is not None else None
        if found is not None:
            before = with_sentences(read, kept).text
            kept.append(found)
            cited = with_sentences(read, kept)
            yield cited.text[len(before) :], cited


def _said_enough(cited: Cited, chat: Chat) -> bool:
    """Return whether a reply need not go on."""
    if chat.most_sentences is None:
        return False
    lost = not cited.sentences and len(cited.dropped) >= _MAX_DROPPED
    return cited.read >= chat.most_sentences or lost


def _too_uncertain(told: Logprobs, chat: Chat) -> bool:
    return chat.most_surprisal is not None and told.surprisal > chat.most_surprisal


def _refuses(told: Logprobs, chat: Chat) -> bool:
    """Return whether the model was likelier to refuse than the chat allows."""
    refusal = refusal_log_odds(told.first)
    return chat.refusal_threshold is not None and refusal is not None and refusal > chat.refusal_threshold


def _confidence(told: Logprobs) -> float | None:
    refusal = refusal_log_odds(told.first)
    return None if refusal is None else confidence_of(refusal)


def _closed(text: str, language: Language) -> str:
    """Return a text with an end, so that what follows begins a sentence; nothing stays nothing."""
    ended = not text or text.endswith(tuple(STOPS))
    return text if ended else text + ("。" if language == "zh" else ".")


def _may_refuse(start: str) -> bool:
    """Return whether an answer that begins with `start` is, or may still become, a refusal.

    A number outside a marker is none.
    """
    if re.search(r"\d", _MARK.sub("", start)):
        return False
    return _letters(NOT_FOUND).startswith(_letters(start)) or bool(_REFUSED.match(start))


def _letters(text: str) -> str:
    return re.sub(r"[\W_\d]+", "", text).casefold()
