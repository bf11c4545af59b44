"""Which of the toolkit's files the page needs, read from the files themselves.

The toolkit is built in chunks that name one another, so that a browser learns of them in four rounds. Named
in the document, they are all asked for in the first. What cannot be read here is left out, and then the
browser asks for it as before: nothing depends on this list but time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

# How the bundler writes an import at run time, and the list of files that its numbers point into.
_IMPORT = re.compile(r"""import\([`'"]\./([\w.-]+\.js)[`'"]\)[^,]*,__vite__mapDeps\(\[([\d,]*)\]\)""")
_LIST = re.compile(r"m\.f=(\[[^\]]*\])")
_ENTRY = re.compile(r'(?:src|href)="\./assets/([\w.-]+\.(?:js|css))"')
# Characters between the name of a kind of component and its import at most.
_NEAR = 400


def first_chunks(frontend: Path, kinds: Iterable[str]) -> list[str]:
    """Return the files of `frontend`/assets that a page with these kinds of components loads, in that order.

    Those that the toolkit's own document names are left out.
    """
    try:
        entry = _ENTRY.findall((frontend / "index.html").read_text(encoding="utf-8"))
        found = dict.fromkeys(entry)  # in the order in which they are found
        for stem in ("Index-", "Blocks-"):
            found |= dict.fromkeys(_started(frontend, found, stem))
        found |= dict.fromkeys(_components(frontend, found, kinds))
    except (OSError, ValueError, IndexError):
        return []
    return [name for name in found if name not in entry and (frontend / "assets" / name).is_file()]


def _started(frontend: Path, known: Iterable[str], stem: str) -> Iterator[str]:
    """Yield what the `known` files import at run time under names that begin with `stem`."""
    for text in _scripts(frontend, known):
        for match in _IMPORT.finditer(text):
            if match[1].startswith(stem) and "component:" not in text[match.start() - _NEAR : match.start()]:
                yield from _named(text, match)


def _components(frontend: Path, known: Iterable[str], kinds: Iterable[str]) -> Iterator[str]:
    """Yield the files of each kind of component, from the one of the `known` files that lists all kinds."""
    texts = [text for text in _scripts(frontend, known) if "component:()=>" in text]
    for kind in kinds:
        for text in texts:
            start = re.search(rf"[{{,]{re.escape(kind)}:\{{", text)
            at = text.find("component:()=>", start.end()) if start else -1
            match = _IMPORT.search(text, at) if at >= 0 else None
            if start and match and at - start.end() < _NEAR and match.start() - at < _NEAR:
                yield from _named(text, match)


def _scripts(frontend: Path, names: Iterable[str]) -> Iterator[str]:
    for name in list(names):
        if name.endswith(".js"):
            yield (frontend / "assets" / name).read_text(encoding="utf-8")


def _named(text: str, match: re.Match[str]) -> Iterator[str]:
    """Yield the file that an import names, and those that this file needs."""
    listed = _LIST.search(text)
    files = json.loads(listed[1]) if listed else []
    yield match[1]
    for number in filter(None, match[2].split(",")):
        yield files[int(number)].removeprefix("./")
