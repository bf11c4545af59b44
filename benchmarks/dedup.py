"""Measure deduplication on two labelled bibliographic sets, and time it on many abstracts.

    python -m benchmarks.dedup [--data DIR] [--scale N] [--json FILE]

Data: `dedup/` (IEBH/dedupe-sweep, MIT). The thresholds were chosen on copper (505 records); tafenoquine (179
records) is the test. Every record with another record of the same work has "Duplicate" in its `<caption>`, so
no choice of the record to keep is needed:

- record: precision and recall of records in a cluster of two or more, with 95% Wilson intervals. Records of
one
  cluster are not independent, so the intervals are a little too narrow.
- cluster: the share of clusters of two or more whose members all have the flag.
- split: flagged pairs of kept papers with the same DOI or title; they may be a group that was cut in two.

"text only" ignores the bibliographic fields, "reference only" ignores the abstracts.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.common import DATA, parser
from rag.evaluation.metrics import wilson_interval
from rag.indexing.dedup.folding import DedupResult, deduplicate
from rag.indexing.dedup.reference import doi_key, fold_title
from rag.indexing.readers import Fields, read_endnote_records, read_papers
from rag.schema import Paper

SETS = {"copper": "tuned on", "tafenoquine": "test"}
Records = list[tuple[Paper, Fields]]


def score(records: Records, result: DedupResult) -> Counter[str]:
    """Count records by prediction and flag, and correct clusters."""
    flagged = {paper.sources[0]: fields["caption"] == "Duplicate" for paper, fields in records}
    counts: Counter[str] = Counter(records=len(records), kept=len(result.kept))
    for kept in result.kept:
        flags = [flagged[source] for source in kept.sources]
        if len(flags) > 1:
            counts.update(tp=sum(flags), fp=len(flags) - sum(flags), clusters=1, right=all(flags))
        else:
            counts.update(fn=flags[0], tn=not flags[0])
    apart = [kept for kept in result.kept if flagged[kept.sources[0]]]
    for key in (doi_key, lambda paper: fold_title(paper.title)):
        seen = Counter(key(kept) for kept in apart if key(kept))
        counts["split"] += sum(n - 1 for n in seen.values())
    return counts


def measure(records: Records, ablate: str = "") -> dict[str, Any]:
    """Return counts, precision and recall with intervals, reasons and CPU seconds."""
    papers = [_without(paper, ablate) for paper, _ in records]
    started = time.process_time()
    result = deduplicate(papers)
    seconds = time.process_time() - started
    counts = score(records, result)
    found, real = counts["tp"] + counts["fp"], counts["tp"] + counts["fn"]
    return {
        **counts,
        "precision": counts["tp"] / max(1, found),
        "precision_95": wilson_interval(counts["tp"], found),
        "recall": counts["tp"] / max(1, real),
        "recall_95": wilson_interval(counts["tp"], real),
        "reasons": Counter(drop.reason for drop in result.dropped),
        "seconds": seconds,
    }


def scale(path: Path, count: int) -> dict[str, Any]:
    """Return CPU seconds to read and deduplicate the first `count` abstracts of a JSONL file."""
    started = time.process_time()
    papers = read_papers(path).papers[:count]
    read = time.process_time()
    result = deduplicate(papers)
    return {
        "abstracts": len(papers),
        "kept": len(result.kept),
        "reasons": Counter(drop.reason for drop in result.dropped),
        "read_s": read - started,
        "dedup_s": time.process_time() - read,
    }


def _without(paper: Paper, ablate: str) -> Paper:
    if ablate == "text only":
        return replace(paper, title=None, authors=(), year=None, doi=None)
    if ablate == "reference only":
        return replace(paper, text=paper.title or "", paper_id=f"{paper.title} {paper.sources[0].position}")
    return paper


def _row(name: str, result: dict[str, Any]) -> str:
    low, high = result["precision_95"]
    below, above = result["recall_95"]
    return (
        f"| {name} | {result['records']} | {result['kept']} "
        f"| {result['precision']:.3f} [{low:.3f}, {high:.3f}] "
        f"| {result['recall']:.3f} [{below:.3f}, {above:.3f}] | {result['right']}/{result['clusters']} "
        f"| {result['split']} | {result['seconds']:.1f} |"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and write the JSON."""
    command = parser(__doc__)
    command.add_argument("--data", type=Path, default=DATA)
    command.add_argument("--scale", type=int, default=0, metavar="N", help="also time N arXiv abstracts")
    command.add_argument("--json", type=Path, metavar="FILE")
    options = command.parse_args(argv)
    sets = {name: read_endnote_records(options.data / "dedup" / f"{name}.xml.gz") for name in SETS}
    everything = [record for records in sets.values() for record in records]
    results = {f"{name} ({SETS[name]})": measure(records) for name, records in sets.items()}
    results["both in one pile"] = measure(everything)
    results |= {f"both, {ablate}": measure(everything, ablate) for ablate in ("text only", "reference only")}
    print("| set | records | kept | precision [95%] | recall [95%] | clusters right | split | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, result in results.items():
        print(_row(name, result))
    if options.scale:
        results["scale"] = scale(options.data / "arxiv_50k.jsonl.gz", options.scale)
        print("\n" + ", ".join(f"{name} {value}" for name, value in results["scale"].items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
