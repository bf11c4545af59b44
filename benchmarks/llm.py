"""Measure prefill, decode, load and memory of the embedded model by setting (Linux).

    python benchmarks/llm.py --gguf MODEL.gguf [--rounds 3] [--only NAME,NAME] [--json OUT.json]

Every round runs each variant once in a new process, so that changes in machine load affect all of them; the
best round counts. CPU seconds per 1,000 prefill tokens and per 100 decoded tokens depend less on other
programs than the server's own rates. The task is to copy two sentences from abstracts of `corpus/`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from rag.llm.llama_cpp.process import LlamaProcess
from rag.llm.llama_cpp.server import ServerOptions

BASE = ServerOptions()
VARIANTS = {
    "default": BASE,
    "threads 1": replace(BASE, n_threads=1),
    "batch 128": replace(BASE, n_batch=128, n_ubatch=128),
    "batch 512": replace(BASE, n_batch=512, n_ubatch=512),
    "batch 2048": replace(BASE, n_batch=2048, n_ubatch=512),
    "no flash": replace(BASE, flash_attention=False),
    "kv q8": replace(BASE, kv_type="Q8_0"),
    "repack": replace(BASE, repack=True),
    "repack no mmap": replace(BASE, repack=True, load_mode="NONE"),
    "ngram simple": replace(BASE, speculative="NGRAM_SIMPLE"),
    "ngram map k": replace(BASE, speculative="NGRAM_MAP_K"),
    "ngram mod": replace(BASE, speculative="NGRAM_MOD"),
    "ngram cache": replace(BASE, speculative="NGRAM_CACHE"),
}
COLUMNS = ("load_s", "prefill_tps", "decode_tps", "prefill_cpu_s_1k", "decode_cpu_s_100", "rss_mb", "anon_mb")
_HIGHER_IS_BETTER = {"prefill_tps", "decode_tps"}


def prompt(characters: int) -> list[dict[str, str]]:
    """Return a chat with about `characters` of the corpus, which asks for two sentences of it."""
    text = "".join(p.read_text(encoding="utf-8") for p in sorted(Path("corpus").glob("*.txt")))[:characters]
    ask = "Copy the first two sentences of the text exactly, and nothing else."
    return [{"role": "user", "content": f"{text}\n\n{ask}"}]


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, field: str) -> float:
    """Return one figure of /proc/PID/status in megabytes (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field))) * 1024 / 1e6


def timed(process: LlamaProcess, messages: list[dict[str, str]], tokens: int) -> dict[str, Any]:
    """Run one request; return the server's timings and its CPU seconds."""
    client = process.client
    before = cpu_seconds(process.pid)
    response = httpx.post(
        f"{client._base_url}/chat/completions",
        headers={"Authorization": f"Bearer {client._key}"},
        json={"messages": messages, "max_tokens": tokens, "temperature": 0},
        timeout=600,
        trust_env=False,
    ).json()
    return response["timings"] | {"cpu_s": cpu_seconds(process.pid) - before}


def measure(options: ServerOptions, gguf: Path, characters: int, tokens: int) -> dict[str, float]:
    """Load the model with these options and measure `COLUMNS`."""
    process = LlamaProcess(options)
    began = time.perf_counter()
    try:
        process.load(gguf, "model")
        loaded = time.perf_counter() - began
        messages = prompt(characters)
        timed(process, [{"role": "user", "content": "Hi."}], 1)
        first = timed(process, messages, 1)
        second = timed(process, messages, tokens)  # the prompt is cached, so this only decodes
        return {
            "load_s": loaded,
            "prefill_tps": first["prompt_per_second"],
            "decode_tps": second["predicted_per_second"],
            "prefill_cpu_s_1k": 1000 * first["cpu_s"] / first["prompt_n"],
            "decode_cpu_s_100": 100 * second["cpu_s"] / second["predicted_n"],
            "rss_mb": memory_mb(process.pid, "VmHWM"),
            "anon_mb": memory_mb(process.pid, "RssAnon"),
            "prompt_tokens": first["prompt_n"],
        }
    finally:
        process.close()


def best(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Return the best round of each column."""
    return {c: (max if c in _HIGHER_IS_BETTER else min)(r[c] for r in rounds) for c in COLUMNS}


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--characters", type=int, default=3500)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--only", default=",".join(VARIANTS))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in arguments.only.split(",")}
    for _ in range(arguments.rounds):
        for name, taken in rounds.items():
            taken.append(measure(VARIANTS[name], arguments.gguf, arguments.characters, arguments.tokens))
    print(f"{'variant':14}" + "".join(f"{column:>18}" for column in COLUMNS))
    for name, taken in rounds.items():
        print(f"{name:14}" + "".join(f"{value:18.1f}" for value in best(taken).values()))
    if arguments.json:
        arguments.json.write_text(json.dumps(rounds, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
