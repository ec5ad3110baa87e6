"""Read JSON as corpora hold it: one value a file, a list of records, or a record a line; and fields of the right kind.

The first character of a file decides whether it is a list or lines, never its extension.
"""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import json
import lzma
import re
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from math import isfinite
from pathlib import Path
from typing import IO, Any, Literal, NoReturn, TypeVar, cast

from suwen.document import Document, Entity, lone_surrogates
from suwen.errors import SuwenError
from suwen.files import StrPath, excess, os_error
from suwen.formats.base import CorpusFormat
from suwen.formats.contents import MEGABYTE, ending, files_ending, read_bytes, read_stream, with_names
from suwen.formats.encodings import LARGEST_CORPUS, decode_annotated, encoding_named, encoding_of, kind_of
from suwen.formats.reading import Annotation, Located, Problem, files_in
from suwen.formats.record_forms import RECORDS, TEXTS, form_of_file, record_form
from suwen.schema import Schema

__all__ = [
    "LARGEST",
    "SUFFIXES",
    "RecordFormat",
    "Rejoined",
    "Row",
    "bounded_lines",
    "built",
    "checked",
    "entities_of",
    "field",
    "fits",
    "lines_of",
    "listed",
    "located_at",
    "name_of",
    "name_under",
    "numbered_objects",
    "opened",
    "record_files",
    "records_of",
    "reporting_at",
    "scan_json",
    "scan_records",
]

SUFFIXES = (".json",)
LARGEST = LARGEST_CORPUS
LONGEST_LINE = 64 * MEGABYTE
"""Maximum bytes of a line: a longer one is not a document, and would have to fit into memory."""

Item = TypeVar("Item")
Row = tuple[int, Any]
"""A record, with its line or its place in the list."""

_KIND_NAMES = {str: "a string", int: "an integer", list: "a list", dict: "an object"}
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class RecordFormat(CorpusFormat):
    """A format of JSON records, a document each, which the keys of the first record tell from others."""

    suffixes = RECORDS

    @abstractmethod
    def located(
        self, rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None
    ) -> Iterator[Located]:
        """Yield the documents of the records of a file; `name` begins the ids of those that have none."""

    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or the first one of a folder, holds records of this form."""
        return record_form(Path(path)) == self.name

    def scan(
        self, path: StrPath, problem: Problem, schema: Schema | None = None, *, encoding: str | None = None
    ) -> Iterator[Located]:
        """Read records; faulty ones are left out.

        Parameters
        ----------
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        return scan_records(Path(path), problem, self.name, partial(self.located, schema=schema), encoding)


def scan_json(
    path: Path,
    problem: Problem,
    located: Callable[[Any, Path, str, Problem], Iterator[Located]],
    encoding: str | None = None,
) -> Iterator[Located]:
    """Yield what a format makes of the values in a file, or in all ``.json`` files of a folder.

    Parameters
    ----------
    located
        Makes documents of a value, given the file, the name for ids, and the handler of errors.
    """
    for file, name in with_names(files_ending(path, SUFFIXES), path, SUFFIXES, problem):
        try:
            text = decode_annotated(read_bytes(file, LARGEST), file, encoding)
            yield from located(_value(text, file), file, name, problem)
        except SuwenError as error:
            problem(error if error.path else error.at(file))


def scan_records(
    path: Path,
    problem: Problem,
    form: str,
    located: Callable[[Iterable[Row], Path, str, Problem], Iterator[Located]],
    encoding: str | None = None,
) -> Iterator[Located]:
    """Yield what a format makes of the records in a file, or in all files of a folder that hold records.

    Parameters
    ----------
    form
        The form of the records (see `suwen.formats.record_forms`). In a folder, a text file is read if it has it.
    located
        Makes documents of the records, given the file, the name for ids, and the handler of errors.
    """
    for file, name in with_names(record_files(path, form), path, (*RECORDS, *TEXTS), problem):
        try:
            yield from located(records_of(file, problem, encoding), file, name, problem)
        except SuwenError as error:
            problem(error if error.path else error.at(file))


def record_files(path: Path, form: str) -> Iterator[Path]:
    """Yield the files of a folder that hold records: by their extension, or text files of this form."""
    for file in files_in(path, ("",)):
        if not path.is_dir() or ending(file, RECORDS) or (ending(file, TEXTS) and form_of_file(file) == form):
            yield file


def records_of(path: Path, problem: Problem, encoding: str | None = None) -> Iterator[Row]:
    """Yield the records of a file: the elements of its list, the objects on its lines, or its one object.

    Raises
    ------
    SuwenError
        For what concerns the whole file.
    """
    try:
        yield from _records_of(path, problem, encoding)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise SuwenError("S112", path, reason=error) from None
    except OSError as error:
        raise os_error(error, path, "S113") from None


