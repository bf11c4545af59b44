"""Build the development corpus: 40 asked-about papers among 200 others, each stored in one language only.

The texts come from `../shared/data/bilingual_arxiv` and are never committed; the corpus and its index are
kept in the cache under a name made from the corpus and from the code that builds an index.

`data/dev_questions.jsonl` says which papers are in it. `dev_several.jsonl` and `dev_more.jsonl` (80 questions and 60 that
nothing answers, most of them across languages) ask about papers that are in it already, by arXiv id, so that they change
neither the corpus nor its index.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

from rag.evaluation.cache import code_digest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "bilingual_arxiv" / "train.jsonl.gz"
QUESTIONS = ROOT / "benchmarks" / "data" / "dev_questions.jsonl"
MORE = ROOT / "benchmarks" / "data" / "dev_more.jsonl"
SEVERAL = ROOT / "benchmarks" / "data" / "dev_several.jsonl"
DISTRACTORS = 200
SEED = 20261121


def corpus_lines(data: Path = DATA, questions: Path = QUESTIONS) -> tuple[list[str], dict[str, int]]:
    """Return the corpus as JSONL lines, and the 1-based line of each paper by its arXiv id.

    Deterministic: distractors, their languages and the order come from one seed. Titles are left out, as in
    the default corpus.
    """
    records = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
    stored = {record["paper"]: record["stored"] for record in records if "paper" in record}
    with gzip.open(data, "rt", encoding="utf-8") as lines:
        papers = {paper["arxiv_id"]: paper for paper in map(json.loads, lines)}
    rng = random.Random(SEED)
    others = rng.sample(sorted(papers.keys() - stored.keys()), DISTRACTORS)
    languages = stored | {paper: ("en", "zh")[number % 2] for number, paper in enumerate(others)}
    order = sorted(languages)
    rng.shuffle(order)
    entries = [{"id": paper, "abstract": papers[paper][f"abstract_{languages[paper]}"]} for paper in order]
    positions = {paper: line for line, paper in enumerate(order, start=1)}
    return [json.dumps(entry, ensure_ascii=False) for entry in entries], positions


def build() -> tuple[Path, dict[str, int]]:
    """Return the index of the development corpus, built if it is not cached, and the papers' positions.

    Raises FileNotFoundError without the shared data and subprocess.CalledProcessError when indexing fails.
    """
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
    """Name the corpus and the code that reads, cuts and embeds it; asking does not change an index."""
    parts = [*lines, code_digest("indexing.build"), code_digest("embedding.embedder")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
