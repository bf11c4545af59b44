"""Ask the language model about pairs, each once ever: answers are kept in the cache by model, sentence and evidence."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Sequence

from benchmarks.verification_data import Pair
from rag import models
from rag.configure import configured_llm
from rag.prompts import CHECK_SYSTEM, check_turn
from rag.settings import load_settings
from rag.verify_llm import ask_support


def ask_all(pairs: Sequence[Pair], evidence: Sequence[Sequence[str]], limit_s: float) -> dict[int, float]:
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
            key = _key(pairs[i], evidence[i])
            if key not in known and time.perf_counter() - begun < limit_s:
                known[key] = ask_support(llm, pairs[i].sentence, evidence[i])
                asked += 1
                path.write_text(json.dumps(known))
    finally:
        llm.close()
    if asked:
        print(f"asked {asked} times, {(time.perf_counter() - begun) / asked:.2f} s each")
    answers = {i: known.get(_key(pairs[i], evidence[i])) for i in order}
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


def _key(pair: Pair, evidence: Sequence[str]) -> str:
    text = CHECK_SYSTEM + check_turn("\n".join(evidence), pair.sentence)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
