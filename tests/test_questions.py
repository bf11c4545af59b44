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
SEVERAL = read(ROOT / "tests" / "data" / "several.jsonl")
FOLLOWUPS = read(ROOT / "tests" / "data" / "followups.jsonl")
INJECTIONS = read(ROOT / "tests" / "data" / "injections.jsonl")
PLANTED = [row for row in INJECTIONS if row["planted"] == "abstract"]
PLANTED_AND_ANSWERABLE = [row for row in INJECTIONS if "answer" in row]
DEV = read(ROOT / "benchmarks" / "dev_questions.jsonl")
DEV_SEVERAL = read(ROOT / "benchmarks" / "dev_several.jsonl")
DEV_ANSWERABLE = [row for row in DEV if "answer" in row]
DEV_UNANSWERABLE = [row for row in DEV if "answer" not in row]
ANSWERABLE = QUESTIONS + DEV_ANSWERABLE
EVERY = QUESTIONS + UNANSWERABLE + SEVERAL + FOLLOWUPS + INJECTIONS + DEV + DEV_SEVERAL
# A question over several abstracts may repeat what a question on one of them asks; among themselves they differ.
RIVALS = {row["id"]: ANSWERABLE + FOLLOWUPS + PLANTED_AND_ANSWERABLE for row in ANSWERABLE + FOLLOWUPS}
RIVALS |= {row["id"]: ANSWERABLE + FOLLOWUPS + SEVERAL + DEV_SEVERAL for row in SEVERAL + DEV_SEVERAL}


def matches(row, text, field="answer"):
    text = unicodedata.normalize("NFKC", text)
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in row[field])


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
    return paper_with(row, row["paper"])


def paper_with(row, piece):
    found = [paper for paper in distinct_papers() if piece in paper.text]
    assert len(found) == 1, f"{row['id']}: its substring occurs in {len(found)} abstracts"
    return found[0]


def name(row):
    return row["id"]


def test_ids_and_questions_are_unique():
    assert len({row["id"] for row in EVERY}) == len(EVERY)
    questions = [row["question"] for row in EVERY] + [row["standalone"] for row in FOLLOWUPS]
    assert len(set(questions)) == len(questions)


def test_every_abstract_is_asked_about_in_both_languages():
    asked = Counter((expected_paper(row).paper_id, row["language"]) for row in QUESTIONS)
    assert len(distinct_papers()) == 31
    assert asked == {
        (paper.paper_id, language): 1 for paper in distinct_papers() for language in ("en", "zh")
    }


@pytest.mark.parametrize("row", EVERY, ids=name)
def test_language_is_what_the_product_detects(row):
    assert detect_language(row["question"]) == row["language"]


@pytest.mark.parametrize("row", QUESTIONS + FOLLOWUPS, ids=name)
def test_substring_is_long_enough_to_be_unmistakable(row):
    assert len(row["paper"]) >= 30
    assert expected_paper(row)


@pytest.mark.parametrize(
    "row", ANSWERABLE + SEVERAL + DEV_SEVERAL + FOLLOWUPS + PLANTED_AND_ANSWERABLE, ids=name
)
def test_patterns_accept_the_gold_answer_and_not_the_question(row):
    assert matches(row, row["gold"])
    assert not matches(row, row["question"])


@pytest.mark.parametrize("row", ANSWERABLE + SEVERAL + DEV_SEVERAL + FOLLOWUPS, ids=name)
def test_patterns_reject_the_gold_answers_of_other_questions(row):
    others = [o for o in RIVALS[row["id"]] if o is not row and o["language"] == row["language"]]
    assert [other["id"] for other in others if matches(row, other["gold"])] == []


@pytest.mark.parametrize("row", QUESTIONS + FOLLOWUPS, ids=name)
def test_a_pattern_in_the_abstracts_language_occurs_in_it(row):
    paper = expected_paper(row)
    if paper.language == row["language"]:
        assert matches(row, paper.text)


def test_half_of_the_unanswerable_questions_name_a_paper_in_each_language():
    for rows, each in ((UNANSWERABLE, 15), (DEV_UNANSWERABLE, 4)):
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


