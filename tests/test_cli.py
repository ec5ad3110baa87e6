"""The command line as a whole: what becomes of wrong arguments."""

import errno
import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import suwen.cli

SAMPLE = str(Path(suwen.__file__).parent / "data" / "sample")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["suwen", *arguments])
    with pytest.raises(SystemExit) as ended:
        suwen.cli.main()
    return ended.value.code or 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "S409 no such command 'fly'; see 'suwen --help'"),
        (["train", "--quick"], "S409 no such option: --quick; see 'suwen train --help'"),
        (["corpus", "stats"], "S409 missing argument"),
        (["corpus", "split", "x", "-o", "y", "--unit", "page"], "S409 invalid value for '--unit'"),
        (["corpus", "split", "x", "-o", "y", "--ratio", "1"], "S409 invalid value for --ratio: three numbers"),
        (
            ["extract", "", "-o", "y"],
            "S409 invalid value for 'INPUT...': the name is empty; see 'suwen extract --help'",
        ),
        (["extract", "x", "-o", ""], "S409 invalid value for '--output' / '-o': the name is empty"),
        (["extract", "x", "-o", "y", "--model", ""], "S409 invalid value for '--model': the name is empty"),
        (["evaluate"], "S409 give MODEL and CORPUS"),
        (["train", "x", "-o", "y", "--preset", "z"], "S409 invalid value for '--preset': 'z' is not one of 'best', "),
        (
            ["pretrain", "x", "-o", "y"],
            "S410 --encoder transformer needs --strategy; choose one of bert, wwm, wwm-ext, ernie, ernie-tiny, roberta",
        ),
        (["augment", SAMPLE, "-o", "y", "--set", "steps=[]"], "S402 invalid value for 'configuration': steps must"),
    ],
)
def test_cli_reports_in_one_line_which_argument_is_wrong(monkeypatch, capsys, arguments, message):
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), (["corpus", "-h"], 0), ([], 2), (["corpus"], 2)])
def test_cli_shows_help(monkeypatch, capsys, arguments, status):
    assert run(monkeypatch, *arguments) == status
    printed = capsys.readouterr()
    assert "Usage: suwen" in printed.out
    assert printed.err == ""


def test_cli_shows_help_at_once():
    resource = pytest.importorskip("resource", reason="only Unix counts the time of a child")

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "suwen", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Time of the processor, not of the clock: other work on the machine does not count. The goal is 0.3 s; a slow
    # machine takes 0.35 s, and an import too many much more.
    assert min(seconds() for _ in range(3)) <= 0.6


def test_cli_explains_every_command_and_option_briefly():
    commands = {"": typer.main.get_command(suwen.cli.app)}
    while groups := {name: found for name, found in commands.items() if hasattr(found, "commands")}:
        for name, group in groups.items():
            del commands[name]
            commands |= {f"{name} {child}".strip(): found for child, found in group.commands.items()}
    assert [name for name, command in commands.items() if "Example" not in command.help] == []
    app = typer.main.get_command(suwen.cli.app)
    for group in (app, app.commands["corpus"], app.commands["graph"]):
        # A list of commands has lines of 80 characters: margins take 6, the longest name its column.
        room = 80 - 6 - max(map(len, group.commands))
        assert [name for name, found in group.commands.items() if "..." in found.get_short_help_str(room)] == []
    helps = {(name, option.name): option.help or "" for name, found in commands.items() for option in found.params}
    assert [place for place, text in helps.items() if not 0 < len(text) <= 100] == []


@pytest.mark.parametrize("name", ["format", "from", "to", "device", "encoding", "offsets", "resume", "json"])
def test_cli_gives_an_option_one_meaning(name):
    commands = {**typer.main.get_command(suwen.cli.app).commands}
    commands |= {f"corpus {name}": command for name, command in commands.pop("corpus").commands.items()}
    found = [option for command in commands.values() for option in command.params if f"--{name}" in option.opts]
    meanings = {
        "format": ["The format of the input."],
        "from": ["A trained model to start from", "An encoder to start from"],
        "to": ["The format of OUT", "brat, conll, jsonl"],
        "device": ["cpu, cuda, or cuda:N"],
        "encoding": ["The encoding of the input"],
        "offsets": ["Offsets count"],
        "resume": ["Continue a run"],
        "json": ["Print "],
    }
    assert found
    assert all(any(option.help.startswith(start) for start in meanings[name]) for option in found)


