"""Answers about the collection itself, read from the index: counts, files, what it is about, lists of papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.answering.citing.citations import render_sentence
from rag.answering.collection.exemplars import central_rows
from rag.answering.collection.replies import CHAT, NAMES, say
from rag.answering.collection.topic import Embed, find_on_topic, first_sentence
from rag.answering.router import Talk
from rag.schema import LANGUAGES, Chunk, Citation, Evidence, Filters, Language, Paper, ScoredChunk, Sentence
from rag.store.index import Store

# A page of a list; the rest is counted.
LISTED = 20
# Papers that stand for a collection, and how many of its chunks are compared for it (0.1 s).
CENTRAL = 6
_COMPARED = 1500
_ITEM_CHARS: dict[Language, int] = {"en": 160, "zh": 80}


@dataclass(frozen=True, slots=True)
class Told:
    """A finished reply: `text` is its sentences, one a line, with markers; `contexts` the papers it lists."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...] = ()
    contexts: tuple[ScoredChunk, ...] = ()


def tell(talk: Talk, store: Store, embed: Embed, filters: Filters | None = None) -> Told | None:
    """Reply to `talk` from the papers of `store` that pass `filters`; None where the abstracts must be asked.

    `embed` gives the vector (1, d) of a question.
    """
    if talk.chat:
        return _told([CHAT[talk.chat][talk.language]])
    library = _Library(store, talk.language, filters or Filters())
    if talk.about is not None:
        return library.on_topic(talk, embed)
    replies: dict[str | None, Callable[[Talk], Told]] = {
        "count": library.count, "files": library.files, "about": library.central, "list": library.papers,
    }  # fmt: skip
    return replies[talk.ask](talk) if talk.ask in replies else None


