"""The graph tab of the page, in a browser on a live server."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import DESKTOP, PHONE, violations

import suwen
from suwen.document import Document, Entity, Relation

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Page

STATIC = Path(suwen.__file__).parent / "web" / "static"
MOST_SCRIPT = 100_000
"""Bytes of all scripts together, each compressed with gzip."""
HUB = 1_200
GROUPS = ("disease", "test", "therapy", "dosing", "other")
LEAST_DISTANCE = 15
"""Between the colors of two groups, in CIELAB; about 2 is the least that the eye can tell."""
VISIONS = {
    "usual": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    # Machado, Oliveira and Fernandes 2009, for the complete lack of one cone, on linear channels.
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
ATTACK = "<img src=x onerror=alert(1)>"

Open = Callable[..., "Page"]


def statement(name: str, first: str, second: str, label: str, relation: str, **meta: Any) -> Document:
    """A document of one sentence, that relates a concept to a disease."""
    text = f"{first}与{second}有关。"
    start = len(first) + 1
    entities = (
        Entity("Disease", 0, len(first), id="T1"),
        Entity(label, start, start + len(second), id="T2"),
    )
    return Document(name, text, entities, (Relation(relation, "T2", "T1", id="R1"),), meta=meta)


@pytest.fixture(scope="module")
def hub_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disease with more than 1,000 neighbors of two types."""
    path = tmp_path_factory.mktemp("hub") / "hub.db"
    kinds = [("Test", "Test_Disease"), ("Drug", "Drug_Disease")]
    documents = (statement(f"d{i}", "糖尿病", f"指标{i}号", *kinds[i % 2], year=2000 + i % 20) for i in range(HUB))
    suwen.Graph(path).add(documents)
    return path


@pytest.fixture(scope="module")
def hostile_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Markup, right-to-left marks and characters beyond UTF-16 units in titles and mentions."""
    path = tmp_path_factory.mktemp("hostile") / "hostile.db"
    names = [ATTACK, '"><script>alert(1)</script>', "\u202e反向\u200b", "😀𠀀试剂"]
    documents = [
        statement(f"<b>{i}</b>", "糖尿病", name, "Drug", "Drug_Disease", title=f"{ATTACK}{i}")
        for i, name in enumerate(names)
    ]
    suwen.Graph(path).add(documents)
    return path


def search(page: Page, text: str) -> None:
    page.get_by_role("combobox", name=re.compile("^(Search concepts|检索概念)$")).fill(text)


def choose(page: Page, name: str) -> None:
    """Search a concept and click it in the list."""
    search(page, name)
    page.get_by_role("option").filter(has_text=name).first.click()
    page.get_by_role("button", name=re.compile(f"^In the middle: {re.escape(name)}")).wait_for()


def status(page: Page) -> str:
    return page.locator(".status").inner_text()


def focused(page: Page) -> str:
    """Return the name of the element that has the keyboard."""
    return str(page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.textContent"))


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition. Playwright's own way needs `eval`, which the content security policy forbids."""
    end = time.monotonic() + 15
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(50)


def test_web_explorer_scripts_are_small() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in STATIC.rglob("*.js")}
    assert len(sizes) > 10
    assert sum(sizes.values()) <= MOST_SCRIPT, sizes


def test_web_explorer_page_holds_no_inline_code() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=", page) == []
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", scripts) == []


def test_web_explorer_texts_are_in_both_languages() -> None:
    source = (STATIC / "i18n.js").read_text(encoding="utf-8")
    scripts = "".join(path.read_text(encoding="utf-8") for path in [*STATIC.glob("*.js"), STATIC / "index.html"])
    table = source[source.index("const STRINGS") : source.index("const placeholders")]
    written = re.findall(r'^  "([\w .-]+)": \[', table, re.M)
    keys = set(written)
    assert len(keys) == len(written)
    used = set(re.findall(r'\bt\("([\w .-]+)"', scripts)) | set(
        re.findall(r'data-t(?:-\w+)?"?[:=] ?"([\w.-]+)"', scripts)
    )
    assert used - keys == set()
    # Half-width punctuation between Chinese characters.
    assert re.findall(r"[\u4e00-\u9fff][,;:?!()][\u4e00-\u9fff]", table) == []