@pytest.mark.parametrize("command", ["train", "evaluate", "augment"])
def test_cli_reads_corpora_in_a_named_encoding(tmp_path, monkeypatch, capsys, command):
    entity = {"label": "Drug", "start": 2, "end": 6}
    line = json.dumps({"id": "1", "text": "口服二甲双胍。", "entities": [entity]}, ensure_ascii=False)
    (tmp_path / "corpus").write_bytes(f"{line}\n".encode("gbk"))
    monkeypatch.chdir(tmp_path)
    options = {
        "train": ["corpus", "-o", "out", "--encoder", "dictionary"],
        "evaluate": ["bundled", "corpus"],
        "augment": ["corpus", "-o", "out", "--method", "mention"],
    }
    arguments = [command, *options[command], "--format", "jsonl"]
    assert run(monkeypatch, *arguments) == 2
    assert "corpus:1: not valid UTF-8" in capsys.readouterr().err
    status = run(monkeypatch, *arguments, "--encoding", "gbk")
    assert status == 0, capsys.readouterr().err


def test_cli_reports_how_an_interrupted_training_continues(monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(suwen.cli, "app", interrupted)
    assert run(monkeypatch, "evaluate") == 130
    assert run(monkeypatch, "train") == 130
    assert capsys.readouterr().err == "interrupted\ninterrupted; continue with --resume\n"


@pytest.mark.skipif(not hasattr(select, "poll"), reason="the system cannot say whether a pipe is closed")
def test_cli_distinguishes_a_broken_pipe_from_a_closed_output(monkeypatch):
    def broken(**_):
        raise BrokenPipeError(errno.EPIPE, "a worker is gone")

    monkeypatch.setattr(sys, "argv", ["suwen", "encoders"])
    # As it comes, and as Typer has it, which makes an exit of it.
    app = typer.Typer()
    app.command("encoders")(lambda: broken())
    app.callback()(lambda: None)
    for raising in (broken, app):
        monkeypatch.setattr(suwen.cli, "app", raising)
        with pytest.raises(BrokenPipeError, match="a worker is gone"):
            suwen.cli.main()


@pytest.mark.parametrize("arguments", [["--help"], ["corpus", "stats", SAMPLE], ["corpus", "stats", SAMPLE, "--json"]])
def test_cli_ends_without_a_word_when_its_output_is_read_no_more(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "suwen", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 141
    assert done.stderr == b""


def test_cli_keeps_the_exit_status_of_a_command():
    command = [sys.executable, "-m", "suwen", "--version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_cli_reports_that_standard_output_is_full():
    command = [sys.executable, "-m", "suwen", "corpus", "stats", SAMPLE, "--json"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("S105 standard output: cannot write: ")
    assert done.stderr.count("\n") == 1


def test_cli_reports_that_a_folder_above_is_closed(monkeypatch, capsys, tmp_path):
    def closed(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "closed" / "file"))

    monkeypatch.setattr(suwen.cli, "app", closed)
    assert run(monkeypatch, "corpus", "check", "file") == 2
    assert capsys.readouterr().err.startswith("S102 ")


def test_cli_reads_and_writes_chinese_under_a_locale_without_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "病历"
    folder.mkdir()
    (folder / "甲.txt").write_text("口服二甲双胍。", encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "suwen"]
    streamed = subprocess.run([*command, "extract", folder, "-o", "-"], env=environment, capture_output=True)
    assert json.loads(streamed.stdout.decode())["id"] == "甲"
    output = tmp_path / "结果.jsonl"
    written = subprocess.run([*command, "extract", folder, "-o", output], env=environment, capture_output=True)
    assert written.returncode == 0
    assert str(output) in written.stderr.decode()
    assert json.loads(output.read_text(encoding="utf-8"))["id"] == "甲"
    missing = subprocess.run([*command, "extract", "无此.txt", "-o", "-"], env=environment, capture_output=True)
    assert missing.stderr.decode().startswith("S101 无此.txt: ")
    counted = subprocess.run([*command, "corpus", "stats", SAMPLE], env=environment, capture_output=True)
    assert counted.returncode == 0
    convert = [*command, "corpus", "convert", output, "-o", tmp_path / "标注", "--to", "brat"]
    converted = subprocess.run(convert, env=environment, capture_output=True)
    assert f"→ {tmp_path / '标注'}\n" in converted.stdout.decode()
    assert (tmp_path / "标注/甲.txt").read_text(encoding="utf-8") == "口服二甲双胍。"
