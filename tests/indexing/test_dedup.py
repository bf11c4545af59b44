import gzip
import itertools
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.indexing.dedup.folding import DedupResult, deduplicate
from rag.schema import Paper, Source
from tests.indexing.records import CHINESE, ENGLISH, RECORDS, paper

DATA = Path(__file__).parents[3] / "shared" / "data"


def works(*texts: str) -> int:
    return len(deduplicate([paper(text, i) for i, text in enumerate(texts, 1)]).kept)


def partition(result: DedupResult) -> set[frozenset[Source]]:
    return {frozenset(kept.sources) for kept in result.kept}


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (ENGLISH, "3.2%", "3.4%"),
        (ENGLISH, "12000", "12001"),
        (ENGLISH, "does improve", "does not improve"),
        (ENGLISH, "larger teacher", "smaller teacher"),
        (ENGLISH, "rises", "falls"),
        (CHINESE, "提高", "降低"),
        (CHINESE, "1.2万", "1.2亿"),
        (CHINESE, "可以在", "不可以在"),
    ],
)
def test_a_changed_statement_is_another_work(text: str, old: str, new: str) -> None:
    assert old in text
    assert works(text, text.replace(old, new)) == 2


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (ENGLISH, "12000", "12,000"),
        (ENGLISH, "12000", "twelve thousand"),
        (CHINESE, "1.2万", "12000"),
        (ENGLISH, "distillation", "distilation"),
        (ENGLISH, "robustness", "robustnses"),
        (CHINESE, "坚固", "牢固"),
        (ENGLISH, "studied.", "studied. © 2012 Elsevier Ltd. All rights reserved."),
        (ENGLISH, "Masked image", "© 2012 Elsevier Ltd. Masked image"),
        (ENGLISH, "However,", "METHODS: However,"),
        (ENGLISH, "studied.", "studied. translated by 谷歌翻译"),
        (ENGLISH, "masked", "MASKED"),
    ],
)
def test_a_copy_with_a_slip_or_boilerplate_is_folded(text: str, old: str, new: str) -> None:
    assert works(text, text.replace(old, new)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"doi": "10.1/ABC"}, {"doi": "10.1/abc"}),
        (
            {"title": "On Copper", "authors": ("Li, X.", "Ann Lee"), "year": 2020},
            {"title": "ON COPPER.", "authors": ("X. Li", "Lee, A."), "year": 2020},
        ),
    ],
)
def test_an_equal_reference_overrides_the_text(first: dict[str, Any], second: dict[str, Any]) -> None:
    changed = ENGLISH.replace("3.2%", "3.4%")
    assert len(deduplicate([paper(ENGLISH, 1, **first), paper(changed, 2, **second)]).kept) == 1


REFERENCE: dict[str, Any] = {
    "title": "Distilling masked image models into tiny vision transformers",
    "authors": ("Ren, S.", "Wei, F."),
    "year": 2023,
}


@pytest.mark.parametrize(
    "change",
    [
        {"title": REFERENCE["title"] + ": a study of masked pre-training in small networks"},
        {"title": REFERENCE["title"].replace("image", "imaeg")},
        {"authors": ()},
        {"authors": ("Ren, S.",)},
        {"year": 2024},
        {"year": None},
    ],
)
@pytest.mark.parametrize(
    ("old", "new"),
    [("3.2%", "3.4%"), ("does improve", "does not improve"), ("rises", "falls")],
)
def test_an_alike_reference_does_not_override_the_text(change: dict[str, Any], old: str, new: str) -> None:
    other = REFERENCE | change
    same = ENGLISH.replace("robustness", "robustnses")
    assert len(deduplicate([paper(ENGLISH, 1, **REFERENCE), paper(same, 2, **other)]).kept) == 1
    changed = ENGLISH.replace(old, new)
    assert len(deduplicate([paper(ENGLISH, 1, **REFERENCE), paper(changed, 2, **other)]).kept) == 2


def test_a_short_abstract_that_repeats_its_title_is_compared_too() -> None:
    texts = [f"{REFERENCE['title']} gains {gain}% of accuracy." for gain in (3.2, 3.4)]
    found = [paper(text, i, **REFERENCE | {"year": 2022 + i}) for i, text in enumerate(texts)]
    assert len(deduplicate(found).kept) == 2


def test_an_alike_reference_joins_a_record_without_abstract() -> None:
    bare = paper(str(REFERENCE["title"]), 2, **REFERENCE | {"year": 2024})
    assert len(deduplicate([paper(ENGLISH, 1, **REFERENCE), bare]).kept) == 1


def test_other_years_or_kinds_of_paper_are_other_works() -> None:
    common: dict[str, Any] = {"authors": ("Li, X.",)}
    pairs = [
        ({"title": "Annual survey of copper surfaces on wards", "year": 2011}, {"year": 2015}),
        ({"title": "A long enough title about copper on the wards", "year": 2011}, {"title": "Rejoinder: "}),
        (
            {"title": "Copper surfaces on hospital wards, part II", "year": 2011},
            {"title": "III", "year": 2011},
        ),
    ]
    for first, change in pairs:
        second = first | change
        second["title"] = {"Rejoinder: ": f"Rejoinder: {first['title']}", "III": f"{first['title']}I"}.get(
            str(second["title"]), str(first["title"])
        )
        texts = "One text about copper on wards.", "Another thing entirely, on zinc in blood."
        assert (
            len(
                deduplicate(
                    [paper(texts[0], 1, **common, **first), paper(texts[1], 2, **common, **second)]
                ).kept
            )
            == 2
        )


