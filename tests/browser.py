"""A browser on a live server of suwen: what the tests of the page share. The fixtures are in ``conftest.py``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("playwright", "axe_playwright_python", "fastapi", "uvicorn")
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE = 60.0
"""Seconds to wait for a server to start: the machine may be busy."""
SERVING = re.compile(r"suwen serves at (\S+)/ ")
LIBRARY = Path(__file__).parents[1] / "src" / "suwen" / "data" / "library"

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


def chromium() -> str | None:
    """Return the path of the browser, or None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def missing() -> str | None:
    """Return the reason why there can be no test in a browser here, or None."""
    packages = [name for name in PACKAGES if find_spec(name) is None]
    if packages:
        return f"not installed: {', '.join(packages)}; pip install -e '.[dev]'"
    return None if chromium() else f"no browser: none of {', '.join(NAMES)} is on the PATH; apt-get install chromium"


@contextmanager
def launched() -> Iterator[Browser]:
    """Start a browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(graph: Path | None, *options: str, log: Path) -> Iterator[str]:
    """Run ``suwen serve`` as a user would, on a free port of this machine; yield its address once it answers."""
    command = [sys.executable, "-m", "suwen", "serve", *([str(graph)] if graph else []), "--port", "0", *options]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield address_in(log, process)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def address_in(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until a server says where it serves; return the address, without a slash at its end."""
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE and process.poll() is None:
        if said := SERVING.search(log.read_text(encoding="utf-8")):
            return said[1]
        time.sleep(0.05)
    raise RuntimeError(f"suwen serve did not start: {log.read_text(encoding='utf-8')}")


@dataclass
class Watched:
    """What went wrong in the pages of a context; a test fails on anything here that it did not expect.

    Parameters
    ----------
    address
        The only server that a page may ask.
    expected
        Parts of the console's errors that the test provokes: the browser reports each failed request.
    """

    address: str
    expected: Sequence[str] = ()
    external: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Note all requests, errors of scripts, and violations of the content security policy."""
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("request", self.asked)
        context.on("console", self.said)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "data:", "blob:", "about:")):
            self.external.append(request.url)

    def said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def check(self) -> None:
        """Fail on a request to another server and on every error that was not expected."""
        assert self.external == []
        assert [error for error in self.errors if not any(part in error for part in self.expected)] == []


def leaks(page: Page) -> list[str]:
    """Return the words of the script that the page shows instead of nothing."""
    return re.findall(r"\b(?:null|undefined|NaN|\[object \w+\])(?!\w)", page.locator("body").inner_text())


def violations(page: Page) -> list[tuple[str, list[Any]]]:
    """Return the rules of axe that the page violates now, each with the elements concerned."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]
