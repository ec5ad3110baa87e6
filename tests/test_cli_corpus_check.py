from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suwen.cli import app
from suwen.errors import SuwenError

TEXT = "口服二甲双胍治疗2型糖尿病。"


def corpus(folder: Path, annotations: str) -> str:
    (folder / "a.txt").write_text(TEXT, "utf-8")
    (folder / "a.ann").write_text(annotations, "utf-8")
    return str(folder)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["corpus", "check", *arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_cli_corpus_check_exits_with_1_for_errors_alone(tmp_path: Path) -> None:
    code, output = run(corpus(tmp_path, "T1\tDrug 2 6\t二甲双瓜\n"))
    assert code == 0
    assert f"{tmp_path / 'a.ann'}:1: W201 T1 Drug [2, 6): '二甲双瓜', in the text '二甲双胍'" in output
    (tmp_path / "labels.toml").write_text('[[entities]]\nname = "Drug"\n')
    code, output = run(corpus(tmp_path, "T1\tGene 2 6\t二甲双瓜\n"), "--schema", str(tmp_path / "labels.toml"))
    assert code == 1
    assert output.index("S202 unknown label 'Gene'") < output.index("W201 T1")


def test_cli_corpus_check_prints_the_first_places_or_all(tmp_path: Path) -> None:
    path = corpus(tmp_path, "".join(f"T{i}\tDrug 2 6\t-\n" for i in range(1, 4)) + "R1\tx y\n" * 30)
    assert run(path)[1].count("a.ann:") == 20
    assert "and 16 more; --all prints them" in run(path)[1]
    assert run(path, "--all")[1].count("a.ann:") == 36


def test_cli_corpus_check_prints_json_alone(tmp_path: Path) -> None:
    code, output = run(corpus(tmp_path, "T1\n"), "--json")
    result = json.loads(output)
    assert (code, result["errors"], result["findings"][0]["line"]) == (1, 1, 1)


def test_cli_corpus_check_takes_a_schema_and_a_format(tmp_path: Path) -> None:
    path = corpus(tmp_path, "T1\tGene 2 6\t二甲双胍\n")
    schema = tmp_path / "labels.toml"
    schema.write_text('[[entities]]\nname = "Gene"\n')
    assert run(path, "--schema", str(schema))[0] == 0
    assert run(path, "--format", "text")[0] == 0
    with pytest.raises(SuwenError, match="S404"):
        run(path, "--format", "bart")


def test_cli_corpus_check_runs_from_the_shell(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "suwen", "corpus", "check"]
    done = subprocess.run([*command, corpus(tmp_path, "T1\n")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "S203" in done.stdout
    missing = subprocess.run([*command, str(tmp_path / "none")], capture_output=True, text=True)
    assert missing.returncode == 2
    assert missing.stderr == f"S101 {tmp_path / 'none'}: no such file or folder; check the path\n"


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_cli_corpus_check_lists_a_file_name_that_is_not_unicode_with_the_others(
    tmp_path: Path, option: list[str]
) -> None:
    path = corpus(tmp_path, "T1\n")
    for ending in (".txt", ".ann"):
        (tmp_path / f"b\udcff{ending}").write_text("", "utf-8")
    command = [sys.executable, "-m", "suwen", "corpus", "check", path, *option]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    if option:
        findings = json.loads(done.stdout)["findings"]
        assert [finding["code"] for finding in findings] == ["S203", "S114"]
        assert findings[1]["path"] == f"{tmp_path}/b\udcff.txt"
    else:
        assert f"{tmp_path}/b\\udcff.txt: S114 the file name is not valid Unicode\n" in done.stdout
        assert "S203" in done.stdout


def test_cli_corpus_check_lists_inconsistent_strings(tmp_path: Path) -> None:
    text = "口服二甲双胍。二甲双胍有效，GLP1升高，GLP12降低。"
    (tmp_path / "a.txt").write_text(text, "utf-8")
    start = text.index("GLP1")
    (tmp_path / "a.ann").write_text(f"T1\tDrug 2 6\t二甲双胍\nT2\tTest {start} {start + 4}\tGLP1\n", "utf-8")
    code, output = run(str(tmp_path), "--consistency", "--json")
    assert code == 0
    assert json.loads(output)["inconsistencies"] == [
        {
            "text": "二甲双胍",
            "annotated": 1,
            "labels": {"Drug": 1},
            "not_annotated": 1,
            "places": [{"document": "a", "start": 7, "end": 11}],
        }
    ]
    assert "a 7" in run(str(tmp_path), "--consistency")[1]
    assert "inconsistencies" not in json.loads(run(str(tmp_path), "--json")[1])


def test_cli_corpus_check_takes_an_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_bytes("血 B-Drug\n糖 I-Drug\n".encode("gbk"))
    assert run(str(tmp_path))[0] == 1
    assert run(str(tmp_path), "--encoding", "GB2312")[0] == 0
