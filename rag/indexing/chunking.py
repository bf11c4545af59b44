"""Cut papers into chunks at sentence boundaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rag.schema import Chunk, Paper
from rag.text.sentences import split_sentences, strip_span

_Span = tuple[int, int]
_Fits = Callable[[int, int], bool]


def chunk_paper(paper: Paper, *, max_tokens: int, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """Cut one paper into chunks of at most `max_tokens` tokens, each a run of whole sentences.

    A longer sentence is halved, at white space if possible, until each part fits. Chunks are in order, do not
    overlap and omit only white space; `paper.text[chunk.start:chunk.end] == chunk.text`.
    """

    def fits(start: int, end: int) -> bool:
        return count_tokens(paper.text[start:end]) <= max_tokens

    pieces = [piece for span in split_sentences(paper.text) for piece in _cut(paper.text, *span, fits)]
    return [
        Chunk(
            chunk_id=f"{paper.paper_id}-{number}",
            paper_id=paper.paper_id,
            text=paper.text[start:end],
            start=start,
            end=end,
            language=paper.language,
        )
        for number, (start, end) in enumerate(_join(pieces, fits))
    ]


def _cut(text: str, start: int, end: int, fits: _Fits) -> Iterator[_Span]:
    if end - start <= 1 or fits(start, end):
        yield start, end
        return
    middle = (start + end) // 2
    space = text.rfind(" ", start + 1, middle)
    cut = space if space > start + (end - start) // 4 else middle
    for left, right in (strip_span(text, start, cut), strip_span(text, cut, end)):
        if left < right:
            yield from _cut(text, left, right, fits)


def _join(pieces: Sequence[_Span], fits: _Fits) -> list[_Span]:
    """Join neighbouring sentences that fit together into parts of about equal length."""
    if not pieces:
        return []
    start, end = pieces[0][0], pieces[-1][1]
    if len(pieces) == 1 or fits(start, end):
        return [(start, end)]
    middle = (start + end) / 2
    split = min(range(1, len(pieces)), key=lambda i: abs(pieces[i][0] - middle))
    return _join(pieces[:split], fits) + _join(pieces[split:], fits)
