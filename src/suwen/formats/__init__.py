"""One module per file format, and corpora: folders or files in any of them.

Every module has ``FORMAT``, an instance of a class of `suwen.formats.base`. `FORMATS` lists them by name.
"""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, require_new_or_empty, require_no_frame
from suwen.formats import (
    brat,
    ccks,
    cluener,
    cmeee,
    conll,
    csv_table,
    diakg,
    doccano,
    excel,
    hf_tokens,
    html,
    jsonl,
    label_studio,
    parquet,
    prodigy,
    text,
)
from suwen.formats.articles import docx, jats, pdf
from suwen.formats.base import ArticleFormat, CorpusFormat, WritableFormat, known_options
from suwen.formats.contents import ending, no_document
from suwen.formats.detection import format_of_file
from suwen.formats.foreign import foreign_kind
from suwen.formats.reading import Located, Problem, files_in, refuse
from suwen.formats.remarks import Remarks
from suwen.schema import Schema

__all__ = [
    "FORMATS",
    "OUTPUT_ENDINGS",
    "WITHOUT_ANNOTATIONS",
    "WRITABLE",
    "Documents",
    "format_named_by",
    "format_of",
    "output_format",
    "read_corpus",
    "scan_corpus",
    "stream_corpus",
    "stream_documents",
    "write_corpus",
]

MODEL_FILE = "suwen.json"
"""The file that makes a folder a model folder (`suwen.model_folder`)."""

_LOGGER = logging.getLogger("suwen")
Format = TypeVar("Format", bound=CorpusFormat)

Documents = StrPath | Document | Iterable[Document]
"""A folder or file in any format, a document, or several."""

DOCUMENTS = "documents or the path of a corpus"

_REGISTERED: tuple[CorpusFormat, ...] = (
    brat.FORMAT,
    conll.FORMAT,
    jsonl.FORMAT,
    cmeee.FORMAT,
    diakg.FORMAT,
    doccano.FORMAT,
    label_studio.FORMAT,
    cluener.FORMAT,
    ccks.FORMAT,
    prodigy.FORMAT,
    hf_tokens.FORMAT,
    text.FORMAT,
    html.FORMAT,
    jats.FORMAT,
    docx.FORMAT,
    pdf.FORMAT,
    parquet.FORMAT,
    csv_table.FORMAT,
    excel.FORMAT,
)
WITHOUT_ANNOTATIONS = (ArticleFormat, parquet.Parquet, csv_table.Csv, excel.Excel)
"""Formats for which a document without entities is no error."""

FORMATS = {entry.name: entry for entry in _REGISTERED}
WRITABLE = {name: entry for name, entry in FORMATS.items() if isinstance(entry, WritableFormat)}

OUTPUT_ENDINGS = {
    ".jsonl": jsonl.NAME,
    ".jsonl.gz": jsonl.NAME,
    ".jsonl.xz": jsonl.NAME,
    ".conll": conll.NAME,
    ".html": html.NAME,
    ".htm": html.NAME,
    ".parquet": parquet.NAME,
    ".csv": csv_table.NAME,
    ".csv.gz": csv_table.NAME,
    ".tsv": csv_table.NAME,
    ".xlsx": excel.NAME,
}
"""The formats that the extension of an output names; ``.json`` fits several, and folders have no extension."""


def format_of(path: StrPath) -> str:
    """Return the name of the format that a corpus is in.

    Raises
    ------
    SuwenError
        S101 when there is no such path, S107 when several formats or (for a file) none fit, S108 when a folder holds
        nothing to read, S109 when it is a model folder, S130 when a file is of a kind that is known, but not read.
    """
    path = Path(path)
    if not path.exists():
        raise SuwenError("S101", path)
    if (path / MODEL_FILE).is_file():
        raise SuwenError("S109", path, found="model folder", expected="corpus")
    found = [entry for entry in FORMATS.values() if entry.sniff(path)]
    # Beside annotated files, pages and articles in other formats are not the corpus.
    fitting = [entry.name for entry in found if not entry.yields] or [entry.name for entry in found]
    if path.is_file() and all(isinstance(FORMATS[name], ArticleFormat) for name in fitting):
        foreign = _foreign(path, corpora=not fitting)
        if foreign is not None:
            raise foreign
    if not fitting and path.is_file() and (named := format_of_file(path)) in FORMATS and named != text.NAME:
        fitting = [named]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and path.is_dir():
        endings = {suffix for entry in FORMATS.values() for suffix in entry.suffixes}
        raise no_document(path, endings, Counter(file.suffix.lower() or file.name for file in files_in(path, ("",))))
    raise SuwenError("S107", path, formats=", ".join(fitting or FORMATS))


def _foreign(path: Path, corpora: bool = True) -> SuwenError | None:
    """Return the error for a file that is no corpus by its content (S130); None if it may be one."""
    try:
        found = foreign_kind(path.read_bytes(), path, corpora)
    except OSError:
        return None  # its reader says why
    return SuwenError("S130", path, kind=found[0], advice=found[1]) if found is not None else None


def read_corpus(
    path: StrPath, format: str | None = None, *, schema: Schema | None = None, **options: Any
) -> list[Document]:
    """Return all documents of a corpus, in the order of their files.

    Parameters
    ----------
    path
        A folder or file.
    format
        A name in `FORMATS`; by default it is detected.
    schema
        The labels that may occur; by default any.
    options
        Options of the format's `scan`, for example ``scheme`` for CoNLL.

    Raises
    ------
    SuwenError
        As `format_of`; S108 when there is no document, S110 for an id that occurs twice, S202 for a label not in
        `schema`, S404 for a format or option that is unknown, and the faults of the format.

    Examples
    --------
    >>> import suwen
    >>> documents = suwen.read_corpus("articles/")  # doctest: +SKIP
    """
    return list(stream_corpus(path, format, schema=schema, **options))


