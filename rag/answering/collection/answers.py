"""Answer questions about the collection from the index: counts, files, topics, lists of papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from rag.answering.collection.exemplars import exemplars
from rag.answering.collection.listing import (
    LISTED,
    CollectionAnswer,
    listed,
    passes,
    put_together,
    title_of,
)
from rag.answering.collection.replies import CHAT, NAMES, format_message
from rag.answering.collection.topic import Embed, filter_by_topic, first_sentence
from rag.answering.fields.library import library_of
from rag.answering.retrieval import one_text_each
from rag.answering.router import Intent
from rag.schema import LANGUAGES, Chunk, Citation, Filters, Language, Paper, ScoredChunk, Sentence
from rag.store.index import Store

# Cosine from which a paper without the words of a topic, in its language or the other one, is listed as
# possibly on it; higher lists fewer. tuned by benchmarks/topics.py; see docs/decisions.md#topic-cuts
NEAR_OWN, NEAR_OTHER = 0.36, 0.28
# Papers listed that hold not all words of a topic but are near it in meaning; more are rarely right.
POSSIBLE = 10
# Exemplars shown for a collection.
CENTRAL = 6
# Chunks compared to find exemplars; higher is slower (time and memory grow with the square).
_COMPARED = 1500


def answer_about_collection(
    intent: Intent, store: Store, embed: Embed, filters: Filters | None = None
) -> CollectionAnswer | None:
    """Answer from the papers of `store` that pass `filters`; None if the language model has to answer."""
    if intent.chat:
        return put_together([CHAT[intent.chat][intent.language]])
    library = _Collection(store, intent.language, filters or Filters())
    if intent.about is not None:
        return library.on_topic(intent, embed)
    replies: dict[str | None, Callable[[Intent], CollectionAnswer]] = {
        "count": library.count, "files": library.files, "about": library.central, "list": library.papers,
    }  # fmt: skip
    return replies[intent.ask](intent) if intent.ask in replies else None


class _Collection:
    """The papers of one index that pass the filters, described in one language."""

    def __init__(self, store: Store, language: Language, filters: Filters) -> None:
        self._store = store
        self._language = language
        self._filters = filters

    def count(self, intent: Intent) -> CollectionAnswer:
        counts = self._counts()
        if not counts.total():
            return put_together([self._say("nothing")])
        if intent.written:
            name = NAMES[self._language][intent.written]
            return put_together(
                [self._say("written", n=counts[intent.written], total=counts.total(), language=name)]
            )
        return put_together(self._count_sentences(counts))

    def files(self, intent: Intent) -> CollectionAnswer:
        names = sorted({source.file for paper in self._passing() for source in paper.sources})
        if not names:
            return put_together([self._say("nothing")])
        line = self._say("files", n=len(names), names=", ".join(names[:LISTED]))
        return put_together([line], more=self._more(len(names)))

    def central(self, intent: Intent) -> CollectionAnswer:
        passing = {paper.paper_id for paper in self._one_text_each(self._passing())}
        rows = [row for row in self._store.catalog.chunk_ids() if row[1] in passing]
        if not rows:
            return put_together([self._say("nothing")])
        # Compare the first chunk of each paper, or an even sample if there are too many.
        first = _first_chunks(rows)
        step = -(-len(first) // _COMPARED)
        sample = first[::step]
        ids, vectors = self._store.aligned(sample)
        chosen = exemplars(vectors, CENTRAL)
        notes = [f" ({size * step})" if step == 1 else f" (≈{size * step})" for _, size in chosen]
        found = self._scored([ids[row] for row, _ in chosen])
        head = [*self._count_sentences(self._counts()), self._say("about")]
        return self._listing(head, found, notes=notes)

    def papers(self, intent: Intent) -> CollectionAnswer:
        passing = [paper for paper in self._passing() if intent.written in (None, paper.language)]
        papers = self._one_text_each(passing)
        name = NAMES[self._language][intent.written] if intent.written else ""
        if not papers:
            return put_together([self._say("nothing")])
        head = self._say("list_written" if intent.written else "list", n=len(papers), language=name)
        wanted = {paper.paper_id for paper in papers[: intent.limit or LISTED]}
        rows = [row for row in self._store.catalog.chunk_ids() if row[1] in wanted]
        return self._listing([head], self._scored(_first_chunks(rows)), total=len(papers))

    def on_topic(self, intent: Intent, embed: Embed) -> CollectionAnswer | None:
        """List the papers that hold the words of a topic, which can be counted, apart from those near it."""
        topic = intent.about or ""
        filters = replace(self._filters, language=intent.written) if intent.written else self._filters
        found, closest = filter_by_topic(self._store, topic, embed, self._language, filters)
        found = one_text_each(found, self._language)
        if intent.ask == "origin":
            return self._origin(found[0]) if found else None
        if not found:
            return put_together([self._say("none", topic=topic)], contexts=tuple(closest))
        works = library_of(self._store).number_of
        named = {works[paper_id] for paper_id in self._store.catalog.papers_with(topic, filters)}
        sure = [hit for hit in found if works[hit.paper.paper_id] in named]
        possible = [hit for hit in found if hit not in sure and is_near(hit, self._language)]
        sure = sure[: min(intent.limit or LISTED, LISTED)]
        possible = possible[: min((intent.limit or LISTED) - len(sure), POSSIBLE)]
        if not sure and not possible:
            return put_together([self._say("none", topic=topic)], contexts=tuple(closest))
        head = [self._say("named", n=len(named), topic=topic)] if sure else []
        return self._listing(head, sure, total=len(named), topic=topic, possible=possible)

    def _origin(self, hit: ScoredChunk) -> CollectionAnswer:
        places = [self._say("place", file=s.file, position=s.position) for s in hit.paper.sources]
        start, end = first_sentence(hit.paper, "")
        title = title_of(hit.paper, start, end)
        joint = ", " if self._language == "en" else "、"
        line = self._say("origin", title=title, names=joint.join(places))
        cited = Citation.of(1, hit.paper, start, end)
        return put_together([], [listed(line, cited)], [cited], (hit,))

    def _listing(
        self,
        head: Sequence[str],
        found: Sequence[ScoredChunk],
        *,
        total: int | None = None,
        topic: str = "",
        notes: Sequence[str] = (),
        possible: Sequence[ScoredChunk] = (),
    ) -> CollectionAnswer:
        items: list[Sentence] = []
        citations: list[Citation] = []
        for number, hit in enumerate([*found, *possible], 1):
            paper = hit.paper
            start, end = first_sentence(paper, topic)
            note = notes[number - 1] if notes else ""
            title = title_of(paper, start, end)
            citations.append(Citation.of(number, paper, start, end))
            items.append(listed(f"{title}{note}", citations[-1]))
        more = self._more(len(found) if total is None else total, len(found))
        then = items[len(found) :]
        if then:
            name = "possible" if found else "only possible"
            then.insert(0, Sentence(self._say(name, topic=topic), (), "supported", 1.0))
        return put_together(head, items[: len(found)], citations, (*found, *possible), more, then)

    def _count_sentences(self, counts: Counter[Language]) -> list[str]:
        english = self._language == "en"
        present = [(NAMES[self._language][la], n) for la, n in counts.items() if n]
        parts = [f"{n:,} in {name}" if english else f"{name}{n}篇" for name, n in present]
        listed = f" ({', '.join(parts)})" if english else f"（{'，'.join(parts)}）"
        manifest = self._store.manifest
        works = len({paper.work for paper in self._passing()}) if self._filters else manifest.works
        lines = [self._say("count", n=works, languages=listed)]
        if not self._filters:
            files = self._store.catalog.file_count()
            repeats = manifest.records - manifest.works
            lines.append(self._say("read", n=files, records=manifest.records, files=files, repeats=repeats))
        return lines

    def _more(self, total: int, shown: int = LISTED) -> str:
        return self._say("more", n=total - shown) if total > shown else ""

    def _counts(self) -> Counter[Language]:
        if not self._filters:
            languages = self._store.manifest.languages
            return Counter({la: languages.get(la, 0) for la in LANGUAGES})
        return Counter(paper.language for paper in self._passing())

    def _say(self, name: str, **values: object) -> str:
        return format_message(name, self._language, **values)

    def _one_text_each(self, papers: Sequence[Paper]) -> list[Paper]:
        """Return one text of each work, in the language of the question where it has one."""
        works: dict[str, Paper] = {}
        for paper in papers:
            if paper.work not in works or paper.language == self._language:
                works[paper.work] = paper
        return list(works.values())

    def _passing(self) -> list[Paper]:
        """Return the papers that pass the filters, in index order."""
        filters, papers = self._filters, self._store.catalog.papers()
        files = set(self._store.catalog.source_names(filters.sources))
        return [paper for paper in papers if passes(paper, filters, files)]

    def _scored(self, chunk_ids: Sequence[str]) -> list[ScoredChunk]:
        found: dict[str, tuple[Paper, Chunk]] = self._store.chunks(list(chunk_ids))
        return [ScoredChunk(*found[chunk_id], 0.0) for chunk_id in chunk_ids if chunk_id in found]


def is_near(hit: ScoredChunk, language: Language) -> bool:
    """Return whether a paper is near enough to a topic asked in `language` to be listed without its words."""
    return (hit.dense or 0.0) >= (NEAR_OWN if hit.paper.language == language else NEAR_OTHER)


def _first_chunks(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return the first chunk_id of each paper of (chunk_id, paper_id) rows, in order."""
    chunks: dict[str, str] = {}
    for chunk_id, paper_id in rows:
        chunks.setdefault(paper_id, chunk_id)
    return list(chunks.values())
