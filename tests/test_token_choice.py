"""A choice between given answers: what token probabilities mean, and what endpoints that give none do."""

from __future__ import annotations

import math
from contextlib import suppress

import bad_endpoint as bad
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.endpoint import EndpointLLM, Message
from rag.errors import LLMError, LLMResponseError, LLMUnreachableError
from rag.token_choice import Logprobs, option_shares

ASK = [Message("user", "Is it so? Answer Yes or No.")]
OPTIONS = ("Yes", "No")


def client(base_url: str) -> EndpointLLM:
    return EndpointLLM(base_url, "some-model", "sk-our-own-key-123456", stall_timeout_s=0.5)


def test_spellings_of_one_option_count_together() -> None:
    tokens = [
        ("Yes", math.log(0.3)),
        (" yes", math.log(0.1)),
        ("NO", math.log(0.1)),
        ("Maybe", math.log(0.5)),
    ]
    shares = option_shares(tokens, OPTIONS)
    assert shares is not None
    assert shares["Yes"] == pytest.approx(0.8)


@pytest.mark.parametrize("tokens", [[], [("Maybe", -0.1)], [("", 0.0), (" ", -1.0)], [("Yessir", -0.1)]])
def test_without_a_token_of_an_option_there_is_no_answer(tokens: list[tuple[str, float]]) -> None:
    assert option_shares(tokens, OPTIONS) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], 0.0),
        ([("It", -2.0)], 0.0),
        ([("It", -2.0), (" is", -0.5), (" 6", -0.1)], 0.6),
        ([("It", 0.0), ("是", -math.inf), ("?", 0.0)], 8.0),
    ],
)
def test_surprisal_is_the_sum_over_all_tokens_but_the_first(
    written: list[tuple[str, float]], expected: float
) -> None:
    assert Logprobs(written=written).surprisal == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.sampled_from(["Yes", " no", "Y", "N", "?", "是"]), st.floats(-30, 0)), max_size=20)
)
def test_shares_sum_to_one(tokens: list[tuple[str, float]]) -> None:
    shares = option_shares(tokens, OPTIONS)
    assert shares is None or sum(shares.values()) == pytest.approx(1)


def test_one_token_is_asked_for_with_its_probabilities() -> None:
    with bad.serve(bad.choice({"Yes": math.log(0.6), "No": math.log(0.2)})) as server:
        shares = client(server.base_url).choose(ASK, OPTIONS)
    assert shares == {"Yes": pytest.approx(0.75), "No": pytest.approx(0.25)}
    [sent] = server.bodies
    assert (sent["max_tokens"], sent["logprobs"], sent["temperature"]) == (1, True, 0.0)
    assert not sent.get("stream")
    assert "id_slot" not in sent
    assert server.headers[0]["user-agent"] == "citefold"


def test_a_server_with_slots_is_told_which_to_take() -> None:
    with bad.serve(bad.choice({"Yes": math.log(0.6)})) as server:
        llm = EndpointLLM(server.base_url, "some-model", slot=3)
        llm.choose(ASK, OPTIONS)
        with suppress(LLMError):
            llm.complete(ASK, max_tokens=1)
    assert [sent["id_slot"] for sent in server.bodies] == [3, 3]


@pytest.mark.parametrize(
    "behaviour",
    [bad.choice(None), bad.choice({}), bad.status(400, "logprobs is not supported"), bad.status(422)],
    ids=["left out", "empty", "refused", "not processable"],
)
def test_an_endpoint_without_probabilities_gives_none(behaviour: bad.Behaviour) -> None:
    with bad.serve(behaviour) as server:
        assert client(server.base_url).choose(ASK, OPTIONS) is None


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (bad.status(401), LLMResponseError),
        (bad.status(500), LLMError),
        (bad.page, LLMResponseError),
        (bad.redirect("http://127.0.0.1:9/"), LLMError),
        (bad.stall_before_headers, LLMUnreachableError),
    ],
    ids=["key", "fault", "page", "redirect", "stall"],
)
def test_failures_are_those_of_a_reply(behaviour: bad.Behaviour, kind: type[LLMError]) -> None:
    with bad.serve(behaviour) as server, pytest.raises(kind) as caught:
        client(server.base_url).choose(ASK, OPTIONS)
    assert "sk-our-own-key" not in str(caught.value)
