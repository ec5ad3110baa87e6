"""What an extraction is made of, as the command line and Python callers get it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suwen.bundled import model_path
from suwen.errors import SuwenError
from suwen.extraction.planning import format_for, model_version, plan_extraction


def test_planning_extracts_and_refuses_to_resume_another_run(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("口服二甲双胍0.5g，每日三次。", encoding="utf-8")
    extraction = plan_extraction([tmp_path / "a.txt"], tmp_path / "out.jsonl")
    assert extraction.format == "jsonl"
    assert extraction.identity["model"] == extraction.shard_options.model == model_version(model_path(None))
    result = extraction.run()
    assert result.tally.counts["documents"] == 1
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert "二甲双胍" in [entity["text"] for entity in json.loads(line)["entities"]]


def test_planning_identifies_what_decides_the_output(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("血糖", encoding="utf-8")
    (tmp_path / "always.tsv").write_text("血糖\tTest\n", encoding="utf-8")
    plain = plan_extraction([tmp_path / "a.txt"], tmp_path / "out.jsonl")
    assert plan_extraction([tmp_path / "a.txt"], tmp_path / "other.jsonl", threads=1).identity == plain.identity
    for changed in (
        plan_extraction([tmp_path / "a.txt"], tmp_path / "out", "brat"),
        plan_extraction([tmp_path / "a.txt"], tmp_path / "out.jsonl", batch_tokens=64),
        plan_extraction([tmp_path / "a.txt"], tmp_path / "out.jsonl", always=tmp_path / "always.tsv"),
    ):
        assert changed.identity != plain.identity


def test_planning_knows_formats_by_their_endings() -> None:
    endings = ("a", "a.jsonl", "a.JSONL.gz", "a.html", "a.conll", "a.parquet", "a.csv", "a.tsv", "a.xlsx")
    formats = ["jsonl", "jsonl", "jsonl", "html", "conll", "parquet", "csv", "csv", "xlsx"]
    assert [format_for(Path(name)) for name in endings] == formats
    with pytest.raises(SuwenError, match=r"S404 a\.json"):
        format_for(Path("a.json"))


@pytest.mark.parametrize(("options", "code"), [({"device": "tpu"}, "S512"), ({"always": "nowhere.tsv"}, "S101")])
def test_planning_refuses_before_a_model_is_loaded(tmp_path: Path, options, code) -> None:
    (tmp_path / "a.txt").write_text("血糖", encoding="utf-8")
    with pytest.raises(SuwenError, match=code):
        plan_extraction([tmp_path / "a.txt"], tmp_path / "out.jsonl", **options)
