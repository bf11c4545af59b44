"""Papers and answers that the tests of the export write and read back."""

from __future__ import annotations

from typing import Any

from rag.schema import Answer, Chunk, Citation, Evidence, Paper, ScoredChunk, Sentence, Source, Timings

LAMPS = Paper(
    "00aa11bb22cc33dd",
    "Amber lamps calm otters. Sleep grew by 12% at $\\alpha_{1} = 0.3$. It cost $5 or 6 a night.",
    "en",
    (Source("lamps.ris", 1),),
    title="Amber Lamps & DNA: X-ray studies of $L_{2}$ sleep",
    authors=("Ash, Jane", "Ludwig van Birch", "Cedar JA", "The River Otter Team"),
    year=2021,
    doi="10.5555/lamp_1",
    url="https://example.org/lamps?a=1;b=2",
    venue="Journal of R&D",
    keywords=("otters", "light & sleep"),
    pmid="4711",
)
SNOW = Paper(
    "11aa11bb22cc33dd", "本文研究雪灯。误差为2.5厘米。", "zh", (Source("snow.txt", 3),),
    title="雪灯研究", authors=("沈青", "欧阳雪"), year=2022, venue="第三届灯具会议论文集",
)  # fmt: skip
BARE = Paper(
    "22aa11bb22cc33dd", "A lamp without a record.", "en", (Source("x.txt", 1),), arxiv_id="2101.00001"
)


def found(paper: Paper) -> ScoredChunk:
    """Return a paper as retrieval finds it."""
    chunk = Chunk(f"{paper.paper_id}-0", paper.paper_id, paper.text, 0, len(paper.text), paper.language)
    return ScoredChunk(paper, chunk, 1.0)


def cite(number: int, paper: Paper, quote: str) -> Citation:
    """Return a citation of `quote`."""
    start = paper.text.index(quote)
    return Citation.of(number, paper, start, start + len(quote))


def answered(
    text: str = "Lamps calm otters [1]. The error was 2.5 cm [2].",
    question: str = "What do lamps do?",
    **fields: Any,
) -> Answer:
    """Return an answer of two sentences on two papers."""
    first, second = cite(1, LAMPS, "Amber lamps calm otters."), cite(2, SNOW, "误差为2.5厘米。")
    words = [Evidence(c.number, c.start, c.end, c.quote) for c in (first, second)]
    sentences = (
        Sentence("Lamps calm otters.", (1,), "supported", 0.9, (words[0],)),
        Sentence("The error was 2.5 cm.", (2,), "weak", 0.4, (words[1],)),
    )
    given: dict[str, Any] = {
        "language": "en",
        "refused": False,
        "sentences": sentences,
        "citations": (first, second),
    }
    given |= {"contexts": (found(LAMPS), found(SNOW), found(BARE)), "dropped_sentences": 1} | fields
    return Answer(question=question, answer=text, unknown_markers=0, timings=Timings(0.1, 1.0, 2.0), **given)
