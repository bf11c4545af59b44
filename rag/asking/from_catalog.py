"""Replies that need no abstract to be read: small talk, and questions about the collection and its fields."""

from __future__ import annotations

import time
from importlib import import_module

from rag.answering.collection.answers import answer_about_collection
from rag.answering.question import needs_context
from rag.answering.router import classify
from rag.asking.checks import check_sources
from rag.asking.parts import Parts
from rag.browsing.shelf import narrow
from rag.embedding.base import Vectors
from rag.llm.base import LLM
from rag.schema import Answer, Filters, Timings
from rag.text.language import detect_language


def needs_llm(parts: Parts, question: str, *, followed: bool) -> bool:
    """Return whether a question may be about fields in words that only a language model can read."""
    from rag.answering.fields import answers

    if followed and needs_context(question):
        return False
    with parts.index.reading() as store:
        return answers.needs_llm(question, store)


def answer_from_catalog(
    parts: Parts, question: str, filters: Filters | None, llm: LLM | None = None, *, followed: bool
) -> Answer | None:
    """Reply without reading any abstract; None where only the abstracts can answer.

    Args:
        parts: the open library, which is not empty.
        question: the question, checked.
        filters: which abstracts count.
        llm: what reads a question about fields whose wording is unknown; None guesses.
        followed: whether there are turns before it.

    Raises:
        QuestionError: a filter names a source that is not there.
        ModelError: the embedder is missing.
        LLMError: `llm` failed.
    """
    # Its patterns take a second to compile: a search does without them.
    from rag.answering.fields.answers import answer_about_fields

    started = time.perf_counter()
    intent = classify(question, followed=followed)

    def embed(text: str) -> Vectors:
        return parts.loaded_embedder().embed_query(text)

    with parts.index.reading() as store:
        check_sources(store, filters)
        filters = narrow(store, filters)
        about = None if intent and intent.chat else answer_about_fields(question, store, embed, filters, llm)
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


def load_fields(parts: Parts) -> None:
    """Load what questions about fields need, so that none waits for it."""
    from rag.answering.fields.library import library_of
    from rag.answering.fields.question import read_field_question, word_question

    import_module("rag.answering.fields.answers")
    if not parts.is_empty:
        with parts.index.reading() as store:
            library = library_of(store)
            read_field_question(word_question("Who wrote 李明 in 1900?", library, 1900), library)
