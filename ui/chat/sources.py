"""Sources to HTML, pure: a card for each retrieved abstract, the cited ones first, all of it escaped."""

from __future__ import annotations

from collections.abc import Sequence

from rag import Citation, ScoredChunk, Source
from ui.chat import labels
from ui.chat.paper import byline, files_of, title_line
from ui.chat.turn import Turn
from ui.conversations.fates import Fates
from ui.text.clip import clipped
from ui.text.typeset import plain, typeset
from ui.words import Label

_ABOUT_CHARS = 160  # of the question above its sources


def sources_html(turns: Sequence[Turn], number: int | None = None, fates: Fates | None = None) -> str:
    """Return the sources of one turn, counted from 1 (default: the last).

    `fates` says of abstracts what became of them since.
    """
    if not turns:
        return (
            f'<div class="empty"><h2>{labels.SOURCES.html()}</h2><p>{labels.SOURCES_EMPTY.html()}</p></div>'
        )
    number = number or len(turns)
    turn = turns[number - 1]
    about = clipped(turn.question, _ABOUT_CHARS)
    return (
        f'<section class="shelf" id="sources-{number}" tabindex="-1" '
        f'aria-labelledby="name-{number} about-{number}">'
        f'<h2 id="name-{number}">{labels.SOURCES.html()}</h2>'
        f'<p class="about" id="about-{number}"><span '
        f'class="sr">{labels.ABOUT.html()}</span>{plain(about)}</p>'
        f"{_groups(number, turn, fates or {})}</section>"
    )


def _groups(number: int, turn: Turn, fates: Fates) -> str:
    if turn.contexts is None:
        return _waiting_html() if turn.busy else ""
    cited = {citation.paper_id: citation for citation in turn.citations}
    named = [(context, cited.get(context.paper.paper_id)) for context in turn.contexts]
    cards = [
        (context, citation, _evidence(turn, context, citation), fates.get(context.paper.paper_id))
        for context, citation in named
    ]
    if turn.busy or turn.stopped or turn.error:
        found = [_card(number, *card, place=i, marking=True) for i, card in enumerate(cards)]
        return _list(labels.RETRIEVED, found)
    places = {context.paper.paper_id: i for i, (context, *_) in enumerate(cards)}
    first = sorted((c for c in cards if c[1]), key=lambda c: c[1].number if c[1] else 0)
    rest = [card for card in cards if not card[1]]
    if turn.answer is not None and turn.answer.kind == "chat":
        return f'<p class="none">{labels.NONE_NEEDED.html()}</p>'
    refused = turn.answer is not None and turn.answer.refused
    listed = turn.answer is not None and turn.answer.kind == "collection"
    words = labels.ALSO_RETRIEVED if first else labels.NONE_CITED
    words = labels.CLOSEST if listed else words
    words = labels.NOT_ANSWERING if refused else words
    return _list(
        labels.LISTED if listed else labels.CITED,
        [_card(number, *c, place=places[c[0].paper.paper_id]) for c in first],
    ) + _list(words, [_card(number, *c, place=places[c[0].paper.paper_id]) for c in rest])


def _waiting_html() -> str:
    words = labels.SEARCHING_SOURCES.html()
    return f'<p class="waiting">{words}<span class="dots" aria-hidden="true"></span></p>'


def _list(label: Label, cards: Sequence[str]) -> str:
    if not cards:
        return ""
    return f'<h3>{label.html()}</h3><ol class="cards">{"".join(cards)}</ol>'


def _evidence(turn: Turn, context: ScoredChunk, citation: Citation | None) -> list[tuple[int, int]]:
    """Return the spans that the answer's sentences rest on; of an abstract not cited, its key sentences."""
    if citation is None:
        return [(h.start, h.end) for h in turn.highlights if h.paper_id == context.paper.paper_id]
    found = {(e.start, e.end) for s in turn.sentences for e in s.evidence if e.number == citation.number}
    return sorted(found | {(citation.start, citation.end)})


def _card(
    turn: int,
    context: ScoredChunk,
    citation: Citation | None,
    spans: Sequence[tuple[int, int]] = (),
    fate: Label | None = None,
    *,
    place: int,
    marking: bool = False,
) -> str:
    paper = context.paper
    state = " cited" if citation else " key" if spans and marking else ""
    spans = spans or [(context.chunk.start, context.chunk.end)]
    key = f"{turn}-{citation.number}" if citation else f"{turn}-r{place}"
    # A record without a title is headed by its first words: quoting them again below would say them twice.
    quoted = citation is not None or paper.title is not None or spans[0][0] > 0
    passage = f'<blockquote lang="{paper.language}">{_excerpts(paper.text, spans)}</blockquote>'
    named = f'<span class="sr">{labels.BADGE.html()}</span>'
    became = f'<p class="fate">{fate.html()}</p>' if fate else ""
    badge = f'<span class="number">{named}{citation.number}</span>' if citation else ""
    title = typeset(title_line(paper))
    return (
        f'<li class="card{state}" id="source-{key}" tabindex="-1">'
        f'<h4 lang="{paper.language}">{badge}{title}</h4>'
        f'<div class="meta"><span>{labels.LANGUAGES[paper.language].html()}</span>{byline(paper)}'
        f"{_where(f'{turn}-{place}', paper.sources)}</div>"
        f"{became}"
        f"{passage if quoted else ''}"
        f'<details class="full" id="full-{turn}-{place}"><summary>{labels.WHOLE.html()}</summary>'
        f'<p lang="{paper.language}">{marked(paper.text, spans)}</p></details>'
        f'<a class="back" href="#turn-{turn}" data-goto="turn-{turn}">{labels.BACK.html()}</a></li>'
    )


def marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return `text` escaped, its `spans` (start, end; code points) in mark elements.

    Nothing is marked when a passage is the whole text: a mark on everything points at nothing.
    """
    if any(start <= 0 and end >= len(text) for start, end in spans):
        return typeset(text)
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end <= max(start, done):
            continue
        start = max(start, done)
        parts += [typeset(text[done:start]), f"<mark>{typeset(text[start:end])}</mark>"]
        done = end
    return "".join(parts) + typeset(text[done:])


def _excerpts(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return the `spans` of `text` (in order) escaped and marked, with … for what is left out."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    passages = [text[start:end].strip() for start, end in joined]
    if passages in ([text.strip()], [""]):
        return typeset(text.strip())
    before, after = ("… " if joined[0][0] > 0 else ""), (" …" if joined[-1][1] < len(text) else "")
    return before + " … ".join(f"<mark>{typeset(passage)}</mark>" for passage in passages) + after


def _where(key: str, sources: Sequence[Source]) -> str:
    count = files_of(sources)
    items = "".join(f"<li>{plain(s.file)}{labels.RECORD.of(s.position).html()}</li>" for s in sources)
    return (
        f'<details class="where" id="where-{key}"><summary>{labels.FILES.of(count).html()}</summary>'
        f"<ul>{items}</ul></details>"
    )
