from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suwen.cli import app
from suwen.errors import SuwenError
from suwen.formats import read_corpus

TEXT = "口服二甲双胍治疗2型糖尿病。\n"
LINES = """T1	Drug 2 6	二甲双胍
T2	Disease 8 13	2型糖尿病
T3	Level 8 10	2型
R1	Drug_Disease Arg1:T1 Arg2:T2
*	Equiv T1 T2
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT, "utf-8")
    (folder / "a.ann").write_text(LINES, "utf-8")
    return folder


def run(*arguments: object) -> str:
    words = ["corpus", "convert", *(str(argument) for argument in arguments)]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_cli_corpus_convert_goes_round_without_loss(corpus: Path, tmp_path: Path) -> None:
    assert "nothing" in run(corpus, "-o", tmp_path / "a.jsonl", "--to", "jsonl")
    assert "nothing" in run(tmp_path / "a.jsonl", "-o", tmp_path / "out", "--to", "brat")
    assert (tmp_path / "out/a.txt").read_text("utf-8") == TEXT
    assert (tmp_path / "out/a.ann").read_text("utf-8") == LINES


def test_cli_corpus_convert_takes_the_format_from_the_extension(corpus: Path, tmp_path: Path) -> None:
    done = json.loads(run(corpus, "-o", tmp_path / "a.CONLL", "--scheme", "BIOES", "--json"))
    assert done["to"] == "conll"
    assert json.loads(run(tmp_path / "a.CONLL", "-o", tmp_path / "a.jsonl.gz", "--json"))["to"] == "jsonl"
    for name in ("a.json", "a.txt", "a"):
        with pytest.raises(SuwenError, match=r"S107 .*: cannot tell the format; name it, one of: brat, .*--to FORMAT"):
            run(corpus, "-o", tmp_path / "new" / name)
    assert not (tmp_path / "new").exists()


def test_cli_corpus_convert_prints_what_is_lost(corpus: Path, tmp_path: Path) -> None:
    output = run(corpus, "-o", tmp_path / "a.conll", "--to", "conll", "--scheme", "bmes", "--columns", "4")
    assert "1 document, 3 entities" in output
    assert [word for word in ("nested entity", "relation", "entity id", "meta") if word not in output] == []
    assert "甲 _ _ M-Drug" in (tmp_path / "a.conll").read_text("utf-8")


def test_cli_corpus_convert_prints_json_alone(corpus: Path, tmp_path: Path) -> None:
    result = json.loads(run(corpus, "-o", tmp_path / "out", "--to", "text", "--json"))
    assert result["lost"] == {"entity": 3, "entity id": 3, "relation": 1, "meta": 1}
    assert (result["from"], result["documents"], result["entities"]) == ("brat", 1, 3)


def test_cli_corpus_convert_applies_a_policy_and_counts(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("糖 I-Test\n尿 O\n", "utf-8")
    arguments = (tmp_path / "a.conll", "-o", tmp_path / "a.jsonl", "--to", "jsonl")
    with pytest.raises(SuwenError, match=r"S207 .*a\.conll:1"):
        run(*arguments)
    assert not (tmp_path / "a.jsonl").exists()
    assert "illegal tags in the input" in run(*arguments, "--illegal", "conlleval")
    assert len(read_corpus(tmp_path / "a.jsonl")[0].entities) == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--to", "docx"], "S404"),
        (["--to", "brat", "--format", "doc"], "S404"),
        (["--to", "jsonl", "--scheme", "BIO"], "S406"),
        (["--to", "jsonl", "--columns", "2"], "S406"),
        (["--to", "jsonl", "--illegal", "strict"], "S406"),
        (["--to", "conll", "--scheme", "BILOU"], "S404"),
    ],
)
def test_cli_corpus_convert_refuses_wrong_options(corpus: Path, tmp_path: Path, options: list[str], code: str) -> None:
    with pytest.raises(SuwenError, match=code):
        run(corpus, "-o", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_cli_corpus_convert_never_writes_over_its_input(corpus: Path) -> None:
    with pytest.raises(SuwenError, match="S104"):
        run(corpus, "-o", corpus, "--to", "brat")
    assert (corpus / "a.ann").read_text("utf-8") == LINES


def test_cli_corpus_convert_runs_from_the_shell(corpus: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "suwen", "corpus", "convert", str(corpus), "--to", "jsonl", "-o"]
    assert subprocess.run([*command, str(tmp_path / "a.jsonl")], capture_output=True).returncode == 0
    (corpus / "a.ann").write_text("T1\tDrug 2 600\tx\n")
    done = subprocess.run([*command, str(tmp_path / "b.jsonl")], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"S201 {corpus / 'a.ann'}:1: annotation [2, 600) is outside the text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "in"]


def test_cli_corpus_convert_writes_no_file_named_dash(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match="S406 -o -"):
        run(corpus, "-o", "-", "--to", "conll")


@pytest.mark.parametrize("target", ["conll", "jsonl"])
def test_cli_corpus_convert_reads_what_it_wrote_without_an_ending(corpus: Path, tmp_path: Path, target: str) -> None:
    run(corpus, "-o", tmp_path / "out", "--to", target)
    assert read_corpus(tmp_path / "out")[0].text == TEXT


def test_cli_corpus_convert_says_what_the_ends_of_cmeee_mean(corpus: Path, tmp_path: Path) -> None:
    assert "2 entity id" not in run(corpus, "-o", tmp_path / "a.json", "--to", "cmeee", "--ends", "exclusive")
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))[0]["entities"][0]["end_idx"] == 6
    run(tmp_path / "a.json", "-o", tmp_path / "b.jsonl", "--to", "jsonl")
    assert read_corpus(tmp_path / "b.jsonl")[0].entities[0].key == ("Drug", 2, 6)
    run(tmp_path / "a.json", "-o", tmp_path / "c.jsonl", "--to", "jsonl", "--ends", "inclusive")
    assert read_corpus(tmp_path / "c.jsonl")[0].entities[0].key == ("Drug", 2, 7)
    with pytest.raises(SuwenError, match="S406 --ends cannot be combined with --format brat; it is for cmeee alone"):
        run(corpus, "-o", tmp_path / "d", "--to", "jsonl", "--ends", "inclusive")


def test_cli_corpus_convert_reads_named_columns(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"pmid": 7, "body": "血糖"}\n', "utf-8")
    run(tmp_path / "in.jsonl", "-o", tmp_path / "out", "--to", "text", "--text-column", "body", "--id-column", "pmid")
    assert (tmp_path / "out/7.txt").read_text("utf-8") == "血糖"
    with pytest.raises(SuwenError, match=r"S406 --text-column .*it is for jsonl, parquet, csv, xlsx alone"):
        run(tmp_path / "out", "-o", tmp_path / "b", "--to", "jsonl", "--text-column", "body")


def test_cli_corpus_convert_leaves_no_empty_folders_behind(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "糖"}\n{"body": "糖"}\n', "utf-8")
    command = ["corpus", "convert", tmp_path / "in.jsonl", "-o", tmp_path / "new/deep/out", "--to", "brat"]
    done = subprocess.run([sys.executable, "-m", "suwen", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"S205 {tmp_path / 'in.jsonl'}:2: the field 'text' is missing; name the key of the ")
    assert "--text-column, here one of 'body';" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_cli_corpus_convert_writes_the_configuration_of_the_label_set(corpus: Path, tmp_path: Path) -> None:
    options = ["--to", "label_studio", "--label-config", tmp_path / "config.xml"]
    assert "1 document" in run(corpus, "-o", tmp_path / "a.json", *options)
    config = (tmp_path / "config.xml").read_text("utf-8")
    assert '<Label value="SideEff"' in config
    assert '<Relation value="Drug_Disease"' in config
    with pytest.raises(SuwenError, match="S406"):
        run(corpus, "-o", tmp_path / "a.jsonl", "--to", "jsonl", "--label-config", tmp_path / "other.xml")
