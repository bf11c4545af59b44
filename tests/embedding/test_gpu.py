"""Where torch can use a GPU it embeds there; elsewhere nothing imports torch to find out."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.embedding import embedder
from rag.embedding.embedder import GRAPH, Backend, gpu, load_embedder


def test_without_a_sign_of_a_gpu_torch_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder.shutil, "which", lambda _: None)
    monkeypatch.setattr(embedder.Path, "exists", lambda _: False)
    monkeypatch.setattr(embedder.sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "torch", None)  # an import would fail
    assert gpu() is None


@pytest.mark.parametrize(
    ("platform", "cuda", "mps", "found"),
    [
        ("linux", True, False, "cuda"),
        ("linux", False, False, None),
        ("darwin", False, True, "mps"),
        ("darwin", False, False, None),
    ],
)
def test_torch_is_asked_where_there_may_be_one(
    platform: str, cuda: bool, mps: bool, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(embedder.sys, "platform", platform)
    monkeypatch.setattr(embedder.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(embedder.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    assert gpu() == found


@pytest.mark.parametrize(
    ("backend", "device", "loaded"),
    [
        ("auto", "cuda", ("torch", "cuda")),
        ("auto", None, ("onnx", None)),
        ("onnx", "cuda", ("onnx", None)),
        ("torch", None, ("torch", "cpu")),
    ],
)
def test_the_gpu_comes_before_the_graph_unless_the_setting_says_otherwise(
    backend: Backend, device: str | None, loaded: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / GRAPH).parent.mkdir()
    (tmp_path / GRAPH).write_bytes(b"graph")
    calls: list[Any] = []
    monkeypatch.setattr(embedder, "gpu", lambda: device)
    monkeypatch.setattr(embedder, "token_counter", lambda _: len)
    monkeypatch.setattr(embedder, "_load_onnx", lambda *_: calls.append(("onnx", None)) or (None, 512))
    monkeypatch.setattr(
        embedder, "_load_torch", lambda *_, device: calls.append(("torch", device)) or (None, 512)
    )
    assert load_embedder("a-model", tmp_path, backend=backend).device == (loaded[1] or "cpu")
    assert calls == [loaded]
