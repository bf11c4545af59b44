"""Attribution overrules a wrong marker and finds the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rag.answering.citing.attribution import Attributor, ReplyRules
from rag.answering.citing.citations import CitedStream, cite
from rag.answering.context import ContextSentences
from rag.answering.verification.verifier import Verdict
from rag.embedding.alignment import Alignment
from rag.embedding.base import Vectors
from rag.schema import Chunk, Language, Paper, ScoredChunk, Source
from tests.conftest import HashEmbedder, NumberVerifier

TEXTS = [
    "Muse is a text-to-image Transformer. It reaches an FID of 6.06 on CC3M. Code is online.",
    "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent.",
    "SnowNet predicts snow depth. Its error is 2.5 cm on plateau data.",
]


@pytest.fixture
def contexts() -> list[ScoredChunk]:
    papers = [Paper(f"p{n}", text, "en", (Source("a", n),)) for n, text in enumerate(TEXTS, 1)]
    return [
        ScoredChunk(p, Chunk(f"{p.paper_id}-0", p.paper_id, p.text, 0, len(p.text), "en"), 1.0)
        for p in papers
    ]


@pytest.fixture
def attributor(contexts: list[ScoredChunk], embedder: HashEmbedder) -> Attributor:
    return Attributor(ContextSentences(contexts, embedder, Alignment()), NumberVerifier())


@pytest.mark.parametrize(
    ("raw", "paper", "quote"),
    [
        ("The FID on CC3M is 6.06 [2].", "p1", "It reaches an FID of 6.06 on CC3M."),
        ("The FID on CC3M is 6.06.", "p1", "It reaches an FID of 6.06 on CC3M."),
        ("Noise lowers foraging by 30 percent [1].", "p2", "Traffic noise lowers foraging by 30 percent."),
        ("The error is 2.5 cm [1][3].", "p3", "Its error is 2.5 cm on plateau data."),
    ],
)
def test_the_abstract_that_says_it_is_cited_whatever_the_marker(
    contexts: list[ScoredChunk], attributor: Attributor, raw: str, paper: str, quote: str
) -> None:
    [citation] = cite(raw, contexts, attributor).citations
    assert citation.paper_id == paper
    assert citation.quote == citation.text[citation.start : citation.end] == quote


def test_each_sentence_is_attributed_by_itself(contexts: list[ScoredChunk], attributor: Attributor) -> None:
    result = cite("Muse reaches an FID of 6.06. Bees were counted at 12 hives.", contexts, attributor)
    assert result.text == "Muse reaches an FID of 6.06 [1]. Bees were counted at 12 hives [2]."
    assert [c.paper_id for c in result.citations] == ["p1", "p2"]


def test_what_is_said_beyond_the_question_is_quoted_too(embedder: HashEmbedder) -> None:
    first = "The second-order transformer SOT exploits the classification token and word tokens."
    second = "We pool by singular value power normalised multi-headed cross-covariance."
    paper = Paper("p", f"{first} {second} Code is online.", "en", (Source("a", 1),))
    context = ScoredChunk(paper, Chunk("p-0", "p", paper.text, 0, len(paper.text), "en"), 1.0)
    question = (
        "By what does the second-order transformer SOT exploit the word tokens and classification token?"
    )
    answer = "The second-order transformer SOT exploits word tokens and the classification token"
    attributor = Attributor(ContextSentences([context], embedder, Alignment()), NumberVerifier(), question)
    result = cite(f"{answer} by singular value power cross-covariance [1].", [context], attributor)
    assert {evidence.quote for evidence in result.sentences[0].evidence} == {first, second}


class Between(HashEmbedder):
    """Places one text between two others, as a translation of both lies."""

    between: tuple[str, str, str] = ("", "", "")

    def _vector(self, text: str) -> Vectors:
        placed, first, second = self.between
        if text != placed:
            return super()._vector(text)
        return 0.8 * super()._vector(first) + 0.6 * super()._vector(second)


def test_what_lies_nearest_to_what_is_added_to_the_question_is_quoted() -> None:
    """As across languages, where the answer shares no term with the sentence that it is read from."""
    about = "SOT pools tokens of images."
    telling = "归一化 奇异值 池化。"
    paper = Paper("p", f"{about} {telling} Code is online.", "en", (Source("a", 1),))
    context = ScoredChunk(paper, Chunk("p-0", "p", paper.text, 0, len(paper.text), "en"), 1.0)
    question, answer = "How does SOT pool tokens of images?", "SOT pools tokens of images by power."
    embedder = Between()
    embedder.between = (answer, about, telling)
    attributor = Attributor(ContextSentences([context], embedder, Alignment()), NumberVerifier(), question)
    found = cite(f"{answer} [1]", [context], attributor)
    assert [evidence.quote for evidence in found.sentences[0].evidence] == [about, telling]


def test_an_unfinished_sentence_is_not_attributed(
    contexts: list[ScoredChunk], attributor: Attributor, embedder: HashEmbedder
) -> None:
    stream = CitedStream(contexts, attributor)
    for piece in ("The FID", " on CC3M", " is 6", ".06", " [2", "]"):
        assert stream.feed(piece)[1].citations == ()
    assert embedder.embedded == []
    end, whole = stream.finish()
    assert end == "The FID on CC3M is 6.06 [1]"
    assert [c.paper_id for c in whole.citations] == ["p1"]


def test_contexts_are_embedded_once_an_answer(
    contexts: list[ScoredChunk], attributor: Attributor, embedder: HashEmbedder
) -> None:
    for text in ("One thing.", "Another thing."):
        attributor.attribute(text)
    assert len(embedder.embedded) == 7 + 2


def test_nothing_retrieved_gives_nothing_to_cite(embedder: HashEmbedder) -> None:
    assert (
        cite(
            "Yes [1].", [], Attributor(ContextSentences([], embedder, Alignment()), NumberVerifier())
        ).citations
        == ()
    )


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Muse was trained on 512 GPUs [1].", ""),
        ("The FID on CC3M is 6.06 [1]. It took 77 hours [1].", "The FID on CC3M is 6.06 [1]."),
        ("It took 77 hours [1]. The FID on CC3M is 6.06 [1].", "The FID on CC3M is 6.06 [1]."),
        (
            "Foraging falls by thirty percent at 12 hives [2].",
            "Foraging falls by thirty percent at 12 hives [1].",
        ),
        ("噪声使觅食减少百分之三十[2]。", "噪声使觅食减少百分之三十[1]。"),
    ],
)
def test_an_unsupported_sentence_is_dropped(
    contexts: list[ScoredChunk], attributor: Attributor, raw: str, text: str
) -> None:
    result = cite(raw, contexts, attributor)
    assert result.text == text
    assert len(result.dropped) == (raw.count("[") - text.count("["))


def test_a_sentence_says_which_words_it_rests_on(contexts: list[ScoredChunk], attributor: Attributor) -> None:
    result = cite("Foraging falls by thirty percent at 12 hives [2].", contexts, attributor)
    [sentence], [citation] = result.sentences, result.citations
    assert (sentence.support, sentence.score) == ("supported", 0.9)
    assert [item.quote for item in sentence.evidence] == [
        "Traffic noise lowers foraging by 30 percent.",
        "We count honey bees at 12 hives.",  # holds a number that the first lacks
    ]
    for item in sentence.evidence:
        assert item.number == citation.number
        assert citation.text[item.start : item.end] == item.quote
    assert set(sentence.to_dict()) == {"text", "citations", "support", "score", "evidence"}


class DoubtsAll(NumberVerifier):
    """Finds every sentence weakly supported by the abstract that speaks of bees, and by no other."""

    def verify(self, sentence: str, evidence: Sequence[str], **arguments: Any) -> Verdict:
        return Verdict("weak" if "bees" in arguments["known"] else "unsupported", 0.4)


def test_an_abstract_that_does_not_support_the_sentence_is_not_cited(
    contexts: list[ScoredChunk], embedder: HashEmbedder
) -> None:
    doubting = Attributor(ContextSentences(contexts, embedder, Alignment()), DoubtsAll())
    result = cite("Traffic noise lowers foraging [2]. The FID is 6.06 [1].", contexts, doubting)
    assert result.text == "Traffic noise lowers foraging [1]."
    assert result.dropped == ("The FID is 6.06.",)
    assert result.sentences[0].support == "weak"


def test_a_repetition_of_the_question_is_dropped(contexts: list[ScoredChunk], embedder: HashEmbedder) -> None:
    sentences = ContextSentences(contexts, embedder, Alignment())
    attributor = Attributor(sentences, NumberVerifier(), "Which FID does Muse reach on CC3M?")
    result = cite("Muse reaches an FID on CC3M [1]. It is 6.06 [1].", contexts, attributor)
    assert [sentence.text for sentence in result.sentences] == ["It is 6.06."]
    assert result.dropped == ("Muse reaches an FID on CC3M.",)


@pytest.mark.parametrize(("language", "kept"), [("en", False), ("zh", True)])
def test_an_english_sentence_may_not_name_what_its_english_abstract_does_not(
    embedder: HashEmbedder, language: Language, kept: bool
) -> None:
    paper = Paper("p", "Bees were counted at 12 hives.", language, (Source("a", 1),))
    context = ScoredChunk(paper, Chunk("p-0", "p", paper.text, 0, len(paper.text), language), 1.0)
    attributor = Attributor(
        ContextSentences([context], embedder, Alignment()),
        NumberVerifier(),
        "Who counted?",
        ReplyRules(strict=True),
    )
    assert bool(cite("Bees were counted at 12 hives by Berkeley [1].", [context], attributor).text) == kept


class Finds(NumberVerifier):
    """Gives one verdict on everything."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict

    def verify(self, sentence: str, evidence: Sequence[str], **arguments: Any) -> Verdict:
        return self.verdict


