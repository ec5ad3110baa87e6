"""The graph that the server shows: a connection for each thread, opened again when the file is replaced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suwen.errors import SuwenError
from suwen.graph.graph import Graph
from suwen.web.work import Ticket

__all__ = ["GraphFile"]

Identity = tuple[int, int]


class _Opened(threading.local):
    graph: Graph | None = None
    identity: Identity | None = None


class GraphFile:
    """A graph file that may be replaced while the server runs.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = _Opened()

    @contextmanager
    def reading(self, ticket: Ticket) -> Iterator[Graph]:
        """Answer all questions of a block from one state of the graph; cancelling the ticket interrupts them.

        Raises
        ------
        SuwenError
            S101, S102 or S701 to S704 when there is no graph that can be read.
        """
        graph = self._current()
        with graph.snapshot():
            ticket.on_cancel(graph.interrupt)
            yield graph

    def _current(self) -> Graph:
        identity = self._identity()
        opened = self._opened
        # A connection to a file that was replaced must not be used any more: SQLite would take the journal of the new
        # file for that of the old one.
        if opened.graph is None or opened.identity != identity:
            if opened.graph is not None:
                opened.graph.close()
                opened.graph = None
            graph = Graph(self.path)
            graph.open()
            opened.graph, opened.identity = graph, identity
        return opened.graph

    def _identity(self) -> Identity:
        try:
            found = self.path.stat()
        except OSError:
            raise SuwenError("S101", self.path) from None
        return found.st_dev, found.st_ino
