"""Small fakes that enter through the seams, and the real models and index for integration tests."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright

from rag.answering.abstention import Abstention
from rag.answering.fields.query_prompt import QUERY_SYSTEM
from rag.answering.verification.facts import missing_numbers
from rag.answering.verification.verifier import Verdict
from rag.embedding.alignment import normalise_rows
from rag.embedding.base import Vectors
from rag.library import index_paths
from rag.llm.base import LLM, Message, PrefillOutcome, TextStream
from rag.llm.logprobs import Logprobs
from rag.models import defaults as models
from rag.pipeline import RAG
from rag.schema import Support
from rag.settings import load_settings
from rag.text.analyzer import analyze

# A slow machine fails no test: Hypothesis has a deadline of its own, unless it is told to have none.
hypothesis_settings.register_profile("citefold", deadline=None)
hypothesis_settings.load_profile("citefold")

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "corpus"
_KEPT = {"RAG_CACHE", "RAG_CI", "RAG_TEST_GGUF"}
DATA = ROOT.parent / "shared" / "data"


class HashEmbedder:
    """Embeds a text as the sum of one fixed random direction per index term: no model, yet similar texts meet."""

    def __init__(self, name: str = "hash", dimension: int = 64) -> None:
        self.name = name
        self.digest = f"{name}-{dimension}"
        self.max_tokens = 256
        self.embedded: list[str] = []
        self._dimension = dimension

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.concatenate([self._vector(text) for text in texts])

    def embed_query(self, text: str) -> Vectors:
        return self._vector(text)

    def count_tokens(self, text: str) -> int:
        return len(analyze(text)) + 1

    def _vector(self, text: str) -> Vectors:
        rows = [
            np.random.default_rng(_seed(term)).standard_normal(self._dimension)
            for term in analyze(text) or [""]
        ]
        return normalise_rows(np.sum(rows, axis=0, keepdims=True).astype(np.float32))


def _seed(term: str) -> int:
    return int.from_bytes(hashlib.sha256(term.encode()).digest()[:8], "big")


class ScriptedLLM(LLM):
    """Replies with what a script gives for each chat, in pieces, and remembers every chat."""

    name = "scripted"
    endpoint: str | None = None
    is_remote = False
    context_window = 8192
    supports_grammar = False

    def __init__(
        self,
        script: Callable[[Sequence[Message]], str],
        piece: int = 3,
        first_tokens: Callable[[Sequence[Message]], Sequence[tuple[str, float]]] = lambda _: (),
        negative_log_likelihood: Callable[[Sequence[Message]], float] = lambda _: 0.0,
    ) -> None:
        self.script = script
        self.first_tokens = first_tokens
        self.negative_log_likelihood = negative_log_likelihood
        self.chats: list[Sequence[Message]] = []
        self.grammars: list[str | None] = []
        self.readings: list[list[Message]] = []
        self.outcomes: list[PrefillOutcome] = []
        self.warmed = 0
        self.closed = False
        self.reads_queries = False  # else no question is about fields, and the script is not asked
        self._piece = piece

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        grammar: str | None = None,
        logprobs: Logprobs | None = None,
    ) -> TextStream:
        if messages[0].content == QUERY_SYSTEM and not self.reads_queries:
            return TextStream(iter(["{}"]))
        self.chats.append(messages)
        self.grammars.append(grammar)
        reply = self.script(messages)
        pieces = [reply[i : i + self._piece] for i in range(0, len(reply), self._piece)]
        return TextStream(self._told(messages, pieces, logprobs))

    def _told(
        self, messages: Sequence[Message], pieces: Sequence[str], told: Logprobs | None
    ) -> Iterator[str]:
        if told is not None:
            told.first.extend(self.first_tokens(messages))
        for piece in pieces:
            if told is not None:
                told.written.append((piece, -self.negative_log_likelihood(messages)))
            yield piece

    def warm(self) -> None:
        self.warmed += 1

    def prepare(self) -> None:
        self.warmed += 1

    def prefill(self, messages: Sequence[Message]) -> PrefillOutcome:
        self.readings.append(list(messages))
        return self.outcomes.pop(0) if self.outcomes else "cached"

    def close(self) -> None:
        self.closed = True


class NumberVerifier:
    """Finds a sentence supported unless it states a number that neither evidence nor abstract does."""

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str
    ) -> Verdict:
        missing = missing_numbers(sentence, [*evidence, known])
        support: Support = "unsupported" if missing else "supported"
        return Verdict(support, 0.1 if missing else 0.9, missing, refuted=bool(missing))


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the developer's own settings out of the tests; the model cache stays."""
    for name in [name for name in os.environ if name.startswith("RAG_") and name not in _KEPT]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, from the machine's own packages; it opens no connection of its own."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH")
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=chromium, args=[*flags, "--no-first-run", "--disable-quic"]
        )
        yield opened
        opened.close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    """Three abstracts, one of them twice and one in Chinese."""
    folder = tmp_path / "papers"
    folder.mkdir()
    muse = "Muse is a text-to-image Transformer. It reaches an FID of 6.06 on CC3M with 900M parameters."
    bees = "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent."
    snow = "本文提出SnowNet用于雪深预测。它在高原数据上的误差为2.5厘米。"
    (folder / "a.txt").write_text(f"{muse}\n\n{bees}\n", encoding="utf-8")
    (folder / "b.txt").write_text(f"{snow}\n\n{muse}\n", encoding="utf-8")
    return folder


@pytest.fixture
def open_rag(tmp_path: Path, small_corpus: Path, embedder: HashEmbedder) -> Iterator[Callable[..., RAG]]:
    """Index the small corpus with the hash embedder and open it with a scripted language model."""
    opened: list[RAG] = []

    def open_(
        script: Callable[[Sequence[Message]], str] | str = "It is 6.06 [1].",
        abstention: Abstention | None = None,
        **arguments: object,
    ) -> RAG:
        index = tmp_path / "index"
        index_paths([small_corpus], index, embedder=embedder)
        reply = script if callable(script) else lambda messages: script
        settings = load_settings(index=index, **{"min_similarity": -1.0} | arguments)
        parts = {"embedder": embedder, "llm": ScriptedLLM(reply), "verifier": NumberVerifier()}
        rag = RAG(settings, **parts, abstention=abstention)
        opened.append(rag)
        return rag

    yield open_
    for rag in opened:
        rag.close()


@pytest.fixture(scope="session")
def gguf() -> Path:
    """The default language model, fetched if need be, or the one that RAG_TEST_GGUF names."""
    named = os.environ.get("RAG_TEST_GGUF")
    return Path(named) if named else models.ensure("qwen2.5-coder-1.5b")
