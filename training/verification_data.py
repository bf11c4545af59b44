"""Pairs of sentence and abstract that the verifier is fitted on.

One source is claims_dev of SciFact. Derived pairs take sentences of bilingual_arxiv/train in both languages,
unchanged or with a changed number, name or negation, with their own abstract and with that of a similar
paper.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from benchmarks.common import ABSTRACTS, PAPERS, SEED, records, sample
from rag.embedding.alignment import shipped_alignment
from rag.embedding.embedder import LocalEmbedder
from rag.schema import LANGUAGES, Language
from rag.text.numbers import find_numbers, number_values
from rag.text.sentences import sentence_texts
from training.sentence_vectors import KeptVectors

Kind = Literal["SUPPORT", "CONTRADICT", "NONE", "own", "neighbour", "number", "name", "negation"]

COUPLES = 60
# Short abstracts among which the couples are found.
CANDIDATES = 300
# Most sentences of an abstract; fewer make more pairs per embedded sentence.
LONGEST = 7
# Characters of the shortest sentence to use.
SHORTEST: dict[Language, int] = {"en": 40, "zh": 15}
_NUMBER_STEPS = ("2", "0.5", "3", "1.1", "0.9")
_NAME = re.compile(r"(?<![A-Za-z0-9-])[A-Z](?=[A-Za-z0-9-]*[A-Z0-9])[A-Za-z0-9]{2,}(?![A-Za-z0-9-])")

# Replacements that reverse a sentence. rag.answering.verification.polarity knows most of these words, so the
# results on them are optimistic; SciFact's contradictions are harder.
FLIPS: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        (r"\b(is|are|was|were|can|could|has been|have been)\b(?! not)", r"\1 not"),
        (r"\boutperforms\b", "does not outperform"),
        (r"\boutperforming\b", "falling behind"),
        (r"\bimproves\b", "worsens"),
        (r"\bimproving\b", "worsening"),
        (r"\bimprovements?\b", "degradation"),
        (r"\breduces\b", "increases"),
        (r"\breducing\b", "increasing"),
        (r"\bincreases\b", "decreases"),
        (r"\bincreasing\b", "decreasing"),
        (r"\bhigher\b", "lower"),
        (r"\blower\b", "higher"),
        (r"\bbetter\b", "worse"),
        (r"\bmore\b", "less"),
        (r"\bwithout\b", "with"),
        (r"\bnot\s", ""),
        (r"\benables?\b", "prevents"),
        (r"\b(show|demonstrate|achieve|provide)s?\b", r"do not \1"),
    ),
    "zh": (
        (r"提高|提升", "降低"),
        (r"降低|减少", "提高"),
        (r"增加|增强", "减少"),
        (r"优于", "不如"),
        (r"更高", "更低"),
        (r"更好", "更差"),
        (r"更强", "更弱"),
        (r"能够|可以", "不能"),
        (r"无需|没有", "需要"),
        (r"有效", "无效"),
        (r"显著", "并未"),
        (r"是(?!否)", "不是"),
        (r"实现了|达到", "未能达到"),
        (r"(?<!不)具有", "不具有"),
        (r"(表明|显示)", r"并未\1"),
    ),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence in `language`, and the sentences of an abstract stored in `stored`.

    Pairs of one `group` stay in one fold: they share an abstract, a claim or a couple of papers.
    """

    sentence: str
    language: Language
    abstract: tuple[str, ...]
    stored: Language
    kind: Kind
    group: str

    @property
    def derived(self) -> bool:
        """Return whether the pair comes from bilingual_arxiv, not from SciFact."""
        return self.kind.islower()

    @property
    def supported(self) -> bool:
        """Return whether the abstract supports the sentence."""
        return self.kind in ("SUPPORT", "own")

    @property
    def related(self) -> bool:
        """Return whether the abstract is about the claim, for or against it."""
        return self.kind not in ("NONE", "neighbour")

    @property
    def way(self) -> str:
        """Return the languages of sentence and abstract, such as "en->zh"."""
        return f"{self.language}->{self.stored}"


