"""Shared parts of all readers: find files, name documents, locate annotations.

A format's `scan` hands over each document with the places of its annotations and reports what it cannot read to a
`Problem`. With `refuse` as the problem handler the first fault ends the reading; `suwen corpus check` collects them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from suwen.document import Attribute, Document, Entity, Note, Relation, lone_surrogates
from suwen.errors import SuwenError
from suwen.files import os_error

__all__ = ["Annotation", "Located", "Problem", "document_id", "files_in", "refuse"]

Annotation = Entity | Relation | Attribute | Note
Problem = Callable[[SuwenError], None]


@dataclass(frozen=True, slots=True)
class Located:
    """A document and where it was read.

    Parameters
    ----------
    document
        What could be read.
    text_path, text_line
        The file, and the line where the file holds several documents, that the text comes from.
    annotation_path
        The file that the lines of `lines` belong to.
    lines
        Every annotation with its 1-based line, in the order of the source.
    unconfirmed
        True if the offsets may count UTF-16 and no mention in the file confirms either.
    """

    document: Document
    text_path: Path
    text_line: int | None
    annotation_path: Path
    lines: tuple[tuple[Annotation, int], ...] = ()
    unconfirmed: bool = False


def refuse(error: SuwenError) -> NoReturn:
    """Raise the error: the problem handler of a strict reader."""
    raise error


def files_in(
    path: Path,
    suffixes: tuple[str, ...],
    problem: Problem | None = None,
    linked: Callable[[Path], None] = lambda folder: None,
) -> Iterator[Path]:
    """Yield the files with one of these extensions, in any case, at or below a folder; a file stands for itself.

    They are sorted by path. Names that begin with a dot (editors' and system files, half-written outputs) are passed
    over, and so are links to folders, which may lead round in a circle.

    Parameters
    ----------
    problem
        Receives which folder cannot be listed; if it returns, the others are. By default that is raised.
    linked
        Receives which links to folders are passed over.

    Raises
    ------
    SuwenError
        S101 or S102 when the path is missing or cannot be listed.
    """
    if not path.is_dir():
        if not path.exists():
            raise SuwenError("S101", path)
        yield path
        return

    def report(error: OSError) -> None:
        (problem or refuse)(os_error(error, Path(error.filename), "S113"))

    for folder, folders, names in os.walk(path, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if Path(folder, name).is_symlink():
                linked(Path(folder, name))
        for name in sorted(names):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield Path(folder, name)


def document_id(path: Path, root: Path, suffixes: tuple[str, ...]) -> str:
    """Return the path without its extension, relative to the corpus, with ``/``.

    Raises
    ------
    SuwenError
        S114 when it is not valid Unicode.
    """
    name = path.name if path == root else path.relative_to(root).as_posix()
    if any(lone_surrogates(name, "id")):
        try:
            # Under a locale without UTF-8, Python escapes the bytes of a name.
            name = name.encode("utf-8", "surrogateescape").decode()
        except UnicodeError:
            raise SuwenError("S114", path) from None
    for suffix in suffixes:
        if name.lower().endswith(suffix.lower()) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name
