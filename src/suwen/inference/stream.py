"""Inputs one by one: text files, folders of them, JSON Lines, standard input."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import decode_text, read_text
from suwen.formats import jsonl
from suwen.formats.reading import document_id, files_in

__all__ = ["STANDARD_INPUT", "Inputs", "documents_from", "find_inputs"]

STANDARD_INPUT = Path("-")
TEXT = (".txt",)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What there is to read.

    Parameters
    ----------
    files
        The files in the order in which they are read; `STANDARD_INPUT` for standard input.
    root
        The folder that all inputs share. The document of a text file is named by its path below it.
    left_out
        How many files of the folders are not read, by their ending.
    """

    files: tuple[Path, ...]
    root: Path
    left_out: Counter[str]

    @property
    def bytes(self) -> int | None:
        """The size of all texts together; None when it is not known before they are read."""
        if any(file == STANDARD_INPUT or is_json_lines(file) for file in self.files):
            return None
        return sum(file.stat().st_size for file in self.files)


def find_inputs(paths: Sequence[Path]) -> Inputs:
    """Find the files to read; a file that is named twice is read once.

    Parameters
    ----------
    paths
        Files (JSON Lines when the name ends in ``.jsonl``, otherwise text), folders (searched for ``.txt`` at any
        depth, hidden files and folders passed over) and ``-`` for standard input.

    Raises
    ------
    SuwenError
        S101 when a path does not exist, S102 when a folder cannot be listed, S108 when a folder has nothing to read.
    """
    files: list[Path] = []
    left_out: Counter[str] = Counter()
    for path in paths:
        if path == STANDARD_INPUT or not path.is_dir():
            if path != STANDARD_INPUT and not path.exists():
                raise SuwenError("S101", path)
            files.append(path)
            continue
        found = list(files_in(path, ("",)))
        texts = [file for file in found if file.suffix in TEXT]
        if not texts:
            raise SuwenError("S108", path, expected="files that end in .txt")
        files += texts
        left_out.update(file.suffix or file.name for file in found if file.suffix not in TEXT)
    folders = [path if path.is_dir() else path.parent for path in paths if path != STANDARD_INPUT]
    root = os.path.commonpath([_absolute(folder) for folder in folders]) if folders else ""
    return Inputs(tuple(dict.fromkeys(files)), Path(root), left_out)


def documents_from(inputs: Inputs) -> Iterator[Document]:
    """Read the documents one after the other.

    Raises
    ------
    SuwenError
        S102 when a file cannot be read, S103 when it is not UTF-8, S110 when two documents have the same id, and
        whatever the reader of JSON Lines finds.
    """
    sources: dict[str, Path] = {}
    for file in inputs.files:
        for document in _documents(file, inputs.root):
            if document.id in sources:
                raise SuwenError("S110", file, id=document.id, first=sources[document.id], second=file)
            sources[document.id] = file
            yield document


def is_json_lines(file: Path) -> bool:
    """Whether a file is read as JSON Lines."""
    return file.name.endswith(jsonl.SUFFIXES)


def _documents(file: Path, root: Path) -> Iterator[Document]:
    if file == STANDARD_INPUT:
        yield Document("stdin", decode_text(sys.stdin.buffer.read(), Path("<stdin>")))
    elif is_json_lines(file):
        yield from jsonl.read(file)
    else:
        yield Document(document_id(_absolute(file), root, TEXT), read_text(file))


def _absolute(path: Path) -> Path:
    """Without ``..``, but with links left as they are: a linked file is named by where the link stands."""
    return Path(os.path.abspath(path))  # noqa: PTH100
