"""Measure how often what the language model reads holds the answer, by how many tokens it may read.

    python -m benchmarks.evidence [--tokens 160 180 200 220 250]

Development questions that one abstract answers, of which that abstract is retrieved and its text can be recognised to hold
the answer (the question's patterns are found in it). Counted is how often they are still found in what is left of it within
the budget, with `rag.evidence.NUMBER_BONUS` and without. No language model is asked.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from unittest.mock import patch

from benchmarks import dev_corpus
from benchmarks.answers import development_questions
from rag import evidence
from rag.align import Vectors
from rag.breadth import asks_for_several
from rag.chinese import to_simplified
from rag.configure import configured_embedder
from rag.dataset_records import Query
from rag.evidence import ContextSentences, evidence_for
from rag.indexing import open_index
from rag.layout import estimate_tokens
from rag.retrieve import retrieve
from rag.scoring import matches
from rag.settings import load_settings


@dataclass(frozen=True)
class Case:
    """A question with its aligned vector (d,), what is retrieved, and the number of the context that answers it."""

    query: Query
    vector: Vectors
    sentences: ContextSentences
    answering: int

    @property
    def cell(self) -> str:
        """Name the languages of question and abstract."""
        return f"{self.query.language}->{self.sentences.contexts[self.answering - 1].paper.language}"

    def holds_answer(self, text: str) -> bool:
        """Return whether a text holds every part of the answer."""
        return all(matches(need, text) for need in self.query.answers)

    def is_read(self, tokens: int) -> bool:
        """Return whether the answer is among so many tokens."""
        read = evidence_for(self.sentences, self.query.text, self.vector, estimate_tokens, tokens)
        return self.holds_answer(read.get(self.answering, ""))


def main() -> None:
    """Print a row for each budget."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[160, 180, 200, 220, 250])
    budgets = parser.parse_args().tokens
    found = list(cases())
    total = Counter(case.cell for case in found)
    print(f"{len(found)} questions: {dict(total)}")
    for bonus in (0.0, evidence.NUMBER_BONUS):
        with patch.object(evidence, "NUMBER_BONUS", bonus):
            for tokens in budgets:
                read = Counter(case.cell for case in found if case.is_read(tokens))
                cells = ", ".join(f"{cell} {read[cell]}/{total[cell]}" for cell in sorted(total))
                print(f"bonus {bonus}, {tokens} tokens: {read.total()} ({cells})", flush=True)


def cases() -> Iterator[Case]:
    """Yield what is measured."""
    settings = load_settings()
    embedder = configured_embedder(settings)
    index, positions = dev_corpus.build()
    with closing(open_index(index, embedder.name)) as store:
        for query in development_questions(store, positions).queries:
            if query.every or not query.relevant or not query.answers or asks_for_several(query.text):
                continue
            contexts = retrieve(store, embedder, query.text, query.language, settings.top_k)
            papers = [context.paper.paper_id for context in contexts]
            answering = next((n for n, paper in enumerate(papers, 1) if paper in query.relevant), None)
            if answering is None:
                continue
            raw = embedder.embed_query(to_simplified(query.text))
            vector: Vectors = store.alignment.apply_query(raw, query.language)[0]
            case = Case(query, vector, ContextSentences(contexts, embedder, store.alignment), answering)
            if case.holds_answer(contexts[answering - 1].paper.text):
                yield case


if __name__ == "__main__":
    main()
