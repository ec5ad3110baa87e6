from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import suwen.loading
from suwen.cli import app
from suwen.corpus.split import Split, corpus_hash
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus

TEXT = "口服二甲双胍0.5g,每日三次。复查血糖。"
DRUG, AMOUNT, TEST = Entity("Drug", 2, 6, id="T1"), Entity("Amount", 6, 10, id="T2"), Entity("Test", 18, 20, id="T3")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    documents = [Document(name, TEXT, (DRUG, AMOUNT, TEST)) for name in ("a", "b")]
    return write(tmp_path / "gold.jsonl", documents)


@pytest.fixture
def predicted(tmp_path: Path) -> Path:
    documents = [Document("b", TEXT, (DRUG,)), Document("a", TEXT, (DRUG, Entity("Amount", 6, 9)))]
    return write(tmp_path / "predicted.jsonl", documents)


def write(path: Path, documents: list[Document]) -> Path:
    path.unlink(missing_ok=True)
    write_corpus(documents, path, "jsonl")
    return path


def write_split(gold: Path, **parts: list[tuple[str, int, int]]) -> Path:
    split = Split(corpus_hash(read_corpus(gold)), 0, "sentence", {"train": 6, "test": 2}, parts)
    split.write(gold.with_name("split.json"))
    return gold.with_name("split.json")


def test_cli_evaluate_prints_nothing_but_json(gold, predicted):
    command = [sys.executable, "-m", "suwen", "evaluate", "--gold", gold, "--predicted", predicted, "--json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    values = json.loads(done.stdout)
    assert (values["part"], values["unit"], values["documents"]) == ("all", "document", 2)
    assert values["strict_entity"]["micro"] == {
        "precision": 2 / 3,
        "recall": 2 / 6,
        "f1": 4 / 9,
        "matched": 2,
        "gold": 6,
        "predicted": 3,
    }
    assert values["overlap_entity"]["matched"] == 3
    assert values["errors"]["boundary"] == 1
    assert values["strict_entity_by_familiarity"] is None
    assert done.stderr == ""


def test_cli_evaluate_reports_errors_in_one_line(gold, tmp_path):
    predicted = write(tmp_path / "predicted.jsonl", [Document("a", TEXT)])
    command = [sys.executable, "-m", "suwen", "evaluate", "--gold", gold, "--predicted", predicted]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout) == (2, "")
    warning, error = done.stderr.splitlines()
    assert warning.endswith("no entity in 1 document")
    assert error.startswith("S308 ")
    assert "1 of 2 documents, not predicted: b" in done.stderr


def test_cli_evaluate_shows_tables(gold, predicted):
    shown = " ".join(run("--gold", gold, "--predicted", predicted).stdout.split())
    for text in ("Strict entities", "all (micro)", "44.44", "Tag accuracy, with O", "boundary", "of 2 documents"):
        assert text in shown
    assert "seen with another type" not in shown


def test_cli_evaluate_shows_labels_as_they_are(tmp_path):
    documents = [Document("a", TEXT, (Entity("[bold]x", 0, 2),))]
    gold = write(tmp_path / "gold.jsonl", documents)
    assert "[bold]x" in run("--gold", gold, "--predicted", gold).stdout


def test_cli_evaluate_scores_the_test_part_and_learns_seen_mentions_from_the_train_part(gold, predicted):
    split = write_split(gold, train=[("a", 0, 16)], test=[("b", 0, 16), ("b", 16, 21)])
    values = json.loads(run("--gold", gold, "--predicted", predicted, "--split", split, "--json").stdout)
    assert (values["part"], values["unit"], values["documents"]) == ("test", "sentence", 1)
    assert values["strict_entity_micro_f1_interval"]["units"] == 2
    seen = values["strict_entity_by_familiarity"]
    assert (seen["seen"]["gold"], seen["unseen"]["gold"]) == (2, 1)
    options = ("--gold", gold, "--predicted", predicted, "--split", split, "--part", "train")
    assert json.loads(run(*options, "--json").stdout)["strict_entity"]["micro"]["gold"] == 2
    assert "seen with another type" in run(*options).stdout


def test_cli_evaluate_takes_another_training_corpus(gold, predicted, tmp_path):
    train = write(tmp_path / "train.jsonl", [Document("t", "血糖", (Entity("Test", 0, 2),))])
    values = json.loads(run("--gold", gold, "--predicted", predicted, "--train", train, "--json").stdout)
    assert values["strict_entity_by_familiarity"]["seen"]["gold"] == 2


