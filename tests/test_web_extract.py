"""The extract tab in a browser, on a live server."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import PHONE, missing, violations

import suwen
from suwen.document import Document
from suwen.formats import read_corpus

PlaywrightError = pytest.importorskip("playwright.sync_api", reason=missing() or "").Error
if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

NOTE = "😀患者口服二甲双胍0.5g，每日三次，\n否认高血压。"
NESTED = "😀重度2型糖尿病肾病，可能合并高血压。口服二甲双\n胍0.5g。"
BUSY = "the server responded with a status of 503"
Open = Callable[..., Any]


def mention(number: int, label: str, start: int, end: int, **more: Any) -> dict[str, Any]:
    text = NESTED[start:end]
    return {"id": f"T{number}", "label": label, "start": start, "end": end, "fragments": [], "text": text, **more}


ANSWER = {
    "model": "tagger 1",
    "relations_model": "relations 1",
    "entities": [
        mention(1, "Disease", 1, 10, score=0.95),
        mention(2, "Level", 1, 3, score=0.7),
        mention(3, "Disease", 3, 8, score=0.3),
        mention(4, "Anatomy", 8, 13, score=0.6),  # crosses the first one
        mention(5, "Disease", 15, 18, score=0.88, assertion={"polarity": "hypothetical", "cue": [11, 13]}),
        mention(6, "Drug", 21, 26, score=0.9, fragments=[[21, 24], [25, 26]]),
    ],
    "relations": [
        {"id": "R1", "type": "Drug_Disease", "head": "T6", "tail": "T1", "score": 0.9},
        {"id": "R2", "type": "Drug_Disease", "head": "T6", "tail": "T5", "score": 0.4},
    ],
}
"""What no bundled model finds: nested and crossing mentions, fragments, a cue."""


@pytest.fixture
def tab(page_of: Open, sample_graph: Path) -> Open:
    """Open the tab; with `answer`, the server's answers to `/v1/extract` are replaced by it."""

    def open_tab(answer: dict[str, Any] | None = None, **settings: Any) -> Page:
        page = page_of(sample_graph, **settings)
        if answer is not None:
            page.route("**/v1/extract", lambda route: route.fulfill(json=answer))
        page.locator("#tab-extract").click()
        page.locator("#extract-text").wait_for()
        return page

    return open_tab


def extract(page: Page, text: str) -> Locator:
    """Extract from a text; return the text with its mentions."""
    page.locator("#extract-text").fill(text)
    page.locator("#extract-text").press("Control+Enter")
    reading = page.locator(".reading")
    reading.wait_for()
    return reading


def card(page: Page) -> str:
    return page.locator("#extract .card").inner_text()


def copied(page: Page, kind: str) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=f"Copy as {kind}").click()
    page.locator("#live").filter(has_text="Copied").wait_for(state="attached")
    return page.evaluate("navigator.clipboard.readText()")


def joined(document: Document) -> list[tuple[str, str, str]]:
    return [(relation.label, relation.head, relation.tail) for relation in document.relations]


def test_web_extract_shows_what_the_model_finds(tab: Open, tmp_path: Path) -> None:
    page = tab()
    reading = extract(page, NOTE)
    expected = suwen.load(relations=True)(NOTE)
    assert reading.text_content() == NOTE
    assert page.locator(".mention").count() == len(expected.entities) > 3
    assert page.locator(".relation").count() == len(expected.relations) > 0
    (tmp_path / "copied.jsonl").write_text(copied(page, "JSON"), encoding="utf-8")
    (document,) = read_corpus(tmp_path / "copied.jsonl")
    assert document.text == NOTE
    assert [entity.key for entity in document.entities] == [entity.key for entity in expected.entities]
    assert joined(document) == joined(expected) != []
    assert ("Assertion", "negated") in [(attribute.label, attribute.value) for attribute in document.attributes]


def test_web_extract_copies_brat_that_counts_code_points(tab: Open, tmp_path: Path) -> None:
    page = tab(ANSWER)
    extract(page, NESTED)
    annotations = copied(page, "brat")
    assert "T6\tDrug 21 24;25 26\t二甲双 胍\n" in annotations
    (tmp_path / "note.txt").write_text(NESTED, encoding="utf-8")
    (tmp_path / "note.ann").write_text(annotations, encoding="utf-8")
    (document,) = read_corpus(tmp_path / "note.ann")
    said = [document.mention(entity) for entity in document.entities]
    assert said == [item["text"].replace("\n", "") for item in ANSWER["entities"]]
    assert [(item.label, item.target, item.value) for item in document.attributes] == [
        ("Assertion", "T5", "hypothetical"),
        ("Cue", "T5", "11-13"),
    ]


