"""What an exported answer says beside its text: its references, the words quoted, and what to be wary of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rag.export.references import heading, one_line
from rag.schema import Answer, Citation, Language, Paper
from rag.text.language import detect_language

WORDS: dict[str, dict[Language, str]] = {
    "references": {"en": "References", "zh": "参考文献"},
    "closest": {"en": "Closest abstracts, which do not answer", "zh": "最接近但未回答问题的摘要"},
    "weak": {"en": "Weakly supported: “{}”", "zh": "证据较弱：“{}”"},
    "read_as": {"en": "Read as: {}", "zh": "理解为：{}"},
    "dropped": {
        "en": "Sentences left out because no abstract supports them: {}",
        "zh": "因没有摘要支持而略去的句子：{}",
    },
    "unanswered": {"en": "There is no answer to this question.", "zh": "这个问题没有回答。"},
    "others": {"en": "et al.", "zh": "等"},
    "paper": {"en": "Paper", "zh": "论文"},
    "authors": {"en": "Authors", "zh": "作者"},
    "year": {"en": "Year", "zh": "年份"},
    "venue": {"en": "Venue", "zh": "出处"},
    "link": {"en": "Link", "zh": "链接"},
    "says": {"en": "What it says", "zh": "说了什么"},
    "quoted": {"en": "Words behind it", "zh": "原文依据"},
}
_AUTHORS_SHOWN = 3  # names; the others are "et al."


@dataclass(frozen=True, slots=True)
class Entry:
    """One abstract of an answer as its list of references shows it; texts are one line.

    `number` is None for an abstract that is not cited. `link` is "" or an address of the web.
    """

    number: int | None
    title: str
    byline: str
    link: str
    quotes: tuple[str, ...]
    language: Language


def entries(answer: Answer) -> list[Entry]:
    """Return the cited abstracts in order; those nearest to the question if the answer is a refusal."""
    if answer.refused:
        cited = [Citation.of(0, context.paper, 0, 0) for context in answer.contexts]
    else:
        cited = sorted(answer.citations, key=lambda citation: citation.number)
    return [
        Entry(
            citation.number or None,
            heading(citation.title, citation.text),
            byline(citation),
            link(citation),
            quotes(answer, citation),
            detect_language(citation.text),
        )
        for citation in cited
    ]


def quotes(answer: Answer, citation: Citation) -> tuple[str, ...]:
    """Return the words of an abstract that the sentences rest on, in its order."""
    spans = {
        (evidence.start, evidence.quote)
        for sentence in answer.sentences
        for evidence in sentence.evidence
        if evidence.number == citation.number
    }
    found = [one_line(quote) for _, quote in sorted(spans)] or [one_line(citation.quote)]
    return tuple(dict.fromkeys(filter(None, found)))


def cited_papers(answers: Iterable[Answer]) -> list[Paper]:
    """Return the cited papers, each once, in the order of first mention."""
    papers: dict[str, Paper] = {}
    for answer in answers:
        known = {context.paper.paper_id: context.paper for context in answer.contexts}
        for citation in sorted(answer.citations, key=lambda citation: citation.number):
            papers.setdefault(citation.paper_id, known.get(citation.paper_id) or _paper(citation))
    return list(papers.values())


def warnings(answer: Answer) -> list[str]:
    """Return what a careful reader wants to know: weak sentences, and how many were left out."""
    weak = [s.text for s in answer.sentences if s.support == "weak" and s.citations]
    lines = [say("weak", answer.language, one_line(text)) for text in weak]
    dropped = answer.dropped_sentences
    return lines + ([say("dropped", answer.language, str(dropped))] if dropped else [])


def say(name: str, language: Language, *values: str) -> str:
    """Return one of our phrases in a language."""
    return WORDS[name][language].format(*values)


def byline(paper: Paper | Citation) -> str:
    """Return authors, venue and year as far as they are known, on one line."""
    names = [one_line(name) for name in paper.authors[:_AUTHORS_SHOWN]]
    if len(paper.authors) > len(names):
        names.append(say("others", "en" if paper.authors[0].isascii() else "zh"))
    parts = ("; ".join(names), one_line(paper.venue), str(paper.year or ""))
    return ". ".join(part.rstrip(".") for part in parts if part)


def link(paper: Paper | Citation) -> str:
    """Return the address of a paper: its DOI's, else its own if it is one of the web."""
    if paper.doi:
        return f"https://doi.org/{one_line(paper.doi)}"
    url = one_line(paper.url)
    return url if url.startswith(("http://", "https://")) and " " not in url else ""


def _paper(citation: Citation) -> Paper:
    """Return what a citation knows of its paper, which was not among those retrieved."""
    return Paper(
        citation.paper_id, citation.text, detect_language(citation.text), citation.sources, citation.title,
        citation.authors, citation.year, citation.doi, citation.url, citation.venue,
    )  # fmt: skip