def test_one_proceedings_doi_does_not_join_unlike_papers() -> None:
    first = paper(ENGLISH, 1, doi="10.1007/978", title="Distilling small vision transformers")
    second = paper(
        "Robots play soccer in the humanoid league of 2050.", 2, doi="10.1007/978", title="Soccer skills"
    )
    assert len(deduplicate([first, second]).kept) == 2


def test_the_most_complete_is_kept_with_all_sources_and_missing_fields() -> None:
    bare = paper(ENGLISH, 1, doi="10.1/x")
    full = paper(
        ENGLISH.replace("distillation", "distilation"), 2, title="Tiny", authors=("Ren",), year=2023, url="u"
    )
    copy = paper(ENGLISH.upper(), 3)
    result = deduplicate([bare, copy, full])
    (kept,) = result.kept
    assert (kept.paper_id, kept.title, kept.doi) == (full.paper_id, "Tiny", "10.1/x")
    assert [source.position for source in kept.sources] == [1, 3, 2]
    assert {(d.paper.paper_id, d.kept_id) for d in result.dropped} == {(bare.paper_id, full.paper_id)}
    assert [d.reason for d in result.dropped] == ["near", "near"]
    assert all(0.8 <= d.score < 1 for d in result.dropped)
    assert [m.paper_id for m in result.clusters[kept.paper_id]] == [bare.paper_id, bare.paper_id]


def test_likeness_does_not_drift_along_a_chain() -> None:
    words = [f"{a}{b}ing" for a in "bcdfghklmnprst" for b in ("alk", "ent", "ilt", "ond", "urb", "ask")]
    steps = [" ".join([*(w.upper()[::-1] for w in words[: 5 * i]), *words[5 * i :]]) for i in range(8)]
    result = deduplicate([paper(text, i) for i, text in enumerate(steps, 1)])
    assert len(result.kept) > 1
    assert works(steps[0], steps[1]) == 1
    assert works(steps[0], steps[7]) == 2
    assert all(drop.score >= 0.8 for drop in result.dropped)


def test_empty_and_single() -> None:
    assert deduplicate([]) == DedupResult((), (), {})
    only = paper(ENGLISH)
    assert deduplicate([only]) == DedupResult((only,), (), {})


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=9), st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_the_order(found: list[Paper], random: Any) -> None:
    found = [replace(p, sources=(Source("f", i),)) for i, p in enumerate(found, 1)]
    shuffled = random.sample(found, len(found))
    first, second = deduplicate(found), deduplicate(shuffled)
    assert partition(first) == partition(second)
    assert {(k.paper_id, k.title, k.year, k.doi) for k in first.kept} == {
        (k.paper_id, k.title, k.year, k.doi) for k in second.kept
    }
    assert sorted(s.position for k in first.kept for s in k.sources) == list(range(1, len(found) + 1))
    assert len(first.dropped) == len(found) - len(first.kept)
    assert len({k.paper_id for k in first.kept}) == len(first.kept)


@settings(max_examples=20, deadline=None)
@given(st.lists(RECORDS, max_size=9))
def test_folding_again_changes_nothing(found: list[Paper]) -> None:
    found = [replace(p, sources=(Source("f", i),)) for i, p in enumerate(found, 1)]
    kept = deduplicate(found).kept
    assert len(deduplicate(kept).kept) <= len(kept)


def test_thousands_of_near_identical_records_stay_fast() -> None:
    """A family that differs in numbers only would be all candidate pairs; the sketches keep it apart."""
    found = [paper(ENGLISH.replace("12000", str(10_000 + i)), i) for i in range(1500)]
    started = time.process_time()
    assert len(deduplicate(found).kept) == 1500
    assert time.process_time() - started < 20


@pytest.mark.skipif(not (DATA / "arxiv_50k.jsonl.gz").is_file(), reason="../shared/data/arxiv_50k is absent")
def test_real_abstracts_are_kept_apart_and_their_copies_found() -> None:
    with gzip.open(DATA / "arxiv_50k.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["abstract"].strip() for line in itertools.islice(lines, 400)]
    long = [text for text in texts if len(text) > 300]
    copies = [f"{text[: len(text) // 2]}x{text[len(text) // 2 :]} © 2020 Elsevier B.V." for text in long]
    result = deduplicate([paper(text, i) for i, text in enumerate(long + copies)])
    right = sum(len(kept.sources) == 2 for kept in result.kept)
    assert not any(len({s.position % len(long) for s in kept.sources}) > 1 for kept in result.kept)
    assert right >= 0.96 * len(long)  # a letter put into a short name makes another name
