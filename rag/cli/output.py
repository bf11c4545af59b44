"""Format answers, search results and reports as plain text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rag.schema import Answer, Citation, Paper, Problem, ScoredChunk, Source

if TYPE_CHECKING:
    from rag.answering.generation.prefill import Prefill
    from rag.indexing.build import BuildReport
    from rag.indexing.changing.change import ChangeReport
    from rag.store.health import Finding

_NAMES = {"en": "English", "zh": "Chinese"}
_ALIGNMENTS = {
    "package": ", languages centred on this corpus and the shipped means",
    "corpus": ", languages centred on this corpus",
}
_PRESENT = {True: "here", False: "not fetched"}
_WIDTH = 100
_HEAD_CHARS = 160
_PROBLEMS_SHOWN = 30
_AUTHORS_SHOWN = 3  # names; the others are "et al."


def answer_sources(answer: Answer) -> str:
    """Return the cited abstracts; the closest ones for a refusal or an empty list of papers."""
    if answer.refused or (answer.kind == "collection" and not answer.citations):
        head = "Closest, not answering:" if answer.contexts else ""
        lines = [
            _entry("-", context.paper.text, context.paper.sources, byline(context.paper))
            for context in answer.contexts
        ]
        return "\n".join([head, *lines])
    return "\n".join(
        _entry(f"[{c.number}]", c.title or c.text, c.sources, byline(c)) for c in answer.citations
    )


def byline(paper: Paper | Citation) -> str:
    """Return authors, venue, year and DOI of a paper as far as its record has them; "" if it has none."""
    names = list(paper.authors[:_AUTHORS_SHOWN])
    if len(paper.authors) > len(names):
        names.append("et al." if paper.authors[0].isascii() else "等")
    doi = f"https://doi.org/{paper.doi}" if paper.doi else ""
    parts = ["; ".join(names), paper.venue or "", str(paper.year or ""), doi]
    return "; ".join(filter(None, parts))


def search_results(results: Sequence[ScoredChunk], *, near: bool = True) -> str:
    """Return ranked papers, each with its best chunk; where none is `near` the query, say that alone."""
    if not results:
        return "Nothing found."
    if not near:
        return "No abstract is near this query; --all lists the nearest."
    return "\n".join(
        _entry(f"{rank}.", result.chunk.text, result.paper.sources, _scored(result))
        for rank, result in enumerate(results, 1)
    )


def _scored(result: ScoredChunk) -> str:
    return "; ".join(filter(None, (byline(result.paper), f"score {result.score:.2f}")))


def build_report(report: BuildReport, directory: str) -> str:
    """Return a summary of an index build."""
    manifest = report.manifest
    folded = manifest.records - manifest.works
    return (
        f"Read {manifest.records:,} records; folded {folded:,} repeats; {manifest.works:,} abstracts "
        f"({languages(manifest.languages)}) in {manifest.chunks:,} chunks.\nIndex: {directory}"
    )


def change_report(reports: Sequence[ChangeReport]) -> str:
    """Return a summary of what a change did."""
    if not reports:
        return "Nothing has changed."
    added = sum(len(report.added) for report in reports)
    removed = sum(len(report.removed) for report in reports)
    manifest = reports[-1].manifest
    return (
        f"Added {added:,} and removed {removed:,} abstracts; {manifest.works:,} now "
        f"({languages(manifest.languages)}), of {manifest.records:,} records."
    )


def finding_lines(findings: Sequence[Finding]) -> str:
    """Return one line per finding of `rag doctor`, with the papers that show it."""
    marks = {"error": "ERROR  ", "warning": "warning", "note": "note   "}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.level]}  {finding.message}")
        if finding.papers:
            lines += textwrap.wrap(
                " ".join(finding.papers), _WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9
            )
    errors = sum(finding.level == "error" for finding in findings)
    end = "Run `rag doctor --fix` to repair what can be repaired." if errors else "No damage found."
    return "\n".join([*lines, end])


def prefill_report(done: Prefill, endpoint: str | None, prompt_cache_mb: int) -> str:
    """Return how many abstracts have a prompt cache, and why not more."""
    if endpoint is not None:
        return f"The language model is behind {endpoint}, which keeps nothing that it has read."
    if not done.papers:
        return "The language model reads all abstracts in one chat, so none is read ahead."
    full = f"; RAG_PROMPT_CACHE_MB={prompt_cache_mb:,} or the disk has no room for more"
    more = "" if done.read == done.papers else full
    return f"The language model has read {done.read:,} of {done.papers:,} abstracts{more}."


def problem_lines(problems: Sequence[Problem]) -> str:
    """Return one line per record or file that could not be read; if many, the first ones and a count."""
    lines = [
        f"Left out: {p.file}{f', record {p.position}' if p.position else ''}: {p.reason}"
        for p in problems[:_PROBLEMS_SHOWN]
    ]
    more = len(problems) - len(lines)
    return "\n".join([*lines, f"Left out: {more:,} more."] if more else lines)


def info_text(info: Mapping[str, Any]) -> str:
    """Return the figures of `RAG.info` as text."""
    endpoint, read = info["llm"]["endpoint"], info["readings"]
    lines = [
        f"records    {info['records']:,} read",
        f"papers     {info['papers']:,} distinct texts",
        f"works      {info['works']:,} after folding duplicates ({languages(info['languages'])})",
        f"chunks     {info['chunks']:,}",
        f"embedding  {info['embedding_model']} on {info['embedding_device']}"
        f"{_ALIGNMENTS.get(info['alignment'], '')}",
        f"answers    {info['llm']['name']}{f' at {endpoint}' if endpoint else ', on this machine'}",
        f"index      {info['paths']['index']} ({megabytes(info['index_bytes'])})",
        f"read       {read['papers']:,} abstracts by the language model ({megabytes(read['bytes'])} of it)",
        f"models     {info['paths']['models']}",
    ]
    return "\n".join([*lines, *(f"           {line}" for line in model_lines(info["models"]))])


def model_lines(models: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one line per default model."""
    return [
        f"{m['name']:<24} {m['kind']:<9} {megabytes(m['size']):>10}  {_PRESENT[m['present']]}" for m in models
    ]


def megabytes(size: int) -> str:
    """Return a size in bytes as megabytes (10^6 bytes)."""
    return f"{size / 1e6:,.1f} MB"


def languages(counts: Mapping[str, int]) -> str:
    """Return counts by language, such as "22 English, 9 Chinese"."""
    return ", ".join(f"{count:,} {_NAMES.get(code, code)}" for code, count in counts.items())


def places(sources: Sequence[Source]) -> str:
    """Return where the copies of an abstract are, such as "in 2 files: a.txt #6, b.txt #3"."""
    files = len({source.file for source in sources})
    listed = ", ".join(f"{source.file} #{source.position}" for source in sources)
    return f"in {files} file{'s' if files != 1 else ''}: {listed}"


def _entry(label: str, text: str, sources: Sequence[Source], note: str = "") -> str:
    head = textwrap.shorten(" ".join(text.split()), _HEAD_CHARS, placeholder=" …")
    if len(head) < 20 < len(text):  # Chinese has no spaces to shorten at
        head = text[:_HEAD_CHARS] + ("…" if len(text) > _HEAD_CHARS else "")
    indent = " " * (len(label) + 1)
    body = textwrap.fill(head, _WIDTH, initial_indent=f"{label} ", subsequent_indent=indent)
    found = f"{note}{'; ' if note else ''}{places(sources)}"
    tail = textwrap.wrap(found, _WIDTH - len(indent), break_on_hyphens=False)
    return "\n".join([body, *(indent + line for line in tail)])
