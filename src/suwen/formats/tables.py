"""Shared parts of tables (CSV, Excel): a header, a text in each row, metadata in all other columns.

The first row that is not empty names the columns. The column of the texts is always named by the user. Cells are
strings as the file has them; an empty cell says nothing and is no metadata. Cells with the annotations of another
program (doccano, Label Studio) are left out and counted. An empty row is no document: it is counted in
``meta["read_from"]["dropped"]`` of the document before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from suwen.errors import SuwenError
from suwen.formats import entity_table, relation_table
from suwen.formats.contents import ANNOTATION, RESERVED, article
from suwen.formats.reading import Located, Problem
from suwen.formats.record_forms import annotations_in

__all__ = ["ID_COLUMN", "Header", "Row", "read_header", "scan_table_rows"]

ID_COLUMN = "id"
LABEL_STUDIO = {"annotation_id", "annotator", "lead_time"}
"""Columns that all CSV exports of Label Studio have."""
EMPTY_ROW, NO_RESULT = "empty row", "formula without a stored result"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Parameters
    ----------
    number
        The line of the file at which it begins, or its row in the sheet, from 1.
    cells
        The cells as strings.
    unread
        The positions of cells whose values are not in the file.
    """

    number: int
    cells: list[str]
    unread: tuple[int, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is in it."""
        return not self.unread and not any(map(str.strip, self.cells))


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table.

    Parameters
    ----------
    written
        The names as they are written, without white space around them.
    names
        The same, each different: of equal names the second is ``NAME~2``; a column without a name is ``column 3``.
    """

    written: tuple[str, ...]
    names: tuple[str, ...]

    def require(self, column: str, path: Path) -> None:
        """Check that the name of a column is unique.

        Raises
        ------
        SuwenError
            S213 when it occurs twice, S214 when it does not exist.
        """
        if column not in self.names and column not in self.written:
            raise SuwenError("S214", path, column=column, known=", ".join(self.names))
        if self.written.count(column) > 1:
            raise SuwenError("S213", path, field=column, reason="occurs twice in the header", format="tables")

    def name_of(self, column: str) -> str:
        """Return the name under which `cells` has a column."""
        return self.names[self.written.index(column)] if column in self.written else column

    def cells(self, row: Row) -> dict[str, str]:
        """Return the cells of a row by column.

        Raises
        ------
        SuwenError
            S222 when the row is longer than the header.
        """
        width = len(self.names)
        if any(row.cells[width:]):
            raise SuwenError("S222", reason=f"it has {len(row.cells)} cells, the header has {width}")
        return dict(zip(self.names, row.cells, strict=False))


def read_header(rows: Iterator[Row], path: Path) -> Header:
    """Return the header, the first row that is not empty.

    Raises
    ------
    SuwenError
        S106 when there is none.
    """
    first = next((row for row in rows if not row.is_empty), None)
    if first is None:
        raise SuwenError("S106", path)
    written = tuple(cell.strip() for cell in first.cells)
    names: list[str] = []
    taken = {*RESERVED}
    for position, name in enumerate(written, 1):
        unique = plain = name or f"column {position}"
        copies = 1
        while unique in taken:
            copies += 1
            unique = f"{plain}~{copies}"
        taken.add(unique)
        names.append(unique)
    return Header(written, tuple(names))


def scan_table_rows(
    rows: Iterator[Row],
    path: Path,
    name: str,
    problem: Problem,
    text_column: str | None,
    id_column: str | None,
) -> Iterator[Located]:
    """Read the documents of a table, one a row.

    Parameters
    ----------
    name
        It begins the ids of rows that have none: ``NAME/7`` for line or row 7.
    problem
        Receives broken rows (S222), texts that are too long (S115) and invalid Unicode (S210).
    text_column
        The column of the texts.
    id_column
        The column of the ids; by default ``id`` if there is one.

    Raises
    ------
    SuwenError
        S106 for an empty file, S108 when no row stands below the header, S213 or S214 for a column that occurs twice
        or does not exist, S130 for an export of Label Studio, whose cells hold annotations, S221 when no column is
        named; for a table of entities or relations that is S130 too.
    """
    header = read_header(rows, path)
    if {*header.written} >= LABEL_STUDIO:
        raise SuwenError("S130", path, kind="a CSV export of Label Studio", advice="export it as JSON")
    if text_column is None:
        for table in (entity_table, relation_table):
            if {*header.written} >= table.CERTAIN:
                raise SuwenError("S130", path, kind=table.KIND, advice=entity_table.ADVICE)
        raise SuwenError("S221", path, known=", ".join(header.names))
    if id_column is None and ID_COLUMN in header.written and text_column != ID_COLUMN:
        id_column = ID_COLUMN
    for column in filter(None, (text_column, id_column)):
        header.require(column, path)
    text, identifier = header.name_of(text_column), id_column and header.name_of(id_column)
    found = False
    for row, empty in _with_empty_rows(rows):
        found = True
        try:
            located = _located(row, empty, header, path, name, text, identifier)
        except SuwenError as error:
            problem(error.at(path, row.number))
            continue
        yield located
    if not found:
        raise SuwenError("S108", path, expected="rows below the header")


def _with_empty_rows(rows: Iterable[Row]) -> Iterator[tuple[Row, int]]:
    """Yield the rows that are not empty, each with the number of empty ones after it."""
    held: Row | None = None
    empty = 0
    for row in rows:
        if row.is_empty:
            empty += 1
            continue
        if held is not None:
            yield held, empty
            empty = 0
        held = row
    if held is not None:
        yield held, empty


def _located(row: Row, empty: int, header: Header, path: Path, name: str, text: str, identifier: str | None) -> Located:
    cells = header.cells(row)
    unread = {header.names[place] for place in row.unread if place < len(header.names)}
    for column in unread & {text, identifier}:
        reason = f"{column!r} is a formula, and its result is not in the file: open it in Excel and save it"
        raise SuwenError("S222", reason=reason)
    annotated = [column for column, cell in cells.items() if column not in (text, identifier) and _annotations(cell)]
    left_out = sum(_annotations(cells.pop(column)) for column in annotated)
    content = cells.pop(text, "")
    own = cells.pop(identifier, "").strip() if identifier else ""
    counts = (EMPTY_ROW, empty), (NO_RESULT, len(unread)), (ANNOTATION, left_out)
    dropped = {kind: count for kind, count in counts if count}
    document = article(own or f"{name}/{row.number}", content, path, {"dropped": dropped}, about=cells)
    return Located(document, path, row.number, path)


def _annotations(cell: str) -> int:
    """Count the annotations in a cell, which is JSON in exports of annotation tools."""
    if not cell.lstrip().startswith("["):
        return 0
    try:
        return annotations_in(json.loads(cell))
    except (ValueError, RecursionError):
        return 0
