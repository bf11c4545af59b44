"""Questions to fit abstention on, each with the abstracts retrieved for it, and again with those that answer it left out.

Leaving the relevant abstracts out of what is retrieved is the corpus without them, but for the statistics of its index.
Questions over several abstracts have a gate of their own: those of the development set are a set by themselves, of the
others they are left out. SciFact's claims are put as questions. Halves are drawn with a fixed seed; a question is in the same half both times.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import dev_corpus
from benchmarks.answers import development_questions
from benchmarks.verification_data import scifact_records
from rag import models
from rag.dataset_records import Dataset, Document, Query
from rag.datasets import limited, load_dataset
from rag.embed import Embedder
from rag.evaluate_index import dataset_index
from rag.indexing import open_index
from rag.question import is_multi_document
from rag.relevance import Judged, judge
from rag.store import Store

DATA = dev_corpus.DATA.parent.parent
SEED = 20261121
DEVELOPMENT = "development"
PARTS = "development, several"
# SciFact's abstracts that no claim cites, added to those that are asked about.
_OTHERS = 500


@dataclass(frozen=True)
class Task:
    """One question to ask: with `without`, none of the abstracts that are relevant to it is read."""

    dataset: str
    question: Judged
    without: bool

    @property
    def several(self) -> bool:
        """Whether each abstract is asked for its part."""
        return self.dataset == PARTS

    @property
    def key(self) -> str:
        """Name it, across runs."""
        return f"{self.dataset}/{self.question.query.query_id}/{'without' if self.without else 'with'}"

    @property
    def answerable(self) -> bool:
        """Whether it should be answered."""
        return self.question.query.answerable and not self.without

    @property
    def second_half(self) -> bool:
        """Whether it is reported on, not fitted on."""
        return random.Random(f"{SEED} {self.dataset}/{self.question.query.query_id}").random() < 0.5


def all_tasks(embedder: Embedder, each: int) -> Iterator[tuple[str, Store, list[Task]]]:
    """Yield every data set with its open index and tasks; `each` is how many questions of a published one."""
    index, positions = dev_corpus.build()
    with closing(open_index(index, embedder.name)) as store:
        development = development_questions(store, positions)
        judged = judge(development, store)
        several = [question for question in judged if is_multi_document(question.query.text)]
        for name, asked in ((DEVELOPMENT, [q for q in judged if q not in several]), (PARTS, several)):
            yield name, store, [Task(name, question, False) for question in asked]
    for name, dataset in published().items():
        single = [query for query in dataset.queries if not is_multi_document(query.text)]
        chosen = replace(dataset, queries=tuple(limited(single, each)))
        found = dataset_index(chosen, embedder, models.cache_dir())
        with closing(open_index(found.directory, embedder.name)) as store:
            judged = judge(chosen, store)
            yield (
                name,
                store,
                [Task(name, question, without) for question in judged for without in (False, True)],
            )


def published(data: Path = DATA) -> Mapping[str, Dataset]:
    """Return the published data sets by name."""
    return {
        "RGB zh_refine": load_dataset(data / "rgb" / "zh_refine"),
        "RGB en_fact": load_dataset(data / "rgb" / "en_fact"),
        "PubMedQA": load_dataset(data / "pubmedqa" / "dev"),
        "SciFact": scifact(),
    }


def scifact() -> Dataset:
    """Return the claims of claims_dev that an abstract supports, as questions on those abstracts and some others."""
    claims = [claim for claim in scifact_records("claims_dev") if _supporting(claim)]
    corpus = {str(record["_id"]): record for record in scifact_records("corpus")}
    asked = dict.fromkeys(paper for claim in claims for paper in _supporting(claim))
    others = random.Random(SEED).sample(sorted(corpus.keys() - asked.keys()), _OTHERS)
    documents = [
        Document(paper, str(corpus[paper]["text"]), str(corpus[paper]["title"]))
        for paper in (*asked, *others)
    ]
    queries = [
        Query(
            str(claim["id"]), _as_question(str(claim["claim"])), "en", dict.fromkeys(_supporting(claim), 1.0)
        )
        for claim in claims
    ]
    return Dataset("scifact/claims", "beir", tuple(documents), tuple(queries))


def _supporting(claim: Mapping[str, object]) -> Sequence[str]:
    evidence = claim["evidence"]
    assert isinstance(evidence, dict)
    return [paper for paper, found in evidence.items() if all(part["label"] == "SUPPORT" for part in found)]


def _as_question(claim: str) -> str:
    """Put a claim as a question, its first letter small unless it begins a name."""
    head = claim[:1].lower() if claim[1:2].islower() else claim[:1]
    return f"Is it true that {head}{claim[1:].rstrip('. ')}?"
