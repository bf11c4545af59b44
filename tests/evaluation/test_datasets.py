"""Every form of data set: what becomes a document, what is asked, and what a broken file is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rag.errors import CorpusError
from rag.evaluation.datasets.loading import limited, load_dataset
from tests.conftest import DATA, ROOT


def write(path: Path, *records: dict[str, Any] | str) -> Path:
    lines = "".join((r if isinstance(r, str) else json.dumps(r, ensure_ascii=False)) + "\n" for r in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(lines, encoding="utf-8")
    return path


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    write(
        folder / "corpus.jsonl.gz",
        {"_id": "d1", "title": "Bees", "text": "We count bees."},
        {"_id": "d2", "title": "Snow depth", "text": ""},
    )
    write(
        folder / "queries.jsonl",
        {"_id": "q1", "text": "How many bees?"},
        {"_id": "q2", "text": "积雪有多深?"},
        {"_id": "q3", "text": "Never judged"},
    )
    write(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t0", "q2\td2\t1")
    return folder


def test_a_beir_folder_asks_the_judged_questions_only(beir: Path) -> None:
    dataset = load_dataset(beir)
    assert [(q.query_id, q.language, dict(q.relevant)) for q in dataset.queries] == [
        ("q1", "en", {"d1": 2.0}),
        ("q2", "zh", {"d2": 1.0}),
    ]
    papers = dataset.papers()
    assert [(p.title, p.text) for p in papers] == [("Bees", "We count bees."), ("Snow depth", "Snow depth")]
    assert [paper.sources[0].position for paper in papers] == [1, 2]


def test_another_split_and_the_flat_place_of_judgements(beir: Path) -> None:
    write(beir / "qrels_train.tsv", "q3\td1\t1")
    assert [q.query_id for q in load_dataset(beir, "train").queries] == ["q3"]
    with pytest.raises(CorpusError, match="--split"):
        load_dataset(beir, "dev")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["q1\td1"], "Line 1 of test.tsv is not query-id"),
        (["query-id\tcorpus-id\tscore", "q1\td1\thigh"], "Line 2 of test.tsv"),
        (["q9\td1\t1"], "'q9' of line 1 of test.tsv is not among the queries"),
        (["query-id\tcorpus-id\tscore"], "holds no judgement"),
    ],
)
def test_wrong_judgements_name_their_line(beir: Path, rows: list[str], message: str) -> None:
    write(beir / "qrels" / "test.tsv", *rows)
    with pytest.raises(CorpusError, match=message):
        load_dataset(beir)


def test_a_beir_folder_without_queries_is_told_so(beir: Path) -> None:
    (beir / "queries.jsonl").unlink()
    with pytest.raises(CorpusError, match=r"no queries\.jsonl"):
        load_dataset(beir)


def bilingual(number: int) -> dict[str, Any]:
    return {
        "arxiv_id": f"2401.0000{number}",
        "title": f"Title {number}",
        "headline_zh": f"标题{number}",
        "abstract_en": f"English abstract {number}.",
        "abstract_zh": f"中文摘要{number}。",
        "date": "2024-01-05",
    }


def test_bilingual_papers_are_stored_in_one_language_each_and_asked_for_in_both(tmp_path: Path) -> None:
    dataset = load_dataset(write(tmp_path / "dev.jsonl.gz", bilingual(1), bilingual(2)))
    assert [(d.text, d.title, d.year) for d in dataset.documents] == [
        ("English abstract 1.", None, 2024),
        ("中文摘要2。", None, 2024),
    ]
    assert [(q.text, q.group) for q in dataset.queries] == [
        ("Title 1", "en->en"),
        ("标题1", "zh->en"),
        ("Title 2", "en->zh"),
        ("标题2", "zh->zh"),
    ]
    assert dataset.queries[3].relevant == {"2401.00002": 1.0}


def test_titles_ask_for_abstracts_that_are_stored_without_them(tmp_path: Path) -> None:
    write(tmp_path / "papers.jsonl", {"id": "a", "title": "道路检测", "abstract": "道路的检测与识别。"})
    for path in (tmp_path, tmp_path / "papers", tmp_path / "papers.jsonl"):
        dataset = load_dataset(path)
        assert (dataset.form, dataset.documents[0].title, dataset.queries[0].text) == (
            "titles",
            None,
            "道路检测",
        )


def test_pubmedqa_abstracts_leave_out_the_conclusion(tmp_path: Path) -> None:
    record = {
        "id": "1",
        "QUESTION": "Do bees fly?",
        "CONTEXTS": ["Bees have wings.", "We watched them."],
        "LONG_ANSWER": "They do fly.",
        "YEAR": "2000",
        "final_decision": "yes",
    }
    dataset = load_dataset(write(tmp_path / "dev.jsonl", record))
    assert (dataset.documents[0].text, dataset.documents[0].year) == (
        "Bees have wings. We watched them.",
        2000,
    )
    assert (dataset.queries[0].decision, dataset.queries[0].answerable) == ("yes", True)
    with pytest.raises(CorpusError, match=r'line 1 of dev\.jsonl "final_decision"'):
        load_dataset(write(tmp_path / "dev.jsonl", record | {"final_decision": "perhaps"}))


def test_rgb_passages_are_stored_once_and_made_up_ones_not_at_all(tmp_path: Path) -> None:
    dataset = load_dataset(
        write(
            tmp_path / "en_fact.jsonl",
            {
                "id": 0,
                "query": "Who won?",
                "answer": "A (team)",
                "fakeanswer": "B",
                "positive_wrong": ["B won."],
                "positive": ["A won."],
                "negative": ["C played."],
            },
            {
                "id": 1,
                "query": "Who played?",
                "answer": ["C", ["D", "E"]],
                "positive": ["C played."],
                "negative": [],
            },
        )
    )
    assert [document.text for document in dataset.documents] == ["A won.", "C played."]
    assert dataset.queries[1].relevant == {"p2": 1.0}
    assert [query.answers for query in dataset.queries] == [(("A\\ \\(team\\)",),), (("C",), ("D", "E"))]


def test_rgb_answers_of_another_shape_are_refused(tmp_path: Path) -> None:
    record = {"id": 0, "query": "Who?", "positive": ["A"], "negative": [], "answer": [[]]}
    with pytest.raises(CorpusError, match='"answer" must be'):
        load_dataset(write(tmp_path / "x.jsonl", record))


def test_your_own_questions_are_read_and_those_without_an_answer_are_unanswerable(tmp_path: Path) -> None:
    dataset = load_dataset(
        write(
            tmp_path / "mine.jsonl",
            {"question": "How many bees?", "relevant": ["We count bees"], "answer": ["12", "twelve"]},
            {"question": "法国的首都?", "answer": []},
            {"question": "Which?", "relevant": ["0123456789abcdef"]},
        )
    )
    assert dataset.documents == ()
    assert [(q.answerable, q.answers, q.language) for q in dataset.queries] == [
        (True, (("12", "twelve"),), "en"),
        (False, (), "zh"),
        (True, (), "en"),
    ]


def test_the_projects_own_questions_are_in_this_form() -> None:
    queries = load_dataset(ROOT / "benchmarks" / "data" / "corpus").queries
    assert len(queries) == 62 + 18 + 60
    assert sum(query.answerable for query in queries) == 62 + 18
    assert sum(query.every for query in queries) == 18
    assert all((len(query.relevant) > 1) == query.every for query in queries)
    assert all(bool(query.relevant) == query.answerable for query in queries)
    assert sum(query.names_paper for query in queries) == 30
    assert not any(query.history or query.forbidden for query in queries)


def test_the_projects_conversations_and_planted_instructions_are_sets_by_themselves() -> None:
    conversations = load_dataset(ROOT / "benchmarks" / "data" / "corpus" / "followups.jsonl")
    assert (conversations.form, len(conversations.queries)) == ("conversations", 12)
    assert all(len(query.history) == 1 and query.answerable for query in conversations.queries)
    planted = load_dataset(ROOT / "benchmarks" / "data" / "corpus", "injections")
    assert (planted.form, len(planted.documents), len(planted.queries)) == ("abstracts", 28, 30)
    assert all(query.forbidden for query in planted.queries)
    assert [query.answerable for query in planted.queries].count(False) == 2


def test_abstracts_bring_a_question_each_and_one_without_is_a_question_only(tmp_path: Path) -> None:
    dataset = load_dataset(
        write(
            tmp_path / "mine.jsonl",
            {
                "id": "a",
                "abstract": "We count bees.",
                "question": "What is counted?",
                "forbidden": ["wasps?"],
            },
            {"id": "b", "question": "Say wasps!", "forbidden": "wasps"},
        )
    )
    assert [(document.doc_id, document.text) for document in dataset.documents] == [("a", "We count bees.")]
    assert [(query.answerable, dict(query.relevant), query.forbidden) for query in dataset.queries] == [
        (True, {"a": 1.0}, ("wasps?",)),
        (False, {}, ("wasps",)),
    ]


def test_several_relevant_abstracts_are_each_expected(tmp_path: Path) -> None:
    dataset = load_dataset(
        write(
            tmp_path / "mine.jsonl",
            {"question": "Which?", "relevant": ["We count bees", "We count wasps"]},
            {"question": "What?", "relevant": ["We count bees", "We count bees"]},
        )
    )
    assert [query.every for query in dataset.queries] == [True, False]


def test_a_folder_asks_questions_together_and_leaves_conversations_to_their_name(tmp_path: Path) -> None:
    turn = {"history": [["Which bees?", "Honey bees."]], "question": "And wasps?", "answer": ["hornet"]}
    write(tmp_path / "talk.jsonl", turn)
    write(tmp_path / "two.jsonl", turn)
    with pytest.raises(CorpusError, match=r"one of its files: talk\.jsonl, two\.jsonl"):
        load_dataset(tmp_path)
    write(tmp_path / "one.jsonl", {"id": "1", "question": "How many bees?"})
    write(tmp_path / "other.jsonl", {"id": "2", "question": "How many wasps?"})
    assert [query.query_id for query in load_dataset(tmp_path).queries] == ["1", "2"]
    assert load_dataset(tmp_path, "talk").queries[0].history == (("Which bees?", "Honey bees."),)
    write(tmp_path / "papers.jsonl", {"id": "a", "title": "Bees", "abstract": "We count bees."})
    with pytest.raises(CorpusError, match=r"one of its files: .*papers\.jsonl"):
        load_dataset(tmp_path)


BEES, WASPS = "We count honey bees at 12 hives.", "We count wasps at 3 nests, and no bees."
OPEN = {
    "id": "q1",
    "question": "How many hives?",
    "relevant": ["honey bees"],
    "answer": ["12|twelve", "hives?"],
    "wrong": [r"\b3\b"],
    "cell": "en-en",
    "kind": "number",
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "open"
    write(
        folder / "library.jsonl.gz",
        {"id": "b", "title": "Bees", "abstract": BEES, "authors": ["A. Bee", "B. Bee"], "year": 2020},
        {"id": "w", "title": "Wasps", "abstract": WASPS, "venue": "Insects"},
        {"id": "s", "abstract": "本文研究积雪深度。"},
    )
    write(folder / "questions.jsonl", OPEN, {"id": "q2", "question": "法国的首都是哪里？", "wrong": ["巴黎"]})
    return folder


def test_a_library_brings_abstracts_and_open_questions_about_them(library: Path) -> None:
    dataset = load_dataset(library)
    assert (dataset.name, dataset.form) == ("open", "library")
    first, second, third = dataset.papers()
    assert (first.title, first.text, first.authors, first.year) == ("Bees", BEES, ("A. Bee", "B. Bee"), 2020)
    assert (second.authors, third.title, third.language) == ((), None, "zh")
    known, stranger = dataset.queries
    assert known.relevant == {"b": 1.0}
    assert (known.answers, known.wrong) == ((("12|twelve",), ("hives?",)), (r"\b3\b",))
    assert (known.cell, known.kind, known.answerable, known.every) == ("en-en", "number", True, False)
    assert (stranger.answerable, stranger.answers, stranger.wrong) == (False, (), ("巴黎",))
    assert (stranger.language, stranger.cell, stranger.kind) == ("zh", None, None)


@pytest.mark.parametrize(
    ("relevant", "expected", "every"),
    [
        (["honey bees", "wasps"], ["b", "w"], True),
        (["honey bees", "12 hives"], ["b"], False),
        (["We count"], ["b", "w"], True),
    ],
)
def test_each_abstract_that_holds_what_an_open_question_names_is_expected(
    library: Path, relevant: list[str], expected: list[str], every: bool
) -> None:
    write(library / "questions.jsonl", OPEN | {"relevant": relevant})
    (query,) = load_dataset(library).queries
    assert (list(query.relevant), query.every) == (expected, every)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (
            {"relevant": ["honey wasps"]},
            r"No abstract holds 'honey wasps' \(line 1 of questions\.jsonl\); correct",
        ),
        ({"relevant": ["honey bees", " "]}, r"No abstract holds ' ' \(line 1 of questions\.jsonl\); correct"),
        ({"wrong": ["("]}, r"line 1 of questions\.jsonl the wrong pattern '\(' is no regular expression"),
        ({"answer": 3}, r'In line 1 of questions\.jsonl "answer" must be a list of texts'),
        ({"question": ""}, r'In line 1 of questions\.jsonl there is no text under "question"'),
    ],
)
def test_a_wrong_open_question_is_one_sentence_that_names_it(
    library: Path, question: dict[str, Any], message: str
) -> None:
    write(library / "questions.jsonl", OPEN | question)
    with pytest.raises(CorpusError, match=message) as caught:
        load_dataset(library)
    assert "\n" not in str(caught.value)


def test_a_library_names_each_abstract_and_each_question_once(library: Path) -> None:
    write(library / "questions.jsonl", OPEN, OPEN)
    with pytest.raises(CorpusError, match=r"'q1' stands in line 1 of q.* and in line 2 of questions\.jsonl"):
        load_dataset(library)
    write(library / "questions.jsonl", OPEN)
    write(library / "library.jsonl.gz", *[{"id": "b", "abstract": text} for text in (BEES, WASPS)])
    with pytest.raises(CorpusError, match=r"'b' stands in line 1 of l.* and in line 2 of library\.jsonl\.gz"):
        load_dataset(library)
    write(library / "library.jsonl.gz", {"id": "b"})
    with pytest.raises(CorpusError, match=r'line 1 of library\.jsonl\.gz there is no text under "abstract"'):
        load_dataset(library)


def test_a_library_may_have_several_files_of_questions(library: Path) -> None:
    write(library / "more.jsonl", OPEN | {"id": "q3"})
    more = load_dataset(library, "more")
    assert (more.name, [query.query_id for query in more.queries]) == ("open/more", ["q3"])
    (library / "questions.jsonl").unlink()
    for split, missing in ((None, "questions"), ("dev", "dev")):
        with pytest.raises(CorpusError, match=rf"no {missing}\.jsonl beside library\.jsonl\.gz .* --split"):
            load_dataset(library, split)


def test_the_shared_open_questions_load() -> None:
    if not (DATA / "questions").exists():
        pytest.skip("the shared data is not here")
    dataset = load_dataset(DATA / "questions")
    assert (dataset.form, len(dataset.documents), len(dataset.queries)) == ("library", 500, 160)
    assert sum(query.every for query in dataset.queries) == 24
    assert all(query.cell and query.kind for query in dataset.queries)
    assert [query.answerable for query in dataset.queries].count(False) == 36


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"question": "a"}', "no json"], "Line 2 of x.jsonl is not a JSON object"),
        (["[1]"], "Line 1 of x.jsonl is not a JSON object"),
        (['{"question": "a"}', '{"relevant": []}'], 'In line 2 of x.jsonl there is no text under "question"'),
        (['{"question": "a", "answer": ["("]}'], r"line 1 of x.jsonl the answer pattern '\(' is no regular"),
        (['{"question": "a", "forbidden": ["("]}'], r"line 1 of x.jsonl the forbidden pattern '\(' is no"),
        (['{"question": "a", "history": "b"}'], 'In line 1 of x.jsonl "history" must be a list of pairs'),
        (['{"question": "a", "history": [["b"]]}'], 'In line 1 of x.jsonl "history" must be a list of pairs'),
        (['{"question": "a", "relevant": 3}'], 'In line 1 of x.jsonl "relevant" must be a list of texts'),
        (
            ['{"id": 1, "question": "a"}', '{"id": 1, "question": "b"}'],
            "'1' stands in line 1 .* and in line 2",
        ),
        (['{"what": 1}'], "line 1 of x.jsonl are those of no data set"),
        ([], "x.jsonl is empty"),
    ],
)
def test_a_wrong_line_is_one_sentence_that_names_it(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        load_dataset(write(tmp_path / "x.jsonl", *lines))
    assert "\n" not in str(caught.value)


def test_a_path_that_holds_no_data_set_is_told_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is no data set"):
        load_dataset(tmp_path / "none")
    with pytest.raises(CorpusError, match=r"holds no \.jsonl file"):
        load_dataset(tmp_path)
    write(tmp_path / "train.jsonl", bilingual(1))
    write(tmp_path / "dev.jsonl", bilingual(2))
    with pytest.raises(CorpusError, match=r"dev\.jsonl, train\.jsonl"):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path, "dev").queries[0].text == "Title 2"
    (tmp_path / "bad.jsonl.gz").write_bytes(gzip.compress(b"x" * 9)[:15])
    with pytest.raises(CorpusError, match=r"bad\.jsonl\.gz cannot be read"):
        load_dataset(tmp_path / "bad")


def test_the_digest_follows_the_content_and_not_the_place(beir: Path, tmp_path: Path) -> None:
    first = load_dataset(beir)
    moved = beir.rename(tmp_path / "moved")
    assert load_dataset(moved).digest == first.digest
    write(moved / "qrels" / "test.tsv", "q1\td1\t1")
    again = load_dataset(moved)
    assert again.digest != first.digest
    assert again.documents_digest == first.documents_digest


@pytest.mark.parametrize("field", [{"forbidden": ["b"]}, {"history": [["b", "c"]]}], ids=str)
def test_the_digest_follows_what_is_forbidden_and_what_was_said_before(
    tmp_path: Path, field: dict[str, Any]
) -> None:
    plain = load_dataset(write(tmp_path / "plain.jsonl", {"id": "1", "question": "a"}))
    more = load_dataset(write(tmp_path / "more.jsonl", {"id": "1", "question": "a", **field}))
    assert plain.digest != more.digest


def test_the_digest_of_a_library_tells_what_is_wrong_from_what_is_forbidden(library: Path) -> None:
    digests = set()
    for more in (
        {},
        {"wrong": ["a"]},
        {"forbidden": ["a"]},
        {"wrong": ["b"]},
        {"wrong": ["a"], "forbidden": ["a"]},
    ):
        write(library / "questions.jsonl", {"id": "q", "question": "What?", **more})
        digests.add(load_dataset(library).digest)
    assert len(digests) == 5
    before = load_dataset(library).documents_digest
    write(
        library / "library.jsonl.gz", {"id": "b", "title": "Bees", "abstract": BEES, "authors": ["Another"]}
    )
    assert load_dataset(library).documents_digest != before


def test_a_limit_draws_the_same_ones_in_order() -> None:
    assert limited(range(82), 10) == limited(range(82), 10) == sorted(limited(range(82), 10))
    assert limited(range(3), None) == limited(range(3), 5) == [0, 1, 2]


@pytest.mark.parametrize(
    ("place", "form", "documents", "asked"),
    [
        ("scifact", "beir", 5183, 300),
        ("bilingual_arxiv/dev", "bilingual", 1000, 2000),
        ("csl_zh", "titles", 3000, 3000),
        ("pubmedqa", "pubmedqa", 500, 500),
        ("rgb/en_fact", "rgb", 487, 50),
        ("rgb/zh_refine", "rgb", 5016, 200),
    ],
)
def test_the_shared_data_sets_load(place: str, form: str, documents: int, asked: int) -> None:
    if not DATA.exists():
        pytest.skip("the shared data is not here")
    dataset = load_dataset(DATA / place)
    assert (dataset.form, len(dataset.documents), len(dataset.queries)) == (form, documents, asked)
    known = {document.doc_id for document in dataset.documents}
    assert all(query.relevant and query.relevant.keys() <= known for query in dataset.queries)
