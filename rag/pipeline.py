"""`RAG`: an open library that is asked; its parts are in `rag.asking` and `rag.answering`."""

from __future__ import annotations

import threading
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from rag.answering.abstention import Abstention
from rag.answering.citing.attribution import SentenceVerifier
from rag.answering.event_stream import EventStream
from rag.answering.generation.prefill import Prefill
from rag.answering.generation.quotation import translate_quote
from rag.answering.reranking import Reranker
from rag.asking.asking import Asking, Judges
from rag.asking.checks import checked
from rag.asking.examples import ExampleWriter
from rag.asking.from_catalog import load_fields
from rag.asking.idle import Idle, untold
from rag.asking.llm_loading import LLMLoading
from rag.asking.parts import Parts
from rag.embedding.base import Embedder
from rag.in_use import InUse
from rag.llm.base import LLM
from rag.llm.stoppable import StoppableLLM, Turn
from rag.llm.trial import Trial
from rag.open_library import OpenLibrary
from rag.schema import Answer, Filters, History, Language, Progress
from rag.settings import Settings, load_settings

if TYPE_CHECKING:
    from llama_index.core.base.base_query_engine import BaseQueryEngine


class RAG(OpenLibrary):
    """A library of abstracts that can be searched and asked; safe to use from several threads.

    Use `RAG.open`; `close()`, or leaving a `with` block, frees models and files. What needs no language
    model is in `OpenLibrary`.
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
        super().__init__(Parts(InUse(settings, llm), embedder, reranker, missing_ok=missing_ok))
        self._in_use = self._parts.in_use
        self._loading = LLMLoading()
        self._asking = Asking(self._parts, self._loading, Judges(verifier, abstention))
        self._idle = Idle(self._parts, self._loading.is_asked)
        self._example_writer = ExampleWriter(self._parts, self._asking, self._loading.is_asked)

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
        question = checked(question)
        lease = self._in_use.lease(model)
        llm = StoppableLLM(lease.llm, turn)
        events = EventStream(self._asking.events(lease, llm, question, history, filters), llm.stop)
        if stream:
            return events
        for event in events:
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream of events ends with an Answer")

    def translate(self, text: str, to: Language, question: str = "") -> str | None:
        """Return quoted `text` in the language `to`, by the language model.

        The result is None if a number or a name gets lost.
        `question` is what was asked, in that language: it shows how terms are translated.

        Raises:
            LLMError: the language model cannot answer.
            ModelError: a model file is missing or wrong.
        """
        lease = self._in_use.lease()
        with self._loading.asked():
            try:
                return translate_quote(lease.llm, text, to, question)
            finally:
                lease.end()

    def as_query_engine(self, filters: Filters | None = None) -> BaseQueryEngine:
        """Return a LlamaIndex query engine that answers with citations; the source nodes are what is cited.

        It works until this library is closed, and raises what `ask` raises.
        """
        from rag.llama_index import CitingQueryEngine

        return CitingQueryEngine(lambda question: self.ask(question, filters=filters))

    @property
    def llm(self) -> LLM:
        """The language model in use; `use` exchanges it, and so does setting it to an open one."""
        return self._in_use.llm

    @llm.setter
    def llm(self, llm: LLM) -> None:
        self._in_use.llm = llm

    def try_llm(self, **changes: Any) -> Trial:
        """Ask the language model that `use(**changes)` would choose for one word, and keep the one in use.

        Raises:
            SettingsError, ModelError, LLMError: it cannot be used; the message says why.
        """
        return self._in_use.try_llm(changes)

    def warm(self) -> None:
        """Load both models and let the language model take in its instructions, so the first answer is
        quick.
        """
        load_fields(self._parts)
        self._parts.loaded_embedder().embed_query("warm")
        self._parts.loaded_reranker()
        self.llm.warm()

    def prefill(self, progress: Progress = untold, stop: threading.Event | None = None) -> Prefill:
        """Pre-compute the prompt cache of every abstract, some 4 s each, while no question is asked.

        What it has read is kept beside the index, as much as `settings.prompt_cache_mb` holds. Returns
        early once `stop` is set; begins anew where the index is rebuilt meanwhile.

        Raises:
            LLMError, ModelError, IndexMissingError, IndexMismatchError, LibraryIndexError: as `ask`.
        """
        return self._idle.prefill(progress, stop or threading.Event())

    @property
    def prefilled(self) -> Prefill | None:
        """Return how far `prefill` has come; None where it has not begun or has nothing to do."""
        return self._idle.prefilled

    def write_examples(self, progress: Progress = untold, stop: threading.Event | None = None) -> int:
        """Have the embedded model write questions for `examples` while nobody asks; return how many.

        A question is kept if the whole library answers it and cites the abstract that it was written from:
        three a language at most, once for each state of the index and each model. Without a model none is.
        """
        return self._example_writer.write(progress, stop or threading.Event())

    def embed_sentences(self, stop: threading.Event | None = None) -> int:
        """Embed the sentences of the abstracts while no question is asked, as many as are remembered.

        Key sentences of these abstracts are found by meaning at once, others by their words alone. Returns
        early once `stop` is set; returns how many abstracts it embedded.

        Raises:
            ModelError, IndexMissingError, IndexMismatchError, LibraryIndexError: as `ask`.
        """
        return self._idle.embed_sentences(stop or threading.Event())

    def read_ahead(self, progress: Progress = untold, stop: threading.Event | None = None) -> Prefill:
        """Do as `prefill`, under its old name, which goes with the next version."""
        warnings.warn("RAG.read_ahead is now RAG.prefill.", DeprecationWarning, stacklevel=2)
        return self.prefill(progress, stop)


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
