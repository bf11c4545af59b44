"""Lay out chats: instructions, examples, earlier turns, abstracts and question, within the context window."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answering.citing.markers import mark_sentences
from rag.answering.generation.prompts import (
    EXAMPLES,
    NOT_FOUND,
    READ_SYSTEM,
    SYSTEM,
    abstract_turn,
    question_turn,
    several_turn,
)
from rag.llm.base import Message, Shared
from rag.schema import LANGUAGES, History, Language, Paper
from rag.text.injection import without_planted
from rag.text.language import detect_language
from rag.text.numbers import localise_numbers

# Tokens for one whole abstract, unless the settings say otherwise; longer abstracts are cut.
ABSTRACT_TOKENS = 800
# Tokens that earlier turns must leave for the abstracts; higher drops more turns.
_MIN_CONTEXT_TOKENS = 1000
# Tokens reserved for the chat format and for errors of `estimate_tokens`.
_SLACK_TOKENS = 150
# Earlier turns that the model sees again, and characters of each answer.
HISTORY_TURNS = 2
_HISTORY_CHARS = 600


def several_messages(
    question: str, abstracts: Sequence[str], language: Language, history: History = (), room: int = 8192
) -> list[Message]:
    """Return a chat of at most `room` tokens about several abstracts, which are numbered from 1.

    Earlier turns are dropped if they leave too little room for the abstracts. Abstracts that still do not fit
    are cut to equal shares.
    """
    earlier, budget = _fit_history(question, language, history, room)
    turns = [message for turn in earlier for message in turn]
    text = number_abstracts(cut_abstracts(abstracts, budget))
    return [*several_prefix(), *turns, Message("user", several_turn(text, question, language))]


def abstract_prompt(name: str, abstract: str) -> list[Message]:
    """Return the messages that begin every chat about one whole abstract; `name` is the paper's id."""
    text = abstract_turn(abstract)
    return [*abstract_prompt_prefix(), Message("user", text, Shared(name, len(text)))]


def abstract_messages(
    name: str | None,
    abstract: str,
    question: str,
    language: Language,
    history: History = (),
    room: int = 8192,
    *,
    read_in: Language | None = None,
) -> list[Message]:
    """Return a chat of at most `room` tokens about one abstract, to answer in `read_in` or `language`.

    It begins with `abstract_prompt`, whose cache it shares, and earlier turns follow the abstract. `name` is
    None if `abstract` is an excerpt, which is not worth caching. `abstract` may have `abstract_budget`
    tokens.
    """
    *prefix, reading = abstract_prompt(name or "", abstract)
    turns = [message for turn in _fit_reading(room, question, history)[0] for message in turn]
    asked, *between = [*turns, Message("user", question_turn(question, language, read_in=read_in))]
    first = Message("user", reading.content + asked.content, reading.shared if name else None)
    return [*prefix, first, *between]


def context_budget(question: str, language: Language, history: History = (), room: int = 8192) -> int:
    """Return the tokens that `several_messages` has for the abstracts."""
    return _fit_history(question, language, history, room)[1]


def _fit_history(
    question: str, language: Language, history: History, room: int
) -> tuple[list[list[Message]], int]:
    asked = estimate_tokens(several_turn("", question, language))
    return _fit(history, room - _SLACK_TOKENS - _tokens(several_prefix()) - asked)


def _fit_reading(room: int, question: str, history: History) -> tuple[list[list[Message]], int]:
    asked = estimate_tokens(question_turn(question, "en"))
    put = [(question_turn(earlier, detect_language(earlier)), answered) for earlier, answered in history]
    return _fit(put, room - _SLACK_TOKENS - _tokens(abstract_prompt_prefix()) - asked)


def _fit(history: History, left: int) -> tuple[list[list[Message]], int]:
    """Return the last turns that leave room for abstracts in `left` tokens, and the tokens they leave."""
    earlier = [
        [Message("user", asked), Message("assistant", _clipped(answered))]
        for asked, answered in list(history)[-HISTORY_TURNS:]
    ]
    while earlier and left - sum(map(_tokens, earlier)) < _MIN_CONTEXT_TOKENS:
        earlier.pop(0)
    return earlier, max(0, left - sum(map(_tokens, earlier)))


def _tokens(messages: Sequence[Message]) -> int:
    return sum(estimate_tokens(message.content) for message in messages)


def several_prefix() -> list[Message]:
    """Return the first messages of every chat about several abstracts."""
    messages = [Message("system", SYSTEM)]
    for abstracts, about, question, answer in EXAMPLES:
        numbered = number_abstracts(abstracts)
        said = answer if answer == NOT_FOUND else mark_sentences(answer, about)
        messages += [
            Message("user", several_turn(numbered, question, detect_language(question))),
            Message("assistant", said),
        ]
    return messages


def abstract_prompt_prefix() -> list[Message]:
    """Return the first messages of every chat about one abstract."""
    messages = [Message("system", READ_SYSTEM)]
    for abstracts, about, question, answer in EXAMPLES:
        turn = abstract_turn(abstracts[about - 1]) + question_turn(question, detect_language(question))
        messages += [Message("user", turn), Message("assistant", answer)]
    return messages


def abstract_budget(room: int, question: str, history: History = ()) -> int:
    """Return the tokens of `room` that an abstract may take in `abstract_messages`."""
    return _fit_reading(room, question, history)[1]


def number_abstracts(abstracts: Sequence[str]) -> str:
    """Return the abstracts numbered [1] … [n]."""
    return "\n\n".join(f"[{number}] {text}" for number, text in enumerate(abstracts, 1))


def cut_abstracts(abstracts: Sequence[str], budget: int) -> list[str]:
    """Return the abstracts, each cut to an equal share of the rest of `budget` tokens."""
    cut: list[str] = []
    for number, text in enumerate(abstracts, 1):
        share = budget // (len(abstracts) - number + 1)
        if estimate_tokens(text) > share:
            text = text[: max(1, len(text) * share // estimate_tokens(text))]
        budget -= estimate_tokens(text)
        cut.append(text)
    return cut


def estimate_tokens(text: str) -> int:
    """Estimate a chat model's tokens: an ASCII character counts 1/4, any other character 2/3.

    See docs/decisions.md#token-estimate.
    """
    latin = sum(char.isascii() for char in text)
    return int(latin / 4 + (len(text) - latin) / 1.5) + 1


def _clipped(text: str) -> str:
    return text if len(text) <= _HISTORY_CHARS else text[:_HISTORY_CHARS] + "…"


def abstract_text(paper: Paper) -> str:
    """Return title and abstract of a paper, without planted instructions."""
    text = without_planted(paper.text)
    return f"{paper.title}. {text}" if paper.title else text


def prefill_chats(paper: Paper, evidence_tokens: int | None = None) -> list[list[Message]]:
    """Return the first messages of all chats about a paper, for questions in both languages.

    The list is empty if the paper has more than `evidence_tokens` tokens.
    """
    text = abstract_text(paper)
    if estimate_tokens(text) > (evidence_tokens or ABSTRACT_TOKENS):
        return []
    spelled = dict.fromkeys(localise_numbers(text, language) for language in (paper.language, *LANGUAGES))
    return [abstract_prompt(paper.paper_id, each) for each in spelled]
