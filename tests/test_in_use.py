"""Settings and models changed while questions are answered."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.answering.abstention import Abstention
from rag.errors import LLMResponseError, ModelError, SettingsError
from rag.in_use import InUse
from rag.llm.in_use import LLMInUse
from rag.pipeline import RAG
from rag.schema import SourcesEvent
from rag.settings import load_settings
from tests.bad_endpoint import good, serve, status
from tests.conftest import ScriptedLLM

OpenRag = Callable[..., RAG]
QUESTION = "What FID does Muse reach on CC3M?"
SECRET = "sk-very-secret"


def scripted(reply: str = "It is 6.06 [1].") -> ScriptedLLM:
    return ScriptedLLM(lambda messages: reply)


def test_an_answer_in_progress_ends_with_its_model_which_is_closed_after_it() -> None:
    old, new = scripted(), scripted()
    model = LLMInUse(old)
    lease = model.lease()
    model.exchange(new)
    assert (model.llm, lease.llm, old.closed) == (new, old, False)
    lease.end()
    assert (old.closed, new.closed) == (True, False)


def test_a_model_that_nobody_uses_is_closed_at_once_and_all_are_at_the_end() -> None:
    first, second, third = scripted(), scripted(), scripted()
    model = LLMInUse(first)
    model.exchange(second)
    assert first.closed
    lease = model.lease()
    model.exchange(third)
    model.close()
    assert second.closed
    assert third.closed
    lease.end()


def test_a_question_that_is_dropped_before_it_began_holds_no_model(open_rag: OpenRag) -> None:
    rag = open_rag()
    old = rag.llm
    assert isinstance(old, ScriptedLLM)
    events = rag.ask(QUESTION, stream=True)
    with serve(good()) as endpoint:
        rag.use(llm_base_url=endpoint.base_url, llm_model="m")
    assert not old.closed
    del events
    gc.collect()
    assert old.closed


def test_the_next_question_goes_to_the_new_model(open_rag: OpenRag) -> None:
    rag = open_rag("It reaches 6.06 [1].")
    events = rag.ask(QUESTION, stream=True)
    assert any(isinstance(event, SourcesEvent) for event in events)
    with serve(good("An endpoint says 6.06 [1].")) as endpoint:
        rag.use(llm_base_url=endpoint.base_url, llm_model="m", abstracts_per_chat="all")
        assert "It reaches 6.06" in list(events)[-1].answer
        assert "An endpoint says" in rag.ask(QUESTION).answer
    assert rag.settings.llm_model == "m"


def test_numbers_change_without_a_new_model(open_rag: OpenRag) -> None:
    rag = open_rag()
    model = rag.llm
    rag.use(top_k=1)
    assert len(rag.ask(QUESTION).contexts) == 1
    assert rag.llm is model


def test_lenient_shows_what_strict_refuses(open_rag: OpenRag) -> None:
    doubtful = Abstention("scripted", None, -1.0, 0.0, 0.0, 0.0, 0.0, threshold=0.5, lenient=0.2)
    rag = open_rag(abstention=doubtful)
    assert isinstance(rag.llm, ScriptedLLM)
    rag.llm.supports_grammar, rag.llm.first_tokens = True, lambda _: [("It", -0.1)]
    assert rag.ask(QUESTION).refused
    rag.use(refusal="lenient")
    assert not rag.ask(QUESTION).refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top_k": 0}, "top_k"),
        ({"top_k": None}, "top_k"),
        ({"refusal": "maybe"}, "refusal"),
        ({"index": "elsewhere"}, "needs a new start"),
        ({"colour": "blue"}, "does not exist"),
        ({"llm_base_url": "ftp://x"}, "OpenAI-compatible"),
        ({"llm_base_url": "http://127.0.0.1/v1", "llm_model": " "}, "must name the model"),
        ({"llm_base_url": "http://127.0.0.1/v1", "llm_api_key": "schlüssel"}, "no key has"),
        ({"llm_model": "/nowhere/at/all.gguf"}, "cannot be read"),
        ({"llm_model": "qwen2.5-7b-instruct"}, "rag models pull qwen2.5-7b-instruct"),
    ],
)
def test_a_wrong_value_is_one_sentence_and_changes_nothing(
    open_rag: OpenRag,
    changes: dict[str, object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("RAG_CACHE", str(tmp_path / "cache"))
    rag = open_rag()
    before, model = rag.settings, rag.llm
    with pytest.raises((SettingsError, ModelError), match=message):
        rag.use(**{"top_k": 5} | changes)
    assert (rag.settings, rag.llm) == (before, model)


def test_a_file_that_is_no_model_is_refused(open_rag: OpenRag, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("not a model", encoding="utf-8")
    with pytest.raises(ModelError, match="not a GGUF file"):
        open_rag().use(llm_model=str(tmp_path / "text.gguf"))


def test_a_key_goes_to_its_own_address_only() -> None:
    in_use = InUse(load_settings(llm_base_url="http://127.0.0.1:1/v1", llm_model="m", llm_api_key=SECRET))
    in_use.use({"top_k": 4})
    assert in_use.settings.llm_api_key is not None
    with serve(good()) as endpoint:
        in_use.use({"llm_base_url": endpoint.base_url})
        assert in_use.settings.llm_api_key is None
        in_use.try_llm({})
    assert "authorization" not in endpoint.headers[0]
    assert SECRET not in repr(in_use.settings)


def test_the_packaged_model_can_be_chosen_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("RAG_LLM_MODEL", "m")
    in_use = InUse(load_settings(), scripted())
    with serve(good()) as endpoint:
        in_use.use({"llm_base_url": endpoint.base_url})
    assert in_use.settings.llm_base_url == endpoint.base_url
    in_use.settings = load_settings(llm_base_url="http://127.0.0.1:1/v1")
    with pytest.raises(ModelError):
        in_use.use({"llm_base_url": None, "llm_model": "/nowhere.gguf"})


def test_a_trial_asks_for_one_word_and_keeps_the_model_in_use(open_rag: OpenRag) -> None:
    rag = open_rag()
    model = rag.llm
    with serve(good("yes")) as endpoint:
        trial = rag.try_llm(llm_base_url=endpoint.base_url, llm_model="m", llm_api_key=SECRET)
    assert (trial.model, trial.is_remote, rag.llm) == ("m", False, model)
    assert 0 < trial.first_token_s < 10
    [sent] = endpoint.bodies
    assert "Muse" not in str(sent)
    assert endpoint.headers[0]["authorization"] == f"Bearer {SECRET}"


def test_a_trial_that_fails_says_why_without_the_key(open_rag: OpenRag) -> None:
    with (
        serve(status(404, f"no model m for {SECRET}")) as endpoint,
        pytest.raises(LLMResponseError) as error,
    ):
        open_rag().try_llm(llm_base_url=endpoint.base_url, llm_model="m", llm_api_key=SECRET)
    assert SECRET not in str(error.value)


def test_another_model_answers_one_question_and_is_closed_after_it(tmp_path: Path) -> None:
    own, other = scripted(), scripted()
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    in_use = InUse(load_settings(), own, lambda settings: other)
    lease = in_use.lease(str(tmp_path / "other.gguf"))
    assert (lease.llm, in_use.llm, in_use.lease().llm) == (other, own, own)
    assert not other.closed
    lease.end()
    assert (own.closed, other.closed) == (False, True)


def test_another_model_that_is_not_here_is_one_sentence(open_rag: OpenRag) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        open_rag().ask(QUESTION, model="/nowhere/at/all.gguf")
