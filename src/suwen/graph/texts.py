"""The texts of the documents, which a graph keeps sentence by sentence."""

from __future__ import annotations

import sqlite3

from suwen.graph.tables import PER_DOCUMENT

__all__ = ["text_of"]


def text_of(connection: sqlite3.Connection, document: int) -> str:
    """Return the exact text of a document by its row."""
    ids = (document * PER_DOCUMENT, (document + 1) * PER_DOCUMENT)
    rows = connection.execute("SELECT text FROM sentence WHERE id >= ? AND id < ? ORDER BY id", ids)
    return "".join(text for (text,) in rows)
