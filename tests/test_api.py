"""What ``import suwen`` offers."""

from __future__ import annotations

import doctest
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import suwen
from suwen.bundled import SAMPLE
from suwen.errors import SuwenError

FUNCTIONS = [name for name in suwen.__all__ if name[0].islower()]


def test_api_names_stay_functions_whatever_is_imported() -> None:
    code = """
import importlib, inspect, pkgutil, suwen
for module in pkgutil.walk_packages(suwen.__path__, "suwen."):
    if module.name == "suwen.__main__":
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        assert not error.name.startswith("suwen"), error
wrong = [name for name in suwen.__all__ if name[0].islower() and not inspect.isfunction(getattr(suwen, name))]
assert not wrong, wrong
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_api_is_instant() -> None:
    code = (
        "import sys, suwen\n"
        "heavy = {'numpy', 'torch', 'transformers', 'onnxruntime', 'lxml', 'rich', 'typer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_api_lists_its_functions_and_has_no_others() -> None:
    assert set(FUNCTIONS) <= set(dir(suwen)) == set(suwen.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = suwen.nothing


def test_api_classes_have_examples_that_run() -> None:
    assert doctest.testmod(suwen.document).attempted >= 5
    assert doctest.testmod(suwen.document).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_api_documents_each_function_with_an_example(name: str) -> None:
    function = getattr(suwen, name)
    documented = inspect.getdoc(function) or ""
    assert ">>> " in documented
    for parameter in inspect.signature(function).parameters:
        assert parameter in documented


def test_api_splits_trains_evaluates_compares_and_extracts(tmp_path: Path) -> None:
    made = suwen.split(SAMPLE, unit="group")
    report = suwen.train(SAMPLE, tmp_path / "words", encoder="dictionary", split=made)
    assert report.model == tmp_path / "words"
    evaluation = suwen.evaluate(SAMPLE, report.model, split=made)
    assert evaluation.part == "test"
    assert not evaluation.warnings
    assert 0 < evaluation.f1 < 1
    evaluation.write_html(tmp_path / "errors.html")
    assert (tmp_path / "errors.html").is_file()
    again = suwen.evaluate(SAMPLE, predicted=evaluation.predictions, split=made)
    assert (again.f1, again.precision, again.recall) == (evaluation.f1, evaluation.precision, evaluation.recall)
    loaded = suwen.load(report.model)
    assert suwen.evaluate(suwen.read_corpus(SAMPLE), loaded, split=made).f1 == evaluation.f1
    same = suwen.compare(evaluation.predictions, evaluation.predictions, gold=SAMPLE, split=made)
    assert same.result.p_value == 1
    (tmp_path / "a.txt").write_text("口服二甲双胍。", encoding="utf-8")
    result = suwen.extract(tmp_path / "a.txt", tmp_path / "out.jsonl", model=report.model)
    assert result.tally.counts["documents"] == 1


def test_api_warns_of_a_model_that_knows_what_it_is_scored_on(tmp_path: Path) -> None:
    model = suwen.train(SAMPLE, tmp_path / "words", encoder="dictionary").model
    (warning,) = suwen.evaluate(SAMPLE, model).warnings
    assert "trained on this corpus without a split file" in warning
    assert suwen.evaluate(SAMPLE, suwen.load(model)).warnings == ("the model: " + warning.partition(": ")[2],)


def test_api_augments_documents() -> None:
    documents = suwen.read_corpus(SAMPLE)[:5]
    assert len(suwen.augment(documents, "mention", seed=1).documents) == 5


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: suwen.evaluate(SAMPLE, "model", predicted=SAMPLE), "S406"),
        (lambda: suwen.evaluate(SAMPLE, predicted=SAMPLE, part="dev"), "S410"),
        (lambda: suwen.export("model", int8=True), "S410"),
        (lambda: suwen.load("nowhere"), "S101"),
        (lambda: suwen.load(threads=0), "S402"),
        (lambda: suwen.train(SAMPLE, "model", encoder="dictionary", part="dev"), "S410"),
        (lambda: suwen.train(SAMPLE, "model", encoder="bilstm", device="gpu"), "S512"),
        (lambda: suwen.train(SAMPLE, "model", encoder="bilstm", device="cuda:7"), "S512"),
        (lambda: suwen.extract(SAMPLE, "out.jsonl", engine="other"), "S404"),
        (lambda: suwen.extract(SAMPLE, "-"), "S406"),
        (lambda: suwen.extract([], "out.jsonl"), "S402"),
        (lambda: suwen.split(SAMPLE, unit="article"), "S404"),
        (lambda: suwen.split(SAMPLE, ratio=(0, 5, 5)), "S402"),
        (lambda: suwen.split(SAMPLE, ratio=(8, 2)), "S402"),
        (lambda: suwen.pretrain(["a.txt"], "encoder", strategy="bert", size="mini", base="x"), "S406"),
    ],
)
def test_api_refuses_what_the_commands_refuse(tmp_path: Path, monkeypatch, call, code: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SuwenError, match=code):
        call()
    assert not list(tmp_path.iterdir())


def test_api_chooses_documents_and_measures_agreement(tmp_path: Path) -> None:
    documents = suwen.read_corpus(SAMPLE)[:3]
    suwen.write_corpus(documents, tmp_path / "pool.jsonl", "jsonl")
    found = suwen.sample(tmp_path / "pool.jsonl", documents=2, annotated=documents[:1], method="random")
    assert [document.meta["sample"]["rank"] for document in found.documents] == [1, 2]
    assert found.left_out == {"documents that are annotated already": 1}
    agreement = suwen.agree({"anna": documents, "bo": tmp_path / "pool.jsonl"})
    assert agreement.pairs[0].strict.value == 1
    agreement.write_html(tmp_path / "page.html")
    assert "anna, bo" in (tmp_path / "page.html").read_text(encoding="utf-8")
    with pytest.raises(suwen.SuwenError, match="S404"):
        suwen.sample(tmp_path / "pool.jsonl", documents=2, method="best")


def test_api_takes_a_split_by_its_file_and_settings_as_a_mapping(tmp_path: Path) -> None:
    split = suwen.split(SAMPLE, unit="group")
    split.write(tmp_path / "split.json")
    settings = {"share": 0.5, "shortest": 3}
    suwen.train(SAMPLE, tmp_path / "model", encoder="dictionary", split=tmp_path / "split.json", settings=settings)
    configuration = json.loads((tmp_path / "model/manifest.json").read_text(encoding="utf-8"))["configuration"]
    assert configuration.items() >= settings.items()
    by_file = suwen.evaluate(SAMPLE, tmp_path / "model", split=str(tmp_path / "split.json"))
    assert by_file.to_dict() == suwen.evaluate(SAMPLE, tmp_path / "model", split=split).to_dict()
    found = suwen.compare(by_file.predictions, by_file.predictions, gold=SAMPLE, split=tmp_path / "split.json")
    assert (found.part, found.result.p_value) == ("test", 1)
    with pytest.raises(suwen.SuwenError, match="S101"):
        suwen.evaluate(SAMPLE, tmp_path / "model", split=tmp_path / "none.json")