def test_web_extract_shows_nested_and_crossing_mentions(tab: Open) -> None:
    page = tab(ANSWER)
    reading = extract(page, NESTED)
    assert reading.text_content() == NESTED
    assert page.locator(".mention").evaluate_all("all => all.map((mention) => mention.dataset.letters)") == [
        "Di", "Le", "Di", "An", "Di?", "Dr",
    ]  # fmt: skip
    shown = page.locator(".segment").all_text_contents()
    assert shown == ["重度", "2型糖尿病", "肾病", "，", "可能", "高血压", "二甲双", "胍"]
    depths = page.locator(".segment").evaluate_all("all => all.map((one) => one.querySelectorAll('.layer').length)")
    assert depths == [2, 2, 2, 1, 1, 1, 1, 1]
    page.locator(".segment > .layer", has_text="肾病").hover()
    assert card(page).splitlines()[0] == "肾病，可能"
    assert "重度2型糖尿病肾病" in card(page)
    assert page.locator(".layer.active").all_text_contents() == [
        "重度", "2型糖尿病", "肾病", "肾病", "，", "可能", "二甲双", "胍",
    ]  # fmt: skip


def test_web_extract_shows_type_confidence_and_assertion(tab: Open) -> None:
    page = tab(ANSWER)
    extract(page, NESTED)
    button = page.locator(".mention").nth(4)
    button.focus()
    for said in ("高血压", "Disease", "0.88", "hypothetical (cue: 可能)", "characters 15 to 18"):
        assert said in card(page)
    assert button.get_attribute("aria-label") == "高血压, Disease, hypothetical, confidence 0.88"
    assert page.locator(".cue").all_text_contents() == ["可能"]


def test_web_extract_draws_relations_on_hover_and_focus(tab: Open) -> None:
    page = tab(ANSWER)
    extract(page, NESTED)
    arrows, relations = page.locator(".arrow"), page.locator(".relation")
    assert arrows.count() == 0
    relations.first.hover()
    assert arrows.count() == 1
    start, end = page.locator(".arrow").evaluate(
        "(path) => [0, path.getTotalLength()].map((at) => path.getPointAtLength(at)).map(({ x, y }) => [x, y])"
    )
    origin = page.locator(".reading").bounding_box()
    for (x, y), text in ((start, "二甲双"), (end, "重度")):
        box = page.locator(".segment > .layer", has_text=text).first.bounding_box()
        assert box["x"] <= origin["x"] + x <= box["x"] + box["width"]
        assert abs(origin["y"] + y - box["y"]) < 12
    page.mouse.move(0, 0)
    assert arrows.count() == 0
    relations.nth(1).focus()
    assert arrows.count() == 1
    page.locator(".mention").last.focus()
    assert arrows.count() == 2


def test_web_extract_leaves_out_what_is_below_the_confidence(tab: Open) -> None:
    page = tab(ANSWER)
    extract(page, NESTED)
    slider = page.locator("#extract-least")
    slider.fill("0.65")
    assert page.locator(".result output").inner_text() == "0.65 · 4 mentions, 1 relation"
    assert page.locator(".mention").count() == 4
    assert "T3" not in copied(page, "brat")
    slider.fill("1")
    assert "All 6 mentions are below this confidence." in page.locator(".result").inner_text()
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator(".mention").count() == 6


def test_web_extract_shows_markup_as_text(tab: Open) -> None:
    evil = '<img src=x onerror=alert(1)>"><script>alert(2)</script>'
    entity = {"id": "T1", "label": evil, "start": 0, "end": len(evil), "fragments": [], "text": evil, "score": 0.5}
    answer = {"model": evil, "relations_model": None, "entities": [entity], "relations": []}
    page = tab(answer)
    reading = extract(page, evil)
    page.locator(".mention").focus()
    assert reading.text_content() == evil
    assert card(page).count(evil) == 2
    assert page.locator("main img, main script").count() == 0


