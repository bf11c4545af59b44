"""What the embedded model has read once is not read again, and nothing that was asked is kept."""

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
from rag.llm.llama_cpp.kv_cache import Readings
from rag.llm.logprobs import Logprobs

RULES = [Message("system", "Rules: " + "be exact and cite your sources. " * 20)]
LONGER = [*RULES, Message("user", "Which rule comes first?"), Message("assistant", "Be exact.")]
HI = Message("user", "Say hi.")


def tokens_reused(llm: EmbeddedLLM, messages: Sequence[Message]) -> int:
    """Ask as `llm` itself would, and return how many tokens of the prompt were not read anew."""
    import httpx

    base_url, key = llm.address()
    body = {"messages": [asdict(message) for message in messages], "max_tokens": 1}
    with httpx.Client(trust_env=False, timeout=60) as http:
        sent = http.post(
            f"{base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        )
    return int(sent.json()["timings"]["cache_n"])


def tokens_read(llm: EmbeddedLLM, messages: Sequence[Message]) -> int:
    """Have `llm` take in what is kept, then ask as it would; return how many tokens of the prompt were read."""
    import httpx

    llm._hold(messages)
    base_url, key = llm.address()
    body = {"messages": [asdict(message) for message in messages], "max_tokens": 1, "id_slot": 0}
    with httpx.Client(trust_env=False, timeout=60) as http:
        sent = http.post(
            f"{base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
        )
    return int(sent.json()["timings"]["prompt_n"])


@pytest.mark.models
class TestPrefixes:
    def test_a_prefix_is_read_once_a_machine(self, gguf: Path, tmp_path: Path) -> None:
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

    def test_preparing_keeps_every_prefix_and_ends_with_the_commonest(
        self, gguf: Path, tmp_path: Path
    ) -> None:
        other = [Message("system", "You translate. " * 40)]
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES, other], tmp_path)) as llm:
            llm.prepare()
            assert len(list(tmp_path.iterdir())) == 2
            assert tokens_reused(llm, [*RULES, HI]) > 100

    def test_nothing_that_was_asked_is_kept(self, gguf: Path, tmp_path: Path) -> None:
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


# --- what is shared with other chats

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
def keeping(gguf: Path, tmp_path: Path, folder: Path) -> Iterator[EmbeddedLLM]:
    """A model that keeps readings in `folder`."""
    llm = EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path / "states", Readings(folder, 10**9))
    yield llm
    llm.close()


def again(gguf: Path, tmp_path: Path, most_bytes: int = 10**9) -> EmbeddedLLM:
    """The same in another process."""
    return EmbeddedLLM(
        gguf, "qwen", None, [RULES], tmp_path / "states", Readings(tmp_path / "readings", most_bytes)
    )


def said(llm: EmbeddedLLM, messages: Sequence[Message]) -> tuple[str, list[float]]:
    told = Logprobs()
    text = "".join(llm.stream(messages, max_tokens=12, logprobs=told))
    return text, [share for _, share in told.written]