def scifact_pairs() -> list[Pair]:
    """Return every claim of claims_dev with each abstract that it cites."""
    abstracts = {row["_id"]: row["sentences"] for row in records("scifact/corpus")}
    claims = list(records("scifact/claims_dev"))
    group = _components([(row["id"], [str(d) for d in row["cited_doc_ids"]]) for row in claims])
    pairs = []
    for row in claims:
        for document in map(str, row["cited_doc_ids"]):
            evidence = row["evidence"].get(document)
            kind: Kind = evidence[0]["label"] if evidence else "NONE"
            pairs.append(Pair(row["claim"], "en", tuple(abstracts[document]), "en", kind, group[document]))
    return pairs


def derived_pairs(embedder: LocalEmbedder, seed: int = 1) -> list[Pair]:
    """Return pairs from couples of similar papers; sentences of each paper are paired with both abstracts."""
    rows = sample("train", PAPERS, SEED)
    draw = random.Random(seed)
    pairs: list[Pair] = []
    for couple, papers in enumerate(_couples(rows, embedder, draw)):
        for own, other in (papers, papers[::-1]):
            for language in LANGUAGES:
                pairs += _of_paper(rows[own], rows[other], language, f"couple {couple}", draw)
    return pairs


def _of_paper(
    own: dict[str, Any], other: dict[str, Any], language: Language, group: str, draw: random.Random
) -> Iterator[Pair]:
    abstracts = {la: tuple(sentence_texts(own[ABSTRACTS[la]])) for la in LANGUAGES}
    # Machine-made Chinese abstracts are often summaries. Equal sentence counts show that nothing was left
    # out.
    parallel = len(abstracts["en"]) == len(abstracts["zh"])
    claims = list(_claims(own, abstracts[language], language, 2 if parallel else 1, draw))
    foreign = sorted(set(_NAME.findall(other["abstract_en"])) - set(_NAME.findall(own["abstract_en"])))
    claims += [(text, "name") for text in _renamed([c for c, kind in claims if kind == "own"], foreign, draw)]
    for stored in LANGUAGES:
        near = tuple(sentence_texts(other[ABSTRACTS[stored]]))
        for text, kind in claims:
            if parallel or stored == language:
                yield Pair(text, language, abstracts[stored], stored, kind, group)
            if kind == "own":
                yield Pair(text, language, near, stored, "neighbour", group)


def _claims(
    own: dict[str, Any], sentences: tuple[str, ...], language: Language, flipped: int, draw: random.Random
) -> Iterator[tuple[str, Kind]]:
    """Yield sentences that the paper supports, and changed ones that it does not."""
    whole = [shorten(s, language) for s in sentences if len(s) >= SHORTEST[language]]
    numbered = [s for s in whole if any(not n.identifier for n in find_numbers(s))]
    flippable = [s for s in whole if flip(s, language)]
    kept = draw.sample(flippable, min(flipped, len(flippable)))
    plain = [draw.choice(whole)] + ([draw.choice(numbered)] if numbered else []) + kept
    yield from ((text, "own") for text in dict.fromkeys(plain))
    yield from ((draw.choice(flip(text, language)), "negation") for text in kept)
    for part in (first_part(text, language) for text in dict.fromkeys(plain)):
        if part:
            yield part, "own"
            yield from ((text, "negation") for text in flip(part, language)[-1:])
    stated = set(number_values(own[ABSTRACTS["en"]] + " " + own[ABSTRACTS["zh"]], identifiers=True))
    if numbered and (changed := change_number(plain[1], stated, draw)):
        yield changed, "number"


def _renamed(claims: list[str], foreign: list[str], draw: random.Random) -> list[str]:
    """Return the first claim with a name, which is replaced by a foreign one; empty if there is none."""
    for claim in claims:
        if foreign and (found := _NAME.findall(claim)):
            return [claim.replace(draw.choice(found), draw.choice(foreign))]
    return []


