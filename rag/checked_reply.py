"""A reply of the embedded model, sentence by sentence, each checked before the next is written.

The model halts after a sentence: what is asked about it (`rag.verify_llm`) is asked behind what the model has read already,
and what follows an invention need not be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from rag.abstain import refusal_log_odds
from rag.attribute import Attributor
from rag.cite import STOPS, Cited, CitedStream, mark_sentences
from rag.endpoint import Message
from rag.generate import NOTHING, Chat, ChatModel, Generated, Reply, Translate, begins_with_no, may_refuse
from rag.grammar import answer_grammar
from rag.schema import Language, ScoredChunk
from rag.sentences import split_sentences
from rag.token_choice import Logprobs

# Sentences of a reply about one abstract among several.
_SENTENCES_EACH = 2
# So many sentences that nothing supports, and nothing else, end a reply.
_MAX_DROPPED = 2
_CUT = "…"


def stream_checked(
    llm: ChatModel,
    chat: Chat,
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `rag.generate.stream_answer` does, what is translated in the words of `chat.translate`."""
    items = _stream_reply(llm, chat, contexts, max_tokens, attributor)
    yield from _translated(items, chat.translate, contexts, attributor) if chat.translate else items


def stream_each(
    llm: ChatModel,
    chats: Sequence[Chat],
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_checked` does, asking one chat a context, each of which sees its own context alone.

    What does not answer is passed over, what does is a paragraph of its own; the answer is refused when none does.
    """
    stream, cited = CitedStream(contexts, attributor), NOTHING
    said: set[str] = set()
    for number, chat in enumerate(chats, 1):
        gap = "\n\n"
        for count, sentence in enumerate(_sentences(llm, chat, max_tokens, attributor, Logprobs())):
            text = sentence.strip()
            if count == _SENTENCES_EACH or _refuses(text) or text in said:
                break
            said.add(text)
            shown, cited = stream.feed(gap + mark_sentences(_closed(text, chat.language), number), whole=True)
            if shown:
                yield shown, cited
            gap = " " if chat.language == "en" else ""
    yield Generated(cited, not cited.sentences, attributor.confidence)


def _stream_reply(
    llm: ChatModel,
    chat: Chat,
    contexts: Sequence[ScoredChunk],
    max_tokens: int,
    attributor: Attributor,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield as `stream_checked` does, in the chat's language."""
    stream, cited, told = CitedStream(contexts, attributor), NOTHING, Logprobs()
    for sentence in _sentences(llm, chat, max_tokens, attributor, told):
        if _refuses(sentence):
            break
        shown, cited = stream.feed(sentence, whole=True)
        if shown:
            yield shown, cited
        if _said_enough(cited, chat):
            break
    given_up = not cited.sentences and not cited.dropped and _too_uncertain(told, chat)
    yield Generated(cited, not cited.sentences, attributor.confidence, given_up)


def _translated(
    items: Iterator[tuple[str, Cited] | Generated],
    translate: Translate,
    contexts: Sequence[ScoredChunk],
    attributor: Attributor,
) -> Iterator[tuple[str, Cited] | Generated]:
    """Yield the same as `translate` says it, without what it cannot say or says otherwise; given up where that is all."""
    stream, cited, read = CitedStream(contexts, attributor), NOTHING, 0
    for item in items:
        if isinstance(item, Generated):
            lost = not item.refused and not cited.sentences
            yield item if item.refused else replace(item, cited=cited, refused=lost, given_up=lost)
            return
        for sentence in item[1].sentences[read:]:
            said = translate(sentence.text)
            if said is not None and attributor.say(said, sentence.text):
                shown, cited = stream.feed(said, whole=True)
                if shown:
                    yield shown, cited
        read = len(item[1].sentences)


def _sentences(
    llm: ChatModel, chat: Chat, max_tokens: int, attributor: Attributor, told: Logprobs
) -> Iterator[str]:
    """Yield the sentences of a reply with what stands before them; after each the model halts until the next is wanted.

    Nothing, where what the model tells of its first words leaves no hope, or it becomes too uncertain before its first
    sentence ends.
    """
    said, count, more = "", 1, True
    while more:
        text, more = "", False
        with closing(_reply(llm, chat, said, max_tokens, told)) as reply:
            for delta in reply:
                if not said and not text and _hopeless(told, attributor, chat):
                    return
                if not said and _too_uncertain(told, chat):
                    return
                text += delta
                spans = split_sentences(said + text)
                if more := len(spans) > count:
                    text = text[: spans[count - 1][1] - len(said)]
                    break
            cut = reply.finish_reason == "length"
        if text.strip():
            yield text + _CUT if cut else text
        said, count = said + text, count + 1


def _reply(llm: ChatModel, chat: Chat, said: str, max_tokens: int, told: Logprobs) -> Reply:
    """Have the model reply, or go on with what it has `said`."""
    messages = [*chat.messages, Message("assistant", said)] if said else chat.messages
    if not llm.supports_grammar:
        return llm.stream(messages, max_tokens=max_tokens)
    grammar = answer_grammar(chat.language, may_refuse=chat.gate_for is None, begun=bool(said))
    return llm.stream(messages, max_tokens=max_tokens, grammar=grammar, logprobs=told)


def _said_enough(cited: Cited, chat: Chat) -> bool:
    """Return whether a reply need not go on."""
    said, dropped = len(cited.sentences), len(cited.dropped)
    enough = chat.most_sentences is not None and said + dropped >= chat.most_sentences
    return enough or (not said and dropped >= _MAX_DROPPED)


def _too_uncertain(told: Logprobs, chat: Chat) -> bool:
    return chat.most_surprisal is not None and told.surprisal > chat.most_surprisal


def _hopeless(told: Logprobs, attributor: Attributor, chat: Chat) -> bool:
    """Set the gate for a reply that has begun; return whether nothing that it says could pass."""
    refusal = refusal_log_odds(told.first)
    if chat.gate_for is None or refusal is None:
        return False
    gate = chat.gate_for(refusal)
    attributor.begin(gate, chat.ask)
    if gate.hopeless:
        attributor.confidence = max(gate.confidence(0.5), attributor.confidence or 0.0)
    return gate.hopeless


def _refuses(sentence: str) -> bool:
    return may_refuse(sentence) and not begins_with_no(sentence)


def _closed(text: str, language: Language) -> str:
    """Return a sentence with an end, so that the next one is another."""
    return text if text.endswith(tuple(STOPS)) else text + ("。" if language == "zh" else ".")
