"""Ask the language model about pairs, each once ever: answers are kept in the cache by chat and model."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Sequence

from benchmarks.verification_data import Pair
from rag import models
from rag.configure import configured_llm
from rag.endpoint import Message
from rag.generate import prefix_messages
from rag.prompts import user_turn
from rag.schema import Language
from rag.settings import load_settings
from rag.verify_llm import ask_support

SAMPLE = 120
# The question that a pair's sentence is taken to answer; the wording matters little beside the evidence.
QUESTION: dict[Language, str] = {"en": "What does the abstract report?", "zh": "摘要报告了什么?"}


def ask_all(pairs: Sequence[Pair], evidence: Sequence[Sequence[str]]) -> dict[int, float]:
    """Return the model's yes for all of SciFact and for `SAMPLE` derived pairs, by index."""
    derived = [i for i, pair in enumerate(pairs) if pair.derived]
    chosen = [i for i, pair in enumerate(pairs) if not pair.derived]
    chosen += sorted(random.Random(0).sample(derived, SAMPLE))
    llm = configured_llm(load_settings())
    path = models.cache_dir() / "benchmarks" / f"verification-{llm.name}.json"
    known: dict[str, float | None] = json.loads(path.read_text()) if path.exists() else {}
    begun, asked = time.perf_counter(), 0
    try:
        for i in chosen:
            chat = chat_about(pairs[i], evidence[i])
            key = _key(chat, pairs[i].sentence)
            if key not in known:
                known[key] = ask_support(llm, chat, pairs[i].sentence, pairs[i].language)
                asked += 1
                path.write_text(json.dumps(known))
    finally:
        llm.close()
    if asked:
        print(f"asked {asked} times, {(time.perf_counter() - begun) / asked:.2f} s each")
    answers = {i: known[_key(chat_about(pairs[i], evidence[i]), pairs[i].sentence)] for i in chosen}
    return {i: yes for i, yes in answers.items() if yes is not None}


def chat_about(pair: Pair, evidence: Sequence[str]) -> list[Message]:
    """Return the chat as it was when the model had written the pair's sentence."""
    text = (" " if pair.stored == "en" else "").join(evidence)
    turn = user_turn(f"[1] {text}", QUESTION[pair.language], pair.language)
    return [*prefix_messages(), Message("user", turn)]


def _key(chat: Sequence[Message], sentence: str) -> str:
    return hashlib.sha256(json.dumps([[m.content for m in chat], sentence]).encode()).hexdigest()[:24]
