"""The neighbors of a concept by relation type, ranked and paged, and paths between concepts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from suwen.graph.aggregates import EVIDENCE, Piece, edge_counts, rank_of
from suwen.graph.evidence import since_condition
from suwen.graph.queries import SELECT_EDGE, Edge, concept_of, edge_of

__all__ = ["Direction", "Group", "neighbors", "path"]

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


def neighbors(
    connection: sqlite3.Connection,
    concept: int,
    relation: str | None = None,
    since: int | None = None,
    offset: int = 0,
    limit: int = 10,
) -> list[Group]:
    """Return the neighbors of a concept, one page of each relation type.

    Parameters
    ----------
    relation
        The only relation type to return.
    since
        Count the evidence of documents since a year of publication, or since a build, alone.
    offset, limit
        The page of each relation type. Edges of which a user rejected all evidence are left out.
    """
    groups = []
    for role in OTHER:
        rows = connection.execute(
            f"SELECT relation.name, relation.id, count(*) FROM edge JOIN relation ON relation.id = edge.relation"
            f" WHERE edge.{role} = ? AND edge.rank >= 0 AND ? IN ('', relation.name) GROUP BY relation.id ORDER BY 1",
            (concept, relation or ""),
        )
        for name, number, total in rows.fetchall():
            if since is None:
                edges = _page(connection, concept, number, role, offset, limit)
            else:
                recent = _since(connection, concept, number, role, since)
                total, edges = len(recent), recent[offset : offset + limit]
            if total:
                groups.append(Group(name, role, total, tuple(edges)))
    return sorted(groups, key=lambda group: (-group.total, group.relation, group.role))


def _page(
    connection: sqlite3.Connection, concept: int, relation: int, role: Direction, offset: int, limit: int
) -> list[Edge]:
    # Edges are numbered in an order that does not depend on that of adding.
    rows = connection.execute(
        f"{SELECT_EDGE} WHERE edge.id IN (SELECT id FROM edge WHERE {role} = ? AND relation = ? AND rank >= 0"
        " ORDER BY rank DESC, id LIMIT ? OFFSET ?) ORDER BY edge.rank DESC, edge.id",
        (concept, relation, limit, offset),
    )
    return [edge_of(row) for row in rows]


def _since(connection: sqlite3.Connection, concept: int, relation: int, role: Direction, since: int) -> list[Edge]:
    """Return the edges as the evidence of newer documents alone makes them, the best first."""
    (total,) = connection.execute("SELECT count(DISTINCT source) FROM document").fetchone()
    condition, value = since_condition(since)
    query = EVIDENCE.format("edge CROSS JOIN support ON support.edge = edge.id", "evidence.id = support.evidence")
    rows = connection.execute(
        f"{query} WHERE edge.{role} = ? AND edge.relation = ? AND {condition} ORDER BY edge.id",
        (concept, relation, value),
    )
    found = []
    for triple, pieces in groupby(map(Piece._make, rows), key=lambda piece: piece[:3]):
        counts = edge_counts(list(pieces))
        if counts.documents:
            head, tail = concept_of(connection, triple[1]), concept_of(connection, triple[2])
            rank = rank_of(counts, head.documents, tail.documents, total)
            name = _relation_name(connection, triple[0])
            found.append(Edge(name, head, tail, *counts[:7], rank, *counts[7:]))
    return sorted(found, key=lambda edge: (-edge.rank, edge.head.id, edge.tail.id))


def _relation_name(connection: sqlite3.Connection, number: int) -> str:
    return str(connection.execute("SELECT name FROM relation WHERE id = ?", (number,)).fetchone()[0])


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
                return [_edge(connection, number) for number in _trace(came_from, first, last)]
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


def _edge(connection: sqlite3.Connection, number: int) -> Edge:
    row: tuple[Any, ...] = connection.execute(f"{SELECT_EDGE} WHERE edge.id = ?", (number,)).fetchone()
    return edge_of(row)
