"""What a fold made of the records: for each the paper it belongs to, and the keys to find it by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from rag.indexing.decisions import Decisions
from rag.indexing.dedup.blocking import blocking_keys
from rag.indexing.dedup.components import components, packed
from rag.indexing.dedup.folding import DedupResult, Member, deduplicate
from rag.indexing.engine import Engine
from rag.schema import Paper, Problem
from rag.store.records import FoldedRecord
from rag.text.injection import planted_sentences

# Records of a batch; higher sends fewer messages on a cluster and spreads less evenly.
_BATCH = 500


def fold(
    papers: Sequence[Paper], decisions: Decisions, engine: Engine
) -> tuple[DedupResult, list[FoldedRecord]]:
    """Fold `papers`; return the result, and each of them as a record of the catalogue.

    Records that share no blocking key, directly or through others, are folded apart.
    """
    batches = [papers[first : first + _BATCH] for first in range(0, len(papers), _BATCH)]
    keys = [own for part in engine.map(_keys_of, batches) for own in part]
    partners = [_partners(paper, decisions) for paper in papers]
    groups = components([(*own, *joined) for own, joined in zip(keys, partners, strict=True)])
    apart = [[papers[i] for i in batch] for batch in packed(groups, _BATCH)]
    parts = list(engine.map(partial(deduplicate, decisions=decisions), apart))
    place = {paper.sources[0]: i for i, paper in reversed(list(enumerate(papers)))}
    kept = sorted((p for part in parts for p in part.kept), key=lambda paper: place[paper.sources[0]])
    drops = sorted((d for part in parts for d in part.dropped), key=lambda d: place[d.paper.sources[0]])
    merged: dict[str, tuple[Member, ...]] = {}
    for part in parts:
        merged |= part.clusters
    clusters = {paper.paper_id: merged[paper.paper_id] for paper in kept if paper.paper_id in merged}
    folded = DedupResult(tuple(kept), tuple(drops), clusters)
    return folded, list(folded_records(papers, folded, keys))


def _keys_of(papers: Sequence[Paper]) -> list[tuple[int, ...]]:
    return [record_keys(paper) for paper in papers]


def _partners(paper: Paper, decisions: Decisions) -> list[str]:
    """Return a key for each choice that joins this paper with another."""
    return [" ".join(sorted(pair)) for pair in decisions.joined if paper.paper_id in pair]


def folded_records(
    papers: Sequence[Paper], folded: DedupResult, keys: Sequence[tuple[int, ...]]
) -> Iterator[FoldedRecord]:
    """Yield each of `papers`, with these blocking keys and folded to `folded`, as a record to store."""
    drops = {(drop.paper.sources, drop.paper.paper_id): drop for drop in folded.dropped}
    for paper, own in zip(papers, keys, strict=True):
        drop = drops.get((paper.sources, paper.paper_id))
        if drop is None:
            yield FoldedRecord(paper, paper.paper_id, keys=own)
        else:
            yield FoldedRecord(paper, drop.kept_id, drop.reason, drop.score, own)


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
