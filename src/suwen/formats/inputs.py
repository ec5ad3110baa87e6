"""What ``suwen extract`` reads: files of mixed formats, folders of them, globs, standard input.

The format of a file is what its ending says; without a known one, what it begins with. Documents of single-document
files are named by their path, those of JSON Lines and Parquet by their own ids. An id that stands twice is made
distinct, and ``meta["read_from"]["id"]`` then holds the original one.
"""

from __future__ import annotations

import dataclasses
import glob
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import os_error
from suwen.formats import docx, html, jats, jsonl, parquet, pdf, text
from suwen.formats.articles import LONGEST_TEXT, ending, read_bytes, read_stream
from suwen.formats.encodings import ENCODINGS, kind_of
from suwen.formats.reading import Problem, document_id, files_in, refuse

__all__ = [
    "INPUT_FORMATS",
    "STANDARD_INPUT",
    "Content",
    "Input",
    "Inputs",
    "Options",
    "distinct",
    "fetch",
    "find_inputs",
    "parts_of",
    "read_input",
]

STANDARD_INPUT = Path("-")
SHOWN_STANDARD_INPUT = Path("<stdin>")
HEAD = 4096

ARTICLES = {module.NAME: module for module in (text, html, jats, docx, pdf)}
RECORDS = {module.NAME: module for module in (jsonl, parquet)}
INPUT_FORMATS = tuple(sorted((*ARTICLES, *RECORDS)))
ENDINGS = {suffix: name for name, module in (ARTICLES | RECORDS).items() for suffix in module.SUFFIXES}
MOST_FAULTS = 1000
"""After so many faults in a row a file is given up: it is of another kind, and its faults would fill the memory."""

SIGNATURES = {"PDF": pdf.NAME, "ZIP (or docx)": docx.NAME, "parquet": parquet.NAME}


@dataclass(frozen=True, slots=True)
class Options:
    """How inputs are read.

    Parameters
    ----------
    format
        The format of all of them, one of `INPUT_FORMATS`; by default each has its own.
    text_column, id_column
        The column or key of the text and of the id, in Parquet and JSON Lines that are not suwen's own.
    encoding
        The encoding of text files; by default it is found out.

    Raises
    ------
    SuwenError
        S404 for an unknown format or encoding.
    """

    format: str | None = None
    text_column: str | None = None
    id_column: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        for what, name, known in (
            ("format", self.format, INPUT_FORMATS),
            ("encoding", self.encoding and self.encoding.lower(), ENCODINGS),
        ):
            if name is not None and name not in known:
                raise SuwenError("S404", what=what, name=name, known=", ".join(known))


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
        One of `INPUT_FORMATS`; None when the beginning of the content has to tell.
    """

    path: Path
    name: str
    format: str | None

    @property
    def is_article(self) -> bool:
        """Whether the file is read whole, not record by record."""
        return self.format in ARTICLES and self.path != STANDARD_INPUT


@dataclass(frozen=True, slots=True)
class Content:
    """An article that was read from the disk, but not yet parsed: what another computer is sent."""

    file: Input
    data: bytes


@dataclass(frozen=True, slots=True)
class Inputs:
    """What there is to read.

    Parameters
    ----------
    files
        The files, in the order in which they are read.
    options
        How they are read.
    left_out
        How many files of the folders are not read, by their ending.
    problems
        The folders that cannot be listed, and the files whose name is not valid Unicode.
    """

    files: tuple[Input, ...]
    options: Options
    left_out: Counter[str]
    problems: tuple[SuwenError, ...] = ()


def find_inputs(paths: Sequence[Path], options: Options = Options()) -> Inputs:
    """Find the files to read; a file that is named twice is read once.

    Parameters
    ----------
    paths
        Files; folders (searched at any depth for files with a known ending, hidden files and folders passed over);
        patterns with ``*``, ``?``, ``[…]`` and ``**``; and ``-`` for standard input.

    Raises
    ------
    SuwenError
        S101 when a path does not exist or a pattern fits nothing, S108 when a folder has nothing to read; S102 when it
        cannot be listed.
    """
    problems: list[SuwenError] = []
    chosen = [found for path in paths for found in _expanded(path)]
    files: list[Path] = []
    left_out: Counter[str] = Counter()
    endings = tuple(suffix for suffix, name in ENDINGS.items() if options.format in (None, name))
    for path in chosen:
        if not path.is_dir():
            files.append(path)
            continue
        readable = 0
        known = len(problems)
        for file in files_in(path, ("",), problems.append):
            if ending(file, endings) and (file.is_file() or not file.exists()):
                files.append(file)
                readable += 1
            else:
                left_out[file.suffix or file.name] += 1
        if not readable and len(problems) > known:
            raise problems[known]
        if not readable:
            raise SuwenError("S108", path, expected=f"files that end in one of {', '.join(sorted(endings))}")
    folders = [path if path.is_dir() else path.parent for path in chosen if path != STANDARD_INPUT]
    root = Path(os.path.commonpath([_absolute(folder) for folder in folders])) if folders else Path()
    found: list[Input] = []
    for file in dict.fromkeys(files):
        try:
            found.append(_input(file, root, options))
        except SuwenError as error:
            problems.append(error)
    return Inputs(tuple(found), options, left_out, tuple(problems))


def _expanded(path: Path) -> list[Path]:
    """The path, or what fits it as a pattern."""
    if path == STANDARD_INPUT or path.exists() or path.is_symlink():
        return [path]
    found = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(str(path)) else []  # noqa: PTH207
    if not found:
        raise SuwenError("S101", path)
    return [Path(name) for name in found]


def _input(file: Path, root: Path, options: Options) -> Input:
    if file == STANDARD_INPUT:
        return Input(file, "stdin", options.format)
    own = ending(file, tuple(ENDINGS))
    name = document_id(_absolute(file), root, (own,) if own else ())
    return Input(file, name, options.format or (ENDINGS[own.lower()] if own else None))


def _absolute(path: Path) -> Path:
    """Without ``..``, but with links left as they are: a linked file is named by where the link stands."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def distinct(document: Document, copies: dict[str, int]) -> Document:
    """The document, renamed if its id has been given; `copies` counts how often each has."""
    name = document.id
    while name in copies:
        copies[document.id] += 1
        name = f"{document.id}~{copies[document.id]}"
    copies[name] = 1
    if name == document.id:
        return document
    source = document.meta.get("read_from")
    said = {**(source if isinstance(source, dict) else {}), "id": document.id}
    return dataclasses.replace(document, id=name, meta={**document.meta, "read_from": said})


