from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.extraction import inputs as inputs_module
from suwen.extraction import stream
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import Inputs, ReadingOptions, parts_of
from suwen.extraction.stream import Chunk, Shard, ShardOptions, Tally, chunks_of, fetched, shards_of
from suwen.inference.predictor import Extractor
from suwen.schema import Schema

SHARD_OPTIONS = ShardOptions(ReadingOptions(), "tiny 0123", True)


class Reluctant(Extractor):
    """Calls the first character an entity; holds documents back until a group ends, or some more have come."""

    schema = Schema.of_labels(["Drug"])

    def __init__(self, ahead: int = 0) -> None:
        self.ahead = ahead

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        held: list[Document] = []
        for group in groups:
            for selection in group:
                held.append(selection.document)
                while len(held) > self.ahead:
                    yield self._decided(held.pop(0))
        yield from map(self._decided, held)

    def _decided(self, document: Document) -> Document:
        entities = (Entity("Drug", 0, 1, id="T1", score=0.5),) if document.text else ()
        return Document(document.id, document.text, entities, meta=document.meta)


@pytest.fixture
def library(tmp_path: Path) -> Inputs:
    folder = tmp_path / "library"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text("糖" * 500 * number, encoding="utf-8")
    (folder / "2.txt").write_bytes(b"\xff\x00")
    (folder / "records.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in ("血糖", 5, "血压" * 900, "")) + "{\n"
    )
    return find_inputs([folder])


def shown(chunk: Chunk) -> list[str]:
    return [
        part.code if isinstance(part, SuwenError) else getattr(part, "name", None) or part.id for part in chunk.parts
    ]


def test_stream_deals_files_and_records_in_order_into_bounded_portions(library, monkeypatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 9000)
    chunks = list(chunks_of(library))
    assert [shown(chunk) for chunk in chunks] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
        ["records/1", "S205"],
        ["records/3"],
        ["records/4", "S204"],
    ]
    assert [chunk.number for chunk in chunks] == list(range(6))
    total = sum(file.path.stat().st_size for file in library.files)
    assert total / 2 < sum(chunk.size for chunk in chunks) <= total


def test_stream_makes_the_shard_of_each_portion(library, monkeypatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 9000)
    (shards, *others) = ([*shards_of(Reluctant(ahead), chunks_of(library), SHARD_OPTIONS)] for ahead in (0, 1, 3, 100))
    assert all(other == shards for other in others)
    assert [len(shard.lines) for shard in shards] == [2, 1, 1, 1, 1, 1]
    assert [[problem["code"] for problem in shard.problems] for shard in shards] == [
        [],
        ["S117"],
        [],
        ["S205"],
        [],
        ["S204"],
    ]
    first = json.loads(shards[0].lines[1])
    assert (first["id"], first["meta"]["model"], first["entities"][0]["text"]) == ("1", "tiny 0123", "糖")
    tally = Tally()
    for shard in shards:
        tally.add(shard.tally)
    assert tally.counts == {"documents": 7, "characters": 500 * 8 + 2 + 1800, "entities": 5, "empty": 2}
    assert tally.empty == ["0", "records/4"]
    assert Tally.from_dict(json.loads(json.dumps(tally.to_dict()))) == tally
    assert [problem["line"] for shard in shards for problem in shard.problems] == [None, 2, 5]


@pytest.mark.parametrize("value", ["dropped", ["dropped"], {"dropped": "much"}, {"dropped": {"much": "x"}}, None])
def test_stream_counts_whatever_the_metadata_of_records_are(value) -> None:
    tally = Tally()
    tally.count(Document("a", "糖", meta={"read_from": value, "overrides": value}))
    assert (tally.counts, tally.dropped) == ({"documents": 1, "characters": 1, "entities": 0}, {})


def test_stream_makes_the_same_shard_elsewhere(library, monkeypatch) -> None:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 9000)
    expected = [*shards_of(Reluctant(7), chunks_of(library), SHARD_OPTIONS)]
    sent = [pickle.loads(pickle.dumps(fetched(chunk))) for chunk in chunks_of(library)]
    for file in library.files:
        file.path.unlink()
    assert [shard for chunk in sent for shard in shards_of(Reluctant(), [chunk], SHARD_OPTIONS)] == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["", "糖", "fault"]), max_size=4), max_size=8), st.integers(0, 9))
def test_stream_keeps_portions_apart_whatever_is_in_them(groups: list[list[str]], ahead: int) -> None:
    chunks = [
        Chunk(
            number,
            tuple(
                SuwenError("S106") if text == "fault" else Document(f"{number}/{place}", text)
                for place, text in enumerate(group)
            ),
            len(group),
        )
        for number, group in enumerate(groups)
    ]
    shards: list[Shard] = [*shards_of(Reluctant(ahead), chunks, SHARD_OPTIONS)]
    assert [shard.number for shard in shards] == list(range(len(groups)))
    for shard, group in zip(shards, groups, strict=True):
        assert [json.loads(line)["id"] for line in shard.lines] == [
            f"{shard.number}/{place}" for place, text in enumerate(group) if text != "fault"
        ]
        assert len(shard.problems) == group.count("fault")


def test_stream_gives_a_file_up_after_many_faults_in_a_row(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(inputs_module, "MOST_FAULTS", 3)
    lines = ["{}", "{}", '{"text": "血糖"}', "{}", "{}", "{}", "{}", '{"text": "血压"}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (file,) = find_inputs([tmp_path / "a.jsonl"]).files
    parts = [part.code if isinstance(part, SuwenError) else part.id for part in parts_of(file)]
    assert parts == ["S205", "S205", "a/3", "S205", "S205", "S205", "S122"]


def test_stream_survives_a_reader_that_fails(tmp_path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of no use")

    monkeypatch.setattr(inputs_module.text.FORMAT, "parse", fail)
    (tmp_path / "a.txt").write_text("血糖")
    (file,) = find_inputs([tmp_path / "a.txt"]).files
    (error,) = parts_of(file)
    assert str(error).startswith(f"S123 {tmp_path / 'a.txt'}: the reader failed: ZeroDivisionError: of no use; ")
