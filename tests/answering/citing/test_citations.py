"""Markers to citations, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.citing.attribution import Attribution, ContextEvidence
from rag.answering.citing.citations import CitedStream, cite
from rag.schema import Chunk, Paper, ScoredChunk, Source


def context(number: int) -> ScoredChunk:
    text = f"Abstract {number}."
    paper = Paper(f"p{number}", text, "en", (Source("a.txt", number),))
    return ScoredChunk(paper, Chunk(f"p{number}-0", f"p{number}", text, 0, len(text), "en"), 1.0)


CONTEXTS = [context(n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("raw", "text", "cited", "unknown"),
    [
        ("It is 6.06 [2].", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06. [2]", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06.[2][2] So it is[1].", "It is 6.06 [1]. So it is [2].", ["p2", "p1"], 0),
        ("一是。[3]二是[3]。", "一是[1]。二是[1]。", ["p3"], 0),
        ("一是【3】。", "一是[1]。", ["p3"], 0),
        ("Both hold [1, 3].", "Both hold [1][2].", ["p1", "p3"], 0),
        ("All hold [1-3].", "All hold [1][2][3].", ["p1", "p2", "p3"], 0),
        ("Nothing here [7].", "Nothing here.", [], 1),
        ("Some [1] hold [9].", "Some hold [1].", ["p1"], 1),
        ("A list [a] and x[0] stay.", "A list [a] and x stay.", [], 1),
        ("It is 6.06 [^2^].", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06.[^2][^1]", "It is 6.06 [1][2].", ["p2", "p1"], 0),
        ("It is 6.06【2†source】.", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06 [2†L3-L7].", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06 [Abstract 2].", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06 (Abstracts 2 and 3).", "It is 6.06 [1][2].", ["p2", "p3"], 0),
        ("一是（摘要2）。", "一是[1]。", ["p2"], 0),
        ("It is 6.06<sup>2,3</sup>.", "It is 6.06 [1][2].", ["p2", "p3"], 0),
        ("There are (2) and p<superb.", "There are (2) and p<superb.", [], 0),
        ("It is 6.06 [2].\n\nReferences:\n[2] A title. Of two.", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06 [2].\n---\n**Sources**\n- [2] A title", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06 [2].\nSources: [2] A title", "It is 6.06 [1].", ["p2"], 0),
        ("It is 6.06 [^2].\n\n[^2]: A title", "It is 6.06 [1].", ["p2"], 0),
        ("一是[2]。\n\n参考文献：\n[2] 题目", "一是[1]。", ["p2"], 0),
        (
            "One [1].\n\nSources of error are few [2].",
            "One [1].\n\nSources of error are few [2].",
            ["p1", "p2"],
            0,
        ),
        ("", "", [], 0),
        ("[2]", "", [], 0),
    ],
)
def test_markers_become_citations(raw: str, text: str, cited: list[str], unknown: int) -> None:
    result = cite(raw, CONTEXTS)
    assert result.text == text
    assert [c.paper_id for c in result.citations] == cited or not result.sentences
    assert result.unknown_markers == unknown


def test_each_sentence_names_its_own_citations() -> None:
    result = cite("First [2]. Second. Third [1][2].", CONTEXTS)
    assert [(s.text, s.citations) for s in result.sentences] == [
        ("First.", (1,)),
        ("Second.", ()),
        ("Third.", (1, 2)),
    ]


def test_quote_lies_at_its_offsets() -> None:
    for citation in cite("Yes [1].", CONTEXTS).citations:
        assert citation.text[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("It is 6.06 [2]. It was", "It is 6.06 [1]. It was…"),
        ("It is 6.06 [2", "It is 6.06…"),
        ("一是[3]。二是【1", "一是[1]。二是…"),
        ("It is. [2]", "It is [1].…"),
    ],
)
def test_an_answer_that_was_cut_ends_in_an_ellipsis_and_not_in_half_a_marker(raw: str, text: str) -> None:
    stream = CitedStream(CONTEXTS)
    shown = "".join(stream.feed(char)[0] for char in raw)
    end, whole = stream.finish(cut=True)
    assert shown + end == whole.text == text


ENGLISH = "It| is| 6|.|06|Bees fly|Fig.| b|e.g|a|B|9|, |!|?|...|. |.)".split("|")
CHINESE = ["一", "二", "雪深", "。", "；", "”", "！", "……", "１", "（", "。）"]
MARKS = ["[", "1", "]", "[2]", "【3】", "[1][2]", " [1, 7]", "[1-3]", "[2", "x[", "]", "-"]
SPACES = [" ", "\n", "\n\n", '"', "\u3000"]
answers = st.one_of(
    st.lists(st.sampled_from(words + MARKS + SPACES), max_size=30).map("".join)
    for words in (ENGLISH, CHINESE, ENGLISH + CHINESE)
)


class Counting:
    """Attributes to the marked contexts and one more, drops some sentences, quotes others, remembers all."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def attribute(self, text: str, marks: Sequence[int] = (), *, first: bool = False) -> Attribution:
        self.asked.append(text)
        kind = sum(map(ord, text)) % 5
        if kind == 0:
            return Attribution((), "unsupported", 0.0, dropped="not supported")
        evidence = tuple(ContextEvidence(n, 0, 11, 0.5) for n in dict.fromkeys([*marks, kind % 3 + 1]))
        return Attribution(evidence, "supported", 0.9, kind == 1)


