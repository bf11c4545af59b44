"""The Library tab in Chromium over a real index and no model: browse, choose and ask, the map, adding papers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from rag import RAG
from rag.library import index_paths
from rag.settings import load_settings
from tests.browsing.library import write_library
from tests.conftest import HashEmbedder, NumberVerifier, ScriptedLLM
from tests.ui.serving import serving, visit, watch

pytestmark = pytest.mark.browser

BEES = "We count honey bees at 12 hives. Traffic noise lowers foraging by 30 percent in spring and summer."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home, embedder = tmp_path_factory.mktemp("library"), HashEmbedder()
    papers = write_library(home / "papers")
    copies = [
        {"title": "Bees", "abstract": text} for text in (BEES, BEES.replace("We count", "Here we count"))
    ]
    (papers / "bees.jsonl").write_text("\n".join(map(json.dumps, copies)), encoding="utf-8")
    index_paths([papers], home / "index", embedder=embedder)
    settings = load_settings(index=home / "index", min_similarity=-1.0)
    llm = ScriptedLLM(lambda messages: "Growth rises by 12 percent [1].")
    with ExitStack() as stack:
        rag = stack.enter_context(RAG(settings, embedder=embedder, llm=llm, verifier=NumberVerifier()))
        yield stack.enter_context(serving(rag, data=home / "data"))


@pytest.fixture
def open_library(browser: Browser, url: str) -> Iterator[Callable[..., Page]]:
    """Open the tab; at the end, no script error and no request beyond this machine."""
    requests: list[str] = []
    problems: list[str] = []
    with ExitStack() as stack:

        def open_(width: int = 1440, **options: object) -> Page:
            window = browser.new_context(viewport={"width": width, "height": 900}, **options)
            stack.callback(window.close)
            window.on("request", lambda request: requests.append(request.url))
            page = window.new_page()
            page.set_default_timeout(30000)
            expect.set_options(timeout=30000)
            watch(page, problems)
            visit(page, url)
            page.locator("#room-library-button").click()
            expect(page.locator(".work").first).to_be_visible()
            return page

        yield open_
    assert [request for request in requests if not request.startswith((url, "data:", "blob:"))] == []
    assert problems == []


def titles(page: Page) -> Locator:
    return page.locator(".work .title")


def find(page: Page, words: str) -> None:
    page.locator("#find input").fill(words)
    page.keyboard.press("Enter")


def test_words_and_filters_narrow_the_list_and_are_taken_off(open_library: Callable[..., Page]) -> None:
    page = open_library()
    find(page, "lamps")
    expect(titles(page)).to_have_text(["Amber lamps in the tundra", "Blue lamps and moths"])
    expect(page.locator("#lib-head .count")).to_have_text("2 abstracts", use_inner_text=True)
    page.locator("#lib-filters button", has_text="2021").click()
    expect(titles(page)).to_have_text(["Amber lamps in the tundra"])
    page.locator(".chip", has_text="2021").click()
    expect(titles(page)).to_have_count(2)
    find(page, "")
    expect(titles(page)).to_have_count(7)
    page.locator("#lib-filters button", has_text="张三").click()
    expect(titles(page)).to_have_text(["高原雪深的卫星预测", "冻土路基的温度监测"])
    page.get_by_role("button", name="Clear the filters").click()
    expect(titles(page)).to_have_count(7)
    page.locator("#years input").fill("a while ago")
    page.keyboard.press("Enter")
    expect(page.locator("#lib-said")).to_contain_text("Write years as")
    page.locator("#years input").fill("2019-2020")
    page.keyboard.press("Enter")
    expect(titles(page)).to_have_text(["冻土路基的温度监测", "Blue lamps and moths"])


def test_a_work_is_read_in_full_and_what_was_folded_is_parted_and_joined(
    open_library: Callable[..., Page],
) -> None:
    page = open_library()
    find(page, "Polar Farming")
    expect(titles(page)).to_have_count(1)  # else the list before is clicked, which goes
    titles(page).first.click()
    whole = page.locator(".work .whole")
    expect(whole.locator(".abstract")).to_contain_text("30 percent of their biomass")
    expect(whole).to_contain_text("José Núñez")
    expect(whole).to_contain_text("library.jsonl #3")
    find(page, "honey bees")
    expect(titles(page)).to_have_text(["Bees"])
    titles(page).first.click()
    page.locator(".folded > summary").click()
    expect(page.locator(".folded")).to_contain_text("nearly the same abstract")
    count = page.locator("#masthead .facts li").first
    before = count.inner_text()
    page.get_by_role("button", name="Not the same work").dblclick()
    expect(page.locator("#lib-said")).to_contain_text("two works from now on")
    expect(count).not_to_have_text(before, use_inner_text=True)
    find(page, "honey bees")
    expect(titles(page)).to_have_count(2)


def test_chosen_abstracts_are_asked_alone_until_that_is_taken_off(open_library: Callable[..., Page]) -> None:
    page = open_library()
    find(page, "lamps")
    expect(titles(page)).to_have_count(2)
    page.get_by_role("checkbox", name="Choose: Amber lamps in the tundra").click()
    expect(page.get_by_role("checkbox", name="Choose: Amber lamps in the tundra")).to_be_checked()
    expect(page.locator(".chosen")).to_contain_text("1 chosen")
    page.get_by_role("button", name="Ask about these").click()
    expect(page.locator(".scope")).to_contain_text("Asking 1 chosen abstract only")
    page.locator("#question textarea").fill("How much does growth rise?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    expect(page.locator("#shelf .card")).to_have_count(1)
    expect(page.locator(".turn .notes")).to_contain_text("asked of 1 chosen abstract only")
    page.reload()
    expect(page.locator(".turn .notes")).to_contain_text("asked of 1 chosen abstract only")
    page.get_by_role("button", name="Ask the whole library").click()
    expect(page.locator(".scope")).to_have_count(0)
    page.locator("#question textarea").fill("How much does growth rise?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(2)
    assert page.locator("#shelf .card").count() > 1


def test_the_map_is_drawn_on_this_machine_and_its_points_are_chosen(
    open_library: Callable[..., Page],
) -> None:
    page = open_library()
    page.locator("#view-map-button").click()
    points = page.locator("#map .scatterlayer .point")
    expect(points.first).to_be_visible(timeout=60000)
    count = points.count()
    assert count >= 7
    expect(page.locator(".legend li").first).to_be_visible()
    box = page.locator("#map .nsewdrag").first.bounding_box()
    assert box is not None
    corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
    for step, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=8)
        if not step:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator(".chosen")).to_contain_text(f"{count} chosen")
    page.get_by_role("button", name="language", exact=True).click()
    expect(page.locator(".legend")).to_contain_text("Chinese")


def test_papers_are_added_by_paste_file_and_path_with_a_report(
    open_library: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_library()
    page.locator("#view-add-button").click()
    add = page.locator("#add-go")
    add.click()
    expect(page.locator("#adding")).to_contain_text("Give files, text or a path first")
    page.locator("#path input, #path textarea").fill(str(tmp_path / "nowhere"))
    add.click()
    expect(page.locator("#adding .error")).to_contain_text("nowhere")
    page.locator("#path input, #path textarea").fill("")
    page.locator("#paste textarea").fill(
        "Otters crack shells on 31 chosen stones along the shore of one bay.\n\n" + BEES
    )
    add.click()
    expect(page.locator("#adding .report")).to_contain_text("1 abstract added")
    expect(page.locator("#adding .report")).to_contain_text("folded")
    file = tmp_path / "seals.txt"
    file.write_text(
        "Seals rest on ice floes for 9 hours a day in the thaw of the southern spring.", encoding="utf-8"
    )
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "paper.pdf").write_bytes(b"%PDF-1.7\n" + bytes(200))
    page.locator("#files input[type=file]").set_input_files(file)
    page.locator("#path input, #path textarea").fill(str(tmp_path / "folder"))
    expect(page.locator("#files")).to_contain_text("seals")
    add.click()
    expect(page.locator("#adding .report")).to_contain_text("1 abstract added")
    expect(page.locator("#adding .bad")).to_contain_text("paper.pdf")
    count = page.locator("#masthead .facts li").first.inner_text()
    page.reload()
    expect(page.locator("#masthead .facts li").first).to_have_text(count, use_inner_text=True)
    page.locator("#room-library-button").click()
    expect(page.locator("#lib-head .count")).to_have_text(count, use_inner_text=True)
    find(page, "otters shells")
    expect(titles(page)).to_have_count(1)


def test_an_empty_library_is_filled_from_its_first_page(browser: Browser, tmp_path: Path) -> None:
    parts = {"embedder": HashEmbedder(), "llm": ScriptedLLM(lambda _: ""), "verifier": NumberVerifier()}
    settings = load_settings(index=tmp_path / "index", min_similarity=-1.0)
    with (
        RAG(settings, **parts, missing_ok=True) as rag,
        serving(rag, data=tmp_path / "data") as address,
        closing(browser.new_context()) as window,
    ):
        page = window.new_page()
        expect.set_options(timeout=30000)
        visit(page, address)
        page.locator("#room-ask .empty-library .go").click()
        page.locator("#paste textarea").fill(BEES)
        page.locator("#add-go").click()
        expect(page.locator("#adding .report")).to_contain_text("1 abstract added")


def test_examples_of_this_library_are_answered_from_its_records(open_library: Callable[..., Page]) -> None:
    page = open_library(locale="zh-CN")
    page.locator("#room-ask-button").click()
    examples = page.locator(".example:visible")
    expect(examples.first).to_be_visible()
    assert examples.count() >= 3
    examples.first.click()
    expect(page.locator(".turn[aria-busy=false]")).to_have_count(1)
    expect(page.locator(".cite").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_in_chinese_needs_no_sideways_scrolling(
    open_library: Callable[..., Page], scheme: str
) -> None:
    page = open_library(width=390, locale="zh-CN", color_scheme=scheme)
    expect(page.locator("#view-map-button")).to_have_text("地图")
    expect(page.locator("#find input")).to_have_attribute("placeholder", "关键词、作者、期刊、DOI")
    for view in ("list", "add", "map"):
        page.locator(f"#view-{view}-button").click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
