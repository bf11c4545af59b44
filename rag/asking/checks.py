"""What a reader gives, checked before it is used: questions, filters by source, and numbers of results."""

from __future__ import annotations

from rag.errors import QuestionError
from rag.schema import Filters
from rag.store.index import Store
from rag.text.cleaning import clean_text

# A question is a sentence or a paragraph; a longer text would crowd the abstracts out of the prompt.
MAX_QUESTION_CHARS = 2000
MAX_RESULTS = 1000


def checked(question: str) -> str:
    """Return a question, cleaned.

    Raises:
        QuestionError: it is empty or too long.
    """
    text = clean_text(question)
    if not text:
        raise QuestionError("The question is empty; write one.")
    if len(text) > MAX_QUESTION_CHARS:
        raise QuestionError(
            f"The question has {len(text):,} characters; ask in at most {MAX_QUESTION_CHARS:,}."
        )
    return text


def check_sources(store: Store, filters: Filters | None) -> None:
    """Check that every source of the filters is a file or a folder of the index.

    Raises:
        QuestionError: no abstract comes from one of them.
    """
    for name in filters.sources if filters else ():
        if not store.catalog.source_names([name]):
            raise QuestionError(
                f"No abstract of the index comes from {name!r}; name a file as the citations do, or a "
                "folder of them."
            )


def check_count(k: int) -> None:
    """Check how many results are asked for.

    Raises:
        QuestionError: none, or too many.
    """
    if not 1 <= k <= MAX_RESULTS:
        raise QuestionError(f"The number of results must be from 1 to {MAX_RESULTS:,}, not {k}.")


def check_page(offset: int, limit: int) -> None:
    """Check which part of a list is asked for.

    Raises:
        QuestionError: it has no or too many entries, or starts before the first.
    """
    if not 1 <= limit <= MAX_RESULTS or offset < 0:
        raise QuestionError(f"A page has from 1 to {MAX_RESULTS:,} abstracts and starts at 0 or later.")
