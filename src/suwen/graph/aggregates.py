"""Aggregates of the facts: concepts, edges and the index of names, recomputed after every change."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from suwen.graph.linking import Linker
from suwen.graph.pieces import Numbers, numbers_by_id, sorted_pieces
from suwen.graph.resolving import assign_concepts
from suwen.graph.revision import mark_rebuilt
from suwen.graph.sources import assign_sources
from suwen.graph.store import sorting_in_little_memory
from suwen.graph.tables import AGGREGATES, INDEXES, PER_DOCUMENT

__all__ = [
    "EVIDENCE",
    "SHARED_ERROR",
    "EdgeCounts",
    "Piece",
    "edge_confidence",
    "edge_counts",
    "edge_of_evidence",
    "rank_of",
    "rebuild",
    "refresh_edge",
]

SHARED_ERROR = 0.05
"""The probability that all evidence of one document is wrong together, however much there is of it."""

DIGITS = 6
BATCH = 10_000
"""Mentions that are counted together."""
TRIPLE = itemgetter(0, 1, 2)

Wrong = tuple[dict[int, list[float]], ...]
"""The probabilities that evidence is wrong, by source: of affirmed, negated and hypothetical evidence."""


def rebuild(connection: sqlite3.Connection, linker: Linker) -> None:
    """Compute all aggregates again, in an open transaction."""
    for index in INDEXES:
        connection.execute(f"DROP INDEX IF EXISTS {index}")
    for table in AGGREGATES:
        connection.execute(f"DELETE FROM {table}")
    connection.execute("INSERT INTO gram (gram) VALUES ('delete-all')")
    assign_sources(connection)
    assign_concepts(connection, linker)
    documents = _count_mentions(connection)
    _name_concepts(connection)
    _build_edges(connection, documents)
    _index_names(connection)
    with sorting_in_little_memory(connection):
        for index, columns in INDEXES.items():
            connection.execute(f"CREATE INDEX {index} ON {columns}")
    mark_rebuilt(connection)


def _count_mentions(connection: sqlite3.Connection) -> list[int]:
    """Count mentions, and documents with near-copies once; return the documents of each concept by its number."""
    concepts = numbers_by_id(connection, "SELECT id, concept FROM form")
    of_form = np.zeros(len(concepts), dtype=np.int64)
    mentions, documents, negated, hypothetical = np.zeros((4, int(concepts.max()) + 1), dtype=np.int64)
    for sources, forms, polarities in _mentions_by_source(connection):
        found = concepts[forms]
        of_form += np.bincount(forms, minlength=len(of_form))
        mentions += np.bincount(found, minlength=len(mentions))
        negated += np.bincount(found[polarities == 1], minlength=len(mentions))
        hypothetical += np.bincount(found[polarities == 2], minlength=len(mentions))
        pairs = np.unique(sources * len(documents) + found)
        documents += np.bincount(pairs % len(documents), minlength=len(documents))
    by_form = zip(of_form.tolist(), range(len(of_form)), strict=True)
    connection.executemany("UPDATE form SET mentions = ? WHERE id = ?", by_form)
    counts = np.column_stack((mentions, documents, negated, hypothetical, np.arange(len(mentions))))
    connection.executemany(
        "UPDATE concept SET mentions = ?, documents = ?, negated = ?, hypothetical = ? WHERE id = ?", counts.tolist()
    )
    # A concept whose forms were all merged into others is left out.
    connection.execute("DELETE FROM concept WHERE mentions = 0")
    by_concept: list[int] = documents.tolist()
    return by_concept


def _mentions_by_source(connection: sqlite3.Connection) -> Iterator[Numbers]:
    """Yield source, form and polarity of all mentions, those of a source together."""
    rows: list[tuple[int, int, int]] = []
    documents = connection.execute("SELECT source, id FROM document ORDER BY source, id").fetchall()
    for _, of_source in groupby(documents, key=itemgetter(0)):
        for source, number in of_source:
            rows += connection.execute(
                "SELECT ?, form, polarity FROM mention WHERE id >= ? AND id < ?",
                (source, number * PER_DOCUMENT, (number + 1) * PER_DOCUMENT),
            )
        if len(rows) > BATCH:
            yield np.array(rows, dtype=np.int64).T
            rows = []
    if rows:
        yield np.array(rows, dtype=np.int64).T


def _name_concepts(connection: sqlite3.Connection) -> None:
    """Name each concept by its most frequent form with its own key, else by the name that led to it."""
    connection.execute(
        "UPDATE concept SET name = chosen.name FROM ("
        " SELECT concept, name,"
        " row_number() OVER (PARTITION BY concept ORDER BY is_own DESC, count DESC, name) AS place"
        " FROM ("
        "  SELECT form.concept, form.key = owner.key AND form.reason = '' AS is_own, sum(form.mentions) AS count,"
        "   CASE WHEN form.key = owner.key AND form.reason <> '' THEN form.given ELSE form.surface END AS name"
        "  FROM form JOIN concept AS owner ON owner.id = form.concept GROUP BY 1, 2, 4)"
        ") AS chosen WHERE chosen.place = 1 AND chosen.concept = concept.id"
    )


class Piece(NamedTuple):
    """A piece of evidence, with the edge and the source that it counts for."""

    relation: int
    head: int
    tail: int
    source: int
    document: int
    id: int
    start: int
    polarity: int
    confidence: float
    year: int | None
    verdict: str | None


class EdgeCounts(NamedTuple):
    """The sums over the evidence of an edge (see `suwen.graph.queries.Edge`)."""

    documents: int
    sentences: int
    affirmed: int
    negated: int
    hypothetical: int
    rejected: int
    confidence: float
    first_year: int | None
    last_year: int | None


EVIDENCE = f"""
    SELECT edge.relation, edge.head, edge.tail, document.source, document.id, evidence.id,
        evidence.start, evidence.polarity, coalesce(evidence.confidence, 1), document.year, verdict.value
    FROM edge
    CROSS JOIN support ON support.edge = edge.id
    CROSS JOIN document ON document.id = support.evidence / {PER_DOCUMENT}
    CROSS JOIN evidence ON evidence.id = support.evidence
    LEFT JOIN verdict ON verdict.key = evidence.key
