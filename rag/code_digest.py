"""Name the code behind a result, so that what other code made is not taken for it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection
from pathlib import Path


def code_digest(root: str, without: Collection[str] = ()) -> str:
    """Return a short hash of module `root`, of every module of the package behind it, and of the data files.

    `without` names data files that what is named does not depend on.
    """
    package = Path(__file__).parent
    files = sorted(package / f"{name}.py" for name in modules_behind(package, root))
    hasher = hashlib.sha256()
    data = [file for file in sorted(package.glob("data/*")) if file.name not in without]
    for file in [*files, *data]:
        hasher.update(f"{file.name}\n".encode() + file.read_bytes())
    return hasher.hexdigest()[:16]


def modules_behind(package: Path, root: str) -> set[str]:
    """Return the names of the modules in `package` that `root` imports, directly or not, itself included."""
    found: set[str] = set()
    waiting = {root}
    while waiting:
        name = waiting.pop()
        found.add(name)
        tree = ast.parse((package / f"{name}.py").read_bytes())
        waiting |= {used for node in ast.walk(tree) for used in _own_imports(node, package)} - found
    return found


def _own_imports(node: ast.AST, package: Path) -> list[str]:
    if not isinstance(node, ast.ImportFrom) or not node.module or node.module.split(".")[0] != package.name:
        return []
    parts = node.module.split(".")
    names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
    return [name for name in names if (package / f"{name}.py").is_file()]
