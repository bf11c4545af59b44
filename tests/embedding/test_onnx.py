"""The fast path of both packaged embedding models, against sentence-transformers on the same weights."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.embedding.embedder import GRAPH, LocalEmbedder, load_embedder
from rag.embedding.onnx import OnnxModel
from rag.errors import ModelError
from rag.factory import configured_embedder
from rag.indexing.readers import read_papers
from rag.models import defaults as models
from rag.models.e5.onnx import write_onnx
from rag.models.e5.packed import read_e5
from rag.models.onnx_graph import adds_in_sixteen_bits, fitted_activations
from rag.settings import load_settings
from rag.text.cleaning import clean_text
from tests.conftest import CORPUS

pytestmark = pytest.mark.models

SMALL = "multilingual-e5-small"
ODD = [
    "",
    " ",
    "a",
    "的",
    "🙂",
    "1.5 ± 0.2 µm",
    "ｆｕｌｌ　ｗｉｄｔｈ",
    "\u200b",
    "<s></s><pad>",
]


LONG = "x " * 600  # more than the small model reads


@pytest.fixture(scope="module", params=models.names("embedder"))
def model(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def fast(model: str) -> LocalEmbedder:
    return configured_embedder(load_settings(embedding_model=model))


@pytest.fixture(scope="module")
def reference(model: str) -> LocalEmbedder:
    return configured_embedder(load_settings(embedding_model=model, embedding_backend="torch"))


@pytest.fixture(scope="module")
def texts(model: str) -> list[str]:
    papers = read_papers(CORPUS).papers
    return [clean_text(paper.text) for paper in papers[:: 1 if model == SMALL else 8]]


def test_every_text_agrees_with_sentence_transformers(
    fast: LocalEmbedder, reference: LocalEmbedder, texts: list[str]
) -> None:
    assert isinstance(fast.model, OnnxModel)
    assert not isinstance(reference.model, OnnxModel)
    for own, least in ((texts, 0.99), (ODD, 0.98)):
        cosines = (fast.embed_passages(own) * reference.embed_passages(own)).sum(axis=1)
        assert cosines.min() > least, own[int(cosines.argmin())][:80]
    for text in texts[:5]:
        assert (fast.embed_query(text) @ reference.embed_query(text).T).item() > 0.99, text[:80]


def test_a_text_is_cut_where_the_model_stops_reading() -> None:
    small = configured_embedder(load_settings(embedding_model=SMALL))
    longer = small.embed_passages([LONG, LONG + "and what is not read"])
    np.testing.assert_array_equal(longer[0], longer[1])


def test_a_vector_does_not_depend_on_its_batch_mates(fast: LocalEmbedder, texts: list[str]) -> None:
    texts = texts[:12] + ODD
    together = fast.embed_passages(texts)
    alone = np.concatenate([fast.embed_passages([text]) for text in reversed(texts)])[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_both_ways_count_the_same_tokens_and_have_digests_of_their_own(
    fast: LocalEmbedder, reference: LocalEmbedder
) -> None:
    assert fast.count_tokens("Muse, 缪斯") == reference.count_tokens("Muse, 缪斯")
    assert fast.max_tokens == reference.max_tokens
    assert fast.digest != reference.digest


def test_llama_index_gets_the_same_vectors(fast: LocalEmbedder) -> None:
    wrapped = fast.embedding
    np.testing.assert_allclose(wrapped.get_text_embedding_batch(ODD), fast.embed_passages(ODD), atol=1e-6)
    np.testing.assert_allclose([wrapped.get_query_embedding("缪斯")], fast.embed_query("缪斯"), atol=1e-6)


def test_neither_torch_nor_llama_index_is_imported_for_a_question() -> None:
    code = (
        "import sys; from rag.factory import configured_embedder; from rag.settings import load_settings;"
        "configured_embedder(load_settings()).embed_query('warm');"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'llama_index'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_damaged_graph_is_named(tmp_path: Path) -> None:
    folder = tmp_path / SMALL
    (folder / GRAPH).parent.mkdir(parents=True)
    (folder / GRAPH).write_bytes(b"not a graph")
    (folder / "tokenizer.json").write_bytes((models.ensure(SMALL) / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match=r"rag models pull"):
        load_embedder(SMALL, folder)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    folder = tmp_path / SMALL
    shutil.copytree(models.ensure(SMALL), folder, ignore=shutil.ignore_patterns("onnx", "*.safetensors"))
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"no usable sentence-transformers model"):
        load_embedder(SMALL, folder)


def test_unsigned_weights_give_the_same_vectors(tmp_path: Path) -> None:
    fast = configured_embedder(load_settings(embedding_model=SMALL))
    folder = models.ensure(SMALL)
    graph = tmp_path / "unsigned.onnx"
    packed = read_e5(folder.parent / "e5-small-q4.bin")
    write_onnx(packed, graph, fitted_activations(SMALL), unsigned=not adds_in_sixteen_bits())
    other = OnnxModel(graph, folder / "tokenizer.json", passage_prompt="passage: ")
    texts = ["Muse is a text-to-image Transformer.", "我们提出混合精度量化框架。"]
    vectors = other.embed_passages(texts)
    # Where products are added in sixteen bits, signed weights overflow a little: that is why unsigned ones are there.
    atol = 0.02 if adds_in_sixteen_bits() else 2e-5
    np.testing.assert_allclose(vectors, fast.embed_passages(texts), atol=atol)


def test_the_shipped_activations_cover_every_matrix_product() -> None:
    found = fitted_activations(SMALL)
    assert len(found) == 4 * 12
    assert {len(values) for values in found.values()} == {384, 1536}
    assert all((values > 0).all() for values in found.values())
