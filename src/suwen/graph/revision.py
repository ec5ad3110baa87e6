"""Revisions of a graph: a reader can check whether an answer is still current."""

from __future__ import annotations

import secrets
import sqlite3
from hashlib import blake2b

__all__ = ["mark_rebuilt", "mark_verdicts", "revision_of", "structure_of"]

STRUCTURE = "structure"
VERDICTS = "verdicts"
BYTES = 8


def mark_rebuilt(connection: sqlite3.Connection) -> None:
    """Record that all rows of the aggregates are new."""
    _mark(connection, STRUCTURE)


def mark_verdicts(connection: sqlite3.Connection) -> None:
    """Record that a verdict changed the figures of an edge."""
    _mark(connection, VERDICTS)


def _mark(connection: sqlite3.Connection, name: str) -> None:
    # Random: two graphs that replace each other in one place must not have the same mark.
    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, secrets.token_hex(BYTES)))


def structure_of(connection: sqlite3.Connection) -> str:
    """Return 16 hexadecimal digits that change when the aggregates are computed again: row numbers hold until then."""
    return _digest(connection, STRUCTURE)


def revision_of(connection: sqlite3.Connection) -> str:
    """Return 16 hexadecimal digits that change whenever an answer of the graph may change."""
    return _digest(connection, STRUCTURE, VERDICTS)


def _digest(connection: sqlite3.Connection, *names: str) -> str:
    marks = [connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone() for name in names]
    if marks[0] is None:
        # Built by a release that did not record it.
        marks.append(connection.execute("SELECT max(time), count(*) FROM build").fetchone())
    return blake2b(repr(marks).encode(), digest_size=BYTES).hexdigest()