def _records_of(path: Path, problem: Problem, encoding: str | None) -> Iterator[Row]:
    with opened(path, "rb", path.suffix) as file:
        begin = file.read(MEGABYTE)
    text = begin.decode(encoding_named(encoding) if encoding else encoding_of(begin), "ignore")
    text = text.removeprefix("\ufeff").lstrip()
    first = text[:1]
    if first == "[" or (first == "{" and _is_one_object(text)):
        with opened(path, "rb", path.suffix) as file:
            data = read_stream(file, path, LARGEST)
        yield from _elements(decode_annotated(data, path, encoding), path, problem)
    else:
        yield from numbered_objects(lines_of(path, problem, encoding), path, problem)


def _is_one_object(text: str) -> bool:
    """Return whether an object at the beginning of a text continues in the second line."""
    first, _, rest = text.partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return bool(rest.strip()) and not rest.lstrip().startswith("{")
    return False


def _elements(text: str, path: Path, problem: Problem) -> Iterator[Row]:
    unreal: list[str] = []
    value = _loaded(text, path, unreal.append)
    escaped = _ESCAPED_SURROGATE.search(text) is not None
    for number, item in enumerate(value if isinstance(value, list) else [value], 1):
        if unreal and (found := _not_finite(item)):
            problem(SuwenError("S204", path, number, reason=_no_json(found)))
        elif escaped and (error := _surrogate(item)):
            problem(error.at(path, number))
        else:
            yield number, item


def _value(text: str, path: Path) -> Any:
    value = _loaded(text, path)
    if error := _surrogate(value):
        raise error.at(path)
    return value


def _surrogate(value: Any) -> SuwenError | None:
    """Return the error for the first lone surrogate in a value."""
    found = next(lone_surrogates(value, ""), None)
    return SuwenError("S210", where=found[0], point=found[1], offset=found[2]) if found else None


def _loaded(text: str, path: Path, unreal: Callable[[str], object] | None = None) -> Any:
    text = text.removeprefix("\ufeff")

    def constant(name: str) -> float:
        if unreal is None:
            _refuse_constant(name)
        unreal(name)
        return float(name)

    def number(digits: str) -> float:
        value = float(digits)
        return value if isfinite(value) else constant("-Infinity" if value < 0 else "Infinity")

    try:
        value = json.loads(text, parse_constant=constant, parse_float=number)
    except json.JSONDecodeError as error:
        raise SuwenError("S204", path, error.lineno, reason=error.msg) from None
    except (ValueError, RecursionError) as error:
        raise SuwenError("S204", path, reason=excess(error)) from None
    return value


def _not_finite(value: Any) -> str | None:
    """Return the first number in a value that JSON does not have."""
    if isinstance(value, float):
        return None if isfinite(value) else str(value).replace("nan", "NaN").replace("inf", "Infinity")
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, map(_not_finite, items)), None)


def _no_json(name: str) -> str:
    return f"it holds {name}, which is no JSON; write null"


def _refuse_constant(name: str) -> NoReturn:
    raise SuwenError("S204", reason=_no_json(name))


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise SuwenError("S204", reason=f"the number {digits:.40} is too large")
    return value


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def numbered_objects(lines: Iterable[bytes], path: Path, problem: Problem) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects on lines, each with its number; what is none goes to `problem`."""
    for number, line in enumerate(lines, 1):
        try:
            # Files that were joined have one inside.
            values = _object(line.removeprefix(codecs.BOM_UTF8))
        except SuwenError as error:
            problem(error.at(path, number))
            continue
        if values is not None:
            yield number, values


def _object(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object on a line; None for a blank line."""
    try:
        characters = line.decode()
    except UnicodeDecodeError as error:
        raise SuwenError("S103", byte=f"0x{line[error.start]:02X}", offset=error.start) from None
    if not characters.strip():
        return None
    try:
        values = _DECODER.decode(characters)
        if _ESCAPED_SURROGATE.search(characters) and (found := _surrogate(values)):
            raise found
    except json.JSONDecodeError as error:
        raise SuwenError("S204", reason=f"{error.msg} at character {error.pos}") from None
    except (ValueError, RecursionError) as error:
        raise SuwenError("S204", reason=excess(error)) from None
    if not isinstance(values, dict):
        raise SuwenError("S204", reason="it is not an object")
    return values


def lines_of(path: Path, problem: Problem, encoding: str | None = None) -> Iterator[bytes]:
    """Yield the lines of a file, which may be compressed, in UTF-8; faults go to `problem`."""
    try:
        with opened(path, "rb", path.suffix) as file:
            yield from bounded_lines(file, path, problem, encoding)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        problem(SuwenError("S112", path, reason=error))
    except OSError as error:
        problem(os_error(error, path, "S113"))
    except SuwenError as error:
        problem(error)