@pytest.mark.models
class TestReadings:
    def test_an_abstract_is_read_once_whatever_is_asked_about_it(
        self, gguf: Path, tmp_path: Path, folder: Path, keeping: EmbeddedLLM
    ) -> None:
        alone = said(keeping, about(ABSTRACT, "How many hives?"))
        (kept,) = folder.iterdir()
        assert kept.name.startswith("paper-")
        written = kept.stat().st_ino
        keeping.close()
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

    def test_no_question_is_in_what_is_kept(
        self, gguf: Path, tmp_path: Path, folder: Path, keeping: EmbeddedLLM
    ) -> None:
        keeping.complete(about(ABSTRACT, "Is the secret word xylophone?"), max_tokens=4)
        (kept,) = folder.iterdir()
        by_asking = kept.read_bytes()
        keeping.close()
        kept.unlink()
        with closing(again(gguf, tmp_path)) as reading:
            assert reading.read(head(ABSTRACT)) == "kept"
        assert len(kept.read_bytes()) == len(by_asking)

    def test_reading_ahead_lets_the_answer_begin_behind_the_question(self, keeping: EmbeddedLLM) -> None:
        assert keeping.read(head(ABSTRACT)) == keeping.read(head(OTHER, "other")) == "kept"
        assert keeping.read(head(ABSTRACT)) == "kept"
        told = tokens_read(keeping, about(ABSTRACT, "How many hives?"))
        assert told < 25, "the question and the marks of a chat"

    def test_a_broken_reading_is_made_anew(self, folder: Path, keeping: EmbeddedLLM) -> None:
        keeping.read(head(ABSTRACT))
        (kept,) = folder.iterdir()
        size = kept.stat().st_size
        kept.write_bytes(b"broken")
        keeping.complete(about(OTHER, "Which FID?", "other"), max_tokens=1)
        assert keeping.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)
        assert kept.stat().st_size == size

    def test_what_was_read_before_the_beginning_was_lost_is_read_again(
        self, tmp_path: Path, keeping: EmbeddedLLM
    ) -> None:
        keeping.read(head(ABSTRACT))
        keeping.complete([Message("user", "Hello.")], max_tokens=1)
        for state in (tmp_path / "states").iterdir():
            state.unlink()
        assert keeping.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)

    def test_without_room_nothing_is_read_ahead_and_answers_come_all_the_same(
        self, gguf: Path, tmp_path: Path, folder: Path
    ) -> None:
        with closing(again(gguf, tmp_path, most_bytes=0)) as llm:
            assert llm.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)
            assert not list(folder.glob("*"))
        with closing(again(gguf, tmp_path, most_bytes=1)) as llm:
            assert llm.read(head(ABSTRACT)) == "full"
            assert not list(folder.glob("*")), "one alone is more than there is room for"
        with closing(EmbeddedLLM(gguf, "qwen", None, [RULES], tmp_path / "states")) as llm:
            assert llm.read(head(ABSTRACT)) == "full"
            assert llm.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)

    def test_readings_behind_other_examples_make_room(
        self, gguf: Path, tmp_path: Path, folder: Path, keeping: EmbeddedLLM
    ) -> None:
        assert keeping.read(head(ABSTRACT)) == "kept"
        (old,) = folder.iterdir()
        keeping.close()
        changed = EmbeddedLLM(gguf, "qwen", None, [LONGER], tmp_path / "states", Readings(folder, 10**9))
        with closing(changed):
            assert changed.read([*LONGER, head(ABSTRACT)[-1]]) == "kept"
        (new,) = folder.iterdir()
        assert new != old

    def test_what_a_killed_process_left_is_deleted(
        self, gguf: Path, tmp_path: Path, keeping: EmbeddedLLM
    ) -> None:
        states = tmp_path / "states"
        states.mkdir()
        left, recent = states / "left.part", states / "recent.part"
        left.touch()
        recent.touch()
        os.utime(left, (0, 0))
        keeping.read(head(ABSTRACT))
        assert {file.name for file in states.iterdir() if file.suffix == ".part"} == {"recent.part"}

    def test_reading_ahead_gives_way_to_a_question(self, keeping: EmbeddedLLM) -> None:
        long = "Abstract: " + "Bees forage less near roads than they do near woods. " * 60
        keeping.warm()
        outcome: list[str] = []
        began = threading.Event()

        class Told(list[Message]):
            """Says when the model has begun with it."""

            def __getitem__(self, key):
                began.set()
                return super().__getitem__(key)

        reader = threading.Thread(target=lambda: outcome.append(keeping.read(Told(head(long)))))
        reader.start()
        began.wait()
        assert keeping.complete(about(ABSTRACT, "How many hives?"), max_tokens=4)
        reader.join()
        assert outcome == ["disturbed"]
        assert keeping.read(head(ABSTRACT)) == "kept"
