"""The evidence of edges: the sentences that state a relation, and where they stand."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from suwen.document import Span
from suwen.graph.keys import hexadecimal
from suwen.graph.tables import PER_DOCUMENT, POLARITIES

__all__ = ["Argument", "Evidence", "evidence", "evidence_of", "select_evidence", "since_condition"]

FIRST_YEAR = 1000
"""A smaller number after ``--since`` is that of a build."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One of the two mentions of a piece of evidence, in code points of the document.

    Parameters
    ----------
    polarity, cue
        The polarity of the mention, and the span of its cue, if there is one.
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
        The verdict of a user: ``accept``, ``reject`` or None.
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


def evidence(connection: sqlite3.Connection, edge: int, since: int | None = None) -> Iterator[Evidence]:
    """Yield the evidence of an edge, the newest documents first; only what is taken is read."""
    condition, value = since_condition(since)
    query = select_evidence("support CROSS JOIN evidence ON evidence.id = support.evidence")
    rows = connection.execute(
        f"{query} WHERE support.edge = ? AND {condition} ORDER BY support.position", (edge, value)
    )
    return map(evidence_of, rows)


def since_condition(since: int | None) -> tuple[str, int]:
    """Return the condition on documents for a year of publication, or the number of the build that added them."""
    if since is None:
        return "?", 1
    return f"document.{'year' if since >= FIRST_YEAR else 'build'} >= ?", since


def evidence_of(row: tuple[Any, ...]) -> Evidence:
    """Return the evidence of a row of `select_evidence`."""
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
