"""An answer or a conversation as Markdown; nothing that an abstract or a model writes becomes markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.export.cited import Entry, entries, say, warnings
from rag.export.references import one_line
from rag.schema import Answer

# What begins emphasis, code, a link, an image, HTML, an entity or a deletion anywhere in a line. Formulas
# stay as they are where CommonMark allows it: "_" after a letter begins nothing, nor does "\" before one.
_INLINE = re.compile(r"[`*\[\]<>~|]|(?<![^\W_])_|&(?=#?\w+;)|\\(?=[!-/:-@\[-`{-~]|$)")
# What makes a line a heading, a list or a rule when it stands first.
_FIRST = re.compile(r"^(?:(\d{1,9})(?=[.)])|(?=[#+=-]))")
_MARKER = re.compile(r"\\\[(\d{1,4})\\\](?![(:])")
_UNSAFE_IN_LINK = re.compile(r"[<>\\\s]")


def markdown_answer(answer: Answer) -> str:
    """Return one answer under its question."""
    return "\n\n".join([f"# {escaped(answer.question)}", *_body(answer, "##")]) + "\n"


def markdown_conversation(title: str, turns: Sequence[tuple[str, Answer | None]]) -> str:
    """Return every question with its answer and references, oldest first."""
    parts = [f"# {escaped(title)}"]
    for number, (question, answer) in enumerate(turns, 1):
        parts.append(f"## {number}. {escaped(question)}")
        parts += _body(answer, "###") if answer else [f"*{say('unanswered', 'en')}*"]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return `text` on one line, such that Markdown shows it as it is."""
    text = _INLINE.sub(r"\\\g<0>", one_line(text))
    return _FIRST.sub(r"\g<1>\\", text)


def _body(answer: Answer, level: str) -> list[str]:
    parts = []
    if answer.standalone_question:
        parts.append(f"*{escaped(say('read_as', answer.language, answer.standalone_question))}*")
    parts += [_MARKER.sub(r"[\1]", escaped(line)) for line in answer.answer.splitlines() if line.strip()]
    listed = [] if answer.kind == "chat" else entries(answer)
    if listed:
        head = say("closest" if answer.refused else "references", answer.language)
        parts += [f"{level} {head}", *map(_entry, listed)]
    return parts + [f"*{escaped(line)}*" for line in warnings(answer)]


def _entry(entry: Entry) -> str:
    label = f"[{entry.number}] " if entry.number else ""
    link = f"<{_UNSAFE_IN_LINK.sub('', entry.link)}>" if entry.link else ""
    title = f"**{escaped(entry.title)}**"
    line = f"- {label}" + " · ".join(filter(None, (title, escaped(entry.byline), link)))
    return "\n".join([line, *(f"\n  > {escaped(quote)}" for quote in entry.quotes)])
