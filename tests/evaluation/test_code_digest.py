"""The digest of the code behind a result: what changes it, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

import rag
from rag.evaluation.cache import code_digest, modules_behind

FILES = {
    "__init__.py": "from shop.front import window",
    "front.py": "from shop import till\n\ndef window(): ...",
    "till.py": "def open_():\n    from shop.back.store import shelves\n",
    "back/__init__.py": "",
    "back/store/__init__.py": "",
    "back/store/shelves.py": "from .. import keys\nimport shop.back.lamp\n",
    "back/keys.py": "from shop.back.lock import turn, TURNS as turns\n",
    "back/lamp.py": "",
    "back/lock.py": "TURNS = 2\ndef turn(): ...",
    "back/cellar.py": "from shop.back import keys\n",
    "data/prices.json": "{}",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    package = tmp_path / "shop"
    for name, text in FILES.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


def test_imports_are_followed_through_packages(shop: Path) -> None:
    assert modules_behind(shop, "front") == {
        "front",
        "till",
        "back",
        "back.store",
        "back.store.shelves",
        "back.keys",
        "back.lamp",
        "back.lock",
    }


@pytest.mark.parametrize(
    "name",
    ["front.py", "till.py", "back/__init__.py", "back/store/shelves.py", "back/lock.py", "data/prices.json"],
)
def test_a_change_of_what_is_imported_changes_the_digest(shop: Path, name: str) -> None:
    before = code_digest("front", package=shop)
    assert code_digest("front", package=shop) == before
    with (shop / name).open("a") as file:
        file.write("\n")
    assert code_digest("front", package=shop) != before


@pytest.mark.parametrize("name", ["__init__.py", "back/cellar.py"])
def test_a_change_of_anything_else_does_not(shop: Path, name: str) -> None:
    before = code_digest("front", package=shop)
    (shop / name).write_text("changed = True\n")
    (shop / "back" / "new.py").write_text("")
    assert code_digest("front", package=shop) == before


def test_a_module_that_moves_changes_the_digest(shop: Path) -> None:
    before = code_digest("back.keys", package=shop)
    (shop / "back" / "lock.py").rename(shop / "lock.py")
    (shop / "back" / "keys.py").write_text("from shop.lock import turn, TURNS as turns\n")
    assert code_digest("back.keys", package=shop) != before


def test_data_can_be_left_out(shop: Path) -> None:
    before = code_digest("front", ["prices.json"], package=shop)
    (shop / "data" / "prices.json").write_text("[]")
    assert code_digest("front", ["prices.json"], package=shop) == before


@pytest.mark.parametrize("name", ["fronts", "back.fronts", "front.window"])
def test_a_module_that_is_not_there_is_an_error(shop: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"no module shop\.{name}"):
        code_digest(name, package=shop)


@pytest.mark.parametrize(
    "statement", ["from shop.gone import x", "import shop.gone", "from shop import window"]
)
def test_an_import_that_cannot_be_followed_is_an_error(shop: Path, statement: str) -> None:
    (shop / "till.py").write_text(statement)
    with pytest.raises(ValueError, match=r"shop"):
        code_digest("front", package=shop)


def test_the_code_that_makes_an_index_is_followed_through_its_imports() -> None:
    modules = modules_behind(Path(rag.__file__).parent, "indexing.build")
    packages = {module.split(".")[0] for module in modules}
    assert {"indexing", "store", "embedding", "text", "schema"} <= packages
    assert not packages & {"answering", "llm", "evaluation", "cli", "pipeline"}
