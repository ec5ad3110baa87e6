"""SQL for users: reading alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.graph.store import connect, translated

__all__ = ["Table", "select"]

ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
ALLOWED_PRAGMAS = {"table_list", "table_info", "table_xinfo", "index_list", "index_info"}


@dataclass(frozen=True, slots=True)
class Table:
    """The answer to a query: the names of the columns, and the rows."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON values; bytes are written in hexadecimal digits."""
        rows = [[cell.hex() if isinstance(cell, bytes) else cell for cell in row] for row in self.rows]
        return {"columns": list(self.columns), "rows": rows}


def select(path: Path, query: str, parameters: Sequence[Any] = ()) -> Table:
    """Run a query that can change nothing, neither in the graph nor in another file (``ATTACH``).

    Raises
    ------
    SuwenError
        S713 when it is not a query or refers to what is not there, S701 to S704 as `connect`.
    """
    connection = connect(path)
    connection.set_authorizer(_authorize)
    try:
        with translated(path):
            cursor = connection.execute(query, parameters)
            if cursor.description is None:
                raise SuwenError("S713", path, reason="it returns no rows")
            return Table(tuple(column[0] for column in cursor.description), cursor.fetchall())
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise SuwenError("S713", path, reason=str(error)) from None
    finally:
        connection.close()


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    del second, database, trigger
    if action in ALLOWED or (action == sqlite3.SQLITE_PRAGMA and first in ALLOWED_PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
