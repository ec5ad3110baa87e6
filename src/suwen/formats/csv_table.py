"""CSV and TSV: read, a table with a text a row; written, a table with an entity a row.

Cells are separated by commas, semicolons, tabs or bars: by what a line ``sep=;`` of Excel says, else by what splits the
header most; in ``.tsv`` and ``.tab`` by tabs. Cells in quotes may hold separators and line breaks. The encodings are
those of text files. A file is read a row at a time, however large it is.

Written is UTF-8 with a byte order mark, so that Excel shows Chinese. A cell that a spreadsheet would take for a formula
gets an apostrophe in front, unless `raw` is true.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, os_error, replacing, require_new
from suwen.formats import conll
from suwen.formats.base import WritableFormat
from suwen.formats.contents import LONGEST_TEXT, MEGABYTE, ending, files_ending, with_names
from suwen.formats.encodings import EncodingError, encoding_named, encoding_of, kind_of, refuse_utf8
from suwen.formats.entity_table import EntityRows, KeptRows
from suwen.formats.foreign import foreign_kind, refuse_foreign
from suwen.formats.json_files import Rejoined, opened
from suwen.formats.reading import Located, Problem, files_in
from suwen.formats.relation_table import RelationRows
from suwen.formats.tables import Row, scan_table_rows
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Csv", "relations_path", "rows_of", "scan_stream"]

NAME = "csv"
TABBED = (".tsv", ".tab", ".tsv.gz", ".tsv.xz")
DELIMITERS = (",", ";", "\t", "|")
HEAD = 2**16
LONGEST_LINE = 4 * LONGEST_TEXT
"""Maximum characters of a line: a longer one is not a row, and would have to fit into memory."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of cells that a spreadsheet may execute (OWASP, CSV injection)."""

DAMAGES = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)

_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_UNDECODED = re.compile("[\udc80-\udcff]")
_REASONS = {
    "unexpected end of data": "the quote that opens in this row is never closed, and nothing after it can be read",
    "field larger": f"a cell has more than {LONGEST_TEXT:,} characters; a quote may not be closed",
    "expected after": "there is text behind a closing quote; a quote within a cell must be doubled",
}


class Csv(WritableFormat):
    """Read and write CSV and TSV: a file, or all tables of a folder.

    Faults are S101, S102, S106, S108, S112 to S117, S210, S213, S214, S221 and S222, each with file and line.
    """

    name = NAME
    suffixes = (".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz", ".csv.xz", ".tsv.xz")
    yields = True

    def sniff(self, path: StrPath) -> bool:
        """Return True for a table that is no corpus of tokens and tags, or a folder that holds tables alone."""
        path = Path(path)
        if path.is_dir():
            files = list(files_in(path, ("",)))
            return bool(files) and all(ending(file, self.suffixes) for file in files) and not conll.FORMAT.sniff(path)
        is_named = ending(path, self.suffixes) is not None
        return is_named and not conll.FORMAT.sniff(path) and foreign_kind(_head(path), path, corpora=False) is None

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        text_column: str | None = None,
        id_column: str | None = None,
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read rows one at a time; there is no label to compare with `schema`.

        Parameters
        ----------
        text_column
            The column of the texts; it has to be named.
        id_column
            The column of the ids; by default ``id`` if there is one, else lines are numbered.
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        path = Path(path)
        for file, name in with_names(files_ending(path, self.suffixes), path, self.suffixes, problem):
            try:
                yield from scan_file(file, name, problem, text_column, id_column, encoding)
            except SuwenError as error:
                problem(error)

    def write(self, documents: Iterable[Document], path: StrPath, *, raw: bool = False) -> Counter[str]:
        """Write a row for each entity (see `EntityRows`), with tabs where the name ends in ``.tsv``.

        Relations, if there are any, go to a second file (see `relations_path` and `RelationRows`).

        Parameters
        ----------
        raw
            True to write cells as they are, those that a spreadsheet would take for formulas included.

        Returns
        -------
        Counter[str]
            Counts of what the columns cannot hold, by kind.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written.
        """
        path = Path(path)
        safe = _as_is if raw else _safe
        beside = relations_path(path)
        require_new(beside)
        with (
            replacing(path) as temporary,
            EntityRows(temporary.parent) as rows,
            RelationRows(temporary.parent) as relations,
        ):
            for document in documents:
                rows.add(document)
                relations.add(document)
            delimiter = "\t" if ending(path, TABBED) else ","
            _write_rows(rows, temporary, path.suffix, delimiter, safe)
            if relations.count:
                # The table that the output is named after comes into place last.
                with replacing(beside) as other:
                    _write_rows(relations, other, path.suffix, delimiter, safe)
        return rows.not_held


FORMAT = Csv()


def relations_path(path: StrPath) -> Path:
    """Return the file for the relations, beside the one for the entities: ``out.relations.csv``."""
    path = Path(path)
    own = ending(path, Csv.suffixes) or ""
    return path.with_name(f"{path.name.removesuffix(own)}.relations{own}")


