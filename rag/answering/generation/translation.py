"""Say an English sentence in Chinese, held to its numbers and names.

A small model reads English abstracts best in English, also for a Chinese question, and says the answer in Chinese afterwards.
It may not respell a name, nor write a number that was not said: a grammar made for the sentence leaves it those
only. Where it leaves one out that the question does not say, it is told so, once.
"""

from __future__ import annotations

import json
import re

from rag.answering.generation.messages import estimate_tokens
from rag.answering.generation.prompts import TO_KEEP, TRANSLATE_SYSTEM, TRANSLATIONS, translate_turn
from rag.answering.verification.facts import missing_names, missing_numbers
from rag.llm.base import LLM, Message
from rag.text.numbers import find_numbers, spelled_for

_STOP = "。"
# Tokens that a translation may have for each of the sentence, and beside.
_TOKENS_EACH, _TOKENS_MORE = 2, 40
# A sentence is asked for anew, once, with what was left out of it.
_TIMES = 2
# A word of another alphabet: letters and digits, and what joins them.
_WORD = re.compile(
    r"[^\W_\u3400-\u9fff](?:[^\s\u3400-\u9fff,;:()\[\]{}\"“”。，、；：（）!?！？]|,(?=\d{3}))*"
)
_ENDING = ".'’"
# A part of a name that a hyphen joins to others, as in SNOMED-CT.
_PART = r"[A-Z0-9][A-Za-z0-9]*"
_DIGITS = re.compile(r"[\d.,]+%?")


def translate(llm: LLM, question: str, sentence: str) -> str | None:
    """Return what answers a Chinese `question`, the English `sentence`, in Chinese; None where numbers, names or the end get lost.

    Raises LLMError as `llm` does.

    Args:
        llm: the model, which is held to a grammar.
        question: the question, which tells how terms are called.
        sentence: one sentence without markers.
    """
    longest = _TOKENS_EACH * estimate_tokens(sentence) + _TOKENS_MORE
    grammar = translation_grammar(question, sentence)
    left_out: list[str] = []
    for _ in range(_TIMES):
        turn = Message("user", translate_turn(question, sentence, left_out))
        said = llm.complete([*translation_prefix(), turn], max_tokens=longest, grammar=grammar).strip()
        if not said.endswith(_STOP) or TO_KEEP in said:  # cut at its longest; what it was told, said again
            return None
        left_out = lost(question, sentence, said)
        if not left_out:
            return said
    return None


def translation_prefix() -> list[Message]:
    """Return the part of the chat that every translation begins with."""
    messages = [Message("system", TRANSLATE_SYSTEM)]
    for question, sentence, said in TRANSLATIONS:
        messages += [Message("user", translate_turn(question, sentence)), Message("assistant", said)]
    return messages


def lost(question: str, sentence: str, said: str) -> list[str]:
    """Return the numbers written in digits and the names of `sentence` that neither `said` nor `question` has, in order."""
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
    """Return the GBNF grammar of one Chinese sentence whose numbers are those of `sentence` and `question`.

    So are its words in Latin letters, at most four in a row. No text may be read in many ways: llama.cpp follows them all,
    and hung over the token of 64 hyphens where two rules took one.
    """
    words = _words(f"{question} {sentence}") | _words(spelled_for(sentence, "zh"))
    if not words:
        return f'root ::= gap "{_STOP}"\n{_GAP}'
    listed = " | ".join(map(_literal, sorted(words, key=lambda word: (-len(word), word))))
    return (
        f'root ::= (gap (phrase gap)* phrase? | phrase (gap phrase)* gap?) "{_STOP}"\n'
        f'{_GAP}phrase ::= word (" " word){{0,3}}\nword ::= {listed}\n'
    )


_GAP = 'gap ::= " "? other (other | " ")*\nother ::= [^A-Za-z0-9\\[\\]\\n_。！？!?;； -]\n'


def _words(text: str) -> set[str]:
    """Return the words of a text in Latin letters, and its numbers, with and without separators."""
    words = {match[0].rstrip(_ENDING) for match in _WORD.finditer(text)}
    numbers = {text[number.start : number.end] for number in find_numbers(text) if not number.identifier}
    written = {number for number in numbers if re.match(r"\d", number)}
    return {word for word in words if not _DIGITS.fullmatch(word)} | written | {_plain(n) for n in written}


def _plain(number: str) -> str:
    return number.replace(",", "") if _DIGITS.fullmatch(number) else number


def _literal(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)
