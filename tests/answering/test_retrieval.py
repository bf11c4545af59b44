"""Fusion is fair to both languages, and a work is found once."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rag.answering.retrieval import fuse, one_text_each
from rag.schema import Chunk, Language, Paper, ScoredChunk, Source

LANGUAGES: dict[str, Language] = {"en1": "en", "en2": "en", "zh1": "zh", "zh2": "zh"}
DENSE = {"en1": 0.5, "en2": 0.4, "zh1": 0.9, "zh2": 0.1}


def test_bm25_does_not_push_the_other_languages_answer_down() -> None:
    fused = fuse(DENSE, {"en1": 9.0, "en2": 30.0}, LANGUAGES, "en")
    assert max(fused, key=lambda c: fused[c]) in {"zh1", "en2"}
    assert fused["zh1"] > fused["en1"]


def test_a_shared_identifier_lifts_a_text_of_the_other_language() -> None:
    without = fuse(DENSE, {"en1": 1.0}, LANGUAGES, "en")
    with_ = fuse(DENSE, {"en1": 1.0, "zh2": 20.0}, LANGUAGES, "en")
    assert with_["zh2"] > without["zh2"]


def test_a_common_word_that_one_text_of_the_other_language_has_does_not_lead() -> None:
    chinese = {f"zh{n}": 0.2 for n in range(40)}
    dense = {"en1": 0.6, "en2": 0.5, "far": -0.2} | chinese
    languages: dict[str, Language] = {c: "en" if c.startswith("en") else "zh" for c in dense}
    found = {"en1": 8.0, "en2": 6.0, "far": 4.0}
    fused = fuse(dense, found, languages, "en")
    assert max(fused, key=lambda c: fused[c]) == "en1"
    named = fuse(dense, {"far": 4.0}, languages, "en")  # a name that only this text has
    assert named["far"] > named["zh1"]


def test_words_decide_between_equally_near_texts() -> None:
    fused = fuse({"en1": 0.5, "en2": 0.5}, {"en2": 3.0}, {"en1": "en", "en2": "en"}, "en")
    assert fused["en2"] > fused["en1"]


def test_nothing_found_fuses_to_nothing() -> None:
    assert fuse({}, {}, {}, "zh") == {}


scores = st.dictionaries(st.sampled_from(sorted(LANGUAGES)), st.floats(0, 50), max_size=4)


@given(scores, scores, st.sampled_from(["en", "zh"]))
@example({"en1": 1.0}, {"en1": 18.358532961797604, "en2": 20.0}, "en")
def test_raising_one_dense_score_never_lowers_its_rank(
    dense: dict[str, float], lexical: dict[str, float], language: Language
) -> None:
    dense = dict.fromkeys(lexical, 0.0) | dense
    known = {c: la for c, la in LANGUAGES.items() if c in dense}
    before = fuse(dense, lexical, known, language)
    for chunk in dense:
        raised = dict(dense, **{chunk: max(dense.values()) + 1})
        after = fuse(raised, lexical, known, language)
        # Rounding may part two that are equal; that is no rank lost.
        assert sum(after[c] > after[chunk] + 1e-9 for c in known) <= sum(
            before[c] > before[chunk] + 1e-9 for c in known
        )


@given(scores, scores)
def test_the_lexical_arm_never_pushes_a_text_of_the_other_language_down(
    dense: dict[str, float], lexical: dict[str, float]
) -> None:
    dense = dict.fromkeys(lexical, 0.0) | dense
    known = {c: la for c, la in LANGUAGES.items() if c in dense}
    chinese = {c: s for c, s in lexical.items() if known[c] == "zh"}
    with_words, without = fuse(dense, chinese, known, "en"), fuse(dense, {}, known, "en")
    # Texts nearer than the average are the ones that could answer.
    for chunk, language in known.items():
        if language == "zh" and without[chunk] > 0:
            assert with_words[chunk] >= without[chunk] - 1e-9


def result(paper_id: str, language: Language, score: float, work: str | None = None) -> ScoredChunk:
    paper = Paper(paper_id, "text", language, (Source("f", 1),), work_id=work)
    return ScoredChunk(paper, Chunk(f"{paper_id}-0", paper_id, "text", 0, 4, language), score)


def shown(results: list[ScoredChunk], language: Language) -> list[tuple[str, float]]:
    return [(one.paper.paper_id, one.score) for one in one_text_each(results, language)]


def test_a_work_is_shown_once_in_the_language_of_the_question_and_in_the_better_place() -> None:
    results = [result("e", "en", 3.0, "e"), result("other", "en", 2.0), result("z", "zh", 1.0, "e")]
    assert shown(results, "zh") == [("z", 3.0), ("other", 2.0)]
    assert shown(results, "en") == [("e", 3.0), ("other", 2.0)]


def test_a_work_whose_other_text_was_not_found_is_shown_as_found() -> None:
    assert shown([result("e", "en", 3.0, "e"), result("z", "zh", 1.0)], "zh") == [("e", 3.0), ("z", 1.0)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["en", "zh"])), unique=True))
def test_no_work_is_lost_and_none_is_shown_twice(found: list[tuple[str, Language]]) -> None:
    results = [result(w + la, la, -float(i), w) for i, (w, la) in enumerate(found)]
    kept = one_text_each(results, "zh")
    assert [one.paper.work for one in kept] == list(dict.fromkeys(w for w, _ in found))
    assert all(one.paper.language == "zh" or (one.paper.work, "zh") not in found for one in kept)
