"""Main text of web pages: suwen and trafilatura on trafilatura's evaluation set.

    python benchmarks/web_pages.py TRAFILATURA/tests

The folder is that of a clone of https://github.com/adbar/trafilatura; nothing of it is part of suwen. Each page has
strings that its text must hold and strings that it must not hold. Scores are those of the set's own script: over all
strings, white space aside. `empty` counts pages with fewer than 100 characters, `refused` pages that raise an error.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trafilatura

from suwen.errors import SuwenError
from suwen.formats.articles import web_page

EMPTY = 100
Extract = Callable[[bytes], str | None]


def suwen_text(page: bytes) -> str:
    (document,) = web_page.parse(page, Path("page.html"), "page")
    return document.text


def trafilatura_text(page: bytes) -> str | None:
    return trafilatura.extract(page, include_comments=False)


def normal(text: str) -> str:
    return " ".join(text.split())


def score(extract: Extract, folder: Path, pages: dict[str, Any]) -> str:
    """Return a row of the table."""
    right = wrong = missing = empty = refused = 0
    seconds = 0.0
    for page in pages.values():
        file = next(path for name in ("cache", "eval") if (path := folder / name / page["file"]).is_file())
        data = file.read_bytes()
        start = time.process_time()
        try:
            text = normal(extract(data) or "")
        except SuwenError:
            text = ""
            refused += 1
        seconds += time.process_time() - start
        found = sum(normal(string) in text for string in page["with"])
        right += found
        missing += len(page["with"]) - found
        wrong += sum(normal(string) in text for string in page["without"])
        empty += len(text) < EMPTY
    scores = (right / (right + wrong), right / (right + missing), 2 * right / (2 * right + wrong + missing))
    return f"{' | '.join(f'{value:.3f}' for value in scores)} | {empty} | {refused} | {1000 * seconds / len(pages):.0f}"


def main() -> None:
    folder = Path(sys.argv[1])
    pages = json.loads((folder / "evaldata.json").read_text(encoding="utf-8"))
    print("| reader | precision | recall | F1 | empty | refused | CPU ms/page |\n|---|---|---|---|---|---|---|")
    for name, extract in (("suwen", suwen_text), ("trafilatura", trafilatura_text)):
        print(f"| {name} | {score(extract, folder, pages)} |", flush=True)


if __name__ == "__main__":
    main()
