"""What the page says of an answer: where it stands, and what a careful reader wants to know of it."""

from __future__ import annotations

from rag import Answer
from ui.chat import labels
from ui.chat.turn import Turn
from ui.words import Label


def status_of(turn: Turn) -> Label:
    """Return where a turn stands in a few words, for the line that screen readers hear."""
    if turn.stopped or (turn.error and turn.text):
        return labels.STATUS_STOPPED
    if turn.error:
        return labels.STATUS_ERROR
    if turn.answer:
        return _ended(turn.answer)
    if turn.contexts is None:
        return labels.STATUS_SEARCHING
    return labels.STATUS_FOUND.of(len(turn.contexts))


def _ended(answer: Answer) -> Label:
    if answer.kind == "chat" or (answer.kind == "collection" and not answer.citations):
        return labels.STATUS_ANSWERED
    if answer.kind == "collection":
        return labels.STATUS_LISTED.of(len(answer.citations))
    return labels.STATUS_REFUSED if answer.refused else labels.STATUS_CITED.of(len(answer.citations))


def notes(answer: Answer) -> list[Label]:
    """Return what a careful reader wants to know of an answer: gaps first, then seconds."""
    total = f"{answer.timings.total_s:.1f}"
    if answer.kind == "collection":
        return [labels.FROM_INDEX.of(seconds=total)]
    bare = 0 if answer.refused else sum(not sentence.citations for sentence in answer.sentences)
    weak = sum(sentence.support == "weak" and bool(sentence.citations) for sentence in answer.sentences)
    gaps = (
        (labels.BARE, bare),
        (labels.WEAK_COUNT, weak),
        (labels.DROPPED, answer.dropped_sentences),
        (labels.UNKNOWN, answer.unknown_markers),
    )
    first = f"{answer.timings.first_token_s:.1f}"
    seconds = [labels.FIRST_WORD.of(seconds=first), labels.COMPLETE.of(seconds=total)]
    return [label.of(count) for label, count in gaps if count] + seconds
