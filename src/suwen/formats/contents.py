"""Shared parts of readers without annotations: bounded reading, and counts of what was left out.

`suwen.formats.base.ArticleFormat` makes a corpus reader of these; `suwen.extraction.inputs` reads single files and
standard input with them.

Where the text is not the file's own characters, ``meta["read_from"]`` says where it comes from: ``format``, and under
``dropped`` what was left out, by kind, each with its count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from suwen.document import Document, Page
from suwen.errors import SuwenError
from suwen.files import os_error
from suwen.formats.reading import Located, Problem, document_id, files_in

__all__ = [
    "ANNOTATION",
    "LONGEST_TEXT",
    "MEGABYTE",
    "RESERVED",
    "Parse",
    "article",
    "ending",
    "files_ending",
    "holds",
    "no_document",
    "read_bytes",
    "read_stream",
    "scan_articles",
    "with_names",
]

Parse = Callable[[bytes, Path, str], Sequence[Document]]

ANNOTATION = "annotation of a record"
"""The kind under which annotations are counted that records and tables have beside their texts."""

RESERVED = ("brat", "conll", "earlier", "model", "overrides", "read_from")
"""Keys of ``meta`` with a meaning of their own: a column of that name is kept as ``model~2``."""

MEGABYTE = 2**20
OLD_WORD = (".doc", ".dot", ".wps")
"""The extensions of old Word and WPS files."""
LONGEST_TEXT = 10_000_000
"""Maximum characters of one document: ten long books. More would need more memory than most computers have."""


def ending(path: Path, suffixes: Sequence[str]) -> str | None:
    """Return the one of these extensions that a file's name has, as it is written there; None if it has none."""
    name = path.name
    found = next((suffix for suffix in suffixes if name.lower().endswith(suffix) and len(name) > len(suffix)), None)
    return name[len(name) - len(found) :] if found else None


def holds(path: Path, suffixes: Sequence[str]) -> bool:
    """Return whether a file has one of these extensions, or a folder a file that has."""
    if path.is_dir():
        return next(files_ending(path, suffixes), None) is not None
    return ending(path, suffixes) is not None


def files_ending(path: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """Yield the files of a folder with one of these extensions, in any case; a file stands for itself."""
    return (file for file in files_in(path, ("",)) if not path.is_dir() or ending(file, suffixes))


def with_names(
    files: Iterable[Path], path: Path, suffixes: Sequence[str], problem: Problem
) -> Iterator[tuple[Path, str]]:
    """Yield the files of `path`, each with the id that it gives its document: its name without the extension.

    A name that is no valid id goes to `problem`, and its file is left out.
    """
    root = path if path.is_dir() else path.parent
    for file in files:
        own = ending(file, suffixes)
        try:
            name = document_id(file, root, (own,) if own else ())
        except SuwenError as error:
            problem(error)
            continue
        yield file, name


def no_document(folder: Path, suffixes: Iterable[str], found: Counter[str]) -> SuwenError:
    """Return the error of a folder without anything to read (S108).

    Parameters
    ----------
    found
        How many files of other kinds it holds, by their extension.
    """
    expected = f"files that end in one of {', '.join(sorted(set(suffixes)))}"
    if found:
        expected += f"; found: {', '.join(f'{count:,} {suffix}' for suffix, count in sorted(found.items()))}"
    if any(suffix.lower() in OLD_WORD for suffix in found):
        expected += "; save old Word files as .docx (soffice --headless --convert-to docx FILES)"
    return SuwenError("S108", folder, expected=expected)


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes.

    Raises
    ------
    SuwenError
        S101, S102, S109 or S113 when it cannot be read, S115 when it is larger.
    """
    try:
        with path.open("rb") as file:
            return read_stream(file, path, limit)
    except OSError as error:
        raise os_error(error, path, "S113") from None


def read_stream(file: IO[bytes], path: Path, limit: int, what: str = "the file") -> bytes:
    """Read the rest of a stream, at most `limit` bytes.

    Raises
    ------
    SuwenError
        S115 when it is more.
    """
    data = file.read(limit + 1)
    if len(data) > limit:
        raise SuwenError("S115", path, what=what, limit=f"{limit // MEGABYTE} MB")
    return data


def article(
    name: str,
    text: str,
    path: Path,
    source: Mapping[str, Any] | None = None,
    pages: tuple[Page, ...] = (),
    about: Mapping[str, Any] | None = None,
) -> Document:
    """Return the document of a file without annotations.

    Parameters
    ----------
    source
        What ``meta["read_from"]`` says; entries that are empty are left out.
    about
        The metadata that the file states, for ``meta``: ``title``, ``year`` (int), ``journal``, ``doi``; empty ones are
        left out.

    Raises
    ------
    SuwenError
        S115 when the text is longer than `LONGEST_TEXT`, S210 when it holds a lone surrogate.
    """
    if len(text) > LONGEST_TEXT:
        raise SuwenError("S115", path, what="the text", limit=f"{LONGEST_TEXT:,} characters")
    said = {key: dict(value) if isinstance(value, Mapping) else value for key, value in (source or {}).items() if value}
    meta = {key: value for key, value in (about or {}).items() if value}
    return Document(name, text, pages=pages, meta=meta | ({"read_from": said} if said else {}))


def scan_articles(
    path: Path, suffixes: tuple[str, ...], problem: Problem, limit: int, parse: Parse
) -> Iterator[Located]:
    """Yield the documents of a file, or of all files of a folder with one of these extensions in any case.

    Faults go to `problem` and the file is left out.
    """
    for file, name in with_names(files_ending(path, suffixes), path, suffixes, problem):
        try:
            documents = parse(read_bytes(file, limit), file, name)
        except SuwenError as error:
            problem(error)
            continue
        for document in documents:
            yield Located(document, file, None, file)
