"""What the benchmarks keep of their runs: nothing is taken for what it is not."""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("runs")


def test_runs_are_made_once_and_refused_under_another_command(
    runs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[tuple[object, ...]] = []
    model = tmp_path / "model"

    def suwen(*arguments: object) -> None:
        called.append(arguments)
        model.mkdir()

    monkeypatch.setattr(runs, "suwen", suwen)
    (tmp_path / "model.training").mkdir()
    runs.once(model, "train", "--seed", 0)
    runs.once(model, "train", "--seed", 0)
    assert called == [("train", "--seed", 0, "--resume")]
    with pytest.raises(SystemExit, match=r"model was made by another command; .*\n  it: train --seed 0\n  now: .* 1"):
        runs.once(model, "train", "--seed", 1)
    (tmp_path / "model.command").unlink()
    with pytest.raises(SystemExit, match="unknown options"):
        runs.once(model, "train", "--seed", 0)


def test_runs_of_a_newer_model_are_scored_again(
    runs: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[object] = []
    monkeypatch.setattr(runs, "suwen", lambda *arguments: called.append(arguments) or "{}")
    model, other = tmp_path / "model", tmp_path / "other"
    model.mkdir()
    other.touch()
    (model / "manifest.json").touch()
    for _ in range(2):
        scores = runs.score(other, other, model, "dev")
    assert len(called) == 1
    os.utime(scores, (0, 0))
    runs.score(other, other, model, "dev")
    assert len(called) == 2


def test_runs_without_a_place_in_the_table_are_named(runs: ModuleType, tmp_path: Path) -> None:
    assert runs
    records = sys.modules.get("records") or import_module("records")
    kept = records.Records(tmp_path / "runs.jsonl")
    for name in ("b", "a", "c"):
        kept.add({"run": name})
    assert kept.beyond({"c", "d"}) == ["a", "b"]