def test_questions_over_several_abstracts_fill_both_languages_evenly():
    assert Counter(row["language"] for row in SEVERAL) == {"en": 9, "zh": 9}
    for row in SEVERAL:
        papers = {paper_with(row, piece).paper_id for piece in row["relevant"]}
        assert 2 <= len(papers) == len(row["relevant"])
        assert all(len(piece) >= 30 for piece in row["relevant"])


@pytest.mark.parametrize("row", SEVERAL + DEV_SEVERAL, ids=name)
def test_half_of_an_answer_over_several_abstracts_is_not_enough(row):
    halves = [half for half in re.split(r"[;；,，、。]| and | 和", row["gold"]) if half.strip()]
    assert len(halves) >= 2
    assert [half for half in halves if matches(row, half)] == []


def test_development_questions_over_several_abstracts_fill_both_languages_evenly():
    assert Counter(row["language"] for row in DEV_SEVERAL) == {"en": 10, "zh": 10}
    assert sum(len(set(row["stored"])) == 2 for row in DEV_SEVERAL) >= 8
    for row in DEV_SEVERAL:
        assert 2 <= len(set(row["relevant"])) == len(row["relevant"]) == len(row["stored"]) <= 4


@pytest.mark.parametrize("row", DEV_SEVERAL, ids=name)
def test_development_questions_over_several_abstracts_need_each_of_them(row):
    texts = [bilingual()[paper][f"abstract_{row['language']}"] for paper in row["relevant"]]
    assert matches(row, "\n".join(texts))
    for left_out in texts:
        assert not matches(row, "\n".join(text for text in texts if text is not left_out))


def test_conversations_fill_both_languages_evenly():
    assert Counter(row["language"] for row in FOLLOWUPS) == {"en": 6, "zh": 6}
    assert {len(row["history"]) for row in FOLLOWUPS} == {1}


@pytest.mark.parametrize("row", FOLLOWUPS, ids=name)
def test_a_follow_up_is_shorter_than_what_it_stands_for_and_not_answered_before(row):
    ((first, answer),) = row["history"]
    assert len(row["question"]) < len(row["standalone"])
    for said in (first, answer, row["standalone"]):
        assert detect_language(said) == row["language"]
        assert not matches(row, said)


def test_planted_instructions_fill_both_languages_evenly():
    assert Counter(detect_language(row["abstract"]) for row in PLANTED) == {"en": 12, "zh": 12}
    asked = [row for row in INJECTIONS if row["planted"] == "question"]
    assert Counter(row["language"] for row in asked) == {"en": 3, "zh": 3}
    assert len(PLANTED) + len(asked) == len(INJECTIONS)
    kinds = Counter((row["kind"], row["id"][-2:]) for row in PLANTED)
    assert len({kind for kind, _ in kinds}) >= 10


@pytest.mark.parametrize("row", INJECTIONS, ids=name)
def test_what_is_forbidden_is_what_the_instruction_asks_for_and_nothing_right(row):
    assert matches(row, row[row["planted"]], "forbidden")
    assert not matches(row, row.get("gold", ""), "forbidden")
    other = "question" if row["planted"] == "abstract" else "abstract"
    assert not matches(row, row.get(other, ""), "forbidden")


@pytest.mark.parametrize("row", PLANTED_AND_ANSWERABLE, ids=name)
def test_an_abstract_with_an_instruction_really_answers_its_question(row):
    from rag.sentences import split_sentences

    assert 2 <= len(split_sentences(row["abstract"])) <= 6
    if detect_language(row["abstract"]) == row["language"]:
        assert matches(row, row["abstract"])


def test_abstracts_with_instructions_are_in_no_other_set():
    from rag.clean import paper_id

    written = {paper_id(row["abstract"]) for row in INJECTIONS if "abstract" in row}
    assert len(written) == 28
    assert not written & {paper.paper_id for paper in distinct_papers()}
    texts = {row[f"abstract_{language}"] for row in bilingual().values() for language in ("en", "zh")}
    assert not written & {paper_id(text) for text in texts}
