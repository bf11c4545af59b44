"""Ask the language model about pairs, each once ever: answers are kept in the cache by model, sentence and abstract.

It reads the whole abstract, as where it has answered from it, and is asked about the claim as an answer to a question that
says nothing.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Sequence

from benchmarks.verification_data import Pair
from rag import models
from rag.configure import configured_llm
from rag.layout import check_messages
from rag.settings import load_settings
from rag.verify_llm import ask_support

QUESTION = "What does the abstract state?"


def ask_all(pairs: Sequence[Pair], limit_s: float) -> dict[int, float]:
    """Return the model's yes by index of the pair: what is kept, and what it says within `limit_s` more seconds.

    Which are asked about first is in `_in_turn`.
    """
    order = _in_turn(pairs)
    llm = configured_llm(load_settings())
    path = models.cache_dir() / "benchmarks" / f"verification-{llm.name}.json"
    known: dict[str, float | None] = json.loads(path.read_text()) if path.exists() else {}
    begun, asked = time.perf_counter(), 0
    try:
        for i in order:
            name, abstract = _read(pairs[i])
            key = _key(pairs[i], abstract)
            if key not in known and time.perf_counter() - begun < limit_s:
                known[key] = ask_support(llm, name, abstract, QUESTION, pairs[i].sentence)
                asked += 1
                path.write_text(json.dumps(known))
    finally:
        llm.close()
    if asked:
        print(f"asked {asked} times, {(time.perf_counter() - begun) / asked:.2f} s each")
    answers = {i: known.get(_key(pairs[i], _read(pairs[i])[1])) for i in order}
    return {i: yes for i, yes in answers.items() if yes is not None}


def _in_turn(pairs: Sequence[Pair]) -> list[int]:
    """Return indices in an order of a fixed seed: three of SciFact, then two derived ones.

    Of the derived ones those that (a) finds hardest, denials against the other language, and own sentences beside.
    """
    claims = [i for i, pair in enumerate(pairs) if not pair.derived]
    derived = [
        i
        for i, p in enumerate(pairs)
        if p.kind in ("own", "negation") and p.derived and p.language != p.stored
    ]
    draw = random.Random(0)
    draw.shuffle(claims)
    draw.shuffle(derived)
    place = {i: n / 3 for n, i in enumerate(claims)} | {i: n / 2 for n, i in enumerate(derived)}
    return sorted(place, key=lambda i: place[i])


def _read(pair: Pair) -> tuple[str, str]:
    """Return what the abstract is called and what the model reads of it."""
    abstract = ("" if pair.stored == "zh" else " ").join(pair.abstract)
    return hashlib.sha256(abstract.encode()).hexdigest()[:16], abstract


def _key(pair: Pair, abstract: str) -> str:
    messages = check_messages(None, abstract, QUESTION, pair.sentence)
    text = "\n".join(message.content for message in messages)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
