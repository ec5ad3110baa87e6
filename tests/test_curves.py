"""The learning curves of augmentation: what is drawn, how long is trained, and what is gathered."""

import json
import shutil
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from test_sample import SAMPLE
from tiny_masked_lm import write_tiny_masked_lm
from typer.testing import CliRunner

from suwen.augmentation.edits import Edit, Recipe
from suwen.cli import app
from suwen.corpus.split import Split
from suwen.files import read_json
from suwen.formats import read_corpus

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("curves")


@pytest.fixture
def commands(curves: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines, run in this process."""
    called: list[list[str]] = []

    def suwen(*arguments: object) -> str:
        called.append([str(one) for one in arguments])
        done = CliRunner().invoke(app, called[-1])
        assert done.exit_code == 0, done.exception
        return done.stdout

    for module in (curves, sys.modules["runs"]):
        monkeypatch.setattr(module, "suwen", suwen)
    return called


def test_curves_draw_nested_shares(curves: ModuleType) -> None:
    names = [f"{number}_1" for number in range(178)]
    shares = [curves.nested(names, percents, 3) for percents in (1, 5, 25, 100)]
    assert [len(share) for share in shares] == [2, 9, 44, 178]
    for smaller, larger in pairwise(shares):
        assert set(smaller) < set(larger)
    assert curves.nested(names[::-1], 5, 3) == shares[1] != curves.nested(names, 5, 4)


@pytest.mark.parametrize("percents", [1, 5, 25, 100])
def test_curves_give_all_systems_of_a_share_the_same_steps(curves: ModuleType, percents: int) -> None:
    characters = 15_281 * percents
    alone = curves.epochs_of("none", percents, characters)
    documents = {system: curves.documents_of(system) for system in curves.SYSTEMS}
    assert documents == {"none": 1, "paper": 2, "both": 4, "mention": 2, "synonym": 2, "best": 2}
    assert {count * curves.epochs_of(system, percents, characters) for system, count in documents.items()} == {alone}
    budget = curves.BUDGETS[percents]
    steps = alone * characters * curves.TOKENS_PER_CHARACTER / budget.batch_tokens
    assert steps == pytest.approx(budget.steps, rel=0.4)
    assert curves.epochs_of("none", percents, 10**9) == 4


def test_curves_count_words_that_line_breaks_cut_once(curves: ModuleType) -> None:
    edits = (Edit(0, 1, "病", "患", "mlm", 0), Edit(2, 3, "人", "者", "mlm", 0), Edit(5, 7, "病人", "患者", "mlm", 1))
    assert curves.new_words([Recipe("1.mlm-1", "1", 1, "mlm", None, edits)]) == {"患者"}


def test_curves_are_made_step_by_step_and_gathered(
    curves: ModuleType, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(curves, "BUDGETS", {50: curves.Budget(4, 512)})
    monkeypatch.setattr(curves, "PRECISION", "fp32")
    encoder = write_tiny_masked_lm(tmp_path / "encoder", "ngram-bert")
    command = ["curves.py", str(SAMPLE), "--encoder", str(encoder), "--runs", str(tmp_path / "runs")]
    command += ["--shares", "50", "--seeds", "1", "--models", "bilstm", "-o", str(tmp_path / "results")]

    def perform(*options: str) -> None:
        monkeypatch.setattr(sys, "argv", [*command, *options])
        curves.main()

    perform("--only", "none,mention")
    names = [arguments[0] for arguments in commands]
    step = ["train", "evaluate"]
    # The first is `corpus split`.
    assert names == ["corpus", *step, "augment", *step]
    assert not any("test" in arguments for arguments in commands if arguments[0] in ("train", "augment"))
    perform("--only", "none,mention")
    perform("--collect")
    assert len(commands) == len(names)

    learnt = {one.id for one in read_corpus(tmp_path / "runs" / "mention-50-s1.jsonl")}
    originals = {one.id for one in read_corpus(tmp_path / "runs" / "share-50-s1.jsonl")}
    assert learnt == originals | {f"{name}.mention-1" for name in originals}
    train = Split.read(tmp_path / "runs" / "split-group.json").select(read_corpus(SAMPLE), "train")
    assert originals < {selection.document.id for selection in train}

    results = (tmp_path / "results" / "results.json").read_text(encoding="utf-8")
    assert str(tmp_path) not in results
    rows = json.loads(results)["scores"]
    assert [(row["percents"], row["system"], row["seeds"]) for row in rows] == [(50, "none", [1]), (50, "mention", [1])]
    none, mention = rows
    assert mention["against"]["none"]["difference"] == pytest.approx(mention["f1"][0] - none["f1"][0])
    assert 0 < mention["against"]["none"]["p_value"] <= 1
    assert mention["documents"] == [2 * len(originals)]
    assert none["documents"] == [len(originals)]
    generated = read_json(tmp_path / "results" / "results.json")["generated"]
    assert all(row["new_words"] > 0 and row["unseen_words"] == 0 for row in generated)
    page = (tmp_path / "results" / "README.md").read_text(encoding="utf-8")
    assert page.count("\n| 50 % | bilstm |") == 2

    # What was kept of the runs is enough to gather them again.
    for model in (tmp_path / "runs").glob("bilstm-*"):
        shutil.rmtree(model) if model.is_dir() else model.unlink()
    perform("--collect")
    assert (tmp_path / "results" / "results.json").read_text(encoding="utf-8") == results
    assert (tmp_path / "results" / "README.md").read_text(encoding="utf-8") == page
    for name in ("bilstm.svg", "bilstm-gain.svg", "mini.svg", "mini-gain.svg"):
        svg = (tmp_path / "results" / name).read_text(encoding="utf-8")
        ElementTree.fromstring(svg)
        assert (">50 %<" in svg) == (name != "mini.svg")


def test_curves_compare_no_runs_on_other_documents(curves: ModuleType) -> None:
    records = sys.modules["records"]
    first = {0: {"run": "a", "f1": 0.5, "matched_gold_predicted": [[1, 2, 2], [1, 2, 2]]}}
    second = {0: {"run": "b", "f1": 1.0, "matched_gold_predicted": [[2, 2, 2], [2, 2, 2]]}}
    assert records.comparison(first, second)["difference"] == -0.5
    other = {0: {"run": "c", "f1": 1.0, "matched_gold_predicted": [[2, 2, 2], [3, 3, 3]]}}
    with pytest.raises(SystemExit, match="not scored on the same documents: a, c"):
        records.comparison(first, other)