def test_web_extract_reads_a_file(tab: Open, tmp_path: Path) -> None:
    page = tab()
    path = tmp_path / "病历 1.txt"
    path.write_text(NOTE, encoding="utf-8")
    with page.expect_request("**/v1/extract/file") as sent:
        page.locator("#extract-file").set_input_files(path)
    page.locator(".reading").wait_for()
    assert page.locator(".reading").text_content() == NOTE
    assert page.locator(".relation").count() > 0
    assert "病历" not in sent.value.url
    drop = """(file) => {
      const data = new DataTransfer();
      data.items.add(new File([file], "b.txt", { type: "text/plain" }));
      document.getElementById("extract").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    page.evaluate(drop, "口服恩格列净。")
    page.locator(".reading", has_text="恩格列净").wait_for()


@pytest.mark.parametrize(
    ("name", "kind", "content", "said"),
    [
        ("a.exe", "application/octet-stream", b"MZ", "无法读取这种文件"),
        ("a.txt", "text/plain", b" \n", "文件中没有文字"),
        ("a.pdf", "application/pdf", b"%PDF-1.4 broken", "无法读取此文件（S120）"),
    ],
)
def test_web_extract_reports_in_the_language_what_is_wrong_with_a_file(
    tab: Open, name: str, kind: str, content: bytes, said: str
) -> None:
    page = tab(expected=("415", "422"), locale="zh-CN")
    page.locator("#extract-file").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    page.locator(".message", has_text=said).wait_for()


def test_web_extract_chooses_among_the_documents_of_a_file(tab: Open) -> None:
    page = tab()
    empty = {"model": "m", "relations_model": None, "entities": [], "relations": []}
    documents = [{"id": "a", "title": "甲", "text": "第一篇", **empty}, {"id": "b", "text": NESTED, **ANSWER}]
    page.route("**/v1/extract/file", lambda route: route.fulfill(json={"documents": documents}))
    file = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"1"}
    page.locator("#extract-file").set_input_files(file)
    page.locator(".result").wait_for()
    assert "No mentions were found." in page.locator(".result").inner_text()
    page.get_by_label("Document (of 2):").select_option("b")
    assert page.locator(".mention").count() == 6


def test_web_extract_reports_what_to_do_when_the_server_is_busy(tab: Open) -> None:
    page = tab(expected=(BUSY,))
    problem = {"type": "about:blank", "title": "Busy", "status": 503, "code": "S899", "detail": "busy"}
    headers = {"Content-Type": "application/problem+json", "Retry-After": "7"}
    page.route(
        "**/v1/extract", lambda route: route.fulfill(status=503, headers=headers, body=json.dumps(problem)), times=1
    )
    page.locator("#extract-text").fill(NOTE)
    page.get_by_role("button", name="Extract", exact=True).click()
    message = page.locator(".extract-output .message")
    message.wait_for()
    assert "The server is busy. Try again in 7 seconds." in message.inner_text()
    assert violations(page) == []
    message.get_by_role("button").click()
    page.locator(".reading").wait_for()


def test_web_extract_refuses_what_is_empty_or_too_long(tab: Open) -> None:
    page = tab()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    most = page.evaluate("fetch('v1/info').then((answer) => answer.json()).then((info) => info.limits)")
    asked.clear()
    field, problem = page.locator("#extract-text"), page.locator("#extract-problem")
    field.press("Control+Enter")
    assert problem.inner_text() == "There is no text yet. Paste a text or choose a file."
    field.fill("😀" * (most["characters"] + 1))
    assert "1 character longer than the limit" in problem.inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    field.press("Control+Enter")
    large = """(size) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(size)], "large.txt"));
      document.getElementById("extract").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    page.evaluate(large, most["file_bytes"] + 1)
    assert "large.txt has" in problem.inner_text()
    field.fill("😀" * 5)
    assert problem.inner_text() == ""
    assert page.locator("#extract-count").inner_text().startswith("5 of ")
    assert asked == []


def test_web_extract_waits_with_a_skeleton_and_can_be_canceled(tab: Open) -> None:
    page = tab(expected=("net::ERR",))
    page.route("**/v1/extract", lambda route: None)  # never answered
    page.locator("#extract-text").fill(NOTE)
    page.locator("#extract-text").press("Control+Enter")
    page.locator(".skeleton").first.wait_for(timeout=5_000)
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Try an example").wait_for()
    assert page.get_by_role("button", name="Cancel").count() == 0
    page.unroute_all()
    assert extract(page, NOTE).text_content() == NOTE


