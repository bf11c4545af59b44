"""Have the language model write a question that an abstract answers: an example for readers."""

from __future__ import annotations

import re
from dataclasses import replace

from rag.answering.generation.messages import ABSTRACT_TOKENS, abstract_text, estimate_tokens
from rag.answering.generation.prompts import WRITE_EXAMPLES, WRITE_SYSTEM, write_turn
from rag.answering.question import needs_context
from rag.llm.base import LLM, Message
from rag.llm.llama_cpp.prefix_cache import steps
from rag.schema import Language, Paper
from rag.text.language import detect_language

# Tokens of the longest question; a longer one is cut off and so dropped.
_MOST_TOKENS = 64
# What points at the abstract before the model: a reader of the library has none before them.
_POINTS = re.compile(
    r"[本该此](?:文|研究|论文|摘要)|\b(?:this|the) (?:paper|study|work|article|abstract|authors?)\b",
    re.IGNORECASE,
)
# The same at the end of an English question, which stands as well without it.
_AT_END = re.compile(
    r",? (?:in|of|by|from|according to) (?:this|the) (?:paper|study|work|article|abstract)(?=\?$)"
)
_ENDS = ("?", "？")
_QUOTES = "\"'“”‘’「」 "


def can_ask(paper: Paper, evidence_tokens: int | None = None) -> bool:
    """Return whether a paper has at most `evidence_tokens` tokens, so that it is read whole."""
    return estimate_tokens(abstract_text(paper)) <= (evidence_tokens or ABSTRACT_TOKENS)


def take_in(llm: LLM) -> None:
    """Let the model take in the instructions, which the next questions then begin with, by small steps.

    Raises:
        LLMError, ModelError: the model failed.
    """
    messages = _instructions()
    for end in range(2, len(messages) + 1, 2):
        llm.complete(messages[:end], max_tokens=1)


def write_question(llm: LLM, paper: Paper) -> str | None:
    """Return a question in the language of `paper`, None if the reply is none that can stand alone.

    Whether the library answers it is for the caller to find out. The model takes the abstract in by small
    steps, so that `llm` can give way between two of them.

    Raises:
        LLMError, ModelError: the model failed.
    """
    before, request = _instructions(), Message("user", write_turn(abstract_text(paper), paper.language))
    for beginning in steps(request.content):
        llm.complete([*before, replace(request, content=beginning)], max_tokens=1)
    return plain_question(llm.complete([*before, request], max_tokens=_MOST_TOKENS), paper.language)


def plain_question(reply: str, language: Language) -> str | None:
    """Return the question that a reply holds, None if there is none in `language` that stands alone."""
    lines = reply.strip().splitlines()
    question = _AT_END.sub("", lines[0].strip(_QUOTES)) if lines else ""
    whole = question.endswith(_ENDS) and sum(map(question.count, _ENDS)) == 1
    if not whole or detect_language(question) != language:
        return None
    if needs_context(question) or _POINTS.search(question):
        return None
    return question


def _instructions() -> list[Message]:
    messages = [Message("system", WRITE_SYSTEM)]
    for abstract, question in WRITE_EXAMPLES:
        turn = write_turn(abstract, detect_language(question))
        messages += [Message("user", turn), Message("assistant", question)]
    return messages