def test_web_explorer_main_path_by_mouse(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    assert "relations shown" in status(page)
    page.get_by_role("button", name=re.compile("^二甲双胍, Drug")).click()
    drawer = page.get_by_role("complementary", name="Details")
    drawer.get_by_role("heading", name="二甲双胍").wait_for()
    drawer.get_by_role("button", name=re.compile("^2型糖尿病 ?drug for disease")).click()
    drawer.get_by_role("heading", name=re.compile("^Sentences of 二甲双胍")).wait_for()
    marks = drawer.locator("li mark").all_inner_texts()
    assert "二甲双胍" in marks
    drawer.get_by_role("button", name="Open document").first.click()
    assert drawer.locator(".document").inner_text() != ""
    drawer.get_by_role("button", name=re.compile("Back to the sentences")).click()
    drawer.get_by_role("button", name="Close").click()
    assert focused(page).startswith("二甲双胍 to 2型糖尿病")


def test_web_explorer_main_path_by_keyboard(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    page.get_by_role("combobox").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("2型糖尿病")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=re.compile("^In the middle")).wait_for()
    wait_until(page, "document.activeElement.ariaLabel?.startsWith('In the middle')")
    page.keyboard.press("ArrowRight")
    edge = focused(page)
    assert " to 2型糖尿病" in edge
    page.keyboard.press("Enter")
    wait_until(page, "document.activeElement.tagName === 'H2'")
    page.keyboard.press("]")
    assert page.evaluate("document.activeElement.tagName") == "LI"
    page.keyboard.press("Escape")
    assert focused(page) == edge
    page.keyboard.press("t")
    page.get_by_role("table").wait_for()
    page.keyboard.press("t")
    nodes = page.locator(".node.node").count()
    page.keyboard.press("ArrowRight")
    assert ", " in focused(page)
    page.keyboard.press("h")
    wait_until(page, f"document.querySelectorAll('.node.node').length === {nodes - 1}")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard and help").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Keyboard and help").wait_for(state="hidden")
    page.keyboard.press("Escape")
    wait_until(page, "document.activeElement.role === 'combobox'")


