"""Plain text: documents without annotations, one a ``.txt`` file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import read_text, replacing_folder
from suwen.formats import brat, conll
from suwen.formats.reading import Located, Problem, document_id, files_in, refuse
from suwen.formats.writing import encoded, not_held, output_file
from suwen.schema import Schema

__all__ = ["NAME", "SUFFIXES", "read", "scan", "sniff", "write"]

NAME = "text"
SUFFIXES = (".txt",)


def sniff(path: Path) -> bool:
    """Whether this is a ``.txt`` file, or a folder that holds one, and neither brat's nor CoNLL's."""
    if brat.sniff(path) or conll.sniff(path):
        return False
    return path.name.endswith(SUFFIXES) or (path.is_dir() and next(files_in(path, SUFFIXES), None) is not None)


def read(path: Path, schema: Schema | None = None) -> Iterator[Document]:
    """The documents of a folder (its ``.txt`` files), or of one file with any ending.

    Raises
    ------
    SuwenError
        S101, S102, S103, S114.
    """
    return (located.document for located in scan(path, refuse, schema))


def scan(path: Path, problem: Problem, schema: Schema | None = None) -> Iterator[Located]:
    """As `read`; faults go to `problem` and the file is left out."""
    del schema  # there is no label to compare with it
    root = path if path.is_dir() else path.parent
    for file in files_in(path, SUFFIXES):
        try:
            document = Document(document_id(file, root, SUFFIXES), read_text(file))
        except SuwenError as error:
            problem(error)
            continue
        yield Located(document, file, None, file)


def write(documents: Iterable[Document], path: Path) -> Counter[str]:
    """Write a folder of ``.txt`` files; an id with ``/`` goes into subfolders.

    Returns
    -------
    Counter[str]
        All that is not text, by kind.

    Raises
    ------
    SuwenError
        S104 when the folder exists with content, S105 when it cannot be written, S110 or S111 for an id that cannot be
        a file.
    """
    lost: Counter[str] = Counter()
    with replacing_folder(path) as folder:
        for document in documents:
            output_file(folder, document, ".txt").write_bytes(encoded(document.text, document))
            lost += not_held(document, ())
    return lost
