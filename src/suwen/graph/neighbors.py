"""The neighbors of a concept by relation type, ranked and paged, and paths between concepts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, NamedTuple

from suwen.graph.aggregates import EVIDENCE, EdgeCounts, Piece, edge_counts, rank_of
from suwen.graph.filters import ALL, Filters
from suwen.graph.queries import SELECT_EDGE, Edge, edge_numbered, edge_of

__all__ = ["Direction", "Group", "Place", "neighbor_types", "neighbors", "path"]

Direction = Literal["head", "tail"]
LONGEST_PATH = 6
OTHER: dict[Direction, Direction] = {"head": "tail", "tail": "head"}


@dataclass(frozen=True, slots=True)
class Group:
    """The edges of one relation type in which a concept is the head, or the tail.

    Parameters
    ----------
    role
        What the concept is in these edges.
    total
        How many such edges there are.
    edges
        One page of them, the best first.
    """

    relation: str
    role: Direction
    total: int
    edges: tuple[Edge, ...]


class Place(NamedTuple):
    """The place of an edge in an order: the figure that orders, the rank, and the row."""

    figure: float
    rank: float
    row: int


def neighbors(
    connection: sqlite3.Connection,
    concept: int,
    filters: Filters = ALL,
    offset: int = 0,
    limit: int = 10,
    role: Direction | None = None,
    after: Place | None = None,
) -> list[Group]:
    """Return the neighbors of a concept, one page of each relation type.

    Parameters
    ----------
    offset, limit
        The page of each relation type.
    role
        What the concept is in the edges; by default either.
    after
        Return the edges that follow this place, where a page continues another one.
    """
    groups: list[Group] = []
    for own in OTHER if role is None else (role,):
        find = _dated if filters.is_dated else _undated
        groups += find(connection, concept, filters, own, _Page(offset, limit, after))
    return sorted(groups, key=lambda group: (-group.total, group.relation, group.role))


def neighbor_types(connection: sqlite3.Connection, concept: int) -> dict[str, int]:
    """Return the entity types of the neighbors of a concept, each with the number of its edges, the most first."""
    rows = connection.execute(
        "SELECT other.type, count(*) FROM ("
        "SELECT tail AS id FROM edge WHERE head = ? AND rank >= 0"
        " UNION ALL SELECT head FROM edge WHERE tail = ? AND rank >= 0) AS end"
        " JOIN concept AS other ON other.id = end.id GROUP BY 1 ORDER BY 2 DESC, 1",
        (concept, concept),
    )
    return dict(rows.fetchall())


class _Page(NamedTuple):
    offset: int
    limit: int
    after: Place | None


def _undated(
    connection: sqlite3.Connection, concept: int, filters: Filters, role: Direction, page: _Page
) -> Iterator[Group]:
    condition, values = filters.of_edges(OTHER[role])
    source = f"FROM edge WHERE edge.{role} = ? AND {condition}"
    figure = f"edge.{filters.order}"
    # Each figure once, or the index does not order them. Edges are numbered in an order that does not depend on adding.
    order = ", ".join([f"{one} DESC" for one in dict.fromkeys((figure, "edge.rank"))] + ["edge.id"])
    following, place = ("", ()) if page.after is None else _following(figure, page.after)
    rows = connection.execute(
        f"SELECT name, id, total FROM (SELECT edge.relation, count(*) AS total {source} GROUP BY 1)"
        " JOIN relation ON id = relation",
        (concept, *values),
    )
    for name, number, total in rows.fetchall():
        chosen = f"SELECT edge.id {source} AND edge.relation = ?{following} ORDER BY {order} LIMIT ? OFFSET ?"
        edges = connection.execute(
            f"{SELECT_EDGE} WHERE edge.id IN ({chosen}) ORDER BY {order}",
            (concept, *values, number, *place, page.limit, page.offset),
        )
        yield Group(name, role, total, tuple(map(edge_of, edges)))


def _following(figure: str, after: Place) -> tuple[str, tuple[float, ...]]:
    return f" AND ({figure}, edge.rank, -edge.id) < (?, ?, ?)", (after.figure, after.rank, -after.row)


class _Counted(NamedTuple):
    """An edge as the evidence of some documents alone makes it."""

    place: Place
    counts: EdgeCounts


def _dated(
    connection: sqlite3.Connection, concept: int, filters: Filters, role: Direction, page: _Page
) -> Iterator[Group]:
    for name, found in _counted(connection, concept, filters, role).items():
        found.sort(key=lambda one: _descending(one.place))
        following = [one for one in found if page.after is None or _descending(one.place) > _descending(page.after)]
        edges = [_edge(connection, one) for one in following[page.offset : page.offset + page.limit]]
        yield Group(name, role, len(found), tuple(edges))


def _descending(place: Place) -> tuple[float, float, int]:
    return -place.figure, -place.rank, place.row


def _counted(
    connection: sqlite3.Connection, concept: int, filters: Filters, role: Direction
) -> dict[str, list[_Counted]]:
    """Return the edges by relation type, with the figures of the documents that the filters admit."""
    (total,) = connection.execute("SELECT count(DISTINCT source) FROM document").fetchone()
    condition, values = filters.of_edges(OTHER[role])
    (own,) = connection.execute("SELECT documents FROM concept WHERE id = ?", (concept,)).fetchone()
    rows = connection.execute(
        "SELECT edge.relation, edge.head, edge.tail, edge.id, relation.name, other.documents"
        " FROM edge CROSS JOIN relation ON relation.id = edge.relation"
        f" CROSS JOIN concept AS other ON other.id = edge.{OTHER[role]} WHERE edge.{role} = ? AND {condition}",
        (concept, *values),
    )
    known = {row[:3]: row[3:] for row in rows}
    dated, years = filters.of_documents()
    pieces = connection.execute(f"{EVIDENCE} WHERE edge.{role} = ? AND {dated}", (concept, *years))
    found: dict[str, list[_Counted]] = {}
    for triple, of_edge in groupby(map(Piece._make, pieces), key=lambda piece: piece[:3]):
        counts = edge_counts(of_edge)
        if triple in known and filters.admits(counts):
            row, name, documents = known[triple]
            rank = rank_of(counts, own, documents, total)
            figure = {"rank": rank, "documents": counts.documents, "confidence": counts.confidence}[filters.order]
            found.setdefault(name, []).append(_Counted(Place(figure, rank, row), counts))
    return found


def _edge(connection: sqlite3.Connection, one: _Counted) -> Edge:
    return replace(edge_numbered(connection, one.place.row), **one.counts._asdict(), rank=one.place.rank)


def path(connection: sqlite3.Connection, first: int, last: int, longest: int = LONGEST_PATH) -> list[Edge] | None:
    """Return the edges of a shortest path between two concepts, over affirmed edges in either direction.

    Of several shortest paths it takes the edges of the highest rank first. None when there is no path of at most
    `longest` edges.
    """
    if first == last:
        return []
    came_from: dict[int, tuple[int, int]] = {first: (0, 0)}
    frontier = [first]
    for _ in range(longest):
        following: list[int] = []
        for node in frontier:
            for edge, other in _around(connection, node):
                if other not in came_from:
                    came_from[other] = (node, edge)
                    following.append(other)
            if last in came_from:
                return [edge_numbered(connection, number) for number in _trace(came_from, first, last)]
        frontier = following
    return None


def _around(connection: sqlite3.Connection, node: int) -> Iterator[tuple[int, int]]:
    rows = connection.execute(
        "SELECT id, tail, rank FROM edge WHERE head = ? AND rank > 0 UNION ALL"
        " SELECT id, head, rank FROM edge WHERE tail = ? AND rank > 0 ORDER BY 3 DESC, 1",
        (node, node),
    )
    return ((edge, other) for edge, other, _ in rows)


def _trace(came_from: dict[int, tuple[int, int]], first: int, last: int) -> list[int]:
    edges = []
    while last != first:
        last, edge = came_from[last]
        edges.append(edge)
    return edges[::-1]
