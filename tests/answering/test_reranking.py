"""The second stage reads the first papers again, with any cross-encoder, and only when one is named."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rag.answering.reranking import RERANK_CANDIDATES, CrossEncoderReranker, rerank
from rag.embedding.base import passage
from rag.errors import ModelError
from rag.factory import configured_reranker
from rag.indexing.build import index_papers
from rag.pipeline import RAG
from rag.schema import Chunk, Paper, ScoredChunk, Source
from rag.settings import load_settings
from tests.conftest import HashEmbedder, ScriptedLLM

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] snow bees muse model what is the a of depth hive".split()


class LengthReranker:
    """Prefers long texts; remembers what it was given."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, list(texts)))
        return [float(len(text)) for text in texts]


def found(count: int) -> list[ScoredChunk]:
    """Return candidates, best first, each longer than the one before."""
    results = []
    for i in range(count):
        text = "x" * (i + 1)
        paper = Paper(f"p{i}", text, "en", (Source("a.txt", i + 1),), title="T")
        results.append(ScoredChunk(paper, Chunk(f"p{i}-0", f"p{i}", text, 0, i + 1, "en"), 2.0 - i / 10, 0.5))
    return results


def ids(results: Sequence[ScoredChunk]) -> list[str]:
    return [result.paper.paper_id for result in results]


def test_the_order_is_the_rerankers_and_so_is_the_score() -> None:
    reranker = LengthReranker()
    results = rerank(reranker, "這", found(3))
    assert ids(results) == ["p2", "p1", "p0"]
    assert [result.score for result in results] == [5.0, 4.0, 3.0]
    assert [result.dense for result in results] == [0.5] * 3
    assert reranker.asked == [("这", ["T\nx", "T\nxx", "T\nxxx"])]


def test_papers_after_the_candidates_follow_as_they_were_with_lower_scores() -> None:
    results = rerank(LengthReranker(), "q", found(RERANK_CANDIDATES + 5))
    assert ids(results)[RERANK_CANDIDATES:] == [f"p{RERANK_CANDIDATES + i}" for i in range(5)]
    scores = [result.score for result in results]
    assert scores == sorted(scores, reverse=True)
    assert rerank(LengthReranker(), "q", []) == []


def test_equal_scores_keep_the_order_of_retrieval() -> None:
    class Undecided:
        def scores(self, query: str, texts: Sequence[str]) -> list[float]:
            return [0.0] * len(texts)

    assert ids(rerank(Undecided(), "q", found(4))) == ["p0", "p1", "p2", "p3"]


@pytest.fixture
def open_with(tmp_path: Path) -> Iterator[Callable[..., RAG]]:
    """Index 40 papers about snow, the longer the later, and open them with a reranker."""
    papers = [
        Paper(f"{n:016x}", f"Snow depth at station {n}{' further' * n}.", "en", (Source("a.txt", n + 1),))
        for n in range(40)
    ]
    opened: list[RAG] = []
    index_papers(papers, (), (), tmp_path / "index", HashEmbedder)

    def open_(reranker: object = None, **arguments: object) -> RAG:
        settings = load_settings(
            index=tmp_path / "index", **{"min_similarity": -1.0, "embedding_model": "hash"} | arguments
        )
        llm = ScriptedLLM(lambda messages: "Deep [1].")
        opened.append(RAG(settings, embedder=HashEmbedder(), llm=llm, reranker=reranker))
        return opened[-1]

    yield open_
    for rag in opened:
        rag.close()


def test_search_reads_the_first_papers_again_however_few_are_asked_for(open_with: Callable[..., RAG]) -> None:
    query = "Snow depth at station 3"
    plain, reranker = open_with(), LengthReranker()
    candidates = plain.search(query, RERANK_CANDIDATES)
    [best] = open_with(reranker).search(query, 1)
    assert sorted(reranker.asked[0][1]) == sorted(passage(c.paper, c.chunk) for c in candidates)
    assert best.paper.paper_id == max(candidates, key=lambda c: len(c.chunk.text)).paper.paper_id
    assert best.paper.paper_id != candidates[0].paper.paper_id
    assert len(open_with(reranker).search(query, 30)) == 30


