"""Log probabilities of a reply's tokens."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest

from rag.errors import LLMError
from rag.llm.base import Message
from rag.llm.logprobs import Logprobs
from rag.llm.openai_compatible import EndpointLLM
from tests import bad_endpoint as bad


def test_the_slot_is_sent_to_a_server_with_slots() -> None:
    with bad.serve(bad.good()) as server:
        llm = EndpointLLM(server.base_url, "some-model", slot=3)
        with suppress(LLMError):
            llm.complete([Message("user", "Is it so?")], max_tokens=1)
    assert [sent["id_slot"] for sent in server.bodies] == [3]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([], 0.0),
        ([("It", -2.0)], 0.0),
        ([("It", -2.0), (" is", -0.5), (" 6", -0.1)], 0.6),
        ([("It", 0.0), ("是", -math.inf), ("?", 0.0)], 8.0),
    ],
)
def test_the_first_token_does_not_count_in_the_negative_log_likelihood(
    written: list[tuple[str, float]], expected: float
) -> None:
    assert Logprobs(written=written).negative_log_likelihood == pytest.approx(expected)
