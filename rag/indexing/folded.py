"""What a fold made of the records: for each the paper it belongs to, and the keys to find it by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from rag.indexing.dedup.blocking import blocking_keys
from rag.indexing.dedup.folding import DedupResult
from rag.schema import Paper, Problem
from rag.store.records import FoldedRecord
from rag.text.injection import planted_sentences


def folded_records(papers: Sequence[Paper], folded: DedupResult) -> Iterator[FoldedRecord]:
    """Yield each of `papers`, which were folded to `folded`, as a record of the catalogue."""
    drops = {(drop.paper.sources, drop.paper.paper_id): drop for drop in folded.dropped}
    for paper in papers:
        drop = drops.get((paper.sources, paper.paper_id))
        keys = record_keys(paper)
        if drop is None:
            yield FoldedRecord(paper, paper.paper_id, keys=keys)
        else:
            yield FoldedRecord(paper, drop.kept_id, drop.reason, drop.score, keys)


def record_keys(paper: Paper) -> tuple[int, ...]:
    """Return the blocking keys of a record as signed 64-bit numbers, which SQLite stores."""
    return tuple(
        sorted(
            int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little", signed=True)
            for key in blocking_keys(paper)
        )
    )


def planted(papers: Iterable[Paper]) -> Iterator[Problem]:
    """Report sentences that instruct a language model; users see them, the model does not."""
    for paper in papers:
        for sentence in planted_sentences(paper.text):
            reason = "reads like an instruction to a language model, which will not see it"
            source = paper.sources[0]
            yield Problem(source.file, source.position, f"{reason}: {sentence[:80]!r}")
