from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from relation_documents import DOCUMENT, RELATIONS
from typer.testing import CliRunner, Result

import suwen
from suwen.bundled import SAMPLE
from suwen.cli import app
from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


def evaluate(*arguments: object) -> Result:
    return run("evaluate", *arguments, "--task", "relations")


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    write_corpus([DOCUMENT, replace(DOCUMENT, id="b")], tmp_path / "gold.jsonl", "jsonl")
    return tmp_path / "gold.jsonl"


@pytest.fixture
def predicted(tmp_path: Path) -> Path:
    scored = tuple(replace(one, score=0.5) for one in RELATIONS[:2])
    write_corpus(
        [replace(DOCUMENT, relations=scored), replace(DOCUMENT, id="b", relations=())], tmp_path / "p.jsonl", "jsonl"
    )
    return tmp_path / "p.jsonl"


def test_cli_evaluate_scores_the_relations_of_a_model(gold: Path) -> None:
    result = evaluate("cooccurrence", gold)
    assert result.exit_code == 0
    for shown in ("85.71", "co-occurrence", "Drug_Disease", "sentence ends: 1", "arguments overlap"):
        assert shown in result.stdout
    values = json.loads(evaluate("cooccurrence", gold, "--json").stdout)
    assert values["task"] == "relations"
    assert values["strict_relation"]["micro"]["matched"] == 6
    assert values["cooccurrence"] == values["strict_relation"]["micro"]
    assert values["strict_entity"]["f1"] == 1.0
    assert values["strict_relation_micro_f1_interval"]["units"] == 2


def test_cli_evaluate_scores_relations_between_predicted_entities() -> None:
    values = json.loads(evaluate("cooccurrence", SAMPLE, "--entities", suwen.bundled.model_path(None), "--json").stdout)
    given = json.loads(evaluate("cooccurrence", SAMPLE, "--json").stdout)
    assert values["strict_entity"]["f1"] < 1
    assert values["gold_out_of_reach"]["no_entity"] > 0
    assert "no_entity" not in given["gold_out_of_reach"]
    assert values["strict_relation"]["micro"]["gold"] == given["strict_relation"]["micro"]["gold"]
    strict, relaxed = values["strict_relation"]["micro"]["f1"], values["relaxed_relation"]["f1"]
    assert strict <= relaxed
    assert strict < given["strict_relation"]["micro"]["f1"]


def test_cli_evaluate_scores_predicted_relations(gold: Path, predicted: Path, tmp_path: Path) -> None:
    page = tmp_path / "errors.html"
    result = evaluate("--gold", gold, "--predicted", predicted, "--html", page, "--json")
    values = json.loads(result.stdout)
    assert values["strict_relation"]["micro"] == {
        "precision": 1.0,
        "recall": 0.25,
        "f1": 0.4,
        "matched": 2,
        "gold": 8,
        "predicted": 2,
    }
    assert values["cooccurrence"]["matched"] == 6
    assert values["reliability"]["expected_calibration_error"] == 0.5
    shown = page.read_text("utf-8")
    assert "药品-疾病" in shown
    assert "gold Drug_Disease [0, 4) → [10, 17)" in shown
    assert "Expected calibration error" in shown


def test_cli_evaluate_saves_related_documents(gold: Path, tmp_path: Path) -> None:
    evaluate("cooccurrence", gold, "--save-predictions", tmp_path / "saved.jsonl")
    assert [len(document.relations) for document in read_corpus(tmp_path / "saved.jsonl")] == [3, 3]


def test_cli_evaluate_takes_relation_types_from_the_corpus(tmp_path: Path) -> None:
    document = Document(
        "a", "甲乙", (Entity("x", 0, 1, id="1"), Entity("y", 1, 2, id="2")), (Relation("of", "1", "2"),)
    )
    write_corpus([document], tmp_path / "a.jsonl", "jsonl")
    values = json.loads(evaluate("--gold", tmp_path / "a.jsonl", "--predicted", tmp_path / "a.jsonl", "--json").stdout)
    assert values["cooccurrence"]["f1"] == values["strict_relation"]["micro"]["f1"] == 1.0


def test_cli_evaluate_refuses_a_corpus_without_relations(tmp_path: Path) -> None:
    write_corpus([replace(DOCUMENT, relations=())], tmp_path / "a.jsonl", "jsonl")
    with pytest.raises(SuwenError, match="S601 the corpus has no relation"):
        evaluate("cooccurrence", tmp_path / "a.jsonl")


def test_evaluate_refuses_options_of_the_other_task() -> None:
    with pytest.raises(SuwenError, match="S404 unknown task 'both'; known: entities, relations"):
        suwen.evaluate([DOCUMENT], task="both")  # type: ignore[call-overload]
    with pytest.raises(SuwenError, match="S406"):
        suwen.evaluate([DOCUMENT], "cooccurrence", task="relations", training=[DOCUMENT])
    with pytest.raises(SuwenError, match="S406"):
        suwen.evaluate([DOCUMENT], entities="model")  # type: ignore[call-overload]
    with pytest.raises(SuwenError, match="S606"):
        suwen.evaluate([DOCUMENT], suwen.bundled.model_path(None), task="relations")


def test_cli_compare_tests_relations(gold: Path, predicted: Path) -> None:
    result = run("compare", gold, predicted, "--gold", gold, "--task", "relations")
    assert "Strict relations" in result.stdout
    values = json.loads(run("compare", gold, predicted, "--gold", gold, "--task", "relations", "--json").stdout)
    assert values["strict_relation_micro"]["first"]["f1"] == 1.0
    assert values["strict_relation_micro"]["second"]["f1"] == 0.4
    assert values["approximate_randomization"]["p_value"] > 0.2
    assert "Drug_Disease" in values["strict_relation_by_type"]
