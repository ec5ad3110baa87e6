"""Tables in web pages and web archives: what many hospital systems export under the name ``.xls``.

A cell is read as text of the page is (`suwen.formats.articles.web_page`). Merged cells are as in Excel: the value is in
the first one, the others are empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from suwen.errors import SuwenError
from suwen.formats.articles.markup import Element
from suwen.formats.articles.web_archive import is_archive, page_of_archive
from suwen.formats.articles.web_encodings import decode_page
from suwen.formats.articles.web_page import page_tree, text_of
from suwen.formats.foreign import WEB_PAGE
from suwen.formats.reading import Located, Problem
from suwen.formats.tables import Row, scan_table_rows

__all__ = ["scan_page"]

MOST_TAGS = 2_000_000
"""A page with more would take too much memory: about 50,000 rows of 20 cells."""

MOST_COLUMNS, MOST_ROWS = 1_000, 65_534
"""The largest ``colspan`` and ``rowspan`` in HTML."""


def scan_page(
    data: bytes,
    path: Path,
    name: str,
    problem: Problem,
    text_column: str | None,
    id_column: str | None,
    sheet: str | None,
) -> Iterator[Located]:
    """Read the documents of the tables that have the text column; rows are numbered through the page.

    The parameters are those of `suwen.formats.excel.scan_workbook`.

    Raises
    ------
    SuwenError
        S404 when a sheet is named, S130 for a page without a table, and as `scan_table_rows` and
        `suwen.formats.articles.web_page.parse`.
    """
    if sheet is not None:
        raise SuwenError("S404", path, what="sheet", name=sheet, known="none, the file is a web page")
    page = decode_page(page_of_archive(data, path) if is_archive(data) else data, path)
    root = page_tree(page.text, path, MOST_TAGS)
    tables = [] if root is None else [rows for rows in _tables(root) if rows]
    if not tables:
        raise SuwenError("S130", path, kind=f"{WEB_PAGE} without a table", advice="give it the extension .html")
    fitting = [rows for rows in tables if len(rows) > 1 and text_column in [cell.strip() for cell in rows[0].cells]]
    for rows in fitting or [max(tables, key=len)]:
        yield from scan_table_rows(iter(rows), path, name, problem, text_column, id_column)


def _tables(root: Element) -> Iterator[list[Row]]:
    """Yield the rows of each table, from the first that is not empty."""
    rows: dict[Element, list[Row]] = {table: [] for table in root.iter("table")}
    below: dict[Element, dict[int, int]] = {table: {} for table in rows}
    for number, row in enumerate(root.iter("tr"), 1):
        table = next(row.iterancestors("table"), None)
        if table is not None:
            found = Row(number, _cells(row, below[table]))
            if rows[table] or not found.is_empty:
                rows[table].append(found)
    yield from rows.values()


def _cells(row: Element, below: dict[int, int]) -> list[str]:
    """Return the cells of a row.

    Parameters
    ----------
    below
        How many more rows the merged cells above reach, by column; updated.
    """
    cells: list[str] = []

    def skip_merged() -> None:
        while below.get(len(cells), 0):
            below[len(cells)] -= 1
            cells.append("")

    for cell in row.iterchildren("td", "th"):
        skip_merged()
        columns, rows = _span(cell, "colspan", MOST_COLUMNS), _span(cell, "rowspan", MOST_ROWS)
        below.update(dict.fromkeys(range(len(cells), len(cells) + columns), rows - 1))
        cells += [text_of(cell), *[""] * (columns - 1)]
    skip_merged()
    return cells


def _span(cell: Element, name: str, most: int) -> int:
    value = (cell.get(name) or "").strip()
    return max(1, min(int(value), most)) if value.isascii() and value.isdigit() and len(value) < 10 else 1
