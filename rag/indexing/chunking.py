"""Cut papers into chunks at sentence boundaries, keeping offsets into the paper's text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rag.schema import Chunk, Paper
from rag.text.sentences import split_sentences


def chunk_paper(paper: Paper, *, max_tokens: int, count_tokens: Callable[[str], int]) -> list[Chunk]:
    """Cut one paper into chunks of at most `max_tokens` tokens, each a run of whole sentences.

    A sentence longer than `max_tokens` is cut where the limit falls, at white space when there is some.
    `paper.text[chunk.start:chunk.end] == chunk.text` holds for every chunk, and the chunks are in order,
    do not overlap and leave out nothing but white space.
    """
    pieces = [
        piece
        for start, end in split_sentences(paper.text)
        for piece in _fit(paper.text, start, end, max_tokens, count_tokens)
    ]
    return [
        Chunk(
            chunk_id=f"{paper.paper_id}-{number}",
            paper_id=paper.paper_id,
            text=paper.text[start:end],
            start=start,
            end=end,
            language=paper.language,
        )
        for number, (start, end) in enumerate(_join(paper.text, pieces, max_tokens, count_tokens))
    ]


def _fit(
    text: str, start: int, end: int, max_tokens: int, count_tokens: Callable[[str], int]
) -> Iterator[tuple[int, int]]:
    """Halve a too long sentence until each part fits."""
    if end - start <= 1 or count_tokens(text[start:end]) <= max_tokens:
        yield start, end
        return
    middle = (start + end) // 2
    space = text.rfind(" ", start + 1, middle)
    cut = space if space > start + (end - start) // 4 else middle
    for left, right in ((start, cut), (cut, end)):
        piece = text[left:right]
        stripped = piece.strip()
        if stripped:
            offset = left + len(piece) - len(piece.lstrip())
            yield from _fit(text, offset, offset + len(stripped), max_tokens, count_tokens)


def _join(
    text: str, pieces: Sequence[tuple[int, int]], max_tokens: int, count_tokens: Callable[[str], int]
) -> list[tuple[int, int]]:
    """Join neighbouring sentences as long as they fit together, keeping the parts of about equal length."""
    if not pieces:
        return []
    if count_tokens(text[pieces[0][0] : pieces[-1][1]]) <= max_tokens:
        return [(pieces[0][0], pieces[-1][1])]
    if len(pieces) == 1:
        return list(pieces)
    middle = (pieces[0][0] + pieces[-1][1]) / 2
    split = min(range(1, len(pieces)), key=lambda i: abs(pieces[i][0] - middle))
    return _join(text, pieces[:split], max_tokens, count_tokens) + _join(
        text, pieces[split:], max_tokens, count_tokens
    )