def stream_corpus(
    path: StrPath, format: str | None = None, *, schema: Schema | None = None, **options: Any
) -> Iterator[Document]:
    """Stream the documents of a corpus (see `read_corpus`), one at a time.

    What is odd about them all is logged at the end as warnings (see `Remarks`).
    """
    remarks = Remarks()
    alone: list[SuwenError] = []

    def report(error: SuwenError) -> None:
        # A README beside the pairs of brat does not prevent reading them.
        if error.code != "S208":
            refuse(error)
        alone.append(error)
        remarks.leave_out("text without '.ann' (see suwen corpus check)")

    found = False
    for located in scan_corpus(path, report, format, schema, **options):
        found = True
        remarks.add(located.document, located.unconfirmed)
        yield located.document
    if alone and not found:
        raise alone[0]
    entry = FORMATS[format or format_of(path)]
    if format is None:
        remarks.unread.update(unread_files(Path(path), entry))
    by_option = "offsets" in inspect.signature(entry.scan).parameters
    for remark in remarks.lines(not isinstance(entry, WITHOUT_ANNOTATIONS), by_option):
        _LOGGER.warning("%s: %s", path, remark)


def stream_documents(given: Documents, schema: Schema | None = None) -> Iterator[Document]:
    """Stream the documents that a caller gives; a corpus is read when the first one is asked for.

    Raises
    ------
    SuwenError
        S132 for anything else, such as a data frame or texts.
    """
    if isinstance(given, str | PathLike):
        return stream_corpus(given, schema=schema)
    require_no_frame(given, DOCUMENTS)
    return _only_documents(given if isinstance(given, Iterable) else [given])


def _only_documents(given: Iterable[Document]) -> Iterator[Document]:
    for document in given:
        if not isinstance(document, Document):
            raise SuwenError("S132", expected=DOCUMENTS, found=type(document).__name__)
        yield document


def unread_files(path: Path, entry: CorpusFormat) -> Counter[str]:
    """Count the files of a folder of articles that are not read, by their extension."""
    if not (isinstance(entry, ArticleFormat) and path.is_dir()):
        return Counter()
    others = (file for file in files_in(path, ("",)) if not ending(file, entry.suffixes))
    return Counter(file.suffix.lower() or file.name for file in others)


def scan_corpus(
    path: StrPath, problem: Problem, format: str | None = None, schema: Schema | None = None, **options: Any
) -> Iterator[Located]:
    """Stream documents with the places of their annotations; faults of single documents go to `problem`."""
    path = Path(path)
    found = _named(format, FORMATS) if format else FORMATS[format_of(path)]
    options = known_options(found.name, found.scan, options)
    places: dict[str, tuple[Path, int | None]] = {}
    faulty = False
    # Of a single file, `format_of` has looked at the content.
    mixed = format is None and isinstance(found, ArticleFormat) and path.is_dir()

    def report(error: SuwenError) -> None:
        nonlocal faulty
        faulty = True
        problem(error)

    for located in found.scan(path, report, schema, **options):
        if mixed and (foreign := _foreign(located.text_path)) is not None:
            report(foreign)
            continue
        name, place = located.document.id, (located.text_path, located.text_line)
        if name in places:
            report(SuwenError("S110", *place, id=name, first=_shown(places[name]), second=_shown(place)))
        places[name] = place
        yield located
    if not places and not faulty:
        raise SuwenError("S108", path, expected=f"files that end in one of {', '.join(found.suffixes)}")


def _named(name: str, formats: Mapping[str, Format]) -> Format:
    if name not in formats:
        raise SuwenError("S404", what="format", name=name, known=", ".join(formats))
    return formats[name]


def _shown(place: tuple[Path, int | None]) -> str:
    path, line = place
    return str(path) if line is None else f"{path}:{line}"


def format_named_by(output: StrPath) -> str | None:
    """Return the format that the extension of an output names; None if it names none."""
    name = Path(output).name.lower()
    return next((found for ending, found in OUTPUT_ENDINGS.items() if name.endswith(ending)), None)


def output_format(output: StrPath) -> str:
    """Return the format that the extension of an output names.

    Raises
    ------
    SuwenError
        S107 when it names none, or could be that of several.
    """
    found = format_named_by(output)
    if found is None:
        raise SuwenError("S107", output, formats=f"{', '.join(WRITABLE)} (--to FORMAT; in Python format=)")
    return found


def write_corpus(documents: Documents, path: StrPath, format: str | None = None, **options: Any) -> Counter[str]:
    """Write documents in a format, completely or not at all.

    Parameters
    ----------
    documents
        The documents to write, a single one, or a folder or file in any format.
    path
        The file or folder.
    format
        A name in `WRITABLE`; by default the one that the extension names (see `OUTPUT_ENDINGS`).
    options
        Options of the format's `write`, for example ``scheme`` for CoNLL.

    Returns
    -------
    Counter[str]
        Counts of what the format could not hold, by kind; empty when nothing is lost.

    Raises
    ------
    SuwenError
        S104 when the path exists (an empty folder aside), S107 when the extension names no format, S404 for a format
        that is unknown or only read and for an unknown option, and what the format's `write` raises.

    Examples
    --------
    >>> import suwen
    >>> lost = suwen.write_corpus(documents, "corpus.jsonl")  # doctest: +SKIP
    """
    path = Path(path)
    target = _named(format or output_format(path), WRITABLE)
    options = known_options(target.name, target.write, options)
    require_new_or_empty(path)
    return target.write(stream_documents(documents), path, **options)
