from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.extraction import extract as run
from suwen.extraction import shards, stream
from suwen.extraction.extract import LocalEngine, Result, extract_files, report_path
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import Inputs, ReadingOptions
from suwen.extraction.stream import ShardOptions
from suwen.formats import parquet, write_corpus
from suwen.inference.predictor import Extractor
from suwen.runs import Progress, working_folder
from suwen.schema import Schema

FORMATS = {"out.jsonl": "jsonl", "out.jsonl.gz": "jsonl", "out": "brat", "out.html": "html", "out.parquet": "parquet"}
IDENTITY = {"model": "tiny 0123", "option": {"--to": "jsonl"}}


class Marker(Extractor):
    """Calls every 糖 an entity, and takes its time."""

    schema = Schema.of_labels(["Drug"])

    def __init__(self, seconds: float = 0.0, fail_at: str | None = None, error: BaseException | None = None) -> None:
        self.seconds, self.fail_at, self.error = seconds, fail_at, error

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        for selection in chain.from_iterable(groups):
            document = selection.document
            time.sleep(self.seconds)
            if document.id == self.fail_at:
                raise self.error
            places = (place for place, character in enumerate(document.text) if character == "糖")
            entities = (Entity("Drug", n, n + 1, id=f"T{k}", score=0.5) for k, n in enumerate(places, 1))
            yield Document(document.id, document.text, tuple(entities), meta=document.meta)


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr(run, "CHUNK_BYTES", 10_000)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.txt").write_text(f"血糖{number}。" * 20 * number, encoding="utf-8")
    (folder / "05.html").write_text("<!DOCTYPE html><p>血糖")
    (folder / "06.txt").write_bytes(b"\xff\x00")
    write_corpus([Document("05", "糖"), Document("r", "糖尿病" * 2000), Document("r", "")], folder / "z.jsonl", "jsonl")
    return folder


def extract(
    inputs: Path | Inputs,
    output: Path,
    resume: bool = False,
    extractor: Extractor | None = None,
    identity: dict[str, Any] = IDENTITY,
    **options: Any,
) -> Result:
    form = FORMATS[output.name]
    found = inputs if isinstance(inputs, Inputs) else find_inputs([inputs])
    shard_options = ShardOptions(ReadingOptions(), "tiny 0123", form == "jsonl")
    engine = nullcontext(LocalEngine(extractor or Marker()))
    return extract_files(found, output, form, shard_options, lambda: engine, identity, resume, **options)


def contents(output: Path) -> dict[str, bytes]:
    """All files whose name begins with that of the output."""
    files = (file for path in output.parent.glob(f"{output.stem}*") for file in [path, *path.rglob("*")])
    return {file.relative_to(output.parent).as_posix(): file.read_bytes() for file in files if file.is_file()}


def expected(library: Path, name: str) -> dict[str, bytes]:
    """What an uninterrupted run writes."""
    whole = library.parent / "whole" / name
    extract(library, whole)
    return contents(whole)


def test_extraction_reports_all_losses_and_leaves_nothing_beside_the_output(library: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    result = extract(library, tmp_path / "out.jsonl", listener=steps.append)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    ids = [line["id"] for line in lines]
    assert ids == ["00", "01", "02", "03", "04", "05", "05~2", *(f"{n:02}" for n in range(7, 12)), "05~3", "r", "r~2"]
    assert lines[6]["meta"]["read_from"]["id"] == "05"
    assert result.renamed == [("05~2", "05"), ("05~3", "05"), ("r~2", "r")]
    assert result.tally.counts["renamed"] == 3
    assert result.tally.counts["documents"] == len(lines) == 15
    assert result.tally.counts["entities"] == sum(len(line.get("entities", ())) for line in lines)
    assert result.report == report_path(tmp_path / "out.jsonl")
    assert json.loads(result.report.read_text()) == result.problems[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library", "out.jsonl", "out.jsonl.problems.jsonl"]
    extracting = [step for step in steps if step.phase == "extracting"]
    assert [step.done for step in extracting] == sorted(step.done for step in extracting)
    assert steps[-1] == Progress("writing", 15, 15)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out"])
def test_extraction_gives_the_same_after_an_interruption_anywhere(library, tmp_path, name) -> None:
    output = tmp_path / name
    for stop in ("00", "04", "05", "11", "r"):
        with pytest.raises(KeyboardInterrupt):
            extract(
                library, output, working_folder(output, "extraction").exists(), Marker(0, stop, KeyboardInterrupt())
            )
        assert not output.exists()
    done = (working_folder(output, "extraction") / shards.JOURNAL).read_bytes().count(b"\n")
    assert done >= 3
    read: list[str] = []

    class Listening(Marker):
        def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
            for document in super().predict_groups(groups):
                read.append(document.id)
                yield document

    result = extract(library, output, True, Listening())
    assert contents(output) == expected(library, name)
    assert result.tally.counts["documents"] == 15
    assert read[0] == "11"
    assert not working_folder(output, "extraction").exists()


def killed_when(condition: Any, target: Any) -> bool:
    """Run a function in another process and kill it -9 once the condition holds; False if it was faster."""
    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    while process.is_alive() and not condition():
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="kills a forked process")
@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_extraction_loses_and_repeats_no_document_when_killed(library, tmp_path, name) -> None:
    output = tmp_path / name
    journal = working_folder(output, "extraction") / shards.JOURNAL

    def at_least(lines: int) -> bool:
        return journal.is_file() and journal.read_bytes().count(b"\n") >= lines

    killed = [
        killed_when(partial(at_least, lines), partial(extract, library, output, lines > 0, Marker(0.02)))
        for lines in (0, 1, 2, 4, 6)
    ]
    assert sum(killed) >= 4
    # What a kill in the midst of writing leaves: half a shard, half a line of the journal.
    with journal.open("ab") as file:
        file.write(b'{"shard": 99, "sta')
    with (working_folder(output, "extraction") / shards.DATA).open("ab") as file:
        file.write(b'{"version": 1, "id": "ha')
    extract(library, output, True)
    assert contents(output) == expected(library, name)


@pytest.mark.parametrize("name", ["out.jsonl", "out.html"])
def test_extraction_resumes_what_was_killed_while_the_output_was_written(library, tmp_path, name, monkeypatch) -> None:
    output = tmp_path / name

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("write_extracted_lines", "Shards.remove"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"suwen.extraction.extract.{place}", stop)
            with pytest.raises(KeyboardInterrupt):
                extract(library, output, working_folder(output, "extraction").exists())
    assert output.exists()
    result = extract(library, output, True)
    assert contents(output) == expected(library, name)
    assert result.is_written


def test_extraction_removes_the_half_of_two_files_that_a_kill_left(library, tmp_path) -> None:
    output = tmp_path / "out.parquet"

    def half(lines: Iterable[bytes], path: Path, *_: object) -> None:
        for other in parquet.other_paths(path):
            other.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "write_extracted_lines", half)
        with pytest.raises(KeyboardInterrupt):
            extract(library, output)
    extract(library, output, True)
    assert contents(output) == expected(library, "out.parquet")


