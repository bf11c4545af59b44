"""Tables by the data set's own groups, and two runs held against each other question by question."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rag.errors import SettingsError
from rag.evaluation.answer_groups import OUTCOMES, comparison_table, group_summary, group_tables, read_rows
from rag.evaluation.scoring import Row, to_json
from tests.evaluation.test_scoring import lines_of


def row(name: str, **fields: Any) -> Row:
    """A right answer to an English question of the cell en-en, unless the fields say otherwise."""
    right = {"right": True, "cited": True, "in_first_3": True, "expected": 1, "expected_cited": 1}
    given = {"citations": 2, "right_citations": 1, "first_token_s": 2.0, "total_s": 3.0, "cell": "en-en"}
    return Row(**{"id": name, "question": f"{name}?", "language": "en", "stored": "en", "answerable": True}
               | {"names_paper": False} | right | given | fields)  # fmt: skip


def stranger(name: str, **fields: Any) -> Row:
    """A question that nothing answers, and that was refused."""
    nothing = {"right": None, "cited": None, "in_first_3": None, "expected": 0, "expected_cited": 0}
    given = {"citations": 0, "right_citations": 0, "answerable": False, "refused": True, "cell": "none"}
    return row(name, **nothing | given | fields)


def failed(asked: Row) -> Row:
    nothing = {"cited": False, "in_first_3": False, "expected_cited": 0, "citations": 0, "right_citations": 0}
    right = False if asked.answerable else None
    return replace(
        asked, right=right, refused=False, error="LLMError: x", first_token_s=None, total_s=None, **nothing
    )


WRONG = {"right": False, "expected_cited": 0, "cited": False}
ROWS = [
    row("a", kind="number"),
    row("b", kind="name", first_token_s=4.0, **WRONG),
    row("c", kind="number", cell="zh-en", refused=True, citations=0, right_citations=0, **WRONG),
    stranger("d", kind="trivia"),
    stranger("e", kind="trivia", refused=False, citations=1),
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_each_cell_and_kind_has_a_line() -> None:
    found = lines_of(group_tables(ROWS))
    head = cells(found["| cell"])
    assert head[1:6] == ["n", "right", "every expected cited", "citations right", "answered but wrong"]
    assert head[6:] == ["refused", "right abstract in the first 3", "s to the first word: median, p90"]
    assert cells(found["| en-en"])[1:5] == [
        *("2", "1/2 0.50 [0.09, 0.91]", "1/2 0.50 [0.09, 0.91]", "2/4 0.50 [0.15, 0.85]")
    ]
    assert cells(found["| en-en"])[-1] == "3.0, 3.8"
    assert cells(found["| none"])[2:7] == ["-", "-", "-", "1/2 0.50 [0.09, 0.91]", "1/2 0.50 [0.09, 0.91]"]
    assert cells(found["| all answerable"])[1:3] == ["3", "1/3 0.33 [0.06, 0.79]"]
    assert [cells(found[f"| {kind}"])[1] for kind in ("number", "name", "trivia")] == ["2", "1", "2"]
    assert "5 questions, 0 ended in an error, 0 markers named no context." in group_tables(ROWS)


def test_the_summary_holds_the_same_figures() -> None:
    figures = json.loads(json.dumps(group_summary(ROWS)))
    assert set(figures) == {"cell", "kind"}
    assert set(figures["cell"]) == {"en-en", "zh-en", "none", "all answerable"}
    assert figures["cell"]["all answerable"]["right"]["successes"] == 1
    assert figures["cell"]["en-en"]["citations right"]["share"] == 0.5
    assert figures["cell"]["en-en"]["first_word_s"] == {"median": 3.0, "p90": pytest.approx(3.8), "n": 2}


def test_what_belongs_to_no_group_has_no_table_or_a_line_of_its_own() -> None:
    assert group_tables([]) == group_tables([row("a", cell=None)]) == ""
    assert group_summary([row("a", cell=None)]) == {}
    only_cells = [row("a"), row("b", cell=None)]
    assert set(group_summary(only_cells)) == {"cell"}
    assert set(group_summary(only_cells)["cell"]) == {"en-en", "-", "all answerable"}
    assert "| kind" not in group_tables(only_cells)
    only_kinds = [row("a", cell=None, kind="number"), row("b", cell=None)]
    assert set(group_summary(only_kinds)) == {"kind"}
    assert set(group_summary([stranger("d")])["cell"]) == {"none"}


def test_seconds_that_were_not_taken_have_no_column() -> None:
    untimed = [replace(each, first_token_s=None) for each in ROWS]
    assert "first word" not in group_tables(untimed)
    assert group_summary(untimed)["cell"]["en-en"]["first_word_s"] is None
    some = [ROWS[0], *untimed[1:]]
    assert cells(lines_of(group_tables(some))["| zh-en"])[-1] == "-"


def test_an_error_is_no_answer_and_what_is_not_judged_is_neither_right_nor_wrong() -> None:
    errors = [failed(ROWS[0]), failed(ROWS[3])]
    figures = group_summary(errors)["cell"]
    for cell in ("en-en", "none"):
        assert figures[cell]["answered but wrong"]["successes"] == 0
        assert figures[cell]["refused"]["successes"] == 0
    assert figures["en-en"]["right"] | {"low": 0, "high": 0} == {
        "successes": 0, "trials": 1, "share": 0.0, "low": 0, "high": 0,
    }  # fmt: skip
    assert "2 questions, 2 ended in an error" in group_tables(errors)
    unjudged = group_summary([row("a", right=None)])["cell"]["en-en"]
    assert (unjudged["right"]["trials"], unjudged["answered but wrong"]["trials"]) == (0, 0)


def by_id(rows: list[Row]) -> dict[str, Row]:
    return {each.id: each for each in rows}


def test_two_runs_are_compared_question_by_question() -> None:
    before = [row("a"), row("b", **WRONG), row("c", **WRONG), stranger("d"), row("gone")]
    now = [row("a", **WRONG), row("b"), row("c"), stranger("d", refused=False), row("new")]
    text = comparison_table(by_id(before), now)
    found = lines_of(text)
    assert cells(found["| right"]) == ["right", "1", "2", "3", "+2", "-1", "1.000"]
    assert cells(found["| refused"]) == ["refused", "1", "0", "4", "+0", "-1", "1.000"]
    assert cells(found["| answered but wrong"])[1:6] == ["2", "2", "4", "+2", "-2"]
    assert cells(found["| right abstract in the first 3"])[1:] == ["3", "3", "3", "+0", "-0", "1.000"]
    assert "\nright: gained b c; lost a\n" in text
    assert "\nrefused: gained -; lost d\n" in text
    assert "first 3:" not in text
    assert text.endswith("Questions compared: 4. Left out for an error in one of the runs: 0.")


def test_errors_and_other_questions_under_the_same_id_are_not_compared() -> None:
    before = [row("a", **WRONG), failed(row("b")), row("c", **WRONG)]
    now = [failed(row("a")), row("b"), row("c", question="Another?")]
    text = comparison_table(by_id(before), now)
    assert cells(lines_of(text)["| right"])[1:4] == ["0", "0", "0"]
    assert "No outcome changed." in text
    assert text.endswith("Questions compared: 0. Left out for an error in one of the runs: 2.")


outcomes = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40)


@given(outcomes)
def test_p_is_that_of_the_questions_that_changed(changes: list[tuple[bool, bool]]) -> None:
    before, now = ([row(str(i), right=pair[k]) for i, pair in enumerate(changes)] for k in (0, 1))
    gained, lost = (sum(pair == each for pair in changes) for each in ((False, True), (True, False)))
    p = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    line = cells(lines_of(comparison_table(by_id(before), now))["| right"])
    assert line[1:] == [
        *(str(sum(r.right for r in run)) for run in (before, now)),
        *(str(len(changes)), f"+{gained}", f"-{lost}", f"{p:.3f}"),
    ]
    turned = cells(lines_of(comparison_table(by_id(now), before))["| right"])
    assert turned[4:] == [f"+{lost}", f"-{gained}", line[6]]


def test_an_earlier_result_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    path.write_text(json.dumps({"rows": to_json(ROWS)}), encoding="utf-8")
    assert read_rows(path) == by_id(ROWS)
    assert "No outcome changed." in comparison_table(read_rows(path), ROWS)
    older = [{name: each for name, each in values.items() if name != "kind"} for values in to_json(ROWS)]
    path.write_text(json.dumps({"rows": older}), encoding="utf-8")
    assert "Questions compared: 5." in comparison_table(read_rows(path), ROWS)


NO_RESULTS = ["", "[]", "3", "{}", '{"rows": 3}', '{"rows": [3]}', '{"rows": ["a"]}', '{"rows": [{"x": 1}]}']
NO_RESULTS += ["[" * 100_000, '{"rows": [{"id": [1]}]}', "\udcff"]


@pytest.mark.parametrize("text", NO_RESULTS, ids=range(len(NO_RESULTS)))
def test_a_file_that_is_no_result_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "before.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(
        SettingsError, match=r"before\.json' is no result .* name another file with --compare\.$"
    ):
        read_rows(path)
    for nothing in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(SettingsError, match="name another file with --compare"):
            read_rows(nothing)


@pytest.mark.parametrize("change", [{"verdict": "right"}, {"right": ...}, {"error": ...}])
def test_a_result_of_another_version_is_one_sentence(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "before.json"
    values = {name: each for name, each in (to_json(ROWS[:1])[0] | change).items() if each is not ...}
    path.write_text(json.dumps({"rows": [values]}), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=rf"Another version .*{next(iter(change))}.* measure again"
    ) as caught:
        read_rows(path)
    assert "\n" not in str(caught.value)


def test_every_outcome_is_said_of_a_row_that_says_it_all() -> None:
    assert {name: test(ROWS[0]) for name, test in OUTCOMES.items()} == {
        "right": True,
        "every expected cited": True,
        "answered but wrong": False,
        "refused": False,
        "right abstract in the first 3": True,
    }