def test_web_extract_shows_the_answer_to_the_last_text(tab: Open) -> None:
    page = tab()
    waiting: list[Any] = []
    page.route("**/v1/extract", lambda route: waiting.append(route), times=1)
    page.locator("#extract-text").fill(NESTED)
    with page.expect_request("**/v1/extract"):
        page.locator("#extract-text").press("Control+Enter")
    reading = extract(page, NOTE)
    with suppress(PlaywrightError):  # the page may have given the request up
        waiting[0].fulfill(json=ANSWER)
    page.wait_for_timeout(200)
    assert reading.text_content() == NOTE


def test_web_extract_stores_nothing(tab: Open) -> None:
    page = tab()
    extract(page, NOTE)
    stored = page.evaluate(
        "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])"
    )
    assert "二甲双胍" not in stored
    assert "%E4%BA%8C" not in stored
    page.reload()
    page.locator("#tab-extract").click()
    assert page.locator("#extract-text").input_value() == ""


def test_web_extract_works_by_keyboard_alone(tab: Open) -> None:
    page = tab(ANSWER)
    page.locator("#extract-text").focus()
    page.keyboard.type("😀")
    page.locator("#extract-text").fill(NESTED)
    page.keyboard.press("Control+Enter")
    page.locator(".reading").wait_for()
    focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"

    def tab_until(text: str) -> None:
        for _ in range(15):
            page.keyboard.press("Tab")
            if text in page.evaluate(focused):
                return
        pytest.fail(f"Tab does not reach {text}")

    tab_until("Copy as JSON")
    tab_until("重度2型糖尿病肾病")
    page.keyboard.press("End")
    assert "二甲双胍, Drug" in page.evaluate(focused)
    page.keyboard.press("ArrowLeft")
    assert "高血压, Disease" in page.evaluate(focused)
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "View in graph"
    page.keyboard.press("Tab")
    assert page.locator(".arrow").count() == 1
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    assert "Point at a mention" in card(page)


def test_web_extract_leads_into_the_graph(tab: Open) -> None:
    page = tab()
    extract(page, NOTE)
    page.locator(".segment", has_text="二甲双胍").click()
    page.get_by_role("button", name="View in graph").click()
    page.locator("#explore").wait_for()
    page.locator("#explore", has_text="二甲双胍").wait_for()


def test_web_extract_works_without_a_graph(page_of: Open) -> None:
    page = page_of()
    extract(page, NOTE)
    page.locator(".mention").first.focus()
    assert "Method" in card(page)
    assert page.get_by_role("button", name="View in graph").count() == 0


def test_web_extract_works_when_the_graph_is_gone(page_of: Open, sample_graph: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.db"
    path.write_bytes(sample_graph.read_bytes())
    page = page_of(path)
    page.locator(".figures").wait_for()
    path.unlink()
    page.reload()
    extract(page, NOTE)


def test_web_extract_waits_until_the_server_answers(page_of: Open, sample_graph: Path) -> None:
    page = page_of(sample_graph, expected=("503",))
    page.route("**/v1/info", lambda route: route.fulfill(status=503, json={"code": "S826"}))
    page.reload()
    page.locator("#explore .message").wait_for()
    page.locator("#tab-extract").click()
    page.unroute("**/v1/info")
    page.locator("#extract .message button").click()
    page.locator(".figures").wait_for()
    page.locator("#tab-extract").click()
    extract(page, NOTE)
    assert page.locator("#extract .message").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_web_extract_violates_no_rule_of_accessibility(tab: Open, scheme: str, language: str) -> None:
    page = tab(ANSWER, color_scheme=scheme, locale=language)
    assert violations(page) == []
    extract(page, NESTED)
    page.locator(".mention").nth(4).focus()
    assert violations(page) == []
    page.locator("#language").click()
    assert page.locator(".mention").count() == 6
    assert violations(page) == []


def test_web_extract_fits_a_phone(tab: Open) -> None:
    page = tab(ANSWER, viewport=PHONE, has_touch=True)
    extract(page, NESTED * 20)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.locator(".segment", has_text="高血压").tap()
    box = page.locator("#extract .card").bounding_box()
    assert box["y"] + box["height"] <= PHONE["height"]
    assert "hypothetical" in card(page)
    assert violations(page) == []
