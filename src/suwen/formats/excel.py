"""Excel workbooks (xlsx): read, a sheet with a text a row; written, a sheet with an entity a row.

Read is the only sheet with content, or the one that is named. Cells are strings: numbers as the file has them,
dates in ISO 8601, truth values as ``TRUE`` and ``FALSE``. Of a formula the stored result is read. Hidden rows and
columns are read, as a filter hides rows that are data; their number is reported. A hidden sheet is read if it is named,
or if no other has content. Rows are streamed; the strings of a workbook are in memory together, as Excel stores them.

Written cells are texts and numbers, never formulas. Control characters, which XML cannot hold, are escaped as in Excel
(``_x0001_``).

It needs openpyxl (``pip install 'suwen[excel]'``).
"""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from suwen.document import Document
from suwen.errors import SuwenError, WriteError
from suwen.files import StrPath, os_error, replacing
from suwen.formats import entity_table
from suwen.formats.articles.web_archive import is_archive
from suwen.formats.base import WritableFormat
from suwen.formats.contents import MEGABYTE, ending, files_ending, holds, read_bytes, with_names
from suwen.formats.entity_table import EntityRows, KeptRows
from suwen.formats.foreign import is_page, refuse_foreign
from suwen.formats.page_table import scan_page
from suwen.formats.reading import Located, Problem, files_in
from suwen.formats.relation_table import RelationRows
from suwen.formats.tables import Row, scan_table_rows
from suwen.requirements import require_packages
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Excel", "scan_workbook"]

_LOGGER = logging.getLogger("suwen")

NAME = "xlsx"
KIND = "Excel file"
LARGEST = 256 * MEGABYTE
LARGEST_PARTS = 512 * MEGABYTE
"""Maximum unpacked bytes in memory together, mainly the strings of a workbook."""

LONGEST_VALUE = 64 * MEGABYTE
"""Maximum bytes of a cell; Excel allows 32,767 characters."""

HEAD = 65_536
"""Number of bytes that tell a page."""

MOST_ROWS = 1_048_576
LONGEST_CELL = 32_767
"""The bounds of Excel: rows of a sheet and characters of a cell."""

SHEET, RELATIONS_SHEET = "entities", "relations"
SHEETS, PICTURES = "xl/worksheets/", "xl/media/"
_FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
_HIDDEN = re.compile(rb"""<(?:\w+:)?((?:row|col)\s(?=[^<>]*\bhidden\s*=\s*["'](?:1|true)["'])[^<>]*)>""")
_FIRST, _LAST = re.compile(rb"""\bmin=["'](\d{1,9})"""), re.compile(rb"""\bmax=["'](\d{1,9})""")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_UNHELD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\r\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")

DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ParseError)
MISREAD = (ValueError, KeyError, TypeError, IndexError, AttributeError)
"""Errors of openpyxl for missing or unexpected parts."""


