"""Questions and answers made from sentences, and statements made from questions and answers.

Each function returns None where the text offers nothing to work with. What they make is rough; much rough
data teaches a model more than a little smooth data.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from rag.schema import Language
from rag.text.numbers import find_numbers
from training.judge.changes import names
from training.verification_data import shorten

# Words that ask, in Chinese where the answer stands, longest first.
_ASKS_ZH = re.compile(
    r"哪一?[年天月日个位种座条部届次国家]|什么时候|什么地方|什么样的|哪里|哪儿|哪些|何时|何地|谁|多少|几"
    r"|什么|哪"
)
_SUBJECT = re.compile(
    r"^(?:who|what|which(?: [a-z]+){1,3})\s+(?!do\b|does\b|did\b|(?:is|are|was|were) [a-z]+ed\b)(?=[a-z])",
    re.I,
)
_COPULA = re.compile(
    r"^(?:what|who|which(?: [a-z]+){0,2})\s+(is|are|was|were)\s+(the .+?|[A-Z].+?)\s*\?*$", re.I
)
_COUNT = re.compile(r"^how (?:many|much) (.+?) (are|were|is|was|have|has|had|can|will) (.+?)\s*\?*$", re.I)
_BE = re.compile(
    r"^([^,;:]{3,90}?) (is|are|was|were|can|has been|have been|could|will|may) (?!that\b)(.{8,})$"
)
_VERBS = (
    "improve reduce increase decrease outperform achieve require provide show use enable lead depend produce "
    "yield exceed support suffer reach remain differ affect cause predict correlate occur exhibit"
).split()
_VERB = re.compile(
    rf"^([^,;:]{{3,90}}?) (?:significantly |substantially |also )?({'|'.join(_VERBS)})(s|d|ed) (.{{8,}})$"
)
# Whom an abstract speaks of.
_WE = re.compile(r"^we\b", re.I)
_UNIT = re.compile(r"\s?(?:\\?%|％|percent|[A-Za-zµμ°Ω]{1,3}(?![A-Za-z])|倍|年|个|种|篇|人|例|天|万|亿)")


@dataclass(frozen=True, slots=True)
class Cloze:
    """A question for something that a sentence states: `answer`, at `start` of the part `clause` of it."""

    question: str
    answer: str
    clause: str
    start: int

    def with_answer(self, answer: str) -> str:
        """Return the clause with another answer."""
        return self.clause[: self.start] + answer + self.clause[self.start + len(self.answer) :]


def cloze(sentence: str, language: Language, draw: random.Random) -> Cloze | None:
    """Ask for a number or a name of a sentence, in the words around it."""
    clause = _clause(sentence, language, draw)
    spans = _number_spans(clause)
    if not spans or draw.random() < 0.2:
        named = names([clause])
        spans = [(clause.index(name), name) for name in named if clause.count(name) == 1] or spans
    if not spans or "http" in clause:
        return None
    start, answer = draw.choice(spans)
    number = any(c.isdigit() for c in answer[:2])
    if language == "zh":
        word = "多少" if number else draw.choice(["什么", "哪个"])
    else:
        word = draw.choice(["how much", "what", "how many"] if number else ["what", "which"])
    question = clause[:start] + word + clause[start + len(answer) :]
    return Cloze(_asked(question, language), answer, clause, start)


def _number_spans(text: str) -> list[tuple[int, str]]:
    spans = []
    for number in find_numbers(text):
        if number.identifier or not text[number.start].isdigit():
            continue
        unit = _UNIT.match(text, number.end)
        end = unit.end() if unit else number.end
        spans.append((number.start, text[number.start : end]))
    return spans


def _clause(sentence: str, language: Language, draw: random.Random) -> str:
    """Return the sentence, or in half of the cases the part between commas that states most."""
    parts = re.split(r", (?!\d)|; " if language == "en" else r"[，；]", sentence)
    long = [p for p in parts if len(p) > (40 if language == "en" else 12)]
    numbered = [p for p in long if any(c.isdigit() for c in p)]
    if draw.random() < 0.5 or not long:
        return sentence
    return draw.choice(numbered or long)


def _asked(text: str, language: Language) -> str:
    text = text.rstrip(" .。;；,，")
    return text[:1].upper() + text[1:] + ("?" if language == "en" else "？")


def yes_no(sentence: str, language: Language, draw: random.Random) -> str | None:
    """Ask whether what a sentence states is so."""
    text = shorten(sentence, language).rstrip(" .。;；")
    if language == "zh":
        if (match := re.search(r"能够|可以", text)) and draw.random() < 0.5:
            return f"{text[: match.start()]}是否{match[0]}{text[match.end() :]}？"
        return draw.choice([f"{text}吗？", f"{text}，对吗？", f"是否{text}？"])
    lower = text if text[1:2].isupper() else text[:1].lower() + text[1:]
    if (match := _BE.match(text)) and not _WE.match(text):
        subject = lower[: len(match[1])]
        verb, _, tail = match[2].partition(" ")
        return f"{verb.capitalize()} {subject} {tail + ' ' if tail else ''}{match[3]}?"
    if match := _VERB.match(text):
        auxiliary = "Did" if match[3] != "s" else "Does"
        return f"{auxiliary} {lower[: len(match[1])]} {match[2]} {match[4]}?"
    if draw.random() < 0.5:
        return None
    return draw.choice([f"Is it true that {lower}?", f"{text}, right?"])


def statement(question: str, answer: str, language: Language) -> str | None:
    """Return question and answer as one sentence."""
    text = question.strip().rstrip("?？ ")
    if language == "zh":
        match = _ASKS_ZH.search(text)
        if match is None:
            return None
        rest = text[match.end() :]
        while rest and answer.endswith(rest[0]) and len(rest) < 4:
            rest = rest[1:]
        return f"{text[: match.start()]}{answer}{rest}。"
    said = answer[:1].upper() + answer[1:]
    if match := _COPULA.match(question.strip()):
        return f"{match[2][:1].upper()}{match[2][1:]} {match[1]} {answer}."
    if match := _COUNT.match(question.strip()):
        return f"{said} {match[1]} {match[2]} {match[3]}."
    if match := _SUBJECT.match(text):
        return f"{said} {text[match.end() :]}."
    return None
