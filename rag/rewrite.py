"""Follow-ups rewritten into full questions by the language model, and checked before they are believed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing

from rag.analyze import analyze
from rag.endpoint import Message
from rag.followup import needs_context
from rag.generate import ChatModel, prefix_messages
from rag.language import detect_language
from rag.numbers import number_values

History = Sequence[tuple[str, str]]

MAX_TOKENS = 60
_MAX_CHARS = 300
# Earlier turns that are shown, and how much of each answer: what a follow-up leans on was said just before.
_TURNS = 2
_ANSWER_CHARS = 240
# A line that ends as a question does; markers of citations never get in.
GRAMMAR = "root ::= [^\\n\\[\\]?？]{4,200} [?？]\n"

_INSTRUCTION = (
    "Rewrite the last question so that it can be understood without the earlier ones: put the names that it leaves out "
    "or calls it, they, 它 or 那 into it. Keep its language and its own words, add nothing else, and do not answer it.\n\n"
    "Q: How many parameters does LeafNet have?\nA: LeafNet has 2.1M parameters.\nLast: and its accuracy?\n"
    "Rewritten: What is the accuracy of LeafNet?\n\n"
    "Q: WindDiff把计算时间缩短了多少?\nA: WindDiff把计算时间缩短了40倍。\nLast: 那误差呢?\n"
    "Rewritten: WindDiff的平均误差是多少?\n\n"
    "Q: Which networks recognise plant diseases?\nA: LeafNet and MobileNetV3.\nLast: What does the second one reach on "
    "PlantVillage?\nRewritten: What does MobileNetV3 reach on PlantVillage?\n\n"
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.+/-]*", re.ASCII)
_MARKERS = re.compile(r"\s*\[\d+\]")


def standalone(llm: ChatModel, question: str, history: History) -> str | None:
    """Return `question` as a full question, by what was said before; None where it is one or cannot be made one.

    `history` are (question, answer text), oldest first. Raises LLMError as `llm` does.
    """
    if not history or not needs_context(question):
        return None
    grammar = GRAMMAR if llm.supports_grammar else None
    reply = ""
    with closing(
        llm.stream(rewrite_messages(question, history), max_tokens=MAX_TOKENS, grammar=grammar)
    ) as deltas:
        for delta in deltas:
            reply += delta
            if "\n" in reply.strip():
                break
    rewritten = _line(reply)
    return rewritten if is_faithful(rewritten, question, history) else None


def rewrite_messages(question: str, history: History) -> list[Message]:
    """Return the chat: the prefix of every answer, so that it stays cached, then one turn that asks for the question."""
    turns = [f"Q: {asked}\nA: {_clipped(answered)}\n" for asked, answered in list(history)[-_TURNS:]]
    return [
        *prefix_messages(),
        Message("user", f"{_INSTRUCTION}{''.join(turns)}Last: {question}\nRewritten:"),
    ]


def is_faithful(rewritten: str, question: str, history: History) -> bool:
    """Return whether a rewriting may stand for the question.

    It keeps the question's language, numbers and identifiers, brings in no number or identifier that nobody said, takes
    something from the conversation, and is one question that is not over-long.
    """
    said = " ".join([question, *(f"{asked} {answered}" for asked, answered in list(history)[-_TURNS:])])
    return (
        rewritten.endswith(("?", "？"))
        and len(rewritten) <= _MAX_CHARS
        and detect_language(rewritten) == detect_language(question)
        and _names(question) <= _names(rewritten) <= _latin(said)
        and set(number_values(rewritten, identifiers=True)) <= set(number_values(said, identifiers=True))
        and bool((set(analyze(rewritten)) - set(analyze(question))) & set(analyze(said)))
    )


def _names(text: str) -> set[str]:
    """Return the identifiers and numbers of a text, in small letters: words with a digit or an inner capital.

    In a Chinese text every Latin word is one.
    """
    words = _IDENTIFIER.findall(_MARKERS.sub("", text))
    if detect_language(text) == "en":
        words = [word for word in words if re.search(r"\d|(?!^)[A-Z]", word)]
    return _latin(" ".join(words))


def _latin(text: str) -> set[str]:
    return {word.rstrip(".-/").lower() for word in _IDENTIFIER.findall(text)}


def _line(reply: str) -> str:
    line = next((line.strip() for line in reply.splitlines() if line.strip()), "")
    return re.sub(r"^(?:Rewritten|改写)\s*[:：]\s*", "", line).strip().strip('"“”「」').strip()


def _clipped(answer: str) -> str:
    text = _MARKERS.sub("", " ".join(answer.split("\n\n")))
    return text if len(text) <= _ANSWER_CHARS else text[:_ANSWER_CHARS] + "…"
