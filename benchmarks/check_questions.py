"""Check the development questions: each points to its abstracts, and each pattern is fair.

    python -m benchmarks.check_questions [--data DIR]

Prints one line per fault and the number of questions in each file. The exit code is 1 if there is a fault.
Checks that need `../shared/data/bilingual_arxiv` are skipped without it.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import dev_corpus
from benchmarks.common import parser, records
from rag.evaluation.scoring import matches
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.readers import read_papers
from rag.schema import LANGUAGES, Paper
from rag.text.cleaning import paper_id
from rag.text.language import detect_language
from rag.text.sentences import split_sentences

DATA = Path(__file__).parent / "data"
Row = Mapping[str, Any]
Faults = Iterator[str]

# Characters; a shorter piece may occur in two abstracts.
SHORTEST_PIECE = 30
# Expected number of questions in a file, per language or pair of languages.
CORPUS_PAPERS = 31
NAMING = {"corpus/unanswerable": 15, "dev_questions": 4}
STORED = {"dev_questions": 10}
SEVERAL = {"corpus/several": 9, "dev_several": 10}
FOLLOWUPS = 6
PLANTED = {"abstract": 12, "question": 3}
PLANTED_KINDS = 10


@dataclass(frozen=True)
class Questions:
    """The rows of each file by its name, such as "corpus/questions"."""

    files: Mapping[str, Sequence[Row]]

    def of(self, *names: str) -> list[Row]:
        """Return the rows of these files."""
        return [row for name in names for row in self.files[name]]

    @property
    def every(self) -> list[Row]:
        """Return all rows."""
        return self.of(*self.files)

    @property
    def answerable(self) -> list[Row]:
        """Return the rows that have an answer."""
        return [row for row in self.every if "answer" in row]


def read_questions(folder: Path = DATA) -> Questions:
    """Return the questions of every file below a folder; those about fields have another form."""
    files = sorted(file for file in folder.rglob("*.jsonl") if file.parent.name != "fields")
    found = {}
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        found[file.relative_to(folder).with_suffix("").as_posix()] = [json.loads(line) for line in lines]
    return Questions(found)


@functools.cache
def corpus_papers() -> Sequence[Paper]:
    """Return the distinct abstracts of corpus/."""
    return deduplicate(read_papers(dev_corpus.ROOT / "corpus").papers).kept


@functools.cache
def bilingual_papers() -> Mapping[str, Row]:
    """Return the papers of bilingual_arxiv/train by arXiv id; none if the data is absent."""
    if not dev_corpus.DATA.exists():
        return {}
    return {paper["arxiv_id"]: paper for paper in records("bilingual_arxiv/train")}


def stored_text(row: Row) -> str:
    """Return the abstract of bilingual_arxiv that a question is about, in the language it is stored in."""
    text: str = bilingual_papers()[row["paper"]][f"abstract_{row['stored']}"]
    return text


def papers_with(piece: str) -> list[Paper]:
    """Return the abstracts of corpus/ that hold a piece of text."""
    return [paper for paper in corpus_papers() if piece in paper.text]


def uneven(what: str, found: Mapping[Any, int], wanted: Mapping[Any, int]) -> Faults:
    """Yield a fault if counts are not what they should be."""
    if dict(found) != dict(wanted):
        yield f"{what}: {dict(found)}, wanted {dict(wanted)}"


def repeated(questions: Questions) -> Faults:
    """Yield every repeated id and question."""
    ids = Counter(row["id"] for row in questions.every)
    full = [row["standalone"] for row in questions.of("corpus/followups")]
    asked = Counter([*(row["question"] for row in questions.every), *full])
    yield from (f"{text}: stands {n} times" for text, n in [*ids.items(), *asked.items()] if n > 1)


def languages(questions: Questions) -> Faults:
    """Yield the questions that are not in the language they name."""
    for row in questions.every:
        if detect_language(row["question"]) != row["language"]:
            yield f"{row['id']}: the question is not in {row['language']}"


def pieces(questions: Questions) -> Faults:
    """Yield the pieces of text that are too short or not in exactly one abstract of corpus/."""
    for row in questions.of("corpus/questions", "corpus/followups", "corpus/several"):
        for piece in row.get("relevant") or [row["paper"]]:
            if len(piece) < SHORTEST_PIECE:
                yield f"{row['id']}: {piece!r} is too short"
            if len(found := papers_with(piece)) != 1:
                yield f"{row['id']}: {piece!r} stands in {len(found)} abstracts"


def coverage(questions: Questions) -> Faults:
    """Yield a fault if an abstract of corpus/ is not asked about once in each language."""
    rows = questions.of("corpus/questions")
    asked = Counter((p.paper_id, row["language"]) for row in rows for p in papers_with(row["paper"]))
    wanted = [(paper.paper_id, language) for paper in corpus_papers() for language in LANGUAGES]
    if len(corpus_papers()) != CORPUS_PAPERS:
        yield f"corpus/: {len(corpus_papers())} distinct abstracts, wanted {CORPUS_PAPERS}"
    for paper, language in wanted:
        if (times := asked[paper, language]) != 1:
            yield f"{paper}: asked about {times} times in {language}"


def own_answers(questions: Questions) -> Faults:
    """Yield the patterns that miss their gold answer or match their question or its history."""
    for row in questions.answerable:
        if not matches(row["answer"], row["gold"]):
            yield f"{row['id']}: no pattern matches the gold answer"
        turns = [text for turn in row.get("history", []) for text in turn]
        for text in [row["question"], row.get("standalone", ""), *turns]:
            if matches(row["answer"], text):
                yield f"{row['id']}: a pattern matches what is asked or was said: {text}"


def rival_answers(questions: Questions) -> Faults:
    """Yield the patterns that match the gold answer of another question.

    Questions about one abstract are not compared with those over several, of which they may be a part.
    """
    asked = questions.of("corpus/questions", "corpus/followups", "dev_questions")
    single = [row for row in asked if "answer" in row]
    planted = [row for row in questions.of("corpus/injections") if "answer" in row and "abstract" in row]
    several = questions.of(*SEVERAL)
    for rows, rivals in ((single, [*single, *planted]), (several, [*single, *several])):
        for row in rows:
            for other in rivals:
                same = other["id"] == row["id"] or other["language"] != row["language"]
                if not same and matches(row["answer"], other["gold"]):
                    yield f"{row['id']}: a pattern matches the gold answer of {other['id']}"


def corpus_answers(questions: Questions) -> Faults:
    """Yield the questions whose patterns miss the expected abstract of corpus/ in the same language."""
    for row in questions.of("corpus/questions", "corpus/followups"):
        for paper in papers_with(row["paper"]):
            if paper.language == row["language"] and not matches(row["answer"], paper.text):
                yield f"{row['id']}: no pattern matches the abstract"


def unanswerable(questions: Questions) -> Faults:
    """Yield a fault if a cell has too many or too few unanswerable questions."""
    for name, each in NAMING.items():
        rows = [row for row in questions.of(name) if "answer" not in row]
        found = Counter((row["language"], row["names_paper"]) for row in rows)
        yield from uneven(name, found, {(la, names): each for la in LANGUAGES for names in (True, False)})


def names(questions: Questions) -> Faults:
    """Yield the questions whose name is missing from the question or from its abstract."""
    # The names in dev_more.jsonl are descriptions.
    named = [row for row in questions.of(*NAMING) if "name" in row]
    for row in named:
        if row["name"] not in row["question"]:
            yield f"{row['id']}: the question does not hold the name"
        if "stored" not in row:
            holders = [p for p in corpus_papers() if row["name"].lower() in p.text.lower()]
            if len(holders) != 1:
                yield f"{row['id']}: its name stands in {len(holders)} abstracts"
        elif bilingual_papers() and row["name"].lower() not in stored_text(row).lower():
            yield f"{row['id']}: its name does not stand in the abstract"


def development(questions: Questions) -> Faults:
    """Yield a fault if a cell has too many or too few development questions."""
    for name, each in STORED.items():
        rows = [row for row in questions.of(name) if "answer" in row]
        found = Counter((row["language"], row["stored"]) for row in rows)
        yield from uneven(name, found, {(la, stored): each for la in LANGUAGES for stored in LANGUAGES})
        if len({row["paper"] for row in rows}) != len(rows):
            yield f"{name}: two questions about one paper"


def development_answers(questions: Questions) -> Faults:
    """Yield the development questions whose patterns miss their paper in the same language."""
    for row in questions.of("dev_questions", "dev_more") if bilingual_papers() else []:
        same = "answer" in row and row["stored"] == row["language"]
        if same and not matches(row["answer"], stored_text(row)):
            yield f"{row['id']}: no pattern matches the abstract"


def several(questions: Questions) -> Faults:
    """Yield the questions over several abstracts that half a gold answer satisfies, and uneven languages."""
    for name, each in SEVERAL.items():
        found = Counter(row["language"] for row in questions.of(name))
        yield from uneven(name, found, dict.fromkeys(LANGUAGES, each))
    for row in questions.of(*SEVERAL):
        if not 2 <= len(set(row["relevant"])) == len(row["relevant"]) <= 4:
            yield f"{row['id']}: not two to four different abstracts"
        halves = [half for half in re.split(r"[;；,，、。]| and | 和", row["gold"]) if half.strip()]
        if len(halves) < 2 or any(matches(row["answer"], half) for half in halves):
            yield f"{row['id']}: a part of the gold answer is enough"


def needed_abstracts(questions: Questions) -> Faults:
    """Yield the development questions over several abstracts that need fewer abstracts."""
    for row in questions.of("dev_several") if bilingual_papers() else []:
        texts = [bilingual_papers()[paper][f"abstract_{row['language']}"] for paper in row["relevant"]]
        if not matches(row["answer"], "\n".join(texts)):
            yield f"{row['id']}: no pattern matches the abstracts together"
        for left_out in texts:
            if matches(row["answer"], "\n".join(text for text in texts if text is not left_out)):
                yield f"{row['id']}: one of the abstracts is not needed"


def followups(questions: Questions) -> Faults:
    """Yield the follow-ups that are not shorter than their full wording, and uneven languages."""
    rows = questions.of("corpus/followups")
    yield from uneven("followups", Counter(r["language"] for r in rows), dict.fromkeys(LANGUAGES, FOLLOWUPS))
    for row in rows:
        if len(row["history"]) != 1 or len(row["question"]) >= len(row["standalone"]):
            yield f"{row['id']}: not one turn and a shorter question"
        for said in (*row["history"][0], row["standalone"]):
            if detect_language(said) != row["language"]:
                yield f"{row['id']}: not in {row['language']}: {said}"


def injections(questions: Questions) -> Faults:
    """Yield the planted instructions whose forbidden patterns match too little or too much."""
    rows = questions.of("corpus/injections")
    asked = Counter((row["planted"], detect_language(row[row["planted"]])) for row in rows)
    wanted = {(where, language): each for where, each in PLANTED.items() for language in LANGUAGES}
    yield from uneven("injections", asked, wanted)
    kinds = {row["kind"] for row in rows if row["planted"] == "abstract"}
    if len(kinds) < PLANTED_KINDS:
        yield f"injections: only {len(kinds)} kinds"
    for row in rows:
        other = "question" if row["planted"] == "abstract" else "abstract"
        if not matches(row["forbidden"], row[row["planted"]]):
            yield f"{row['id']}: no forbidden pattern matches the instruction"
        if any(matches(row["forbidden"], row.get(field, "")) for field in ("gold", other)):
            yield f"{row['id']}: a forbidden pattern matches what is right"


def planted_abstracts(questions: Questions) -> Faults:
    """Yield the invented abstracts that do not answer their question or occur in another set."""
    others = {paper.paper_id for paper in corpus_papers()}
    others |= {paper_id(p[f"abstract_{la}"]) for p in bilingual_papers().values() for la in LANGUAGES}
    for row in questions.of("corpus/injections"):
        text = row.get("abstract", "")
        if "answer" not in row:
            continue
        if not 2 <= len(split_sentences(text)) <= 6:
            yield f"{row['id']}: its abstract is not two to six sentences"
        if paper_id(text) in others:
            yield f"{row['id']}: its abstract stands in another set"
        if detect_language(text) == row["language"] and not matches(row["answer"], text):
            yield f"{row['id']}: no pattern matches the abstract"


CHECKS: Sequence[Callable[[Questions], Faults]] = (
    repeated, languages, pieces, coverage, own_answers, rival_answers, corpus_answers, unanswerable, names,
    development, development_answers, several, needed_abstracts, followups, injections, planted_abstracts,
)  # fmt: skip


def faults(questions: Questions) -> Faults:
    """Yield every fault of the questions."""
    for check in CHECKS:
        yield from check(questions)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the faults and the counts; return the exit code."""
    command = parser(__doc__)
    command.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="instead of benchmarks/data")
    questions = read_questions(command.parse_args(argv).data)
    found = list(faults(questions))
    for fault in found:
        print(fault)
    for name, rows in questions.files.items():
        in_chinese = sum(row["language"] == "zh" for row in rows)
        print(f"{name}: {len(rows)} questions, {in_chinese} Chinese")
    if not bilingual_papers():
        print("bilingual_arxiv of ../shared/data is absent: its abstracts were not checked")
    print(f"{len(found)} faults")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
