"""The texts of the documents, which a graph keeps sentence by sentence."""

from __future__ import annotations

import sqlite3

__all__ = ["text_of"]


def text_of(connection: sqlite3.Connection, document: int) -> str:
    """Return the exact text of a document by its row."""
    rows = connection.execute("SELECT text FROM sentence WHERE document = ? ORDER BY start", (document,))
    return "".join(text for (text,) in rows)
