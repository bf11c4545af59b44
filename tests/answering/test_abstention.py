"""Abstention: how likely the model was to refuse decides, by one threshold a language."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.abstention import PLAIN, Abstention, abstention_for, refusal_log_odds, shipped
from rag.answering.generation.prompts import NOT_FOUND, REFUSALS
from rag.answering.generation.streaming import SURE_CONFIDENCE
from rag.llm.base import Message
from rag.models.defaults import names
from rag.models.registry import MODELS
from rag.pipeline import RAG
from rag.schema import LANGUAGES
from rag.settings import load_settings
from tests.conftest import ScriptedLLM

OpenRag = Callable[..., RAG]
QUESTION = "What FID does Muse reach on CC3M?"
ABSTENTION = Abstention("scripted", None, 0.0, -1.0, 0.0, 0.0, 0.0, threshold=0.5)
SURE, REFUSING = [("It", -0.01)], [("NOT", -0.01)]


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


@given(st.floats(-8.0, 3.0), st.floats(-8.0, 3.0))
def test_confidence_falls_with_the_wish_to_refuse(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert 1 >= PLAIN.confidence(low) >= PLAIN.confidence(high) >= 0


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
    assert answer.confidence < 0.5


def test_a_sure_one_answers_and_its_confidence_is_told(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It reaches 6.06 [1].")
    llm = sure(rag, SURE)
    answer = rag.ask(QUESTION)
    assert answer.answer == "It reaches 6.06 [1]."
    assert answer.confidence is not None
    assert answer.confidence > 0.9
    assert answer.to_dict()["confidence"] == round(answer.confidence, 4)
    assert NOT_FOUND not in str(llm.grammars[-1])


def test_in_place_of_an_invention_of_a_sure_model_the_abstract_is_quoted(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It took 512 GPUs [1].")
    sure(rag, SURE)
    answer = rag.ask(QUESTION)
    assert "512" not in answer.answer
    assert answer.dropped_sentences == 1
    assert answer.answer.startswith("“")
    assert "“It reaches an FID of 6.06 on CC3M with 900M parameters.” [1]" in answer.answer
    assert {sentence.support for sentence in answer.sentences} == {"supported"}
    assert all(item.quote in answer.citations[0].text for s in answer.sentences for item in s.evidence)


def test_an_invention_of_a_model_that_is_not_sure_is_refused(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It took 512 GPUs [1].")
    sure(rag, [("It", math.log(0.7)), ("NOT", math.log(0.3))])
    answer = rag.ask(QUESTION)
    assert answer.refused
    assert answer.confidence is not None
    assert 0.5 < answer.confidence < SURE_CONFIDENCE


def test_of_several_abstracts_one_is_quoted_whose_reply_is_not_supported(open_rag: OpenRag) -> None:
    reply = {"6.06": "Muse reaches an FID of 6.06 on CC3M.", "12 hives": "Bees forage at 99 hives."}

    def script(messages: Sequence[Message]) -> str:
        return next((said for word, said in reply.items() if word in messages[-1].content), NOT_FOUND)

    rag = gated(open_rag, script)
    sure(rag, [("It", math.log(0.7)), ("NOT", math.log(0.3))])
    answer = rag.ask("Which papers reach FID with CC3M parameters or count honey bees at hives?")
    assert "99" not in answer.answer
    first, *quotes = answer.answer.split("\n\n")
    assert first == "Muse reaches an FID of 6.06 on CC3M [1]."
    assert any("12 hives" in quote and quote.endswith("[2]") for quote in quotes)
    assert answer.dropped_sentences >= 1


def test_each_of_several_abstracts_answers_for_itself(open_rag: OpenRag) -> None:
    rag = gated(open_rag, lambda messages: "Muse reaches an FID of 6.06 on CC3M [1].")
    llm = sure(rag, SURE)
    llm.first_tokens = lambda messages: SURE if "6.06" in messages[-1].content else REFUSING
    answer = rag.ask("Which papers reach FID with CC3M parameters or noise lowers foraging?")
    assert len(llm.chats) > 1
    assert "6.06" in llm.chats[0][-1].content
    assert ["6.06" in citation.text for citation in answer.citations] == [True]
    assert answer.confidence is not None
    assert answer.confidence > 0.5


def test_a_model_that_does_not_tell_decides_by_itself(open_rag: OpenRag) -> None:
    rag = gated(open_rag, "It reaches 6.06 [1].")
    answer = rag.ask(QUESTION)
    assert not answer.refused
    assert answer.confidence is None
    assert gated(open_rag, "NOT FOUND").ask(QUESTION).refused


def test_a_model_that_nothing_was_chosen_for_may_refuse(open_rag: OpenRag) -> None:
    rag = open_rag("It reaches 6.06 [1].")
    llm = sure(rag, REFUSING)
    assert not rag.ask(QUESTION).refused
    assert NOT_FOUND in str(llm.grammars[-1])


# --- what ships


def test_what_ships_is_for_default_models_and_may_refuse_and_answer() -> None:
    assert {each.llm for each in shipped()} <= set(MODELS)
    for embedding in (*names("embedder"), "some-other-model"):
        found = abstention_for(load_settings().llm_model, embedding)
        assert found is not None
        assert found.embedding in (embedding, None)
        for language in LANGUAGES:
            for stored in LANGUAGES:
                doubt = found.doubt(language, stored, 0.5)
                assert doubt.refuses(3.0)
                assert not doubt.refuses(-8.0)
    assert abstention_for("some-other-model", "embeddinggemma-300m") is None


def test_a_cosine_counts_only_for_the_embedder_that_it_was_fitted_to() -> None:
    with_cosine = abstention_for(load_settings().llm_model, "embeddinggemma-300m")
    without = abstention_for(load_settings().llm_model, "some-other-model")
    assert with_cosine is not None
    assert without is not None
    near, far = (with_cosine.doubt("en", "en", cosine).confidence(0.0) for cosine in (0.7, 0.3))
    assert near > with_cosine.threshold > far
    assert without.doubt("en", "en", 0.7) == without.doubt("en", "en", 0.3)
