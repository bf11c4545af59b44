"""Find the files of a data set and load it: BEIR folders, or JSONL in one of the known forms.

Forms of a file, told from its first record (`.jsonl` or `.jsonl.gz`):

    {"arxiv_id", "title", "headline_zh", "abstract_en", "abstract_zh"}   bilingual: each abstract in one
    language {"id", "title", "abstract"}                                         titles ask for their
    abstracts {"id", "QUESTION", "CONTEXTS", "final_decision"}                    PubMedQA {"id", "query",
    "answer", "positive", "negative"}                   RGB {"question", "relevant", "answer"}
    your own, on an index that you have {"history", "question", "relevant", "answer"}
    the same, each going on from earlier turns {"abstract", "question", "answer", "forbidden"}
    abstracts, each with a question of its own

A folder with library.jsonl and questions.jsonl is one data set: abstracts, and open questions about them.
There every pattern of "answer" has to match and none of "wrong"; "cell" and "kind" name the groups of its
tables:

    {"id", "title", "abstract"}; {"question", "relevant", "answer", "wrong", "cell", "kind"}
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from rag.errors import CorpusError
from rag.evaluation.datasets.forms import beir, form_of, from_lines, library
from rag.evaluation.datasets.records import Dataset, Line, read_lines
from rag.indexing.files import shown
from rag.text.encoding import decode, read_bytes

LIMIT_SEED = 7
# Files that cannot be asked together with questions on an index, and are loaded by their own name only:
# they go on from a conversation, or bring abstracts of their own.
_APART = {"conversations", "abstracts", "ratings"}
_SUFFIXES = (".jsonl", ".jsonl.gz")
_T = TypeVar("_T")


def load_dataset(path: Path, split: str | None = None) -> Dataset:
    """Load the data set at `path`, a file or a folder; a file's suffix may be left out.

    `split` chooses the judgements of a BEIR folder (default: test), or one of several files of another
    folder. The files of the user's own questions in a folder are read together; conversations, and
    abstracts with questions of their own, that lie beside them are data sets by themselves, given by their
    name.

    Raises:
        CorpusError: there is none, or a record of it cannot be used; the sentence names the line and the
        remedy.
    """
    if path.is_dir():
        return _load_folder(path, split)
    file = path if path.is_file() else _file(path.parent, path.name)
    if file is None:
        raise CorpusError(f"There is no data set {shown(path)}; give a .jsonl file or a folder in BEIR form.")
    lines = read_lines(file)
    return from_lines(_name(file), form_of(lines[0]), lines)


def limited(items: Sequence[_T], limit: int | None) -> list[_T]:
    """Return `limit` of the items, the same ones every time and in their order; all without a limit."""
    if limit is None or limit >= len(items):
        return list(items)
    chosen = sorted(random.Random(LIMIT_SEED).sample(range(len(items)), limit))
    return [items[number] for number in chosen]


def without_relevant(dataset: Dataset) -> Dataset:
    """Return the data set without any relevant document, so that every question has to be refused.

    Negative rejection of RGB (Chen et al. 2024). Raises CorpusError when it brings no documents of its own.
    """
    relevant = {doc_id for query in dataset.queries for doc_id in query.relevant}
    left = tuple(document for document in dataset.documents if document.doc_id not in relevant)
    if not left:
        raise CorpusError(
            f"{dataset.name} holds no document that is relevant to no question; give an RGB file, or "
            "leave out "
            "--without-relevant."
        )
    unanswerable = [
        replace(query, relevant={}, answers=(), decision=None, answerable=False) for query in dataset.queries
    ]
    return Dataset(f"{dataset.name}, without what is relevant", dataset.form, left, tuple(unanswerable))


def _load_folder(folder: Path, split: str | None) -> Dataset:
    if _file(folder, "corpus"):
        return _load_beir(folder, split or "test")
    if abstracts := _file(folder, "library"):
        return _load_library(folder, abstracts, split or "questions")
    files = sorted(file for file in folder.iterdir() if file.name.endswith(_SUFFIXES))
    chosen = [file for file in files if split and _stem(file) == split] or files
    if len(chosen) == 1:
        return load_dataset(chosen[0])
    read = [(form_of(lines[0]), lines) for lines in map(read_lines, chosen)]
    together = [(form, lines) for form, lines in read if form not in _APART]
    if together and all(form == "questions" for form, _ in together):
        return from_lines(
            folder.resolve().name, "questions", [line for _, lines in together for line in lines]
        )
    names = ", ".join(file.name for file in chosen)
    raise CorpusError(
        f"The folder {shown(folder)} is not in BEIR form (corpus.jsonl, queries.jsonl, qrels/test.tsv); "
        "give one of "
        f"its files: {names}."
        if names
        else f"The folder {shown(folder)} holds no .jsonl file; give a data set."
    )


def _load_beir(folder: Path, split: str) -> Dataset:
    queries = _file(folder, "queries")
    if queries is None:
        raise CorpusError(f"There is no queries.jsonl beside the corpus in {shown(folder)}; add it.")
    places = [folder / "qrels" / f"{split}.tsv", folder / f"qrels_{split}.tsv"]
    qrels = next((place for place in places if place.is_file()), None)
    if qrels is None:
        raise CorpusError(
            f"There is neither {places[0].relative_to(folder)} nor {places[1].name} in {shown(folder)}; "
            "add the "
            "judgements, or name another split with --split."
        )
    corpus = _file(folder, "corpus")
    return beir(
        f"{folder.resolve().name}/{split}",
        read_lines(corpus) if corpus else [],
        read_lines(queries),
        _read_qrels(qrels),
    )


def _load_library(folder: Path, abstracts: Path, split: str) -> Dataset:
    questions = _file(folder, split)
    if questions is None:
        raise CorpusError(
            f"There is no {split}.jsonl beside {abstracts.name} in {shown(folder)}; add the questions, or "
            "name another file of them with --split."
        )
    name = folder.resolve().name
    name = name if split == "questions" else f"{name}/{split}"
    return library(name, read_lines(abstracts), read_lines(questions))


def _read_qrels(path: Path) -> list[Line]:
    """Return the rows of a BEIR qrels file as records: `query-id`, `corpus-id` and `score`, tab-separated."""
    data, stopped = read_bytes(path)
    if stopped:
        raise CorpusError(f"{path.name} {stopped}; save it again.")
    rows = []
    for number, row in enumerate((decode(data) or "").split("\n"), 1):
        fields = row.strip().split("\t")
        if not row.strip() or (number == 1 and fields[0] == "query-id"):
            continue
        if len(fields) != 3 or not fields[2].lstrip("-").isdigit():
            raise CorpusError(
                f"Line {number} of {path.name} is not query-id, corpus-id and a whole score, divided by "
                "tabs; "
                "correct it."
            )
        record = dict(zip(("query-id", "corpus-id", "score"), fields, strict=True))
        rows.append(Line(path.name, number, record))
    if not rows:
        raise CorpusError(f"{path.name} holds no judgement; add one a line: query-id, corpus-id, score.")
    return rows


def _file(folder: Path, stem: str) -> Path | None:
    return next((file for suffix in _SUFFIXES if (file := folder / f"{stem}{suffix}").is_file()), None)


def _stem(file: Path) -> str:
    return file.name.removesuffix(".gz").removesuffix(".jsonl")


def _name(file: Path) -> str:
    return f"{file.resolve().parent.name}/{_stem(file)}"
