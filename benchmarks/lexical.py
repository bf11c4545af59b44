"""Measure BM25 alone: its speed, analyses of Chinese, and language detection.

    python -m benchmarks.lexical speed       CPU time per search in 50,000 abstracts, also for SQLite's FTS5
    python -m benchmarks.lexical analysis    Chinese bigrams against words; with jieba if it is installed
    python -m benchmarks.lexical language    errors of detect_language on titles, abstracts and mixed
    questions

Data: ../shared/data/arxiv_50k, bilingual_arxiv/train and csl_zh. --json FILE writes the table.
"""

from __future__ import annotations

import importlib
import json
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import parser, records
from rag.store.lexical import LexicalDocument, LexicalFilter, LexicalIndex, write_lexical
from rag.text.analyzer import analyze, analyze_document
from rag.text.language import HAN, detect_language

SEED = 7
CANDIDATES = 50
RESAMPLES = 2000
Table = dict[str, dict[str, Any]]
Analysis = Callable[[str], list[str]]


def open_index(folder: Path, documents: Iterable[LexicalDocument]) -> LexicalIndex:
    """Write `documents` below `folder` and open them."""
    path = folder / "lexical"
    write_lexical(path, documents)
    return LexicalIndex(path)


def speed() -> Table:
    """Time both engines on 500 titles and questions of 30 words, from papers that are not indexed."""
    asked = random.Random(SEED).sample(list(records("bilingual_arxiv/train")), 500)
    queries = [
        row["title"] if n % 2 else f"How does {' '.join(row['abstract_en'].split()[:30])}?"
        for n, row in enumerate(asked)
    ]
    texts = [f"{row['title']}\n{row['abstract']}" for row in list(records("arxiv_50k"))]
    with tempfile.TemporaryDirectory() as folder:
        index = open_index(
            Path(folder),
            (LexicalDocument(n, analyze_document(t), "en", ("a",), 2020) for n, t in enumerate(texts)),
        )
        both = (LexicalFilter("en"), LexicalFilter("zh"))
        found = {"tantivy": timed(queries, lambda terms: [index.search(terms, CANDIDATES, w) for w in both])}
    found["FTS5"] = timed(queries, partial(fts5_search, fts5(texts)))
    return found


def timed(queries: Sequence[str], search: Callable[[list[str]], object]) -> dict[str, Any]:
    """Return percentiles of the CPU time of analysis and search, in milliseconds."""
    spent = []
    for query in [*queries[:20], *queries]:
        start = time.process_time()
        search(list(dict.fromkeys(analyze(query))))
        spent.append((time.process_time() - start) * 1000)
    spent = spent[20:]
    return {f"p{p}": round(float(np.percentile(spent, p)), 2) for p in (50, 95, 100)}


def fts5(texts: Iterable[str]) -> sqlite3.Connection:
    """Return an FTS5 index of the same terms, in memory."""
    db = sqlite3.connect(":memory:")
    db.execute(
        "CREATE VIRTUAL TABLE lexical USING fts5 (terms, content='', tokenize=\"ascii tokenchars '-._/+'\")"
    )
    db.executemany("INSERT INTO lexical (terms) VALUES (?)", ((" ".join(analyze(text)),) for text in texts))
    return db


def fts5_search(db: sqlite3.Connection, terms: list[str]) -> list[Any]:
    """Search once in FTS5, which does not separate languages."""
    match = " OR ".join(f'"{term}"' for term in terms)
    query = "SELECT rowid, bm25(lexical) AS score FROM lexical WHERE lexical MATCH ? ORDER BY score LIMIT ?"
    return db.execute(query, (match, CANDIDATES)).fetchall()


def by_run(split: Callable[[str], list[str]]) -> Analysis:
    """Return the project's analysis with `split` for runs of Han characters."""

    def terms(text: str) -> list[str]:
        runs = re.findall(rf"[{HAN}]+|[^{HAN}]+", text)
        return [t for run in runs for t in (split(run) if re.match(f"[{HAN}]", run) else analyze(run))]

    return terms


def analyses() -> dict[str, tuple[Analysis, Analysis]]:
    """Return the analyses of documents and of questions, by name."""
    found: dict[str, tuple[Analysis, Analysis]] = {
        "bigrams": (analyze, analyze),
        "bigrams and characters": (analyze_document, analyze),
    }
    try:
        jieba = importlib.import_module("jieba")
    except ImportError:
        return found
    search, words = by_run(jieba.lcut_for_search), by_run(jieba.lcut)

    def joined(text: str) -> list[str]:
        return analyze(text) + [term for term in search(text) if len(term) != 2]

    return found | {
        "jieba, search mode": (search, search),
        "jieba, words": (words, words),
        "both": (joined, joined),
    }


def analysis() -> Table:
    """Compare analyses by R@1 and nDCG@10 of title or headline to abstract, each against bigrams."""
    chinese = list(records("csl_zh/papers"))
    random.Random(SEED).shuffle(chinese)
    parallel = list(records("bilingual_arxiv/train"))
    half = len(chinese) // 2
    native: dict[str, np.ndarray] = {}
    translated: dict[str, np.ndarray] = {}
    for name, (document, question) in analyses().items():
        native[name] = ranks(
            [r["abstract"] for r in chinese], [r["title"] for r in chinese], document, question
        )
        translated[name] = ranks(
            [r["abstract_zh"] for r in parallel], [r["headline_zh"] for r in parallel], document, question
        )
    parts = {
        "csl_zh, half for choosing": {name: r[:half] for name, r in native.items()},
        "csl_zh, other half": {name: r[half:] for name, r in native.items()},
        "bilingual_arxiv/train": translated,
    }
    return {part: compared(found) for part, found in parts.items()}


