"""Abstention: the model's own wish to refuse, nearness and verification decide together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from conftest import HashEmbedder, ScriptedLLM
from hypothesis import given
from hypothesis import strategies as st

from rag.abstain import (
    Abstention,
    Gate,
    Weights,
    abstention_for,
    read_abstention,
    refusal_log_odds,
    shipped,
)
from rag.align import Alignment, Vectors
from rag.endpoint import Message
from rag.generate import Generated
from rag.model_specs import MODELS
from rag.pipeline import RAG
from rag.prompts import NOT_FOUND, REFUSALS
from rag.respond import Responder
from rag.schema import LANGUAGES, Chunk, Paper, ScoredChunk, Source, Support
from rag.settings import load_settings
from rag.verify import Verdict

OpenRag = Callable[..., RAG]
QUESTION = "What FID does Muse reach on CC3M?"
WEIGHTS = Weights(bias=0.0, refusal=-1.0, nearness=1.0, support=0.2, least=0.5)
PART = replace(WEIGHTS, bias=1.0, nearness=8.0)
POLAR = replace(WEIGHTS, bias=0.5)
ABSTENTION = Abstention("scripted", "hash", dict.fromkeys(LANGUAGES, WEIGHTS), POLAR, PART)
SUPPORTS: tuple[Support, ...] = ("supported", "weak", "unsupported")
SURE, UNSURE, REFUSING = [("It", -0.01)], [("It", -0.5), (" NOT", -1.2)], [("NOT", -0.01)]

shares = st.floats(0.0, 1.0)
odds = st.floats(-8.0, 3.0)


# --- what the model would have said


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ([], None),
        ([("It", 0.0)], -8.0),
        ([("NOT", 0.0)], 3.0),
        ([("NOT", math.log(0.5)), ("It", math.log(0.5))], 0.0),
        ([(" not", math.log(0.25)), ("Not", math.log(0.25)), ("N", math.log(0.5))], 0.0),
        ([("N", 0.0), ("NOTE", 0.0)], -8.0),
    ],
)
def test_the_wish_to_refuse_is_read_from_the_first_tokens(
    tokens: list[tuple[str, float]], expected: float | None
) -> None:
    found = refusal_log_odds(tokens)
    assert found == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.tuples(st.text(max_size=6), st.floats(-30.0, 0.0)), min_size=1, max_size=20))
def test_it_is_held_within_bounds_whatever_a_server_tells(tokens: list[tuple[str, float]]) -> None:
    found = refusal_log_odds(tokens)
    assert found is not None
    assert -8.0 <= found <= 3.0


# --- the gate


def judged(gate: Gate, verdict: Verdict, *, first: bool = True) -> Verdict:
    return gate.judge(verdict, gate.of(verdict), first=first)


@given(odds, odds, shares, st.floats(-1.0, 2.0))
def test_confidence_falls_with_the_wish_to_refuse(
    first: float, second: float, support: float, near: float
) -> None:
    low, high = sorted((first, second))
    assert Gate(WEIGHTS, near, low).confidence(support) >= Gate(WEIGHTS, near, high).confidence(support)


@given(odds, shares, st.floats(-1.0, 2.0), st.sampled_from(SUPPORTS))
def test_what_is_hopeless_lets_nothing_through(
    refusal: float, score: float, near: float, support: Support
) -> None:
    gate = Gate(WEIGHTS, near, refusal)
    verdict = judged(gate, Verdict(support, score))
    if gate.hopeless:
        assert verdict.support == "unsupported"
    assert verdict.score == score


def test_a_sure_model_saves_a_sentence_that_says_too_little_and_an_unsure_one_costs_it() -> None:
    unsupported = Verdict("unsupported", 0.05)
    assert judged(Gate(WEIGHTS, 0.4, -8.0), unsupported).support == "weak"
    assert judged(Gate(WEIGHTS, 0.4, 0.0), unsupported).support == "unsupported"
    assert judged(Gate(WEIGHTS, 0.4, 2.9), Verdict("supported", 0.8)).support == "unsupported"


def test_what_a_rule_refutes_stays_refuted_however_sure_the_model_is() -> None:
    refuted = Verdict("unsupported", 0.2, ("512",), refuted=True)
    assert judged(Gate(WEIGHTS, 0.9, -8.0), refuted) == refuted


def test_only_the_first_sentence_may_be_weak() -> None:
    gate, weak = Gate(WEIGHTS, 0.4, -8.0), Verdict("weak", 0.3)
    assert judged(gate, weak).support == "weak"
    assert judged(gate, weak, first=False).support == "unsupported"
    assert judged(gate, Verdict("supported", 0.9), first=False).support == "supported"


def test_a_name_that_the_abstract_lacks_counts_against_the_sentence() -> None:
    gate = Gate(WEIGHTS, 0.4, -1.0)
    assert gate.of(Verdict("weak", 0.8, ("ConvNeXt",))) < gate.of(Verdict("weak", 0.8))
    assert judged(gate, Verdict("weak", 0.8, ("ConvNeXt",))).support == "unsupported"


def test_an_english_question_for_yes_or_no_is_weighed_by_itself() -> None:
    assert ABSTENTION.gate("en", 0.0, 1.0, polar=True).weights == POLAR
    assert (
        ABSTENTION.gate("en", 0.0, 1.0).weights
        == ABSTENTION.gate("zh", 0.0, 1.0, polar=True).weights
        == WEIGHTS
    )


def test_a_part_needs_nearness_to_the_nearest_one() -> None:
    assert judged(ABSTENTION.part_gate(0.0, 0.5), Verdict("supported", 0.9)).support == "supported"
    assert ABSTENTION.part_gate(-0.4, 0.5).hopeless


def test_a_question_that_names_what_no_abstract_does_is_refused_without_asking(open_rag: OpenRag) -> None:
    rag = open_rag("It reaches 6.06.", ABSTENTION)
    assert isinstance(rag.llm, ScriptedLLM)
    answer = rag.ask("What FID does Muse reach on AMC23?")
    assert (answer.refused, answer.confidence, rag.llm.chats) == (True, 0.0, [])
    assert len(answer.contexts) == 3, "the closest are listed all the same"
    assert not rag.ask("What FID does Muse reach on CC3M?").refused
    assert rag.llm.chats


def test_of_several_abstracts_nothing_weak_is_shown() -> None:
    weak = Verdict("weak", 0.9)
    assert judged(ABSTENTION.gate("en", 1.0, -2.0), weak).support == "weak"
    assert judged(ABSTENTION.part_gate(0.0, -2.0), weak).support == "unsupported"


class WeakVerifier:
    """Finds every sentence weakly supported."""

    def verify(
        self, sentence: str, evidence: Sequence[str], *, vector: Vectors, vectors: Vectors, known: str
    ) -> Verdict:
        return Verdict("weak", 0.9)


@pytest.mark.parametrize(("lower", "refused"), [(0.0, False), (0.05, False), (0.5, True)])
def test_what_is_weak_is_shown_of_what_retrieval_puts_first(
    embedder: HashEmbedder, lower: float, refused: bool
) -> None:
    texts = {"Bees dance on warm days.": 1.0, "Muse reaches an FID of 6.06 on CC3M.": 1.0 - lower}
    contexts = [
        ScoredChunk(
            Paper(text, text, "en", (Source("a", 1),)), Chunk(text, text, text, 0, len(text), "en"), score
        )
        for text, score in texts.items()
    ]
    llm = ScriptedLLM(lambda _: "Muse reaches an FID of 6.06.")
    llm.supports_grammar = True
    llm.first_tokens = lambda messages: SURE if "Muse reaches" in messages[-1].content else REFUSING
    responder = Responder(llm, embedder, Alignment(), WeakVerifier(), 200, abstention=ABSTENTION)
    *_, end = responder.answer(QUESTION, "en", contexts)
    assert isinstance(end, Generated)
    assert end.refused is refused
    assert [sentence.support for sentence in end.cited.sentences] == ([] if refused else ["weak"])


# --- in the pipeline


def sure(rag: RAG, tokens: Sequence[tuple[str, float]]) -> ScriptedLLM:
    llm = rag.llm
    assert isinstance(llm, ScriptedLLM)
    llm.supports_grammar = True
    llm.first_tokens = lambda messages: tokens
    return llm


def gated(open_rag: OpenRag, reply: str | Callable[[Sequence[Message]], str]) -> RAG:
    return open_rag(reply, abstention=ABSTENTION)


def test_a_model_that_would_have_refused_is_stopped_and_believed(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It reaches 6.06 [1].")
    sure(rag, REFUSING)
    answer = rag.ask(QUESTION)
    assert answer.refused
    assert answer.answer == REFUSALS["en"]
    assert answer.dropped_sentences == 0, "nothing was read of its reply"
    assert answer.confidence is not None
    assert answer.confidence < WEIGHTS.least


def test_a_sure_one_answers_and_its_confidence_is_told(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It reaches 6.06 [1].")
    llm = sure(rag, SURE)
    answer = rag.ask(QUESTION)
    assert answer.answer == "It reaches 6.06 [1]."
    assert answer.confidence is not None
    assert answer.confidence > 0.9
    assert answer.to_dict()["confidence"] == round(answer.confidence, 4)
    assert NOT_FOUND not in str(llm.grammars[-1])


def test_an_unsure_one_answers_only_with_what_is_well_supported(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It reaches 6.06 [1]. It took 512 GPUs [1].")
    sure(rag, UNSURE)
    answer = rag.ask(QUESTION)
    assert answer.answer == "It reaches 6.06 [1]."
    assert answer.dropped_sentences == 1


def test_an_invention_is_refused_however_sure_the_model_was(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It took 512 GPUs [1].")
    sure(rag, SURE)
    answer = rag.ask(QUESTION)
    assert answer.refused
    assert answer.confidence == 0.0


def test_each_of_several_abstracts_answers_for_itself(open_rag: OpenRag) -> None:
    """The first one's sentence passes its own gate, not that of the reply that comes next."""
    rag = gated(open_rag, lambda messages: "Muse reaches an FID of 6.06 on CC3M [1].")
    llm = sure(rag, SURE)
    llm.first_tokens = lambda messages: SURE if "6.06" in messages[-1].content else REFUSING
    answer = rag.ask("Which papers reach FID with CC3M parameters or noise lowers foraging?")
    assert len(llm.chats) > 1
    assert "6.06" in llm.chats[0][-1].content
    assert ["6.06" in citation.text for citation in answer.citations] == [True]
    assert answer.confidence is not None
    assert answer.confidence > WEIGHTS.least


