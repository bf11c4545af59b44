"""Build the development corpus: 40 papers with questions and 200 others, each stored in one language only.

The texts come from `../shared/data/bilingual_arxiv` and are never committed. Corpus and index are cached
under a digest of the corpus and of the code that builds an index.

`data/dev_questions.jsonl` determines the papers. The questions of `dev_several.jsonl` and `dev_more.jsonl`
are about the same papers, so they change neither the corpus nor its index.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks import common
from rag.evaluation.cache import code_digest

ROOT = common.ROOT
DATA = common.DATA / "bilingual_arxiv" / "train.jsonl.gz"
QUESTIONS = ROOT / "benchmarks" / "data" / "dev_questions.jsonl"
MORE = ROOT / "benchmarks" / "data" / "dev_more.jsonl"
SEVERAL = ROOT / "benchmarks" / "data" / "dev_several.jsonl"
DISTRACTORS = 200
SEED = 20261121


def corpus_lines() -> tuple[list[str], dict[str, int]]:
    """Return the corpus as JSONL lines without titles, and the 1-based line of each paper by arXiv id."""
    asked = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    stored = {record["paper"]: record["stored"] for record in asked if "paper" in record}
    papers = {paper["arxiv_id"]: paper for paper in common.records("bilingual_arxiv/train")}
    rng = random.Random(SEED)
    others = rng.sample(sorted(papers.keys() - stored.keys()), DISTRACTORS)
    languages = stored | {paper: ("en", "zh")[number % 2] for number, paper in enumerate(others)}
    order = sorted(languages)
    rng.shuffle(order)
    entries = [{"id": paper, "abstract": papers[paper][f"abstract_{languages[paper]}"]} for paper in order]
    positions = {paper: line for line, paper in enumerate(order, start=1)}
    return [json.dumps(entry, ensure_ascii=False) for entry in entries], positions


def build() -> tuple[Path, dict[str, int]]:
    """Return the index of the development corpus, built if it is not cached, and the papers' positions."""
    lines, positions = corpus_lines()
    folder = _cache() / f"dev-{_digest(lines)}"
    corpus, index = folder / "corpus.jsonl", folder / "index"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        corpus.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "rag", "index", str(corpus), "--index", str(index)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        (folder / "done").touch()
    return index, positions


def _cache() -> Path:
    named = os.environ.get("RAG_CACHE")
    return (Path(named) if named else user_cache_path("citefold")) / "benchmarks"


def _digest(lines: list[str]) -> str:
    """Return a digest of the corpus and of the code that indexes it."""
    parts = [*lines, code_digest("indexing.build"), code_digest("embedding.embedder")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
