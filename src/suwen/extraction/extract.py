"""One extraction from files to a file or folder, resumable at any point, by this process or a Ray cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from suwen.document import Document
from suwen.errors import SuwenError, WriteError
from suwen.extraction.finding import JOB, REPORT
from suwen.extraction.inputs import Inputs
from suwen.extraction.metadata import Metadata
from suwen.extraction.naming import distinct_lines, lines_fit_for_files
from suwen.extraction.outputs import remove_parts, write_extracted_lines
from suwen.extraction.shards import Shards, json_line, open_shards, passing_shards
from suwen.extraction.stream import CHUNK_BYTES, NAMED, Chunk, Shard, ShardOptions, Tally, chunks_of, shards_of, size_of
from suwen.files import StrPath, folder_for, os_error, replacing, require_new
from suwen.formats import brat
from suwen.inference.predictor import Extractor
from suwen.inference.relations.relating import require_shared_types
from suwen.runs import Listener, Progress, silent, working_folder
from suwen.schema import Schema

__all__ = ["PLAIN", "Engine", "Finish", "LocalEngine", "Result", "extract_files", "extract_lines", "report_path"]

OpenEngine = Callable[[], AbstractContextManager["Engine"]]


class Engine(Protocol):
    """The engine that computes the shards of chunks."""

    @property
    def schema(self) -> Schema:
        """The entity types that are found."""

    def shards(
        self, chunks: Iterable[Chunk], shard_options: ShardOptions, on_document: Callable[[Document], None]
    ) -> Iterator[Shard]:
        """Return the shard of each chunk, in any order; `on_document` may get documents before their shard."""


class LocalEngine:
    """Makes shards in this process.

    Parameters
    ----------
    extractor
        The model.
    """

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.schema = extractor.schema

    def shards(
        self, chunks: Iterable[Chunk], shard_options: ShardOptions, on_document: Callable[[Document], None]
    ) -> Iterator[Shard]:
        """Return the shards, in the order of the chunks."""
        return shards_of(self.extractor, chunks, shard_options, on_document)


@dataclass(frozen=True, slots=True)
class Finish:
    """The last step, when all entities are found and the output is written.

    Parameters
    ----------
    metadata
        Metadata of the user, laid over that of the documents.
    raw
        Whether cells of CSV are written as they are (see `suwen.formats.csv_table`).
    """

    metadata: Metadata | None = None
    raw: bool = False

    def lines(self, lines: Iterable[bytes], places: bool) -> Iterable[bytes]:
        """Return the documents with their metadata."""
        return lines if self.metadata is None else self.metadata.described(lines, places)


PLAIN = Finish()


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an extraction.

    Parameters
    ----------
    tally
        The counts; under ``renamed`` the documents whose id another had, or that could not be a file.
    not_held
        Counts of what the format could not hold, by kind.
    renamed
        The new and the old id of the first documents that were renamed.
    problems
        The first of what could not be read (see `Shard`).
    report
        The file that lists all of that; None when there is none.
    is_written
        Whether there is an output: not when nothing could be read.
    left_out
        The files of the inputs that no reader takes, by their extension.
    unmatched
        The ids in the metadata of the user that no document has.
    """

    tally: Tally
    not_held: Counter[str]
    renamed: list[tuple[str, str]]
    problems: list[dict[str, Any]]
    report: Path | None
    is_written: bool
    left_out: Counter[str]
    unmatched: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        counts, faults = self.tally.counts, self.tally.faults.total()
        named = ", ".join(f"{kind}: {counts[kind]:,}" for kind in ("documents", "entities", "relations"))
        return f"<Result, {named}, problems: {faults:,}>"


def report_path(output: StrPath) -> Path:
    """Return the path of the list of problems, beside the output."""
    output = Path(output)
    return output.with_name(f"{output.name}{REPORT}")


def is_brief(inputs: Inputs) -> bool:
    """Return whether the run is so short that repeating it costs less than saving it."""
    plain = all(file.is_article or file.path.suffix in (".jsonl", ".csv", ".tsv") for file in inputs.files)
    return plain and sum(map(size_of, inputs.files)) <= CHUNK_BYTES


def extract_files(
    inputs: Inputs,
    output: StrPath,
    format: str,  # noqa: A002 (it is the word for it)
    shard_options: ShardOptions,
    open_engine: OpenEngine,
    identity: dict[str, Any],
    resume: bool = False,
    listener: Listener = silent,
    finish: Finish = PLAIN,
) -> Result:
    """Find the entities of files and write them; what cannot be read is reported and left out.

    Parameters
    ----------
    output
        The file or folder to write. Except for short runs, `working_folder` keeps what is done.
    identity
        Settings that decide the output, as JSON values.
    resume
        Whether to continue an unfinished run of `output`, if there is one. The result is that of an uninterrupted run.
    listener
        Receives the progress: bytes of the inputs while extracting, then documents while writing.
    finish
        The last step, when the output is written.

    Raises
    ------
    SuwenError
        S104 when the output exists, S406 when a pipe would have to be read again, S124 when the
        disk is full; what `open_shards` and the format's writer raise, and the opening of the engine.
    """
    output = Path(output)
    piped = next((file.path for file in inputs.files if file.is_piped), None)
    if piped and resume:
        raise SuwenError("S406", first="--resume", second=piped, advice="what comes from a pipe cannot be read again")
    kept = working_folder(output, JOB).exists()
    if not kept:
        require_new(output)
        if resume:
            listener(Progress("extracting", message="there is no unfinished run: this starts a new one"))
    if not kept and (piped or is_brief(inputs)):
        with passing_shards(output) as shards, open_engine() as engine:
            return _extract(inputs, output, format, shard_options, engine, shards, listener, finish)
    with (
        folder_for(output),
        open_shards(output, identity, inputs, resume) as shards,
        _resumable(shards),
        open_engine() as engine,
    ):
        return _extract(inputs, output, format, shard_options, engine, shards, listener, finish)


