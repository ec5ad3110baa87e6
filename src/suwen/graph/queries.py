"""What a graph answers: concepts, their neighbors, the evidence of an edge, and paths."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from suwen.concepts.linking import Code
from suwen.concepts.normalization import difference, normalize
from suwen.document import Span
from suwen.errors import SuwenError
from suwen.graph.keys import hexadecimal, is_hexadecimal
from suwen.graph.search import fold, matching
from suwen.graph.tables import PER_DOCUMENT, POLARITIES

__all__ = ["Alias", "Argument", "Concept", "Edge", "Evidence", "aliases", "concept_of", "evidence", "resolve", "search"]

FIRST_YEAR = 1000
"""A smaller number after ``--since`` is that of a build."""


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
    """A name of a concept as it stands in the texts, how often, and why it is the concept's."""

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
        How many the evidence stands in; near-copies of a document count once.
    affirmed, negated, hypothetical
        The pieces of evidence by what the text says; those that a user rejected are in `rejected` alone.
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


@dataclass(frozen=True, slots=True)
class Argument:
    """One of the two mentions of a piece of evidence, in code points of the document.

    Parameters
    ----------
    polarity, cue
        What the text says of the mention, and the span of the word that says so, if one does.
    """

    start: int
    end: int
    fragments: tuple[Span, ...]
    text: str
    type: str
    polarity: str
    cue: Span | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A relation as one document states it.

    Parameters
    ----------
    start, end
        The sentence or sentences that hold both mentions, in code points of the document.
    text
        Those sentences as they stand in the document.
    confidence
        The probability that it is right; None where all was annotated.
    verdict
        What a user said of it: ``accept``, ``reject`` or None.
    """

    id: str
    relation: str
    document: str
    title: str
    year: int | None
    start: int
    end: int
    text: str
    head: Argument
    tail: Argument
    polarity: str
    confidence: float | None
    verdict: str | None


CONCEPT_COLUMNS = "{0}.stable, {0}.type, {0}.name, {0}.mentions, {0}.documents, {0}.negated, {0}.hypothetical"
WIDTH = 7
EDGE_COLUMNS = (
    "edge.documents, edge.sentences, edge.affirmed, edge.negated, edge.hypothetical, edge.rejected, edge.confidence,"
    " edge.rank, edge.first_year, edge.last_year"
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
    """Return the concepts that have exactly this name or identifier, those of the most documents first."""
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


def resolve(connection: sqlite3.Connection, term: str, kind: str | None = None) -> int:
    """Return the concept with this name or identifier; of several, that of the most documents.

    Raises
    ------
    SuwenError
        S708 when no concept is so named.
    """
    found = named(connection, term, kind)
    if found:
        return found[0]
    raise SuwenError("S708", term=term)


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


def edges_between(connection: sqlite3.Connection, first: int, second: int) -> list[tuple[int, Edge]]:
    """Return the edges between two concepts in both directions, with their rows, the best first."""
    rows = connection.execute(
        f"{SELECT_EDGE} WHERE edge.head = ? AND edge.tail = ? OR edge.head = ? AND edge.tail = ?"
        " ORDER BY edge.rank DESC, relation.name, head.stable",
        (first, second, second, first),
    )
    return [(int(row[-1]), edge_of(row)) for row in rows]


_SELECT_EVIDENCE = """
    SELECT evidence.key, relation.name, document.key, document.title, document.year, evidence.start, evidence.end,
        (SELECT group_concat(text, '') FROM (
            SELECT text FROM sentence WHERE sentence.id >= evidence.document * {per_document} + evidence.start
            AND sentence.id < evidence.document * {per_document} + evidence.end ORDER BY sentence.id)),
        head.start, head.end, head.fragments, head_form.surface, head_form.type,
        head.polarity, head.cue_start, head.cue_end,
        tail.start, tail.end, tail.fragments, tail_form.surface, tail_form.type,
        tail.polarity, tail.cue_start, tail.cue_end,
        evidence.polarity, evidence.confidence, verdict.value{more}
    FROM {source}
    CROSS JOIN relation ON relation.id = evidence.relation
    CROSS JOIN document ON document.id = evidence.document
    CROSS JOIN mention AS head ON head.id = evidence.head
    CROSS JOIN mention AS tail ON tail.id = evidence.tail
    CROSS JOIN form AS head_form ON head_form.id = head.form
    CROSS JOIN form AS tail_form ON tail_form.id = tail.form
    LEFT JOIN verdict ON verdict.key = evidence.key
"""


def select_evidence(source: str, more: str = "") -> str:
    """Return the query for the evidence of a table or join, each row for `evidence_of`, and `more` columns."""
    return _SELECT_EVIDENCE.format(per_document=PER_DOCUMENT, source=source, more=more)


def evidence(
    connection: sqlite3.Connection, edge: int, since: int | None = None, offset: int = 0, limit: int | None = None
) -> list[Evidence]:
    """Return the evidence of an edge, the newest documents first."""
    condition, value = since_condition(since)
    query = select_evidence("support CROSS JOIN evidence ON evidence.id = support.evidence")
    rows = connection.execute(
        f"{query} WHERE support.edge = ? AND {condition} ORDER BY support.position", (edge, value)
    )
    return [evidence_of(row) for row in islice(rows, offset, None if limit is None else offset + limit)]


def since_condition(since: int | None) -> tuple[str, int]:
    """Return the condition on documents for a year of publication, or the number of the build that added them."""
    if since is None:
        return "?", 1
    return f"document.{'year' if since >= FIRST_YEAR else 'build'} >= ?", since


def evidence_of(row: tuple[Any, ...]) -> Evidence:
    key, relation, document, title, year, start, end, text = row[:8]
    polarity, confidence, verdict = row[24:]
    return Evidence(
        hexadecimal(key),
        relation,
        document,
        title,
        year,
        start,
        end,
        text,
        _argument(*row[8:16]),
        _argument(*row[16:24]),
        POLARITIES[polarity],
        confidence,
        verdict,
    )


def _argument(
    start: int,
    end: int,
    fragments: str | None,
    surface: str,
    kind: str,
    polarity: int,
    cue_start: int | None,
    cue_end: int | None,
) -> Argument:
    pieces = tuple((first, last) for first, last in json.loads(fragments)) if fragments else ()
    cue = None if cue_start is None or cue_end is None else (cue_start, cue_end)
    return Argument(start, end, pieces, surface, kind, POLARITIES[polarity], cue)