class _Library:
    """The papers of one index that pass the filters, and what can be said of them in one language."""

    def __init__(self, store: Store, language: Language, filters: Filters) -> None:
        self._store = store
        self._language = language
        self._filters = filters

    def count(self, talk: Talk) -> Told:
        counts = self._counts()
        total = sum(counts.values())
        if not total:
            return _told([say("nothing", self._language)])
        if talk.written:
            name = NAMES[self._language][talk.written]
            return _told([say("written", self._language, n=counts[talk.written], total=total, language=name)])
        return _told(self._count_sentences(counts))

    def files(self, talk: Talk) -> Told:
        names = sorted({source.file for paper in self._passing() for source in paper.sources})
        if not names:
            return _told([say("nothing", self._language)])
        shown = ", ".join(names[:LISTED])
        lines = [say("files", self._language, n=len(names), names=shown)]
        return _told(lines, more=self._more(len(names)))

    def central(self, talk: Talk) -> Told:
        passing = {paper.paper_id for paper in self._passing()}
        rows = [row for row in self._store.catalog.chunk_ids() if row[1] in passing]
        if not rows:
            return _told([say("nothing", self._language)])
        # One chunk a paper, evenly spread over the order of reading where there are too many to compare.
        first = list({paper_id: chunk_id for chunk_id, paper_id in reversed(rows)}.values())[::-1]
        step = -(-len(first) // _COMPARED)
        sample = first[::step]
        ids, vectors = self._store.aligned(sample)
        chosen = central_rows(vectors, CENTRAL)
        notes = [f" ({size * step})" if step == 1 else f" (≈{size * step})" for _, size in chosen]
        found = self._scored([ids[row] for row, _ in chosen])
        head = [*self._count_sentences(self._counts()), say("about", self._language)]
        return self._listing(head, found, notes=notes)

    def papers(self, talk: Talk) -> Told:
        papers = [paper for paper in self._passing() if talk.written in (None, paper.language)]
        name = NAMES[self._language][talk.written] if talk.written else ""
        if not papers:
            return _told([say("nothing", self._language)])
        head = say("list_written" if talk.written else "list", self._language, n=len(papers), language=name)
        wanted = {paper.paper_id for paper in papers[: talk.limit or LISTED]}
        chunks: dict[str, str] = {}
        for chunk_id, paper_id in self._store.catalog.chunk_ids():
            if paper_id in wanted:
                chunks.setdefault(paper_id, chunk_id)
        return self._listing([head], self._scored(list(chunks.values())), total=len(papers))

    def on_topic(self, talk: Talk, embed: Embed) -> Told | None:
        topic = talk.about or ""
        found, closest = find_on_topic(self._store, topic, embed, self._language, self._filters)
        if talk.written:
            found = [hit for hit in found if hit.paper.language == talk.written]
        if talk.ask == "origin":
            return self._origin(found[0]) if found else None
        if not found:
            return _told([say("none", self._language, topic=topic)], contexts=tuple(closest))
        head = say("topic", self._language, n=len(found), topic=topic)
        shown = found[: min(talk.limit or LISTED, LISTED)]
        return self._listing([head], shown, total=len(found), topic=topic)

    def _origin(self, hit: ScoredChunk) -> Told:
        places = [
            say("place", self._language, file=source.file, position=source.position)
            for source in hit.paper.sources
        ]
        start, end = first_sentence(hit.paper, "")
        title = _clip(hit.paper.title or hit.paper.text[start:end], hit.paper.language)
        joint = ", " if self._language == "en" else "、"
        line = say("origin", self._language, title=title, names=joint.join(places))
        cited = Citation.of(1, hit.paper, start, end)
        return _told([], [_listed(line, cited)], [cited], (hit,))

    def _listing(
        self,
        head: Sequence[str],
        found: Sequence[ScoredChunk],
        *,
        total: int | None = None,
        topic: str = "",
        notes: Sequence[str] = (),
    ) -> Told:
        items: list[Sentence] = []
        citations: list[Citation] = []
        for number, hit in enumerate(found, 1):
            paper = hit.paper
            start, end = first_sentence(paper, topic)
            note = notes[number - 1] if notes else ""
            title = _clip(paper.title or paper.text[start:end], paper.language)
            citations.append(Citation.of(number, paper, start, end))
            items.append(_listed(f"{title}{note}", citations[-1]))
        more = self._more(len(found) if total is None else total, len(found))
        return _told(head, items, citations, tuple(found), more)

    def _count_sentences(self, counts: Counter[Language]) -> list[str]:
        total = sum(counts.values())
        english = self._language == "en"
        parts = [
            f"{n:,} in {NAMES['en'][la]}" if english else f"{NAMES['zh'][la]}{n}篇"
            for la, n in counts.items()
            if n
        ]
        spelt = f" ({', '.join(parts)})" if english else f"（{'，'.join(parts)}）"
        lines = [say("count", self._language, n=total, languages=spelt)]
        if not self._filters:
            manifest = self._store.manifest
            files = self._store.catalog.file_count()
            repeats = manifest.records - manifest.works
            lines.append(
                say("read", self._language, n=files, records=manifest.records, files=files, repeats=repeats)
            )
        return lines

    def _more(self, total: int, shown: int = LISTED) -> str:
        return say("more", self._language, n=total - shown) if total > shown else ""

    def _counts(self) -> Counter[Language]:
        if not self._filters:
            languages = self._store.manifest.languages
            return Counter({la: languages.get(la, 0) for la in LANGUAGES})
        return Counter(paper.language for paper in self._passing())

    def _passing(self) -> list[Paper]:
        """Return the papers that pass the filters, in the order of reading."""
        filters, papers = self._filters, self._store.catalog.papers()
        files = set(self._store.catalog.source_names(filters.sources)) if filters.sources else None
        return [paper for paper in papers if _passes(paper, filters, files)]

    def _scored(self, chunk_ids: Sequence[str]) -> list[ScoredChunk]:
        found: dict[str, tuple[Paper, Chunk]] = self._store.chunks(list(chunk_ids))
        return [ScoredChunk(*found[chunk_id], 0.0) for chunk_id in chunk_ids if chunk_id in found]


def _passes(paper: Paper, filters: Filters, files: set[str] | None) -> bool:
    year = paper.year
    dated = filters.year_from is not None or filters.year_to is not None
    return (
        (filters.language is None or paper.language == filters.language)
        and (files is None or any(source.file in files for source in paper.sources))
        and (
            not dated
            or (
                year is not None
                and (filters.year_from is None or year >= filters.year_from)
                and (filters.year_to is None or year <= filters.year_to)
            )
        )
    )


def _clip(text: str, language: Language) -> str:
    line, limit = " ".join(text.split()), _ITEM_CHARS[language]
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _listed(line: str, cited: Citation) -> Sentence:
    """Return a line of a list: the index itself says it, and its evidence is the quoted passage."""
    evidence = Evidence(cited.number, cited.start, cited.end, cited.quote)
    return Sentence(line, (cited.number,), "supported", 1.0, (evidence,))


def _told(
    head: Sequence[str],
    items: Sequence[Sentence] = (),
    citations: Sequence[Citation] = (),
    contexts: tuple[ScoredChunk, ...] = (),
    more: str = "",
) -> Told:
    tail = [Sentence(more, (), "supported", 1.0)] if more else []
    sentences = (*(Sentence(line, (), "supported", 1.0) for line in head), *items, *tail)
    bullets = ["• " if len(citations) > 1 and sentence.citations else "" for sentence in sentences]
    lines = [bullet + render_sentence(sentence) for bullet, sentence in zip(bullets, sentences, strict=True)]
    return Told("\n".join(lines), sentences, tuple(citations), contexts)