def test_web_explorer_graph_is_one_tab_stop(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    assert page.locator(".graph [tabindex='0']").count() == 1


def test_web_explorer_search_waits_for_pinyin(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    box = page.get_by_role("combobox")
    box.focus()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "v1/search" in request.url else None)
    session = page.context.new_cdp_session(page)
    for text in ("t", "tang", "tangniao"):
        session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    # Enter belongs to the input method while it composes.
    box.dispatch_event("keydown", {"key": "Enter", "keyCode": 229, "isComposing": True, "bubbles": True})
    box.dispatch_event("keydown", {"key": "ArrowDown", "keyCode": 229, "isComposing": True, "bubbles": True})
    page.wait_for_timeout(400)
    assert asked == []
    session.send("Input.insertText", {"text": "糖尿病"})
    page.get_by_role("option").first.wait_for()
    assert box.input_value() == "糖尿病"
    assert len(asked) == 1
    assert page.locator(".node").count() == 0


def test_web_explorer_search_finds_one_character(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    search(page, "肾")
    page.get_by_role("option").first.wait_for()
    assert all("肾" in text for text in page.get_by_role("option").all_inner_texts())
    search(page, "完全没有的词")
    page.locator(".note").get_by_text("No concept has a name").wait_for()


def test_web_explorer_enter_opens_only_what_was_chosen(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    search(page, "糖尿病")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.locator(".node").count() == 0


def test_web_explorer_late_answer_does_not_replace_a_newer_one(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    page.get_by_role("combobox").wait_for()

    def delay(route: Any) -> None:
        if "胍" in (route.request.post_data or ""):
            page.wait_for_timeout(800)
        route.continue_()

    page.route("**/v1/search", delay)
    search(page, "胍")
    page.wait_for_timeout(200)
    search(page, "肾")
    page.get_by_role("option").first.wait_for()
    page.wait_for_timeout(1200)
    assert all("肾" in text for text in page.get_by_role("option").all_inner_texts())


def test_web_explorer_hub_shows_few_and_reports_how_many_more(page_of: Open, hub_graph: Path) -> None:
    page = page_of(hub_graph)
    choose(page, "糖尿病")
    assert status(page) == "糖尿病: 16 of 1,200 relations shown"
    page.get_by_role("button", name=re.compile("^drug for disease: 592 more")).click()
    page.get_by_text("24 of 1,200").wait_for()
    before = positions(page)
    for _ in range(18):
        shown = int(status(page).split()[1])
        page.get_by_role("button", name=re.compile("^test of disease: .* more")).dispatch_event("pointerdown")
        page.get_by_role("button", name=re.compile("^test of disease: .* more")).focus()
        page.keyboard.press("Enter")
        wait_until(
            page, f"parseInt(document.querySelector('.status').textContent.split(' ')[1]) > {shown} || {shown} >= 141"
        )
    page.locator("#live", has_text="left").wait_for(state="attached")
    page.wait_for_timeout(300)
    assert page.locator(".node:not(.more)").count() <= 150
    after = positions(page)
    kept = before.keys() & after.keys()
    assert kept
    assert all(before[name] == after[name] for name in kept)


def positions(page: Page) -> dict[str, str]:
    """Return the place of each node by its label."""
    nodes: dict[str, str] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.node:not(.more)')]"
        ".map((node) => [node.getAttribute('aria-label'), node.getAttribute('transform')]))"
    )
    return nodes


def test_web_explorer_layout_is_the_same_at_every_visit(page_of: Open, hub_graph: Path) -> None:
    places = []
    for _ in range(2):
        page = page_of(hub_graph)
        choose(page, "糖尿病")
        places.append(positions(page))
    assert places[0] == places[1]


def test_web_explorer_labels_do_not_overlap(page_of: Open, sample_graph: Path, hub_graph: Path) -> None:
    for graph, name in ((sample_graph, "2型糖尿病"), (hub_graph, "糖尿病")):
        page = page_of(graph)
        choose(page, name)
        overlapping = page.evaluate(
            """() => {
              const parts = [...document.querySelectorAll(".node .name, .node .shape")];
              const boxes = parts.map((one) => one.getBoundingClientRect());
              return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
                a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)).length;
            }"""
        )
        assert overlapping == 0


def test_web_explorer_shows_markup_as_text(page_of: Open, hostile_graph: Path) -> None:
    page = page_of(hostile_graph)
    page.on("dialog", lambda dialog: pytest.fail(f"script ran: {dialog.message}"))
    choose(page, "糖尿病")
    page.keyboard.press("t")
    page.get_by_role("table").wait_for()
    assert page.locator("td").filter(has_text=ATTACK).count() >= 1
    for row in range(4):
        page.locator("tbody tr").nth(row).get_by_role("button", name="Sentences").click()
        page.locator(".evidence li").first.wait_for()
        marks = page.locator(".evidence li mark").all_text_contents()
        name = page.locator("tbody tr").nth(row).locator("td").nth(1).inner_text()
        assert marks[0] == "糖尿病"
        assert re.sub(r"\s", "", marks[1]) == re.sub(r"\s", "", name.removeprefix("Dr").strip())
        page.get_by_role("button", name="Open document").click()
        page.locator(".document").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Close").click()
    assert page.locator("img").count() == 0


def test_web_explorer_back_button_restores_the_concept(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    choose(page, "糖尿病肾病")
    page.go_back()
    page.get_by_role("button", name=re.compile("^In the middle: 2型糖尿病")).wait_for()
    page.go_forward()
    page.get_by_role("button", name=re.compile("^In the middle: 糖尿病肾病")).wait_for()
    page.go_back()
    page.go_back()
    page.get_by_role("heading", name="Start with a concept").wait_for()


def test_web_explorer_link_restores_the_view(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    page.get_by_role("checkbox", name=re.compile("^test of disease")).uncheck()
    wait_until(page, "!document.querySelector('.edge[aria-label*=\"test of\"]')")
    page.get_by_role("button", name=re.compile("^二甲双胍, Drug")).focus()
    page.keyboard.press("e")
    page.get_by_role("button", name=re.compile("^恶心, Side effect")).first.wait_for()
    page.get_by_role("button", name=re.compile("^二甲双胍 to 2型糖尿病")).focus()
    page.keyboard.press("Enter")
    page.locator(".evidence li").first.wait_for()
    link, places = page.url, positions(page)
    assert len(link) < 2_000
    again = page_of(sample_graph, at=link[link.index("#") :])
    again.locator(".evidence li").first.wait_for()
    assert positions(again) == places
    assert not again.get_by_role("checkbox", name=re.compile("^test of disease")).is_checked()


def test_web_explorer_link_to_a_table_restores_its_drawer(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    page.get_by_role("button", name=re.compile("^二甲双胍 to 2型糖尿病")).focus()
    page.keyboard.press("Enter")
    page.locator(".evidence li").first.wait_for()
    link = page.url.replace("#", "#view=table&")
    again = page_of(sample_graph, at=link[link.index("#") :])
    again.locator(".evidence li").first.wait_for()
    assert again.get_by_role("table").locator("tr.selected").count() == 1
    again.keyboard.press("Escape")
    again.get_by_role("table").get_by_role("button", name=re.compile("^Sentences of")).last.click()
    again.locator(".evidence li").first.wait_for()
    again.keyboard.press("Escape")
    again.keyboard.press("t")
    again.get_by_role("button", name=re.compile("^In the middle: 2型糖尿病")).wait_for()


def test_web_explorer_dragged_node_stays(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    name = "二甲双胍, Drug, 4 documents"
    before = positions(page)
    box = page.get_by_role("button", name=name).locator(".shape").bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 45, steps=4)
    page.mouse.up()
    dragged = positions(page)
    assert page.get_by_role("complementary").count() == 0
    assert [one for one in before if before[one] != dragged[one]] == [name]
    page.get_by_role("button", name=name).focus()
    page.keyboard.press("e")
    page.get_by_role("button", name=re.compile("^恶心, Side effect")).wait_for()
    again = page_of(sample_graph, at=page.url[page.url.index("#") :])
    again.get_by_role("button", name=re.compile("^恶心, Side effect")).wait_for()
    assert positions(again) == positions(page)
    assert positions(again)[name] == dragged[name]


def test_web_explorer_ignores_a_damaged_link(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph, at="#c=<script>&s=more.zz~expand~%00&at=1.2&min=nan&y=x-y&view=cube&e=../..")
    page.get_by_role("heading", name="Start with a concept").wait_for()
    missing = page_of(sample_graph, at="#c=0123456789abcdef", expected=("404",))
    missing.locator(".message").get_by_text("Search again").wait_for()


def test_web_explorer_filters(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    total = page.locator(".edge").count()
    page.get_by_role("spinbutton", name="From year").fill("2020")
    wait_until(page, f"document.querySelectorAll('.edge').length < {total}")
    assert "y=2020-" in page.url
    page.get_by_role("button", name="Clear filters").click()
    wait_until(page, f"document.querySelectorAll('.edge').length === {total}")
    for box in page.get_by_role("group", name="Relation types").get_by_role("checkbox").all():
        box.uncheck()
    page.locator(".note").get_by_text("No relation passes the filters").wait_for()


def test_web_explorer_verdict_survives(page_of: Open, hub_graph: Path) -> None:
    page = page_of(hub_graph)
    choose(page, "糖尿病")
    page.locator(".edge").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Reject").click()
    page.get_by_label("Kind of error").select_option("direction")
    page.wait_for_timeout(300)
    again = page_of(hub_graph, at=page.url[page.url.index("#") :])
    again.locator(".evidence li").first.wait_for()
    assert again.get_by_role("button", name="Reject").get_attribute("aria-pressed") == "true"
    assert again.get_by_label("Kind of error").input_value() == "direction"
    again.get_by_role("button", name="Reject").click()
    again.locator("[data-verdict=reject][aria-pressed=false]").wait_for()


def test_web_explorer_path(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    page.get_by_role("button", name="Path…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Find").click()
    dialog.get_by_text("Choose both concepts").wait_for()
    dialog.get_by_role("combobox", name="To").fill("恶心")
    dialog.get_by_role("option").first.click()
    dialog.get_by_role("button", name="Find").click()
    page.get_by_text("Shortest path: 3 concepts, 2 steps").first.wait_for()
    assert page.locator(".node").count() == 3
    page.keyboard.press("e")
    page.get_by_role("button", name=re.compile("^二甲双胍, Drug")).click()
    page.get_by_role("button", name="Center").wait_for()
    assert page.get_by_role("button", name="Expand").count() == 0
    assert page.locator(".node").count() == 3


def test_web_explorer_path_is_drawn_in_its_order(page_of: Open, tmp_path: Path) -> None:
    """Neighbors are sorted by type; the types of this path are not in that order."""
    documents = [
        statement("a", "糖尿病", "二甲双胍", "Drug", "Drug_Disease"),
        statement("b", "糖尿病", "乏力", "Symptom", "Symptom_Disease"),
        statement("c", "感冒", "乏力", "Symptom", "Symptom_Disease"),
    ]
    suwen.Graph(tmp_path / "chain.db").add(documents)
    page = page_of(tmp_path / "chain.db")
    choose(page, "二甲双胍")
    page.get_by_role("button", name="Path…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="To").fill("感冒")
    dialog.get_by_role("option").first.click()
    dialog.get_by_role("button", name="Find").click()
    page.get_by_text("Shortest path: 4 concepts, 3 steps").first.wait_for()
    across = {name.partition(",")[0]: float(place[10:].split()[0]) for name, place in positions(page).items()}
    assert sorted(across, key=across.__getitem__) == ["二甲双胍", "糖尿病", "乏力", "感冒"]


def test_web_explorer_opens_a_document_at_the_sentence(page_of: Open, tmp_path: Path) -> None:
    one = statement("long", "糖尿病", "二甲双胍", "Drug", "Drug_Disease")
    before = "此句与二者无关。\n" * 400
    entities = tuple(
        Entity(entity.label, entity.start + len(before), entity.end + len(before), id=entity.id)
        for entity in one.entities
    )
    suwen.Graph(tmp_path / "long.db").add([Document("long", before + one.text + before, entities, one.relations)])
    page = page_of(tmp_path / "long.db")
    choose(page, "糖尿病")
    page.get_by_role("button", name=re.compile("^二甲双胍 to 糖尿病")).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Open document").click()
    page.locator(".here").first.wait_for()
    box = page.locator(".here").first.bounding_box()
    assert box
    assert 0 < box["y"] < DESKTOP["height"] - box["height"]
    assert focused(page) == "long"


def test_web_explorer_saves_files(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    saved = {}
    for name in ("Picture, SVG", "Picture, PNG", "Table, CSV", "Cytoscape JSON"):
        page.locator(".menu summary").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = Path(download.value.path()).read_bytes()
    assert b"</svg>" in saved["Picture, SVG"]
    assert "二甲双胍".encode() in saved["Picture, SVG"]
    assert b"class=" not in saved["Picture, SVG"]
    assert saved["Picture, PNG"].startswith(b"\x89PNG")
    assert len(saved["Picture, PNG"]) > 20_000
    assert "二甲双胍".encode() in saved["Table, CSV"]
    assert saved["Cytoscape JSON"].startswith(b"{")


def test_web_explorer_asks_for_the_token_once(page_of: Open, sample_graph: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-some-length\n", encoding="utf-8")
    page = page_of(sample_graph, "--token-file", str(tmp_path / "token"), expected=("401",))
    dialog = page.get_by_role("dialog", name="Access token needed")
    dialog.wait_for()
    assert violations(page) == []
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    dialog.get_by_text("This token is not right").wait_for()
    page.keyboard.type("a-token-of-some-length")
    page.keyboard.press("Enter")
    choose(page, "2型糖尿病")
    page.reload()
    page.get_by_role("button", name=re.compile("^In the middle: 2型糖尿病")).wait_for()
    assert "a-token" not in page.url
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"


def test_web_explorer_reports_when_the_server_is_gone(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph, expected=("ERR_INTERNET_DISCONNECTED",))
    choose(page, "2型糖尿病")
    page.context.set_offline(True)
    search(page, "肾")
    page.get_by_text("The server cannot be reached").first.wait_for()
    page.locator(".edge").first.focus()
    page.keyboard.press("Enter")
    page.locator(".drawer .message").get_by_text("Check that suwen serve is running").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.locator(".evidence li").first.wait_for()


def test_web_explorer_on_a_phone(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph, viewport=PHONE, has_touch=True)
    choose(page, "2型糖尿病")
    page.get_by_role("button", name=re.compile("^二甲双胍, Drug")).tap()
    page.get_by_role("heading", name="二甲双胍").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert violations(page) == []
    page.get_by_role("button", name="Close").tap()
    page.get_by_role("button", name="Table", exact=True).tap()
    page.get_by_role("table").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_web_explorer_at_double_zoom(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph, viewport={"width": 640, "height": 400}, device_scale_factor=2)
    choose(page, "2型糖尿病")
    page.locator(".edge").first.focus()
    page.keyboard.press("Enter")
    page.locator(".evidence li").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 640


def test_web_explorer_switches_language_and_colors(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    choose(page, "2型糖尿病")
    page.get_by_role("button", name="切换到中文").click()
    page.get_by_role("button", name="中心：2型糖尿病，疾病，8 篇").wait_for()
    page.get_by_role("button", name="切换到深色").click()
    page.reload()
    page.get_by_role("button", name=re.compile("^中心：")).wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_web_explorer_hash_holds_every_state(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph)
    states = page.evaluate(
        """async () => {
          const { emptyState, fromHash, toHash } = await import("./static/state.js");
          const id = "0123456789abcdef";
          const filters = { withoutRelations: ["A~B.C*", "SideEff-Drug"], withoutTypes: ["部位"], confidence: 0.35,
            since: 2010, until: "", assertion: "only", reviewed: "unreviewed" };
          const steps = [["more", id, "tail", "A.B"], ["expand", id], ["hide", id]];
          const full = { ...emptyState(), focus: id, view: "table", filters, order: "confidence", steps,
            edge: id.repeat(3), places: "ab*1.-2a" };
          const long = { ...full, steps: Array.from({ length: 200 }, () => steps[0]) };
          const path = { ...emptyState(), path: [id, id] };
          const again = (state) => fromHash(toHash(state).hash);
          const same = [emptyState(), full, path].map((s) => [JSON.stringify(s), JSON.stringify(again(s))]);
          return { same, length: toHash(long).hash.length, complete: toHash(long).complete };
        }"""
    )
    assert all(before == after for before, after in states["same"])
    assert states["length"] <= 2_000
    assert not states["complete"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_web_explorer_is_accessible(page_of: Open, sample_graph: Path, scheme: str) -> None:
    page = page_of(sample_graph, color_scheme=scheme, locale="zh-CN")
    page.get_by_role("button", name=re.compile("^2型糖尿病")).first.wait_for()
    assert violations(page) == []
    search(page, "糖尿病")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert violations(page) == []
    page.keyboard.press("Enter")
    page.locator(".node").first.wait_for()
    assert violations(page) == []
    page.locator(".node.node").first.focus()
    page.keyboard.press("Enter")
    page.locator(".card").wait_for()
    assert violations(page) == []
    page.locator(".edge").first.focus()
    page.keyboard.press("Enter")
    page.locator(".evidence li").first.wait_for()
    page.get_by_role("button", name="拒绝").first.click()
    page.get_by_label("错误类型").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="拒绝").first.click()
    page.get_by_role("button", name="打开原文").first.click()
    page.locator(".document").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.get_by_role("table").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="路径").first.click()
    page.get_by_role("dialog").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert violations(page) == []


def themes() -> list[dict[str, str]]:
    """Return the colors of the light and of the dark page."""
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root(?:\[data-theme=dark\])?\{(color-scheme[^}]*)\}", style)
    assert len(blocks) == 2
    return [dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})\b", block)) for block in blocks]


def test_web_explorer_colors_keep_their_contrast() -> None:
    for colors in themes():
        for group in GROUPS:
            assert contrast(colors[group], colors["on"]) >= 4.5, group
            assert contrast(colors[group], colors["paper"]) >= 3, group
        for text in ("ink", "quiet", "link", "bad", "good"):
            for ground in ("paper", "panel", "raised"):
                assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colors as WCAG defines it."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    return float(linear(color) @ (0.2126, 0.7152, 0.0722))


def linear(color: str) -> NDArray[np.float64]:
    """Return the linear channels of a color."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    channels = np.array([int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("vision", VISIONS)
def test_web_explorer_groups_differ_for_the_color_blind(vision: str) -> None:
    for colors in themes():
        places = [lab(np.clip(np.array(VISIONS[vision]) @ linear(colors[group]), 0, 1)) for group in GROUPS]
        distances = [np.linalg.norm(one - other) for one, other in combinations(places, 2)]
        assert min(distances) >= LEAST_DISTANCE


def lab(channels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the CIELAB coordinates of linear channels."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    scaled = to_xyz @ channels / (0.9505, 1, 1.089)
    x, y, z = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
