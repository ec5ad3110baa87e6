"""A folder of CSV files for Neo4j's bulk import (``neo4j-admin database import full``).

Nodes are concepts, documents and evidence; relationships are the edges, and the links from evidence to its two concepts
and its document.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from suwen.graph.exports.escaping import one_line
from suwen.graph.exports.rows import Rows

__all__ = ["write"]

ARRAY = ";"
CONCEPTS = ("id:ID(Concept)", "name", "type", "names:string[]", "mentions:long", "documents:long", ":LABEL")
DOCUMENTS = ("id:ID(Document)", "title", "year:long", ":LABEL")
EVIDENCE = ("id:ID(Evidence)", "text", "start:long", "end:long", "polarity", "confidence:double", "verdict", ":LABEL")
EDGES = (
    ":START_ID(Concept)", ":END_ID(Concept)", "documents:long", "sentences:long", "affirmed:long", "negated:long",
    "hypothetical:long", "confidence:double", ":TYPE",
)  # fmt: skip
LINKS = {"heads": "Concept", "tails": "Concept", "sources": "Document"}


def write(rows: Rows, path: Path) -> Counter[str]:
    """Write the files; line breaks become spaces, and a semicolon in one of several names a full-width one."""
    lost: Counter[str] = Counter()
    _file(path / "concepts.csv", CONCEPTS, _concepts(rows, lost), lost)
    documents = ((row.key, row.title, row.year, "Document") for row in rows.documents())
    _file(path / "documents.csv", DOCUMENTS, documents, lost)
    evidence = (
        (one.id, one.text, one.start, one.end, one.polarity, one.confidence, one.verdict, "Evidence")
        for one, _, _ in rows.evidence()
    )
    _file(path / "evidence.csv", EVIDENCE, evidence, lost)
    edges = (
        (
            e.head.id,
            e.tail.id,
            e.documents,
            e.sentences,
            e.affirmed,
            e.negated,
            e.hypothetical,
            e.confidence,
            e.relation,
        )
        for e in rows.edges()
    )
    _file(path / "edges.csv", EDGES, edges, lost)
    for name, space in LINKS.items():
        header = (":START_ID(Evidence)", f":END_ID({space})", ":TYPE")
        _file(path / f"{name}.csv", header, _links(rows, name), lost)
    return lost


def _concepts(rows: Rows, lost: Counter[str]) -> Iterator[tuple[object, ...]]:
    for concept, names in rows.concepts():
        delimiters = sum(name.count(ARRAY) for name in names)
        if delimiters:
            lost["semicolons in names"] += delimiters
        joined = ARRAY.join(name.replace(ARRAY, "；") for name in names)
        yield (
            concept.id,
            concept.name,
            concept.type,
            joined,
            concept.mentions,
            concept.documents,
            f"Concept;{concept.type}",
        )


def _links(rows: Rows, name: str) -> Iterator[tuple[str, str, str]]:
    for evidence, head, tail in rows.evidence():
        target = {"heads": head, "tails": tail, "sources": evidence.document}[name]
        yield evidence.id, target, {"heads": "HEAD", "tails": "TAIL", "sources": "IN"}[name]


def _file(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]], lost: Counter[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(one_line(cell, lost) if isinstance(cell, str) else cell for cell in row)
