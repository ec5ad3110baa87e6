"""What a graph holds, in figures."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.graph.queries import why
from suwen.graph.tables import VERSION

__all__ = ["Info", "info_of"]


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


def info_of(connection: sqlite3.Connection, path: Path) -> Info:
    """Count what a graph holds.

    Raises
    ------
    SuwenError
        S703 when the file is damaged.
    """
    (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise SuwenError("S703", path, reason=state)

    def count(what: str) -> int:
        return int(connection.execute(f"SELECT count({what}").fetchone()[0])

    def counts(query: str) -> dict[str, int]:
        return dict(connection.execute(query).fetchall())

    return Info(
        version=VERSION,
        builds=count("*) FROM build"),
        documents=count("*) FROM document"),
        sources=count("DISTINCT source) FROM document"),
        sentences=count("*) FROM sentence"),
        mentions=count("*) FROM mention"),
        forms=count("*) FROM form"),
        concepts=count("*) FROM concept"),
        merged=dict(sorted(_merged(connection).items())),
        edges=count("*) FROM edge"),
        corroborated=count("*) FROM edge WHERE documents > 1"),
        evidence=count("*) FROM evidence"),
        polarities={
            name: connection.execute(f"SELECT coalesce(sum({name}), 0) FROM edge").fetchone()[0]
            for name in ("affirmed", "negated", "hypothetical", "rejected")
        },
        relations=counts(
            "SELECT relation.name, count(*) FROM edge JOIN relation ON relation.id = edge.relation"
            " GROUP BY 1 ORDER BY 1"
        ),
        verdicts=counts("SELECT value, count(*) FROM verdict GROUP BY 1 ORDER BY 1"),
        decisions=count("*) FROM action WHERE NOT undone"),
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
