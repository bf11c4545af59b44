"""What the language model is given to read: one abstract after the other, or all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rag.answering.abstention import Abstention
from rag.answering.answerer import SEVERAL_GAP, SINGLE_GAP, Answerer
from rag.answering.context import ContextSentences
from rag.answering.generation.grammar import answer_grammar
from rag.answering.generation.messages import (
    ABSTRACT_TOKENS,
    abstract_prompt_prefix,
    estimate_tokens,
    prefill_chats,
    several_messages,
    several_prefix,
)
from rag.answering.generation.prompts import NOT_FOUND, REMINDERS
from rag.answering.generation.streaming import Generated
from rag.answering.query_context import QueryContext
from rag.answering.rewriting import rewrite_prefix
from rag.embedding.alignment import Alignment
from rag.llm.base import Message, Shared
from rag.pipeline import RAG
from rag.schema import Chunk, Paper, ScoredChunk, Source
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM

OpenRag = Callable[..., RAG]
QUESTION = "What FID does Muse reach on CC3M?"
MUSE = "Abstract: Muse is a text-to-image Transformer. It reaches an FID of 6.06 on CC3M with 900M parameters.\n\n"
UNSURE = [("It", -0.36), ("NOT", -1.2)]  # a reply is seven times out of ten an answer
ABSTENTION = Abstention("scripted", None, 0.0, -1.0, 0.0, 0.0, 0.0, threshold=0.5)


def llm_of(rag: RAG) -> ScriptedLLM:
    assert isinstance(rag.llm, ScriptedLLM)
    return rag.llm


def hosted(rag: RAG) -> RAG:
    llm_of(rag).endpoint = "models.example"
    return rag


# --- one abstract at a time


def test_the_nearest_abstract_is_read_whole_behind_what_is_always_the_same(open_rag: OpenRag) -> None:
    rag = open_rag()
    rag.ask(QUESTION)
    (chat,) = llm_of(rag).chats
    assert list(chat[:-1]) == abstract_prompt_prefix()
    assert chat[-1].content.startswith(f"{MUSE}Question: {QUESTION}")
    assert isinstance(chat[-1].shared, Shared)
    assert chat[-1].content[: chat[-1].shared.length] == MUSE


def test_earlier_turns_stand_behind_the_abstract_which_is_shared_all_the_same(open_rag: OpenRag) -> None:
    rag = open_rag()
    rag.ask("How many hives?", history=[(QUESTION, "It is 6.06 [1].")])
    # What is said to the rewriting is no question, so the history stays.
    rewriting, *chats = llm_of(rag).chats
    assert list(rewriting[: len(rewrite_prefix())]) == rewrite_prefix()
    prefix = abstract_prompt_prefix()
    for chat in chats:
        assert list(chat[: len(prefix)]) == prefix
        first, answered, last = chat[len(prefix) :]
        assert first.content.endswith(f"\n\nQuestion: {QUESTION}\n{REMINDERS['en']}")
        assert (answered.role, answered.content) == ("assistant", "It is 6.06 [1].")
        assert last.content == f"Question: How many hives?\n{REMINDERS['en']}"
        assert first.shared is not None
        assert first.content[: first.shared.length].startswith("Abstract: ")
        assert first.content[first.shared.length :].startswith("Question: ")


def test_earlier_turns_are_left_out_where_an_abstract_would_not_fit_behind_them(open_rag: OpenRag) -> None:
    rag = open_rag()
    llm_of(rag).context_window = 4096
    earlier, later = ("问" * 1900, "It is 6.06 [1]."), ("哪" * 1900, "It is 6.06 [1].")
    rag.ask("How many hives?", history=[earlier, later])
    chat = llm_of(rag).chats[-1]
    first, answered, _ = chat[len(abstract_prompt_prefix()) :]
    assert later[0] in first.content
    assert answered.content == later[1]
    assert sum(estimate_tokens(message.content) for message in chat) < 4096


def test_where_the_nearest_does_not_answer_the_next_is_asked(open_rag: OpenRag) -> None:
    def script(messages: Sequence[Message]) -> str:
        return "Muse has 900M parameters." if "900M" in messages[-1].content else NOT_FOUND

    rag = open_rag(script)
    answer = rag.ask("By how many percent do honey bees or the Muse Transformer reach CC3M?")
    assert answer.answer == "Muse has 900M parameters [1]."
    assert "Muse is" in answer.citations[0].text
    first, *_, last = (chat[-1].content for chat in llm_of(rag).chats)
    assert "honey bees" in first
    assert last.startswith(MUSE)


def test_what_lies_far_from_the_question_is_not_read(open_rag: OpenRag) -> None:
    rag = open_rag(NOT_FOUND)
    assert rag.ask("How many honey bees are at 12 hives where traffic noise lowers foraging?").refused
    assert len(llm_of(rag).chats) == 1


@pytest.mark.parametrize("judged", [False, True])
def test_where_it_is_judged_what_may_be_shown_fewer_abstracts_are_asked(
    open_rag: OpenRag, judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps: list[float] = []
    monkeypatch.setattr(QueryContext, "near_contexts", lambda _, gap: gaps.append(gap) or [1])
    rag = open_rag(NOT_FOUND, abstention=ABSTENTION if judged else None)
    assert rag.ask("By how many percent do honey bees or the Muse Transformer reach CC3M?").refused
    assert gaps[-1] == (SINGLE_GAP if judged else SEVERAL_GAP)  # the first is that of the highlights


@pytest.mark.parametrize(
    ("cosines", "asked"),
    [
        ([0.6, 0.55, 0.2], [1, 2]),
        ([0.3, 0.6, 0.52], [1, 2, 3]),  # what retrieval puts first is asked first
        ([0.6, None, 0.2], [1, 2]),
        ([None, None, None], [1, 2, 3]),
        ([], []),
    ],
)
def test_abstracts_are_asked_in_the_order_of_retrieval_unless_they_are_far(
    cosines: list[float | None], asked: list[int]
) -> None:
    paper = Paper("p", "Muse is a Transformer.", "en", (Source("a.txt", 1),))
    chunk = Chunk("p-0", "p", paper.text, 0, len(paper.text), "en")
    contexts = [ScoredChunk(paper, chunk, 1.0, cosine) for cosine in cosines]
    embedder = HashEmbedder()
    sentences = ContextSentences(contexts, embedder, Alignment())
    query = QueryContext(QUESTION, "en", (), sentences, embedder.embed_query(QUESTION)[0])
    embedder.embedded.clear()
    assert query.near_contexts(0.1) == asked
    assert embedder.embedded == []


@pytest.mark.parametrize(
    ("embedding", "cosines", "said"),
    [
        ("hash", (0.6, 0.5), "Muse has 900M parameters [1].\n\nBees are at 12 hives [2]."),
        ("hash", (0.6, 0.4), "Muse has 900M parameters [1]."),
        ("hash", (0.6, None), "Muse has 900M parameters [1]."),
        (
            None,
            (0.6, 0.5),
            "Muse has 900M parameters [1].",
        ),  # cosines of an embedder that nothing was fitted to
    ],
)
def test_abstracts_that_are_equally_near_are_all_asked(
    embedding: str | None, cosines: tuple[float | None, ...], said: str
) -> None:
    texts = ("Muse has 900M parameters.", "Bees are at 12 hives.")
    papers = [Paper(text[:4], text, "en", (Source("a.txt", 1),)) for text in texts]
    contexts = [
        ScoredChunk(
            paper, Chunk(paper.paper_id, paper.paper_id, paper.text, 0, len(paper.text), "en"), 1.0, near
        )
        for paper, near in zip(papers, cosines, strict=True)
    ]
    llm = ScriptedLLM(lambda chat: next(text for text in texts if text[:4] in chat[-1].content))
    embedder = HashEmbedder()
    answerer = Answerer(
        llm, embedder, Alignment(), NumberVerifier(), 320, abstention=replace(ABSTENTION, embedding=embedding)
    )
    *_, generated = answerer.answer("How many parameters and hives?", "en", contexts)
    assert isinstance(generated, Generated)
    assert generated.cited.text.strip() == said


def test_a_refusal_tells_the_best_confidence_and_counts_all_that_was_dropped(open_rag: OpenRag) -> None:
    rag = open_rag(
        "It took 512 GPUs.",
        abstention=ABSTENTION,
    )
    llm = llm_of(rag)
    llm.supports_grammar = True
    llm.first_tokens = lambda messages: UNSURE if "hives" in messages[-1].content else [("NOT", 0.0)]
    answer = rag.ask("By how many percent do honey bees or the Muse Transformer reach CC3M?")
    assert answer.refused
    assert answer.dropped_sentences == 1, "of the one that was not stopped at once"
    assert answer.confidence is not None
    assert answer.confidence > 0.5, "of the one that the model would answer"


def test_an_answer_without_markers_is_cited_and_each_sentence_checked(open_rag: OpenRag) -> None:
    answer = open_rag("It reaches 6.06. It has 900M parameters. It took 512 GPUs.").ask(QUESTION)
    assert answer.answer == "It reaches 6.06 [1]. It has 900M parameters [1]."
    assert answer.dropped_sentences == 1
    assert all(
        evidence.quote in answer.citations[0].text for s in answer.sentences for evidence in s.evidence
    )


def test_inventions_one_after_the_other_end_the_reply(open_rag: OpenRag) -> None:
    rag = open_rag("It took 512 GPUs. It took 77 days. It reaches 6.06. " * 50, top_k=1)
    answer = rag.ask(QUESTION)
    assert answer.refused
    assert answer.dropped_sentences == 2


def test_a_reply_ends_after_a_few_sentences(open_rag: OpenRag) -> None:
    words = "It reaches an FID of 6.06 on CC3M with 900M parameters".split()
    answer = open_rag(" ".join(f"{' '.join(words[:n])}." for n in range(6, len(words) + 1))).ask(QUESTION)
    assert len(answer.sentences) == 4


def test_a_model_that_takes_a_grammar_is_held_to_the_language(open_rag: OpenRag) -> None:
    rag = open_rag()
    rag.ask(QUESTION)
    llm_of(rag).supports_grammar = True
    rag.ask(QUESTION)
    rag.ask("雪深预测的误差是多少?")
    plain, english, chinese, *_ = llm_of(rag).grammars
    assert plain is None
    assert english == answer_grammar("en")
    assert chinese == answer_grammar("zh")
    assert "han run" in chinese.partition("\n")[0]
    assert "han" not in english.partition("\n")[0]  # an English answer has no Han characters


def test_of_an_abstract_that_is_too_long_only_what_the_question_needs_is_read(open_rag: OpenRag) -> None:
    rag = open_rag(evidence_tokens=50)
    padded = "Many words say little about any of this, and yet they are written down here once more. " * 60
    context = rag.ask(QUESTION).contexts[0]
    paper = Paper("long", f"{padded}{context.paper.text}", "en", (Source("a", 1),))
    assert estimate_tokens(paper.text) > ABSTRACT_TOKENS
    assert prefill_chats(paper) == []
    [chat] = prefill_chats(context.paper)
    assert chat[-1].content == MUSE
    llm_of(rag).chats.clear()
    rag.ask("What FID does Muse reach on CC3M with 900M parameters in this text-to-image Transformer?")
    assert estimate_tokens(llm_of(rag).chats[0][-1].content.partition("Question:")[0]) <= 60


def test_an_abstract_whose_numbers_read_otherwise_in_the_other_language_is_read_in_both() -> None:
    paper = Paper("many", "我们收集了1100万个样本。", "zh", (Source("a", 1),))
    assert [chat[-1].content for chat in prefill_chats(paper)] == [
        "Abstract: 我们收集了1100万个样本。\n\n",
        "Abstract: 我们收集了11,000,000个样本。\n\n",
    ]


# --- a hosted model reads all together


def test_a_hosted_model_sees_the_numbered_abstracts_in_one_chat(open_rag: OpenRag) -> None:
    rag = hosted(open_rag("It is 6.06 [1]."))
    assert rag.ask(QUESTION).answer == "It is 6.06 [1]."
    rag.ask("How many hives?", history=[(QUESTION, "It is 6.06 [1].")])
    first, _, second = llm_of(rag).chats
    prefix = several_prefix()
    assert list(first[: len(prefix)]) == list(second[: len(prefix)]) == prefix
    assert MUSE.removeprefix("Abstract: ").strip() in first[-1].content
    assert all(f"[{number}] " in first[-1].content for number in (1, 2, 3)), "all fit, so all are read whole"
    assert QUESTION in first[-1].content
    assert [m.content for m in second[len(prefix) : -1]] == [QUESTION, "It is 6.06 [1]."]
    assert all(message.shared is None for message in [*first, *second])


def test_a_hosted_model_answers_over_several_abstracts_at_once(open_rag: OpenRag) -> None:
    rag = hosted(open_rag("It reaches 6.06 on CC3M [1]. Traffic noise lowers foraging by 30 percent [2]."))
    answer = rag.ask("Which papers reach FID with CC3M parameters or noise lowers foraging?")
    assert len(llm_of(rag).chats) == 1
    assert len(answer.citations) == 2


@pytest.mark.parametrize("room", [2400, 4400])
def test_abstracts_are_cut_to_the_room_the_models_window_has(open_rag: OpenRag, room: int) -> None:
    abstracts = [context.paper.text for context in open_rag().ask(QUESTION).contexts] * 6
    messages = several_messages(QUESTION, abstracts, "en", [("a" * 2000, "b" * 2000)] * 3, room)
    assert sum(estimate_tokens(m.content) for m in messages) <= room
    assert f"[{len(abstracts)}] " in messages[-1].content
    assert (len(messages) > len(several_prefix()) + 1) == (room == 4400)


def test_the_examples_carry_markers_only_where_abstracts_are_numbered() -> None:
    assert not any("[1]" in message.content for message in abstract_prompt_prefix())
    answers = [m.content for m in several_prefix() if m.role == "assistant"]
    assert all(("[" in answer) == (answer != NOT_FOUND) for answer in answers)
    assert len(abstract_prompt_prefix()) == len(several_prefix())
