"""What the Library tab is made of, without a browser: states, lists, works, reports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rag import (
    AddReport,
    Drop,
    Filters,
    FoldedText,
    MapPoint,
    Paper,
    PaperMap,
    PaperPage,
    Problem,
    Source,
    UserError,
    WorkDetails,
)
from tests.fake_rag import FakeRAG, script_of
from ui.library.browsing import Browsing, chosen_after, with_all
from ui.library.details import details_html
from ui.library.given import keep_files, keep_text
from ui.library.job import Jobs
from ui.library.listing import chosen_html, filters_html, head_html, list_html, scope_html
from ui.library.picture import figure, legend_html
from ui.library.progress import progress_html, report_html

BAD = "<script>alert(1)</script>"


def paper(text: str = "A text of some length.", paper_id: str = "p1", **fields: object) -> Paper:
    return Paper(paper_id, text, "en", (Source("a.txt", 3),), **fields)


def test_filters_are_put_on_and_taken_off() -> None:
    start = Browsing("lamps", offset=50)
    one = start.toggled("author", "A. Holm")
    assert (one.filters.authors, one.offset) == (("A. Holm",), 0)
    both = one.toggled("author", "B").toggled("language", "zh").toggled("year", "2020")
    assert both.filters == Filters("zh", (), 2020, 2020, ("A. Holm", "B"))
    assert both.on == [("language", "zh"), ("years", "2020"), ("author", "A. Holm"), ("author", "B")]
    off = both.toggled("author", "B").toggled("language", "zh").toggled("years", "2020")
    assert off == one
    for nonsense in (("colour", "red"), ("language", "fr"), ("year", "x"), (3, None), ("papers", "p1")):
        assert one.toggled(*nonsense).filters == one.filters


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2020", (2020, 2020)),
        (" 2018 - 2020 ", (2018, 2020)),
        ("2018-", (2018, None)),
        ("–2020", (None, 2020)),
        ("-2020", (None, 2020)),
        ("2018至2020", (2018, 2020)),
        ("2020-2018", (2018, 2020)),
    ],
)
def test_years_are_read(text: str, years: tuple[int | None, int | None]) -> None:
    now = Browsing().in_years(text)
    assert now is not None
    assert (now.filters.year_from, now.filters.year_to) == years


@pytest.mark.parametrize("text", ["", "-", "last year", "2018 2020", "20183", "2018-2019-2020"])
def test_what_is_no_year_is_not_guessed(text: str) -> None:
    assert Browsing().in_years(text) is None


def test_choosing_is_undone_by_choosing_again() -> None:
    assert chosen_after(chosen_after((), "a"), "b") == ("a", "b")
    assert chosen_after(("a", "b"), "a") == ("b",)
    assert chosen_after(("a",), 7) == ("a",)
    assert with_all(("a",), ["b", "a", 3]) == ("a", "b")
    assert with_all(("a",), "bc") == ("a",)


def test_nothing_foreign_becomes_markup() -> None:
    hostile = paper(BAD, title=BAD, authors=(BAD,), venue=BAD, keywords=(BAD,), url="javascript:alert(2)")
    folded = FoldedText(paper(BAD, "p2", title=BAD), "p1", "near", 0.93)
    report = AddReport(
        (hostile,), ((Drop(folded.paper, "p1", "near", 0.93), hostile),), (Problem(BAD, 1, BAD),)
    )
    html = [
        list_html(PaperPage(1, ((hostile,),)), Browsing(), (), 1, True),
        head_html(PaperPage(1, ((hostile,),)), Browsing(filters=Filters(authors=(BAD,)))),
        filters_html({"author": ((BAD, 1), ("B", 1))}, Browsing()),
        details_html(WorkDetails((hostile,), (folded,)), True),
        report_html(report),
        legend_html(
            PaperMap(tuple(MapPoint(str(n), BAD, "en", 2020, 0, 0, 0) for n in range(3)), (BAD,)), "cluster"
        ),
    ]
    for part in html:
        assert "<script" not in part
        assert "javascript:" not in part
        assert "&lt;script" in part


def test_a_work_is_shown_with_all_that_is_known_of_it() -> None:
    english = paper(
        "An abstract.", authors=("Ada Holm",), venue="Lamps", year=2020, doi="10.1000/x", keywords=("moth",)
    )
    chinese = Paper("p3", "一篇摘要。", "zh", (Source("b.txt", 1),), title="题目", work_id="p1")
    html = details_html(WorkDetails((english, chinese), ()), False)
    for part in (
        "An abstract.",
        "一篇摘要。",
        "Ada Holm",
        "Lamps",
        "2020",
        "https://doi.org/10.1000/x",
        "moth",
        "a.txt #3",
        "b.txt #1",
    ):
        assert part in html
    assert "translation" in html
    assert "no longer" in details_html(None, False)


def test_only_what_can_be_parted_has_the_button_and_only_for_those_who_may() -> None:
    same = FoldedText(paper(), "p1", "exact", 1.0)
    near = FoldedText(paper("Nearly the text.", "p2"), "p1", "near", 0.9)
    html = details_html(WorkDetails((paper(),), (same, near)), True)
    assert html.count('data-do="decide"') == 1
    assert "90 % alike" in html
    assert "Nearly the text." in html
    assert "decide" not in details_html(WorkDetails((paper(),), (near,)), False)


def test_what_is_chosen_and_asked_is_said_with_a_way_back() -> None:
    assert chosen_html(()) == scope_html(()) == ""
    assert "1 chosen" in chosen_html(("a",))
    assert "2 chosen abstracts" in scope_html(("a", "b"))
    assert "1 chosen abstract only" in scope_html(("a",))
    assert 'data-do="whole_library"' in scope_html(("a",))


def test_the_figure_fetches_nothing_and_names_every_point() -> None:
    points = [
        MapPoint(f"p{n}", "Bees & <b>moths</b>", "en" if n % 2 else "zh", None, n % 2, n / 9, -n / 9)
        for n in range(9)
    ]
    drawn = PaperMap(tuple(points), ("bees", "moths"), 1)
    for colour, groups in (("cluster", 2), ("language", 2)):
        data = json.loads(figure(drawn, colour))["data"]
        assert len(data) == groups
        assert {i for trace in data for i in trace["customdata"]} == {point.paper_id for point in points}
        assert all("<b>" not in text for trace in data for text in trace["text"])
    assert "http" not in figure(drawn, "cluster")
    assert "at least three" in legend_html(PaperMap((), ()), "cluster")


def test_files_are_kept_under_their_names_and_never_overwritten(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first, second = tmp_path / "a" / "x.ris", tmp_path / "b" / "x.ris"
    for file in (first, second):
        file.parent.mkdir()
        file.write_text(str(file), encoding="utf-8")
    kept = keep_files([str(first), str(second), str(first)], data)
    assert [path.name for path in kept] == ["x.ris", "x-2.ris", "x.ris"]
    assert [path.read_text(encoding="utf-8") for path in kept[:2]] == [str(first), str(second)]
    assert keep_text("An abstract.", data).read_text(encoding="utf-8") == "An abstract."
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        keep_text("An abstract.", tmp_path / "file")


class Adding(FakeRAG):
    """Adds until it is told to go on, or to stop."""

    def __init__(self, go_on: threading.Event) -> None:
        super().__init__(script_of("", []))
        self.go_on = go_on

    def add(
        self, paths: object, progress: Callable[[str, int, int], None], stop: threading.Event
    ) -> AddReport:
        progress("Embedding", 5, 20)
        assert self.go_on.wait(10)
        if stop.is_set():
            raise UserError("Adding was stopped; add again.")
        return AddReport((paper(),))


def test_one_run_at_a_time_that_says_how_far_it_is_and_can_be_stopped() -> None:
    go_on = threading.Event()
    library, jobs = Adding(go_on), Jobs()
    job = jobs.begin("me", library, [Path("a")])
    assert job is not None
    while not job.total:
        threading.Event().wait(0.01)
    assert jobs.begin("you", library, [Path("b")]) is None
    assert "5 of 20" in progress_html(job)
    assert 'value="25"' in progress_html(job)
    job.stop.set()
    go_on.set()
    while job.running:
        threading.Event().wait(0.01)
    assert (job.report, job.error) == (None, "Adding was stopped; add again.")
    again = jobs.begin("you", library, [Path("b")])
    assert again is not None
    while again.running:
        threading.Event().wait(0.01)
    assert again.report is not None
    assert "1 abstract added" in report_html(again.report)


def test_a_report_of_nothing_says_so() -> None:
    assert "Nothing new" in report_html(AddReport())
