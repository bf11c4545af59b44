"""The rules of the house that can be read from the code itself: who imports whom, and where a library lives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# What each package, or module at the top, may import; `__init__` names the public ones of all.
ALLOWED = {
    "__main__": "cli",
    "cli": "adding answering embedding errors evaluation export factory indexing library models pipeline schema settings store",
    "in_use": "factory llm settings",
    "library": "embedding errors factory indexing llm schema settings store",
    "adding": "embedding errors indexing library schema settings store",
    "browsing": "answering embedding errors schema store text",
    "pipeline": "answering asking embedding in_use llama_index llm open_library schema settings",
    "open_library": "adding answering asking browsing factory llama_index schema settings text",
    "asking": "answering browsing embedding errors factory in_use llm schema settings store text",
    "evaluation": "answering embedding errors indexing llm schema settings store text",
    "factory": "answering embedding errors llm models network schema settings store",
    "answering": "embedding errors llm schema store text",
    "indexing": "embedding errors schema store text",
    "store": "embedding errors network schema text",
    "embedding": "errors models schema settings text",
    "judge": "errors models text",
    "llama_index": "schema",
    "llm": "errors network",
    "models": "errors network",
    "settings": "errors",
    "settings_file": "errors settings",
    "text": "schema",
    "export": "errors schema text",
    "schema": "",
    "errors": "",
    "network": "",
}

# Where each third-party library may be imported.
HOMES = {
    "chromadb": {"rag/store/vectors.py"},
    "gradio": {"ui/app.py", "ui/page.py", "ui/toolkit.py"},
    "xllamacpp": {"rag/llm/llama_cpp/server.py"},
    "onnx": {
        "rag/models/e5/judge.py",
        "rag/models/e5/onnx.py",
        "rag/models/gemma/onnx.py",
        "rag/models/onnx_graph.py",
    },
    "onnxruntime": {"rag/models/session.py"},
    "torch": {"rag/embedding/embedder.py", "rag/answering/reranking.py"},
    "sentence_transformers": {"rag/answering/reranking.py"},
    "Stemmer": {"rag/text/analyzer.py"},
    "opencc": {"rag/text/language.py"},
    "tantivy": {"rag/store/lexical.py"},
    "bibtexparser": {
        "rag/indexing/reading/forms/bibtex.py",
        "rag/export/bibtex.py",
        "rag/export/names.py",
    },
    "rispy": {"rag/export/ris.py"},
    "defusedxml": {"rag/indexing/reading/forms/xml_records.py"},
    "filetype": {"rag/indexing/reading/refused.py"},
    "markdown_it": {"rag/indexing/reading/forms/markdown.py"},
    "tomlkit": {"rag/settings_file.py"},
    "ray": {"rag/indexing/engine.py"},
    "matplotlib": {"rag/evaluation/plots.py"},
    "latex2mathml": {"ui/text/typeset.py"},
}

# Modules that one folder may hold, so that it can be read at a glance.
MOST_MODULES = 15

SOURCES = sorted([*ROOT.glob("rag/**/*.py"), *ROOT.glob("ui/**/*.py")])
MODULES = [path for path in SOURCES if path.name != "__init__.py" and path.is_relative_to(ROOT / "rag")]
FOLDERS = sorted({path.parent for path in SOURCES})


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path) -> Iterator[str]:
    """Yield every name that a file imports, type-checking-only imports included: `from a import b` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}: a relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


NAMES = {name_of(path): path for path in MODULES}


def layer(module: str) -> str:
    """Return the package below `rag`, or the module at its top, that a dotted name lies in."""
    return module.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_package_imports_only_what_it_may(path: Path) -> None:
    own = layer(name_of(path))
    used = {layer(name) for name in imports(path) if name in NAMES}
    assert used - {own} <= set(ALLOWED[own].split())


def test_what_packages_may_import_is_no_circle() -> None:
    TopologicalSorter({own: allowed.split() for own, allowed in ALLOWED.items()}).prepare()


def test_no_modules_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: set(imports(path)) & set(NAMES) for name, path in NAMES.items()}).prepare()


def test_no_folder_holds_too_many_modules() -> None:
    counts = {folder: len([p for p in folder.glob("*.py") if p.name != "__init__.py"]) for folder in FOLDERS}
    assert {str(folder): count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_the_init_of_a_package_imports_nothing() -> None:
    for folder in FOLDERS:
        if folder not in (ROOT / "rag", ROOT / "ui"):
            [statement] = ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body
            assert isinstance(statement, ast.Expr), folder


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


def test_the_architecture_table_names_every_package() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = [path.relative_to(ROOT).as_posix() for path in FOLDERS if path != ROOT / "rag"]
    top = [path.stem for path in ROOT.glob("rag/*.py") if not path.stem.startswith("__")]
    names = [f"{folder.removeprefix('rag/')}/" for folder in folders] + top
    assert [name for name in names if f"`{name}`" not in table] == []
