"""Translate an English sentence into Chinese without changing its numbers and names.

A grammar made for each sentence allows only the numbers and Latin words of sentence and question. If the
translation loses one of them, the model is asked once more and the lost words are named.
"""

from __future__ import annotations

import json
import re

from rag.answering.generation.messages import estimate_tokens
from rag.answering.generation.prompts import TO_KEEP, TRANSLATE_SYSTEM, TRANSLATIONS, translate_turn
from rag.answering.verification.facts import missing_names, missing_numbers
from rag.llm.base import LLM, Message
from rag.text.numbers import find_numbers, localise_numbers

_STOP = "。"
# Longest translation, in tokens: so many per token of the sentence, plus a constant.
_TOKENS_EACH, _TOKENS_MORE = 2, 40
_TIMES = 2  # tries; higher translates more sentences and takes longer
# A word that is not Chinese: letters and digits, with the characters that join them.
_WORD = re.compile(
    r"[^\W_\u3400-\u9fff](?:[^\s\u3400-\u9fff,;:()\[\]{}\"“”。，、；：（）!?！？]|,(?=\d{3}))*"
)
_ENDING = ".'’"
# One part of a hyphenated name.
_PART = r"[A-Z0-9][A-Za-z0-9]*"
_DIGITS = re.compile(r"[\d.,]+%?")


def translate(llm: LLM, question: str, sentence: str) -> str | None:
    """Return the English `sentence` in Chinese; None if numbers, names or its end get lost.

    Args:
        llm: a model that supports grammars.
        question: the Chinese question, which shows how terms are translated.
        sentence: one sentence of its answer, without citation markers.

    Raises:
        LLMError: the model failed.
    """
    longest = _TOKENS_EACH * estimate_tokens(sentence) + _TOKENS_MORE
    grammar = translation_grammar(question, sentence)
    left_out: list[str] = []
    for _ in range(_TIMES):
        turn = Message("user", translate_turn(question, sentence, left_out))
        said = llm.complete([*translation_prefix(), turn], max_tokens=longest, grammar=grammar).strip()
        if not said.endswith(_STOP) or TO_KEEP in said:  # cut off, or the request was repeated
            return None
        left_out = lost(question, sentence, said)
        if not left_out:
            return said
    return None


def translation_prefix() -> list[Message]:
    """Return the first messages of every translation chat."""
    messages = [Message("system", TRANSLATE_SYSTEM)]
    for question, sentence, said in TRANSLATIONS:
        messages += [Message("user", translate_turn(question, sentence)), Message("assistant", said)]
    return messages


def lost(question: str, sentence: str, said: str) -> list[str]:
    """Return, in order, names and digit numbers of `sentence` that `said` and `question` both lack."""
    known = [said, question]
    missing = set(missing_numbers(sentence, known))
    written = (
        (n.start, sentence[n.start : n.end]) for n in find_numbers(sentence) if str(n.value) in missing
    )
    spans = [(start, word) for start, word in written if re.search(r"\d", word)]
    for name in missing_names(sentence, known):
        whole = re.search(rf"(?:{_PART}[-‐‑])*{re.escape(name)}(?:[-‐‑]{_PART})*", sentence)
        spans += [(whole.start(), whole[0])] if whole else []
    return list(dict.fromkeys(word for _, word in sorted(spans)))


def translation_grammar(question: str, sentence: str) -> str:
    """Return the GBNF grammar of a Chinese sentence with only the numbers and Latin words of the two texts.

    At most four Latin words stand in a row. The grammar must be unambiguous: llama.cpp follows every parse,
    and two rules that accept the same character can make it hang.
    """
    words = _words(f"{question} {sentence}") | _words(localise_numbers(sentence, "zh"))
    if not words:
        return f'root ::= gap "{_STOP}"\n{_GAP}'
    listed = " | ".join(map(_literal, sorted(words, key=lambda word: (-len(word), word))))
    return (
        f'root ::= (gap (phrase gap)* phrase? | phrase (gap phrase)* gap?) "{_STOP}"\n'
        f'{_GAP}phrase ::= word (" " word){{0,3}}\nword ::= {listed}\n'
    )


_GAP = 'gap ::= " "? other (other | " ")*\nother ::= [^A-Za-z0-9\\[\\]\\n_。！？!?;； -]\n'


def _words(text: str) -> set[str]:
    """Return the Latin words of a text, and its numbers with and without separators."""
    words = {match[0].rstrip(_ENDING) for match in _WORD.finditer(text)}
    numbers = {text[number.start : number.end] for number in find_numbers(text) if not number.identifier}
    written = {number for number in numbers if re.match(r"\d", number)}
    return {word for word in words if not _DIGITS.fullmatch(word)} | written | {_plain(n) for n in written}


def _plain(number: str) -> str:
    return number.replace(",", "") if _DIGITS.fullmatch(number) else number


def _literal(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)
