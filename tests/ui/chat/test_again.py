"""A question asked again, with the model in use or another one."""

from __future__ import annotations

import asyncio
import re

import pytest

from rag.settings import Settings
from tests.fake_rag import FakeRAG, answer, context, script_of
from ui.chat import labels
from ui.chat.asking import Asking, asking_of, models_of
from ui.chat.format import turn_patch
from ui.chat.stream import follow
from ui.chat.turn import Turn

FOUND = context("Otters like amber lamps.")
DONE = Turn("Which lamps?").after(answer("Which lamps?", "Amber ones.", [FOUND]))
MODELS = ("large", "small <b>")


def shown(patch_key: str, models: tuple[str, ...] = (), turn: Turn = DONE) -> str:
    return turn_patch(1, turn, models)[patch_key]


@pytest.mark.parametrize("models", [(), ("large",)])
def test_without_another_model_it_is_one_button(models: tuple[str, ...]) -> None:
    assert "<details" not in shown("acts-1", models)
    assert 'class="act again"' in shown("acts-1", models)


def test_with_another_model_it_is_a_menu_that_names_the_one_in_use() -> None:
    html = shown("acts-1", MODELS)
    items = re.findall(r"<li>(.*?)</li>", html)
    assert [("in use" in item, "<b>" in item) for item in items] == [(True, False), (False, False)]
    assert "small &lt;b&gt;" in items[1]


def test_the_model_in_use_comes_first_and_those_on_this_machine_follow() -> None:
    rag = FakeRAG(script_of("", []))
    used = rag.settings.llm_model
    models = models_of(rag)
    assert models[0] == used
    assert sorted(models) == sorted(model["name"] for model in rag.info()["models"])
    rag.settings = Settings(llm_base_url="http://127.0.0.1:9/v1", llm_model="elsewhere")
    assert models_of(rag)[0] == "elsewhere"
    assert set(models_of(rag)[1:]) == set(models)


def test_only_a_model_that_is_offered_is_asked() -> None:
    def again(model: str) -> Asking | object:
        return asking_of({"turn": 1, "model": model}, "", (DONE,), MODELS)

    assert again("/etc/any.gguf") == labels.NO_MODEL
    other, used = again(MODELS[1]), again(MODELS[0])
    assert isinstance(other, Asking)
    assert isinstance(used, Asking)
    assert (other.model, other.again, used.model, used.again) == (MODELS[1], True, None, True)


@pytest.mark.parametrize("model", [None, "small"])
def test_the_model_is_asked_and_named_below_its_answer(model: str | None) -> None:
    rag = FakeRAG(script_of("Amber ones.", [FOUND]))

    async def last() -> Turn:
        return [turn async for turn in follow(rag, "Which lamps?", (), model=model)][-1]

    turn = asyncio.run(last())
    assert rag.models == [model]
    assert ("answered by small" in shown("notes-1", turn=turn)) == bool(model)
