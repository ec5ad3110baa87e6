"""Inputs of ``suwen extract``: files of mixed formats, folders, globs, standard input.

The format of a file is that of its extension; without a known one, it is recognized by how the file begins. Documents
of single-document files are named by their path, those of JSON Lines and Parquet by their own ids. An id that occurs
twice is made distinct, and ``meta["read_from"]["id"]`` then holds the original one.

Of a record in JSON Lines the text is read, with what its ``meta`` says. Annotations are left out and counted; what an
earlier extraction said of the text (model, source, overrides) stands under ``meta["earlier"]``, apart from what this
one says.
"""

from __future__ import annotations

import codecs
import dataclasses
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import os_error
from suwen.formats import FORMATS, csv_table, excel, html, jsonl, parquet, text
from suwen.formats.articles import docx
from suwen.formats.base import ArticleFormat, CorpusFormat
from suwen.formats.contents import ANNOTATION, LONGEST_TEXT, read_bytes, read_stream
from suwen.formats.detection import HEAD, format_of_content
from suwen.formats.encodings import decode, encoding_named
from suwen.formats.foreign import EXPORT, WORKBOOKS, refuse_foreign
from suwen.formats.json_files import Rejoined, Row, bounded_lines, numbered_objects, records_of
from suwen.formats.reading import Problem, refuse
from suwen.formats.record_forms import FORMS, form_of_file, form_of_records, is_broken

__all__ = [
    "DEFAULT_OPTIONS",
    "ENDINGS",
    "INPUT_FORMATS",
    "STANDARD_INPUT",
    "Content",
    "Input",
    "Inputs",
    "ReadingOptions",
    "distinct",
    "fetch",
    "parts_of",
    "read_input",
    "renamed",
]

STANDARD_INPUT = Path("-")
DESCRIPTORS = Path("/dev/fd")
"""Pipes in this folder have a writer, so opening them does not block."""

SHOWN_STANDARD_INPUT = Path("<stdin>")
WRITTEN_KEYS = ("model", "relation_model", "read_from", "overrides", "earlier", "preannotation")
"""Keys that extractions and pre-annotations write under ``meta``."""

ARTICLES = {name: entry for name, entry in FORMATS.items() if isinstance(entry, ArticleFormat)}
TABLES: dict[str, CorpusFormat] = {csv_table.NAME: csv_table.FORMAT, excel.NAME: excel.FORMAT}
RECORDS: dict[str, CorpusFormat] = {jsonl.NAME: jsonl.FORMAT, parquet.NAME: parquet.FORMAT, **TABLES}
INPUT_FORMATS = tuple(sorted((*ARTICLES, *RECORDS)))
ANNOTATED = tuple(sorted(FORMATS.keys() - ARTICLES.keys() - {parquet.NAME, *TABLES}))
"""The formats of corpora that have entities."""

ENDINGS = {suffix: name for name, entry in {**ARTICLES, **RECORDS}.items() for suffix in entry.suffixes}
MOST_FAULTS = 1000
"""Consecutive errors after which a file is skipped: it has another format, and its errors would fill memory."""

