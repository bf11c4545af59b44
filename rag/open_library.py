"""An open library: its settings, and what can be done without asking the language model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rag.adding import AddReport, add_papers, decide
from rag.answering.collection.listing import passes
from rag.answering.nearness import NEAR, is_near
from rag.asking.checks import check_count, check_page, check_sources, checked
from rag.asking.parts import Parts
from rag.browsing.details import work_details
from rag.browsing.examples import example_questions
from rag.browsing.facets import count_facets
from rag.browsing.listing import list_papers
from rag.browsing.paper_map import PaperMap, draw_map
from rag.browsing.records import Facets, Order, PaperPage, WorkDetails
from rag.browsing.shelf import narrow
from rag.browsing.written import Example, read_written, with_written
from rag.factory import describe, describe_nothing, leaving_notices
from rag.schema import LANGUAGES, Filters, Language, Paper, Progress, ScoredChunk
from rag.settings import Settings
from rag.text.language import detect_language

if TYPE_CHECKING:
    from llama_index.core.base.base_retriever import BaseRetriever


class OpenLibrary:
    """A library searched, browsed and added to, and its settings changed; `rag.RAG` can be asked too.

    Safe to use from several threads.
    """

    def __init__(self, parts: Parts) -> None:
        """Take the open index and its models; `close` closes them."""
        self._parts = parts
        self._map_made, self._templates_made = threading.Lock(), threading.Lock()
        self._map: tuple[str, PaperMap] | None = None
        self._templates: tuple[tuple[str, int], tuple[Example, ...]] | None = None

    def close(self) -> None:
        """Free the models and the index's files."""
        self._parts.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    @property
    def settings(self) -> Settings:
        """The settings in use; `use` changes them."""
        return self._parts.settings

    def use(self, **changes: Any) -> None:
        """Change settings for the questions from now on (`rag.settings.CHANGEABLE`), without a restart.

        Answers in progress end with the model that they began with, which is closed after the last of them.
        A new embedded model is loaded by the next question, or by `warm`.

        Raises:
            SettingsError, ModelError: a value cannot be used; then nothing is changed.
        """
        self._parts.in_use.use(changes)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask: no abstract, or with `missing_ok` no index."""
        return self._parts.is_empty

    @property
    def state(self) -> tuple[str, str]:
        """The generation of the index, "" without one, and the model: what is prepared is for both."""
        return self._parts.state

    def info(self) -> dict[str, Any]:
        """Return what the index holds, the models, their sizes, and where everything lies on disk."""
        if self._parts.is_missing:
            return describe_nothing(self.settings)
        with self._parts.index.reading() as store:
            return describe(self.settings, store.manifest)

    @property
    def notices(self) -> dict[Language, str]:
        """The sentences, in each language, that say which text leaves this machine, if any does."""
        llm = self._parts.in_use.llm
        if self._parts.is_missing:
            return leaving_notices(llm, self.settings.chroma_url)
        with self._parts.index.reading() as store:
            return leaving_notices(llm, store.manifest.chroma_url)

    @property
    def notice(self) -> str | None:
        """The sentences in English that say which text leaves this machine, None when none does."""
        return self.notices.get("en")

    def search(self, query: str, k: int = 10, filters: Filters | None = None) -> list[ScoredChunk]:
        """Return up to `k` papers that pass `filters`, best first, each with its best chunk.

        Raises:
            QuestionError: the query is empty or too long, `k` is out of range, or a filter names no source.
        """
        check_count(k)
        query = checked(query)
        if self.is_empty:
            return []
        with self._parts.index.reading() as store:
            check_sources(store, filters)
            return self._parts.retrieve(store, query, detect_language(query), k, narrow(store, filters))

    def is_near(self, query: str, results: Sequence[ScoredChunk]) -> bool:
        """Return whether any of the `results` of a search is near its query, or only the least far."""
        return is_near(query, results, NEAR.get(self._parts.embedding_model, self.settings.min_similarity))

    def as_retriever(
        self, similarity_top_k: int | None = None, filters: Filters | None = None
    ) -> BaseRetriever:
        """Return a LlamaIndex retriever of whole abstracts (None: `settings.top_k` of them).

        It works until this library is closed, and raises what `search` raises.
        """
        from rag.llama_index import AbstractRetriever

        k = self.settings.top_k if similarity_top_k is None else similarity_top_k
        return AbstractRetriever(lambda query: self.search(query, k, filters))

    def all_papers(self, filters: Filters | None = None) -> list[Paper]:
        """Return one text of each work that passes `filters`, in the order of reading.

        Raises:
            QuestionError: a filter names what is not there.
        """
        with self._parts.index.reading() as store:
            check_sources(store, filters)
            filters = narrow(store, filters) or Filters()
            files = set(store.catalog.source_names(filters.sources))
            works: dict[str, Paper] = {}
            for paper in store.catalog.papers():
                if passes(paper, filters, files):
                    works.setdefault(paper.work, paper)
        return list(works.values())

    def paper(self, paper_id: str) -> Paper | None:
        """Return an abstract by its id, also if it was folded into another since; None if it is gone."""
        if self.is_empty:
            return None
        with self._parts.index.reading() as store:
            return store.catalog.resolve(paper_id)

    def papers(
        self,
        query: str | None = None,
        filters: Filters | None = None,
        order: Order = "relevance",
        offset: int = 0,
        limit: int = 50,
    ) -> PaperPage:
        """Return the works from `offset` on that pass `filters` and hold the words of `query`.

        The order is "relevance" (without a query as "year"), "year" (the newest first), "title" or "added"
        (the last added first).

        Raises:
            QuestionError: `query` is too long, `limit` is out of range, or a filter names what is not there.
            ModelError: no text holds the words, and the model that finds the nearest is missing.
        """
        check_page(offset, limit)
        words = checked(query) if query and query.strip() else ""
        if self.is_empty:
            return PaperPage(0, ())
        with self._parts.index.reading() as store:
            check_sources(store, filters)

            def nearest(text: str, k: int, narrowed: Filters | None) -> list[ScoredChunk]:
                return self._parts.retrieve(store, text, detect_language(text), k, narrowed)

            return list_papers(store, words, filters, order, offset, limit, nearest)

    def facets(self, query: str | None = None, filters: Filters | None = None) -> Facets:
        """Return, for lists of filters, the values of each field with how many works have them.

        Raises:
            QuestionError: a filter names what is not there.
        """
        if self.is_empty:
            return {}
        with self._parts.index.reading() as store:
            check_sources(store, filters)
            return count_facets(store, (query or "").strip(), filters)

    def work(self, paper_id: str) -> WorkDetails | None:
        """Return the work of an abstract, with all that was folded into it; None if it is gone."""
        if self.is_empty:
            return None
        with self._parts.index.reading() as store:
            return work_details(store, paper_id)

    def map(self) -> PaperMap:
        """Return the map of the library, made once for each state of the index: seconds for 10,000 works."""
        if self.is_empty:
            return PaperMap((), ())
        with self._parts.index.reading() as store, self._map_made:
            if self._map is None or self._map[0] != store.manifest.generation:
                self._map = store.manifest.generation, draw_map(store)
            return self._map[1]

    def examples(self, count: int = 6) -> tuple[Example, ...]:
        """Return up to `count` questions that this library answers, each in both languages.

        First come those of `RAG.write_examples`: of an example's two, each is another question. The others
        are made from the records by templates.
        """
        if self.is_empty:
            return ()
        with self._parts.index.reading() as store, self._templates_made:
            generation = store.manifest.generation
            model, resolve = self._parts.in_use.llm.name, store.catalog.resolve
            written = read_written(self.settings.index, generation, model, resolve)
            missing = count - min(len(written.of(language)) for language in LANGUAGES)
            if self._templates is None or self._templates[0] != (generation, missing):
                self._templates = (generation, missing), example_questions(store, missing)
            return with_written(written, self._templates[1], count)

    def add(
        self,
        paths: Sequence[Path | str],
        progress: Progress = lambda stage, done, total: None,
        stop: threading.Event | None = None,
    ) -> AddReport:
        """Add the abstracts in files and folders, while questions are answered; begin an index if need be.

        Raises:
            UserError: `stop` was set, or a path does not exist or holds no abstract.
            IndexMismatchError, IndexBusyError, LibraryIndexError, ModelError: it cannot be added to.
        """
        return add_papers([Path(path) for path in paths], self.settings, self._parts.embedder, progress, stop)

    def decide(self, first: str, second: str, *, one_work: bool) -> None:
        """Make two records, named by their ids, one work or two, whatever their texts say.

        Raises:
            UserError: both ids name the same text.
            IndexBusyError, LibraryIndexError, ModelError: it cannot be changed.
        """
        decide(first, second, self.settings, self._parts.embedder, one_work=one_work)
