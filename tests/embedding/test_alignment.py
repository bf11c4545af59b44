"""Language alignment undoes an offset and a turn between two languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.embedding.alignment import PRIOR_TEXTS, Alignment, fit_alignment, normalise_rows
from rag.embedding.base import Vectors


@pytest.fixture
def parallel() -> dict[str, Vectors]:
    """Texts whose Chinese vectors are the English ones turned, and both far from the origin."""
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((200, 16)).astype(np.float32)
    turn = np.linalg.qr(rng.standard_normal((16, 16)))[0].astype(np.float32)
    return {"en": normalise_rows(meaning + 5), "zh": normalise_rows(meaning @ turn - 5)}


def nearest_is_own(queries: Vectors, passages: Vectors) -> float:
    return float(np.mean((queries @ passages.T).argmax(axis=1) == np.arange(len(queries))))


def test_fitted_alignment_brings_translations_together(parallel: dict[str, Vectors]) -> None:
    half = {("en", "passage"): parallel["en"][:100], ("zh", "passage"): parallel["zh"][:100]}
    alignment = fit_alignment(half)
    en = alignment.apply(parallel["en"][100:], "en", "passage")
    zh = alignment.apply(parallel["zh"][100:], "zh", "passage")
    assert nearest_is_own(parallel["zh"][100:], parallel["en"][100:]) < 0.2
    assert nearest_is_own(zh, en) > 0.95


def test_rows_stay_of_length_one(parallel: dict[str, Vectors]) -> None:
    alignment = fit_alignment({("en", "passage"): parallel["en"], ("zh", "passage"): parallel["zh"]})
    assert np.allclose(np.linalg.norm(alignment.apply(parallel["zh"], "zh", "passage"), axis=1), 1, atol=1e-5)


def test_a_question_shows_its_language_itself(parallel: dict[str, Vectors]) -> None:
    alignment = fit_alignment(
        {("en", "query"): parallel["en"][:100], ("zh", "query"): parallel["zh"][:100]}
        | {("en", "passage"): parallel["en"][:100], ("zh", "passage"): parallel["zh"][:100]}
    )
    passages = alignment.apply(parallel["en"][100:], "en", "passage")
    for guess in ("en", "zh"):
        for language in ("en", "zh"):
            questions = alignment.apply_query(parallel[language][100:], guess)
            assert nearest_is_own(questions, passages) > 0.95, (guess, language)
            np.testing.assert_allclose(np.linalg.norm(questions, axis=1), 1, atol=1e-5)


def test_with_one_language_known_the_guess_decides(parallel: dict[str, Vectors]) -> None:
    alignment = Alignment({("en", "query"): parallel["en"].mean(axis=0)})
    for guess in ("en", "zh"):
        np.testing.assert_array_equal(
            alignment.apply_query(parallel["zh"], guess), alignment.apply(parallel["zh"], guess, "query")
        )


def test_hubs_are_passages_near_to_questions_at_large() -> None:
    questions = np.tile(np.array([1, 0, 0, 0], np.float32), (20, 1))
    alignment = Alignment(background={"en": questions})
    hubness = alignment.hubness(np.eye(4, dtype=np.float32)[:2])
    np.testing.assert_allclose(hubness, [1, 0])
    np.testing.assert_array_equal(Alignment().hubness(np.eye(4, dtype=np.float32)), np.zeros(4))


def test_a_large_corpus_moves_the_mean_to_its_own_and_a_small_one_hardly() -> None:
    fitted = Alignment({("en", "passage"): np.zeros(4, np.float32), ("en", "query"): np.ones(4, np.float32)})
    corpus = np.full((PRIOR_TEXTS, 4), 2, np.float32)
    assert np.allclose(fitted.for_corpus({"en": corpus}).means["en", "passage"], 1)
    assert np.allclose(fitted.for_corpus({"en": corpus[:1]}).means["en", "passage"], 2 / (PRIOR_TEXTS + 1))
    assert np.allclose(fitted.for_corpus({"en": corpus}).means["en", "query"], 1)


def test_without_a_fitted_mean_the_corpus_mean_serves_both_kinds() -> None:
    means = Alignment().for_corpus({"zh": np.full((3, 4), 7, np.float32)}).means
    assert np.allclose(means["zh", "passage"], 7)
    assert np.allclose(means["zh", "query"], 7)


def test_saved_alignment_reads_back_the_same(tmp_path: Path, parallel: dict[str, Vectors]) -> None:
    vectors = {("en", "passage"): parallel["en"], ("zh", "passage"): parallel["zh"]}
    alignment = fit_alignment(vectors | {("en", "query"): parallel["en"]}, background=5)
    assert alignment.background["en"].shape == (5, 16)
    alignment.save(tmp_path / "a.npz")
    assert Alignment.load(tmp_path / "a.npz").digest == alignment.digest
