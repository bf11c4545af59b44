"""List the data sets from which a figure is called a test, and read their questions and answers.

Nothing in the repository may be written on them: `tests/test_leaks.py` looks for them in the code. Published
sets lie in ../shared/data. A reported set of the project's own lies in benchmarks/reported, one file a set.
"""

from __future__ import annotations

import csv
import gzip
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
OWN = ROOT / "benchmarks" / "reported"


@dataclass(frozen=True, slots=True)
class Entry:
    """One question of a data set in each of its wordings, with its gold answers and answer patterns."""

    id: str
    questions: Sequence[str]
    gold: Sequence[str] = ()
    patterns: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """A reported data set: its name, where it lies, and what reads its questions."""

    name: str
    path: Path
    read: Callable[[Path], Iterator[Entry]]


def read_jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a .jsonl or .jsonl.gz file."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    yield from (json.loads(line) for line in text.split("\n") if line.strip())


def scifact_test(folder: Path) -> Iterator[Entry]:
    """Yield the claims that the published test split judges."""
    with (folder / "qrels_test.tsv").open(encoding="utf-8", newline="") as rows:
        judged = {row["query-id"] for row in csv.DictReader(rows, delimiter="\t")}
    for record in read_jsonl(folder / "queries.jsonl.gz"):
        if record["_id"] in judged:
            yield Entry(record["_id"], [record["text"]])


def pubmedqa(file: Path) -> Iterator[Entry]:
    """Yield the questions with their long answers."""
    for record in read_jsonl(file):
        yield Entry(record["id"], [record["QUESTION"]], [record["LONG_ANSWER"]])


def rgb(file: Path) -> Iterator[Entry]:
    """Yield the questions with their answers, alternatives included."""
    for record in read_jsonl(file):
        answer = record["answer"]
        needs = answer if isinstance(answer, list) else [answer]
        gold = [text for need in needs for text in (need if isinstance(need, list) else [need])]
        yield Entry(str(record["id"]), [record["query"]], gold)


def titles(file: Path) -> Iterator[Entry]:
    """Yield the titles and headlines, which are what is asked."""
    for record in read_jsonl(file):
        asked = [record["title"], record.get("headline_zh", "")]
        yield Entry(record.get("arxiv_id") or record["id"], asked)


def records(file: Path) -> Iterator[Entry]:
    """Yield the titles of bibliographic records in EndNote XML, on which folding is measured."""
    with gzip.open(file, "rt", encoding="utf-8", errors="replace") as text:
        found = re.findall(r"<title>(.*?)</title>", text.read(), re.DOTALL)
    for number, title in enumerate(found, start=1):
        yield Entry(str(number), [html.unescape(re.sub(r"<[^>]*>", "", title))])


def own_questions(file: Path) -> Iterator[Entry]:
    """Yield questions in the project's form (benchmarks/data/README.md), a follow-up by its full wording."""
    for number, record in enumerate(read_jsonl(file), start=1):
        said = [question for question, _ in record.get("history", [])]
        asked = [record.get("standalone") or record["question"], *said]
        gold = [record["gold"]] if "gold" in record else []
        yield Entry(str(record.get("id", number)), asked, gold, record.get("answer", []))


# Refusal was fitted on a part of PubMedQA and RGB; the tests must leave the rest alone all the same.
REPORTED: Sequence[Reported] = (
    Reported("SciFact test", SHARED / "scifact", scifact_test),
    Reported("PubMedQA", SHARED / "pubmedqa" / "dev.jsonl.gz", pubmedqa),
    Reported("RGB en_fact", SHARED / "rgb" / "en_fact.jsonl.gz", rgb),
    Reported("RGB zh_refine", SHARED / "rgb" / "zh_refine.jsonl.gz", rgb),
    Reported("csl_zh", SHARED / "csl_zh" / "papers.jsonl.gz", titles),
    Reported("bilingual_arxiv dev", SHARED / "bilingual_arxiv" / "dev.jsonl.gz", titles),
    Reported("tafenoquine", SHARED / "dedup" / "tafenoquine.xml.gz", records),
    *(Reported(file.name, file, own_questions) for file in sorted(OWN.glob("*.jsonl*"))),
)