def _write_rows(rows: KeptRows, file: Path, suffix: str, delimiter: str, safe: Callable[[Any], Any]) -> None:
    """Write rows with their heading, in the compression that the extension names."""
    with opened(file, "wb", suffix) as binary, io.TextIOWrapper(binary, "utf-8-sig", newline="") as text:
        writer = csv.writer(text, delimiter=delimiter)
        writer.writerow(map(safe, rows.columns))
        writer.writerows([*map(safe, row)] for row in rows)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""  # its reader says why


def _as_is(value: Any) -> Any:
    return value


def _safe(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def scan_file(
    path: Path, name: str, problem: Problem, text_column: str | None, id_column: str | None, encoding: str | None
) -> Iterator[Located]:
    """Read the documents of a file.

    Raises
    ------
    SuwenError
        For what concerns the whole file (see `Csv`).
    """
    try:
        with opened(path, "rb", path.suffix) as file:
            yield from scan_stream(file, path, name, problem, text_column, id_column, encoding)
    except DAMAGES as error:
        raise SuwenError("S112", path, reason=error) from None
    except OSError as error:
        raise os_error(error, path, "S113") from None


def scan_stream(
    file: IO[bytes],
    path: Path,
    name: str,
    problem: Problem,
    text_column: str | None,
    id_column: str | None,
    encoding: str | None,
) -> Iterator[Located]:
    """Read the documents of an open file, which may be a pipe; `name` begins the ids of rows that have none.

    Raises
    ------
    SuwenError
        For what concerns the whole file (see `Csv`).
    """
    rows = rows_of(file, path, problem, encoding)
    yield from scan_table_rows(rows, path, name, problem, text_column, id_column)


def rows_of(file: IO[bytes], path: Path, problem: Problem, encoding: str | None = None) -> Iterator[Row]:
    """Read the rows of an open file; broken ones go to `problem` (S116, S222).

    Raises
    ------
    SuwenError
        S115 for a line that is too long, S116 when the encoding is not certain, S117 for a file that is not text.
    """
    head = cast(Any, file).read1(MEGABYTE)
    refuse_foreign(head, path, corpora=False)
    kind = kind_of(head)
    if kind is not None:
        raise SuwenError("S117", path, found=kind)
    name = encoding_named(encoding) if encoding else encoding_of(head)
    if encoding:
        refuse_utf8(head, path, name, whole=False)
    # Bytes of another encoding become surrogates, so that only their row is invalid, not the file.
    buffered = io.BufferedReader(cast(Any, Rejoined(head, file)))
    text = io.TextIOWrapper(buffered, name, "surrogateescape", newline="")
    lines = _lines(text, path, name)
    first = next(lines, "").removeprefix("\ufeff")
    said = _SEPARATOR.fullmatch(first)
    if said:
        yield from _checked(lines, said[1], 1, path, problem, name)
        return
    start = head[:HEAD].decode(name, "ignore").removeprefix("\ufeff")
    delimiter = "\t" if ending(path, TABBED) else max(DELIMITERS, key=lambda one: _width(start, one))
    yield from _checked(_joined(first, lines), delimiter, 0, path, problem, name)


def _joined(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _width(start: str, delimiter: str) -> int:
    """Return how many cells the first row of a text has."""
    rows = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
    try:
        return len(next(rows, []))
    except csv.Error:
        return 0


def _lines(text: IO[str], path: Path, encoding: str) -> Iterator[str]:
    try:
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                raise SuwenError("S115", path, what="a line", limit=f"{LONGEST_LINE:,} characters")
            yield line
    except UnicodeDecodeError as error:
        raise EncodingError("S116", path, reason=f"it is not {encoding} ({error.reason})") from None


def _checked(
    lines: Iterator[str], delimiter: str, before: int, path: Path, problem: Problem, encoding: str
) -> Iterator[Row]:
    """Yield the rows of lines; `before` lines stand before the first."""
    # The limit holds for the process; it is never lowered, in case a program has set its own.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_TEXT))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width: int | None = None
    is_broken = False
    while True:
        number = before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            said = (reason for begin, reason in _REASONS.items() if begin in str(error))
            problem(SuwenError("S222", path, number, reason=next(said, error)))
            is_broken = True
            continue
        if is_broken and width is not None and cells and len(cells) != width:
            # The rest of an invalid row whose cells had several lines.
            problem(SuwenError("S222", path, number, reason="it follows a broken row, and is a part of it"))
            continue
        is_broken = False
        if width is None and any(cells):
            width = len(cells)
        undecoded = next((found for cell in cells if (found := _UNDECODED.search(cell))), None)
        if undecoded:
            reason = f"byte 0x{ord(undecoded[0]) - 0xDC00:02X} is not {encoding}"
            problem(EncodingError("S116", path, number, reason=reason))
            continue
        yield Row(number, cells)
