"""The names of documents in an output: each its own, and where each is a file, one that every system takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from suwen.extraction.inputs import distinct, renamed
from suwen.extraction.stream import NAMED, ShardOptions, Tally
from suwen.formats import brat, jsonl
from suwen.formats.writing import FileNames

__all__ = ["distinct_lines", "lines_fit_for_files"]


def distinct_lines(
    lines: Iterable[bytes], shard_options: ShardOptions, tally: Tally, renamings: list[tuple[str, str]]
) -> Iterator[bytes]:
    """Yield the documents; one whose id has occurred before is renamed."""
    copies: dict[str, int] = {}
    for line in lines:
        name = jsonl.id_of(line)
        if name not in copies:
            copies[name] = 1
            yield line
            continue
        document = distinct(jsonl.document_of(line), copies)
        _note(renamings, tally, document.id, name)
        yield jsonl.line(document, shard_options.places)


def lines_fit_for_files(
    lines: Iterable[bytes], shard_options: ShardOptions, tally: Tally, renamings: list[tuple[str, str]]
) -> Iterator[bytes]:
    """Yield the documents; one whose id cannot be a file name, or collides with another on some systems, is renamed."""
    names = FileNames(brat.FORMAT.suffixes)
    for line in lines:
        old = jsonl.id_of(line)
        new = names.take(old)
        if new != old:
            _note(renamings, tally, new, old)
            line = jsonl.line(renamed(jsonl.document_of(line), new), shard_options.places)
        yield line


def _note(renamings: list[tuple[str, str]], tally: Tally, new: str, old: str) -> None:
    """Record a new name."""
    tally.counts["renamed"] += 1
    if len(renamings) < NAMED:
        renamings.append((new, old))
