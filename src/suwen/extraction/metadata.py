"""Metadata of documents in a table of the user (``--metadata FILE.csv``): titles, years, journals, anything.

A row describes the document with its id; a document that was renamed is found under its old id, too. Values replace
what the readers found; an empty cell changes nothing. A ``year`` of four digits is a number, as readers state it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, os_error
from suwen.formats import csv_table, jsonl
from suwen.formats.json_files import opened
from suwen.formats.reading import refuse
from suwen.formats.tables import ID_COLUMN, read_header

__all__ = ["Metadata", "read_metadata"]

YEAR = "year"
_YEAR = re.compile("[12][0-9]{3}")


@dataclass(slots=True)
class Metadata:
    """Metadata by the id of a document.

    Parameters
    ----------
    rows
        The values of each document.
    found
        The ids whose documents have come by.
    """

    rows: dict[str, dict[str, Any]]
    found: set[str] = field(default_factory=set)

    @property
    def unmatched(self) -> list[str]:
        """Return the ids that no document has."""
        return [name for name in self.rows if name not in self.found]

    def described(self, lines: Iterable[bytes], places: bool) -> Iterator[bytes]:
        """Yield the documents, lines of JSON Lines, with their metadata.

        Parameters
        ----------
        places
            Whether each entity has its text, page and sentence.
        """
        for line in lines:
            document = jsonl.document_of(line)
            described = self.describe(document)
            yield line if described is document else jsonl.line(described, places)

    def describe(self, document: Document) -> Document:
        """Return a document with its metadata; the document itself if there is none."""
        source = document.meta.get("read_from")
        old = source.get("id") if isinstance(source, dict) else None
        name = document.id if document.id in self.rows else old
        if name not in self.rows:
            return document
        self.found.add(name)
        return replace(document, meta={**document.meta, **self.rows[name]})


def read_metadata(path: StrPath) -> Metadata:
    """Read a table in CSV or TSV: the ids in the column ``id``, or in the first, and values in all others.

    Raises
    ------
    SuwenError
        S101, S102, S106, S113 or S117 when it cannot be read, S116 or S222 for a broken row, S225 for an id that
        occurs twice.
    """
    path = Path(path)
    rows: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    try:
        with opened(path, "rb", path.suffix) as file:
            table = csv_table.rows_of(file, path, refuse)
            header = read_header(table, path)
            column = ID_COLUMN if ID_COLUMN in header.names else header.names[0]
            for row in table:
                if row.is_empty:
                    continue
                try:
                    cells = header.cells(row)
                    name = cells.pop(column, "").strip()
                    if not name:
                        raise SuwenError("S222", reason=f"it has no id in the column {column!r}")
                    if name in rows:
                        raise SuwenError("S225", id=name, first=lines[name], second=row.number)
                except SuwenError as error:
                    raise error.at(path, row.number) from None
                lines[name] = row.number
                rows[name] = {key: _value(key, cell) for key, cell in cells.items() if cell.strip()}
    except csv_table.DAMAGES as error:
        raise SuwenError("S112", path, reason=error) from None
    except OSError as error:
        raise os_error(error, path, "S113") from None
    return Metadata(rows)


def _value(key: str, cell: str) -> str | int:
    return int(cell) if key == YEAR and _YEAR.fullmatch(cell.strip()) else cell
