"""What the folder of a sentence-transformers model says: prompts, longest text, tokens and digest."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Set
from functools import cache, partial
from pathlib import Path

# Bytes of a file that is hashed whole, at most, and of each edge of a larger one.
_SMALL_FILE = 1 << 20
_EDGE = 1 << 16
_LONGEST = 2048  # tokens; what a model has beyond that no abstract needs


def saved_prompts(folder: Path) -> dict[str, str]:
    """Return the prompts that the model was saved with, by their names."""
    config = folder / "config_sentence_transformers.json"
    if not config.is_file():
        return {}
    prompts: dict[str, str] = json.loads(config.read_text(encoding="utf-8")).get("prompts") or {}
    return prompts


def max_length(folder: Path) -> int:
    """Return the longest text that the model reads, in tokens."""
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return min(int(tokenizer["model_max_length"]), _LONGEST)


def token_counter(folder: Path) -> Callable[[str], int]:
    """Return a function that counts a text's tokens, special tokens not included.

    The tokenizer is loaded by the first count, because a search counts nothing.
    """
    counter = cache(partial(_load_counter, folder))
    return lambda text: counter()(text)


def _load_counter(folder: Path) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    file = folder / "tokenizer.json"
    if file.is_file():
        fast = Tokenizer.from_file(str(file))
        fast.no_truncation()
        fast.no_padding()
        return lambda text: len(fast.encode(text, add_special_tokens=False).ids)
    from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    return lambda text: len(slow.encode(text, add_special_tokens=False))


def digest_of(folder: Path, query_prompt: str, passage_prompt: str, kinds: Set[str]) -> str:
    """Hash names, sizes, small files whole and the edges of large ones: fast, and different for other
    weights.
    """
    hasher = hashlib.sha256(json.dumps([query_prompt, passage_prompt]).encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in kinds):
        size = path.stat().st_size
        hasher.update(f"{path.relative_to(folder).as_posix()}:{size}".encode())
        with path.open("rb") as file:
            hasher.update(file.read(size if size <= _SMALL_FILE else _EDGE))
            if size > _SMALL_FILE:
                file.seek(-_EDGE, os.SEEK_END)
                hasher.update(file.read())
    return hasher.hexdigest()[:16]
