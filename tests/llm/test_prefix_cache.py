"""The prompt-prefix cache restores KV states, and no question is saved."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from rag.llm.base import Message, Shared
from rag.llm.llama_cpp.client import EmbeddedLLM
from rag.llm.llama_cpp.kv_cache import PromptCache
from rag.llm.logprobs import Logprobs

RULES = [Message("system", "Rules: " + "be exact and cite your sources. " * 20)]
LONGER = [*RULES, Message("user", "Which rule comes first?"), Message("assistant", "Be exact.")]
HI = Message("user", "Say hi.")


def tokens_reused(llm: EmbeddedLLM, messages: Sequence[Message]) -> int:
    """Ask as `llm` itself would; return how many prompt tokens came from the cache."""
    import httpx

    base_url, key = llm.address()
    body = {"messages": [asdict(message) for message in messages], "max_tokens": 1}
    with httpx.Client(trust_env=False, timeout=60) as http:
        sent = http.post(
            f"{base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        )
    return int(sent.json()["timings"]["cache_n"])


def tokens_read(llm: EmbeddedLLM, messages: Sequence[Message]) -> int:
    """Load the cached prefix, then ask; return how many prompt tokens were prefilled."""
    import httpx

    llm._load_prefix(messages)
    base_url, key = llm.address()
    body = {"messages": [asdict(message) for message in messages], "max_tokens": 1, "id_slot": 0}
    with httpx.Client(trust_env=False, timeout=60) as http:
        sent = http.post(
            f"{base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        )
    return int(sent.json()["timings"]["prompt_n"])


@pytest.mark.llm
class TestPrefixes:
    def test_a_prefix_is_prefilled_once_per_machine(self, gguf: Path, tmp_path: Path) -> None:
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path)) as first:
            first.warm()
        (kept,) = tmp_path.iterdir()
        written = kept.stat().st_ino
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path)) as second:
            second.warm()
            assert tokens_reused(second, [*RULES, HI]) > 100
        assert [file.stat().st_ino for file in tmp_path.iterdir()] == [written]

    def test_chats_of_two_kinds_do_not_cost_each_other_their_prefix(self, gguf: Path, tmp_path: Path) -> None:
        other = [Message("system", "You translate. " * 40)]
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES, other], tmp_path)) as llm:
            for prefix in (RULES, other, RULES):
                assert llm.complete([*prefix, HI], max_tokens=2)
            llm.complete([*other, HI], max_tokens=2)
            llm.warm()
            assert tokens_reused(llm, [*RULES, HI]) > 100
        assert len(list(tmp_path.iterdir())) == 2

    def test_preparing_saves_every_prefix_and_ends_with_the_most_common(
        self, gguf: Path, tmp_path: Path
    ) -> None:
        other = [Message("system", "You translate. " * 40)]
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES, other], tmp_path)) as llm:
            llm.prepare()
            assert len(list(tmp_path.iterdir())) == 2
            assert tokens_reused(llm, [*RULES, HI]) > 100

    def test_no_question_is_saved_with_a_prefix(self, gguf: Path, tmp_path: Path) -> None:
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES, LONGER], tmp_path)) as llm:
            llm.warm()
            (kept,) = tmp_path.iterdir()
            before = kept.read_bytes()
            askers = [
                threading.Thread(
                    target=lambda n=n: llm.complete([*RULES, Message("user", f"Count to {n}.")], max_tokens=4)
                )
                for n in range(3)
            ]
            for asker in askers:
                asker.start()
            llm.complete([*LONGER, HI], max_tokens=2)
            for asker in askers:
                asker.join()
            assert kept.read_bytes() == before
            (longer,) = set(tmp_path.iterdir()) - {kept}
        with closing(EmbeddedLLM(gguf, "qwen", None, [LONGER], tmp_path)) as fresh:
            fresh.warm()
        assert {kept, longer} == set(tmp_path.iterdir()), "the same chat begins with the same file"
        with closing(EmbeddedLLM(gguf, "qwen", None, [LONGER], tmp_path / "alone")) as alone:
            alone.warm()
        (expected,) = (tmp_path / "alone").iterdir()
        assert longer.stat().st_size == expected.stat().st_size

    def test_a_broken_state_is_written_anew(self, gguf: Path, tmp_path: Path) -> None:
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path)) as llm:
            llm.warm()
        (kept,) = tmp_path.iterdir()
        size = kept.stat().st_size
        kept.write_bytes(b"broken")
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path)) as llm:
            assert llm.complete([*RULES, HI], max_tokens=2)
        assert kept.stat().st_size == size

    def test_a_place_that_cannot_be_written_costs_time_only(self, gguf: Path, tmp_path: Path) -> None:
        taken = tmp_path / "file"
        taken.write_text("not a folder")
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], taken / "states")) as llm:
            llm.warm()
            assert llm.complete([*RULES, HI], max_tokens=2)


# --- shared parts of messages

ABSTRACT = (
    "Abstract: Bees forage less near roads. At 12 hives traffic noise lowered foraging by 30 percent.\n\n"
)
OTHER = "Abstract: Muse reaches an FID of 6.06 on CC3M with 900M parameters.\n\n"


def about(abstract: str, question: str, name: str = "paper") -> list[Message]:
    return [*RULES, Message("user", f"{abstract}Question: {question}", Shared(name, len(abstract)))]


def head(abstract: str, name: str = "paper") -> list[Message]:
    return [*RULES, Message("user", abstract, Shared(name, len(abstract)))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "readings"


@pytest.fixture
def caching(gguf: Path, tmp_path: Path, folder: Path) -> Iterator[EmbeddedLLM]:
    """A model with a prompt cache in `folder`."""
    llm = EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path / "states", PromptCache(folder, 10**9))
    yield llm
    llm.close()


def again(gguf: Path, tmp_path: Path, most_bytes: int = 10**9) -> EmbeddedLLM:
    """The same in another process."""
    return EmbeddedLLM(
        gguf, "qwen", None, [RULES], tmp_path / "states", PromptCache(tmp_path / "readings", most_bytes)
    )


def said(llm: EmbeddedLLM, messages: Sequence[Message]) -> tuple[str, list[float]]:
    told = Logprobs()
    text = "".join(llm.stream(messages, max_tokens=12, logprobs=told))
    return text, [share for _, share in told.written]


@pytest.mark.llm
class TestPromptCache:
    def test_an_abstract_is_prefilled_once_for_all_questions(
        self, gguf: Path, tmp_path: Path, folder: Path, caching: EmbeddedLLM
    ) -> None:
        alone = said(caching, about(ABSTRACT, "How many hives?"))
        (kept,) = folder.iterdir()
        assert kept.name.startswith("paper-")
        written = kept.stat().st_ino
        caching.close()
        with closing(again(gguf, tmp_path)) as second:
            second.complete(about(OTHER, "Which FID?", "other"), max_tokens=1)
            text, shares = said(second, about(ABSTRACT, "How many hives?"))
            assert text == alone[0]
            assert shares == pytest.approx(alone[1], abs=0.02), "as if it had been read anew"
            whole = tokens_reused(second, about(ABSTRACT, "How many hives?"))
            second.complete(about(OTHER, "Which FID?", "other"), max_tokens=1)
            second.complete(about(ABSTRACT, "Where?"), max_tokens=1)
            # All but the question and the marks of a chat, though another abstract was read between.
            assert tokens_reused(second, about(ABSTRACT, "By how many percent?")) > whole - 20 > 100
        assert kept.stat().st_ino == written

    def test_no_question_is_cached(
        self, gguf: Path, tmp_path: Path, folder: Path, caching: EmbeddedLLM
    ) -> None:
        caching.complete(about(ABSTRACT, "Is the secret word xylophone?"), max_tokens=4)
        (kept,) = folder.iterdir()
        by_asking = kept.read_bytes()
        caching.close()
        kept.unlink()
        with closing(again(gguf, tmp_path)) as other:
            assert other.prefill(head(ABSTRACT)) == "cached"
        assert len(kept.read_bytes()) == len(by_asking)

    def test_prefill_leaves_only_the_question_to_process(self, caching: EmbeddedLLM) -> None:
        assert caching.prefill(head(ABSTRACT)) == caching.prefill(head(OTHER, "other")) == "cached"
        assert caching.prefill(head(ABSTRACT)) == "cached"
        told = tokens_read(caching, about(ABSTRACT, "How many hives?"))
        assert told < 25, "the question and the marks of a chat"

    def test_a_broken_cached_state_is_computed_again(self, folder: Path, caching: EmbeddedLLM) -> None:
        caching.prefill(head(ABSTRACT))
        (kept,) = folder.iterdir()
        size = kept.stat().st_size
        kept.write_bytes(b"broken")
        caching.complete(about(OTHER, "Which FID?", "other"), max_tokens=1)
        assert caching.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)
        assert kept.stat().st_size == size

    def test_a_cached_state_without_its_prefix_is_computed_again(
        self, tmp_path: Path, caching: EmbeddedLLM
    ) -> None:
        caching.prefill(head(ABSTRACT))
        caching.complete([Message("user", "Hello.")], max_tokens=1)
        for state in (tmp_path / "states").iterdir():
            state.unlink()
        assert caching.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)

    def test_without_room_nothing_is_prefilled_but_questions_are_answered(
        self, gguf: Path, tmp_path: Path, folder: Path
    ) -> None:
        with closing(again(gguf, tmp_path, most_bytes=0)) as llm:
            assert llm.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)
            assert not list(folder.glob("*"))
        with closing(again(gguf, tmp_path, most_bytes=1)) as llm:
            assert llm.prefill(head(ABSTRACT)) == "full"
            assert not list(folder.glob("*")), "one alone is more than there is room for"
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path / "states")) as llm:
            assert llm.prefill(head(ABSTRACT)) == "full"
            assert llm.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)

    def test_states_after_other_examples_are_evicted(
        self, gguf: Path, tmp_path: Path, folder: Path, caching: EmbeddedLLM
    ) -> None:
        assert caching.prefill(head(ABSTRACT)) == "cached"
        (old,) = folder.iterdir()
        caching.close()
        changed = EmbeddedLLM(gguf, "qwen", None, [LONGER], tmp_path / "states", PromptCache(folder, 10**9))
        with closing(changed):
            assert changed.prefill([*LONGER, head(ABSTRACT)[-1]]) == "cached"
        (new,) = folder.iterdir()
        assert new != old

    def test_leftovers_of_a_killed_process_are_deleted(
        self, gguf: Path, tmp_path: Path, caching: EmbeddedLLM
    ) -> None:
        states = tmp_path / "states"
        states.mkdir()
        left, recent = states / "left.part", states / "recent.part"
        left.touch()
        recent.touch()
        os.utime(left, (0, 0))
        caching.prefill(head(ABSTRACT))
        assert {file.name for file in states.iterdir() if file.suffix == ".part"} == {"recent.part"}

    def test_a_question_interrupts_a_prefill(self, caching: EmbeddedLLM) -> None:
        long = "Abstract: " + "Bees forage less near roads than they do near woods. " * 60
        caching.warm()
        outcome: list[str] = []
        began = threading.Event()

        class Told(list[Message]):
            """Says when the model has begun with it."""

            def __getitem__(self, key):
                began.set()
                return super().__getitem__(key)

        reader = threading.Thread(target=lambda: outcome.append(caching.prefill(Told(head(long)))))
        reader.start()
        began.wait()
        assert caching.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)
        reader.join()
        assert outcome == ["interrupted"]
        assert caching.prefill(head(ABSTRACT)) == "cached"
