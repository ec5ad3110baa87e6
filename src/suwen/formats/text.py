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
from suwen.formats import brat, ccks, cmeee, conll
from suwen.formats.base import ArticleFormat, WritableFormat
from suwen.formats.contents import MEGABYTE, article, scan_articles
from suwen.formats.encodings import decode
from suwen.formats.reading import Located, Problem
from suwen.formats.record_forms import record_form
from suwen.formats.writing import counting_names, encoded, not_held, output_file
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Text"]

NAME = "text"


class Text(ArticleFormat, WritableFormat):
    """Read and write plain text: a folder (its ``.txt`` files), or one file with any extension.

    Faults are S101, S102, S114, S115, S116 and S117; S404 for an unknown encoding.
    """

    name = NAME
    suffixes = (".txt",)
    largest = 64 * MEGABYTE

    def sniff(self, path: StrPath) -> bool:
        """Return True for a ``.txt`` file, or a folder that holds one, unless it belongs to an annotated corpus."""
        path = Path(path)
        others = (brat.FORMAT, conll.FORMAT, ccks.FORMAT, cmeee.FORMAT)
        is_records = path.is_file() and record_form(path) is not None
        return super().sniff(path) and not is_records and not any(entry.sniff(path) for entry in others)

    def scan(
        self, path: StrPath, problem: Problem, schema: Schema | None = None, *, encoding: str | None = None
    ) -> Iterator[Located]:
        """Read files; there is no label to compare with `schema`.

        Parameters
        ----------
        encoding
            The encoding of the files (see `decode`); by default it is detected.
        """
        return scan_articles(Path(path), self.suffixes, problem, self.largest, partial(self.parse, encoding=encoding))

    def parse(self, data: bytes, path: Path, name: str, *, encoding: str | None = None) -> list[Document]:
        """Return the one document of a file; ``meta["read_from"]["encoding"]`` is there when that is not UTF-8.

        Raises
        ------
        SuwenError
            As `decode`; S115 when the text is too long.
        """
        text, found = decode(data, path, encoding)
        return [article(name, text, path, {} if found == "utf-8" else {"encoding": found})]

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write a folder of ``.txt`` files; an id with ``/`` goes into subfolders.

        Returns
        -------
        Counter[str]
            All that is not text, by kind.

        Raises
        ------
        SuwenError
            S104 when the folder exists with content, S105 when it cannot be written, S110 or S111 for an id that
            cannot be a file.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        with replacing_folder(path) as folder:
            for document in counting_names(documents, lost):
                output_file(folder, document, ".txt").write_bytes(encoded(document.text, document))
                lost += not_held(document, ())
        return lost


FORMAT = Text()