def shorten(sentence: str, language: Language) -> str:
    """Return a sentence without its opening phrase and brackets, as an answer repeats it."""
    text = re.sub(r"\s?\([^()]*\)|（[^（）]*）", "", sentence)
    opening = (
        r"^(?:[^,]{2,40}, )?(?:we|our (?:results|experiments)) (?:show|find|demonstrate|further show) that "
        r"|^(?:However|Moreover|Furthermore|Additionally|Finally|In addition|Specifically|Therefore"
        r"|To this end|In this (?:paper|work)), "
        if language == "en"
        else r"^(?:实验)?结果(?:表明|显示)，|^(?:此外|然而|因此|最后|具体来说|具体而言|为此|同时|本文)，?"
    )
    shorter = re.sub(opening, "", text, flags=re.I)
    return (shorter[:1].upper() + shorter[1:]) if len(shorter) > 12 else text


def first_part(sentence: str, language: Language) -> str | None:
    """Return the sentence up to the comma nearest its middle; None without a comma."""
    commas = [m.start() for m in re.finditer(", |，", sentence)]
    commas = [at for at in commas if min(at, len(sentence) - at) >= SHORTEST[language]]
    if not commas:
        return None
    middle = min(commas, key=lambda at: abs(at - len(sentence) / 2))
    return sentence[:middle] + ("." if language == "en" else "。")


def flip(sentence: str, language: Language) -> list[str]:
    """Return every version of the sentence with one negation or direction reversed."""
    made = [re.sub(pattern, new, sentence, count=1) for pattern, new in FLIPS[language]]
    return [text for text in made if text != sentence]


def change_number(sentence: str, stated: set[Decimal], draw: random.Random) -> str | None:
    """Return the sentence with one number changed to a value outside `stated`; None if impossible."""
    numbers = [n for n in find_numbers(sentence) if not n.identifier]
    digits = [n for n in numbers if re.search(r"\d+(?:\.\d+)?", sentence[n.start : n.end])]
    if not digits:
        return None
    number = draw.choice(digits)
    old = sentence[number.start : number.end]
    for step in draw.sample(_NUMBER_STEPS, len(_NUMBER_STEPS)):
        new = re.sub(r"\d+(?:\.\d+)?", lambda m, s=step: _times(m[0], float(s)), old, count=1)
        text = sentence[: number.start] + new + sentence[number.end :]
        if new != old and not set(number_values(text)) <= stated:
            return text
    return None


def _times(digits: str, factor: float) -> str:
    places = len(digits.partition(".")[2])
    return f"{float(digits) * factor:.{places}f}"


def _couples(
    rows: list[dict[str, Any]], embedder: LocalEmbedder, draw: random.Random
) -> Iterator[tuple[int, int]]:
    """Yield couples of short abstracts: a paper and its nearest neighbour; no paper occurs twice."""
    short = [
        i
        for i, row in enumerate(rows)
        if all(3 <= len(sentence_texts(row[ABSTRACTS[la]])) <= LONGEST for la in LANGUAGES)
    ]
    draw.shuffle(short)
    short = short[:CANDIDATES]
    vectors = KeptVectors(embedder, "couples").embed_passages([rows[i]["abstract_en"] for i in short])
    english = shipped_alignment(embedder.name).apply(vectors, "en", "passage")
    near = english @ english.T
    np.fill_diagonal(near, -1)
    used: set[int] = set()
    for first in range(len(short)):
        second = int(near[first].argmax())
        if not used & {first, second} and near[first, second] < 0.95:  # else versions of one paper
            used |= {first, second}
            yield short[first], short[second]
        if len(used) == 2 * COUPLES:
            return


def _components(edges: list[tuple[str, list[str]]]) -> dict[str, str]:
    """Return the group of each document; documents of one claim share a group."""
    group: dict[str, str] = {}
    for _, documents in edges:
        joined = {group.get(d, d) for d in documents}
        head = min(joined)
        for document in documents:
            group.setdefault(document, document)
        group = {d: head if g in joined else g for d, g in group.items()}
    return group
