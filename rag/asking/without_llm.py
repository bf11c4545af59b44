"""Replies that need no language model: small talk, and questions about the collection and its fields."""

from __future__ import annotations

import time
from importlib import import_module

from rag.answering.collection.answers import answer_about_collection
from rag.answering.router import classify
from rag.asking.checks import check_sources
from rag.asking.parts import Parts
from rag.browsing.shelf import narrow
from rag.embedding.base import Vectors
from rag.schema import Answer, Filters, Timings
from rag.text.language import detect_language


def answer_without_llm(
    parts: Parts, question: str, filters: Filters | None, *, followed: bool
) -> Answer | None:
    """Reply without the language model; None where only the abstracts can answer.

    Args:
        parts: the open library, which is not empty.
        question: the question, checked.
        filters: which abstracts count.
        followed: whether there are turns before it.

    Raises:
        QuestionError: a filter names a source that is not there.
        ModelError: the embedder is missing.
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


def load_field_patterns() -> None:
    """Compile the patterns of questions about fields, so that the first question does not wait for them."""
    import_module("rag.answering.fields.answers")
