"""An abstract and its translation become one work; two works of one subject do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag.embedding.alignment import normalise_rows
from rag.indexing.decisions import Decisions
from rag.indexing.dedup.neighbours import Surroundings
from rag.indexing.dedup.twins import find_twins
from rag.schema import Paper
from tests.indexing.records import paper

SUBJECTS = 40
ENGLISH = (
    "We weighed {n} tortoises on the island with the Vekta scale and found a loss of {p}% after drought."
)
CHINESE = "我们用Vekta秤称量了岛上的{n}只陆龟，发现干旱之后体重下降了{p}%，并讨论了原因。"


def library(count: int = SUBJECTS, noise: float = 0.5) -> tuple[list[Paper], NDArray[np.float32]]:
    """Return English and Chinese papers of `count` subjects, each with numbers of its own, and their vectors."""
    random = np.random.default_rng(5)
    subjects = random.standard_normal((count, 48))
    texts = [
        (form.format(n=20 + 3 * i, p=f"{i + 1}.5"), i) for i in range(count) for form in (ENGLISH, CHINESE)
    ]
    papers = [paper(text, position) for position, (text, _) in enumerate(texts)]
    rows = np.stack([subjects[i] + noise * random.standard_normal(48) for _, i in texts])
    return papers, normalise_rows(rows.astype(np.float32))


def works(found: dict[str, str], papers: Sequence[Paper]) -> list[set[int]]:
    groups: dict[str, set[int]] = {}
    for position, one in enumerate(papers):
        if one.paper_id in found:
            groups.setdefault(found[one.paper_id], set()).add(position)
    return sorted(groups.values(), key=min)


def test_translations_are_found_and_nothing_else() -> None:
    papers, vectors = library()
    assert works(find_twins(papers, vectors), papers) == [{2 * i, 2 * i + 1} for i in range(SUBJECTS)]


def test_the_work_is_named_after_the_english_text() -> None:
    papers, vectors = library(3, noise=0.5)
    assert set(find_twins(papers, vectors).values()) == {papers[i].paper_id for i in (0, 2, 4)}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_library_of_few_papers_has_twins_too(count: int) -> None:
    papers, vectors = library(count, noise=0.5)
    assert len(works(find_twins(papers, vectors), papers)) == count


def test_a_paper_without_a_translation_gets_none() -> None:
    papers, vectors = library()
    ours = [i for i in range(len(papers)) if i % 4 in (0, 3)]  # one language of each subject
    assert find_twins([papers[i] for i in ours], vectors[ours]) == {}


@pytest.mark.parametrize("changed", ["26只陆龟", "下降了4.5%"])
def test_a_changed_number_is_another_work_however_near_the_vectors_are(changed: str) -> None:
    papers, vectors = library(noise=0.1)
    wrong = {"26只陆龟": ("23只陆龟", changed), "下降了4.5%": ("下降了2.5%", changed)}[changed]
    text = papers[3].text
    assert wrong[0] in text
    papers[3] = paper(text.replace(*wrong), 3)
    assert {2, 3} not in works(find_twins(papers, vectors), papers)
    assert len(works(find_twins(papers, vectors), papers)) == SUBJECTS - 1


def test_one_identifier_joins_texts_whose_vectors_are_not_nearest() -> None:
    papers, vectors = library()
    vectors[1] = vectors[0] * 0.5 + vectors[2] * 0.87  # nearer to another paper than to its own
    assert {0, 1} not in works(find_twins(papers, vectors), papers)
    papers[0], papers[1] = replace(papers[0], doi="10.77/a"), replace(papers[1], doi="doi:10.77/A")
    assert {0, 1} in works(find_twins(papers, vectors), papers)


def test_chapters_under_one_doi_are_not_twins_of_each_other() -> None:
    papers, vectors = library(6)
    papers = [replace(one, doi="10.77/978-1") for one in papers]
    assert works(find_twins(papers, vectors), papers) == [{2 * i, 2 * i + 1} for i in range(6)]


def test_other_authors_are_another_work() -> None:
    papers, vectors = library(noise=0.6)
    papers[0] = replace(papers[0], authors=("Nowak, Ida",), text="Tortoises lost weight on the island.")
    papers[1] = replace(papers[1], authors=("Berg, Tor",), text="岛上的陆龟体重减轻了。")
    assert {0, 1} not in works(find_twins(papers, vectors), papers)
    papers[1] = replace(papers[1], authors=("Ida Nowak",))
    assert {0, 1} in works(find_twins(papers, vectors), papers)


def test_what_is_one_work_already_stays_and_gets_no_third_text() -> None:
    papers, vectors = library(8)
    papers[0] = replace(papers[0], work_id=papers[0].paper_id)
    papers[3] = replace(papers[3], work_id=papers[0].paper_id)
    found = works(find_twins(papers, vectors), papers)
    assert {0, 3} in found
    assert not any(group & {1, 2} for group in found)


def test_choices_by_hand_come_first() -> None:
    papers, vectors = library(8)
    split = Decisions().keep_apart(papers[0].paper_id, papers[1].paper_id)
    joined = split.join(papers[0].paper_id, papers[5].paper_id)
    assert not any(0 in group for group in works(find_twins(papers, vectors, split), papers))
    found = works(find_twins(papers, vectors, joined), papers)
    assert {0, 5} in found
    assert len(found) == 7


def test_adding_papers_finds_the_twins_of_the_new_ones_only() -> None:
    papers, vectors = library()
    new = {papers[1].paper_id, papers[6].paper_id}
    assert works(find_twins(papers, vectors, new=new), papers) == [{0, 1}, {6, 7}]


@pytest.mark.parametrize("kept", [slice(0, None, 2), slice(1, None, 2), slice(0, 0)])
def test_a_library_in_one_language_has_no_twins(kept: slice) -> None:
    papers, vectors = library(5)
    assert find_twins(papers[kept], vectors[kept]) == {}


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_the_order_of_the_papers_does_not_matter_and_a_work_has_one_text_a_language(
    random: object, count: int
) -> None:
    papers, vectors = library(count)
    order = np.random.default_rng(count).permutation(len(papers)).tolist()
    found = find_twins(papers, vectors)
    assert find_twins([papers[i] for i in order], vectors[order]) == found
    for group in works(found, papers):
        assert sorted(papers[i].language for i in group) == ["en", "zh"]


def test_the_surroundings_of_a_pair_lower_its_gain() -> None:
    """A text that is near to everything (a hub) is no twin of anything."""
    rows = normalise_rows(np.array([[1, 0.1, 0], [1, 0, 0.1]], dtype=np.float32))
    lonely = normalise_rows(np.array([[1, 0.1, 0], [0, -1, 1]], dtype=np.float32))
    crowded = normalise_rows(
        np.array([[1, 0.1, 0], *([1, 0.1, 0.01 * i] for i in range(1, 10))], dtype=np.float32)
    )
    assert Surroundings(rows, lonely, 0.3).gain(0, 0) > Surroundings(rows, crowded, 0.3).gain(0, 0) + 0.3