def in_pieces(data: st.DataObject, raw: str) -> Iterator[str]:
    while raw:
        size = data.draw(st.integers(1, 6))
        yield raw[:size]
        raw = raw[size:]


@pytest.mark.parametrize("attributor", [lambda: None, Counting])
@given(answers, st.data())
def test_streamed_pieces_make_the_whole_answer(attributor: Any, raw: str, data: st.DataObject) -> None:
    stream, shown, cited = CitedStream(CONTEXTS, attributor()), "", None
    for piece in in_pieces(data, raw):
        delta, cited = stream.feed(piece)
        shown += delta
        assert shown == cited.text
    end, whole = stream.finish()
    assert whole == cite(raw, CONTEXTS, attributor())
    assert shown + end == whole.text


@pytest.mark.parametrize("attributor", [lambda: None, Counting])
@given(st.lists(answers, max_size=4), st.data())
def test_whole_paragraphs_make_the_whole_answer(
    attributor: Any, parts: list[str], data: st.DataObject
) -> None:
    """No paragraph begins with a marker, which would be one of the paragraph before."""
    paragraphs = [f"Z{part.strip()}\n\n" for part in parts]
    stream, shown = CitedStream(CONTEXTS, attributor()), ""
    for paragraph in paragraphs:
        *pieces, last = in_pieces(data, paragraph)
        shown += "".join(stream.feed(piece)[0] for piece in pieces)
        shown += stream.feed(last, whole=True)[0]
    assert stream.finish() == ("", cite("".join(paragraphs), CONTEXTS, attributor()))
    assert shown == cite("".join(paragraphs), CONTEXTS, attributor()).text


@given(answers, st.booleans(), st.data())
def test_each_sentence_is_attributed_once(raw: str, cut: bool, data: st.DataObject) -> None:
    """To cite everything again at each piece would ask of each sentence as often as pieces follow it."""
    attributor = Counting()
    stream = CitedStream(CONTEXTS, attributor)
    for piece in in_pieces(data, raw):
        stream.feed(piece)
    cited = stream.finish(cut=cut)[1]
    said = [sentence.text for sentence in cite(raw, CONTEXTS).sentences]
    assert cited.read == len(attributor.asked)
    assert cut or attributor.asked == said


def test_a_sentence_is_shown_as_soon_as_the_next_one_begins() -> None:
    stream = CitedStream(CONTEXTS, attributor := Counting())
    shown = [stream.feed(piece)[0] for piece in ("Bees", " hum.", " [2]", " ", "T", "hey fly.")]
    assert [bool(text) for text in shown] == [False] * 4 + [True, False]
    assert attributor.asked == ["Bees hum."]
