"""Turns to HTML, pure: the masthead and the conversation. Every string that is not ours is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rag import Answer
from ui.turn import Turn

WELCOME = (
    '<div class="welcome"><p>Ask in English or Chinese. The answer comes from the abstracts alone, and each '
    "sentence names the abstract it rests on; when they do not answer, the page says so.</p>"
    '<p lang="zh">可用中文或英文提问。回答只依据已收录的摘要，逐句注明出处；摘要没有答案时会直接说明。</p></div>'
)
_LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}
_MARKER = re.compile(r"\[(\d{1,4})\]")
_CLOSING = re.compile(r"[。！？.!?；;…]+$")
_TAIL = re.compile(r"(?:\s*\[\d{1,4}\])*[。！？.!?；;…]*")
_WEAK = "only weakly supported 依据较弱"
# A pasted page must not push the answer out of sight; the whole question still went to the model.
_QUESTION_SHOWN = 1200


def masthead_html(info: Mapping[str, Any], notice: str | None = None) -> str:
    """Return the header: the name, what is indexed, and `notice` where text leaves this machine."""
    counts = [f"{info['papers']} abstracts"]
    for code, count in sorted(info["languages"].items(), key=lambda item: -item[1]):
        counts.append(f"{count} {_LANGUAGE_NAMES.get(code, code)}")
    facts = "".join(f"<li>{escape(part)}</li>" for part in counts)
    warning = f'<p class="notice" role="note">{escape(notice)}</p>' if notice else ""
    return (
        '<header><h1>citefold</h1><p class="tagline">Answers from your abstracts, with citations '
        f'<span lang="zh">依据摘要作答，逐句注明出处</span></p>'
        f'<ul class="facts" aria-label="Indexed">{facts}</ul></header>{warning}'
    )


def chat_html(turns: Sequence[Turn]) -> str:
    """Return the conversation, oldest first; a welcome when it is empty."""
    if not turns:
        return WELCOME
    return "".join(_turn_html(number, turn) for number, turn in enumerate(turns, 1))


def status_text(turn: Turn) -> str:
    """Return where a turn stands in a few words, for the line that screen readers hear."""
    if turn.error:
        return "The question could not be answered."
    if turn.stopped:
        return "Stopped."
    if turn.answer:
        cited = len(turn.citations)
        if turn.answer.kind == "chat":
            return "Answered."
        if turn.answer.kind == "collection":
            return f"Answered from the index, listing {_many(cited, 'abstract')}."
        return (
            "No answer in the abstracts."
            if turn.answer.refused
            else f"Answered, citing {_many(cited, 'abstract')}."
        )
    if turn.contexts is None:
        return "Searching the abstracts…"
    return f"{_many(len(turn.contexts), 'source')} found; writing the answer…"


def status_html(text: str) -> str:
    """Return the line below the question box; a change of it is read out."""
    return f'<p role="status">{escape(text)}</p>'


def _turn_html(number: int, turn: Turn) -> str:
    question = turn.question
    if len(question) > _QUESTION_SHOWN:
        question = question[:_QUESTION_SHOWN] + "…"
    busy = "true" if turn.busy else "false"
    return (
        f'<article class="turn" id="turn-{number}" aria-busy="{busy}">'
        f'<h2 class="question"><span class="sr">Question: </span>{escape(question)}</h2>'
        f'{_read_as_html(turn)}<div class="reply">{_reply_html(number, turn)}</div>{_foot_html(number, turn)}</article>'
    )


def _read_as_html(turn: Turn) -> str:
    if not turn.standalone:
        return ""
    label = "理解为：" if turn.language == "zh" else "Read as: "
    return f'<p class="read-as" lang="{turn.language}">{label}{escape(turn.standalone)}</p>'


def _reply_html(number: int, turn: Turn) -> str:
    answer = _linked(number, turn)
    body = f'<p class="answer" lang="{turn.language}">{answer}</p>' if turn.text else ""
    if turn.error:
        return f'{body}<p class="error" role="alert">{escape(turn.error)}</p>'
    if turn.answer and turn.answer.refused:
        label = 'No answer in the abstracts <span lang="zh">摘要中没有答案</span>'
        return f'<div class="refusal"><p class="label">{label}</p>{body}</div>'
    if turn.busy and not turn.text:
        return _waiting_html(turn)
    return body


def _waiting_html(turn: Turn) -> str:
    if turn.contexts is None:
        words = 'Searching the abstracts <span lang="zh">正在检索</span>'
    else:
        found = _many(len(turn.contexts), "abstract")
        words = f'Reading {found} <span lang="zh">正在阅读</span>'
    return f'<p class="waiting">{words}<span class="dots" aria-hidden="true"></span></p>'


def _linked(number: int, turn: Turn) -> str:
    """Return the escaped text with each known marker as a link to its source card, weakly supported sentences set off."""
    parts: list[str] = []
    done = 0
    for start, end in _weak_spans(turn):
        parts += [
            _markers_linked(number, turn, done, start),
            f'<span class="weak" title="{_WEAK}">{_markers_linked(number, turn, start, end)}'
            f'<span class="sr"> ({_WEAK})</span></span>',
        ]
        done = end
    return "".join(parts) + _markers_linked(number, turn, done, len(turn.text))


def _weak_spans(turn: Turn) -> list[tuple[int, int]]:
    """Return where in the text, markers and closing punctuation included, the weakly supported sentences stand."""
    spans: list[tuple[int, int]] = []
    position = 0
    for sentence in turn.sentences:
        body = _CLOSING.sub("", sentence.text)
        start = turn.text.find(body, position)
        if not body or start < 0:
            continue
        position = start + len(body)
        tail = _TAIL.match(turn.text, position)
        position = tail.end() if tail else position
        # A sentence without a source is counted below the answer instead.
        if sentence.support == "weak" and sentence.citations:
            spans.append((start, position))
    return spans


def _markers_linked(number: int, turn: Turn, start: int, end: int) -> str:
    """Return a stretch of the text escaped, with each known marker as a link to its source card.

    A marker stays on the line of the word it follows: its blank becomes a margin, word joiners (U+2060) hold it.
    """
    known = {citation.number for citation in turn.citations}
    parts: list[str] = []
    for match in _MARKER.finditer(turn.text, start, end):
        if int(match[1]) not in known:
            continue
        parts += [escape(turn.text[start : match.start()].rstrip(" ")), _cite_html(number, int(match[1]))]
        start = match.end()
    return "".join(parts) + escape(turn.text[start:end])


def _cite_html(turn: int, source: int) -> str:
    target = f"source-{turn}-{source}"
    return (
        f'&#8288;<a class="cite" href="#{target}" data-goto="{target}" aria-label="Source {source}">'
        f"[{source}]</a>&#8288;"
    )


def _foot_html(number: int, turn: Turn) -> str:
    if turn.contexts is None or turn.busy or (turn.answer and turn.answer.kind == "chat"):
        return ""
    notes = _notes(turn.answer) if turn.answer else ["Stopped before the end"] if turn.stopped else []
    target = f"sources-{number}"
    button = (
        f'<button type="button" class="show" data-goto="{target}" aria-controls="{target}">'
        f"{_many(len(turn.contexts), 'source')}</button>"
    )
    return (
        f'<footer class="foot">{button}{"".join(f"<span>{escape(note)}</span>" for note in notes)}</footer>'
    )


def _notes(answer: Answer) -> list[str]:
    """Return what a careful reader wants to know of an answer: gaps first, then seconds."""
    if answer.kind == "collection":
        return [f"from the index, {answer.timings.total_s:.1f} s"]
    bare = 0 if answer.refused else sum(not sentence.citations for sentence in answer.sentences)
    notes = [f"{_many(bare, 'sentence')} without a source"] if bare else []
    weak = sum(sentence.support == "weak" and bool(sentence.citations) for sentence in answer.sentences)
    if weak:
        notes.append(f"{_many(weak, 'sentence')} only weakly supported")
    if answer.dropped_sentences:
        notes.append(f"{_many(answer.dropped_sentences, 'sentence')} left out: no abstract supports it")
    if answer.unknown_markers:
        notes.append(f"{_many(answer.unknown_markers, 'marker')} named no source and left out")
    times = answer.timings
    return [*notes, f"first word {times.first_token_s:.1f} s", f"complete {times.total_s:.1f} s"]


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
