"""Stream an answer from a chat: ask the model, detect a refusal, cite, verify and translate."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from rag.answering.abstention import PLAIN, Doubt, refusal_log_odds
from rag.answering.citing.attribution import Attributor, ContextEvidence
from rag.answering.citing.citations import NOTHING_SAID, Cited, CitedStream, with_sentences
from rag.answering.citing.markers import STOPS, mark_sentences
from rag.answering.generation.grammar import answer_grammar
from rag.answering.generation.prompts import NOT_FOUND
from rag.llm.base import LLM, Message, TextStream
from rag.llm.logprobs import Logprobs
from rag.schema import Language, ProgressEvent, ScoredChunk, Sentence
from rag.text.sentences import split_sentences

# Most sentences of a reply about one abstract among several.
_SENTENCES_EACH = 2
# A reply ends after so many unsupported sentences if none was supported; lower stops sooner.
_MAX_DROPPED = 2
# Probability of an answer from which an abstract is quoted where nothing that was said of it is supported;
# higher quotes fewer. See docs/decisions.md#quotations-in-place-of-replies.
SURE_CONFIDENCE = 0.9
_MARK = re.compile(r"\[\d*\]?")
_REFUSED = re.compile(r"\W*not[\s_-]*found\b", re.IGNORECASE)

Translate = Callable[[str], str | None]
"""Translates a sentence of a reply into the language of the question; None if that fails."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that the model answers in `language`, and the rules for its reply.

    Attributes:
        may_refuse: whether the grammar allows `NOT_FOUND`.
        doubt: which refusals that the model had in mind keep the reply from being shown.
        max_nll: nats; a reply above it is given up before any of it is shown. Lower gives up more.
        most_sentences: the reply ends after so many sentences.
        translate: applied to each sentence; the reply is given up if it fails for all.
    """

    messages: Sequence[Message]
    language: Language = "en"
    may_refuse: bool = True
    doubt: Doubt = PLAIN
    max_nll: float | None = None
    most_sentences: int | None = None
    translate: Translate | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """A finished answer; `refused` if the abstracts do not answer.

    `confidence` is the probability, from 0 to 1, that they do; None if it is unknown. A reply that was
    `given_up` showed nothing, and a different chat may still answer.
    """

    cited: Cited
    refused: bool
    confidence: float | None = None
    given_up: bool = False


Shown = tuple[str, Cited]
"""New text to show, and everything cited so far."""

Answering = Generator[Shown | ProgressEvent, None, Generated]
"""Yields what is shown and what is being done, and returns the finished answer."""


def stream_answer(
    llm: LLM, chat: Chat, contexts: Sequence[ScoredChunk], max_tokens: int, attributor: Attributor
) -> Answering:
    """Yield the text to show as it arrives, and return the finished answer.

    A refusal shows nothing. A translated reply is shown only after the model has finished it.
    """
    if chat.translate is None:
        return (yield from _stream_reply(llm, chat, contexts, max_tokens, attributor))
    read = _drained(_stream_reply(llm, chat, contexts, max_tokens, attributor))
    if read.refused:
        return read
    cited = NOTHING_SAID
    for item in _translated(read.cited, chat.translate, attributor):
        if not isinstance(item, ProgressEvent):
            cited = item[1]
        yield item
    lost = not cited.sentences
    return replace(read, cited=cited, refused=lost, given_up=lost)


def stream_each(
    llm: LLM,
    chats: Sequence[Chat],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
    quote: Callable[[int], Sequence[ContextEvidence]],
) -> Answering:
    """Ask `chats[i]` about `contexts[i]` alone, and show each reply as a paragraph.

    A refusal or a repeated reply is skipped, and the answer is refused if every reply is. Where nothing of a
    reply is supported, what `quote` gives for its number is quoted at the end: if another reply is supported,
    or if the model is sure that this one answers. It is not where that probability is unknown.
    """
    stream, cited, confidence = CitedStream(contexts, attributor), NOTHING_SAID, None
    said: set[str] = set()
    lost: dict[int, float] = {}
    for number, chat in enumerate(chats, 1):
        yield ProgressEvent("reading", number, len(chats))
        logprobs = Logprobs()
        text = _closed(_reply_to_part(llm, chat, max_tokens, logprobs), chat.language)
        own = _confidence(logprobs, chat)
        confidence = max_confidence(confidence, own)
        if _may_refuse(text) or text in said:
            continue
        shown, cited = stream.feed(f"{mark_sentences(text, number)}\n\n", whole=True)
        if shown:
            said.add(text)
            yield shown, cited
        elif own is not None:
            lost[number] = own
    answered = bool(cited.sentences)
    for number, own in lost.items():
        if answered or is_sure(own):
            shown, cited = stream.quote(quote(number))
            if shown:
                yield shown, cited
    return Generated(cited, not cited.sentences, confidence)


def is_sure(confidence: float | None) -> bool:
    """Return whether a reply with this probability of an answer stands for one, even if it is unsupported."""
    return confidence is not None and confidence >= SURE_CONFIDENCE


def max_confidence(one: float | None, other: float | None) -> float | None:
    """Return the higher of two confidences; None if both are unknown."""
    return max((each for each in (one, other) if each is not None), default=None)


def _reply_to_part(llm: LLM, chat: Chat, max_tokens: int, logprobs: Logprobs) -> str:
    """Return the first sentences of a reply about one abstract among several; empty for a refusal."""
    text = ""
    with closing(_reply(llm, chat, max_tokens, logprobs)) as reply:
        for delta in reply:
            if not text and _refuses(logprobs, chat):
                return ""
            text += delta
            if len(spans := split_sentences(text)) > _SENTENCES_EACH:
                return text[: spans[_SENTENCES_EACH - 1][1]].strip()
        return text.strip() + ("…" if reply.finish_reason == "length" else "")


def _stream_reply(
    llm: LLM, chat: Chat, contexts: Sequence[ScoredChunk], max_tokens: int, attributor: Attributor
) -> Answering:
    """Stream one reply; its first words are held back until they cannot become a refusal."""
    stream, start, cited, logprobs = CitedStream(contexts, attributor), "", NOTHING_SAID, Logprobs()
    started = False
    with closing(_reply(llm, chat, max_tokens, logprobs)) as reply:
        for delta in reply:
            if not start and _refuses(logprobs, chat):
                return Generated(NOTHING_SAID, True, _confidence(logprobs, chat))
            if not cited.sentences and _too_uncertain(logprobs, chat):
                return Generated(NOTHING_SAID, True, given_up=True)
            start += delta
            if not started and _may_refuse(start):
                continue
            shown, cited = stream.feed(delta if started else start)
            started = True
            if shown:
                yield shown, cited
            if _said_enough(cited, chat):
                return Generated(cited, not cited.sentences, _confidence(logprobs, chat))
        if not started and _letters(start) != "no":  # a refusal or an empty reply
            return Generated(NOTHING_SAID, True, _confidence(logprobs, chat))
        if not started:
            stream.feed(start)
        end, cited = stream.finish(cut=reply.finish_reason == "length")
    if end:
        yield end, cited
    return Generated(cited, not cited.sentences, _confidence(logprobs, chat))


def _reply(llm: LLM, chat: Chat, max_tokens: int, logprobs: Logprobs) -> TextStream:
    if not llm.supports_grammar:
        return llm.stream(chat.messages, max_tokens=max_tokens)
    grammar = answer_grammar(chat.language, may_refuse=chat.may_refuse)
    return llm.stream(chat.messages, max_tokens=max_tokens, grammar=grammar, logprobs=logprobs)


def _drained(items: Answering) -> Generated:
    """Return the finished answer without showing anything."""
    while True:
        try:
            next(items)
        except StopIteration as end:
            generated: Generated = end.value
            return generated


def _translated(read: Cited, translate: Translate, attributor: Attributor) -> Iterator[Shown | ProgressEvent]:
    """Yield the translated sentences; a failed or unfaithful translation is left out."""
    kept: list[Sentence] = []
    cited = NOTHING_SAID
    for number, sentence in enumerate(read.sentences, 1):
        yield ProgressEvent("translating", number, len(read.sentences))
        said = translate(sentence.text)
        found = attributor.check_translation(said, sentence) if said is not None else None
        if found is not None:
            kept.append(found)
            before, cited = cited, with_sentences(read, kept)
            yield cited.text[len(before.text) :], cited


def _said_enough(cited: Cited, chat: Chat) -> bool:
    if chat.most_sentences is None:
        return False
    lost = not cited.sentences and len(cited.dropped) >= _MAX_DROPPED
    return cited.read >= chat.most_sentences or lost


def _too_uncertain(logprobs: Logprobs, chat: Chat) -> bool:
    return chat.max_nll is not None and logprobs.negative_log_likelihood > chat.max_nll


def _refuses(logprobs: Logprobs, chat: Chat) -> bool:
    """Return whether a refusal is likelier than the chat allows."""
    refusal = refusal_log_odds(logprobs.first)
    return refusal is not None and chat.doubt.refuses(refusal)


def _confidence(logprobs: Logprobs, chat: Chat) -> float | None:
    refusal = refusal_log_odds(logprobs.first)
    return None if refusal is None else chat.doubt.confidence(refusal)


def _closed(text: str, language: Language) -> str:
    """Return the text with a full stop at its end; an empty text stays empty."""
    ended = not text or text.endswith(tuple(STOPS))
    return text if ended else text + ("。" if language == "zh" else ".")


def _may_refuse(start: str) -> bool:
    """Return whether a reply that begins with `start` is, or may become, a refusal."""
    if re.search(r"\d", _MARK.sub("", start)):
        return False
    return _letters(NOT_FOUND).startswith(_letters(start)) or bool(_REFUSED.match(start))


def _letters(text: str) -> str:
    return re.sub(r"[\W_\d]+", "", text).casefold()
