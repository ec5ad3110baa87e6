from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.extraction import stream
from suwen.extraction.extract import LocalEngine, Result, extract_files
from suwen.extraction.finding import find_inputs
from suwen.extraction.inputs import ReadingOptions
from suwen.extraction.ray import ray_engine
from suwen.extraction.shards import JOURNAL
from suwen.extraction.stream import ShardOptions
from suwen.formats import write_corpus
from suwen.inference.dictionary import Dictionary, DictionaryExtractor, Entry, load_dictionary
from suwen.inference.sentence_extractor import SentenceSettings
from suwen.model_folder import read_stored_model, write_stored_model
from suwen.runs import working_folder
from suwen.schema import Schema
from suwen.text.view import ViewRules

SHARD_OPTIONS = ShardOptions(ReadingOptions(), "tiny 0123", True)


class Slow(DictionaryExtractor):
    """Takes its time, so that there is a midst to be killed in."""

    def find(self, sentence):
        time.sleep(0.001)
        return super().find(sentence)


def load_slow(path: Path) -> Slow:
    found = load_dictionary(read_stored_model(path))
    return Slow(found.settings, found.dictionary)


def load_nothing(path: Path) -> Slow:
    raise SuwenError("S503", "model", name="dictionary.json")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    settings = SentenceSettings(Schema.of_labels(["Drug", "Disease"]), ViewRules())
    dictionary = Dictionary({"二甲双胍": Entry("Drug", 3, 4), "糖尿病": Entry("Disease", 1, 1)})
    path = tmp_path / "model"
    write_stored_model(
        path, "dictionary", settings.to_dict(), lambda folder: dictionary.write(folder / "dictionary.json"), {}, "#"
    )
    return path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stream, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr("suwen.extraction.extract.CHUNK_BYTES", 10_000)
    folder = tmp_path / "library"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:02}.txt").write_text(f"糖尿病患者{number}口服二甲双胍。\n\n" * 50, encoding="utf-8")
    (folder / "06.txt").write_bytes(b"\xff\x00")
    write_corpus(
        [Document("01", "糖尿病"), *(Document(f"r{n}", "停用二甲双胍。" * 99) for n in range(9))],
        folder / "z.jsonl",
        "jsonl",
    )
    return folder


def extract(library: Path, output: Path, engine: object, resume: bool = False) -> Result:
    return extract_files(find_inputs([library]), output, "jsonl", SHARD_OPTIONS, lambda: engine, {}, resume)


def test_ray_is_asked_for_by_name(library, model, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SuwenError, match=r"S405 not installed: ray; pip install 'suwen\[ray\]'"):
        extract(library, tmp_path / "out.jsonl", ray_engine([model], load_slow, 1))
    assert not working_folder(tmp_path / "out.jsonl", "extraction").exists()


@pytest.mark.slow
def test_ray_gives_the_same_when_a_node_dies(library, model, tmp_path, monkeypatch) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    extract(library, tmp_path / "local.jsonl", nullcontext(LocalEngine(load_slow(model))))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # The other processes load this module by its name.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    options = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    try:
        doomed = cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        output = tmp_path / "out.jsonl"
        seen: list[int] = []

        class Watched:
            """The engine, until a part is done: then a node is killed."""

            def __init__(self, engine):
                self.engine = engine
                self.schema = engine.schema

            def shards(self, chunks, shard_options, saw):
                for shard in self.engine.shards(chunks, shard_options, saw):
                    seen.append(shard.number)
                    if len(seen) == 4:
                        cluster.remove_node(doomed, allow_graceful=False)
                    yield shard

        class Opened:
            def __init__(self):
                self.connected = ray_engine([model], load_slow, 1)

            def __enter__(self):
                return Watched(self.connected.__enter__())

            def __exit__(self, *error):
                return self.connected.__exit__(*error)

        result = extract(library, output, Opened())
        assert len(seen) > 10
        assert sorted(seen) == list(range(len(seen)))
        assert output.read_bytes() == (tmp_path / "local.jsonl").read_bytes()
        reports = [
            path.with_name(f"{path.name}.problems.jsonl").read_bytes() for path in (output, tmp_path / "local.jsonl")
        ]
        assert reports[0] == reports[1]
        assert result.tally.faults == {"S117": 1}
        with pytest.raises(SuwenError, match="S503 model"):
            extract(library, tmp_path / "other.jsonl", ray_engine([model], load_nothing, 1))
        with pytest.raises(
            SuwenError, match="S519 the Ray cluster failed: it has no computer with 1 cores and 7 GPUs;"
        ):
            extract(library, tmp_path / "other.jsonl", ray_engine([model], load_slow, 1, 7))
        assert not working_folder(tmp_path / "other.jsonl", "extraction").exists()
    finally:
        cluster.shutdown()


@pytest.mark.slow
def test_ray_continues_with_what_was_begun_here(library, model, tmp_path, monkeypatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    extract(library, tmp_path / "local.jsonl", nullcontext(LocalEngine(load_slow(model))))
    output = tmp_path / "out.jsonl"

    class Interrupted(LocalEngine):
        def shards(self, chunks, shard_options, saw):
            for shard in super().shards(chunks, shard_options, saw):
                if shard.number == 4:
                    raise KeyboardInterrupt
                yield shard

    with pytest.raises(KeyboardInterrupt):
        extract(library, output, nullcontext(Interrupted(load_slow(model))))
    assert (working_folder(output, "extraction") / JOURNAL).read_bytes().count(b"\n") == 4
    extract(library, output, ray_engine([model], load_slow, 1), True)
    assert output.read_bytes() == (tmp_path / "local.jsonl").read_bytes()