COLUMNED = {text.NAME: csv_table.NAME, docx.NAME: excel.NAME}
"""The format of ambiguous content if the text column is named."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """Options for reading inputs.

    Parameters
    ----------
    format
        The format of all of them, one of `INPUT_FORMATS`; by default each has its own.
    annotated
        Whether corpora are read, in any format that has entities, with their annotations.
    text_column, id_column
        The column or key of the text and of the id, in tables, Parquet and JSON Lines that are not suwen's own.
    encoding
        The encoding of text files, CSV, JSON Lines and web pages; by default it is detected.
    sheet
        The sheet of Excel workbooks; by default the only one with content.

    Raises
    ------
    SuwenError
        S404 for an unknown format or encoding.
    """

    format: str | None = None
    text_column: str | None = None
    id_column: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    annotated: bool = False

    def __post_init__(self) -> None:
        known = ANNOTATED if self.annotated else INPUT_FORMATS
        if self.format is not None and self.format not in known:
            raise SuwenError("S404", what="format", name=self.format, known=", ".join(known))
        if self.encoding is not None:
            encoding_named(self.encoding)


DEFAULT_OPTIONS = ReadingOptions()


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read.

    Parameters
    ----------
    path
        The file, or `STANDARD_INPUT`.
    name
        The id of its document; of its records, the beginning of the ids of those that have none.
    format
        One of `INPUT_FORMATS`; None to detect it from the content.
    """

    path: Path
    name: str
    format: str | None

    @property
    def is_piped(self) -> bool:
        """Return whether it can be read only once: standard input, or what a shell makes of ``<(command)``."""
        return self.path == STANDARD_INPUT or self.path.parent == DESCRIPTORS

    @property
    def is_article(self) -> bool:
        """Return whether the file is read whole, not record by record."""
        return self.format in ARTICLES and self.path != STANDARD_INPUT


