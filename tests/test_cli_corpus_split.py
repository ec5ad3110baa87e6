from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from suwen.cli import app
from suwen.corpus.split import Split
from suwen.errors import SuwenError
from suwen.formats import read_corpus

SENTENCES = (
    ("患者诊断为2型糖尿病。", "Disease 5 10", "2型糖尿病"),
    ("给予二甲双胍治疗。", "Drug 2 6", "二甲双胍"),
    ("复查空腹血糖下降。", "Test 2 6", "空腹血糖"),
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for issue in range(1, 6):
        for article in range(1, 4):
            write(folder / f"{issue}_{article}", SENTENCES[article - 1 :] * issue)
    return folder


def write(path: Path, sentences: tuple[tuple[str, str, str], ...]) -> None:
    # Something of its own, or all articles would be near-copies.
    own = random.Random(path.name).choices([chr(0x4E00 + number) for number in range(500)], k=100)
    text, lines = "".join(own) + "。", []
    for number, (sentence, place, mention) in enumerate(sentences, 1):
        label, start, end = place.split()
        lines.append(f"T{number}\t{label} {int(start) + len(text)} {int(end) + len(text)}\t{mention}\n")
        text += sentence
    path.with_suffix(".txt").write_text(text, encoding="utf-8")
    path.with_suffix(".ann").write_text("".join(lines), encoding="utf-8")


def split(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["corpus", "split", *(str(argument) for argument in arguments)])


def test_cli_corpus_split_writes_a_split_and_reports_shares_and_leaks(corpus: Path, tmp_path: Path) -> None:
    for ending in (".txt", ".ann"):
        (corpus / f"4_9{ending}").write_bytes((corpus / f"2_1{ending}").read_bytes())
    output = tmp_path / "split.json"
    command = [sys.executable, "-m", "suwen", "corpus", "split", str(corpus), "-o", str(output), "--unit", "group"]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    for expected in (
        "疾病 Disease",
        "句子 Sentences",
        "泄漏 Leakage",
        "Near-copies: 2_1 and 4_9 (resemblance 1.00), both in ",
        f"Written to {output}: split by group",
    ):
        assert expected in result.stdout
    made = Split.read(output)
    assert list(made.parts) == ["train", "dev", "test"]
    assert sum(len(made.select(read_corpus(corpus), part)) for part in made.parts) == 16


def test_cli_corpus_split_prints_json_alone(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "split.json"
    result = split(corpus, "-o", output, "--unit", "sentence", "--seed", 3, "--json")
    values = json.loads(result.stdout)
    made = Split.read(output)
    assert (values["unit"], values["seed"], values["data_hash"]) == ("sentence", 3, made.data_hash)
    assert values["leakage"] == made.leakage
    assert values["statistics"]["parts"]["total"]["entities"] == 90
    assert abs(values["largest_deviation"]["points"]) < 5


def test_cli_corpus_split_twice_gives_the_same_file(corpus: Path, tmp_path: Path) -> None:
    for name in ("first.json", "second.json"):
        assert split(corpus, "-o", tmp_path / name, "--unit", "sentence").exit_code == 0
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


def test_cli_corpus_split_without_a_dev_part(corpus: Path, tmp_path: Path) -> None:
    assert split(corpus, "-o", tmp_path / "split.json", "--unit", "sentence", "--ratio", "8:0:2").exit_code == 0
    assert list(Split.read(tmp_path / "split.json").parts) == ["train", "test"]


@pytest.mark.parametrize("ratio", ["6:2", "6:2:2:1", "a:b:c", "0:5:5", "6:0:0", "6:-2:2", "nan:2:2", "inf:1:1"])
def test_cli_corpus_split_refuses_a_bad_ratio(corpus: Path, tmp_path: Path, ratio: str) -> None:
    result = split(corpus, "-o", tmp_path / "split.json", "--ratio", ratio)
    assert result.exit_code == 2
    assert "--ratio" in result.output
    assert not (tmp_path / "split.json").exists()


def test_cli_corpus_split_refuses_a_field_without_groups(corpus: Path, tmp_path: Path) -> None:
    result = split(corpus, "-o", tmp_path / "split.json", "--group-field", "journal")
    assert str(result.exception) == "S410 --group-field needs --unit group; add --unit group"


def test_cli_corpus_split_says_that_no_two_documents_have_the_same_group(corpus: Path, tmp_path: Path) -> None:
    assert "No two documents" not in split(corpus, "-o", tmp_path / "issues.json", "--unit", "group").stdout
    for path in corpus.iterdir():
        path.rename(corpus / path.name.replace("_", "-"))
    said = "No two documents have the same group: each is a group of its own."
    assert said in split(corpus, "-o", tmp_path / "single.json", "--unit", "group").stdout
    assert said not in split(corpus, "-o", tmp_path / "documents.json").stdout


def test_cli_corpus_split_refuses_an_unknown_field(corpus: Path, tmp_path: Path) -> None:
    result = split(corpus, "-o", tmp_path / "split.json", "--unit", "group", "--group-field", "journal")
    assert isinstance(result.exception, SuwenError)
    assert result.exception.code == "S305"
    assert not (tmp_path / "split.json").exists()


def test_cli_corpus_split_refuses_a_missing_corpus(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "suwen", "corpus", "split", str(tmp_path / "no"), "-o", str(tmp_path / "s.json")]
    result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"S101 {tmp_path / 'no'}: no such file or folder; check the path\n"
    assert list(tmp_path.iterdir()) == []


def test_cli_corpus_split_replaces_nothing(corpus: Path) -> None:
    text = next(corpus.glob("*.txt"))
    before = text.read_bytes()
    refused = split(corpus, "-o", text)
    assert str(refused.exception).startswith(f"S104 {text}")
    assert text.read_bytes() == before
