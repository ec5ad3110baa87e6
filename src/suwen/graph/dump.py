"""The canonical dump: the content of a graph, independent of the order of its changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

__all__ = ["dump_lines"]

QUERIES = {
    "document": """
        SELECT document.key, document.hash, document.title, document.year, document.model, first.key AS source
        FROM document JOIN document AS first ON first.id = document.source ORDER BY 1""",
    "sentence": """
        SELECT document.key AS document, sentence.start, sentence.text
        FROM sentence JOIN document ON document.id = sentence.document ORDER BY 1, 2""",
    "concept": """
        SELECT stable AS id, type, key, name, mentions, documents, negated, hypothetical FROM concept ORDER BY 1""",
    "form": """
        SELECT concept.stable AS concept, form.type, form.surface, form.name, form.key, form.given, form.reason,
            form.source, form.codes, form.mentions
        FROM form JOIN concept ON concept.id = form.concept ORDER BY 1, 2, 3, 4""",
    "mention": """
        SELECT document.key AS document, mention.start, mention.end, mention.fragments, form.type,
            form.surface, form.name, mention.polarity, mention.cue_start, mention.cue_end, mention.confidence
        FROM mention JOIN document ON document.id = mention.document JOIN form ON form.id = mention.form
        ORDER BY 1, mention.id""",
    "edge": """
        SELECT relation.name AS relation, head.stable AS head, tail.stable AS tail, edge.documents, edge.sentences,
            edge.affirmed, edge.negated, edge.hypothetical, edge.rejected, edge.confidence, edge.rank, edge.first_year,
            edge.last_year
        FROM edge JOIN relation ON relation.id = edge.relation
        JOIN concept AS head ON head.id = edge.head JOIN concept AS tail ON tail.id = edge.tail ORDER BY 1, 2, 3""",
    "evidence": """
        SELECT document.key AS document, relation.name AS relation, head.start AS head_start, head.end AS head_end,
            tail.start AS tail_start, tail.end AS tail_end, evidence.start, evidence.end, evidence.polarity,
            evidence.confidence, evidence.key
        FROM evidence JOIN document ON document.id = evidence.document
        JOIN relation ON relation.id = evidence.relation
        JOIN mention AS head ON head.id = evidence.head JOIN mention AS tail ON tail.id = evidence.tail
        ORDER BY 1, evidence.id""",
    "support": """
        SELECT relation.name AS relation, head.stable AS head, tail.stable AS tail, support.position, evidence.key
        FROM support JOIN edge ON edge.id = support.edge JOIN relation ON relation.id = edge.relation
        JOIN concept AS head ON head.id = edge.head JOIN concept AS tail ON tail.id = edge.tail
        JOIN evidence ON evidence.id = support.evidence
        ORDER BY 1, 2, 3, 4""",
    "name": """
        SELECT concept.stable AS concept, name.text FROM name JOIN concept ON concept.id = name.concept
        ORDER BY name.id""",
    "meaning": """
        SELECT document.key AS document, meaning.short, meaning.label, meaning.long
        FROM meaning JOIN document ON document.id = meaning.document ORDER BY 1, 2, 3""",
    "resource": "SELECT kind, name, content FROM resource ORDER BY id",
    "verdict": "SELECT key, value, kind, author, note FROM verdict ORDER BY 1",
    "decision": """
        SELECT kind, type, key, other_type, other_key FROM action WHERE NOT undone ORDER BY id""",
}
"""Columns that the dump leaves out: numbers of rows, builds and times."""


def dump_lines(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield one JSON object a line: the kind of thing, and its values."""
    for kind, query in QUERIES.items():
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            values: dict[str, Any] = {"kind": kind, **dict(zip(names, row, strict=True))}
            yield json.dumps(values, ensure_ascii=False) + "\n"
