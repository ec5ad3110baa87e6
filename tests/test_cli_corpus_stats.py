from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from suwen.cli import app
from suwen.corpus.split import Split, corpus_hash
from suwen.errors import SuwenError
from suwen.formats import read_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("给予二甲双胍治疗。", encoding="utf-8")
    (folder / "a.ann").write_text("T1\tDrug 2 6\t二甲双胍\n", encoding="utf-8")
    (folder / "b.txt").write_text("诊断为2型糖尿病。", encoding="utf-8")
    (folder / "b.ann").write_text("T1\tDisease 3 8\t2型糖尿病\n", encoding="utf-8")
    return folder


@pytest.fixture
def split_file(corpus: Path, tmp_path: Path) -> Path:
    path = tmp_path / "split.json"
    parts = {"train": [("a", 0, 9)], "test": [("b", 0, 9)]}
    Split(corpus_hash(read_corpus(corpus)), 0, "document", {"train": 1, "test": 1}, parts).write(path)
    return path


def stats(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["corpus", "stats", *(str(argument) for argument in arguments)])


def test_cli_corpus_stats_prints_a_name_of_its_own_once(tmp_path: Path) -> None:
    corpus = tmp_path / "own.jsonl"
    corpus.write_text('{"text": "口服二甲双胍", "entities": [[2, 6, "药物"]]}', encoding="utf-8")
    printed = stats(corpus).stdout
    assert printed.count("药物") == 1


def test_cli_corpus_stats_prints_types_in_both_languages(corpus: Path) -> None:
    command = [sys.executable, "-m", "suwen", "corpus", "stats", str(corpus)]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    for expected in ("疾病相关 Disease related", "疾病 Disease", "药品 Drug", "合计 Total", "字符 Characters"):
        assert expected in result.stdout


def test_cli_corpus_stats_counts_the_parts_of_a_split(corpus: Path, split_file: Path) -> None:
    values = json.loads(stats(corpus, "--split", split_file, "--json").stdout)
    assert list(values["parts"]) == ["train", "test", "total"]
    assert [row["counts"] for row in values["labels"]] == [
        {"train": 0, "test": 1, "total": 1},
        {"train": 1, "test": 0, "total": 1},
    ]
    table = stats(corpus, "--split", split_file)
    assert table.exit_code == 0
    assert max(len(line) for line in table.stdout.splitlines()) <= 80


def test_cli_corpus_stats_takes_a_schema(corpus: Path, tmp_path: Path) -> None:
    schema = tmp_path / "labels.toml"
    schema.write_text(
        '[[entities]]\nname = "Drug"\nzh = "药[物]"\nen = "[Medicine]"\n\n[[entities]]\nname = "Disease"\n',
        encoding="utf-8",
    )
    result = stats(corpus, "--schema", schema)
    assert "药[物] [Medicine]" in result.stdout


def test_cli_corpus_stats_refuses_a_label_outside_the_schema(corpus: Path, tmp_path: Path) -> None:
    schema = tmp_path / "labels.toml"
    schema.write_text('[[entities]]\nname = "Drug"\n', encoding="utf-8")
    error = stats(corpus, "--schema", schema).exception
    assert isinstance(error, SuwenError)
    assert error.code == "S202"


def test_cli_corpus_stats_refuses_the_split_of_other_data(corpus: Path, split_file: Path) -> None:
    (corpus / "b.ann").write_text("", encoding="utf-8")
    error = stats(corpus, "--split", split_file).exception
    assert isinstance(error, SuwenError)
    assert (error.code, error.path) == ("S301", split_file)


def test_cli_corpus_stats_refuses_a_folder_as_schema(corpus: Path) -> None:
    assert str(stats(corpus, "--schema", corpus).exception).startswith(f"S109 {corpus}: this is a folder")