@dataclass(frozen=True, slots=True)
class Content:
    """An article that was read from the disk, but not yet parsed: the form in which it is sent to another computer."""

    file: Input
    data: bytes


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs to read.

    Parameters
    ----------
    files
        The files, in the order in which they are read.
    options
        Options for reading them.
    left_out
        How many files of the folders are not read, by their extension.
    problems
        The folders that are closed, and the files that are not regular or whose name is not valid Unicode.
    """

    files: tuple[Input, ...]
    options: ReadingOptions
    left_out: Counter[str]
    problems: tuple[SuwenError, ...] = ()


def distinct(document: Document, copies: dict[str, int]) -> Document:
    """Return the document, renamed if its id has been given; `copies` counts how often each has."""
    name = document.id
    while name in copies:
        copies[document.id] += 1
        name = f"{document.id}~{copies[document.id]}"
    copies[name] = 1
    return document if name == document.id else renamed(document, name)


def renamed(document: Document, name: str) -> Document:
    """Return the document under another id; its own one is kept in ``meta["read_from"]["id"]``."""
    source = document.meta.get("read_from")
    described = {**(source if isinstance(source, dict) else {}), "id": document.id}
    return dataclasses.replace(document, id=name, meta={**document.meta, "read_from": described})


def read_input(file: Input, options: ReadingOptions = DEFAULT_OPTIONS, problem: Problem = refuse) -> Iterator[Document]:
    """Read the documents of one file.

    Parameters
    ----------
    problem
        Receives what cannot be read; if it returns, the rest is read.

    Raises
    ------
    SuwenError
        What the readers of the formats raise; nothing, where `problem` returns.
    """
    reported: list[SuwenError] = []

    def note(error: SuwenError) -> None:
        # A missing package, for example, does not know which file needs it.
        error = error if error.path else error.at(shown, error.line)
        reported.append(error)
        problem(error)

    shown = SHOWN_STANDARD_INPUT if file.path == STANDARD_INPUT else file.path
    found = False
    try:
        for document in _documents_of(file, shown, options, note):
            found = True
            yield document
    except SuwenError as error:
        note(error)
    if not found and not reported:
        problem(SuwenError("S106", shown))


def fetch(file: Input) -> Content:
    """Read an article from the disk.

    Raises
    ------
    SuwenError
        S101, S102, S109 or S113 when it cannot be read, S115 when it is too large.
    """
    return Content(file, read_bytes(file.path, ARTICLES[str(file.format)].largest))


def parts_of(source: Input | Content, options: ReadingOptions = DEFAULT_OPTIONS) -> Iterator[Document | SuwenError]:
    """Yield the documents of a file and, at their places, the errors of what cannot be read.

    A file is given up after `MOST_FAULTS` in a row (S122); a reader that fails unexpectedly ends its
    file alone (S123). So no file, whatever it holds, ends the reading of a library.
    """
    faults: list[SuwenError] = []

    def note(error: SuwenError) -> None:
        if len(faults) == MOST_FAULTS:
            raise SuwenError("S122", error.path, error.line, count=f"{MOST_FAULTS:,}")
        faults.append(error)

    file = source.file if isinstance(source, Content) else source
    try:
        if isinstance(source, Content):
            yield from _parse(str(file.format), source.data, file, file.path, options)
            return
        for document in read_input(file, options, note):
            yield from faults
            faults.clear()
            yield document
    except SuwenError as error:
        faults.append(error)
    except Exception as error:
        faults.append(SuwenError("S123", file.path, reason=f"{type(error).__name__}: {error}"))
    yield from faults


def _documents_of(file: Input, shown: Path, options: ReadingOptions, problem: Problem) -> Iterator[Document]:
    """Yield the documents of one file."""
    if file.path == STANDARD_INPUT:
        yield from _read_stream(sys.stdin.buffer, file, shown, options, problem)
    elif file.format is not None and file.format in ARTICLES:
        yield from _parse(file.format, read_bytes(file.path, ARTICLES[file.format].largest), file, shown, options)
    else:
        yield from _read_file(file, options, problem)


def _read_file(file: Input, options: ReadingOptions, problem: Problem) -> Iterator[Document]:
    """Yield the documents of a corpus, of a file of records, or of a file that is recognized by its content."""
    if options.annotated:
        corpus = FORMATS[str(file.format)].scan(file.path, problem)
        yield from (_bounded(located.document, located.text_path) for located in corpus)
        return
    columns = options.text_column, options.id_column
    if file.format == jsonl.NAME or (file.format is None and _holds_records(file.path, options)):
        # Whatever the extension, a list of records is read whole.
        yield from _records(records_of(file.path, problem, options.encoding), file, file.path, options, problem)
        return
    if file.format == csv_table.NAME:
        located = csv_table.scan_file(file.path, file.name, problem, *columns, options.encoding)
        yield from (item.document for item in located)
        return
    try:
        with file.path.open("rb") as opened:
            if file.format in (None, excel.NAME):
                yield from _read_stream(opened, file, file.path, options, problem)
            else:
                located = parquet.scan_table(opened, file.path, file.name, problem, *columns)
                yield from (_unannotated(item.document) for item in located)
    except OSError as error:
        raise os_error(error, file.path, "S113") from None


def _holds_records(path: Path, options: ReadingOptions) -> bool:
    """Return whether a ``.json`` file holds records whose text is read, or is to be reported as broken."""
    if path.suffix.lower() != ".json":
        return False
    return options.text_column is not None or form_of_file(path) == jsonl.NAME or is_broken(path)


def _read_stream(
    stream: IO[bytes], file: Input, shown: Path, options: ReadingOptions, problem: Problem
) -> Iterator[Document]:
    """Yield the documents of a stream that cannot be rewound."""
    head = stream.read(HEAD)
    found = format_of_content(head)
    if options.text_column:
        is_table = found == html.NAME and shown.suffix.lower() in WORKBOOKS
        found = excel.NAME if is_table else COLUMNED.get(found, found)
    name = file.format or found
    rest = io.BufferedReader(Rejoined(head, stream))
    columns = options.text_column, options.id_column
    if name == jsonl.NAME:
        rows = numbered_objects(bounded_lines(rest, shown, problem, options.encoding), shown, problem)
        yield from _records(rows, file, shown, options, problem)
    elif name == parquet.NAME:
        data = io.BytesIO(read_stream(rest, shown, parquet.LARGEST_CHUNK))
        located = parquet.scan_table(data, shown, file.name, problem, *columns)
        yield from (_unannotated(item.document) for item in located)
    elif name == csv_table.NAME:
        located = csv_table.scan_stream(rest, shown, file.name, problem, *columns, options.encoding)
        yield from (item.document for item in located)
    elif name == excel.NAME:
        workbook = read_stream(rest, shown, excel.LARGEST)
        if format_of_content(head) == html.NAME:
            workbook = _in_encoding(workbook, shown, options)
        located = excel.scan_workbook(workbook, shown, file.name, problem, *columns, options.sheet)
        yield from (item.document for item in located)
    else:
        yield from _parse(name, read_stream(rest, shown, ARTICLES[name].largest), file, shown, options)


def _parse(name: str, data: bytes, file: Input, shown: Path, options: ReadingOptions) -> Sequence[Document]:
    if options.format is None:
        refuse_foreign(data, shown)
    if name == text.NAME:
        return text.FORMAT.parse(data, shown, file.name, encoding=options.encoding)
    if name == html.NAME:
        data = _in_encoding(data, shown, options)
    return ARTICLES[name].parse(data, shown, file.name)


def _in_encoding(page: bytes, shown: Path, options: ReadingOptions) -> bytes:
    """Return a page in the encoding that the user names, marked as UTF-8."""
    if options.encoding is None:
        return page
    # A byte order mark has priority over the encoding that the page declares.
    return codecs.BOM_UTF8 + decode(page, shown, options.encoding)[0].removeprefix("\ufeff").encode()


def _bounded(document: Document, path: Path) -> Document:
    """Return the document, if its text is not too long."""
    if len(document.text) > LONGEST_TEXT:
        raise SuwenError("S115", path, what=f"the text of {document.id!r}", limit=f"{LONGEST_TEXT:,} characters")
    return document


def _records(
    rows: Iterable[Row], file: Input, shown: Path, options: ReadingOptions, problem: Problem
) -> Iterator[Document]:
    """Yield the texts of records, of suwen or of other programs."""
    columns = options.text_column, options.id_column
    for number, values in rows:
        try:
            known, left_out = (values, 0) if options.text_column else _known(values)
        except SuwenError as error:
            problem(error.at(shown, number))
            continue
        for item in jsonl.scan_rows([(number, known)], shown, file.name, problem, None, *columns):
            document = _bounded(item.document, shown)
            yield document if options.annotated or options.text_column else _unannotated(document, left_out)


def _known(values: Any) -> tuple[Any, int]:
    """Return a record with the keys of other programs under ``meta``, and how many annotations of theirs it had."""
    if not isinstance(values, dict):
        return values, 0  # it is reported when it is read
    form = form_of_records(iter([values]))
    foreign = form != jsonl.NAME
    if "text" not in values and form in FORMS and " " in str(form):
        raise SuwenError("S130", kind=form, advice=EXPORT)
    if "text" not in values or not (foreign or values.keys() - jsonl.KEYS):
        return values, 0
    known, own, left_out = {}, dict[str, Any](), 0
    for key, value in values.items():
        if key == "meta":
            continue
        if foreign and key != "pages" and isinstance(value, list | dict):
            left_out += len(value)
        elif key in jsonl.KEYS:
            known[key] = value
        else:
            own[key] = value
    return {**known, "meta": jsonl.with_meta(own, values.get("meta"))}, left_out


def _unannotated(document: Document, foreign: int = 0) -> Document:
    """Return a record as a text to be read, with nothing in the place of what this extraction will say.

    Parameters
    ----------
    foreign
        How many annotations of another program have been left out already.
    """
    annotations = (document.entities, document.relations, document.attributes, document.notes)
    left_out = foreign + sum(map(len, annotations))
    earlier = {key: document.meta[key] for key in WRITTEN_KEYS if key in document.meta}
    if not left_out and not earlier:
        return document
    meta = {key: value for key, value in document.meta.items() if key not in WRITTEN_KEYS}
    if earlier:
        meta["earlier"] = earlier
    if left_out:
        meta["read_from"] = {"dropped": {ANNOTATION: left_out}}
    return dataclasses.replace(document, entities=(), relations=(), attributes=(), notes=(), meta=meta)
