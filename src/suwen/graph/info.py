"""Figures of a graph."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.graph.queries import why
from suwen.graph.tables import VERSION

__all__ = ["Info", "Overview", "info_of", "overview_of"]


COUNTED = {
    "builds": "*) FROM build",
    "documents": "*) FROM document",
    "sources": "DISTINCT source) FROM document",
    "sentences": "*) FROM sentence",
    "mentions": "*) FROM mention",
    "forms": "*) FROM form",
    "concepts": "*) FROM concept",
    "edges": "*) FROM edge",
    "corroborated": "*) FROM edge WHERE documents > 1",
    "evidence": "*) FROM evidence",
    "decisions": "*) FROM action WHERE NOT undone",
}


@dataclass(frozen=True, slots=True)
class Info:
    """The figures of a graph.

    Parameters
    ----------
    sources
        The documents with near-copies counted once.
    forms
        The different names with their types, as they stand in the texts.
    merged
        How many forms share a concept with its name, by the reason of the merge.
    corroborated
        The edges with evidence in two documents or more.
    relations
        The edges by relation type.
    years
        The first and the last year of publication, where documents state them.
    """

    version: int
    builds: int
    documents: int
    sources: int
    sentences: int
    mentions: int
    forms: int
    concepts: int
    merged: dict[str, int]
    edges: int
    corroborated: int
    evidence: int
    polarities: dict[str, int]
    relations: dict[str, int]
    verdicts: dict[str, int]
    decisions: int
    years: tuple[int | None, int | None]
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures that an explorer shows first (see `Info`); `types` are the concepts by entity type."""

    documents: int
    concepts: int
    edges: int
    evidence: int
    years: tuple[int | None, int | None]
    relations: dict[str, int]
    types: dict[str, int]


def overview_of(connection: sqlite3.Connection) -> Overview:
    """Return the counts that an explorer shows first."""
    names = ("documents", "concepts", "edges", "evidence")
    return Overview(
        **{name: _count(connection, COUNTED[name]) for name in names},
        years=connection.execute("SELECT min(year), max(year) FROM document").fetchone(),
        relations=_relations(connection),
        types=dict(connection.execute("SELECT type, count(*) FROM concept GROUP BY 1 ORDER BY 1").fetchall()),
    )


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count({what}").fetchone()[0])


def _relations(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT relation.name, count(*) FROM edge JOIN relation ON relation.id = edge.relation"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )


def info_of(connection: sqlite3.Connection, path: Path) -> Info:
    """Count the contents of a graph.

    Raises
    ------
    SuwenError
        S703 when the file is damaged.
    """
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise SuwenError("S703", path, reason=state)
    counted = {name: _count(connection, what) for name, what in COUNTED.items()}
    cursor = connection.execute(
        "SELECT coalesce(sum(affirmed), 0) AS affirmed, coalesce(sum(negated), 0) AS negated,"
        " coalesce(sum(hypothetical), 0) AS hypothetical, coalesce(sum(rejected), 0) AS rejected FROM edge"
    )
    return Info(
        version=VERSION,
        **counted,
        merged=dict(sorted(_merged(connection).items())),
        polarities=dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True)),
        relations=_relations(connection),
        verdicts=dict(connection.execute("SELECT value, count(*) FROM verdict GROUP BY 1 ORDER BY 1").fetchall()),
        years=connection.execute("SELECT min(year), max(year) FROM document").fetchone(),
        bytes=path.stat().st_size,
    )


def _merged(connection: sqlite3.Connection) -> Counter[str]:
    """Count the forms that are not their concept's name by why they belong to it."""
    rows = connection.execute(
        "SELECT form.surface, concept.name, form.reason, form.source, form.key = concept.key FROM form"
        " JOIN concept ON concept.id = form.concept WHERE form.surface <> concept.name"
    )
    return Counter(why(*row)[0] for row in rows)
