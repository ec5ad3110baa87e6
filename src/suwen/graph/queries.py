"""Concepts and edges of a graph: by name, by a part of a name, between two concepts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from suwen.concepts.linking import Code
from suwen.concepts.normalization import difference, normalize
from suwen.errors import SuwenError
from suwen.graph.keys import edge_key, is_hexadecimal
from suwen.graph.search import fold, matching

__all__ = [
    "SELECT_EDGE",
    "Alias",
    "Concept",
    "Edge",
    "aliases",
    "codes",
    "concept_of",
    "edge_numbered",
    "edge_of",
    "edges_between",
    "named",
    "require_types",
    "resolve",
    "search",
    "why",
]


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept; `documents` counts near-copies once, `negated` and `hypothetical` are among the `mentions`."""

    id: str
    type: str
    name: str
    mentions: int
    documents: int
    negated: int
    hypothetical: int


@dataclass(frozen=True, slots=True)
class Alias:
    """A name of a concept as it is in the texts, how often, and why it is the concept's."""

    surface: str
    mentions: int
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation between two concepts.

    Parameters
    ----------
    documents, sentences
        How many the evidence is in; near-copies of a document are one.
    affirmed, negated, hypothetical
        The pieces of evidence by what the text says; those that a user rejected are in `rejected` alone.
    accepted
        Those that a user accepted.
    confidence
        See `suwen.graph.aggregates.edge_confidence`.
    rank
        Documents x confidence x lift.
    """

    relation: str
    head: Concept
    tail: Concept
    documents: int
    sentences: int
    affirmed: int
    negated: int
    hypothetical: int
    rejected: int
    confidence: float
    rank: float
    first_year: int | None
    last_year: int | None
    accepted: int

    @property
    def id(self) -> str:
        """The identifier, which survives a rebuild."""
        return edge_key(self.relation, self.head.id, self.tail.id)


CONCEPT_COLUMNS = "{0}.stable, {0}.type, {0}.name, {0}.mentions, {0}.documents, {0}.negated, {0}.hypothetical"
WIDTH = 7
EDGE_COLUMNS = (
    "edge.documents, edge.sentences, edge.affirmed, edge.negated, edge.hypothetical, edge.rejected, edge.confidence,"
    " edge.rank, edge.first_year, edge.last_year,"
    " CASE WHEN EXISTS (SELECT 1 FROM verdict) THEN"
    " (SELECT count(*) FROM support CROSS JOIN evidence ON evidence.id = support.evidence"
    " CROSS JOIN verdict ON verdict.key = evidence.key AND verdict.value = 'accept' WHERE support.edge = edge.id)"
    " ELSE 0 END"
)
SELECT_EDGE = (
    f"SELECT relation.name, {CONCEPT_COLUMNS.format('head')}, {CONCEPT_COLUMNS.format('tail')}, {EDGE_COLUMNS}, edge.id"
    " FROM edge JOIN relation ON relation.id = edge.relation"
    " JOIN concept AS head ON head.id = edge.head JOIN concept AS tail ON tail.id = edge.tail"
)


def edge_of(row: tuple[Any, ...]) -> Edge:
    """Return the edge of a row of `SELECT_EDGE`."""
    head, tail = Concept(*row[1 : 1 + WIDTH]), Concept(*row[1 + WIDTH : 1 + 2 * WIDTH])
    return Edge(row[0], head, tail, *row[1 + 2 * WIDTH : -1])


def edge_numbered(connection: sqlite3.Connection, number: int) -> Edge:
    """Return an edge by its row."""
    row: tuple[Any, ...] = connection.execute(f"{SELECT_EDGE} WHERE edge.id = ?", (number,)).fetchone()
    return edge_of(row)


def concept_of(connection: sqlite3.Connection, number: int) -> Concept:
    """Return a concept by its row."""
    columns = CONCEPT_COLUMNS.format("concept")
    row = connection.execute(f"SELECT {columns} FROM concept WHERE id = ?", (number,)).fetchone()
    return Concept(*row)


def search(connection: sqlite3.Connection, text: str, kind: str | None = None) -> Iterator[int]:
    """Yield the concepts with a name that holds a text, each once, in the order of `matching`."""
    seen: set[int] = set()
    for number in matching(connection, text):
        if number not in seen:
            seen.add(number)
            if kind is None or _type_of(connection, number) == kind:
                yield number


def _type_of(connection: sqlite3.Connection, number: int) -> str:
    (kind,) = connection.execute("SELECT type FROM concept WHERE id = ?", (number,)).fetchone()
    return str(kind)


def named(connection: sqlite3.Connection, term: str, kind: str | None = None) -> list[int]:
    """Return the concepts that have exactly this name or identifier, those with the most documents first."""
    if is_hexadecimal(term):
        found = connection.execute("SELECT id FROM concept WHERE stable = ?", (term,)).fetchall()
        if found:
            return [found[0][0]]
    for condition, values in (
        ("key = ? OR id IN (SELECT concept FROM name WHERE text = ?)", (normalize(term), fold(term))),
        # The name of a concept that was merged into another, as no text writes it.
        ("id IN (SELECT concept FROM form WHERE key = ?)", (normalize(term),)),
    ):
        rows = connection.execute(
            f"SELECT id FROM concept WHERE ({condition}) AND ? IN ('', type)"
            " ORDER BY documents DESC, mentions DESC, stable",
            (*values, kind or ""),
        ).fetchall()
        if rows:
            return [number for (number,) in rows]
    return []


def resolve(connection: sqlite3.Connection, term: str, kind: str | None = None) -> list[int]:
    """Return the concepts with this name or identifier, those with the most documents first.

    Raises
    ------
    SuwenError
        S708 when no concept is so named.
    """
    found = named(connection, term, kind)
    if not found:
        raise SuwenError("S708", term=term, of_type=f" of type {kind!r}" if kind else "")
    return found


def require_types(connection: sqlite3.Connection, kind: str | None = None, relation: str | None = None) -> None:
    """Refuse an entity type or a relation type that the graph does not have (S714): nothing could be found."""
    for what, name, field, table in (
        ("entity type", kind, "type", "concept"),
        ("relation type", relation, "name", "relation"),
    ):
        if name and not connection.execute(f"SELECT 1 FROM {table} WHERE {field} = ?", (name,)).fetchone():
            known = connection.execute(f"SELECT DISTINCT {field} FROM {table} ORDER BY 1")
            raise SuwenError("S714", what=what, name=name, known=", ".join(value for (value,) in known) or "none")


def aliases(connection: sqlite3.Connection, number: int) -> list[Alias]:
    """Return the names of a concept, the most frequent first."""
    name, key = connection.execute("SELECT name, key FROM concept WHERE id = ?", (number,)).fetchone()
    rows = connection.execute(
        "SELECT surface, sum(mentions), reason, source, key = ? FROM form WHERE concept = ?"
        " GROUP BY surface, reason, source, key ORDER BY 2 DESC, 1, 3, 4, 5",
        (key, number),
    )
    return [
        Alias(surface, mentions, *why(surface, name, reason, source, bool(is_own)))
        for surface, mentions, reason, source, is_own in rows
    ]


def why(surface: str, name: str, reason: str, source: str, is_own: bool) -> tuple[str, str]:
    """Return why a surface is a name of a concept, and who says so.

    Parameters
    ----------
    reason, source
        Why it has its key, if that is not the key of the surface itself.
    is_own
        Whether its key is that of the concept; otherwise a user put it there.
    """
    if not is_own:
        return "decision", "user"
    return (reason, source) if reason else (difference(surface, name) or "same", "normalization")


def codes(connection: sqlite3.Connection, number: int) -> list[Code]:
    """Return the codes of a concept, at most one of each terminology, unless concepts were merged."""
    rows = connection.execute(
        "SELECT DISTINCT code.value FROM form, json_each(form.codes) AS code WHERE form.concept = ? ORDER BY 1",
        (number,),
    )
    return [Code(*json.loads(value)) for (value,) in rows]


def edges_between(connection: sqlite3.Connection, first: str, second: str) -> list[tuple[int, Edge]]:
    """Return the edges between the concepts of two names in both directions, with their rows, the best first."""
    found: dict[int, Edge] = {}
    for head, tail in product(resolve(connection, first), resolve(connection, second)):
        rows = connection.execute(
            f"{SELECT_EDGE} WHERE edge.head = ? AND edge.tail = ? OR edge.head = ? AND edge.tail = ?",
            (head, tail, tail, head),
        )
        found |= {int(row[-1]): edge_of(row) for row in rows}
    return sorted(found.items(), key=lambda item: (-item[1].rank, item[1].relation, item[1].head.id, item[1].tail.id))