@contextmanager
def _resumable(shards: Shards) -> Iterator[None]:
    """Advise --resume when the disk is full; leave nothing behind if there is nothing to continue."""
    try:
        yield
    except SuwenError as error:
        if not shards.size:
            shards.remove()
        if isinstance(error, WriteError):
            raise SuwenError("S124", error.path, reason=error.fields["reason"]) from None
        raise


def _extract(
    inputs: Inputs,
    output: Path,
    format: str,  # noqa: A002
    shard_options: ShardOptions,
    engine: Engine,
    shards: Shards,
    listener: Listener,
    finish: Finish,
) -> Result:
    meter = _Meter(shards, sum(map(size_of, inputs.files)), listener)
    waiting = (chunk for chunk in chunks_of(inputs) if chunk.number not in shards)
    for shard in engine.shards(waiting, shard_options, meter.count_document):
        shards.add(shard)
        meter.count_shard()
    tally = shards.tally
    if shard_options.reading.annotated:
        try:
            require_related(tally, engine.schema)
        except SuwenError:
            shards.remove()
            raise
    problems = list(islice(shards.problems(), NAMED))
    report = _reported(shards, output)
    renamings: list[tuple[str, str]] = []
    not_held: Counter[str] = Counter()
    is_written = bool(tally.counts["documents"]) or not problems
    if is_written and not (shards.is_joining and output.exists()):
        # Only from now on can the output be this run's.
        require_new(output)
        if shards.is_joining:
            remove_parts(output, format)
        shards.begin_joining()
        changed = distinct_lines if format != brat.NAME else lines_fit_for_files
        lines = finish.lines(changed(shards.lines(), shard_options, tally, renamings), shard_options.places)
        not_held = write_extracted_lines(meter.writing(lines), output, format, engine.schema, finish.raw)
    shards.remove()
    unmatched = finish.metadata.unmatched if finish.metadata and is_written else []
    return Result(tally, not_held, renamings, problems, report, is_written, inputs.left_out, unmatched)


def require_related(tally: Tally, schema: Schema) -> None:
    """Refuse documents between whose entities no relation could be found, whatever their text.

    Raises
    ------
    SuwenError
        S602 when no document has an entity, S603 when the relation model knows none of their types.
    """
    if not tally.counts["documents"]:
        return
    if not tally.labels:
        raise SuwenError("S602")
    require_shared_types(tally.labels, schema)


def _reported(shards: Shards, output: Path) -> Path | None:
    """Write the list of problems, and replace that of an earlier run."""
    report = report_path(output)
    faults = shards.tally.faults.total()
    # A single input that cannot be read needs no report, but a clear message.
    if faults > 1 or (faults and shards.tally.counts["documents"]):
        with replacing(report, private=True) as temporary, temporary.open("wb") as file:
            file.writelines(map(json_line, shards.problems()))
        return report
    try:
        report.unlink(missing_ok=True)
    except OSError as error:
        raise os_error(error, report) from None
    return None


def extract_lines(
    inputs: Inputs,
    shard_options: ShardOptions,
    engine: Engine,
    tally: Tally,
    problem: Callable[[dict[str, Any]], None],
    finish: Finish = PLAIN,
) -> Iterator[bytes]:
    """Find the entities of documents as they come; nothing is kept.

    Parameters
    ----------
    engine
        One that keeps the order.
    tally
        Counts what goes by.
    problem
        Receives what cannot be read (see `Shard`).
    finish
        The last step on documents before they are written.

    Yields
    ------
    bytes
        The documents, each a line of JSON Lines.
    """

    def lines() -> Iterator[bytes]:
        for shard in engine.shards(chunks_of(inputs), shard_options, lambda document: None):
            tally.add(shard.tally)
            for values in shard.problems:
                problem(values)
            yield from shard.lines

    yield from finish.lines(distinct_lines(lines(), shard_options, tally, []), shard_options.places)
    if shard_options.reading.annotated:
        require_related(tally, engine.schema)


class _Meter:
    """Reports the progress of an extraction."""

    def __init__(self, shards: Shards, total: int, listener: Listener) -> None:
        self._shards = shards
        self._total = total
        self._listener = listener
        self._started = time.monotonic()
        self._earlier = shards.tally.counts["characters"]
        self._bytes = self._characters = 0
        """Counts of the next shard so far."""
        self._report()

    def count_document(self, document: Document) -> None:
        """Count a finished document."""
        self._bytes += len(document.text.encode())
        self._characters += len(document.text)
        self._report()

    def count_shard(self) -> None:
        """Count a finished shard."""
        self._bytes = self._characters = 0
        self._report()

    def _report(self) -> None:
        characters = self._shards.tally.counts["characters"] - self._earlier + self._characters
        done = min(self._shards.size + self._bytes, self._total)
        seconds = time.monotonic() - self._started
        rate = f"{characters / seconds:,.0f} characters/s" if characters else ""
        self._listener(Progress("extracting", done, self._total, rate))

    def writing(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines that are being written."""
        total = self._shards.tally.counts["documents"]
        for number, line in enumerate(lines, 1):
            yield line
            self._listener(Progress("writing", number, total))
