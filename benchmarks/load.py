"""Twenty readers ask sixty questions at once: lost or mixed up answers, waits and memory.

`python -m benchmarks.load` serves a page over a scripted library whose model takes 0.5 s a question, and asks
it over HTTP with gradio_client. With `--url` it asks a page that is served already; the questions then come
from a file, one a line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

USERS, QUESTIONS = 20, 60
_MODEL_S = 0.5  # seconds that the scripted model takes for a question
_PATIENCE_S = 3600  # seconds for one request


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of one reader: seconds until its answer, and what is wrong with it ("" if nothing is)."""

    reader: int
    seconds: float
    wrong: str


@contextmanager
def scripted() -> Iterator[str]:
    """Serve a page whose answers repeat the question, one at a time; yield its address."""
    from tests.fake_rag import FakeRAG, context, script_of
    from ui.server import listen, make_server

    found = context("A lake grew.")

    def script(question: str, history: object) -> object:
        return script_of(f"Answer to {question}", [found], before_text=[_MODEL_S])(question, ())

    with TemporaryDirectory() as data, closing(listen("127.0.0.1", 0)) as bound:
        server = make_server(FakeRAG(script), data=Path(data))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def ask_all(url: str, reader: int, questions: list[str], check: bool) -> list[Asked]:
    """Ask one after the other as one reader; an answer must be to the question that was asked."""
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": _PATIENCE_S})
    done = []
    for question in questions:
        began, wrong = time.perf_counter(), ""
        try:
            answer = client.predict(question, api_name="/ask")
            if answer["question"] != question or (check and answer["answer"] != f"Answer to {question}"):
                wrong = "mixed up"
        except (AppError, OSError, ValueError) as error:
            wrong = f"lost: {error}"
        done.append(Asked(reader, time.perf_counter() - began, wrong))
    client.close()
    return done


def measure(url: str, questions: list[str], check: bool) -> list[Asked]:
    """Let each reader ask its share, all readers at once."""
    shares = [questions[reader::USERS] for reader in range(USERS)]
    with ThreadPoolExecutor(USERS) as pool:
        runs = [pool.submit(ask_all, url, reader, share, check) for reader, share in enumerate(shares)]
        return [asked for run in runs for asked in run.result()]


def resident_mb() -> float:
    """Return the memory of this process, which serves the page too."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def report(asked: list[Asked], seconds: float, grown_mb: float) -> str:
    """Return a table in Markdown."""
    waits = sorted(one.seconds for one in asked)
    firsts = [next(one.seconds for one in asked if one.reader == reader) for reader in range(USERS)]
    cuts = statistics.quantiles(waits, n=20, method="inclusive")
    rows = {
        "questions": f"{len(asked)}, of {USERS} readers",
        "lost": str(sum(one.wrong.startswith("lost") for one in asked)),
        "mixed up": str(sum(one.wrong == "mixed up" for one in asked)),
        "wait p50 / p95 (s)": f"{statistics.median(waits):.1f} / {cuts[-1]:.1f}",
        "longest wait for a first answer (s)": f"{max(firsts):.1f}",
        "all (s)": f"{seconds:.1f}",
        "memory grown (MB)": f"{grown_mb:.0f}",
    }
    return "\n".join(
        ["| measure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    )


def main() -> int:
    """Run it, and return 1 if an answer was lost or mixed up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a page that is served already")
    parser.add_argument("--questions", type=Path, help="a file of questions for it, one a line")
    parser.add_argument("--json", type=Path, help="write every wait to this file")
    parsed = parser.parse_args()
    questions = [f"Question {number} of the load" for number in range(QUESTIONS)]
    if parsed.questions:
        lines = parsed.questions.read_text(encoding="utf-8").split("\n")
        questions = [line for line in lines if line.strip()]
    if parsed.url:
        began, asked, grown = time.perf_counter(), measure(parsed.url, questions, False), float("nan")
    else:
        with scripted() as url:
            ask_all(url, 0, ["Warm up"], True)
            before, began = resident_mb(), time.perf_counter()
            asked = measure(url, questions, True)
            grown = resident_mb() - before
    print(report(asked, time.perf_counter() - began, grown))
    if parsed.json:
        parsed.json.write_text(json.dumps([asdict(one) for one in asked], indent=1), encoding="utf-8")
    return int(any(one.wrong for one in asked))


if __name__ == "__main__":
    sys.exit(main())
