"""The HTTP API and the MCP server: `ask`, `search`, `get_paper` and `add_papers`, by Gradio's own means.

They give the JSON of the command line (docs/json.md, docs/api.md). Clients see their names, types and
docstrings.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from rag import Answer, Filters, Language, RagError
from ui.chat.stream import stream
from ui.library.given import keep_text
from ui.page import Page
from ui.reader import reader_of

Failed = Callable[[RagError | str], Exception]
Function = Callable[..., Any]


def build(page: Page) -> None:
    """Add the API to the page; `add_papers` only where a reader may add papers."""
    error_type: Any = type("ApiError", (page.gr.Error,), {"__str__": lambda self: self.message})

    def failed(error: RagError | str) -> Exception:
        made: Exception = error_type(str(error), print_exception=False)
        return made

    offered = [_asking(page, failed), _searching(page, failed), _reading(page, failed)]
    if page.may_add:
        offered.append(_adding(page, failed))
    for function in offered:
        if "request" in function.__annotations__:
            function.__annotations__["request"] = page.gr.Request
        # The line before the model sees to the order; Gradio's queue would keep others from their sources.
        page.gr.api(function, api_name=function.__name__, queue=False, concurrency_limit=None)


def _asking(page: Page, failed: Failed) -> Function:
    async def ask(
        question: str,
        language: Literal["en", "zh"] | None = None,
        sources: list[str] | None = None,
        year_from: int | None = None,
        year_to: int | None = None,
        authors: list[str] | None = None,
        venues: list[str] | None = None,
        keywords: list[str] | None = None,
        request: Any = None,
    ) -> dict[str, Any]:
        """Answer a question from the library of scientific abstracts, in its language, with citations.

        The answer cites the abstracts that it rests on with the exact words, or is refused where no abstract
        answers. It may take some seconds, more while others ask. Ask for one thing at a time.

        Args:
            question: one question in English or Chinese, up to 2,000 characters.
            language: only abstracts in this language.
            sources: only abstracts of these files or folders, named as in citations.
            year_from: only abstracts of this year or later.
            year_to: only abstracts of this year or earlier.
            authors: only abstracts by one of these people.
            venues: only abstracts that appeared in one of these.
            keywords: only abstracts with one of these keywords.
        """
        filters = _filters(language, sources, year_from, year_to, authors, venues, keywords)
        ticket = page.line.ticket(reader_of(request))
        steps = stream(page.library, question, (), filters, ticket)
        async with contextlib.aclosing(steps) as events:
            async for arrived in events:
                for event in arrived:
                    if isinstance(event, RagError):
                        raise failed(event)
                    if isinstance(event, Answer):
                        return event.to_dict()
                if await _gone(request):
                    break
        raise failed("The answer broke off; ask again.")

    return ask


def _searching(page: Page, failed: Failed) -> Function:
    def search(
        query: str,
        k: int = 10,
        language: Literal["en", "zh"] | None = None,
        sources: list[str] | None = None,
        year_from: int | None = None,
        year_to: int | None = None,
        authors: list[str] | None = None,
        venues: list[str] | None = None,
        keywords: list[str] | None = None,
    ) -> dict[str, Any]:
        """List the abstracts of the library that are nearest to a query, best first, in both languages.

        Args:
            query: what to look for, in English or Chinese.
            k: how many abstracts, 1 to 1,000.
            language: only abstracts in this language.
            sources: only abstracts of these files or folders, named as in citations.
            year_from: only abstracts of this year or later.
            year_to: only abstracts of this year or earlier.
            authors: only abstracts by one of these people.
            venues: only abstracts that appeared in one of these.
            keywords: only abstracts with one of these keywords.
        """
        filters = _filters(language, sources, year_from, year_to, authors, venues, keywords)
        try:
            found = page.library.search(query, k, filters)
        except RagError as error:
            raise failed(error) from error
        return {"query": query, "results": [result.to_dict() for result in found]}

    return search


def _reading(page: Page, failed: Failed) -> Function:
    def get_paper(paper_id: str) -> dict[str, Any]:
        """Return one abstract in full, with title, authors, year, venue, DOI and files as far as known.

        Args:
            paper_id: its id, as in citations and results.
        """
        try:
            paper = page.library.paper(paper_id)
        except RagError as error:
            raise failed(error) from error
        if paper is None:
            raise failed(f"There is no paper {paper_id[:64]!r}; take an id from a citation or a result.")
        return paper.to_dict()

    return get_paper


def _adding(page: Page, failed: Failed) -> Function:
    def add_papers(text: str) -> dict[str, Any]:
        """Add abstracts to the library, and say what was added, folded into others, or not read and why.

        Args:
            text: the abstracts: BibTeX, RIS, CSV, JSON, PubMed, plain text between blank lines, and so on.
        """
        try:
            return page.library.add([keep_text(text, page.data)]).to_dict()
        except RagError as error:
            raise failed(error) from error

    return add_papers


def _filters(
    language: Language | None,
    sources: list[str] | None,
    year_from: int | None,
    year_to: int | None,
    *fields: list[str] | None,
) -> Filters | None:
    authors, venues, keywords = (tuple(values or ()) for values in fields)
    filters = Filters(language, tuple(sources or ()), year_from, year_to, authors, venues, keywords)
    return filters or None


async def _gone(request: Any) -> bool:
    """Return whether the client of a direct call has gone; requests of Gradio's queue have ended long ago."""
    if getattr(request, "session_hash", None):
        return False
    gone: bool = await (getattr(request, "request", None) or request).is_disconnected()
    return gone


def speak_json(app: Any) -> None:
    """Have the MCP server of a mounted page answer in JSON; Gradio writes Python's form of a dictionary."""
    server = app.mcp_server_obj

    def content(data: Sequence[Any], root_url: str) -> list[Any]:
        return [
            server.types.TextContent(type="text", text=json.dumps(one, ensure_ascii=False)) for one in data
        ]

    server.postprocess_output_data = content
