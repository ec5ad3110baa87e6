"""Rows of all exports: documents, concepts, edges and evidence, streamed in a fixed order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from suwen.graph.evidence import Evidence, evidence_of, select_evidence
from suwen.graph.queries import SELECT_EDGE, Concept, Edge, edge_of

__all__ = ["ConceptRow", "DocumentRow", "EvidenceOfEdge", "Rows"]


class DocumentRow(NamedTuple):
    """A document; `source` is the document of which it is a near-copy, mostly itself."""

    key: str
    title: str
    year: int | None
    source: str


class ConceptRow(NamedTuple):
    """A concept with its names as they stand in the texts."""

    concept: Concept
    names: list[str]


class EvidenceOfEdge(NamedTuple):
    """A piece of evidence, and the identifiers of the concepts that it relates."""

    evidence: Evidence
    head: str
    tail: str


class Rows:
    """Reads a graph for an export.

    Parameters
    ----------
    connection
        A connection of `suwen.graph.store.connect`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def documents(self) -> Iterator[DocumentRow]:
        """Yield the documents by their keys."""
        query = (
            "SELECT document.key, document.title, document.year, source.key FROM document"
            " JOIN document AS source ON source.id = document.source ORDER BY 1"
        )
        return map(DocumentRow._make, self.connection.execute(query))

    def concepts(self) -> Iterator[ConceptRow]:
        """Yield the concepts by their identifiers."""
        query = (
            "SELECT stable, type, name, concept.mentions, documents, negated, hypothetical,"
            " (SELECT json_group_array(surface) FROM"
            "  (SELECT DISTINCT surface FROM form WHERE form.concept = concept.id ORDER BY surface))"
            " FROM concept ORDER BY 1"
        )
        for *fields, names in self.connection.execute(query):
            yield ConceptRow(Concept(*fields), json.loads(names))

    def edges(self) -> Iterator[Edge]:
        """Yield the edges by their relation types and concepts."""
        return map(edge_of, self.connection.execute(f"{SELECT_EDGE} ORDER BY 1, 2, {2 + len(Concept.__slots__)}"))

    def evidence(self) -> Iterator[EvidenceOfEdge]:
        """Yield all evidence by document, in the order of the text."""
        concepts = dict(self.connection.execute("SELECT id, stable FROM concept"))
        query = select_evidence("evidence", ", head_form.concept, tail_form.concept")
        for *row, head, tail in self.connection.execute(f"{query} ORDER BY document.key, evidence.id"):
            yield EvidenceOfEdge(evidence_of(row), concepts[head], concepts[tail])
