"""A fitted alignment is found again by the model it was fitted for, and by no other."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.answering.retrieval import retrieve
from rag.cli.main import main
from rag.embedding.alignment import (
    Alignment,
    Kind,
    alignment_path,
    fit_alignment,
    fitted_alignment,
    normalise_rows,
    save_alignment,
)
from rag.embedding.base import Vectors
from rag.errors import ModelError
from rag.indexing.build import index_papers
from rag.pipeline import RAG
from rag.schema import Language, Paper, Source
from rag.settings import load_settings
from rag.store.index import open_store
from rag.store.manifest import Manifest
from tests.conftest import HashEmbedder

DEFAULT = "multilingual-e5-small"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
KINDS: tuple[Kind, ...] = ("query", "passage")
SAID: dict[Language, str] = {"en": "We study subject {}.", "zh": "我们研究了课题{}。"}


class TurnedEmbedder(HashEmbedder):
    """Knows only the number in a text; Chinese texts lie elsewhere, and turned."""

    def _vector(self, text: str) -> Vectors:
        meaning = super()._vector("".join(re.findall("[0-9]+", text)))
        turn = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 64)))[0].astype(np.float32)
        return normalise_rows(meaning @ turn + 0.5 if "我" in text else meaning - 0.5)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def papers(numbers: Sequence[int]) -> list[Paper]:
    return [
        Paper(f"{n:016x}", SAID[LANGUAGES[n % 2]].format(n), LANGUAGES[n % 2], (Source("a.txt", n + 1),))
        for n in numbers
    ]


def fit(embedder: HashEmbedder) -> Alignment:
    texts = {la: [SAID[la].format(n) for n in range(1000, 1300)] for la in LANGUAGES}
    return fit_alignment(
        {(la, kind): embedder.embed_passages(texts[la]) for la in LANGUAGES for kind in KINDS}, 20
    )


def build(directory: Path, embedder: HashEmbedder) -> Manifest:
    return index_papers(papers(range(40)), (), (), directory, lambda: embedder).manifest


def found_across(directory: Path, embedder: HashEmbedder) -> float:
    """Return the share of papers found first by a question of the other language."""
    store = open_store(directory)
    hits = 0
    for paper in store.catalog.papers():
        asked: Language = "zh" if paper.language == "en" else "en"
        number = re.findall("[0-9]+", paper.text)[0]
        vector = store.alignment.apply(embedder.embed_query(SAID[asked].format(number)), asked, "query")
        [(first, _)] = store.dense(vector, 1)
        hits += store.chunks([first])[first][0].paper_id == paper.paper_id
    store.close()
    return hits / 40


def test_an_index_uses_what_was_fitted_for_its_model(tmp_path: Path, cache: Path) -> None:
    embedder = TurnedEmbedder("some/model of mine")
    assert build(tmp_path / "before", embedder).alignment_origin == "corpus"
    alignment = fit(embedder)
    path = alignment_path(embedder.name, embedder.digest)
    save_alignment(alignment, path)
    assert path.is_relative_to(cache / "alignments")
    assert build(tmp_path / "after", embedder).alignment_origin == "fitted"
    store = open_store(tmp_path / "after")
    np.testing.assert_allclose(store.alignment.rotations["zh"], alignment.rotations["zh"], atol=1e-3)
    store.close()
    assert found_across(tmp_path / "before", embedder) < 0.3
    assert found_across(tmp_path / "after", embedder) > 0.95


def test_another_digest_or_another_name_is_another_model() -> None:
    save_alignment(Alignment({("en", "query"): np.ones(4, np.float32)}), alignment_path("a/b", "d1"))
    assert fitted_alignment("renamed", "d1").origin == "fitted"
    assert fitted_alignment("a/b", "d2").origin == "corpus"
    assert not fitted_alignment("a/b", "d2").alignment.means
    assert len({alignment_path("m", digest) for digest in ("d/1", "d_1", "../d1", "d1")}) == 4
    assert {alignment_path("m", digest).parent.name for digest in ("d/1", "../d1", "..")} == {"alignments"}


def test_the_shipped_alignment_is_a_rotation_of_the_default_models_size() -> None:
    shipped = fitted_alignment(DEFAULT, "any")
    rotation = shipped.alignment.rotations["zh"]
    assert shipped.origin == "package"
    assert rotation.shape == (384, 384)
    assert np.allclose(rotation @ rotation.T, np.eye(384), atol=2e-3)


@pytest.mark.parametrize("damage", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, damage: bytes) -> None:
    path = alignment_path("hash", HashEmbedder().digest)
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    with pytest.raises(ModelError, match=rf"{path}.*training.alignment"):
        build(tmp_path / "index", HashEmbedder())


@pytest.mark.parametrize("name", ["a.npz", "no-ending", ".hidden"])
def test_a_file_is_written_under_the_name_it_was_given(tmp_path: Path, name: str) -> None:
    save_alignment(Alignment({("en", "query"): np.ones(4, np.float32)}), tmp_path / "new" / name)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]
    assert Alignment.load(tmp_path / "new" / name).means["en", "query"].tolist() == [1, 1, 1, 1]


def test_info_says_which_alignment_an_index_was_built_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path / "index", HashEmbedder())
    assert main(["info", "--json", "--index", str(tmp_path / "index")]) == 0
    assert json.loads(capsys.readouterr().out)["alignment"] == "corpus"
    assert main(["info", "--index", str(tmp_path / "index")]) == 0
    assert "centred on this corpus" in capsys.readouterr().out


def test_an_index_from_before_this_was_recorded_still_opens(tmp_path: Path) -> None:
    build(tmp_path, HashEmbedder())
    record = json.loads((tmp_path / "manifest.json").read_text())
    del record["alignment_origin"]
    (tmp_path / "manifest.json").write_text(json.dumps(record))
    assert Manifest.read(tmp_path).alignment_origin is None
    assert main(["info", "--index", str(tmp_path)]) == 0


def test_retrieval_across_languages_works_through_the_whole_product(tmp_path: Path) -> None:
    embedder = TurnedEmbedder("mine")
    save_alignment(fit(embedder), alignment_path(embedder.name, embedder.digest))
    build(tmp_path / "index", embedder)
    rag = RAG(load_settings(index=tmp_path / "index", embedding_model="mine"), embedder=embedder)
    with rag:
        assert rag.search("课题7是我们的吗?", k=1)[0].paper.text == SAID["zh"].format(7)
    store = open_store(tmp_path / "index")
    assert retrieve(store, embedder, SAID["zh"].format(8), "zh", 1)[0].paper.text == SAID["en"].format(8)
    store.close()
