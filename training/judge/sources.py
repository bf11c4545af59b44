"""The pairs that the judge is trained on: papers in two languages, and published sets with free licences.

Nothing that measures is read here: bilingual_arxiv/dev, SciFact, PubMedQA, RGB, judge/measure, the
development questions, and of XQuAD and MLQA the paragraphs that `held_out` names.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from benchmarks.common import ABSTRACTS, records
from rag.embedding.alignment import shipped_alignment
from rag.embedding.embedder import LocalEmbedder
from rag.schema import LANGUAGES, Language
from rag.text.analyzer import analyze
from rag.text.language import detect_language
from rag.text.sentences import sentence_texts
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
    PairMaker,
    Paper,
    join,
)
from training.sentence_vectors import KeptVectors

SEED = 7
# Papers of computer science in two languages, and English and Chinese ones of other fields.
BILINGUAL, ENGLISH, CHINESE = 6000, 9000, 3000
# Sentences of the shortest paper in one language.
_LEAST: dict[Language, int] = {"en": 4, "zh": 3}
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
# Most pairs of each published set for support, by folder and file.
_SUPPORT = {
    "check_covid/train": 2000, "check_covid/dev": 600, "check_covid/test": 600,
    "evidence_inference/v2_templates": 8000, "fever_rte/dev": 14000, "fever_symmetric/test": 800,
    "fool_me_twice/dev": 1400, "fool_me_twice/test": 1400, "negation_nli/mnli": 800,
    "negation_nli/rte": 400, "negation_nli/snli": 400, "summedits/all": 3000, "wice/claim_dev_test": 400,
    "pawsx/dev_en_zh_all4": 4000, "pawsx/test_en_zh_all4": 4000,
}  # fmt: skip
# Small sets of our own register, which are read so many times.
_REPEATED = {"check_covid": 3, "evidence_inference": 2}
_ANSWERABILITY = "evidence_inference/abstract_answerability"


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


def english_papers(size: int, seed: int = SEED) -> list[Paper]:
    """Return English papers of all fields, of computer science only every fourth."""
    rows = list(records("arxiv_50k"))
    random.Random(seed).shuffle(rows)
    other = (r for i, r in enumerate(rows) if i % 4 == 0 or not str(r["primary_cat"]).startswith("cs."))
    return _in_one_language(other, "en", size)


def chinese_papers(size: int, seed: int = SEED) -> list[Paper]:
    """Return Chinese papers of many fields."""
    rows = list(records("csl_zh/papers"))
    random.Random(seed).shuffle(rows)
    return _in_one_language(rows, "zh", size)


def _in_one_language(rows: Iterable[dict[str, Any]], language: Language, size: int) -> list[Paper]:
    """Return the first papers of a fitting length that are not among the development papers."""
    asked = _development_titles()
    new = (row for row in rows if str(row["title"]).casefold() not in asked)
    texts = ((row["title"], sentence_texts(row["abstract"])) for row in new)
    kept = (each for each in texts if _LEAST[language] <= len(each[1]) <= 14)
    return _hashed(list(islice(kept, size)), language)


def _hashed(texts: Sequence[tuple[str, list[str]]], language: Language) -> list[Paper]:
    """Return papers in one language with hashed letter n-grams for vectors, which cost next to nothing."""
    from sklearn.feature_extraction.text import HashingVectorizer

    size = (3, 5) if language == "en" else (1, 2)
    hashing = HashingVectorizer(analyzer="char_wb", ngram_range=size, n_features=512, alternate_sign=True)
    return [
        Paper(title, {language: found}, {language: hashing.transform(found).toarray().astype(np.float32)})
        for title, found in texts
    ]


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
    """Return the nearest other paper of each, by the means of their sentences."""
    language: Language = "en" if "en" in found[0].vectors else "zh"
    means = np.stack([paper.vectors[language].mean(axis=0) for paper in found])
    near = means @ means.T
    np.fill_diagonal(near, -np.inf)
    return [int(row.argmax()) for row in near]


def made_pairs(found: Sequence[Paper], claims: int, seed: int = SEED, same: float = 1.0) -> list[Pair]:
    """Return the pairs made from papers; `same` as for `PairMaker`."""
    maker = PairMaker(found, neighbours(found), seed, same)
    return [pair for index in range(len(found)) for pair in maker.pairs(index, claims)]


def published_pairs(seed: int = SEED) -> Iterator[Pair]:
    """Yield the pairs of the published sets for support, and those of Evidence Inference for answers."""
    for name, most in _SUPPORT.items():
        kind = name.partition("/")[0]
        for time in range(_REPEATED.get(kind, 1)):
            draw = random.Random(f"{seed} {name} {time}")
            rows = records(f"judge/train/{name}")
            yield from _drawn((pair for row in rows if (pair := _support(row, kind, draw))), most, draw)
    for row in records(f"judge/train/{_ANSWERABILITY}"):
        text = fitting(row["a"], row["b"], LONGEST["en"])
        label = ANSWERED if row["label"] == "answerable" else UNANSWERED
        yield Pair("answers", text, row["b"], label, "evidence_inference", "en->en")


def _support(row: dict[str, Any], kind: str, draw: random.Random) -> Pair | None:
    """Return a pair for support; of long evidence the sentences most like the claim are kept."""
    evidence, language = str(row["a"]), row["lang_a"]
    if row["label"] not in _LABELS or len(evidence) > 5 * LONGEST[language]:
        return None
    limit = LONGEST[language] if draw.random() < 0.5 else PASSAGE[language]
    if len(evidence) > limit:
        evidence = fitting(evidence, str(row["b"]), limit)
    way = f"{row['lang_b']}->{language}"
    return Pair("support", evidence, str(row["b"]), _LABELS[row["label"]], kind, way)


def fitting(text: str, claim: str, limit: int) -> str:
    """Return the sentences of a text that share most terms with the claim, in order, up to `limit`."""
    sentences, wanted = sentence_texts(text), set(analyze(claim))
    shared = [len(wanted & set(analyze(sentence))) for sentence in sentences]
    size, kept = 0, []
    for i in sorted(range(len(sentences)), key=lambda i: -shared[i]):
        if size + len(sentences[i]) <= limit or not kept:
            kept.append(i)
            size += len(sentences[i])
    return join([sentences[i] for i in sorted(kept)], detect_language(text))[: 2 * limit]


def summaries(found: Sequence[Paper], lines: Mapping[str, str], seed: int = SEED) -> Iterator[Pair]:
    """Yield the Chinese headline of each paper with its own abstract, and with that of a neighbour."""
    draw, near = random.Random(seed), neighbours(found)
    for index, paper in enumerate(found):
        line = lines.get(paper.title, "")
        for stored in paper.sentences if line else ():
            texts = (join(found[i].sentences[stored], stored) for i in (index, near[index]))
            own, other = (text[: LONGEST[stored]] for text in texts)
            yield Pair("support", own, line, SUPPORTED, "headline", f"zh->{stored}")
            yield Pair("support", other, line, NOT_TOLD, "headline", f"zh->{stored}")
            stated = changes.names([*paper.sentences["en"], *found[near[index]].sentences["en"]])
            if wrong := changes.turned(line, "zh", draw) or changes.renamed(line, stated, draw):
                yield Pair("support", own, wrong, BINARY, "headline", f"zh->{stored}")


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
