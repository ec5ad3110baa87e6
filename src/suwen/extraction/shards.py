"""Storage of the shards of an extraction until all are finished: one file, with a journal beside it.

A shard is there when its line in the journal is: the line is written after the shard has reached the disk. What a
killed process left of a shard without its line is written over.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from io import FileIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.extraction.finding import JOB
from suwen.extraction.inputs import Inputs
from suwen.extraction.stream import Shard, Tally, size_of
from suwen.files import folder_for, holding, os_error, replacing_folder, write_json
from suwen.formats.reading import files_in
from suwen.runs import RECORD, check_work, require_same, whole_lines, working_folder

__all__ = ["Shards", "json_line", "open_shards", "passing_shards"]

DATA, JOURNAL, INPUTS = "shards.jsonl", "journal.jsonl", "inputs.jsonl"
JOINING = "joining"


def json_line(values: dict[str, Any]) -> bytes:
    """Return a line of JSON; of a name that is not valid Unicode, the odd bytes are escaped."""
    return (json.dumps(values, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


class Shards:
    """The shards that are done.

    Parameters
    ----------
    data, journal
        The files, opened for reading and writing without a buffer.
    path
        What is named when they cannot be written.
    work
        The folder that keeps them for another process; None when they are to vanish with this one.
    """

    def __init__(self, data: FileIO, journal: FileIO, path: Path, work: Path | None = None) -> None:
        self.tally = Tally()
        self.size = 0
        """Bytes of the input files that the shards cover."""
        self.is_joining = False
        """True if the output was begun, so that an existing output is that of this run."""
        self.work = work
        self._path = path
        self._data = data
        self._journal = journal
        self._places: dict[int, tuple[int, int, int, int]] = {}
        """Start and length of each shard and of its line in the journal, by number."""
        self._hashes: dict[int, str] = {}
        self._data_end = self._journal_end = 0

    def __contains__(self, number: object) -> bool:
        return number in self._places

    def take(self, line: bytes) -> None:
        """Record a line of the journal."""
        values = json.loads(line)
        if JOINING in values:
            self.is_joining = True
        else:
            start, length = values["start"], values["length"]
            self._places[values["shard"]] = start, length, self._journal_end, len(line)
            self._hashes[values["shard"]] = values["sha256"]
            self._data_end = max(self._data_end, start + length)
            self.size += values["size"]
            self.tally.add(Tally.from_dict(values["tally"]))
        self._journal_end += len(line)

    def require_whole(self) -> None:
        """Check that what the journal says is there.

        Raises
        ------
        SuwenError
            S530 when the file of the shards is shorter.
        """
        size = os.fstat(self._data.fileno()).st_size
        if size < self._data_end:
            raise SuwenError("S530", self._path / DATA, reason=f"it has {size} of {self._data_end} bytes")

    def add(self, shard: Shard) -> None:
        """Add a shard, completely or not at all.

        Raises
        ------
        SuwenError
            S105 when the disk is full.
        """
        lines = b"".join(shard.lines)
        self._append(self._data, self._data_end, lines)
        self._note(
            {
                "shard": shard.number,
                "start": self._data_end,
                "length": len(lines),
                "sha256": sha256(lines).hexdigest(),
                "size": shard.size,
                "tally": shard.tally.to_dict(),
                "problems": shard.problems,
            }
        )

    def begin_joining(self) -> None:
        """Record that all shards are there and the output is begun."""
        if not self.is_joining:
            self._note({JOINING: True})

    def _note(self, values: dict[str, Any]) -> None:
        line = json_line(values)
        self._append(self._journal, self._journal_end, line)
        self.take(line)

    def _append(self, file: FileIO, place: int, data: bytes) -> None:
        try:
            file.seek(place)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            if self.work is not None:
                os.fsync(file.fileno())
        except OSError as error:
            raise os_error(error, self._path) from None

    def lines(self) -> Iterator[bytes]:
        """Yield the documents in their order, each a line of JSON Lines.

        Raises
        ------
        SuwenError
            S530 when a shard is not what was written.
        """
        for number in sorted(self._places):
            start, length, *_ = self._places[number]
            shard = _read(self._data, start, length)
            if sha256(shard).hexdigest() != self._hashes[number]:
                raise SuwenError(
                    "S530", self._path, reason=f"{DATA} was changed between byte {start} and {start + length}"
                )
            yield from io.BytesIO(shard)

    def problems(self) -> Iterator[dict[str, Any]]:
        """Yield the problems, in order."""
        for number in sorted(self._places):
            *_, start, length = self._places[number]
            yield from json.loads(_read(self._journal, start, length))["problems"]

    def remove(self) -> None:
        """Remove the folder, once the output is there."""
        if self.work is not None:
            shutil.rmtree(self.work, ignore_errors=True)


def _read(file: FileIO, start: int, length: int) -> bytes:
    file.seek(start)
    chunks: list[bytes] = []
    while length:
        chunks.append(file.read(length))
        length -= len(chunks[-1])
    return b"".join(chunks)


@contextmanager
def passing_shards(output: Path) -> Iterator[Shards]:
    """Yield shards without a name, which vanish with the process: for short runs, or runs that cannot be resumed."""
    with ExitStack() as stack:
        try:
            stack.enter_context(folder_for(output))
            data, journal = (
                stack.enter_context(tempfile.TemporaryFile(buffering=0, dir=output.parent)) for _ in range(2)
            )
        except OSError as error:
            raise os_error(error, output) from None
        yield Shards(data, journal, output)


@contextmanager
def open_shards(output: Path, identity: dict[str, Any], inputs: Inputs, resume: bool) -> Iterator[Shards]:
    """Open the shards in the working folder of an output, which is made if there is none.

    Parameters
    ----------
    identity
        Values that must not change when the run is resumed, as JSON values, in addition to the inputs.
    resume
        Whether to continue an unfinished run, if there is one.

    Raises
    ------
    SuwenError
        S511 when there is an unfinished run and it is not to be resumed, S508 when it is another one, S530 when its
        files were damaged, S125 when another process is at work on it; S102 or S105 when the folder cannot be written.
    """
    work = working_folder(output, JOB)
    going_on = resume and work.exists()
    if work.exists():
        # Before S511: its advice would remove the folder of a running process.
        with holding(work):
            pass
    check_work(work, going_on)
    if going_on:
        require_same(work, identity)
        _require_same_inputs(work, inputs)
    else:
        with replacing_folder(work) as folder:
            write_json(folder / RECORD, identity)
            with (folder / INPUTS).open("wb") as file:
                file.writelines(_fingerprints(inputs))
    with holding(work), _opened(work / DATA) as data, _opened(work / JOURNAL) as journal:
        shards = Shards(data, journal, work, work)
        for number, line in enumerate(whole_lines(work / JOURNAL), 1):
            try:
                shards.take(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise SuwenError("S530", work / JOURNAL, number, reason="the line is not a journal entry") from None
        shards.require_whole()
        yield shards


def _opened(path: Path) -> FileIO:
    try:
        return path.open("r+b" if path.exists() else "w+b", buffering=0)
    except OSError as error:
        raise os_error(error, path) from None


def _fingerprints(inputs: Inputs) -> Iterator[bytes]:
    """Yield a line for each file: its name and format, and its size and time, which change when its content does."""
    for problem in inputs.problems:
        yield json_line({"path": str(problem.path), "code": problem.code})
    for file in inputs.files:
        try:
            changed = _changed(file.path)
        except OSError:
            changed = 0
        yield json_line({"name": file.name, "format": file.format, "size": size_of(file), "changed": changed})


def _changed(path: Path) -> int:
    """Return the time of the last change of a file or of the files of a corpus."""
    files = files_in(path, ("",)) if path.is_dir() else [path]
    return max((file.stat().st_mtime_ns for file in files), default=0)


def _require_same_inputs(work: Path, inputs: Inputs) -> None:
    """Refuse to continue with other files (S508), and name the first."""
    with (work / INPUTS).open("rb") as file:
        lines: Iterable[tuple[bytes | None, bytes | None]] = zip_longest(file, _fingerprints(inputs))
        for stored, found in lines:
            if stored != found:
                values = json.loads(found or stored or b"{}")
                raise SuwenError("S508", work, what=f"input ({values.get('name') or values.get('path')})")
