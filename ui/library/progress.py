"""How adding goes, and what came of it, as HTML; pure. Every string that is not ours is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rag import AddReport, Paper, Problem
from ui.chat.paper import title_line
from ui.library import labels
from ui.library.job import Job
from ui.words import Label

# Papers and records that a report lists; the rest is counted.
_LISTED = 200
_MINUTE = 90.0  # seconds from which minutes are told


def progress_html(job: Job) -> str:
    """Return what is being done, how much of it, how fast and how long it will take."""
    stage = labels.STAGES.get(job.stage, Label(job.stage)) if job.stage else labels.STARTING
    parts = [stage]
    if job.total:
        parts.append(labels.STAGE_COUNT.of(done=f"{job.done:,}", total=f"{job.total:,}"))
    rate, left = job.rate(), job.left()
    if rate and left is not None and job.done < job.total:
        parts += [labels.RATE.of(rate=f"{rate:,.1f}" if rate < 10 else f"{rate:,.0f}"), _left(left)]
    share = round(100 * job.done / job.total) if job.total else 0
    says = " · ".join(part.html() for part in parts)
    bar = f'<progress max="100" value="{share}"></progress>'
    return f'<div class="progress">{bar}<p role="status">{says}</p></div>'


def report_html(report: AddReport) -> str:
    """Return what was added, what was folded into which paper, and what was not read and why."""
    if not (report.added or report.folded or report.problems):
        return f'<p class="note" role="status">{labels.NOTHING_NEW.html()}</p>'
    added = [_named(paper) for paper in report.added]
    folded = [
        f"{_place(drop.paper)}: {labels.REASONS[drop.reason].html()}, {labels.INTO.html()} {_named(kept)}"
        for drop, kept in report.folded
    ]
    problems = [_problem(problem) for problem in report.problems]
    return (
        '<div class="report" role="status">'
        + _section(labels.ADDED.of(len(added)), added, "good")
        + _section(labels.FOLDED_INTO.of(len(folded)), folded, "")
        + _section(labels.NOT_READ.of(len(problems)), problems, "bad")
        + "</div>"
    )


def _section(head: Label, items: Sequence[str], look: str) -> str:
    if not items:
        return ""
    more = len(items) - _LISTED
    rest = f"<li>{labels.AND_MORE.of(more).html()}</li>" if more > 0 else ""
    listed = "".join(f"<li>{item}</li>" for item in items[:_LISTED])
    state = " open" if len(items) <= 10 else ""
    return f'<details class="{look}"{state}><summary>{head.html()}</summary><ul>{listed}{rest}</ul></details>'


def _named(paper: Paper) -> str:
    return f'<cite lang="{paper.language}">{escape(title_line(paper))}</cite>'


def _place(paper: Paper) -> str:
    source = paper.sources[0]
    return f"{escape(source.file)} #{source.position}"


def _problem(problem: Problem) -> str:
    place = f" #{problem.position}" if problem.position is not None else ""
    return f"{escape(problem.file)}{place}: {escape(problem.reason)}"


def _left(seconds: float) -> Label:
    if seconds < _MINUTE:
        count = max(1, round(seconds))
        times = f"{count} s", f"{count} 秒"
    else:
        count = round(seconds / 60)
        times = f"{count} min", f"{count} 分钟"
    return Label(labels.LEFT.en.format(time=times[0]), labels.LEFT.zh.format(time=times[1]))
