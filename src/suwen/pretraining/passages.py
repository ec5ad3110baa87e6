"""Plain text to learn from: passages of files and folders, compressed or not, without excluded documents."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, cast

from suwen.corpus.split import Split, corpus_hash
from suwen.corpus.splitting import group_of
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import os_error, sha256
from suwen.formats import brat
from suwen.formats.reading import document_id, files_in
from suwen.text.view import make_view

__all__ = ["Exclusion", "Layout", "Source", "find_sources", "passages", "read_exclusion"]

SUFFIXES = (".txt", ".xz", ".gz")
LOOKED_AT = 2000
BLANK_SHARE = 0.05
"""A file of which this share of the first lines is blank has its passages between the blank lines."""

Layout = Literal["auto", "lines", "blank-lines", "documents"]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Documents that must not be read, by their ids, and with a group split all that shares a group with them.

    Parameters
    ----------
    documents, groups
        The ids of the documents and, where the split kept groups together, of their groups.
    description
        Where this comes from, as JSON values for the manifest.
    """

    documents: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    description: dict[str, Any] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.documents or (bool(self.groups) and group_of(Document(name, "")) in self.groups)


@dataclass(frozen=True, slots=True)
class Source:
    """One file or folder that was given, the files to read from it, and how many were left out.

    In a folder every plain ``.txt`` file is one document.
    """

    path: Path
    files: tuple[Path, ...]
    excluded: tuple[str, ...]

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder of documents."""
        return self.path.is_dir()

    def hash(self) -> str:
        """Return the SHA-256 of the files that are read; for a folder, of their names and hashes."""
        if not self.is_folder:
            return sha256(self.path)
        rows = [f"{file.relative_to(self.path).as_posix()} {sha256(file)}\n" for file in self.files]
        return hashlib.sha256("".join(rows).encode()).hexdigest()


def find_sources(paths: Sequence[Path], exclusion: Exclusion) -> list[Source]:
    """Return the files to read, without the excluded documents.

    Raises
    ------
    SuwenError
        S101 or S102 when a path is missing or cannot be listed, S108 when a folder has nothing to read, S301 when there
        are documents to exclude and no folder that they come from.
    """
    sources = []
    for path in paths:
        kept: list[Path] = []
        excluded: list[str] = []
        for file in files_in(path, SUFFIXES):
            name = document_id(file, path, (".txt",)) if path.is_dir() else ""
            if name in exclusion:
                excluded.append(name)
            else:
                kept.append(file)
        if not kept:
            raise SuwenError("S108", path, expected=f"files that end in one of {', '.join(SUFFIXES)}")
        sources.append(Source(path, tuple(kept), tuple(excluded)))
    return sources


def read_exclusion(split_file: Path, parts: Sequence[str], paths: Sequence[Path]) -> Exclusion:
    """Return the documents that parts of a split own characters of.

    Parameters
    ----------
    paths
        The texts to learn from. One of them must be the brat corpus that was split: a split of other data would let the
        documents through that it was given to keep out.

    Raises
    ------
    SuwenError
        S301 when no path holds the documents that were split, S303 when the split lacks a part, and whatever reading
        the split or the corpus raises.
    """
    split = Split.read(split_file)
    for part in parts:
        if part not in split.parts:
            raise SuwenError("S303", split_file, part=part, parts=", ".join(split.parts))
    found = {corpus_hash(list(brat.FORMAT.read(path))) for path in paths if path.is_dir() and brat.FORMAT.sniff(path)}
    if split.data_hash not in found:
        shown = ", ".join(sorted(value[:12] for value in found)) or "no brat corpus"
        raise SuwenError("S301", split_file, expected=split.data_hash[:12], found=shown)
    names = frozenset(name for part in parts for name, _, _ in split.parts[part])
    groups = frozenset(group_of(Document(name, "")) for name in names) if split.unit == "group" else frozenset()
    description = {"split": split.data_hash, "unit": split.unit, "parts": list(parts), "documents": sorted(names)}
    return Exclusion(names, groups, description)


def passages(source: Source, layout: Layout = "auto") -> Iterator[str]:
    """Yield the passages of a source, in the order of its files.

    Parameters
    ----------
    layout
        ``lines``: one passage a line; ``blank-lines``: passages between blank lines; ``documents``: each file is one
        passage. In the last two, wrapped lines are joined as `suwen.text.view.make_view` does. ``auto``: documents for
        the ``.txt`` files of a folder; otherwise blank lines where there are enough of them, else lines.

    Raises
    ------
    SuwenError
        S103 when a line is not UTF-8, S106 when a file holds no text, S112 when a compressed file is damaged.
    """
    for file in source.files:
        form = layout if layout != "auto" else _layout_of(file, source.is_folder)
        empty = True
        for passage in _passages_in(file, form):
            empty = False
            yield passage
        if empty:
            raise SuwenError("S106", file)


def _passages_in(file: Path, layout: Layout) -> Iterator[str]:
    if layout == "lines":
        yield from (line for line in (line.rstrip("\r\n") for line in _lines(file)) if line.strip())
    elif layout == "documents":
        text = make_view("".join(_lines(file))).text
        if text.strip():
            yield text
    else:
        yield from (make_view(block).text for block in _blocks(_lines(file)))


def _layout_of(file: Path, in_folder: bool) -> Layout:
    if in_folder and file.suffix.lower() == ".txt":
        return "documents"
    lines = list(islice(_lines(file), LOOKED_AT))
    blank = sum(not line.strip() for line in lines)
    return "blank-lines" if blank > BLANK_SHARE * len(lines) else "lines"


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        if line.strip():
            block.append(line)
        elif block:
            yield "".join(block)
            block = []
    if block:
        yield "".join(block)


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file with their ends, decompressed according to its extension."""
    try:
        with _opened(path) as file:
            offset = 0
            for number, line in enumerate(file, 1):
                try:
                    yield line.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte, place = f"0x{line[error.start]:02X}", offset + error.start
                    raise SuwenError("S103", path, number, byte=byte, offset=place) from None
                offset += len(line)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise SuwenError("S112", path, reason=error) from None
    except OSError as error:
        raise os_error(error, path) from None


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast(IO[bytes], gzip.open(path))
    if path.suffix.lower() == ".xz":
        return cast(IO[bytes], lzma.open(path))
    return path.open("rb")
