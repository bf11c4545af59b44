"""Measure how often the selected sentences still contain the answer, by token budget.

    python -m benchmarks.evidence [--tokens 160 180 200 220 250]

It uses the development questions about one abstract whose patterns match that abstract, if it is retrieved. A
hit means that the patterns still match the selected sentences. `rag.answering.context.NUMBER_BONUS` is
switched on and off. No language model is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from benchmarks import dev_corpus
from benchmarks.answers import development_questions
from benchmarks.common import parser
from rag.answering.context import NUMBER_BONUS, ContextSentences, evidence_for
from rag.answering.generation.messages import estimate_tokens
from rag.answering.question import is_multi_document
from rag.answering.retrieval import query_vector, retrieve
from rag.embedding.base import Vectors
from rag.evaluation.datasets.records import Query
from rag.evaluation.scoring import holds_answer
from rag.factory import configured_embedder
from rag.settings import load_settings
from rag.store.index import open_index


@dataclass(frozen=True)
class Case:
    """A question, its aligned vector (d,), the retrieved sentences, and the answering context's number."""

    query: Query
    vector: Vectors
    sentences: ContextSentences
    answering: int

    @property
    def cell(self) -> str:
        """Return the languages of question and abstract, such as "en->zh"."""
        return f"{self.query.language}->{self.sentences.contexts[self.answering - 1].paper.language}"

    def is_read(self, tokens: int, bonus: float) -> bool:
        """Return whether the answer is among the selected `tokens`."""
        read = evidence_for(
            self.sentences, self.query.text, self.vector, estimate_tokens, tokens, number_bonus=bonus
        )
        return holds_answer(read.get(self.answering, ""), self.query)


def main() -> None:
    """Print a line for each budget."""
    command = parser(__doc__)
    command.add_argument("--tokens", type=int, nargs="+", default=[160, 180, 200, 220, 250])
    budgets = command.parse_args().tokens
    found = list(cases())
    total = Counter(case.cell for case in found)
    print(f"{len(found)} questions: {dict(total)}")
    for bonus in (0.0, NUMBER_BONUS):
        for tokens in budgets:
            read = Counter(case.cell for case in found if case.is_read(tokens, bonus))
            cells = ", ".join(f"{cell} {read[cell]}/{total[cell]}" for cell in sorted(total))
            print(f"bonus {bonus}, {tokens} tokens: {read.total()} ({cells})", flush=True)


def cases() -> Iterator[Case]:
    """Yield the questions to measure."""
    settings = load_settings()
    embedder = configured_embedder(settings)
    index, positions = dev_corpus.build()
    with closing(open_index(index, embedder.name)) as store:
        for query in development_questions(store, positions).queries:
            if query.every or not query.relevant or not query.answers or is_multi_document(query.text):
                continue
            contexts = retrieve(store, embedder, query.text, query.language, settings.top_k)
            papers = [context.paper.paper_id for context in contexts]
            answering = next((n for n, paper in enumerate(papers, 1) if paper in query.relevant), None)
            if answering is None:
                continue
            vector: Vectors = query_vector(embedder, store.alignment, query.text, query.language)[0]
            if holds_answer(contexts[answering - 1].paper.text, query):
                sentences = ContextSentences(contexts, embedder, store.alignment)
                yield Case(query, vector, sentences, answering)


if __name__ == "__main__":
    main()
