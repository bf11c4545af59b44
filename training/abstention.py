"""Fit the abstention threshold of each language: log odds of a refusal above which no reply is shown.

    python -m training.abstention DATASET [--refused 0.85] [--write]

DATASET needs its own abstracts and some questions that none of them answers. The log odds are those of the
first token, for the abstracts that `rag.answering.answerer` would ask. The threshold is the highest that
refuses the wanted share of unanswerable questions. It is reported by two-fold cross-validation and fitted on
all questions but those over several abstracts. `--write` writes rag/data/abstention.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rag
from benchmarks.common import parser
from rag.answering.abstention import refusal_log_odds
from rag.answering.answerer import SINGLE_GAP, Answerer
from rag.answering.generation.grammar import answer_grammar
from rag.answering.retrieval import retrieve
from rag.answering.verification.verifier import verifier_for
from rag.evaluation.answer_tables import Share
from rag.evaluation.cache import dataset_index
from rag.evaluation.datasets.loading import load_dataset
from rag.evaluation.qrels import QueryWithQrels, resolve_qrels
from rag.evaluation.replay import RecordedLLM
from rag.factory import configured_embedder, configured_llm
from rag.llm.base import LLM
from rag.llm.logprobs import Logprobs
from rag.models import defaults as models
from rag.schema import LANGUAGES, Language
from rag.settings import load_settings
from rag.store.index import Store, open_index

OUTPUT = Path(rag.__file__).parent / "data" / "abstention.json"


@dataclass(frozen=True)
class Seen:
    """A question's language, whether an abstract answers it, and its lowest log odds of a refusal."""

    language: Language
    answerable: bool
    refusal: float


def main() -> None:
    """Report the thresholds, and write them on request."""
    command = parser(__doc__)
    command.add_argument("dataset", type=Path)
    command.add_argument(
        "--refused", type=float, default=0.85, help="share of unanswerable questions to refuse"
    )
    command.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    options = command.parse_args()
    settings = load_settings()
    embedder = configured_embedder(settings)
    dataset = load_dataset(options.dataset)
    index = dataset_index(dataset, embedder, models.cache_dir())
    model = configured_llm(settings.model_copy(update={"index": index.directory}))
    llm = RecordedLLM(model, models.cache_dir() / "evaluate" / f"replies-{Path(model.name).name}.jsonl")
    with closing(llm), closing(open_index(index.directory, embedder.name)) as store:
        verifier = verifier_for(embedder.name, embedder, store.alignment)
        answerer = Answerer(llm, embedder, store.alignment, verifier, settings.max_answer_tokens)
        asked = [q for q in resolve_qrels(dataset, store) if not q.query.every and not q.query.history]
        seen = [found for q in asked if (found := look(q, answerer, llm, store, settings.top_k)) is not None]
    thresholds = {str(language): report(language, seen, options.refused) for language in LANGUAGES}
    if options.write:
        known = json.loads(OUTPUT.read_text(encoding="utf-8"))
        OUTPUT.write_text(json.dumps(known | {llm.name: thresholds}, indent=1) + "\n", encoding="utf-8")


def look(question: QueryWithQrels, answerer: Answerer, llm: LLM, store: Store, top_k: int) -> Seen | None:
    """Ask the abstracts that would be asked; None if no abstract has a name of the question."""
    query = question.query
    contexts = retrieve(store, answerer.embedder, query.text, query.language, top_k)
    asked = answerer.query_context(query.text, query.language, contexts)
    if asked.unknown_names:
        return None
    found = []
    for number in asked.ranked_contexts(SINGLE_GAP):
        chat, logprobs = answerer.chat(asked, number), Logprobs()
        grammar = answer_grammar(chat.language, may_refuse=False)
        with closing(
            llm.stream(
                chat.messages, max_tokens=answerer.max_answer_tokens, grammar=grammar, logprobs=logprobs
            )
        ) as reply:
            next(reply, None)
        refusal = refusal_log_odds(logprobs.first)
        found += [] if refusal is None else [refusal]
    return Seen(query.language, query.answerable, min(found, default=0.0))


def choose(seen: Sequence[Seen], refused: float) -> float:
    """Return the highest threshold that refuses at least the share `refused` of unanswerable questions."""
    odds = [each.refusal for each in seen if not each.answerable]
    return round(float(np.quantile(odds, 1 - refused, method="lower")) - 0.005, 2) if odds else 0.0


def report(language: Language, seen: Sequence[Seen], refused: float) -> float:
    """Print the cross-validated errors of one language; return the threshold fitted on all questions."""
    own = [each for each in seen if each.language == language]
    halves = [own[::2], own[1::2]]
    passed = [
        (each.answerable, each.refusal <= choose(other, refused))
        for half, other in zip(halves, halves[::-1], strict=True)
        for each in half
    ]
    wrongly = [not shown for answerable, shown in passed if answerable]
    rightly = [not shown for answerable, shown in passed if not answerable]
    threshold = choose(own, refused)
    print(
        f"{language}: threshold {threshold}; crossed halves: refused {Share(sum(rightly), len(rightly))}, "
        f"wrongly refused {Share(sum(wrongly), len(wrongly))}"
    )
    return threshold


if __name__ == "__main__":
    main()