def bounded_lines(file: IO[bytes], path: Path, problem: Problem, encoding: str | None = None) -> Iterator[bytes]:
    """Yield the lines of an open file in UTF-8; one longer than `LONGEST_LINE` goes to `problem`, as an empty one.

    Raises
    ------
    SuwenError
        S115 or S116 for a file in another encoding that is too large, or not in it; S117 for one that is not text.
    """
    # The available bytes: lines of a pipe are processed as they arrive.
    head = cast(Any, file).read1(MEGABYTE)
    if (kind := kind_of(head)) is not None:
        raise SuwenError("S117", path, found=kind)
    if encoding is not None or encoding_of(head) != "utf-8":
        data = head + read_stream(file, path, LARGEST)
        yield from io.BytesIO(decode_annotated(data, path, encoding).encode())
        return
    rest = io.BufferedReader(cast(Any, Rejoined(head, file)))
    for number in itertools.count(1):
        line = rest.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            problem(SuwenError("S115", path, number, what="the line", limit=f"{LONGEST_LINE // MEGABYTE} MB"))
            while line and not line.endswith(b"\n"):
                line = rest.readline(MEGABYTE)
            line = b"\n"
        if not line:
            return
        yield line


class Rejoined(io.RawIOBase):
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer from the beginning, then from the rest."""
        data = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def opened(path: Path, mode: Literal["rb", "wb"], suffix: str) -> Iterator[IO[bytes]]:
    """Open a file in the compression that the extension names."""
    suffix = suffix.lower()
    with path.open(mode) as file:
        if suffix == ".gz":
            # Neither name nor time go into the file, so that the same documents give the same bytes.
            with gzip.GzipFile("", mode, fileobj=file, mtime=0) as compressed:
                yield cast(IO[bytes], compressed)
        elif suffix == ".xz":
            with lzma.open(file, mode) as compressed_file:
                yield cast(IO[bytes], compressed_file)
        else:
            yield file


def located_at(document: Document, path: Path, number: int, unconfirmed: bool = False) -> Located:
    """Return the document of a record, all of whose annotations stand in one line."""
    items: list[Annotation] = [*document.entities, *document.relations]
    return Located(document, path, number, path, tuple((item, number) for item in items), unconfirmed)


def reporting_at(problem: Problem, path: Path, line: int) -> Problem:
    """Return the handler of the errors of a line."""
    return lambda error: problem(error.at(path, line))


def checked(entity: Entity, text: str, report: Problem, schema: Schema | None) -> Entity:
    """Return the entity, if it lies within the text; an unknown label is reported.

    Raises
    ------
    SuwenError
        S201.
    """
    if entity.end > len(text):
        raise SuwenError("S201", start=entity.start, end=entity.end, length=len(text))
    if schema is not None and entity.label not in schema:
        report(SuwenError("S202", label=entity.label, known=", ".join(schema.labels)))
    return entity


def entities_of(
    rows: Iterable[Any], build: Callable[[Any], Entity], text: str, report: Problem, schema: Schema | None
) -> tuple[Entity, ...]:
    """Return the entity that is built of each row, without those that cannot be or that reach beyond the text."""
    return tuple(built(rows, lambda row: checked(build(row), text, report, schema), report))


def built(rows: Iterable[Any], build: Callable[[Any], Item], report: Problem) -> Iterator[Item]:
    """Yield what is built of each row; one that cannot be is reported and left out."""
    for row in rows:
        try:
            yield build(row)
        except SuwenError as error:
            report(error)


def listed(values: dict[str, Any], key: str, format_name: str) -> list[Any]:
    """Return the list under a key; an empty one where there is none.

    Raises
    ------
    SuwenError
        S213.
    """
    found: list[Any] = field(values, key, list, format_name) if values.get(key) else []
    return found


def fits(mention: str, start: int, end: int, text: str) -> bool:
    """Return True if a mention stands at these offsets; a slice alone may end behind the text."""
    return end <= len(text) and text[start:end] == mention


def field(values: Any, key: str, kind: type, format_name: str) -> Any:
    """Return the value of a key, if it is there and of this kind.

    Raises
    ------
    SuwenError
        S213.
    """
    if not isinstance(values, dict):
        reason = f"is looked for in {values!r:.40}, which is no object"
        raise SuwenError("S213", field=key, reason=reason, format=format_name)
    value = values.get(key)
    if value is None:
        raise SuwenError("S213", field=key, reason="is missing", format=format_name)
    if type(value) is not kind:
        raise SuwenError("S213", field=key, reason=f"is not {_KIND_NAMES[kind]}", format=format_name)
    return value


def name_of(value: Any) -> str | None:
    """Return a string or whole number as a name; None for anything else.

    Examples
    --------
    >>> name_of("a"), name_of(7), name_of(7.0), name_of(7.5)
    ('a', '7', '7', None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a data frame with an empty cell in the column writes 7 as 7.0
    return str(value) if type(value) in (str, int) else None


def name_under(values: Any, key: str) -> str | None:
    """Return what stands under a key as a name (see `name_of`)."""
    return name_of(values.get(key)) if isinstance(values, dict) else None
