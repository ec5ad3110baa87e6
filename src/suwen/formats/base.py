"""The interface of file formats: a format is one instance of a class of this module, registered in `FORMATS`.

A format's own options are keyword-only parameters of its `scan` and `write`.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.formats.contents import holds, scan_articles
from suwen.formats.reading import Located, Problem, refuse
from suwen.schema import Schema

__all__ = ["ArticleFormat", "CorpusFormat", "WritableFormat", "known_options"]


class CorpusFormat(ABC):
    """A format that corpora are read from.

    Attributes
    ----------
    name
        The name that users type; a key of `FORMATS`.
    suffixes
        The extensions of its files, in small letters.
    yields
        True if files of another format in the same folder are the corpus, and those of this one are not.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    yields: ClassVar[bool] = False

    @abstractmethod
    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or a folder that holds one, is in this format; no other format may claim it."""

    @abstractmethod
    def scan(self, path: StrPath, problem: Problem, schema: Schema | None = None) -> Iterator[Located]:
        """Read the documents of a file or folder, each with the places of its annotations.

        Faults go to `problem`. If it returns, the faulty part is left out and the rest is read.

        Parameters
        ----------
        schema
            The labels that may occur; by default any.
        """

    def read(self, path: StrPath, schema: Schema | None = None, **options: Any) -> Iterator[Document]:
        """Read the documents of a file or folder; the first fault is raised.

        Parameters
        ----------
        options
            Options of `scan`.

        Raises
        ------
        SuwenError
            What `scan` reports; S404 for an option that the format does not have.
        """
        options = known_options(self.name, self.scan, options)
        return (located.document for located in self.scan(path, refuse, schema, **options))


class WritableFormat(CorpusFormat):
    """A format that corpora are also written in."""

    @abstractmethod
    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write documents, completely or not at all; return what the format could not hold, by kind."""


class ArticleFormat(CorpusFormat):
    """A format of articles without annotations, whose files are read whole.

    Attributes
    ----------
    largest
        The maximum number of bytes that a file may have.
    """

    largest: ClassVar[int]

    @abstractmethod
    def parse(self, data: bytes, path: Path, name: str) -> Sequence[Document]:
        """Return the documents in the bytes of a file; `name` is, or begins, their ids."""

    def sniff(self, path: StrPath) -> bool:
        """Return True for a file with one of the extensions, or a folder that holds one."""
        return holds(Path(path), self.suffixes)

    def scan(self, path: StrPath, problem: Problem, schema: Schema | None = None) -> Iterator[Located]:
        """Read a file, or the files of a folder; there is no label to compare with `schema`."""
        return scan_articles(Path(path), self.suffixes, problem, self.largest, self.parse)


def known_options(name: str, method: Callable[..., object], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, if all of them are keyword-only parameters of a format's method.

    Raises
    ------
    SuwenError
        S404 for the first one that is not.
    """
    parameters = inspect.signature(method).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise SuwenError("S404", what=f"option of {name}", name=option, known=", ".join(known) or "none")
    return dict(options)
