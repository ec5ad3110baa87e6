"""The names of documents in an output: each its own, and where each is a file, one that every system takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from suwen.extraction.inputs import distinct, renamed
from suwen.extraction.stream import NAMED, Manner, Tally
from suwen.formats import brat, jsonl
from suwen.formats.writing import FileNames

__all__ = ["distinct_lines", "lines_fit_for_files"]


def distinct_lines(
    lines: Iterable[bytes], manner: Manner, tally: Tally, renamings: list[tuple[str, str]]
) -> Iterator[bytes]:
    """Yield the documents, those renamed whose id another had before."""
    copies: dict[str, int] = {}
    for line in lines:
        name = jsonl.id_of(line)
        if name not in copies:
            copies[name] = 1
            yield line
            continue
        document = distinct(jsonl.document_of(line), copies)
        _note(renamings, tally, document.id, name)
        yield jsonl.line(document, manner.places)


def lines_fit_for_files(
    lines: Iterable[bytes], manner: Manner, tally: Tally, renamings: list[tuple[str, str]]
) -> Iterator[bytes]:
    """Yield the documents, those renamed whose id cannot be a file, or is that of another's file on some systems."""
    names = FileNames(brat.FORMAT.suffixes)
    for line in lines:
        old = jsonl.id_of(line)
        new = names.take(old)
        if new != old:
            _note(renamings, tally, new, old)
            line = jsonl.line(renamed(jsonl.document_of(line), new), manner.places)
        yield line


def _note(renamings: list[tuple[str, str]], tally: Tally, new: str, old: str) -> None:
    """Take note of a new name."""
    tally.counts["renamed"] += 1
    if len(renamings) < NAMED:
        renamings.append((new, old))
