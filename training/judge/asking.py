"""Pairs with a question, made from papers: the judge learns whether a sentence answers what was asked.

A question asks for one number or name of a sentence, or whether the sentence is so. The answer is that number
or name alone, the words around it, or the sentence. Wrong answers take another number of the abstract, or
quote another of its sentences.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from rag.schema import Language
from training.judge import changes
from training.judge.pairs import (
    ANSWERED,
    BINARY,
    CONTRADICTED,
    LONGEST,
    NOT_TOLD,
    SUPPORTED,
    UNANSWERED,
    Pair,
    Paper,
    join,
)
from training.judge.questions import cloze, yes_no
from training.verification_data import SHORTEST, shorten

_YES: dict[Language, tuple[str, ...]] = {"en": ("Yes.", "Yes, "), "zh": ("是的。", "是的，", "是。")}
_NO: dict[Language, tuple[str, ...]] = {"en": ("No.", "No, "), "zh": ("不是。", "不，", "否。")}
# Questions that name a paper, whose abstract alone answers them.
_ABOUT = (
    'What does the work "{}" propose?', "What is found about {}?", "How does {} work?", "{}主要研究了什么？",
    "关于{}，有什么结果？", "What problem is solved in {}?",
)  # fmt: skip


class QuestionMaker:
    """Makes pairs with questions; `neighbours[i]` is the paper most like paper i."""

    def __init__(self, papers: Sequence[Paper], neighbours: Sequence[int], seed: int) -> None:
        """Draw by `seed`."""
        self._papers = papers
        self._neighbours = neighbours
        self._draw = random.Random(seed)

    def pairs(self, index: int, count: int) -> Iterator[Pair]:
        """Yield pairs from `count` sentences of a paper in each language, and one about its title."""
        paper, draw = self._papers[index], self._draw
        for language, texts in paper.sentences.items():
            positions = [i for i, text in enumerate(texts) if len(text) >= SHORTEST[language]]
            draw.shuffle(positions)
            positions.sort(key=lambda i: not any(c.isdigit() for c in texts[i]))
            for position in positions[:count]:
                for stored in paper.sentences:
                    if stored == language or paper.parallel:
                        yield from self._asked(index, position, language, stored)
        yield from self._titled(index)

    def _asked(self, index: int, position: int, language: Language, stored: Language) -> Iterator[Pair]:
        paper, way = self._papers[index], f"{language}->{stored}"
        evidence = self._window(paper.sentences[stored], position, stored)
        rest = [i for i in range(len(paper.sentences[stored])) if i != position]
        without = self._window([paper.sentences[stored][i] for i in rest], None, stored)
        sentence = shorten(paper.sentences[language][position], language)
        if self._draw.random() < 0.65:
            yield from self._cloze(index, sentence, evidence, without, language, way)
        else:
            yield from self._yes_no(index, sentence, evidence, without, language, way)

    def _window(self, texts: Sequence[str], position: int | None, language: Language) -> str:
        """Return neighbouring sentences, among them the one at `position`; often the whole abstract."""
        draw, size = self._draw, self._draw.choice((1, 2, 3, 3, 14, 14))
        at = draw.randrange(len(texts)) if position is None else position
        first = max(0, at - draw.randrange(size)) if size < len(texts) else 0
        return _fitting(texts[first : first + size], texts[at], language)

    def _cloze(
        self, index: int, sentence: str, evidence: str, without: str, language: Language, way: str
    ) -> Iterator[Pair]:
        draw, paper = self._draw, self._papers[index]
        made = cloze(sentence, language, draw)
        if made is None or len(made.question) > LONGEST[language] // 4:
            return
        asked = made.question
        clause = made.clause.rstrip(" .。") + ("." if language == "en" else "。")
        right = draw.choice((made.answer, made.answer, clause, sentence))
        yield Pair("support", evidence, right, SUPPORTED, "asked", way, asked)
        stated = [text for texts in paper.sentences.values() for text in texts]
        if wrong := self._other(made.answer, stated):
            for text in (wrong, made.with_answer(wrong)):
                yield Pair("support", evidence, text, CONTRADICTED, "asked_other", way, asked)
        others = [t for t in paper.sentences[language] if made.answer not in t]
        if others and draw.random() < 0.6:
            text = shorten(draw.choice(others), language)
            yield Pair("support", evidence, text, BINARY, "asked_beside", way, asked)
        yield Pair("answers", evidence, asked, ANSWERED, "asked", way)
        if made.answer not in without:
            yield Pair("answers", without, asked, UNANSWERED, "asked", way)
            if draw.random() < 0.4:
                yield Pair("support", without, right, NOT_TOLD, "asked_missing", way, asked)
        yield from self._foreign(index, asked, made.answer, way)

    def _other(self, answer: str, stated: Sequence[str]) -> str | None:
        """Return another number, or another name, in place of `answer`."""
        if any(c.isdigit() for c in answer[:2]):
            return changes.another_number(answer, stated, self._draw)
        own = [name for name in changes.names(stated) if name not in answer and answer not in name]
        return self._draw.choice(own) if own else None

    def _yes_no(
        self, index: int, sentence: str, evidence: str, without: str, language: Language, way: str
    ) -> Iterator[Pair]:
        draw = self._draw
        false = changes.turned(sentence, language, draw) if draw.random() < 0.5 else None
        if false is None and draw.random() < 0.3:
            stated = [text for texts in self._papers[index].sentences.values() for text in texts]
            false = changes.another_number(sentence, stated, draw)
        asked = yes_no(false or sentence, language, draw)
        if asked is None:
            return
        right, wrong = (_NO, _YES) if false else (_YES, _NO)
        said = self._said(draw.choice(right[language]), sentence, language)
        yield Pair("support", evidence, said, SUPPORTED, "yes_no", way, asked)
        opposite = draw.choice(wrong[language])
        said = self._said(opposite, false or sentence, language)
        yield Pair("support", evidence, said, CONTRADICTED, "yes_no", way, asked)
        if draw.random() < 0.5:
            yield Pair("support", evidence, sentence, SUPPORTED, "yes_no", way, asked)
        if false and draw.random() < 0.5:
            yield Pair("support", evidence, false, CONTRADICTED, "yes_no", way, asked)
        yield Pair("answers", evidence, asked, ANSWERED, "yes_no", way)
        yield Pair("answers", without, asked, UNANSWERED, "yes_no", way)
        if draw.random() < 0.3:
            yield Pair("support", without, said, NOT_TOLD, "asked_missing", way, asked)

    def _said(self, word: str, sentence: str, language: Language) -> str:
        if not word.endswith((", ", "，")):
            return word
        lower = sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
        return word + (lower if language == "en" else sentence)

    def _foreign(self, index: int, asked: str, answer: str, way: str) -> Iterator[Pair]:
        """Yield the question with an abstract of another paper on the same subject."""
        stored: Language = "en" if way.endswith("en") else "zh"
        texts = self._papers[self._neighbours[index]].sentences[stored]
        passage = self._window(texts, None, stored)
        if self._draw.random() < 0.5 and answer not in passage:
            yield Pair("answers", passage, asked, UNANSWERED, "foreign", way)

    def _titled(self, index: int) -> Iterator[Pair]:
        paper, other = self._papers[index], self._papers[self._neighbours[index]]
        if not paper.title:
            return
        asked = self._draw.choice(_ABOUT).format(paper.title.rstrip("."))
        for stored in paper.sentences:
            for each, label in ((paper, ANSWERED), (other, UNANSWERED)):
                texts = each.sentences[stored]
                text = _fitting(texts, texts[0], stored)
                yield Pair("answers", text, asked, label, "titled", f"en->{stored}")


def _fitting(texts: Sequence[str], kept: str, language: Language) -> str:
    """Return as many sentences as fit: the first ones go as long as they are not `kept`, then the last."""
    chosen = list(texts)
    while len(chosen) > 1 and sum(map(len, chosen)) > LONGEST[language]:
        chosen.pop(0 if chosen[0] != kept else -1)
    return join(chosen, language)