def test_extraction_never_takes_another_file_for_its_output(library, tmp_path) -> None:
    output = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        extract(library, output, False, Marker(0, "11", KeyboardInterrupt()))
    output.write_text("precious")
    with pytest.raises(SuwenError, match="S104"):
        extract(library, output, True)
    assert output.read_text() == "precious"


def test_extraction_refuses_to_continue_with_another(library, tmp_path) -> None:
    output = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        extract(library, output, False, Marker(0, "11", KeyboardInterrupt()))
    with pytest.raises(SuwenError, match=r"S511 .*out\.jsonl\.extraction: .*--resume"):
        extract(library, output)
    with pytest.raises(SuwenError, match=r"S508 .*differs in model;"):
        extract(library, output, True, identity={**IDENTITY, "model": "tiny 4567"})
    with pytest.raises(SuwenError, match=r"S508 .*differs in option \(--to\);"):
        extract(library, output, True, identity={**IDENTITY, "option": {"--to": "brat"}})
    (library / "12.txt").write_text("new")
    with pytest.raises(SuwenError, match=r"S508 .*differs in input \(12\);"):
        extract(library, output, True)
    (library / "12.txt").unlink()
    (library / "z.jsonl").unlink()
    with pytest.raises(SuwenError, match=r"S508 .*differs in input \(z\);"):
        extract(library, output, True)
    (library / "03.txt").write_text("changed")
    with pytest.raises(SuwenError, match=r"S508 .*differs in input \(03\);"):
        extract(library, output, True)
    assert len(list(working_folder(output, "extraction").iterdir())) == 4


@pytest.mark.parametrize("damage", ["line", "key", "shorter", "changed", "gone"])
def test_extraction_refuses_to_continue_with_what_was_damaged(library, tmp_path, damage) -> None:
    output = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        extract(library, output, False, Marker(0, "11", KeyboardInterrupt()))
    work = working_folder(output, "extraction")
    journal, data = work / shards.JOURNAL, work / shards.DATA
    if damage in ("line", "key"):
        broken = b"{broken\n" if damage == "line" else b'{"shard": 1}\n'
        journal.write_bytes(journal.read_bytes() + broken)
    elif damage == "shorter":
        data.write_bytes(data.read_bytes()[:-1])
    elif damage == "changed":
        data.write_bytes(b" " + data.read_bytes()[1:])
    else:
        data.unlink()
    with pytest.raises(SuwenError, match=r"S530 .*the results are incomplete"):
        extract(library, output, True)
    assert not output.exists()


def test_extraction_has_its_folder_alone(library, tmp_path) -> None:
    output = tmp_path / "out.jsonl"
    found = find_inputs([library])

    class Second(Marker):
        def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
            for resume in (True, False):
                with pytest.raises(SuwenError, match="S125"):
                    extract(found, output, resume)
            yield from super().predict_groups(groups)

    extract(found, output, False, Second())
    assert output.exists()


def test_extraction_leaves_nothing_of_what_is_brief_or_cannot_begin(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("血糖")
    output = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        extract(tmp_path / "a.txt", output, False, Marker(0, "a", KeyboardInterrupt()))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    (tmp_path / "a.txt").write_text("血糖" * 10_000)
    with pytest.raises(SuwenError, match="S106"):
        extract(tmp_path / "a.txt", output, False, Marker(0, "a", SuwenError("S106")))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert extract(tmp_path / "a.txt", output, True).is_written


def test_extraction_reports_in_one_line_that_the_disk_is_full_and_continues(library, tmp_path, monkeypatch) -> None:
    output = tmp_path / "out.jsonl"
    room = 30_000

    class FullDisk:
        """A file on a disk with so much room."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, data: memoryview) -> int:
            free = room - self.file.tell()
            if free <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data[:free])

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def __enter__(self) -> FullDisk:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

    opened = shards._opened
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "_opened", lambda path: FullDisk(opened(path)))
        with pytest.raises(SuwenError) as caught:
            extract(library, output)
    assert str(caught.value) == (
        f"S124 {working_folder(output, 'extraction')}: cannot write: No space left on device; "
        "free disk space, and continue with --resume"
    )
    assert (working_folder(output, "extraction") / shards.DATA).stat().st_size == room
    extract(library, output, True)
    assert contents(output) == expected(library, "out.jsonl")