def test_an_answer_is_written_from_what_the_reranker_put_first(open_with: Callable[..., RAG]) -> None:
    reranker = LengthReranker()
    rag = open_with(reranker, top_k=2)
    answer = rag.ask("Snow depth at station 3?")
    assert len(answer.contexts) == 2
    assert answer.contexts[0].score > answer.contexts[1].score > 10
    rag.ask("How deep?", history=[("Snow depth at station 3?", "Deep.")])
    assert [query for query, _ in reranker.asked] == [
        "Snow depth at station 3?",
        "How deep?",
        "Snow depth at station 3? How deep?",
    ]


def save_cross_encoder(folder: Path, labels: int = 1, *, head: bool = True) -> Path:
    """Write a BERT of about a thousand random parameters, with a head that gives `labels` scores."""
    import torch
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import BertProcessing

    disable_progress_bars()
    from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=32,
        num_labels=labels,
        initializer_range=1.0,
    )
    (BertForSequenceClassification if head else BertModel)(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


def test_a_cross_encoder_scores_pairs_as_the_library_does(tiny: Path) -> None:
    from sentence_transformers import CrossEncoder

    texts = ["the snow model", "bees of a hive", "snow depth " * 200, ""]
    scores = CrossEncoderReranker(tiny).scores("what is snow depth", texts)
    reference = CrossEncoder(str(tiny), device="cpu", local_files_only=True)
    assert scores == pytest.approx(
        [float(reference.predict([("what is snow depth", text)])[0]) for text in texts], abs=1e-5
    )
    assert len({round(score, 4) for score in scores}) == 4
    assert CrossEncoderReranker(tiny).scores("q", []) == []


def test_threads_may_share_it(tiny: Path) -> None:
    reranker, wrong = CrossEncoderReranker(tiny, threads=1), []
    texts = [f"{'snow ' * n}bees" for n in range(1, 8)]
    expected = {text: reranker.scores("what is", [text])[0] for text in texts}

    def ask(text: str) -> None:
        wrong.extend(
            text for _ in range(20) if reranker.scores("what is", [text]) != pytest.approx([expected[text]])
        )

    threads = [threading.Thread(target=ask, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_search_uses_the_model_that_the_settings_name(open_with: Callable[..., RAG], tiny: Path) -> None:
    query = "what is the snow depth of station 3"
    results = open_with(rerank_model=str(tiny)).search(query)
    candidates = open_with().search(query, RERANK_CANDIDATES)
    texts = [passage(candidate.paper, candidate.chunk) for candidate in candidates]
    scores = CrossEncoderReranker(tiny).scores(query, texts)
    assert [r.score for r in results] == pytest.approx(sorted(scores, reverse=True)[:10], abs=1e-5)


def test_none_is_loaded_unless_one_is_named() -> None:
    assert configured_reranker(load_settings()) is None
    code = "import sys, rag.pipeline; print(sorted({'torch', 'sentence_transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_name_that_is_not_here_says_how_to_fetch_it() -> None:
    with pytest.raises(ModelError, match=r"rerank model 'no/such-model'.*rag models pull no/such-model"):
        configured_reranker(load_settings(rerank_model="no/such-model"))


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    encoder = save_cross_encoder(tmp_path / "encoder", head=False)
    three = save_cross_encoder(tmp_path / "three", labels=3)
    damaged = save_cross_encoder(tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"no weights")
    for folder, reason in (
        (tmp_path / "empty", "no cross-encoder"),
        (encoder, "no cross-encoder"),
        (three, "gives 3 scores"),
        (damaged, "no usable cross-encoder"),
    ):
        with pytest.raises(ModelError, match=rf"{folder}.*{reason}|{reason}.*RAG_RERANK_MODEL") as caught:
            configured_reranker(load_settings(rerank_model=str(folder)))
        assert "\n" not in str(caught.value)
