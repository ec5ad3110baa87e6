"""`suwen pretrain` as a user runs it."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from suwen.api import pretrain
from suwen.cli import app
from suwen.errors import SuwenError
from suwen.runs import Progress

TINY = (
    "model.layers=1",
    "model.hidden=16",
    "model.attention_heads=2",
    "data.lengths=[16,32]",
    "data.held_out=0.1",
    "optimization.batch_tokens=128",
    "optimization.steps=4",
)
SETTINGS = [part for setting in TINY for part in ("--set", setting)]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    lines = [f"第{i}例患者确诊糖尿病,口服二甲双胍治疗,血糖下降。\n" for i in range(60)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def suwen(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "suwen", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_pretrain_prints_losses_and_fill_ins_and_trains_a_tagger_from_it(tmp_path, text) -> None:
    done = suwen("pretrain", text, "--strategy", "bert", "-o", tmp_path / "encoder", *SETTINGS)
    assert done.returncode == 0, done.stderr
    for expected in ("held-out loss", "unigram loss", "60", "fill-ins", "□"):
        assert expected in done.stdout
    assert "held-out loss" in done.stderr
    corpus = tmp_path / "corpus.jsonl"
    rows = [
        {"id": str(i), "text": "口服二甲双胍治疗。", "entities": [{"label": "Drug", "start": 2, "end": 6}]}
        for i in range(4)
    ]
    corpus.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    few = [part for setting in ("epochs=1", "least_steps=0") for part in ("--set", f"optimization.{setting}")]
    options = ["--encoder", tmp_path / "encoder", *few]
    trained = suwen("train", corpus, "-o", tmp_path / "model", *options)
    assert trained.returncode == 0, trained.stderr
    assert (tmp_path / "model" / "suwen.json").is_file()


def test_pretrain_reports_bad_text_in_one_line(tmp_path) -> None:
    (tmp_path / "text.txt").write_bytes("血糖\n".encode("gb18030"))
    done = suwen("pretrain", tmp_path / "text.txt", "--strategy", "bert", "-o", tmp_path / "new" / "encoder", *SETTINGS)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("S103 ")
    assert done.stderr.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "x", "--size", "mini"], "S406"),
        (["--exclude-part", "dev"], "S410.*--exclude-split"),
        (["--from", "nowhere"], "S506|S101"),
        (["--set", "optimization.step=1"], "S401"),
        (["--resume"], "S507"),
        (["--vocab", "nowhere.txt"], "S101"),
    ],
)
def test_pretrain_refuses_incompatible_options(tmp_path, text, arguments, expected) -> None:
    command = ["pretrain", str(text), "--strategy", "bert", "-o", str(tmp_path / "encoder"), *arguments]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, SuwenError), result.output
    assert re.search(expected, str(result.exception))
    assert not (tmp_path / "encoder.training").exists()


def test_pretrain_shows_the_cursor_again_after_ctrl_c(tmp_path, text, monkeypatch) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True)

    def interrupted(*arguments, listener):
        listener(Progress("steps", 1, 2))
        raise KeyboardInterrupt

    monkeypatch.setattr("suwen.cli.pretrain.standard_error", lambda: terminal)
    monkeypatch.setattr("suwen.pretraining.pretrain.pretrain", interrupted)
    arguments = ["pretrain", str(text), "--strategy", "bert", "-o", str(tmp_path / "encoder")]
    # The status depends on Typer's release.
    assert CliRunner().invoke(app, arguments).exit_code in (1, 130)
    shown, hidden = "\x1b[?25h", "\x1b[?25l"
    assert terminal.file.getvalue().count(hidden) == 1
    assert terminal.file.getvalue().rfind(shown) >= terminal.file.getvalue().rfind(hidden)


def test_pretrain_prints_the_manifest_as_json_alone(tmp_path, text) -> None:
    command = ["pretrain", str(text), "--strategy", "roberta", "-o", str(tmp_path / "encoder"), "--json", *SETTINGS]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["strategy"]["name"] == "roberta"


def test_pretrain_refuses_an_unknown_strategy(tmp_path, text) -> None:
    result = CliRunner().invoke(app, ["pretrain", str(text), "--strategy", "xlnet", "-o", str(tmp_path / "encoder")])
    assert result.exit_code == 2


def test_pretrain_takes_one_path_as_well_as_several(tmp_path, text) -> None:
    missing = str(tmp_path / "missing.txt")
    with pytest.raises(SuwenError, match=r"S101 .*missing\.txt"):
        pretrain(missing, tmp_path / "encoder", strategy="bert")
    with pytest.raises(SuwenError, match=r"S101 .*missing\.txt"):
        pretrain(text, tmp_path / "encoder", strategy="bert", lexicon=missing)
