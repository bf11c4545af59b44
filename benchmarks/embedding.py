"""Compare the speed of the default embedding model with LlamaIndex's HuggingFaceEmbedding at its defaults.

    python -m benchmarks.embedding [--rounds 3] [--texts 531] [--json FILE]

Three backends load the same model folder, each in its own process: citefold (onnxruntime, 8-bit), citefold
with torch (`RAG_EMBEDDING_BACKEND=torch`), and LlamaIndex (no prompts). Every round runs all three on every
set of texts, so that changes in machine load affect them equally. Ratios are per round; brackets show the
smallest and largest. CPU time covers all threads.

Texts are 300 abstracts of SciFact and 200 of csl_zh (../shared/data) with titles, and all of corpus/; --texts
takes an even share of each. Cosines compare the 8-bit vectors with torch. The index time is for the SciFact
abstracts. Memory (Linux) is the resident set of the process, at rest and at its peak.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, parser, records
from rag.embedding.base import Vectors
from rag.embedding.embedder import load_embedder
from rag.indexing.build import index_papers
from rag.indexing.dedup.folding import deduplicate
from rag.indexing.readers import read_papers
from rag.models import defaults as models
from rag.schema import Paper, Source
from rag.settings import DEFAULT_EMBEDDING_MODEL
from rag.text.cleaning import clean_text, paper_id
from rag.text.language import detect_language

MODEL = DEFAULT_EMBEDDING_MODEL
FAST, TORCH, LLAMAINDEX = WAYS = ("citefold", "citefold, torch", "LlamaIndex defaults")
SCIFACT, CSL = 300, 200
WARM_UP = 8


def main() -> None:
    """Run the rounds and print the table."""
    command = parser(__doc__)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--texts", type=int, help="embed this many texts only")
    command.add_argument("--json", type=Path, metavar="FILE")
    options = command.parse_args()
    sets = texts(options.texts)
    record = measure(sets, options.rounds)
    show(record)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")


def texts(limit: int | None) -> dict[str, list[str]]:
    """Return the texts of each set."""
    corpus = deduplicate(read_papers(ROOT / "corpus").papers).kept
    found = {
        "SciFact": [f"{row['title']}\n{row['text']}" for row in islice(records("scifact/corpus"), SCIFACT)],
        "corpus": [clean_text(paper.text) for paper in corpus],
        "csl_zh": [f"{row['title']}\n{row['abstract']}" for row in islice(records("csl_zh/papers"), CSL)],
    }
    share = (limit or sum(map(len, found.values()))) / sum(map(len, found.values()))
    return {name: rows[: max(1, round(len(rows) * share))] for name, rows in found.items()}


def measure(sets: dict[str, list[str]], rounds: int) -> dict[str, Any]:
    """Return the time of each backend for each set and round, with load, memory, index time and cosines."""
    folder = models.ensure(MODEL)
    before = os.getloadavg()
    workers = {way: Worker(way, folder) for way in WAYS}
    load_s = {way: worker.ask("load") for way, worker in workers.items()}
    for worker in workers.values():
        worker.ask("embed", sets["SciFact"][:WARM_UP])
    resting = {way: worker.ask("rss") for way, worker in workers.items()}
    runs: list[dict[str, Any]] = []
    vectors: dict[str, Vectors] = {}
    for number in range(rounds):
        for name, rows in sets.items():
            for way, worker in workers.items():
                seconds, cpu, embedded = worker.ask("embed", rows)
                runs.append({"round": number, "set": name, "way": way, "s": seconds, "cpu_s": cpu})
                vectors[f"{way} {name}"] = embedded
                print(
                    f"round {number + 1}  {name:<8} {way:<20} {len(rows) / seconds:6.1f} texts/s", flush=True
                )
    peak = {way: worker.ask("peak") for way, worker in workers.items()}
    index_s = {way: workers[way].ask("index", sets["SciFact"]) for way in (FAST, TORCH)}
    for worker in workers.values():
        worker.close()
    cosines = np.concatenate([(vectors[f"{FAST} {s}"] * vectors[f"{TORCH} {s}"]).sum(axis=1) for s in sets])
    return {
        "model": MODEL,
        "cores": os.cpu_count(),
        "load_average": [before[0], os.getloadavg()[0]],
        "texts": {name: len(rows) for name, rows in sets.items()},
        "runs": runs,
        "ratios": {name: ratios(runs, sets, name) for name in (*sets, "all")},
        "cosine": {"min": float(cosines.min()), "mean": float(cosines.mean())},
        "load_s": load_s,
        "rss_mb": resting,
        "peak_mb": peak,
        "index_s": index_s,
    }


def ratios(
    runs: Sequence[dict[str, Any]], sets: dict[str, list[str]], name: str
) -> dict[str, dict[str, Any]]:
    """Return texts per second, CPU milliseconds per text, and the speed-up of the 8-bit backend."""
    count = sum(len(rows) for own, rows in sets.items() if name in (own, "all"))

    def total(way: str, field: str) -> list[float]:
        own = [run for run in runs if run["way"] == way and name in (run["set"], "all")]
        return [
            sum(run[field] for run in own if run["round"] == number)
            for number in sorted({run["round"] for run in own})
        ]

    result: dict[str, dict[str, Any]] = {}
    for way in WAYS:
        wall, cpu = np.array(total(way, "s")), np.array(total(way, "cpu_s"))
        faster, cheaper = wall / np.array(total(FAST, "s")), cpu / np.array(total(FAST, "cpu_s"))
        result[way] = {
            "texts_s": float(count / wall.mean()),
            "cpu_ms": float(1000 * cpu.mean() / count),
            "times_as_fast": _spread(faster),
            "times_less_cpu": _spread(cheaper),
        }
    return result


def _spread(values: Any) -> list[float]:
    return [float(np.median(values)), float(values.min()), float(values.max())]


def show(record: dict[str, Any]) -> None:
    """Print the table."""
    print(f"\n{'set':<8} {'way':<20} {'texts/s':>8} {'CPU ms':>7}   speed-up of citefold; by CPU time")
    for name, ways in record["ratios"].items():
        for way, row in ways.items():
            fast, cheap = (_interval(row[key]) for key in ("times_as_fast", "times_less_cpu"))
            print(f"{name:<8} {way:<20} {row['texts_s']:8.1f} {row['cpu_ms']:7.1f}   {fast}; {cheap}")
    cosine = record["cosine"]
    print(f"\ncosine, 8-bit against torch: min {cosine['min']:.4f}, mean {cosine['mean']:.4f}")
    for way in WAYS:
        loaded, rest, peak = (record[key][way] for key in ("load_s", "rss_mb", "peak_mb"))
        index = record["index_s"].get(way)
        note = f"; index of SciFact {index:.1f} s" if index else ""
        print(f"{way:<20} loads in {loaded:.1f} s; memory {rest:.0f} MB at rest, {peak:.0f} MB at peak{note}")
    print("load average before and after: {:.1f}, {:.1f}".format(*record["load_average"]))


def _interval(row: Sequence[float]) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*row)


class Worker:
    """One backend in its own process."""

    def __init__(self, way: str, folder: Path) -> None:
        """Start it; the model is loaded by the task "load"."""
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, way, folder), daemon=True)
        self._process.start()

    def ask(self, task: str, rows: Sequence[str] = ()) -> Any:
        """Return the result of one task."""
        self._pipe.send((task, list(rows)))
        return self._pipe.recv()

    def close(self) -> None:
        """End the process."""
        self._pipe.send(("end", []))
        self._process.join()


def work(pipe: Connection, way: str, folder: Path) -> None:
    """Run tasks until "end"; other backends are never imported here."""
    embed: Callable[[list[str]], Vectors] | None = None
    while True:
        task, rows = pipe.recv()
        started, cpu = time.perf_counter(), time.process_time()
        if task == "end":
            return
        if task == "load":
            embed = load(way, folder)
            pipe.send(time.perf_counter() - started)
        elif task == "embed":
            assert embed is not None, "load comes first"
            vectors = embed(rows)
            pipe.send((time.perf_counter() - started, time.process_time() - cpu, vectors))
        elif task == "index":
            pipe.send(index_seconds(way, folder, rows))
        else:
            pipe.send(memory_mb("VmRSS" if task == "rss" else "VmHWM"))


def load(way: str, folder: Path) -> Callable[[list[str]], Vectors]:
    """Load the model with one backend and return its passage embedder."""
    if way == LLAMAINDEX:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        embedding = HuggingFaceEmbedding(model_name=str(folder))
        return lambda rows: np.asarray(embedding.get_text_embedding_batch(rows), dtype=np.float32)
    return load_embedder(MODEL, folder, backend="auto" if way == FAST else "torch").embed_passages


def index_seconds(way: str, folder: Path, rows: Sequence[str]) -> float:
    """Return the seconds to index the texts with a loaded model."""
    embedder = load_embedder(MODEL, folder, backend="auto" if way == FAST else "torch")
    papers = []
    for number, row in enumerate(rows, 1):
        title, text = map(clean_text, row.split("\n", 1))
        papers.append(
            Paper(paper_id(text), text, detect_language(text), (Source("scifact", number),), title=title)
        )
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        index_papers(papers, (), (), Path(directory), lambda: embedder)
        return time.perf_counter() - started


def memory_mb(field: str) -> float:
    """Return one figure of /proc/self/status in megabytes (10^6 bytes)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024 / 1e6


if __name__ == "__main__":
    main()