def test_cli_evaluate_reports_what_it_leaves_aside(gold, predicted):
    write(predicted, [*read_corpus(predicted), Document("c", "乙")])
    done = run("--gold", gold, "--predicted", predicted, "--json")
    assert json.loads(done.stdout)["documents"] == 2
    assert done.stderr == f"{predicted}: ignored documents that are not in the gold corpus: 1\n"


def write_manifest(model: Path, data: dict[str, object]) -> Path:
    model.mkdir(exist_ok=True)
    (model / "manifest.json").write_text(json.dumps({"data": data}))
    return model


class FirstTwo:
    """A model that finds the first two characters of whatever it is asked for."""

    def predict(self, selections):
        for selection in selections:
            found = tuple(Entity("Drug", start, start + 2, score=0.5) for start, _ in selection.spans)
            yield Document(selection.document.id, selection.document.text, found)


@pytest.fixture
def model(monkeypatch, tmp_path) -> Path:
    monkeypatch.setattr("suwen.api.scoring.load", lambda path, device: FirstTwo())
    return write_manifest(tmp_path / "model", {})


def test_cli_evaluate_runs_a_model_on_what_the_part_owns(gold, model):
    split = write_split(gold, test=[("a", 18, 21), ("b", 0, 16)])
    values = json.loads(run(model, gold, "--split", split, "--json").stdout)
    assert values["strict_entity"]["micro"]["predicted"] == 2
    assert values["type_blind_strict_entity"]["matched"] == 1
    assert values["strict_entity_by_familiarity"] is None


def test_cli_evaluate_saves_predictions_that_score_the_same(gold, model, tmp_path):
    saved = tmp_path / "saved.jsonl"
    first = run(model, gold, "--save-predictions", saved, "--json").stdout
    assert read_corpus(saved)[0].entities[0].score == 0.5
    assert run("--gold", gold, "--predicted", saved, "--json").stdout == first


def test_cli_evaluate_saves_over_nothing(gold, model, predicted, monkeypatch):
    monkeypatch.delattr(suwen.loading, "load")
    with pytest.raises(SuwenError, match="S104"):
        run(model, gold, "--save-predictions", predicted)


def test_cli_evaluate_replaces_no_page(gold, predicted):
    with pytest.raises(SuwenError, match=r"S104 .*gold\.jsonl"):
        run("--gold", gold, "--predicted", predicted, "--html", gold)


@pytest.mark.parametrize("trained", ["with another split", "without a split file", None])
def test_cli_evaluate_warns_of_a_model_that_was_trained_on_other_parts(gold, model, trained):
    path = write_split(gold, train=[("a", 0, 21)], test=[("b", 0, 21)])
    split = Split.read(path)
    recorded = {"with another split": {"hash": "0"}, "without a split file": None, None: {"hash": split.hash}}
    write_manifest(model, {"data_hash": split.data_hash, "split": recorded[trained]})
    done = run(model, gold, "--split", path, "--json")
    warning = json.loads(done.stdout)["warning"]
    assert done.stderr == ("" if trained is None else f"{warning}\n")
    assert warning is None if trained is None else trained in warning
    write_manifest(model, {"data_hash": "0", "split": None})
    assert run(model, gold, "--split", path).stderr == ""


def test_cli_evaluate_writes_a_page_of_errors(gold, predicted, tmp_path):
    page = tmp_path / "errors.html"
    assert run("--gold", gold, "--predicted", predicted, "--html", page).exit_code == 0
    assert "二甲双胍" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [[], ["gold"], ["--gold", "gold"], ["m", "gold", "--predicted", "p"]])
def test_cli_evaluate_refuses_half_of_a_question(arguments):
    done = run(*arguments)
    assert done.exit_code == 2
    assert "--predicted" in done.output


def test_cli_evaluate_refuses_a_part_of_nothing(gold, predicted):
    with pytest.raises(SuwenError, match="S410 --part needs --split"):
        run("--gold", gold, "--predicted", predicted, "--part", "dev")
    with pytest.raises(SuwenError, match="S410 --save-predictions needs MODEL"):
        run("--gold", gold, "--predicted", predicted, "--save-predictions", "new.jsonl")


def test_cli_evaluate_refuses_a_corpus_without_entities(predicted, tmp_path):
    empty = write(tmp_path / "empty.jsonl", [Document("a", TEXT)])
    with pytest.raises(SuwenError, match="S307"):
        run("--gold", empty, "--predicted", predicted)


def test_cli_evaluate_refuses_another_text(gold, tmp_path):
    other = write(tmp_path / "other.jsonl", [Document("a", TEXT), Document("b", TEXT + "。")])
    with pytest.raises(SuwenError, match=f"S308 .*the text of 'b' from character {len(TEXT)} on"):
        run("--gold", gold, "--predicted", other)
