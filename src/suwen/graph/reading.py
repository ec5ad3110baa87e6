"""Questions to a graph by identifier, for readers who follow links: the base of ``suwen.Graph``."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from suwen.errors import SuwenError
from suwen.graph import queries
from suwen.graph.aggregates import edge_of_evidence
from suwen.graph.browsing import Context, Passage, contexts, edge_row, matching_name, passage
from suwen.graph.filters import ALL, Filters
from suwen.graph.keys import is_hexadecimal, number_of
from suwen.graph.neighbors import Direction, Group, Place, neighbors
from suwen.graph.queries import Edge
from suwen.graph.revision import revision_of, structure_of
from suwen.graph.store import Connection

__all__ = ["BrowsableGraph", "Follows"]

Follows = tuple[float, float, str]
"""The last edge of a page: the figure that orders the edges, the rank, and the id."""


class BrowsableGraph(ABC):
    """A graph that answers by identifier and page by page."""

    @abstractmethod
    def _open(self) -> AbstractContextManager[Connection]:
        """Return a connection for reading from one state of the graph, whose faults get a code."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Answer all questions of a block from one state of the graph, whatever others write meanwhile."""
        with self._open():
            yield

    @property
    def revision(self) -> str:
        """16 hexadecimal digits that change whenever an answer may change."""
        with self._open() as connection:
            return revision_of(connection)

    @property
    def structure(self) -> str:
        """16 hexadecimal digits that change when documents or concepts change, but not with a verdict."""
        with self._open() as connection:
            return structure_of(connection)

    def matching_name(self, concept: str, text: str) -> str | None:
        """Return the name of a concept (an id) by which a search finds it; None for its own name."""
        with self._open() as connection:
            return matching_name(connection, concept, text)

    def neighbors(
        self,
        concept: str,
        filters: Filters = ALL,
        *,
        role: Direction | None = None,
        after: Follows | None = None,
        limit: int = 10,
    ) -> list[Group]:
        """Return the neighbors of a concept, one page of each relation type, with exact totals.

        Parameters
        ----------
        concept
            Its id or name.
        role
            What the concept is in the edges; by default either.
        after
            Continue after this edge.

        Raises
        ------
        SuwenError
            S708 when there is no such concept, S716 when the edge of `after` is gone.
        """
        with self._open() as connection:
            number = queries.resolve(connection, concept)[0]
            place = None
            if after is not None:
                figure, rank, edge = after
                place = Place(figure, rank, _row(connection, edge))
            return neighbors(connection, number, filters, limit=limit, role=role, after=place)

    def edge(self, edge: str) -> Edge:
        """Return the edge with an id.

        Raises
        ------
        SuwenError
            S716 when there is none.
        """
        with self._open() as connection:
            return queries.edge_numbered(connection, _row(connection, edge))

    def contexts(self, edge: str, filters: Filters = ALL, *, after: int = -1, limit: int | None = 50) -> list[Context]:
        """Return the evidence of an edge (an id) with the sentences around it, the newest documents first.

        Parameters
        ----------
        filters
            Only `since` and `until` count.
        after
            Continue after this position.

        Raises
        ------
        SuwenError
            S716 when there is no such edge.
        """
        with self._open() as connection:
            return contexts(connection, _row(connection, edge), filters, after, limit)

    def edge_of_evidence(self, evidence: str) -> Edge:
        """Return the edge for which a piece of evidence (an id) counts.

        Raises
        ------
        SuwenError
            S709 when there is no such evidence.
        """
        with self._open() as connection:
            number = edge_of_evidence(connection, number_of(evidence)) if is_hexadecimal(evidence) else None
            if number is None:
                raise SuwenError("S709", evidence=evidence)
            return queries.edge_numbered(connection, number)

    def passage(self, document: str) -> Passage:
        """Return the document with an id (`suwen.graph.keys.document_key`), its text and its mentions.

        Raises
        ------
        SuwenError
            S717 when there is none.
        """
        with self._open() as connection:
            found = passage(connection, document)
            if found is None:
                raise SuwenError("S717", document=document)
            return found


def _row(connection: sqlite3.Connection, edge: str) -> int:
    found = edge_row(connection, edge)
    if found is None:
        raise SuwenError("S716", edge=edge)
    return found