@pytest.mark.parametrize(
    ("verdict", "rules", "first", "support"),
    [
        (Verdict("unsupported", 0.1), ReplyRules(), True, "unsupported"),
        (Verdict("unsupported", 0.1), ReplyRules(strict=True), True, "weak"),
        (Verdict("weak", 0.3), ReplyRules(strict=True), False, "unsupported"),
        (Verdict("weak", 0.3), ReplyRules(strict=True, first_may_be_weak=False), True, "unsupported"),
        (Verdict("weak", 0.3, ("AMC23",)), ReplyRules(strict=True), True, "unsupported"),
        (Verdict("weak", 0.3, ("AMC23",)), ReplyRules(), True, "weak"),
        (Verdict("supported", 0.9), ReplyRules(strict=True), False, "supported"),
        (Verdict("unsupported", 0.2, ("512",), refuted=True), ReplyRules(strict=True), True, "unsupported"),
    ],
)
def test_the_rules_of_a_reply_say_what_is_shown(
    contexts: list[ScoredChunk],
    embedder: HashEmbedder,
    verdict: Verdict,
    rules: ReplyRules,
    first: bool,
    support: str,
) -> None:
    sentences = ContextSentences(contexts[:1], embedder, Alignment())
    attributor = Attributor(sentences, Finds(verdict), rules=rules)
    assert attributor.attribute("It reaches an FID on CC3M.", first=first).support == support
