"""The page of `suwen serve` on the sample graph: first paint, size, requests to other servers, accessibility.

    python benchmarks/page.py [-o docs/results/page]

A browser without a window opens the page in a fresh profile, ROUNDS times: first contentful paint as the browser
reports it, and the time until the page can be used. Both are wall-clock times. Then axe checks each state of the page,
and all requests of the whole visit are counted.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs import markdown, replace_table

import suwen
from suwen.files import write_json

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import DESKTOP, LIBRARY, PHONE, Watched, launched, missing, served, violations  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STATIC = ROOT / "src" / "suwen" / "web" / "static"
ROUNDS = 7
COMPRESSION = 6
NOTE = "患者口服二甲双胍0.5g，每日三次，否认高血压。考虑早期糖尿病肾病。"
GOALS = {"paint": "1,000 ms", "size": "100 KB", "external": "0", "violations": "0"}


def first_paint(browser: Browser, address: str) -> tuple[float, float]:
    """Return the milliseconds until the first contentful paint, and until the start page is filled."""
    with browser.new_context(viewport=DESKTOP) as context:
        page = context.new_page()
        page.goto(address)
        page.locator("#explore .starts button").first.wait_for()
        ready = page.evaluate("performance.now()")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        return page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"), ready


def accessibility(browser: Browser, address: str) -> tuple[dict[str, int], Watched]:
    """Return the number of violated rules in each state, and what was noted of the requests."""
    watched = Watched(address)
    found: dict[str, int] = {}
    for scheme in ("light", "dark"):
        for name, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            with browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce") as context:
                watched.watch(context)
                page = context.new_page()
                page.goto(address)
                for state in visit(page):
                    found[f"{state}, {name}, {scheme}"] = len(violations(page))
    return found, watched


def visit(page: Page) -> Any:
    """Bring the page into one state after the other; yield the name of each."""
    start = page.locator("#explore .starts button").first
    start.wait_for()
    yield "start"
    start.click()
    page.locator(".node").first.wait_for()
    yield "neighborhood"
    page.locator(".edge").first.focus()
    page.keyboard.press("Enter")
    page.locator(".evidence li").first.wait_for()
    yield "evidence"
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    page.get_by_role("table").wait_for()
    yield "table"
    page.locator("#tab-extract").click()
    page.locator("#extract-text").wait_for()
    yield "extract"
    page.locator("#extract-text").fill(NOTE)
    page.locator("#extract-text").press("Control+Enter")
    page.locator(".reading").wait_for()
    page.locator(".mention").first.focus()
    yield "mentions"


def sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of the page's files, gzipped, by ending."""
    found: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            size = len(gzip.compress(path.read_bytes(), COMPRESSION, mtime=0))
            found[path.suffix] = found.get(path.suffix, 0) + size
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "results" / "page")
    output = parser.parse_args().output
    if reason := missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "library.db"
        suwen.Graph(graph).add(suwen.read_corpus(LIBRARY))
        with launched() as browser, served(graph, log=Path(folder) / "log.txt") as address:
            paints, ready = zip(*(first_paint(browser, address) for _ in range(ROUNDS)), strict=True)
            found, watched = accessibility(browser, address)
            version = browser.version
    gzipped = sizes(STATIC)
    results = {"chromium": version, "paint": paints, "ready": ready, "gzipped": gzipped, "violations": found}
    results |= {"external": len(watched.external), "errors": watched.errors}
    write_json(output / "results.json", results)
    rows = [
        ["first contentful paint, median (slowest)", spread(paints), GOALS["paint"]],
        ["start page filled, median (slowest)", spread(ready), ""],
        ["JavaScript, gzipped", f"{gzipped['.js'] / 1000:.1f} KB", GOALS["size"]],
        ["all files, gzipped", f"{sum(gzipped.values()) / 1000:.1f} KB", ""],
        ["requests to other servers", len(watched.external), GOALS["external"]],
        [f"rules of axe violated in {len(found)} states", sum(found.values()), GOALS["violations"]],
    ]
    replace_table(output / "README.md", markdown(("what", "measured", "goal"), rows))
    print(markdown(("what", "measured", "goal"), rows))


def spread(values: tuple[float, ...]) -> str:
    return f"{statistics.median(values):,.0f} ({max(values):,.0f}) ms"


if __name__ == "__main__":
    main()
