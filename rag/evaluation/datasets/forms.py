"""The forms that data sets are published in, each turned into documents and questions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from rag.errors import CorpusError
from rag.evaluation.datasets import ratings
from rag.evaluation.datasets.records import Dataset, Document, Line, Query
from rag.schema import Language
from rag.text.language import detect_language

_DECISIONS = ("yes", "no", "maybe")
# The forms of one file, by the fields of its first record; the first that fits.
_FIELDS = {
    "bilingual": {"abstract_en", "abstract_zh", "title"},
    "pubmedqa": {"QUESTION", "CONTEXTS"},
    "rgb": {"query", "answer", "positive", "negative"},
    "abstracts": {"abstract", "question"},
    "ratings": ratings.FIELDS,
    "conversations": {"history", "question"},
    "questions": {"question"},
    "titles": {"title", "abstract"},
}


def form_of(line: Line) -> str:
    """Return which form a file is in, from its first record.

    Raises:
        CorpusError: none of the known ones.
    """
    for form, fields in _FIELDS.items():
        if fields <= line.fields.keys():
            return form
    known = "; ".join(", ".join(sorted(fields)) for fields in _FIELDS.values())
    raise CorpusError(
        f"The fields in {line.place} are those of no data set that is known; give a folder in BEIR "
        "form, or JSONL "
        f"with the fields {known}."
    )


def from_lines(name: str, form: str, lines: Sequence[Line]) -> Dataset:
    """Return the data set in the lines of a file of that form.

    Raises:
        CorpusError: a record lacks what the form asks for; the sentence names the line.
    """
    documents, queries = _READERS[form](lines)
    _refuse_repeats((query.query_id, query.place) for query in queries)
    return Dataset(name, form, tuple(documents), tuple(queries))


def beir(name: str, corpus: Sequence[Line], queries: Sequence[Line], qrels: Sequence[Line]) -> Dataset:
    """Return a data set in BEIR form (Thakur et al. 2021): the questions are those that `qrels` judge.

    Documents judged with a score of 0 or less are not relevant.

    Raises:
        CorpusError: a record lacks a field, or a judgement names a question that is not there.
    """
    documents = [
        Document(line.text("_id"), _optional(line, "text"), _optional(line, "title") or None, _year(line))
        for line in corpus
    ]
    asked = {line.text("_id"): line for line in queries}
    judged = []
    for query_id, group in groupby(sorted(qrels, key=_asked), key=_asked):
        judgements = list(group)
        if query_id not in asked:
            raise CorpusError(
                f"The question {query_id!r} of {judgements[0].place} is not among the queries; add it, or "
                "remove the line."
            )
        text = asked[query_id].text("text")
        gains = {line.text("corpus-id"): float(line.fields["score"]) for line in judgements}
        relevant = {document: gain for document, gain in gains.items() if gain > 0}
        judged.append(Query(query_id, text, detect_language(text), relevant, place=asked[query_id].place))
    return Dataset(name, "beir", tuple(documents), tuple(judged))


def _asked(line: Line) -> str:
    return line.text("query-id")


def _bilingual(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    """Store even rows in English and odd ones in Chinese, without titles; ask for each in both languages."""
    documents, queries = [], []
    for row, line in enumerate(lines):
        stored: Language = "zh" if row % 2 else "en"
        doc_id = line.text("arxiv_id", "id")
        documents.append(Document(doc_id, line.text(f"abstract_{stored}"), year=_year(line)))
        asked: list[tuple[Language, str]] = [("en", line.text("title")), ("zh", line.text("headline_zh"))]
        queries += [
            Query(
                f"{doc_id}-{language}",
                text,
                language,
                {doc_id: 1.0},
                group=f"{language}->{stored}",
                place=line.place,
            )
            for language, text in asked
        ]
    return documents, queries


def _titles(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    """Ask for each abstract with its title, which is not stored."""
    documents, queries = [], []
    for line in lines:
        doc_id, title = _id(line), line.text("title")
        documents.append(Document(doc_id, line.text("abstract"), year=_year(line)))
        queries.append(Query(doc_id, title, detect_language(title), {doc_id: 1.0}, place=line.place))
    return documents, queries


def _pubmedqa(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    """Store the abstracts without their conclusions, which are the answers (Jin et al. 2019)."""
    documents, queries = [], []
    for line in lines:
        doc_id, question = _id(line), line.text("QUESTION")
        decision = str(line.fields.get("final_decision", "")).lower()
        if decision and decision not in _DECISIONS:
            raise CorpusError(f'In {line.place} "final_decision" must be yes, no or maybe; correct it.')
        documents.append(Document(doc_id, " ".join(line.texts("CONTEXTS")), year=_year(line)))
        queries.append(
            Query(
                doc_id,
                question,
                detect_language(question),
                {doc_id: 1.0},
                decision=decision or None,
                place=line.place,
            )
        )
    return documents, queries


def _rgb(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    """Store every passage once (Chen et al. 2024), without those of made-up facts (`positive_wrong`).

    A question's answer is a text, or a list of texts that all have to be there; a list in that list holds
    alternatives.
    """
    passages: dict[str, str] = {}
    queries = []
    for line in lines:
        positive, negative = line.texts("positive"), line.texts("negative")
        for text in [*positive, *negative]:
            passages.setdefault(text, f"p{len(passages) + 1}")
        question = line.text("query")
        queries.append(
            Query(
                _id(line),
                question,
                detect_language(question),
                {passages[text]: 1.0 for text in positive},
                tuple(_needs(line)),
                place=line.place,
            )
        )
    return [Document(doc_id, text) for text, doc_id in passages.items()], queries


def _needs(line: Line) -> Iterator[tuple[str, ...]]:
    answer = line.fields["answer"]
    for need in answer if isinstance(answer, list) else [line.text("answer")]:
        alternatives = need if isinstance(need, list) else [need]
        if not alternatives or not all(isinstance(text, str) and text for text in alternatives):
            raise CorpusError(f'In {line.place} "answer" must be a text or a list of texts; correct it.')
        yield tuple(re.escape(unicodedata.normalize("NFKC", text)) for text in alternatives)


def _questions(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    """Read questions on the user's own abstracts; one with neither `relevant` nor `answer` is unanswerable.

    Where `relevant` names several abstracts, each of them is expected to be cited.
    """
    return [], [_question(line) for line in lines]


def _ratings(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    return [], ratings.read_ratings(lines, [tuple(_turns(line)) for line in lines])


def _abstracts(lines: Sequence[Line]) -> tuple[list[Document], list[Query]]:
    """Store the abstracts, each asked for by its own question; a record without one is a question only."""
    documents, queries = [], []
    for line in lines:
        query = _question(line)
        if text := _optional(line, "abstract"):
            documents.append(Document(query.query_id, text, year=_year(line)))
            query = replace(query, relevant={query.query_id: 1.0}, answerable=True)
        queries.append(query)
    return documents, queries


def library(name: str, abstracts: Sequence[Line], questions: Sequence[Line]) -> Dataset:
    """Return a data set of abstracts and open questions about them, each with the group it belongs to.

    A question names a piece of every abstract that is to be found and cited. Its answer is right when every
    pattern of `answer` is found in it and none of `wrong`.

    Raises:
        CorpusError: a record lacks a field, or no abstract holds what a question names.
    """
    documents = [_library_abstract(line) for line in abstracts]
    _refuse_repeats((_id(line), line.place) for line in abstracts)
    queries = [_library_question(line, documents) for line in questions]
    _refuse_repeats((query.query_id, query.place) for query in queries)
    return Dataset(name, "library", tuple(documents), tuple(queries))


def _library_abstract(line: Line) -> Document:
    title, authors = _optional(line, "title") or None, line.fields.get("authors")
    names = tuple(line.texts("authors")) if authors else ()
    return Document(_id(line), line.text("abstract"), title, _year(line), names)


def _library_question(line: Line, documents: Sequence[Document]) -> Query:
    query = _question(line)
    holders: dict[str, float] = {}
    for piece in query.relevant:
        found = [document.doc_id for document in documents if piece.strip() and piece in document.text]
        if not found:
            raise CorpusError(f"No abstract holds {piece[:60]!r} ({line.place}); correct it.")
        holders |= dict.fromkeys(found, 1.0)
    return replace(
        query,
        relevant=holders,
        every=len(holders) > 1,
        answers=tuple((pattern,) for pattern in _patterns(line, "answer")),
        wrong=_patterns(line, "wrong"),
        cell=_optional(line, "cell") or None,
        kind=_optional(line, "kind") or None,
    )


def _question(line: Line) -> Query:
    text = line.text("question")
    patterns = _patterns(line, "answer")
    relevant = line.texts("relevant") if line.fields.get("relevant") else []
    if not relevant and patterns and line.fields.get("paper"):
        relevant = [line.text("paper")]  # the form of the project's own test questions
    return Query(
        query_id=str(line.fields.get("id") or f"{line.file}:{line.number}"),
        text=text,
        language=_language(line, text),
        relevant=dict.fromkeys(relevant, 1.0),
        answers=(patterns,) if patterns else (),
        answerable=bool(relevant or patterns),
        names_paper=bool(line.fields.get("names_paper")),
        every=len(set(relevant)) > 1,
        forbidden=_patterns(line, "forbidden"),
        history=tuple(_turns(line)),
        place=line.place,
    )


def _patterns(line: Line, name: str) -> tuple[str, ...]:
    patterns = tuple(line.texts(name)) if line.fields.get(name) else ()
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise CorpusError(
                f"In {line.place} the {name} pattern {pattern!r} is no regular expression ({error}); "
                "correct it."
            ) from error
    return patterns


def _turns(line: Line) -> Iterator[tuple[str, str]]:
    history = line.fields.get("history", [])
    for turn in history if isinstance(history, list) else [None]:
        if not isinstance(turn, list) or len(turn) != 2 or not all(isinstance(said, str) for said in turn):
            raise CorpusError(
                f'In {line.place} "history" must be a list of pairs, each a question and its answer; '
                "correct it."
            )
        yield turn[0], turn[1]


_READERS: Mapping[str, Callable[[Sequence[Line]], tuple[list[Document], list[Query]]]] = {
    "bilingual": _bilingual,
    "pubmedqa": _pubmedqa,
    "rgb": _rgb,
    "abstracts": _abstracts,
    "conversations": _questions,
    "questions": _questions,
    "ratings": _ratings,
    "titles": _titles,
}


def _refuse_repeats(records: Iterable[tuple[str, str]]) -> None:
    """Raise CorpusError where two records, each an id and its place, have the same id."""
    seen: dict[str, str] = {}
    for name, place in records:
        if name in seen:
            raise CorpusError(
                f"The id {name!r} stands in {seen[name]} and in {place}; give each record its own."
            )
        seen[name] = place


def _id(line: Line) -> str:
    return line.text("id", "_id", "arxiv_id")


def _language(line: Line, text: str) -> Language:
    """Return the language that the record says the question is in, else the one it looks like."""
    said = line.fields.get("language")
    return said if said in ("en", "zh") else detect_language(text)


def _optional(line: Line, name: str) -> str:
    value = line.fields.get(name)
    return value if isinstance(value, str) else ""


def _year(line: Line) -> int | None:
    known = next((line.fields[name] for name in ("year", "YEAR", "date") if line.fields.get(name)), "")
    found = re.match(r"[12]\d{3}(?!\d)", str(known))
    return int(found[0]) if found else None
