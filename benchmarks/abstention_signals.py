"""What the abstention benchmark sees of a question: each abstract that may be asked, and how its reply fared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.abstention_data import Task
from rag.abstain import Abstention, Gate, Weights, is_polar
from rag.embed import Embedder
from rag.llm import LLM
from rag.question import is_yes_no_question
from rag.respond import SEVERAL_ABSTRACTS, SEVERAL_GAP, Answerer
from rag.retrieve import retrieve
from rag.schema import LANGUAGES, Language
from rag.settings import Settings
from rag.store import Store
from rag.verify import Verdict, verifier_for

# The first sentence or two tell; what is cut off is left out.
_MAX_TOKENS = 64
# More abstracts are asked than `rag.respond.SINGLE_GAP` lets answer: what they say wrongly is seen too.
_GAP = 0.4
_SHUT = Weights(0.0, 0.0, 0.0, 0.0, least=2.0)


@dataclass(frozen=True)
class Try:
    """What was seen of a question put to one abstract: whether that `answers` it, and of the best sentence of the reply its
    `support` (None where a rule refuted all, or the abstract lacks a name in each).
    """

    answers: bool
    refusal: float
    nearness: float
    support: float | None = None


@dataclass(frozen=True)
class Signals:
    """What was seen of one question, abstract by abstract; nothing where it names what none of them does."""

    key: str
    dataset: str
    language: Language
    answerable: bool
    second_half: bool
    names_paper: bool
    polar: bool
    tries: tuple[Try, ...]

    @property
    def judged_as_polar(self) -> bool:
        """Whether `rag.abstain` judges the question as one that asks for yes or no."""
        return is_polar(self.language, is_yes_no_question=self.polar)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Signals:
        """Read what `asdict` made."""
        return cls(**{**raw, "tries": tuple(Try(**each) for each in raw["tries"])})


@dataclass(frozen=True)
class Recorder(Abstention):
    """Lets nothing pass, so that every abstract is asked, and remembers the gates."""

    gates: list[_ShutGate] = field(default_factory=list)

    def make_gate(self, weights: Weights, nearness: float, refusal: float, *, shows_weak: bool) -> Gate:
        """Return a gate that is shut."""
        self.gates.append(_ShutGate(weights, nearness, refusal, shows_weak))
        return self.gates[-1]


@dataclass(frozen=True)
class _ShutGate(Gate):
    seen: list[Verdict] = field(default_factory=list)

    @property
    def hopeless(self) -> bool:
        """Whether the model need not go on: it has to."""
        return False

    def of(self, verdict: Verdict) -> float:
        """Remember the verdict where no rule made it; do not let it pass."""
        if not verdict.refuted and not verdict.missing:
            self.seen.append(verdict)
        return 0.0


def signals(task: Task, store: Store, embedder: Embedder, llm: LLM, settings: Settings) -> Signals:
    """Put one question to every abstract that may be asked; first replies are what `rag.respond` judges by."""
    query = task.question.query
    left_out = task.question.gains if task.without else {}
    k = SEVERAL_ABSTRACTS if task.several else settings.top_k
    found = retrieve(store, embedder, query.text, query.language, k + len(left_out))
    contexts = [context for context in found if context.paper.paper_id not in left_out][:k]
    recorder = Recorder("recorder", "", dict.fromkeys(LANGUAGES, _SHUT), _SHUT, _SHUT)
    verifier = verifier_for(settings.embedding_model, embedder, store.alignment)
    responder = Answerer(llm, embedder, store.alignment, verifier, _MAX_TOKENS, None, recorder, None)
    asked = responder.asked(query.text, query.language, contexts)
    *_, _ = responder.put_to_each(asked) if task.several else responder.put_singly(asked, _GAP)
    if task.several:
        turns = sorted(asked.in_turn(SEVERAL_GAP))
    else:
        turns = [] if asked.unknown else asked.first_in_turn(_GAP)
    tries = []
    for (number, _), gate in zip(turns, recorder.gates, strict=True):
        answers = task.answerable and contexts[number - 1].paper.paper_id in task.question.gains
        plain = Try(answers, gate.refusal, gate.nearness)
        best = max(gate.seen, key=lambda verdict: verdict.score, default=None)
        tries.append(replace(plain, support=best.score) if best else plain)
    return Signals(
        task.key,
        task.dataset,
        query.language,
        task.answerable,
        task.second_half,
        query.names_paper,
        is_yes_no_question(query.text),
        tuple(tries),
    )
