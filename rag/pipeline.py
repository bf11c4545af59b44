"""The pipeline: the stages wired together; only this module and `rag.factory` see the settings."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from rag.adding import AddReport, add_papers, decide
from rag.answering.abstention import Abstention, abstention_for
from rag.answering.answerer import SEVERAL_ABSTRACTS, Answerer
from rag.answering.citing.attribution import SentenceVerifier
from rag.answering.citing.citations import NOTHING_SAID
from rag.answering.collection.answers import answer_about_collection
from rag.answering.collection.listing import passes
from rag.answering.context import ContextSentences
from rag.answering.empty_library import answer_about_nothing
from rag.answering.event_stream import EventStream
from rag.answering.generation.prefill import Prefill, prefill
from rag.answering.generation.prompts import REFUSALS
from rag.answering.generation.quotation import translate_quote
from rag.answering.generation.streaming import Generated, Shown
from rag.answering.highlights import embed_sentences, key_sentences
from rag.answering.nearness import NEAR, is_near
from rag.answering.query_context import QueryContext
from rag.answering.question import is_multi_document, needs_context
from rag.answering.reranking import RERANK_CANDIDATES, Reranker, rerank
from rag.answering.retrieval import query_vector, retrieve
from rag.answering.rewriting import standalone
from rag.answering.router import classify
from rag.answering.verification.verifier import verifier_for
from rag.browsing.details import work_details
from rag.browsing.examples import example_questions
from rag.browsing.facets import count_facets
from rag.browsing.listing import list_papers
from rag.browsing.paper_map import PaperMap, draw_map
from rag.browsing.records import Facets, Order, PaperPage, WorkDetails
from rag.browsing.shelf import narrow
from rag.embedding.base import Embedder, Vectors
from rag.embedding.recent import RecentPassages
from rag.errors import LLMError, ModelError, QuestionError
from rag.factory import (
    configured_embedder,
    configured_reranker,
    describe,
    describe_nothing,
    leaving_notices,
)
from rag.in_use import InUse
from rag.llm.base import LLM
from rag.llm.in_use import Lease
from rag.llm.size import reads_together
from rag.llm.stoppable import StoppableLLM, Turn
from rag.llm.trial import Trial
from rag.schema import (
    Answer,
    Citation,
    Filters,
    Highlight,
    History,
    Language,
    Paper,
    Progress,
    ProgressEvent,
    ScoredChunk,
    Sentence,
    SourcesEvent,
    StreamEvent,
    TextEvent,
    Timings,
)
from rag.settings import Settings, load_settings
from rag.store.index import Store
from rag.store.live_index import LiveIndex
from rag.store.manifest import has_index
from rag.text.cleaning import clean_text
from rag.text.language import detect_language

if TYPE_CHECKING:
    from llama_index.core.base.base_query_engine import BaseQueryEngine
    from llama_index.core.base.base_retriever import BaseRetriever

# A question is a sentence or a paragraph; a longer text would crowd the abstracts out of the prompt.
MAX_QUESTION_CHARS = 2000
MAX_RESULTS = 1000
# Seconds between two looks whether the model has loaded or the reader has left; lower notices sooner.
_LOOK_S = 0.05
# Its patterns take a second to compile: a search does without; `RAG.warm` loads it for the first question.
_FIELDS = "rag.answering.fields.answers"


class RAG:
    """A library of abstracts that can be searched and asked; safe to use from several threads.

    Use `RAG.open`; `close()`, or leaving a `with` block, frees models and files.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: Embedder | None = None,
        llm: LLM | None = None,
        reranker: Reranker | None = None,
        verifier: SentenceVerifier | None = None,
        abstention: Abstention | None = None,
        missing_ok: bool = False,
    ) -> None:
        """Open the index that `settings` names; what else is given replaces what is configured.

        With `missing_ok` a missing index is an empty library, until somebody builds one there.

        Raises:
            IndexMissingError, IndexMismatchError, LibraryIndexError: the index cannot be used.
        """
        self._in_use = InUse(settings, llm)
        self._missing_ok = missing_ok
        self._embedder = RecentPassages(embedder) if embedder else None
        self._reranker = reranker
        self._verifier = verifier
        self._abstention = abstention
        self._lock = threading.RLock()
        self._made_once = threading.Lock()
        self._map: tuple[str, PaperMap] | None = None
        self._examples: tuple[tuple[str, int], tuple[dict[Language, str], ...]] | None = None
        self._loaded_ahead: LLM | None = None
        self._warming: threading.Thread | None = None
        self._asked = 0
        self._prefilled: Prefill | None = None
        self._index = LiveIndex(
            settings.index, self._embedding_model, settings.chroma_url, missing_ok=missing_ok
        )

    @classmethod
    def open(cls, index: Path | str | None = None, *, missing_ok: bool = False, **arguments: Any) -> RAG:
        """Open the index in `index` (default: `RAG_INDEX`, else the user data directory).

        `arguments` are fields of `Settings` and win over the environment and the settings file. Models are
        loaded when they are first needed. With `missing_ok` a missing index is an empty library.

        Raises:
            SettingsError: an unknown or out-of-range setting.
            IndexMissingError, IndexMismatchError, LibraryIndexError: the index cannot be used.
        """
        settings = load_settings(index=Path(index) if index is not None else None, **arguments)
        return cls(settings, missing_ok=missing_ok)

    @overload
    def ask(
        self,
        question: str,
        history: History = (),
        stream: Literal[False] = False,
        filters: Filters | None = None,
        *,
        model: str | None = None,
        turn: Turn | None = None,
    ) -> Answer: ...

    @overload
    def ask(
        self,
        question: str,
        history: History = (),
        *,
        stream: Literal[True],
        filters: Filters | None = None,
        model: str | None = None,
        turn: Turn | None = None,
    ) -> EventStream: ...

    def ask(
        self,
        question: str,
        history: History = (),
        stream: bool = False,
        filters: Filters | None = None,
        *,
        model: str | None = None,
        turn: Turn | None = None,
    ) -> Answer | EventStream:
        """Answer one question in its language from the abstracts that pass `filters`, or refuse.

        With `stream=True` yield a `SourcesEvent`, then `TextEvent`s whose deltas make up `Answer.answer`,
        then the `Answer` itself; `ProgressEvent`s before and between say what is being done. Closing the
        stream, from any thread, stops the language model. `turn` is waited for before the model is asked,
        and given up at the end.

        `model` names another embedded model for this question alone: a default model that is here, or a GGUF
        file. It is loaded for it and closed after it.

        Raises:
            QuestionError: the question is empty or too long, or a filter names a source that is not there.
            LLMError: the language model cannot answer.
            ModelError: a model file is missing or wrong.
        """
        question = _checked(question)
        lease = self._in_use.lease(model)
        llm = StoppableLLM(lease.llm, turn)
        events = EventStream(self._events(lease, llm, question, history, filters), llm.stop)
        if stream:
            return events
        for event in events:
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream of events ends with an Answer")

    def search(self, query: str, k: int = 10, filters: Filters | None = None) -> list[ScoredChunk]:
        """Return up to `k` papers that pass `filters`, best first, each with its best chunk.

        Raises:
            QuestionError: the query is empty or too long, `k` is out of range, or a filter names no source.
        """
        if not 1 <= k <= MAX_RESULTS:
            raise QuestionError(f"The number of results must be from 1 to {MAX_RESULTS:,}, not {k}.")
        query = _checked(query)
        if self.is_empty:
            return []
        with self._index.reading() as store:
            _check_sources(store, filters)
            return self._retrieve(store, query, detect_language(query), k, narrow(store, filters))

    def is_near(self, query: str, results: Sequence[ScoredChunk]) -> bool:
        """Return whether any of the `results` of a search is near its query, or only the least far."""
        return is_near(query, results, NEAR.get(self._embedding_model, self.settings.min_similarity))

    def all_papers(self, filters: Filters | None = None) -> list[Paper]:
        """Return one text of each work that passes `filters`, in the order of reading.

        Raises:
            QuestionError: a filter names what is not there.
        """
        with self._index.reading() as store:
            _check_sources(store, filters)
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
        with self._index.reading() as store:
            return store.catalog.resolve(paper_id)

    def translate(self, text: str, to: Language, question: str = "") -> str | None:
        """Return quoted `text` in the language `to`, by the language model.

        The result is None if a number or a name gets lost.
        `question` is what was asked, in that language: it shows how terms are translated.

        Raises:
            LLMError: the language model cannot answer.
            ModelError: a model file is missing or wrong.
        """
        lease = self._in_use.lease()
        with self._lock:
            self._asked += 1
        try:
            return translate_quote(lease.llm, text, to, question)
        finally:
            lease.end()
            with self._lock:
                self._asked -= 1

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
        if not 1 <= limit <= MAX_RESULTS or offset < 0:
            raise QuestionError(f"A page has from 1 to {MAX_RESULTS:,} abstracts and starts at 0 or later.")
        words = _checked(query) if query and query.strip() else ""
        if self.is_empty:
            return PaperPage(0, ())
        with self._index.reading() as store:
            _check_sources(store, filters)

            def nearest(text: str, k: int, narrowed: Filters | None) -> list[ScoredChunk]:
                return self._retrieve(store, text, detect_language(text), k, narrowed)

            return list_papers(store, words, filters, order, offset, limit, nearest)

    def facets(self, query: str | None = None, filters: Filters | None = None) -> Facets:
        """Return, for lists of filters, the values of each field with how many works have them.

        Raises:
            QuestionError: a filter names what is not there.
        """
        if self.is_empty:
            return {}
        with self._index.reading() as store:
            _check_sources(store, filters)
            return count_facets(store, (query or "").strip(), filters)

    def work(self, paper_id: str) -> WorkDetails | None:
        """Return the work of an abstract, with all that was folded into it; None if it is gone."""
        if self.is_empty:
            return None
        with self._index.reading() as store:
            return work_details(store, paper_id)

    def map(self) -> PaperMap:
        """Return the map of the library, made once for each state of the index: seconds for 10,000 works."""
        if self.is_empty:
            return PaperMap((), ())
        with self._index.reading() as store, self._made_once:
            if self._map is None or self._map[0] != store.manifest.generation:
                self._map = store.manifest.generation, draw_map(store)
            return self._map[1]

    def examples(self, count: int = 6) -> tuple[dict[Language, str], ...]:
        """Return up to `count` questions, each in both languages, that the records of this library answer."""
        if self.is_empty:
            return ()
        with self._index.reading() as store, self._made_once:
            made = store.manifest.generation, count
            if self._examples is None or self._examples[0] != made:
                self._examples = made, example_questions(store, count)
            return self._examples[1]

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
        return add_papers([Path(path) for path in paths], self.settings, self._embedder, progress, stop)

    def decide(self, first: str, second: str, *, one_work: bool) -> None:
        """Make two records, named by their ids, one work or two, whatever their texts say.

        Raises:
            UserError: both ids name the same text.
            IndexBusyError, LibraryIndexError, ModelError: it cannot be changed.
        """
        decide(first, second, self.settings, self._embedder, one_work=one_work)

    def as_retriever(
        self, similarity_top_k: int | None = None, filters: Filters | None = None
    ) -> BaseRetriever:
        """Return a LlamaIndex retriever of whole abstracts (None: `settings.top_k` of them).

        It works until this library is closed, and raises what `search` raises.
        """
        from rag.llama_index import AbstractRetriever

        k = self.settings.top_k if similarity_top_k is None else similarity_top_k
        return AbstractRetriever(lambda query: self.search(query, k, filters))

    def as_query_engine(self, filters: Filters | None = None) -> BaseQueryEngine:
        """Return a LlamaIndex query engine that answers with citations; the source nodes are what is cited.

        It works until this library is closed, and raises what `ask` raises.
        """
        from rag.llama_index import CitingQueryEngine

        return CitingQueryEngine(lambda question: self.ask(question, filters=filters))

    def info(self) -> dict[str, Any]:
        """Return what the index holds, the models, their sizes, and where everything lies on disk."""
        if self._is_missing:
            return describe_nothing(self.settings)
        with self._index.reading() as store:
            return describe(self.settings, store.manifest)

    @property
    def settings(self) -> Settings:
        """The settings in use; `use` changes them."""
        return self._in_use.settings

    @property
    def llm(self) -> LLM:
        """The language model in use; `use` exchanges it, and so does setting it to an open one."""
        return self._in_use.llm

    @llm.setter
    def llm(self, llm: LLM) -> None:
        self._in_use.llm = llm

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask: no abstract, or with `missing_ok` no index."""
        if self._is_missing:
            return True
        with self._index.reading() as store:
            return store.manifest.works == 0

    @property
    def _is_missing(self) -> bool:
        """Whether there is no index yet, where that is allowed."""
        return self._missing_ok and not has_index(self.settings.index)

    def use(self, **changes: Any) -> None:
        """Change settings for the questions from now on (`rag.settings.CHANGEABLE`), without a restart.

        Answers in progress end with the model that they began with, which is closed after the last of them.
        A new embedded model is loaded by the next question, or by `warm`.

        Raises:
            SettingsError, ModelError: a value cannot be used; then nothing is changed.
        """
        self._in_use.use(changes)

    def try_llm(self, **changes: Any) -> Trial:
        """Ask the language model that `use(**changes)` would choose for one word, and keep the one in use.

        Raises:
            SettingsError, ModelError, LLMError: it cannot be used; the message says why.
        """
        return self._in_use.try_llm(changes)

    @property
    def notices(self) -> dict[Language, str]:
        """The sentences, in each language, that say which text leaves this machine; nothing when none
        does.
        """
        if self._is_missing:
            return leaving_notices(self.llm, self.settings.chroma_url)
        with self._index.reading() as store:
            return leaving_notices(self.llm, store.manifest.chroma_url)

    @property
    def notice(self) -> str | None:
        """The sentences in English that say which text leaves this machine, None when none does."""
        return self.notices.get("en")

    def warm(self) -> None:
        """Load both models and let the language model take in its instructions, so the first answer is
        quick.
        """
        import_module(_FIELDS)
        self._loaded_embedder().embed_query("warm")
        self._loaded_reranker()
        self.llm.warm()

    def prefill(
        self,
        progress: Progress = lambda stage, done, total: None,
        stop: threading.Event | None = None,
    ) -> Prefill:
        """Pre-compute the prompt cache of every abstract, some 4 s each, while no question is asked.

        What it has read is kept beside the index, as much as `settings.prompt_cache_mb` holds. Returns
        early once `stop` is set; begins anew where the index is rebuilt meanwhile.

        Raises:
            LLMError, ModelError, IndexMissingError, IndexMismatchError, LibraryIndexError: as `ask`.
        """
        done: Prefill | None = None

        def told(stage: str, read: int, papers: int) -> None:
            self._prefilled = Prefill(read, papers)
            progress(stage, read, papers)

        stop = stop or threading.Event()
        while done is None:
            lease = self._in_use.lease()
            # A chat that reads several abstracts begins with none of them.
            if self.is_empty or self._reads_together(lease.llm):
                return Prefill(0, 0)
            with self._index.reading() as store:
                papers = store.catalog.papers()
            done = prefill(
                lease.llm,
                papers,
                stop,
                lambda: self._asked > 0,
                told,
                evidence_tokens=self.settings.evidence_tokens,
                outdated=partial(self._changed_since, store, lease.llm),
            )
            lease.end()
        return done

    @property
    def prefilled(self) -> Prefill | None:
        """Return how far `prefill` has come; None where it has not begun or has nothing to do."""
        return self._prefilled

    def embed_sentences(self, stop: threading.Event | None = None) -> int:
        """Embed the sentences of the abstracts while no question is asked, as many as are remembered.

        Key sentences of these abstracts are found by meaning at once, others by their words alone. Returns
        early once `stop` is set; returns how many abstracts it embedded.

        Raises:
            ModelError, IndexMissingError, IndexMismatchError, LibraryIndexError: as `ask`.
        """
        if self.is_empty:
            return 0
        with self._index.reading() as store:
            papers = store.catalog.papers()
        return embed_sentences(self._loaded_embedder(), papers, stop or threading.Event(), self._is_asked)

    def _is_asked(self) -> bool:
        return self._asked > 0

    def read_ahead(
        self,
        progress: Progress = lambda stage, done, total: None,
        stop: threading.Event | None = None,
    ) -> Prefill:
        """Do as `prefill`, under its old name, which goes with the next version."""
        warnings.warn("RAG.read_ahead is now RAG.prefill.", DeprecationWarning, stacklevel=2)
        return self.prefill(progress, stop)

    def _changed_since(self, store: Store, llm: LLM) -> bool:
        if self._is_missing or llm is not self.llm:
            return True
        with self._index.reading() as now:
            return now is not store

    def close(self) -> None:
        """Free the models and the index's files."""
        self._in_use.close()
        self._index.close()

    def __enter__(self) -> RAG:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _events(
        self, lease: Lease, llm: StoppableLLM, question: str, history: History, filters: Filters | None
    ) -> Generator[StreamEvent, None, None]:
        with self._lock:
            self._asked += 1
        ended = False
        try:
            yield from self._answer(lease, llm, question, history, filters)
            ended = True
        finally:
            llm.stop()
            lease.end()
            with self._lock:
                self._asked -= 1
                if not ended:  # stopping a reply may have ended the model's process
                    self._loaded_ahead = None

    def _answer(
        self, lease: Lease, llm: StoppableLLM, question: str, history: History, filters: Filters | None
    ) -> Iterator[StreamEvent]:
        started = time.perf_counter()
        if self.is_empty:
            told: Answer | None = answer_about_nothing(question)
        else:
            if self._embedder is None:
                yield ProgressEvent("loading")
            told = self._tell(question, filters, followed=bool(history))
        if told is not None:
            yield SourcesEvent(told.contexts, told.language)
            yield TextEvent(told.answer, told.citations)
            yield told
            return
        self._load_llm_ahead(lease)
        if history and needs_context(question):
            yield from self._until_loaded(llm)
            yield ProgressEvent("rewriting")
        read_as = standalone(llm, question, history)
        asked, question = question, read_as or question
        if read_as or not needs_context(question):
            history = ()  # what it needs of them is in it: more abstracts fit, and nothing else is mixed in
        language = detect_language(question)
        yield ProgressEvent("searching")
        contexts = tuple(self._contexts(question, language, history, filters))
        retrieved = time.perf_counter() - started
        highlights = self._highlights(question, language, contexts, history)
        yield SourcesEvent(contexts, language, read_as, highlights)
        first: float | None = None
        generated: Generated | None = None
        for item in self._generate(llm, question, language, contexts, history):
            if isinstance(item, Generated):
                generated = item
                continue
            if isinstance(item, ProgressEvent):
                yield item
                continue
            first = first or time.perf_counter() - started
            yield TextEvent(item[0], item[1].citations, item[1].sentences)
        if generated is None:
            raise AssertionError("a generation ends with what was generated")
        if generated.refused:
            first = time.perf_counter() - started
            yield TextEvent(REFUSALS[language])
        total = time.perf_counter() - started
        timings = Timings(retrieved, total if first is None else first, total)
        yield _answer(asked, language, contexts, generated, timings, read_as)

    def _load_llm_ahead(self, lease: Lease) -> None:
        """Have the language model load while the abstracts are searched; the first question alone
        waits for both.
        """
        with self._lock:
            if self._loaded_ahead is not lease.llm:
                self._loaded_ahead = lease.llm
                self._warming = threading.Thread(target=self._warm_llm, args=(lease.llm,), daemon=True)
                self._warming.start()

    def _until_loaded(self, llm: StoppableLLM) -> Iterator[ProgressEvent]:
        """Wait until the language model is loaded or the reader has left; say so if there is a wait."""
        warming = self._warming
        if warming is None or not warming.is_alive():
            return
        yield ProgressEvent("loading")
        while warming.is_alive() and not llm.stopped:
            warming.join(_LOOK_S)

    def _warm_llm(self, llm: LLM) -> None:
        with suppress(LLMError, ModelError):  # raised again when the model is asked
            llm.warm()

    def _tell(self, question: str, filters: Filters | None, *, followed: bool) -> Answer | None:
        """Reply to small talk, or to a question about the collection, without the language model."""
        from rag.answering.fields.answers import answer_about_fields

        started = time.perf_counter()
        intent = classify(question, followed=followed)

        def embed(text: str) -> Vectors:
            return self._loaded_embedder().embed_query(text)

        with self._index.reading() as store:
            _check_sources(store, filters)
            filters = narrow(store, filters)
            about = None if intent and intent.chat else answer_about_fields(question, store, embed, filters)
            language, told = about or (detect_language(question), None)
            if told is None and intent is not None:
                language, told = intent.language, answer_about_collection(intent, store, embed, filters)
        if told is None:
            return None
        took = time.perf_counter() - started
        return Answer(
            question, language, told.text, False, told.sentences, told.citations, told.contexts, 0,
            Timings(took, took, took), kind="chat" if intent and intent.chat else "collection",
        )  # fmt: skip

    def _highlights(
        self, question: str, language: Language, contexts: Sequence[ScoredChunk], history: History
    ) -> tuple[Highlight, ...]:
        """Return the key sentences of the best abstracts, none where none is near the question."""
        if not self._may_answer(contexts, history):
            return ()
        embedder = self._loaded_embedder()
        with self._index.reading() as store:
            alignment = store.alignment
        sentences = ContextSentences(contexts, embedder, alignment)
        vector = query_vector(embedder, alignment, question, language)[0]
        return key_sentences(QueryContext(question, language, history, sentences, vector), embedder)

    def _may_answer(self, contexts: Sequence[ScoredChunk], history: History) -> bool:
        nearest = max((c.dense for c in contexts if c.dense is not None), default=-1.0)
        return bool(contexts) and (nearest >= self.settings.min_similarity or bool(history))

    def _generate(
        self,
        llm: StoppableLLM,
        question: str,
        language: Language,
        contexts: tuple[ScoredChunk, ...],
        history: History,
    ) -> Iterator[Shown | ProgressEvent | Generated]:
        """Ask the language model, unless nothing in the library is near the question."""
        if not self._may_answer(contexts, history):
            yield Generated(NOTHING_SAID, refused=True)
            return
        yield from self._until_loaded(llm)
        embedder = self._loaded_embedder()
        with self._index.reading() as store:
            alignment = store.alignment
        answerer = Answerer(
            llm,
            embedder,
            alignment,
            self._verifier or verifier_for(self._embedding_model, embedder, alignment),
            self.settings.max_answer_tokens,
            self.settings.evidence_tokens,
            self._reads_together(llm),
            self._abstention_of(llm),
        )
        yield from answerer.answer(question, language, contexts, history)

    def _contexts(
        self, question: str, language: Language, history: History, filters: Filters | None
    ) -> list[ScoredChunk]:
        """Retrieve for the question; after earlier turns, also for it together with the one before."""
        k = self.settings.top_k
        if is_multi_document(question):
            k = max(k, SEVERAL_ABSTRACTS)
        with self._index.reading() as store:
            _check_sources(store, filters)
            filters = narrow(store, filters)
            found = self._retrieve(store, question, language, k, filters)
            if not history:
                return found
            together = f"{history[-1][0]} {question}"[-MAX_QUESTION_CHARS:]
            follow = self._retrieve(store, together, language, k, filters)
        pairs = [context for pair in zip(follow, found, strict=False) for context in pair]
        return list({context.paper.paper_id: context for context in pairs}.values())[:k]

    def _retrieve(
        self, store: Store, query: str, language: Language, k: int, filters: Filters | None
    ) -> list[ScoredChunk]:
        embedder, reranker = self._loaded_embedder(), self._loaded_reranker()
        if reranker is None:
            return retrieve(store, embedder, query, language, k, filters)
        found = retrieve(store, embedder, query, language, max(k, RERANK_CANDIDATES), filters)
        return rerank(reranker, query, found)[:k]

    def _abstention_of(self, llm: LLM) -> Abstention | None:
        found = self._abstention or abstention_for(llm.name, self._embedding_model)
        return found.softened() if found and self.settings.refusal == "lenient" else found

    def _reads_together(self, llm: LLM) -> bool:
        return reads_together(llm, self.settings.abstracts_per_chat)

    @property
    def _embedding_model(self) -> str:
        return self._embedder.name if self._embedder else self.settings.embedding_model

    def _loaded_embedder(self) -> RecentPassages:
        with self._lock:
            embedder = self._embedder or RecentPassages(configured_embedder(self.settings))
            if not self._is_missing:
                with self._index.reading() as store:
                    store.manifest.check(self.settings.index, {"embedding_digest": embedder.digest})
            self._embedder = embedder
            return embedder

    def _loaded_reranker(self) -> Reranker | None:
        with self._lock:
            self._reranker = self._reranker or configured_reranker(self.settings)
            return self._reranker


