"""Settings and fixtures that several test modules share, such as a browser on a live server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import DESKTOP, LIBRARY, Watched, launched, leaks, missing, served
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# On a busy machine a single example may take longer than Hypothesis's deadline.
settings.register_profile("suwen", deadline=None)
settings.load_profile("suwen")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; one per module, since Playwright's event loop would be in the way of other modules' tests."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with launched() as started:
        yield started


@pytest.fixture(scope="module")
def sample_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graph of the sample library."""
    import suwen

    path = tmp_path_factory.mktemp("graph") / "library.db"
    suwen.Graph(path).add(suwen.read_corpus(LIBRARY))
    return path


@pytest.fixture(scope="module")
def address_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Return the address of a server of a graph (or None) with these options; each is started once per module."""
    running: dict[tuple[Path | None, tuple[str, ...]], str] = {}
    with ExitStack() as servers:

        def start(graph: Path | None = None, *options: str) -> str:
            if (graph, options) not in running:
                log = tmp_path_factory.mktemp("served") / "log.txt"
                running[graph, options] = servers.enter_context(served(graph, *options, log=log))
            return running[graph, options]

        yield start


@pytest.fixture
def page_of(browser: Browser, address_of: Callable[..., str]) -> Iterator[Callable[..., Page]]:
    """Open the page on a live server of a graph; the test fails on external requests, console errors, CSP violations.

    ``page_of(graph, *options, expected=[…], at="", **context)``: options of ``suwen serve``, parts of console errors
    that the test provokes, what follows the address, and options of Playwright's ``new_context``.
    """
    with ExitStack() as contexts:
        all_watched, pages = [], []

        def open_page(
            graph: Path | None = None, *options: str, expected: tuple[str, ...] = (), at: str = "", **settings: Any
        ) -> Page:
            address = address_of(graph, *options)
            settings = {"viewport": DESKTOP, "locale": "en-US", "reduced_motion": "reduce", **settings}
            context = contexts.enter_context(browser.new_context(**settings))
            context.set_default_timeout(15_000)
            watched = Watched(address, expected)
            watched.watch(context)
            all_watched.append(watched)
            page = context.new_page()
            pages.append(page)
            page.goto(f"{address}/{at}")
            return page

        yield open_page
        for page in pages:
            assert leaks(page) == []
        for watched in all_watched:
            watched.check()