"""
"""Selects the evidence of edges, one edge after the other, as `Piece`."""


def _build_edges(connection: sqlite3.Connection, documents: list[int]) -> None:
    (total,) = connection.execute("SELECT count(DISTINCT source) FROM document").fetchone()
    edges = 0
    for pieces in sorted_pieces(connection):
        rows: list[tuple[Any, ...]] = []
        support: list[tuple[int, int, int]] = []
        for number, (triple, of_edge) in enumerate(groupby(map(Piece._make, pieces), key=TRIPLE), start=edges + 1):
            evidence = list(of_edge)
            counts = edge_counts(evidence)
            rank = rank_of(counts, documents[triple[1]], documents[triple[2]], total)
            rows.append((number, *triple, *counts[:7], rank, *counts[7:]))
            support += [(number, place, piece.id) for place, piece in enumerate(evidence)]
        _write_edges(connection, rows, support)
        edges += len(rows)


def _write_edges(
    connection: sqlite3.Connection, edges: list[tuple[Any, ...]], support: list[tuple[int, int, int]]
) -> None:
    connection.executemany(f"INSERT INTO edge VALUES ({', '.join('?' * 14)})", edges)
    connection.executemany("INSERT INTO support VALUES (?, ?, ?)", support)


def refresh_edge(connection: sqlite3.Connection, evidence: int) -> None:
    """Count the evidence of one edge again, after a verdict on a piece of it (its key)."""
    number = edge_of_evidence(connection, evidence)
    pieces = connection.execute(f"{EVIDENCE} WHERE edge.id = ?", (number,))
    counts = edge_counts(map(Piece._make, pieces))
    (total,) = connection.execute("SELECT count(DISTINCT source) FROM document").fetchone()
    head, tail = connection.execute(
        "SELECT head.documents, tail.documents FROM edge JOIN concept AS head ON head.id = edge.head"
        " JOIN concept AS tail ON tail.id = edge.tail WHERE edge.id = ?",
        (number,),
    ).fetchone()
    values = (*counts[:7], rank_of(counts, head, tail, total), *counts[7:], number)
    connection.execute(
        "UPDATE edge SET documents = ?, sentences = ?, affirmed = ?, negated = ?, hypothetical = ?, rejected = ?,"
        " confidence = ?, rank = ?, first_year = ?, last_year = ? WHERE id = ?",
        values,
    )


def edge_of_evidence(connection: sqlite3.Connection, evidence: int) -> int | None:
    """Return the row of the edge for which a piece of evidence (its key) counts; None when there is none."""
    found = connection.execute(
        "SELECT edge.id FROM evidence CROSS JOIN mention AS head ON head.id = evidence.head"
        " CROSS JOIN mention AS tail ON tail.id = evidence.tail"
        " CROSS JOIN form AS head_form ON head_form.id = head.form"
        " CROSS JOIN form AS tail_form ON tail_form.id = tail.form"
        " CROSS JOIN edge ON edge.head = head_form.concept AND edge.tail = tail_form.concept"
        " AND edge.relation = evidence.relation WHERE evidence.key = ?",
        (evidence,),
    ).fetchone()
    return int(found[0]) if found else None


def edge_counts(evidence: Iterable[Piece]) -> EdgeCounts:
    """Count the evidence of one edge; rejected evidence counts only as rejected."""
    by_polarity = [0, 0, 0]
    rejected = 0
    wrong: Wrong = ({}, {}, {})
    sources, sentences, years = set(), set(), set()
    for _, _, _, source, document, _, start, polarity, confidence, year, verdict in evidence:
        if verdict == "reject":
            rejected += 1
            continue
        by_polarity[polarity] += 1
        sources.add(source)
        sentences.add((document, start))
        if year is not None:
            years.add(year)
        wrong[polarity].setdefault(source, []).append(0.0 if verdict == "accept" else 1 - confidence)
    first, last = (min(years), max(years)) if years else (None, None)
    affirmed, negated, hypothetical = by_polarity
    counts = len(sources), len(sentences), affirmed, negated, hypothetical, rejected
    return EdgeCounts(*counts, _noisy_or(wrong), first, last)


def rank_of(counts: EdgeCounts, head: int, tail: int, total: int) -> float:
    """Return documents x confidence x lift, -1 where all evidence was rejected.

    The lift compares the documents of the edge with those that two independent concepts would share: of the neighbors
    of a concept, those come first that stand with it more often than by chance.

    Parameters
    ----------
    head, tail, total
        The documents of the two concepts, and all.
    """
    if not counts.documents:
        return -1.0
    lift = counts.documents * total / (head * tail)
    return round(counts.documents * counts.confidence * lift, DIGITS)


def edge_confidence(evidence: Iterable[tuple[int, int, float]]) -> float:
    """Return the probability that an edge is true, by noisy-or over documents.

    ``p⁺ = 1 - Π_d min(1, s + Π_e (1 - p_e))`` over the affirmed evidence e of each document d, with s = `SHARED_ERROR`;
    ``p⁻`` is the same over the negated evidence, and the result ``p⁺ (1 - p⁻)``. Hypothetical evidence does not count.

    Parameters
    ----------
    evidence
        Document (near-copies are one), polarity and probability of each piece, in any order.

    References
    ----------
    Gyori et al. 2017, From word models to executable models of signaling networks using automated assembly (the belief
    of INDRA, whose sources are reading systems; here they are documents).

    Examples
    --------
    >>> edge_confidence([(1, 0, 1.0)]), edge_confidence([(1, 0, 1.0), (2, 0, 0.9)])
    (0.95, 0.9925)
    """
    wrong: Wrong = ({}, {}, {})
    for source, polarity, probability in evidence:
        wrong[polarity].setdefault(source, []).append(1 - probability)
    return _noisy_or(wrong)


def _noisy_or(wrong: Wrong) -> float:
    affirmed, negated = map(_probability_of_any, wrong[:2])
    return round(affirmed * (1 - negated), DIGITS)


def _probability_of_any(wrong: dict[int, list[float]]) -> float:
    """Return the probability that one document or more is right; 0 without any."""
    return 1 - _product([min(1.0, SHARED_ERROR + _product(of_source)) for of_source in wrong.values()])


def _product(values: list[float]) -> float:
    """Return a product that does not depend on the order of its factors, in any bit."""
    return values[0] if len(values) == 1 else math.prod(sorted(values))


def _index_names(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO name (concept, text) SELECT concept, text FROM ("
        " SELECT DISTINCT concept.id AS concept, fold(form.surface) AS text, concept.documents, concept.stable"
        " FROM form JOIN concept ON concept.id = form.concept"
        " UNION SELECT id, fold(name), documents, stable FROM concept"
        " UNION SELECT concept.id, fold(json_extract(code.value, '$[0]')), concept.documents, concept.stable"
        " FROM form JOIN concept ON concept.id = form.concept, json_each(form.codes) AS code)"
        " ORDER BY documents DESC, stable, text"
    )
    connection.execute("INSERT INTO gram (rowid, grams) SELECT id, grams(text) FROM name")