def ask(question: str, history: History = ()) -> Answer:
    """Answer one question from the default index (`RAG_INDEX`, else the user data directory).

    The index and the models stay loaded for the next question.

    Raises:
        RagError: as `RAG.open` and `RAG.ask`.
    """
    return _default_rag(load_settings().index).ask(question, history)


@cache
def _default_rag(index: Path) -> RAG:
    return RAG.open(index)


def _checked(question: str) -> str:
    text = clean_text(question)
    if not text:
        raise QuestionError("The question is empty; write one.")
    if len(text) > MAX_QUESTION_CHARS:
        raise QuestionError(
            f"The question has {len(text):,} characters; ask in at most {MAX_QUESTION_CHARS:,}."
        )
    return text


def _check_sources(store: Store, filters: Filters | None) -> None:
    for name in filters.sources if filters else ():
        if not store.catalog.source_names([name]):
            raise QuestionError(
                f"No abstract of the index comes from {name!r}; name a file as the citations do, or a "
                "folder of them."
            )


def _answer(
    question: str,
    language: Language,
    contexts: tuple[ScoredChunk, ...],
    generated: Generated,
    timings: Timings,
    standalone_question: str | None,
) -> Answer:
    cited = generated.cited
    citations: tuple[Citation, ...] = () if generated.refused else cited.citations
    sentences: tuple[Sentence, ...] = () if generated.refused else cited.sentences
    return Answer(
        question=question,
        language=language,
        answer=REFUSALS[language] if generated.refused else cited.text,
        refused=generated.refused,
        sentences=sentences,
        citations=citations,
        contexts=contexts,
        unknown_markers=cited.unknown_markers,
        dropped_sentences=len(cited.dropped),
        timings=timings,
        standalone_question=standalone_question,
        confidence=generated.confidence,
    )
