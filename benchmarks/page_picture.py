"""Take the picture of the page that the README shows: ``python benchmarks/page_picture.py``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import suwen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import DESKTOP, LIBRARY, launched, missing, served  # noqa: E402

PICTURE = ROOT / "docs" / "images" / "explorer.png"
CONCEPT = "二甲双胍"
NEIGHBOR = "乳酸酸中毒"
SETTLED = 300  # milliseconds


def main() -> None:
    reason = missing()
    if reason:
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "library.db"
        suwen.Graph(graph).add(suwen.read_corpus(LIBRARY))
        with served(graph, log=Path(folder) / "log.txt") as address:
            take(address)


def take(address: str) -> None:
    """Open the sentences of an edge of the sample library, and save what the browser shows."""
    with launched() as browser:
        page = browser.new_page(viewport=DESKTOP, locale="zh-CN", color_scheme="light")
        page.goto(address)
        page.get_by_role("combobox").fill(CONCEPT)
        page.get_by_role("option").first.click()
        page.locator(f".edge[aria-label^='{NEIGHBOR}']").focus()
        page.keyboard.press("Enter")
        page.locator(".evidence li").first.wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(SETTLED)
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
