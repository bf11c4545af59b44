"""The index of a data set, kept between runs under a name made from the documents and the embedder.

Name the code behind a result, so that what other code made is not taken for it.
"""

from __future__ import annotations

import ast
import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.embedding.alignment import shipped_alignment
from rag.embedding.base import Embedder, Vectors
from rag.errors import CorpusError, LibraryIndexError
from rag.evaluation.datasets.records import Dataset
from rag.indexing.build import index_papers
from rag.schema import Progress
from rag.store.manifest import Manifest

_PACKAGE = Path(__file__).parents[1]


def code_digest(root: str, without: Collection[str] = (), package: Path = _PACKAGE) -> str:
    """Return a short hash of a module, of every module of its package that it imports, and of the data files.

    Args:
        root: the module's dotted name below the package, as "indexing.build".
        without: names of data files that the result does not depend on.
        package: the folder of the package.

    Raises:
        ValueError: there is no module `root`, or an import cannot be followed.
    """
    modules = sorted(_file(package, name) for name in modules_behind(package, root))
    data = [file for file in sorted(package.glob("data/*")) if file.name not in without]
    hasher = hashlib.sha256()
    for file in [*modules, *data]:
        content = file.read_bytes()
        hasher.update(f"{file.relative_to(package).as_posix()}\n{len(content)}\n".encode() + content)
    return hasher.hexdigest()[:16]


def modules_behind(package: Path, root: str) -> set[str]:
    """Return the modules in `package` that `root` imports, directly or not, and itself.

    Raises:
        ValueError: there is no module `root`, or an import cannot be followed.
    """
    found: set[str] = set()
    waiting = {root}
    while waiting:
        name = waiting.pop()
        found.add(name)
        file = _file(package, name)
        tree = ast.parse(file.read_bytes())
        used = {each for node in ast.walk(tree) for each in _own_imports(node, file, package)}
        waiting |= {each for module in {name, *used} for each in _with_packages(module)} - found
    return found


def _own_imports(node: ast.AST, file: Path, package: Path) -> Iterator[str]:
    """Yield the modules of the package that one statement in `file` imports."""
    if isinstance(node, ast.Import):
        names = [alias.name.split(".") for alias in node.names]
        yield from (".".join(parts[1:]) for parts in names if parts[0] == package.name and len(parts) > 1)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            folder = file.relative_to(package.parent).parts[: -node.level]
            module = ".".join([*folder, *filter(None, [module])])
        first, _, below = module.partition(".")
        if first == package.name:
            yield from (_imported(package, below, alias.name) for alias in node.names)


def _imported(package: Path, below: str, name: str) -> str:
    """Return the module that `from package.below import name` needs: `name`, else `below`."""
    submodule = f"{below}.{name}".lstrip(".")
    if _find(package, submodule) is not None:
        return submodule
    if not below:  # the package's __init__ may load anything
        raise ValueError(f"{name} is imported from {package.name} itself; import it from its module.")
    return below


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _file(package: Path, module: str) -> Path:
    file = _find(package, module)
    if file is None:
        raise ValueError(f"There is no module {package.name}.{module}.")
    return file


def _find(package: Path, module: str) -> Path | None:
    path = package.joinpath(*module.split("."))
    files = (path.parent / f"{path.name}.py", path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


_BUILT_BY = "built-by"


@dataclass(frozen=True, slots=True)
class DatasetIndex:
    """Where the index of a data set lies, the `seconds` it took (None: cached), and passages `embedded`."""

    directory: Path
    seconds: float | None
    embedded: int


def dataset_index(
    dataset: Dataset,
    embedder: Embedder,
    cache: Path,
    progress: Progress = lambda stage, done, total: None,
) -> DatasetIndex:
    """Return the index of the data set's documents below `cache`, built if it is not there.

    The folder's name says documents and embedder; a file in it says the code that built it (every module that
    `rag.indexing.build` imports, and the shipped means). Where only the code has changed, the index is
    built again from the vectors it has, so a change of alignment, analysis or folding costs no embedding;
    one that was stopped goes on where it was.

    Raises:
        CorpusError: no document holds a word.
        IndexBusyError: another process is building it.
        LibraryIndexError: it cannot be written.
    """
    name = hashlib.sha256(f"{dataset.documents_digest}\n{embedder.digest}".encode()).hexdigest()[:16]
    directory = cache / "evaluate" / name
    code = f"{code_digest('indexing.build')} {shipped_alignment(embedder.name).digest}"
    if _is_current(directory, code):
        return DatasetIndex(directory, None, 0)
    counted = _Counted(embedder)
    started = time.perf_counter()
    papers = dataset.papers()
    if not papers:
        raise CorpusError(f"No document of {dataset.name} holds a word; give a data set with texts.")
    index_papers(papers, (), (dataset.name,), directory, lambda: counted, progress=progress)
    seconds = time.perf_counter() - started
    (directory / _BUILT_BY).write_text(code, encoding="ascii")
    return DatasetIndex(directory, seconds, counted.embedded)


class _Counted:
    """An embedder that counts the passages it embeds."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.digest = embedder.digest
        self.max_tokens = embedder.max_tokens
        self.embedded = 0

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        return self._embedder.embed_query(text)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)


def _is_current(directory: Path, code: str) -> bool:
    try:
        Manifest.read(directory)
        return (directory / _BUILT_BY).read_text(encoding="ascii") == code
    except (LibraryIndexError, OSError, UnicodeDecodeError):
        return False
