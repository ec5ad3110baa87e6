"""A library in chunks: read, decided and written a little at a time, by this process or by others.

Input files are processed in order, in chunks of bounded size. The result of a chunk is a shard.
Which documents a chunk holds follows from the files alone, and what is found in it from the model alone: a shard is
the same, byte for byte, on any machine and after any interruption.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from suwen.corpus.split import Selection, whole_document
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction.inputs import STANDARD_INPUT, Content, Input, Inputs, ReadingOptions, fetch, parts_of
from suwen.extraction.outputs import with_model
from suwen.formats import jsonl
from suwen.formats.reading import files_in
from suwen.inference.predictor import Extractor

__all__ = ["Chunk", "Shard", "ShardOptions", "Tally", "chunks_of", "fetched", "shards_of", "size_of"]

Part = Input | Content | Document | SuwenError

CHUNK_BYTES = 2**20
"""Size of a chunk: some seconds of work, which is the cost of an interruption."""

LEAST_BYTES = 2**12
"""Minimum size that a document or error counts as, so that a chunk has at most a few hundred of them."""

NAMED = 3


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a library.

    Parameters
    ----------
    number
        Its place among the chunks, from 0.
    parts
        What it holds, in order: articles that are yet to be read, documents of files that hold many, and faults.
    size
        How much of the input files it stands for, in bytes.
    """

    number: int
    parts: tuple[Part, ...]
    size: int


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """Options for reading chunks and writing shards.

    Parameters
    ----------
    reading
        Options for reading files.
    model
        The name and version of the model, which each document is given; None leaves what it says.
    places
        Whether each entity has its text, page and sentence.
    relation_model
        The name and version of the relation model; None where no relations are looked for.
    """

    reading: ReadingOptions
    model: str | None
    places: bool
    relation_model: str | None = None


@dataclass(slots=True)
class Tally:
    """Counts over documents.

    Parameters
    ----------
    counts
        ``documents``, ``characters``, ``entities``, ``relations``, ``empty`` (documents without text), and what
        overrides ``added`` and ``removed``.
    labels
        The entities, by label.
    dropped
        Counts of what the readers left out, by kind.
    faults
        Problems of reading, by code.
    empty
        The ids of the first documents without text.
    """

    counts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    empty: list[str] = field(default_factory=list)

    def count(self, document: Document) -> None:
        """Count a document and what was found in it."""
        self.counts.update(documents=1, characters=len(document.text), entities=len(document.entities))
        if document.relations:
            self.counts.update(relations=len(document.relations))
        self.labels.update(entity.label for entity in document.entities)
        self.counts.update(_counts(document.meta.get("overrides")))
        source = document.meta.get("read_from")
        self.dropped.update(_counts(source.get("dropped") if isinstance(source, Mapping) else None))
        if not document.text.strip():
            self.add(Tally(counts=Counter(empty=1), empty=[document.id]))

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        self.counts.update(other.counts)
        self.labels.update(other.labels)
        self.dropped.update(other.dropped)
        self.faults.update(other.faults)
        self.empty = [*self.empty, *other.empty][:NAMED]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON values; `from_dict` reads them back."""
        return {
            "counts": self.counts,
            "labels": self.labels,
            "dropped": self.dropped,
            "faults": self.faults,
            "empty": self.empty,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Tally:
        """Return the tally from the result of `to_dict`."""
        counters = {key: Counter(values[key]) for key in ("counts", "labels", "dropped", "faults")}
        return cls(**counters, empty=values["empty"])


def _counts(value: Any) -> dict[str, int]:
    """Return the counts that a document's metadata hold; those of a file of records may hold anything."""
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {str(kind): count for kind, count in pairs if isinstance(count, int)}


@dataclass(slots=True)
class Shard:
    """The result of a chunk.

    Parameters
    ----------
    number, size
        Those of the chunk.
    lines
        The documents, each a line of JSON Lines.
    tally
        The counts.
    problems
        Problems of reading: ``code``, ``path``, ``line``, ``reason`` and ``advice`` of each.
    """

    number: int
    size: int
    lines: list[bytes] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    problems: list[dict[str, Any]] = field(default_factory=list)

    def add(self, document: Document, shard_options: ShardOptions) -> None:
        """Add a document in which entities were looked for."""
        self.tally.count(document)
        named = with_model(document, shard_options.model, shard_options.relation_model)
        self.lines.append(jsonl.line(named, shard_options.places))

    def report(self, error: SuwenError) -> None:
        """Add what could not be read."""
        self.tally.faults[error.code] += 1
        where = None if error.path is None else str(error.path)
        problem = {"code": error.code, "path": where, "line": error.line, "reason": error.text, "advice": error.advice}
        self.problems.append(problem)


