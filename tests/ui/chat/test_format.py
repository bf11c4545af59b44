"""What the page makes of turns: escaped, cited first, offsets in code points."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import Evidence, Sentence, SourcesEvent, TextEvent
from tests.fake_rag import answer, citation, context
from ui.chat import labels
from ui.chat.format import chat_html, status_html
from ui.chat.labels import BROKE_OFF
from ui.chat.notes import status_of
from ui.chat.sources import marked, sources_html
from ui.chat.turn import Turn, history
from ui.masthead import masthead_html
from ui.words import Label

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover="alert(3) $x^2 **b** ${1} {{2}} ` ![](//x.example/a)'
ALLOWED = set(
    "article h1 h2 h3 h4 p span a div footer button section ol ul li details summary mark blockquote".split()
)
ALLOWED |= {"header", *"math mrow mi mo mn msup mtext table caption thead tbody tr th td q".split()}
TURNING = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


class Parsed(HTMLParser):
    """The elements, attributes and text of a fragment as `language` shows it; unbalanced tags fail."""

    def __init__(self, html: str, language: str = "en") -> None:
        super().__init__()
        self.language = language
        self.unseen: list[bool] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        self.open.append(tag)
        self.unseen.append(given.get("class") == "in" and given["lang"] != self.language)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.unseen.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.unseen):
            self.text += data

    def all(self, cls: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.elements if cls in (attrs.get("class") or "").split()]


def assert_harmless(html: str) -> Parsed:
    page = Parsed(html)
    for tag, attrs in page.elements:
        assert tag in ALLOWED
        assert not [name for name in attrs if name.startswith("on") or name in {"style", "src", "srcdoc"}]
        assert (attrs.get("href") or "#").startswith(("#", "https://", "http://"))
    return page


def finished(question: str, text: str, found, cited, **extra) -> Turn:
    return Turn(question).after(answer(question, text, found, cited, **extra))


@given(st.text(), st.text(), st.text(min_size=1), st.text(), st.text())
def test_nothing_of_corpus_question_or_model_becomes_markup(question, reply, abstract, title, file) -> None:
    found = context(abstract, title=title, files=[(file, 1)], url=title, authors=(file,))
    turn = finished(question, reply, [found], [citation(1, found, abstract[:1])])
    assert_harmless(chat_html([turn]))
    assert_harmless(sources_html([turn]))
    assert_harmless(chat_html([Turn(question, error=Label(reply))]))
    assert_harmless(masthead_html({"works": 1, "languages": {"en": 1}}, Label(reply, title)))


def test_hostile_text_is_shown_as_text() -> None:
    found = context(HOSTILE, title=HOSTILE, files=[(HOSTILE, 1)], url="javascript:alert(1)", doi=None)
    turn = finished(HOSTILE, f"{HOSTILE} [1].", [found], [citation(1, found, "alert(1)")])
    chat, panel = assert_harmless(chat_html([turn])), assert_harmless(sources_html([turn]))
    assert chat.text.count(HOSTILE) == 4  # question, answer, and the title and the words of the card
    assert panel.text.count(HOSTILE) >= 3
    assert "javascript:" not in sources_html([turn])
    assert (
        HOSTILE in assert_harmless(masthead_html({"works": 1, "languages": {"en": 1}}, Label(HOSTILE))).text
    )


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//host/x", "http://[", "java\nscript:x", "file:///x"]
)
def test_a_link_that_is_not_a_web_page_is_left_out(url: str) -> None:
    turn = finished("q", "a", [context("Text.", url=url)], [])
    assert all(
        not (attrs.get("href") or "#").startswith(url[:4])
        for _, attrs in Parsed(sources_html([turn])).elements
    )


@given(st.text(st.characters(exclude_characters="$\\")), st.integers(0, 50), st.integers(0, 50))
def test_marking_keeps_every_character(text: str, start: int, end: int) -> None:
    page = Parsed(marked(text, [(start, end), (3, 9)]))
    text = text.translate(TURNING)
    assert page.text == text.replace("\r\n", "\n").replace("\r", "\n") or page.text == text


def test_offsets_are_code_points() -> None:
    text = "𝔽𝔻𝔾 😀😀 Muse reaches 6.06 on 𝒞𝒞3M."
    found = context(text)
    html = sources_html([finished("q", "It is 6.06 [1].", [found], [citation(1, found, "6.06 on 𝒞𝒞3M")])])
    assert html.count("<mark>6.06 on 𝒞𝒞3M</mark>") == 2


def test_a_mark_on_everything_is_no_mark() -> None:
    assert marked("all & of it", [(0, 11)]) == "all &amp; of it"
    assert marked("text", [(2, 2)]) == "text"


def test_marks_that_overlap_are_joined_and_stand_in_reading_order() -> None:
    assert marked("abcdefgh", [(6, 8), (1, 3), (2, 4)]) == ("a<mark>bc</mark><mark>d</mark>ef<mark>gh</mark>")


def test_a_card_shows_every_quotation_of_the_answer_and_joins_those_that_touch() -> None:
    found = context("Muse paints. It reaches 6.06. It is fast. Others fail. They crash.")
    spans = [(13, 29), (30, 41), (55, 66)]
    evidence = tuple(Evidence(1, start, end, found.paper.text[start:end]) for start, end in spans)
    turn = finished("q", "It is [1].", [found], [citation(1, found, "It reaches 6.06.")])
    assert turn.answer is not None
    sentence = Sentence("It is.", (1,), "supported", 0.9, evidence[::-1])
    html = sources_html([turn.after(replace(turn.answer, sentences=(sentence,)))])
    quoted = html[html.index("<blockquote") : html.index("</blockquote>")]
    assert quoted.endswith("… <mark>It reaches 6.06. It is fast.</mark> … <mark>They crash.</mark>")


def test_a_weakly_supported_sentence_is_set_off_with_its_marker_and_counted() -> None:
    found = context("Muse reaches 6.06. It paints. Others do not.")
    one = citation(1, found, "Muse reaches 6.06.")
    evidence = (Evidence(1, 0, 18, "Muse reaches 6.06."), Evidence(1, 19, 29, "It paints."))
    sentences = (
        Sentence("It is 6.06.", (1,), "supported", 0.9, evidence),
        Sentence("It paints & sings!", (1,), "weak", 0.3, evidence),
    )
    text = "It is 6.06 [1]. It paints & sings [1]!"
    finished_turn = finished("q", text, [found], [one])
    assert finished_turn.answer is not None
    answer = replace(finished_turn.answer, sentences=sentences, dropped_sentences=2)
    turn = finished_turn.after(answer)
    html = chat_html([turn])
    assert html.count('class="weak"') == 1
    weak = html[html.index('class="weak"') :]
    assert "It paints &amp; sings" in weak
    assert weak.index('class="cite"') < weak.index("</span></span>")
    assert "1 sentence only weakly supported" in html
    assert "2 sentences left out" in html
    full = sources_html([turn])
    assert "<mark>Muse reaches 6.06.</mark> <mark>It paints.</mark> Others do not." in full
    # The same while the answer is being written.
    streaming = Turn("q").after(SourcesEvent((found,), "en")).after(TextEvent(text, (one,), sentences))
    assert streaming.busy
    assert chat_html([streaming]).count('class="weak"') == 1


def test_only_known_markers_become_links() -> None:
    found = context("Muse reaches 6.06.")
    chat = Parsed(
        chat_html([finished("q", "6.06 [1]. Array[2] is text.", [found], [citation(1, found, "6.06")])])
    )
    assert [attrs["data-goto"] for attrs in chat.all("cite")] == ["source-1-1"]
    assert "Array[2]" in chat.text


def test_every_citation_link_has_its_card() -> None:
    found = [context(f"Abstract {name}.") for name in "abcd"]
    cited = [citation(1, found[2], "c"), citation(2, found[0], "a")]
    turns = [finished("q", "One [1]. Two [2].", found, cited)] * 2
    links = {attrs["data-goto"] for attrs in Parsed(chat_html(turns)).all("cite")}
    pages = [Parsed(sources_html(turns, number)) for number in (1, 2)]
    ids = [attrs["id"] for page in pages for _, attrs in page.elements if "id" in attrs]
    assert links == {"source-1-1", "source-1-2", "source-2-1", "source-2-2"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_cited_cards_come_first_and_in_order() -> None:
    found = [context(f"Abstract {name}.") for name in "abcd"]
    html = sources_html(
        [finished("q", "x [1] [2]", found, [citation(1, found[2], "c"), citation(2, found[0], "a")])]
    )
    order = [html.index(f"{number}</span>Abstract {name}.") for number, name in ((1, "c"), (2, "a"))]
    rest = [html.index(f">Abstract {name}.</h4>") for name in "bd"]
    assert order + rest == sorted(order + rest)
    assert html.index("Cited") < html.index("Also retrieved") < rest[0]


def test_a_refusal_says_so_and_calls_its_sources_closest() -> None:
    turn = finished("q", "The abstracts do not answer this.", [context("Text.")], [], refused=True)
    assert "No answer in the abstracts" in chat_html([turn])
    assert "Closest, not answering" in sources_html([turn])
    assert "Cited" not in sources_html([turn])
    assert status_of(turn).en == "No answer in the abstracts."


def test_a_source_names_its_files() -> None:
    found = context("Text.", files=[("a.txt", 3), ("b.txt", 1), ("b.txt", 9)])
    text = Parsed(sources_html([finished("q", "a", [found], [])])).text
    assert "in 2 files" in text
    assert [f"{f}: record {n}" in text for f, n in (("a.txt", 3), ("b.txt", 1), ("b.txt", 9))] == [True] * 3


def test_gaps_of_an_answer_are_named() -> None:
    html = chat_html([finished("q", "a", [context("Text.")], [], bare=1, unknown_markers=1)])
    assert "2 sentences without a source" in html
    assert "1 marker left out: no such source" in html


def test_the_sources_of_one_turn_are_shown_the_newest_unless_asked() -> None:
    turns = [finished(f"q{i}", "a", [context(f"Text {i}.")], []) for i in range(3)]
    assert "Text 2." in Parsed(sources_html(turns)).text
    assert "Text 0." in Parsed(sources_html(turns, 1)).text
    assert "Text 2." not in Parsed(sources_html(turns, 1)).text


def test_a_turn_grows_with_its_events() -> None:
    found = context("Muse reaches 6.06.")
    turn = Turn("q")
    assert status_of(turn).en == "Searching the abstracts…"
    turn = turn.after(SourcesEvent((found,), "zh"))
    assert (turn.busy, turn.language, status_of(turn).en) == (
        True,
        "zh",
        "1 source found; writing the answer…",
    )
    turn = turn.after(TextEvent("6", (citation(1, found, "6.06"),))).after(TextEvent(".06"))
    assert (turn.text, len(turn.citations)) == ("6.06", 1)
    assert turn.halted().text == "6.06"
    done = turn.after(answer("q", "6.06 [1].", [found], [citation(1, found, "6.06")]))
    assert not done.busy
    assert done.halted() is done
    assert history([done, turn.halted(), turn.failed(Label("no"))]) == (("q", "6.06 [1]."),)


def test_a_pasted_book_does_not_hide_the_answer() -> None:
    assert len(chat_html([Turn("x" * 100_000)])) < 5_000


def test_small_talk_shows_neither_sources_nor_seconds() -> None:
    said = replace(answer("Hi", "Hello!", ()), kind="chat")
    turn = Turn("Hi").after(SourcesEvent((), "en")).after(said)
    assert Parsed(chat_html([turn])).all("foot") == []
    assert "without a source" not in assert_harmless(chat_html([turn])).text
    assert status_of(turn).en == "Answered."
    assert "No abstracts were needed" in sources_html([turn])
    assert history([turn]) == ()


def test_a_list_of_papers_is_called_one() -> None:
    found = [context("Bees count hives."), context("Otters eat fish.")]
    cited = [citation(n, c, c.paper.text) for n, c in enumerate(found, 1)]
    text = "2 abstracts in the collection:\nBees count hives [1].\nOtters eat fish [2]."
    told = replace(answer("List all papers", text, found, cited, bare=1), kind="collection")
    turn = Turn("List all papers").after(SourcesEvent(tuple(found), "en")).after(told)
    page = assert_harmless(chat_html([turn]))
    assert len(page.all("cite")) == 2
    assert "without a source" not in page.text
    assert "from the index" in page.text
    assert status_of(turn).en == "Answered from the index, listing 2 abstracts."
    assert "Listed" in assert_harmless(sources_html([turn])).text
    none = Turn("x").after(replace(answer("x", "None.", found), kind="collection"))
    assert "Closest" in sources_html([none])
    assert "not answering" not in sources_html([none])


@pytest.mark.parametrize(("language", "label"), [("en", "Read as: "), ("zh", "理解为：")])
def test_a_follow_up_shows_what_it_was_read_as(language, label) -> None:
    turn = Turn("And it?").after(SourcesEvent((), language, HOSTILE))
    page = assert_harmless(chat_html([turn]))
    assert label + HOSTILE in Parsed(chat_html([turn]), language).text
    assert [attrs for attrs in page.all("read-as") if "lang" in attrs] == []
    ended = turn.after(replace(answer("And it?", "Yes.", ()), standalone_question=HOSTILE))
    assert HOSTILE in assert_harmless(chat_html([ended])).text
    assert history([ended]) == ((HOSTILE, "Yes."),)
    bare = chat_html([Turn("And it?").after(SourcesEvent((), language))])
    assert Parsed(bare).all("read-as") == []


def test_a_card_shows_at_most_three_authors_the_venue_the_year_and_the_doi() -> None:
    found = context(
        "Otters slept.", title="Otters", authors=("Ash, A", "Birch, B", "Cedar, C", "Dogwood, D"), year=2021
    )
    found = replace(found, paper=replace(found.paper, venue="River & <Sea>", doi="10.5555/x(1)"))
    page = assert_harmless(
        sources_html([finished("When?", "Otters slept [1].", [found], [citation(1, found, "Otters slept.")])])
    )
    assert "Ash, A; Birch, B; Cedar, C" in page.text
    assert "Dogwood" not in page.text
    assert "River & <Sea>" in page.text
    assert "2021" in page.text
    assert "https://doi.org/10.5555/x%281%29" in [attrs.get("href") for _, attrs in page.elements]


def _turns_without_words() -> list[Turn]:
    """Return a turn in every state, in which only the page itself has words: what it quotes is digits."""
    found = [
        context("6.06. 7.07. 8.08."),
        context("9.09.", authors=("1", "2", "3"), year=2023, url="https://1.1"),
    ]
    cited = citation(1, found[0], "6.06.")
    evidence = (Evidence(1, cited.start, cited.end, "6.06."),)
    ended = answer("1?", "6.06 [1]. 7 [1].", found, [cited], bare=2, unknown_markers=1)
    sentences = (
        Sentence("6.06.", (1,), "supported", 0.9, evidence),
        Sentence("7.", (1,), "weak", 0.3, evidence),
    )
    full = replace(ended, sentences=(*sentences, *ended.sentences[1:]), dropped_sentences=2)
    asked = Turn("1?").after(SourcesEvent(tuple(found), "en", "11?"))
    answers = [
        full,
        replace(full, refused=True),
        replace(full, kind="chat"),
        replace(full, kind="collection"),
    ]
    answers += [replace(other, citations=()) for other in answers]
    growing = [Turn("1?"), asked, asked.after(TextEvent("6.06", (cited,)))]
    cut = [asked.halted(), Turn("1?").halted(), asked.failed(BROKE_OFF)]
    return [*growing, *cut, *(asked.after(other) for other in answers)]


@pytest.mark.parametrize(
    ("language", "foreign"), [("en", r"[\u4e00-\u9fff，。：；、]"), ("zh", r"[A-Za-z]{2,}")]
)
def test_the_page_has_no_word_of_the_other_language(language: str, foreign: str) -> None:
    turns = _turns_without_words()
    parts = [masthead_html({"works": 3, "languages": {"en": 2, "zh": 1}}), chat_html([]), sources_html([])]
    parts += [status_html(label) for label in (labels.HINT, labels.NO_QUESTION, *map(status_of, turns))]
    parts += [chat_html(turns), *(sources_html([turn]) for turn in turns)]
    page = Parsed("".join(parts), language)
    words = [page.text] + [
        attrs[f"data-{language}"] or "" for _, attrs in page.elements if "data-sets" in attrs
    ]
    # The product's name, two keys, a kind of link, names of formats, the switch itself, the file of the fake.
    formats = "Markdown|HTML|CSL-JSON|JSON|CSV|BibTeX|RIS"
    ours = re.sub(rf"citefold|Enter|Shift|DOI|{formats}|EN中文|000\.txt", "", "\n".join(words))
    assert re.findall(foreign, ours) == []


def test_what_a_screen_reader_is_told_in_attributes_follows_the_language() -> None:
    page = Parsed(masthead_html({"works": 1, "languages": {"en": 1}}) + chat_html(_turns_without_words()))
    fixed = [
        attrs for _, attrs in page.elements if {"aria-label", "title", "alt", "placeholder"} & set(attrs)
    ]
    assert {attrs.get("data-language") for attrs in fixed} == {"en", "zh"}  # the two buttons of the switch
    named = {
        (attrs["data-sets"], attrs["data-en"], attrs["data-zh"])
        for _, attrs in page.elements
        if "data-sets" in attrs
    }
    assert {("aria-label", "Source 1", "来源 1"), ("title", "only weakly supported", "依据较弱")} <= named


def test_every_label_is_in_both_languages() -> None:
    modules = [import_module(name) for name in ("ui.labels", "ui.chat.labels")]
    table = [value for module in modules for value in vars(module).values() if isinstance(value, Label)]
    table += [*labels.LANGUAGES.values(), *modules[0].IN_LANGUAGE.values()]
    assert len(table) > 50
    for label in table:
        assert re.search(r"[\u4e00-\u9fff]", label.zh), label
        assert not re.search(r"[\u4e00-\u9fff]", label.en), label
        blanks = [set(re.findall(r"\{(\w+)\}", text)) for text in (label.en, label.zh)]
        assert blanks[0] - {"s"} == blanks[1], label


def test_a_label_counts() -> None:
    assert [labels.SOURCE_COUNT.of(n).en for n in (0, 1, 2)] == ["0 sources", "1 source", "2 sources"]
    assert labels.SOURCE_COUNT.of(1).zh == "1 个来源"


def test_an_error_of_the_library_stands_in_either_language() -> None:
    html = chat_html([Turn("q").failed(Label("Start {it} & <b>."))])
    assert [("Start {it} & <b>." in Parsed(html, language).text) for language in ("en", "zh")] == [True, True]
