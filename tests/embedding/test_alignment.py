"""Language alignment takes the mean of each language off, so that translations meet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.answering.retrieval import retrieve
from rag.cli.main import main
from rag.embedding.alignment import PRIOR_TEXTS, Alignment, normalise_rows, shipped_alignment
from rag.embedding.base import Vectors
from rag.indexing.build import index_papers
from rag.models import defaults as models
from rag.schema import Language, Paper, Source
from rag.store.index import open_store
from rag.store.manifest import Manifest
from tests.conftest import HashEmbedder

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SAID: dict[Language, str] = {"en": "We study subject {}.", "zh": "我们研究了课题{}。"}


class ApartEmbedder(HashEmbedder):
    """Knows only the number in a text; Chinese texts lie elsewhere."""

    def _vector(self, text: str) -> Vectors:
        meaning = super()._vector("".join(re.findall("[0-9]+", text)))
        return normalise_rows(meaning + 0.5 if "我" in text else meaning - 0.5)


def papers(numbers: Sequence[int], languages: Sequence[Language] = LANGUAGES) -> list[Paper]:
    chosen = [(n, languages[n % len(languages)]) for n in numbers]
    return [Paper(f"{n:016x}", SAID[la].format(n), la, (Source("a.txt", n + 1),)) for n, la in chosen]


def build(directory: Path, embedder: HashEmbedder, languages: Sequence[Language] = LANGUAGES) -> Manifest:
    return index_papers(papers(range(40), languages), (), (), directory, lambda: embedder).manifest


def test_translations_meet_in_an_index_of_two_languages(tmp_path: Path) -> None:
    embedder = ApartEmbedder("mine")
    build(tmp_path, embedder)
    store = open_store(tmp_path)
    for number in range(40):
        asked = LANGUAGES[(number + 1) % 2]
        [first] = retrieve(store, embedder, SAID[asked].format(number), asked, 1)
        assert first.paper.text == SAID[LANGUAGES[number % 2]].format(number)
    rows = embedder.embed_passages([SAID[LANGUAGES[n % 2]].format(n) for n in range(40)])
    asked_raw = embedder.embed_query(SAID["zh"].format(8))[0]
    assert int((rows @ asked_raw).argmax()) % 2 == 1  # uncentred, a Chinese abstract is nearest
    store.close()


def test_a_library_in_one_language_is_left_as_it_is(tmp_path: Path) -> None:
    embedder = ApartEmbedder("mine")
    build(tmp_path, embedder, ("zh",))
    store = open_store(tmp_path)
    assert not store.alignment.means
    [(_, cosine)] = store.dense(embedder.embed_passages([SAID["zh"].format(7)]), 1)
    assert cosine == pytest.approx(1, abs=1e-4)
    store.close()


def test_a_large_library_moves_the_mean_to_its_own_and_a_small_one_hardly() -> None:
    zero, one = np.zeros(4, np.float32), np.ones(4, np.float32)
    shipped = Alignment({("en", "passage"): zero, ("en", "query"): one})
    other = {"zh": np.full((3, 4), 7, np.float32)}
    library = np.full((PRIOR_TEXTS, 4), 2, np.float32)
    large = shipped.for_corpus({"en": library, **other}).means
    small = shipped.for_corpus({"en": library[:1], **other}).means
    assert np.allclose(large["en", "passage"], 1)
    assert np.allclose(large["en", "query"], 2)  # as much further as the passages
    assert np.allclose(small["en", "passage"], 2 / (PRIOR_TEXTS + 1))
    assert np.allclose(small["zh", "passage"], 7)  # nothing shipped: the library's own serves both kinds
    assert np.allclose(small["zh", "query"], 7)


def test_rows_stay_of_length_one() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    alignment = Alignment().for_corpus({"en": rows[:10], "zh": rows[10:]})
    aligned = alignment.apply_each(rows, ["en"] * 10 + ["zh"] * 10, "passage")
    assert np.allclose(np.linalg.norm(aligned, axis=1), 1, atol=1e-5)


def test_saved_alignment_reads_back_the_same_and_another_versions_is_refused(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    alignment = Alignment().for_corpus({"en": rows[:10], "zh": rows[10:]})
    alignment.save(tmp_path / "a.npz")
    assert Alignment.load(tmp_path / "a.npz").digest == alignment.digest
    np.savez(tmp_path / "old.npz", **{"rotation-zh": np.eye(8)})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another version"):
        Alignment.load(tmp_path / "old.npz")


@pytest.mark.parametrize("name", models.names("embedder"))
def test_the_means_of_every_default_model_are_shipped(name: str) -> None:
    means = shipped_alignment(name).means
    assert set(means) == {(language, kind) for language in LANGUAGES for kind in ("query", "passage")}
    assert len({mean.shape for mean in means.values()}) == 1
    assert not shipped_alignment("some/model").means


def test_info_says_which_alignment_an_index_was_built_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, HashEmbedder())
    assert main(["info", "--json", "--index", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["alignment"] == "corpus"
    assert main(["info", "--index", str(tmp_path)]) == 0
    assert "centred on this corpus" in capsys.readouterr().out


def test_an_index_from_before_this_was_recorded_still_opens(tmp_path: Path) -> None:
    build(tmp_path, HashEmbedder())
    record = json.loads((tmp_path / "manifest.json").read_text())
    del record["alignment_origin"]
    (tmp_path / "manifest.json").write_text(json.dumps(record))
    assert Manifest.read(tmp_path).alignment_origin is None
    assert main(["info", "--index", str(tmp_path)]) == 0