def size_of(file: Input) -> int:
    """Return the bytes of a file or corpus, as far as that is known before it is read."""
    try:
        if file.path == STANDARD_INPUT:
            return 0
        if file.path.is_dir():
            return sum(path.stat().st_size for path in files_in(file.path, ("",)))
        return file.path.stat().st_size
    except OSError:
        return 0


def chunks_of(inputs: Inputs) -> Iterator[Chunk]:
    """Divide the inputs into chunks.

    Articles are not read for it, files of records are. A larger article is a chunk of its own.
    """
    number = weight = begin = end = 0
    parts: list[Part] = []
    for part, weighs, position in _parts(inputs):
        if parts and weight + weighs > CHUNK_BYTES:
            yield Chunk(number, tuple(parts), end - begin)
            number, weight, begin, parts = number + 1, 0, end, []
        parts.append(part)
        weight += weighs
        end = position
    if parts:
        yield Chunk(number, tuple(parts), end - begin)


def _parts(inputs: Inputs) -> Iterator[tuple[Part, int, int]]:
    """Yield each part to read, its weight, and the bytes of all files before its end."""
    begin = 0
    for error in inputs.problems:
        yield error, LEAST_BYTES, begin
    for file in inputs.files:
        size = size_of(file)
        if file.is_article:
            yield file, max(size, LEAST_BYTES), begin + size
        else:
            read = 0
            for part in parts_of(file, inputs.options):
                length = len(part.text.encode()) if isinstance(part, Document) else 0
                # For records, only the texts are counted; the rest of the file is added with the last record.
                read = min(read + length, size)
                yield part, max(length, LEAST_BYTES), begin + read
        begin += size


def fetched(chunk: Chunk) -> Chunk:
    """Return the chunk with its articles read from the disk, so that another computer can do the rest."""
    return replace(chunk, parts=tuple(_fetched(part) if isinstance(part, Input) else part for part in chunk.parts))


def _fetched(file: Input) -> Part:
    try:
        return fetch(file)
    except SuwenError as error:
        return error


def shards_of(
    extractor: Extractor,
    chunks: Iterable[Chunk],
    shard_options: ShardOptions,
    on_document: Callable[[Document], None] = lambda document: None,
) -> Iterator[Shard]:
    """Find the entities of chunks, reading ahead so that no core waits.

    Parameters
    ----------
    on_document
        Receives every document once its entities are found.

    Yields
    ------
    Shard
        The shard of each chunk, in their order.
    """
    waiting: deque[_Open] = deque()
    for document in extractor.predict_groups(_groups(chunks, shard_options.reading, waiting)):
        # Chunks in which nothing could be read lie before that of the document.
        while waiting[0].is_finished:
            yield waiting.popleft().shard
        waiting[0].finish(document, shard_options)
        on_document(document)
        while waiting and waiting[0].is_finished:
            yield waiting.popleft().shard
    yield from (opened.shard for opened in waiting)


@dataclass(slots=True)
class _Open:
    """A shard that is not complete."""

    shard: Shard
    undecided: int = 0
    """The number of documents that are read, but not finished."""
    is_read: bool = False
    """True if the chunk has been read to its end."""

    @property
    def is_finished(self) -> bool:
        return self.is_read and not self.undecided

    def finish(self, document: Document, shard_options: ShardOptions) -> None:
        self.undecided -= 1
        self.shard.add(document, shard_options)


def _groups(chunks: Iterable[Chunk], options: ReadingOptions, waiting: deque[_Open]) -> Iterator[Iterator[Selection]]:
    """Yield the documents of each chunk as a group."""
    for chunk in chunks:
        waiting.append(_Open(Shard(chunk.number, chunk.size)))
        yield _documents(chunk, options, waiting[-1])


def _documents(chunk: Chunk, options: ReadingOptions, opened: _Open) -> Iterator[Selection]:
    """Read the documents of a chunk, and report what cannot be read to its shard."""
    for part in _read(chunk, options):
        if isinstance(part, SuwenError):
            opened.shard.report(part)
        else:
            opened.undecided += 1
            yield whole_document(part)
    opened.is_read = True


def _read(chunk: Chunk, options: ReadingOptions) -> Iterator[Document | SuwenError]:
    for part in chunk.parts:
        if isinstance(part, Input | Content):
            yield from parts_of(part, options)
        else:
            yield part
