"""The rules of the house that can be read from the code itself: who imports whom, and where a library lives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# A module may import those before it; one line a stage, in the direction of flow.
ORDER = """
errors schema chinese language settings
talk replies
clean numerals numbers encoding endnote files corpus
boilerplate contrast minhash reference dedup
sentences instructions chunk
model_specs fetch e5 e5_onnx e5_folder model_files model_cache models
align alignments onnx_embedding embed aligned_embedding
analyze lexical catalog vectors store
retrieve
prompts address failures token_choice endpoint llama_server llama_process llama_state llama_readings
llama_prefix llm
evidence polarity question verify_features verify abstain repetition results quotes attribute cite
layout reading grammar generate findings translate asked respond
central topic collection followup rewrite
passages rerank indexing live_index read_ahead configure pipeline
metrics code_digest dataset_records dataset_forms datasets relevance evaluate_index
arms evaluate evaluate_table
kept_lines replay scoring answer_tables answer_groups evaluate_answers plots
terminal cli_evaluate cli __main__ __init__
""".split()

# Where each third-party library may be imported.
HOMES = {
    "chromadb": {"rag/vectors.py"},
    "gradio": {"ui/app.py", "ui/guard.py"},
    "xllamacpp": {"rag/llama_server.py"},
    "onnx": {"rag/e5_onnx.py"},
    "onnxruntime": {"rag/onnx_embedding.py"},
    "torch": {"rag/embed.py", "rag/rerank.py"},
    "sentence_transformers": {"rag/rerank.py"},
    "datasketch": {"rag/minhash.py", "rag/dedup.py"},
    "Stemmer": {"rag/analyze.py"},
    "opencc": {"rag/chinese.py"},
    "tantivy": {"rag/lexical.py"},
    "defusedxml": {"rag/endnote.py"},
    "openai": {"rag/endpoint.py", "rag/failures.py"},
    "matplotlib": {"rag/plots.py"},
}
SOURCES = sorted([*ROOT.glob("rag/*.py"), *ROOT.glob("ui/*.py")])


def imports(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, type-checking-only imports included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "rag":
                yield from (f"rag.{alias.name}" for alias in node.names)


def test_every_module_has_its_place() -> None:
    assert {p.stem for p in ROOT.glob("rag/*.py")} <= set(ORDER)


@pytest.mark.parametrize("path", sorted(ROOT.glob("rag/*.py")), ids=lambda p: p.stem)
def test_imports_point_up(path: Path) -> None:
    own = ORDER.index(path.stem)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("rag.")} & set(ORDER)
    assert {name for name in used if ORDER.index(name) >= own} == set()


def test_the_page_imports_only_public_names() -> None:
    for path in ROOT.glob("ui/*.py"):
        deep = {name for name in imports(path) if name.startswith("rag.")}
        import rag

        assert {name for name in deep if name.removeprefix("rag.") not in rag.__all__} == set(), path.name


def test_one_library_lives_in_one_place() -> None:
    for path in SOURCES:
        where = path.relative_to(ROOT).as_posix()
        for name in imports(path):
            assert where in HOMES.get(name.split(".")[0], {where}), f"{where} imports {name}"


def test_no_broad_except_and_no_silenced_checker() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not any(mark in text for mark in ("type: ignore", "noqa", "TODO", "FIXME")), path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"bare"}
                )
                reraises = any(isinstance(n, ast.Raise) and n.exc is None for n in ast.walk(node))
                assert not names & {"Exception", "BaseException", "bare"} or reraises, path.name


def test_the_architecture_table_names_every_module() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    modules = [path.stem for path in SOURCES if not path.stem.startswith("__")]
    assert [name for name in modules if f"`{name}`" not in table] == []
