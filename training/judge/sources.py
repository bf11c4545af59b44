"""The pairs that the judge is trained on: papers in two languages, and published sets with free licences.

Nothing that measures is read here: bilingual_arxiv/dev, SciFact, PubMedQA, RGB, judge/measure, the
development questions, and of XQuAD and MLQA the paragraphs that `held_out` names.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.common import ABSTRACTS, records
from rag.embedding.alignment import shipped_alignment
from rag.embedding.embedder import LocalEmbedder
from rag.schema import LANGUAGES, Language
from rag.text.sentences import sentence_texts
from training.judge.pairs import (
    ANSWERED,
    BINARY,
    CONTRADICTED,
    NOT_TOLD,
    SUPPORTED,
    UNANSWERED,
    Pair,
    PairMaker,
    Paper,
    join,
)
from training.sentence_vectors import KeptVectors

SEED = 7
# Papers of computer science in two languages, and English ones of other fields.
BILINGUAL, ENGLISH = 2400, 1500
# Share of the paragraphs of XQuAD and MLQA that measure.
_HELD_OUT = 0.15
# Characters of a passage that a question is asked of: about 110 tokens.
PASSAGE: dict[Language, int] = {"en": 440, "zh": 170}
_LABELS = {
    "entailment": SUPPORTED,
    "supported": SUPPORTED,
    "paraphrase": SUPPORTED,
    "neutral": NOT_TOLD,
    "contradiction": CONTRADICTED,
    "not_entailment": BINARY,
    "not_paraphrase": BINARY,
    "unsupported": BINARY,
    "not_supported": BINARY,
}
# Most pairs of each published set, by folder and file.
_SUPPORT = {
    "check_covid/train": 900, "check_covid/dev": 300, "check_covid/test": 400,
    "evidence_inference/v2_templates": 1200, "fever_rte/dev": 1800, "fever_symmetric/test": 500,
    "fool_me_twice/dev": 700, "fool_me_twice/test": 700, "negation_nli/mnli": 300,
    "negation_nli/rte": 200, "negation_nli/snli": 200, "summedits/all": 700,
    "pawsx/dev_en_zh_all4": 800, "pawsx/test_en_zh_all4": 800,
}  # fmt: skip
ANSWERS = {
    "xquad/en_zh_all4": 3600, "mlqa/dev_en_zh_all4": 3000, "cmrc2018/dev": 800, "drcd/dev": 300,
    "drcd/test": 300, "tydiqa_en/train": 1200, "evidence_inference/abstract_answerability": 500,
}  # fmt: skip


def held_out(passage: str) -> bool:
    """Return whether a paragraph of XQuAD or MLQA measures, by its digest."""
    digest = hashlib.sha256(passage.encode()).digest()
    return digest[0] < 256 * _HELD_OUT


def papers(split: str, size: int, embedder: LocalEmbedder, seed: int = SEED) -> list[Paper]:
    """Return papers in both languages with 4 to 14 sentences in each."""
    rows = list(records(f"bilingual_arxiv/{split}"))
    random.Random(seed).shuffle(rows)
    texts = [(row["title"], {la: sentence_texts(row[ABSTRACTS[la]]) for la in LANGUAGES}) for row in rows]
    return embedded([t for t in texts if all(4 <= len(s) <= 14 for s in t[1].values())][:size], embedder)


def english_papers(size: int, embedder: LocalEmbedder, seed: int = SEED) -> list[Paper]:
    """Return English papers of other fields than computer science."""
    rows = [row for row in records("arxiv_50k") if not str(row["primary_cat"]).startswith("cs.")]
    random.Random(seed).shuffle(rows)
    asked = _development_titles()
    texts: list[tuple[str, dict[Language, list[str]]]] = [
        (row["title"], {"en": sentence_texts(row["abstract"])})
        for row in rows[: 4 * size]
        if row["title"].casefold() not in asked
    ]
    return embedded([t for t in texts if 4 <= len(t[1]["en"]) <= 14][:size], embedder)


def embedded(texts: Sequence[tuple[str, dict[Language, list[str]]]], embedder: LocalEmbedder) -> list[Paper]:
    """Return papers with the vectors of their sentences, each language centred."""
    vectors = KeptVectors(embedder, "judge")
    vectors.add(text for _, both in texts for part in both.values() for text in part)
    alignment = shipped_alignment(embedder.name)
    return [
        Paper(
            title,
            both,
            {la: alignment.apply(vectors.embed_passages(part), la, "passage") for la, part in both.items()},
        )
        for title, both in texts
    ]


def neighbours(found: Sequence[Paper]) -> list[int]:
    """Return the nearest other paper of each, by the means of their English sentences."""
    means = np.stack([paper.vectors["en"].mean(axis=0) for paper in found])
    near = means @ means.T
    np.fill_diagonal(near, -np.inf)
    return [int(row.argmax()) for row in near]


def made_pairs(found: Sequence[Paper], claims: int, seed: int = SEED, same: float = 1.0) -> list[Pair]:
    """Return the pairs made from papers; `same` as for `PairMaker`."""
    maker = PairMaker(found, neighbours(found), seed, same)
    return [pair for index in range(len(found)) for pair in maker.pairs(index, claims)]


def published_pairs(seed: int = SEED) -> Iterator[Pair]:
    """Yield the pairs of the published sets."""
    for name, most in _SUPPORT.items():
        draw = random.Random(f"{seed} {name}")
        rows = records(f"judge/train/{name}")
        yield from _drawn((pair for row in rows if (pair := _support(row, name))), most, draw)
    for name, most in ANSWERS.items():
        draw = random.Random(f"{seed} {name}")
        split = name.startswith(("xquad", "mlqa"))
        rows = (row for row in records(f"judge/train/{name}") if not (split and held_out(row["a"])))
        yield from _drawn((pair for row in rows if (pair := answer_pair(row, name, draw))), most, draw)


def _support(row: dict[str, Any], name: str) -> Pair | None:
    """Return a pair of the head for support; evidence that is too long to be read whole is left out."""
    evidence, language = str(row["a"]), row["lang_a"]
    if row["label"] not in _LABELS or len(evidence) > 2.0 * PASSAGE[language]:
        return None
    way = f"{row['lang_b']}->{language}"
    return Pair("support", evidence, str(row["b"]), _LABELS[row["label"]], name.partition("/")[0], way)


def answer_pair(row: dict[str, Any], name: str, draw: random.Random) -> Pair | None:
    """Return a pair of the head for answers, over a passage of whole sentences that holds the answer."""
    passage = passage_with(row["a"], str(row.get("answer") or ""), row["lang_a"], draw)
    if passage is None or not row["b"].strip():
        return None
    label = ANSWERED if row["label"] == "answerable" else UNANSWERED
    if name.startswith("evidence_inference"):
        passage = row["a"][:1000]
    elif label == ANSWERED and str(row.get("answer") or "\0") not in passage:
        return None
    return Pair(
        "answers", passage, row["b"], label, name.partition("/")[0], f"{row['lang_b']}->{row['lang_a']}"
    )


def passage_with(text: str, answer: str, language: Language, draw: random.Random) -> str | None:
    """Return neighbouring sentences that hold `answer`, or any where it is empty or missing."""
    sentences = sentence_texts(text)
    if not sentences:
        return None
    holds = [i for i, s in enumerate(sentences) if answer and answer in s]
    first = last = draw.choice(holds or range(len(sentences)))
    size = len(sentences[first])
    while True:
        sides = [i for i in (first - 1, last + 1) if 0 <= i < len(sentences)]
        sides = [i for i in sides if size + len(sentences[i]) <= PASSAGE[language]]
        if not sides:
            return join(sentences[first : last + 1], language)[: 2 * PASSAGE[language]]
        side = draw.choice(sides)
        size += len(sentences[side])
        first, last = min(first, side), max(last, side)


def _drawn(pairs: Iterator[Pair], most: int, draw: random.Random) -> list[Pair]:
    found = list(pairs)
    draw.shuffle(found)
    return found[:most]


def _development_titles() -> set[str]:
    return {str(row["title"]).casefold() for row in records("questions/library")}
