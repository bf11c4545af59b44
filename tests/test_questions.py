"""The question sets themselves: every question points at one abstract and every pattern is fair."""

import functools
import gzip
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from rag.language import detect_language

ROOT = Path(__file__).resolve().parent.parent
BILINGUAL = ROOT.parent / "shared" / "data" / "bilingual_arxiv" / "train.jsonl.gz"


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


QUESTIONS = read(ROOT / "tests" / "data" / "questions.jsonl")
UNANSWERABLE = read(ROOT / "tests" / "data" / "unanswerable.jsonl")
DEV = read(ROOT / "benchmarks" / "dev_questions.jsonl")
DEV_ANSWERABLE = [row for row in DEV if "answer" in row]
DEV_UNANSWERABLE = [row for row in DEV if "answer" not in row]
ANSWERABLE = QUESTIONS + DEV_ANSWERABLE


def matches(row, text):
    text = unicodedata.normalize("NFKC", text)
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in row["answer"])


@functools.cache
def distinct_papers():
    from rag.corpus import read_papers
    from rag.dedup import deduplicate

    papers = read_papers(ROOT / "corpus").papers
    return tuple(deduplicate(papers).kept)


@functools.cache
def bilingual():
    if not BILINGUAL.exists():
        pytest.skip(f"{BILINGUAL.name} of the shared data is not here")
    with gzip.open(BILINGUAL, "rt", encoding="utf-8") as lines:
        return {row["arxiv_id"]: row for row in map(json.loads, lines)}


def expected_paper(row):
    found = [paper for paper in distinct_papers() if row["paper"] in paper.text]
    assert len(found) == 1, f"{row['id']}: its substring occurs in {len(found)} abstracts"
    return found[0]


def name(row):
    return row["id"]


def test_ids_and_questions_are_unique():
    rows = QUESTIONS + UNANSWERABLE + DEV
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["question"] for row in rows}) == len(rows)


def test_every_abstract_is_asked_about_in_both_languages():
    asked = Counter((expected_paper(row).paper_id, row["language"]) for row in QUESTIONS)
    assert len(distinct_papers()) == 31
    assert asked == {
        (paper.paper_id, language): 1 for paper in distinct_papers() for language in ("en", "zh")
    }


@pytest.mark.parametrize("row", QUESTIONS + UNANSWERABLE + DEV, ids=name)
def test_language_is_what_the_product_detects(row):
    assert detect_language(row["question"]) == row["language"]


@pytest.mark.parametrize("row", QUESTIONS, ids=name)
def test_substring_is_long_enough_to_be_unmistakable(row):
    assert len(row["paper"]) >= 30
    assert expected_paper(row)


@pytest.mark.parametrize("row", ANSWERABLE, ids=name)
def test_patterns_accept_the_gold_answer_and_not_the_question(row):
    assert matches(row, row["gold"])
    assert not matches(row, row["question"])


@pytest.mark.parametrize("row", ANSWERABLE, ids=name)
def test_patterns_reject_the_gold_answers_of_other_questions(row):
    others = [other for other in ANSWERABLE if other is not row and other["language"] == row["language"]]
    assert [other["id"] for other in others if matches(row, other["gold"])] == []


@pytest.mark.parametrize("row", QUESTIONS, ids=name)
def test_a_pattern_in_the_abstracts_language_occurs_in_it(row):
    paper = expected_paper(row)
    if paper.language == row["language"]:
        assert matches(row, paper.text)


def test_half_of_the_unanswerable_questions_name_a_paper_in_each_language():
    for rows, each in ((UNANSWERABLE, 5), (DEV_UNANSWERABLE, 4)):
        cells = Counter((row["language"], row["names_paper"]) for row in rows)
        assert cells == {(language, names): each for language in ("en", "zh") for names in (True, False)}


@pytest.mark.parametrize("row", [row for row in UNANSWERABLE if row["names_paper"]], ids=name)
def test_a_named_paper_is_in_the_corpus(row):
    assert row["name"] in row["question"]
    assert sum(row["name"].lower() in paper.text.lower() for paper in distinct_papers()) == 1


def test_development_questions_fill_the_language_cells_evenly():
    cells = Counter((row["language"], row["stored"]) for row in DEV_ANSWERABLE)
    assert cells == {(language, stored): 10 for language in ("en", "zh") for stored in ("en", "zh")}
    assert len({row["paper"] for row in DEV_ANSWERABLE}) == 40


@pytest.mark.parametrize("row", [row for row in DEV if "paper" in row], ids=name)
def test_development_questions_fit_their_papers(row):
    text = bilingual()[row["paper"]][f"abstract_{row['stored']}"]
    if "name" in row:
        assert row["name"] in row["question"]
        assert row["name"].lower() in text.lower()
    elif row["stored"] == row["language"]:
        assert matches(row, text)
