"""One module per file format, and corpora: folders or files in any of them.

Every module has ``NAME``, ``SUFFIXES``, ``sniff(path)`` and ``read(path, …)``. Formats that are written have
``write(documents, path, …)``, which returns what the format could not hold, by kind. ``scan`` is what `read` is made
of: it tells the place of each annotation and goes on after a fault (see `suwen.formats.reading`).
"""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.formats import brat, cmeee, conll, diakg, doccano, html, jsonl, label_studio, parquet, text
from suwen.formats.articles import docx, jats, pdf
from suwen.formats.reading import Located, Problem, refuse
from suwen.schema import Schema

__all__ = [
    "FORMATS",
    "READABLE",
    "WRITABLE",
    "format_of",
    "read_corpus",
    "scan_corpus",
    "stream_corpus",
    "write_corpus",
]

FORMATS: dict[str, ModuleType] = {
    module.NAME: module
    for module in (brat, conll, jsonl, cmeee, diakg, doccano, label_studio, text, html, jats, docx, pdf, parquet)
}
READABLE = tuple(name for name, module in FORMATS.items() if hasattr(module, "scan"))
WRITABLE = tuple(name for name, module in FORMATS.items() if hasattr(module, "write"))
ARTICLES = tuple(module.NAME for module in (html, jats, docx, pdf, parquet))
"""Formats of articles as they are published; a corpus is in one of them only where nothing else is there."""


def format_of(path: StrPath) -> str:
    """The name of the format that a corpus is in.

    Raises
    ------
    SuwenError
        S101 when there is no such path, S107 when several formats or (for a file) none fit, S108 when a folder holds
        nothing to read.
    """
    path = Path(path)
    if not path.exists():
        raise SuwenError("S101", path)
    fitting = [name for name in READABLE if FORMATS[name].sniff(path)]
    # Beside annotated files, pages and articles in other formats are not the corpus.
    fitting = [name for name in fitting if name not in ARTICLES] or fitting
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and path.is_dir():
        endings = sorted({suffix for name in READABLE for suffix in FORMATS[name].SUFFIXES})
        raise SuwenError("S108", path, expected=f"files that end in one of {', '.join(endings)}")
    raise SuwenError("S107", path, formats=", ".join(fitting or READABLE))


def read_corpus(
    path: StrPath, format: str | None = None, schema: Schema | None = None, **options: Any
) -> list[Document]:
    """All documents of a corpus, in the order of their files.

    Parameters
    ----------
    format
        A name in `FORMATS`; by default it is found out.
    schema
        The labels that may occur; by default any.
    options
        Options of the format's `read`, for example ``scheme`` for CoNLL.

    Raises
    ------
    SuwenError
        As `format_of`; S108 when there is no document, S110 for an id that stands twice, S202 for a label not in
        `schema`, S404 for a format that is unknown, and what the format's `read` raises.
    """
    return list(stream_corpus(path, format, schema, **options))


def stream_corpus(
    path: StrPath, format: str | None = None, schema: Schema | None = None, **options: Any
) -> Iterator[Document]:
    """As `read_corpus`, one document at a time."""
    return (located.document for located in scan_corpus(path, refuse, format, schema, **options))


def scan_corpus(
    path: StrPath, problem: Problem, format: str | None = None, schema: Schema | None = None, **options: Any
) -> Iterator[Located]:
    """As `stream_corpus`, with the place of each annotation; faults of single documents go to `problem`."""
    path = Path(path)
    module = FORMATS[_known(format, READABLE) if format else format_of(path)]
    places: dict[str, tuple[Path, int | None]] = {}
    faulty = False

    def report(error: SuwenError) -> None:
        nonlocal faulty
        faulty = True
        problem(error)

    for located in module.scan(path, report, schema, **options):
        name, place = located.document.id, (located.text_path, located.text_line)
        if name in places:
            report(SuwenError("S110", *place, id=name, first=_shown(places[name]), second=_shown(place)))
        places[name] = place
        yield located
    if not places and not faulty:
        raise SuwenError("S108", path, expected=f"files that end in one of {', '.join(module.SUFFIXES)}")


def _known(format: str, names: tuple[str, ...]) -> str:
    if format not in names:
        raise SuwenError("S404", what="format", name=format, known=", ".join(names))
    return format


def _shown(place: tuple[Path, int | None]) -> str:
    path, line = place
    return str(path) if line is None else f"{path}:{line}"


def write_corpus(documents: Iterable[Document], path: StrPath, format: str, **options: Any) -> Counter[str]:
    """Write documents in a format, whole or not at all.

    Returns
    -------
    Counter[str]
        What the format could not hold, by kind; empty when nothing is lost.

    Raises
    ------
    SuwenError
        S104 when the path exists (an empty folder aside), S404 for a format that is unknown or only read, and what
        the format's `write` raises.
    """
    path = Path(path)
    module = FORMATS[_known(format, WRITABLE)]
    if path.exists() and not (path.is_dir() and next(path.iterdir(), None) is None):
        raise SuwenError("S104", path)
    lost: Counter[str] = module.write(documents, path, **options)
    return lost