def test_a_model_that_does_not_tell_decides_by_itself(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It reaches 6.06 [1].")
    answer = rag.ask(QUESTION)
    assert not answer.refused
    assert answer.confidence is None
    assert gated(open_rag, "NOT FOUND").ask(QUESTION).refused


def test_a_model_that_nothing_was_fitted_for_may_refuse(open_rag: OpenRag) -> None:
    rag = open_rag("It reaches 6.06 [1].")
    llm = sure(rag, REFUSING)
    assert not rag.ask(QUESTION).refused
    assert NOT_FOUND in str(llm.grammars[-1])


# --- what ships


def test_a_name_that_the_abstract_lacks_is_never_shown_however_sure_the_model_is() -> None:
    gate, named = Gate(WEIGHTS, 0.9, -8.0), Verdict("weak", 0.9, ("AMC23",))
    assert judged(gate, replace(named, missing=())).support == "weak"
    assert judged(gate, named).support == "unsupported"


def test_what_ships_is_for_the_default_model_and_says_that_refusing_speaks_against_an_answer() -> None:
    settings = load_settings()
    found = abstention_for(settings.llm_model, settings.embedding_model)
    assert found is not None
    assert {name for each in shipped() for name in (each.llm, each.embedding)} <= set(MODELS)
    for language in LANGUAGES:
        weights = found.weights[language]
        assert weights.refusal < 0 <= min(weights.support, weights.nearness)
        assert 0 < weights.least < 1
        assert Gate(weights, 0.9, 3.0).hopeless
    assert found.part.refusal < 0 < found.part.nearness
    assert read_abstention(found.write()) == found
    with pytest.raises(ValueError, match="version 0"):
        read_abstention(found.write() | {"version": 0})
    assert abstention_for("some-other-model", settings.embedding_model) is None
    assert abstention_for(settings.llm_model, "some-other-model") is None
