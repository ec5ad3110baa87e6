"""Look up an edge, its evidence in context, or a document, by identifier."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from suwen.document import Span
from suwen.graph.evidence import Evidence, evidence_of, select_evidence
from suwen.graph.filters import Filters
from suwen.graph.keys import document_key, edge_parts, relation_key
from suwen.graph.search import fold
from suwen.graph.tables import PER_DOCUMENT, POLARITIES
from suwen.graph.texts import text_of

__all__ = [
    "Context",
    "Mention",
    "Passage",
    "Verdict",
    "contexts",
    "edge_row",
    "matching_name",
    "passage",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a user on a piece of evidence, and its time (UTC)."""

    value: str
    kind: str | None
    note: str | None
    author: str | None
    time: str


@dataclass(frozen=True, slots=True)
class Context:
    """A piece of evidence with the sentences around it.

    Parameters
    ----------
    position
        Its place among the evidence of its edge, the newest documents first.
    before, after
        The sentence before and after it in the document; empty if there is none.
    """

    position: int
    evidence: Evidence
    before: str
    after: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention in a document, and the concept that it names."""

    start: int
    end: int
    fragments: tuple[Span, ...]
    type: str
    concept: str
    name: str
    polarity: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of a graph with its mentions, in the order of the text.

    Parameters
    ----------
    id
        16 hexadecimal digits that survive a rebuild.
    key
        The id that the document had when it was added.
    """

    id: str
    key: str
    title: str
    year: int | None
    text: str
    mentions: tuple[Mention, ...]


_FIRST = f"evidence.document * {PER_DOCUMENT}"
_CONTEXT = f""",
    support.position,
    coalesce((SELECT text FROM sentence WHERE sentence.id < {_FIRST} + evidence.start AND sentence.id >= {_FIRST}
        ORDER BY sentence.id DESC LIMIT 1), ''),
    coalesce((SELECT text FROM sentence WHERE sentence.id >= {_FIRST} + evidence.end
        AND sentence.id < {_FIRST} + {PER_DOCUMENT} ORDER BY sentence.id LIMIT 1), ''),
    verdict.value, verdict.kind, verdict.note, verdict.author, verdict.time"""
ADDED = 8


def edge_row(connection: sqlite3.Connection, edge: str) -> int | None:
    """Return the row of the edge with an identifier; None when there is none."""
    parts = edge_parts(edge)
    if parts is None:
        return None
    rows = connection.execute(
        "SELECT edge.id, relation.name FROM concept AS head CROSS JOIN concept AS tail"
        " CROSS JOIN edge ON edge.head = head.id AND edge.tail = tail.id"
        " CROSS JOIN relation ON relation.id = edge.relation WHERE head.stable = ? AND tail.stable = ?",
        parts[:2],
    )
    return next((int(row) for row, relation in rows if relation_key(relation) == parts[2]), None)


def contexts(
    connection: sqlite3.Connection, edge: int, filters: Filters, after: int = -1, limit: int | None = None
) -> list[Context]:
    """Return the evidence of an edge in its order.

    Parameters
    ----------
    filters
        `since` and `until` choose documents; other filters have no effect here.
    after
        Return what follows this position.
    """
    condition, values = filters.of_documents()
    query = select_evidence("support CROSS JOIN evidence ON evidence.id = support.evidence", _CONTEXT)
    rows = connection.execute(
        f"{query} WHERE support.edge = ? AND support.position > ? AND {condition} ORDER BY support.position LIMIT ?",
        (edge, after, *values, -1 if limit is None else limit),
    )
    found = []
    for row in rows:
        position, before, following, *verdict = row[-ADDED:]
        stored_verdict = None if verdict[0] is None else Verdict(*verdict)
        found.append(Context(position, evidence_of(row[:-ADDED]), before, following, stored_verdict))
    return found


def passage(connection: sqlite3.Connection, document: str) -> Passage | None:
    """Return the document with an identifier; None when there is none."""
    connection.create_function("document_key", 1, document_key, deterministic=True)
    row = connection.execute(
        "SELECT id, key, title, year FROM document WHERE document_key(key) = ?", (document,)
    ).fetchone()
    if row is None:
        return None
    number, key, title, year = row
    mentions = connection.execute(
        "SELECT mention.start, mention.end, mention.fragments, form.type, concept.stable, concept.name,"
        " mention.polarity FROM mention CROSS JOIN form ON form.id = mention.form"
        " CROSS JOIN concept ON concept.id = form.concept WHERE mention.id >= ? AND mention.id < ? ORDER BY mention.id",
        (number * PER_DOCUMENT, (number + 1) * PER_DOCUMENT),
    )
    found = tuple(
        Mention(start, end, _spans(fragments), kind, concept, name, POLARITIES[polarity])
        for start, end, fragments, kind, concept, name, polarity in mentions
    )
    return Passage(document, key, title, year, text_of(connection, number), found)


def _spans(fragments: str | None) -> tuple[Span, ...]:
    return tuple((start, end) for start, end in json.loads(fragments)) if fragments else ()


def matching_name(connection: sqlite3.Connection, concept: str, text: str) -> str | None:
    """Return the name or code of a concept by which a search for a text finds it; None for its own name.

    Equal names come first, then names that begin with the text, then the most frequent ones.
    """
    part = fold(text)
    number, own = connection.execute("SELECT id, name FROM concept WHERE stable = ?", (concept,)).fetchone()
    if part in fold(own):
        return None
    names = [
        name
        for (name,) in connection.execute(
            "SELECT surface FROM form WHERE concept = ? GROUP BY surface ORDER BY sum(mentions) DESC, surface",
            (number,),
        )
    ]
    names += [
        code
        for (code,) in connection.execute(
            "SELECT DISTINCT json_extract(code.value, '$[0]') FROM form, json_each(form.codes) AS code"
            " WHERE form.concept = ? ORDER BY 1",
            (number,),
        )
    ]
    found = [name for name in names if part in fold(name)]
    return min(found, key=lambda name: (fold(name) != part, not fold(name).startswith(part)), default=None)
