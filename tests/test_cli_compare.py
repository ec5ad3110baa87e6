from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from suwen.cli import app
from suwen.corpus.split import Split, corpus_hash
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats import write_corpus

TEXT = "口服二甲双胍0.5g,每日三次。"
DRUG, AMOUNT = Entity("Drug", 2, 6), Entity("Amount", 6, 10)
NAMES = "abcdefghijkl"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Gold, predictions that are all right, and predictions without the amounts."""
    paths = []
    for name, entities in (("gold", (DRUG, AMOUNT)), ("good", (DRUG, AMOUNT)), ("poor", (DRUG,))):
        write_corpus([Document(one, TEXT, entities) for one in NAMES], tmp_path / f"{name}.jsonl", "jsonl")
        paths.append(tmp_path / f"{name}.jsonl")
    return paths


def test_cli_compare_prints_nothing_but_json(files):
    gold, good, poor = files
    command = [sys.executable, "-m", "suwen", "compare", good, poor, "--gold", gold, "--json"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    values = json.loads(done.stdout)
    assert done.stderr == ""
    assert values["strict_entity_micro"]["first"]["f1"] == 1.0
    assert values["f1_difference"] == pytest.approx(1 / 3)
    assert values["approximate_randomization"]["p_value"] < 0.01
    assert values["f1_difference_interval"]["units"] == len(NAMES)
    assert values["strict_entity_by_type"]["Amount"]["f1_difference"] == 1.0
    assert values["strict_entity_by_type"]["Drug"]["f1_difference"] == 0.0


def test_cli_compare_shows_a_table(files):
    gold, good, poor = files
    shown = " ".join(run(poor, good, "--gold", gold).stdout.split())
    for text in ("all (micro)", "66.67", "100.00", "-33.33", "p = ", "of 12 documents"):
        assert text in shown


def test_cli_compare_repeats_with_the_same_seed(files):
    gold, good, poor = files
    assert run(good, poor, "--gold", gold, "--json").stdout == run(good, poor, "--gold", gold, "--json").stdout


def test_cli_compare_takes_a_part_of_a_split(files):
    gold, good, poor = files
    documents = [Document(one, TEXT, (DRUG, AMOUNT)) for one in NAMES]
    parts = {"train": [("a", 0, len(TEXT))], "test": [("b", 0, 6), ("b", 6, len(TEXT)), ("c", 0, 6)]}
    split = gold.with_name("split.json")
    Split(corpus_hash(documents), 0, "sentence", {"train": 1, "test": 1}, parts).write(split)
    values = json.loads(run(good, poor, "--gold", gold, "--split", split, "--json").stdout)
    assert (values["part"], values["unit"]) == ("test", "sentence")
    assert values["strict_entity_micro"]["second"]["matched"] == 2
    shown = " ".join(run(good, poor, "--gold", gold, "--split", split).stdout.split())
    assert "of 3 sentences" in shown


def test_cli_compare_refuses_missing_documents(files):
    gold, good, poor = files
    poor.unlink()
    write_corpus([Document("a", TEXT)], poor, "jsonl")
    with pytest.raises(SuwenError, match=r"S308 .*11 of 12 documents, not predicted: b, c, d, e, f, …"):
        run(good, poor, "--gold", gold)