def read_input(file: Input, options: Options = Options(), problem: Problem = refuse) -> Iterator[Document]:
    """Read the documents of one file.

    Parameters
    ----------
    problem
        Told what cannot be read; if it returns, the rest is read.

    Raises
    ------
    SuwenError
        What the readers of the formats raise; nothing, where `problem` returns.
    """
    shown = SHOWN_STANDARD_INPUT if file.path == STANDARD_INPUT else file.path
    try:
        if file.path == STANDARD_INPUT:
            yield from _read_stream(sys.stdin.buffer, file, shown, options, problem)
        elif file.format is not None and file.format in ARTICLES:
            yield from _parse(file.format, read_bytes(file.path, ARTICLES[file.format].LARGEST), file, shown, options)
        else:
            yield from _read_file(file, options, problem)
    except SuwenError as error:
        problem(error)


def fetch(file: Input) -> Content:
    """Read an article from the disk.

    Raises
    ------
    SuwenError
        S101, S102, S109 or S113 when it cannot be read, S115 when it is too large.
    """
    return Content(file, read_bytes(file.path, ARTICLES[str(file.format)].LARGEST))


def parts_of(source: Input | Content, options: Options = Options()) -> Iterator[Document | SuwenError]:
    """The documents of a file and, in their place among them, the faults of what cannot be read.

    A file is given up after `MOST_FAULTS` in a row (S122); a reader that fails in a way that nobody foresaw ends its
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


def _read_file(file: Input, options: Options, problem: Problem) -> Iterator[Document]:
    """The documents of a file of records, or of one whose content has to tell what it is."""
    if file.format == jsonl.NAME:
        located = jsonl.scan(file.path, problem, None, options.text_column, options.id_column)
        yield from (_bounded(item.document, file.path) for item in located)
        return
    try:
        with file.path.open("rb") as opened:
            if file.format is None:
                yield from _read_stream(opened, file, file.path, options, problem)
            else:
                columns = options.text_column, options.id_column
                located = parquet.scan_table(opened, file.path, file.name, problem, *columns)
                yield from (item.document for item in located)
    except OSError as error:
        raise os_error(error, file.path, "S113") from None


def _read_stream(stream: IO[bytes], file: Input, shown: Path, options: Options, problem: Problem) -> Iterator[Document]:
    """The documents of a stream that may not be wound back."""
    head = stream.read(HEAD)
    name = file.format or format_of_content(head)
    rest = io.BufferedReader(_Rejoined(head, stream))
    columns = options.text_column, options.id_column
    if name == jsonl.NAME:
        lines = jsonl.bounded_lines(rest, shown, problem)
        located = jsonl.scan_lines(lines, shown, file.name, problem, None, *columns)
        yield from (_bounded(item.document, shown) for item in located)
    elif name == parquet.NAME:
        data = io.BytesIO(read_stream(rest, shown, parquet.LARGEST_CHUNK))
        yield from (item.document for item in parquet.scan_table(data, shown, file.name, problem, *columns))
    else:
        yield from _parse(name, read_stream(rest, shown, ARTICLES[name].LARGEST), file, shown, options)


def format_of_content(head: bytes) -> str:
    """The format that the first bytes of a file speak for; ``text`` where they speak for none."""
    if (kind := kind_of(head)) is not None:
        return SIGNATURES.get(kind, text.NAME)
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b"{") and _is_object(begin):
        return jsonl.NAME
    lower = begin[:1024].lower()
    if lower.startswith((b"<!doctype html", b"<html")):
        return html.NAME
    if lower.startswith((b"<?xml", b"<!doctype", b"<article")):
        return html.NAME if b"<html" in lower else jats.NAME
    return text.NAME


def _is_object(begin: bytes) -> bool:
    """Whether a first line is a JSON object; a line that goes on is taken for one."""
    line, end, _ = begin.partition(b"\n")
    if not end and len(begin) >= HEAD // 2:
        return True
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parse(name: str, data: bytes, file: Input, shown: Path, options: Options) -> Sequence[Document]:
    if name == text.NAME:
        return text.parse(data, shown, file.name, options.encoding)
    documents: Sequence[Document] = ARTICLES[name].parse(data, shown, file.name)
    return documents


def _bounded(document: Document, path: Path) -> Document:
    """The document, if its text is not too long."""
    if len(document.text) > LONGEST_TEXT:
        raise SuwenError("S115", path, what=f"the text of {document.id!r}", limit=f"{LONGEST_TEXT:,} characters")
    return document


class _Rejoined(io.RawIOBase):
    """A stream whose beginning has been read already."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer from the beginning, then from the rest."""
        data = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)