def ranks(documents: list[str], questions: list[str], document: Analysis, question: Analysis) -> np.ndarray:
    """Return the rank of document i for question i, shape (n,); 0 means not among the first 50."""
    with tempfile.TemporaryDirectory() as folder:
        index = open_index(
            Path(folder), (LexicalDocument(n, document(t), "zh", (), None) for n, t in enumerate(documents))
        )
        found = []
        for number, text in enumerate(questions):
            hits = index.search(dict.fromkeys(question(text)), CANDIDATES, LexicalFilter())
            numbers = [hit for hit, _ in hits]
            found.append(numbers.index(number) + 1 if number in numbers else 0)
    return np.array(found)


def compared(found: dict[str, np.ndarray]) -> dict[str, str]:
    """Return R@1, R@10 and nDCG@10, with the paired bootstrap interval of the gain in R@1 over bigrams."""
    draws = np.random.default_rng(SEED).integers(0, len(found["bigrams"]), (RESAMPLES, len(found["bigrams"])))
    table = {}
    for name, rank in found.items():
        gain = (rank == 1).astype(float) - (found["bigrams"] == 1)
        low, high = np.percentile(gain[draws].mean(axis=1), [2.5, 97.5])
        near = (rank > 0) & (rank <= 10)
        gains = np.where(near, 1 / np.log2(np.maximum(rank, 1) + 1), 0)
        table[name] = (
            f"R@1 {(rank == 1).mean():.4f} ({gain.mean():+.4f} [{low:+.4f}, {high:+.4f}])  "
            f"R@10 {near.mean():.4f}  nDCG@10 {gains.mean():.4f}"
        )
    return table


# A name with a digit or a second capital letter.
_NAME = re.compile(r"\b(?=[\w.+-]*[A-Z0-9][\w.+-]*[A-Z0-9])[A-Za-z][\w.+-]*\w\b")
_TAILS = (
    "的{}|是什么|的{}是多少?|在{}上的结果|把延迟降低了多少?| {}|{}"
    "|和{}的区别|有多少参数?|为什么快| 准确率|用在{}吗"
)
_TITLE_TAILS = " 的定义是什么| 这篇论文讲了什么?| 是什么意思| 怎么训练| 方法有哪些| 论文"
_ENGLISH = (
    "What does {} mean?|What is {}?|Which papers use {} for {name}?|How is {} trained?|Explain {}|define {}|"
    "Compare {} with {name}|Is {} faster than {name}?|Who proposed {}?|Papers about {}|{} in English"
)


def language() -> Table:
    """Count detection errors on titles, headlines and abstracts, and on questions made from them."""
    parallel, chinese = list(records("bilingual_arxiv/train")), list(records("csl_zh/papers"))
    draw = random.Random(SEED)
    mixed, titles, english, glosses = [], [], [], []
    for row in parallel:
        terms = [term for term in row["keywords_zh"] if re.fullmatch(f"[{HAN}]{{2,}}", term)]
        if not terms:
            continue
        term, name = draw.choice(terms), next(iter(_NAME.findall(row["abstract_en"])), "BERT")
        mixed += [name + tail.format(term) for tail in draw.sample(_TAILS.split("|"), 3)]
        titles.append(row["title"] + draw.choice(_TITLE_TAILS.split("|")))
        english.append(draw.choice(_ENGLISH.split("|")).format(term, name=name))
        glosses.append(f"{row['abstract_en'].split('. ')[0]} ({term}).")
    return {
        "English titles": wrong("en", [row["title"] for row in parallel]),
        "English abstracts": wrong("en", [row["abstract_en"] for row in parallel]),
        "Chinese headlines": wrong("zh", [row["headline_zh"] for row in parallel]),
        "Chinese abstracts": wrong("zh", [row["abstract_zh"] for row in parallel]),
        "csl_zh titles": wrong("zh", [row["title"] for row in chinese]),
        "csl_zh abstracts": wrong("zh", [row["abstract"] for row in chinese]),
        "name + Chinese": wrong("zh", mixed),
        "English title + Chinese": wrong("zh", titles),
        "English question, Chinese term": wrong("en", english),
        "English sentence (Chinese term)": wrong("en", glosses),
    }


def wrong(expected: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return how many of `texts` are detected as the other language, with an example."""
    missed = [text for text in texts if detect_language(text) != expected]
    return {"texts": len(texts), "wrong": len(missed), "such as": (missed or [""])[0][:60]}


def main() -> None:
    """Print the table of one measurement."""
    command = parser(__doc__)
    measurements = {"speed": speed, "analysis": analysis, "language": language}
    command.add_argument("measure", choices=measurements)
    command.add_argument("--json", type=Path)
    options = command.parse_args()
    table = measurements[options.measure]()
    for part, figures in table.items():
        print(part)
        for name, figure in figures.items():
            print(f"    {name:<24}{figure}")
    if options.json:
        options.json.write_text(json.dumps(table, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
