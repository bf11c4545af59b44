"""Measure when to say that the abstracts do not answer, and fit what ships.

    python -m benchmarks.abstention [--each 40] [--write]

Questions: the development set, RGB zh_refine and en_fact, PubMedQA, and SciFact's supported claims put as questions; of
the published ones `--each` questions, asked twice, once without the abstracts that answer them
(`benchmarks.abstention_data`). Each is put to every abstract that `rag.respond` may ask, one after the other, and the
language model has to answer; what `rag.abstain` looks at is recorded, and kept in the cache for the next run. A reply is
right to be shown where the question is answerable and the abstract is one that answers it. Each set is halved by a fixed
seed; every question is reported by what was fitted on the other halves, with Wilson 95 % intervals: AUC, and what is refused
at the limit. What ships is fitted on both. `--write` writes rag/data/abstention.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from sklearn.metrics import roc_auc_score

import rag
from benchmarks.abstention_data import PARTS, all_tasks
from benchmarks.abstention_fit import confidence, fit_each, fit_parts
from benchmarks.abstention_signals import Signals, signals
from rag import models
from rag.abstain import Abstention, Weights
from rag.answer_tables import Share
from rag.code_digest import code_digest
from rag.configure import configured_embedder, configured_llm
from rag.schema import Language
from rag.settings import Settings, load_settings

OUTPUT = Path(rag.__file__).parent / "data" / "abstention.json"


def main() -> None:
    """Ask, fit, print, and write on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=40, metavar="N", help="questions of a published data set")
    parser.add_argument("--write", action="store_true", help="write rag/data/abstention.json")
    options = parser.parse_args()
    settings = load_settings()
    seen = list(observe(settings, options.each))
    parts, seen = [s for s in seen if s.dataset == PARTS], [s for s in seen if s.dataset != PARTS]
    folds = [fit_each([s for s in seen if s.second_half is half]) for half in (True, False)]
    report(seen, folds)
    report_parts(parts)
    if options.write:
        models_fitted = (settings.llm_model, settings.embedding_model)
        document = Abstention(*models_fitted, *fit_each(seen), fit_parts(parts)).write()
        OUTPUT.write_text(json.dumps([document], indent=1) + "\n", encoding="utf-8")


def observe(settings: Settings, each: int) -> Iterator[Signals]:
    """Yield what is seen of every question, from the cache where it was asked before with the same code."""
    embedder, llm = configured_embedder(settings), configured_llm(settings)
    code = code_digest("respond", without=[OUTPUT.name])
    name = f"abstention-{code}-{settings.llm_model}.jsonl"
    path = models.cache_dir() / "benchmarks" / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {record["key"]: Signals.read(record) for record in map(json.loads, lines)}
    with path.open("a", encoding="utf-8") as file:
        for dataset, store, tasks in all_tasks(embedder, each):
            for number, task in enumerate(tasks, 1):
                found = known.get(task.key)
                if found is None:
                    found = signals(task, store, embedder, llm, settings)
                    print(json.dumps(asdict(found)), file=file, flush=True)
                    print(f"{dataset} {number}/{len(tasks)} {found}", file=sys.stderr)
                yield found
    llm.close()


def report(seen: Sequence[Signals], folds: Sequence[tuple[Mapping[Language, Weights], Weights]]) -> None:
    """Print a row for each data set and language; `folds` are fitted on the second halves and on the first."""
    print("| data set | AUC | refused, unanswerable | wrongly refused |")
    print("|---|---|---|---|")
    judged = []
    for s in seen:
        weights, polar = folds[0 if not s.second_half else 1]
        judged.append((s, polar if s.judged_as_polar else weights[s.language]))
    for dataset, language in sorted({(s.dataset, s.language) for s in seen}):
        part = [(s, weights) for s, weights in judged if (s.dataset, s.language) == (dataset, language)]
        print(f"| {dataset}, {language} | {' | '.join(_cells(part))} |")


def report_parts(seen: Sequence[Signals]) -> None:
    """Print how many abstracts of questions over several pass, each half by what was fitted on the other."""
    passed = []
    for half in (True, False):
        weights = fit_parts([s for s in seen if s.second_half is not half])
        for s in (s for s in seen if s.second_half is half):
            passed += [
                (t.answers, confidence(replace(s, tries=(t,)), weights) >= weights.least) for t in s.tries
            ]
    for answers in (True, False):
        shown = [ok for expected, ok in passed if expected is answers]
        print(
            f"{PARTS}, {'expected' if answers else 'other'} abstracts that pass: {Share(sum(shown), len(shown))}"
        )


def _cells(part: Sequence[tuple[Signals, Weights]]) -> list[str]:
    shares = [confidence(s, weights) for s, weights in part]
    refused = [
        [share < w.least for share, (s, w) in zip(shares, part, strict=True) if s.answerable is answerable]
        for answerable in (False, True)
    ]
    both = len({s.answerable for s, _ in part}) == 2
    auc = roc_auc_score([s.answerable for s, _ in part], shares) if both else float("nan")
    return [f"{auc:.3f}", *(str(Share(sum(kind), len(kind))) for kind in refused)]


if __name__ == "__main__":
    main()
