"""Plain text: documents without annotations, one a ``.txt`` file.

Read are UTF-8 and, where they are certain or asked for, GB18030 and UTF-16 (see `suwen.formats.encodings`); written is
UTF-8. Offsets count the decoded characters, a byte order mark among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from suwen.document import Document
from suwen.files import StrPath, replacing_folder
from suwen.formats import brat, conll
from suwen.formats.articles.files import MEGABYTE, article, holds, scan_articles
from suwen.formats.encodings import decode
from suwen.formats.reading import Located, Problem, refuse
from suwen.formats.writing import counting_names, encoded, not_held, output_file
from suwen.schema import Schema

__all__ = ["LARGEST", "NAME", "SUFFIXES", "parse", "read", "scan", "sniff", "write"]

NAME = "text"
SUFFIXES = (".txt",)
LARGEST = 64 * MEGABYTE


def sniff(path: StrPath) -> bool:
    """Whether this is a ``.txt`` file, or a folder that holds one, and neither brat's nor CoNLL's."""
    path = Path(path)
    if brat.sniff(path) or conll.sniff(path):
        return False
    return holds(path, SUFFIXES)


def read(path: StrPath, schema: Schema | None = None, encoding: str | None = None) -> Iterator[Document]:
    """The documents of a folder (its ``.txt`` files), or of one file with any ending.

    Parameters
    ----------
    encoding
        The encoding of the files (see `decode`); by default it is found out.

    Raises
    ------
    SuwenError
        S101, S102, S114, S115, S116, S117; S404 for an unknown encoding.
    """
    return (located.document for located in scan(path, refuse, schema, encoding))


def scan(
    path: StrPath, problem: Problem, schema: Schema | None = None, encoding: str | None = None
) -> Iterator[Located]:
    """As `read`; faults go to `problem` and the file is left out."""
    path = Path(path)
    del schema  # there is no label to compare with it
    return scan_articles(path, SUFFIXES, problem, LARGEST, partial(parse, encoding=encoding))


def parse(data: bytes, path: Path, name: str, encoding: str | None = None) -> list[Document]:
    """The one document of a file; ``meta["read_from"]["encoding"]`` is there when that is not UTF-8.

    Raises
    ------
    SuwenError
        As `decode`; S115 when the text is too long.
    """
    text, found = decode(data, path, encoding)
    return [article(name, text, path, {} if found == "utf-8" else {"encoding": found})]


def write(documents: Iterable[Document], path: StrPath) -> Counter[str]:
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
    path = Path(path)
    lost: Counter[str] = Counter()
    with replacing_folder(path) as folder:
        for document in counting_names(documents, lost):
            output_file(folder, document, ".txt").write_bytes(encoded(document.text, document))
            lost += not_held(document, ())
    return lost