class Excel(WritableFormat):
    """Read and write Excel workbooks: a file, or all workbooks of a folder.

    Faults are S101, S102, S106, S108, S113 to S115, S118, S120, S130, S210, S213, S214, S221 to S223, and S405 without
    openpyxl.
    """

    name = NAME
    suffixes = (".xlsx", ".xlsm")
    yields = True

    def sniff(self, path: StrPath) -> bool:
        """Return True for a workbook, or a folder that holds workbooks alone."""
        path = Path(path)
        if path.is_dir():
            files = list(files_in(path, ("",)))
            return bool(files) and all(ending(file, self.suffixes) for file in files)
        return holds(path, self.suffixes)

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        text_column: str | None = None,
        id_column: str | None = None,
        sheet: str | None = None,
    ) -> Iterator[Located]:
        """Read rows one at a time; there is no label to compare with `schema`.

        Parameters
        ----------
        text_column
            The column of the texts; it has to be named.
        id_column
            The column of the ids; by default ``id`` if there is one, else rows are numbered as in Excel.
        sheet
            The name of the sheet; by default the only one with content.
        """
        path = Path(path)
        require_packages("openpyxl")
        for file, name in with_names(files_ending(path, self.suffixes), path, self.suffixes, problem):
            try:
                data = read_bytes(file, LARGEST)
                yield from scan_workbook(data, file, name, problem, text_column, id_column, sheet)
            except SuwenError as error:
                problem(error)

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write a row for each entity (see `EntityRows`); relations, if there are any, on a second sheet.

        Returns
        -------
        Counter[str]
            Counts of what the columns cannot hold, by kind.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S115 for a cell that Excel cannot hold, S224 for more rows
            than a sheet has, S405 without openpyxl.
        """
        path = Path(path)
        require_packages("openpyxl")
        with (
            replacing(path) as temporary,
            EntityRows(temporary.parent) as rows,
            RelationRows(temporary.parent) as relations,
        ):
            for document in documents:
                rows.add(document)
                relations.add(document)
                if max(rows.count, relations.count) >= MOST_ROWS:
                    raise SuwenError("S224", path, limit=f"{MOST_ROWS - 1:,}")
            sheets: dict[str, KeptRows] = {SHEET: rows} | ({RELATIONS_SHEET: relations} if relations.count else {})
            for row in chain.from_iterable(map(_with_heading, sheets.values())):
                # Before it is begun: openpyxl cannot be stopped without complaints.
                _require_short(row, path)
            _write_sheets({name: _with_heading(kept) for name, kept in sheets.items()}, temporary, path)
        return rows.not_held


FORMAT = Excel()


def _with_heading(rows: KeptRows) -> Iterator[Iterable[Any]]:
    return chain([rows.columns], rows)


def _write_sheets(sheets: Mapping[str, Iterable[Iterable[Any]]], file: Path, path: Path) -> None:
    from lxml.etree import SerialisationError
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    try:
        for name, rows in sheets.items():
            sheet = workbook.create_sheet(name)
            sheet.freeze_panes = "A2"
            for row in rows:
                sheet.append([_written(sheet, value) for value in row])
        workbook.save(file)
    except SerialisationError as error:
        # It is closed now, or Python prints the same error again when it collects the sheet.
        for sheet in workbook.worksheets:
            with suppress(SerialisationError):
                sheet.close()
        code = getattr(errno, str(error).removeprefix("IO_"), None)
        raise WriteError("S105", path, reason=os.strerror(code) if code else error) from None


def _escaped(text: str) -> str:
    return _UNHELD.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _require_short(row: Iterable[Any], path: Path) -> None:
    for value in row:
        if isinstance(value, str) and len(_escaped(value)) > LONGEST_CELL:
            raise SuwenError("S115", path, what=f"the cell {value[:20]!r}", limit=f"{LONGEST_CELL:,} characters")


def _written(sheet: Any, value: Any) -> Any:
    """Return what openpyxl writes as this value; a string is always a text."""
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, _escaped(value))
    cell.data_type = "s"
    return cell


def scan_workbook(
    data: bytes,
    path: Path,
    name: str,
    problem: Problem,
    text_column: str | None,
    id_column: str | None,
    sheet: str | None,
) -> Iterator[Located]:
    """Read the documents in the bytes of a workbook, or of a page or web archive that is named like one.

    Parameters
    ----------
    name
        It begins the ids of rows that have none.

    Raises
    ------
    SuwenError
        For what concerns the whole file (see `Excel`).
    """
    if not data:
        raise SuwenError("S106", path)
    if is_page(data[:HEAD]) or is_archive(data):
        yield from scan_page(data, path, name, problem, text_column, id_column, sheet)
        return
    require_packages("openpyxl")
    if not zipfile.is_zipfile(io.BytesIO(data)) and b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0" in data:
        raise SuwenError("S118", path, kind=KIND)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _require_workbook(archive, data, path)
            parts = [part for part in archive.namelist() if part.startswith(SHEETS)]
            facts = {part: _facts(archive, part, path) for part in parts}
        rows = _rows(data, path, sheet, facts)
        yield from scan_table_rows(rows, path, name, problem, text_column, id_column)
    except DAMAGES as error:
        refuse_foreign(data, path)
        raise SuwenError("S120", path, kind=KIND, reason=error) from None
    except OSError as error:
        raise os_error(error, path, "S113") from None


def _require_workbook(archive: zipfile.ZipFile, data: bytes, path: Path) -> None:
    if not any(name.startswith("xl/") for name in archive.namelist()):
        refuse_foreign(data, path)
        raise SuwenError("S120", path, kind=KIND, reason="it holds no workbook")
    # zipfile unpacks no more of a part than the directory claims.
    kept = (part.file_size for part in archive.infolist() if not part.filename.startswith((SHEETS, PICTURES)))
    if sum(kept) > LARGEST_PARTS:
        raise SuwenError("S115", path, what="the text of the workbook", limit=f"{LARGEST_PARTS // MEGABYTE} MB")


@dataclass(slots=True)
class _Facts:
    """Facts that the XML of a sheet shows, and its cells do not.

    Parameters
    ----------
    formulas
        Whether it holds formulas.
    rows
        How many rows with cells are hidden.
    columns
        The numbers of the first columns that are hidden, each with the last one beside it.
    """

    formulas: bool = False
    rows: int = 0
    columns: list[tuple[int, int]] = field(default_factory=list)


def _facts(archive: zipfile.ZipFile, part: str, path: Path) -> _Facts:
    """Return what a sheet shows; refuse one with a cell that would not fit into memory (S115)."""
    found, rest, size = _Facts(), b"", 0
    with archive.open(part) as file:
        while chunk := file.read(MEGABYTE):
            size = 0 if b"<" in chunk else size + len(chunk)
            if size > LONGEST_VALUE:
                raise SuwenError("S115", path, what="a cell", limit=f"{LONGEST_VALUE // MEGABYTE} MB")
            tags, begin, last = (rest + chunk).rpartition(b"<")
            rest = begin + last
            _add_facts(found, tags)
    _add_facts(found, rest)
    return found


def _add_facts(found: _Facts, tags: bytes) -> None:
    found.formulas = found.formulas or _FORMULA.search(tags) is not None
    for tag in _HIDDEN.findall(tags):
        if tag.startswith(b"row"):
            found.rows += not tag.endswith(b"/")
        elif (first := _FIRST.search(tag)) and (last := _LAST.search(tag)):
            found.columns.append((int(first[1]), int(last[1])))


def _opened(data: bytes, path: Path, results: bool) -> Any:
    from openpyxl.reader.excel import ExcelReader

    # It warns of extensions that it leaves out: none of them is text.
    warnings.filterwarnings("ignore", module="openpyxl")
    try:
        reader: Any = ExcelReader(io.BytesIO(data), read_only=True, data_only=results, keep_links=False)
        # A chart has no cells, and one that openpyxl does not understand would prevent reading the other sheets.
        reader.read_chartsheet = lambda *_: None
        reader.read()
        return reader.wb
    except MISREAD as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None


def _rows(data: bytes, path: Path, name: str | None, facts: Mapping[str, _Facts]) -> Iterator[Row]:
    """Yield the rows of the sheet that is named, or of the only one with content."""
    with closing(_opened(data, path, results=True)) as workbook:
        sheet = _sheet(workbook, path, name)
        values = _saying(facts.get(sheet._worksheet_path, _Facts()), _values(sheet, path), path)
        if not any(one.formulas for one in facts.values()):
            yield from _paired(values, repeat(()))
            return
        with closing(_opened(data, path, results=False)) as formulas:
            yield from _paired(values, _values(formulas[sheet.title], path))


def _saying(facts: _Facts, values: Iterator[tuple[Any, ...]], path: Path) -> Iterator[tuple[Any, ...]]:
    """Yield rows; tell the user how many of the rows and columns are hidden in Excel."""
    width = 0
    for row in values:
        width = max(width, len(row))
        yield row
    columns = sum(max(0, min(last, width) - first + 1) for first, last in facts.columns)
    counts = (facts.rows, "row"), (columns, "column")
    hidden = [f"{count:,} hidden {kind}{'s' * (count > 1)}" for count, kind in counts if count]
    if hidden:
        _LOGGER.warning("%s: read, too: %s", path, ", ".join(hidden))


def _sheet(workbook: Any, path: Path, name: str | None) -> Any:
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    if name is not None:
        if name not in sheets:
            raise SuwenError("S404", path, what="sheet", name=name, known=", ".join(sheets))
        return sheets[name]
    if not sheets:
        raise SuwenError("S108", path, expected="a sheet with cells; this workbook has charts alone")
    full = [title for title, sheet in sheets.items() if _holds_something(sheet, path)]
    if not full:
        raise SuwenError("S106", path)
    if full == [SHEET, RELATIONS_SHEET]:
        raise SuwenError("S130", path, kind=entity_table.KIND, advice=entity_table.ADVICE)
    seen = [title for title in full if sheets[title].sheet_state == "visible"]
    if len(seen or full) > 1:
        raise SuwenError("S223", path, known=", ".join(full))
    if seen and len(full) > 1:
        others = ", ".join(title for title in full if title not in seen)
        _LOGGER.warning("%s: hidden sheets are not read: %s; read one with --sheet", path, others)
    return sheets[(seen or full)[0]]


def _holds_something(sheet: Any, path: Path) -> bool:
    return any(value is not None for row in _values(sheet, path) for value in row)


def _values(sheet: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    # Some programs state a size that is too small, and openpyxl would use it.
    sheet.reset_dimensions()
    try:
        yield from sheet.iter_rows(values_only=True)
    except MISREAD as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None


def _paired(values: Iterable[tuple[Any, ...]], formulas: Iterable[tuple[Any, ...]]) -> Iterator[Row]:
    for number, (row, made) in enumerate(zip(values, formulas, strict=False), 1):
        pairs = enumerate(zip(row, made, strict=False))
        unread = tuple(place for place, (value, formula) in pairs if value is None and formula is not None)
        yield Row(number, [*map(_shown, row)], unread)


def _shown(value: Any) -> str:
    """Return the value of a cell as a string."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return repr(value)
