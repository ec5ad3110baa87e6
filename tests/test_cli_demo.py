"""The demo on a sample small enough to train on in a second; the whole one is slow."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import suwen
from suwen.cli import app, demo
from suwen.errors import SuwenError
from suwen.formats import read_corpus
from suwen.web.serving import Address

DATA = demo.DATA
SETTINGS = {"epochs": 2, "hidden": 16, "embedding": 16, "bigram_embedding": 8}
COMMAND = re.compile(r"^\$ suwen (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    (data / "sample").mkdir()
    for name in ("201_1", "202_1", "203_1"):
        for suffix in (".txt", ".ann"):
            shutil.copy(DATA / "sample" / f"{name}{suffix}", data / "sample")
    (data / "article").mkdir()
    (data / "article" / "note.txt").write_text("患者口服二甲双胍0.5g，\n每日三次。", encoding="utf-8")
    shutil.copytree(DATA / "library", data / "library")
    configuration = (DATA / "demo.toml").read_text(encoding="utf-8")
    for key, value in SETTINGS.items():
        configuration = re.sub(rf"^{key} = .*", f"{key} = {value}", configuration, flags=re.MULTILINE)
    (data / "demo.toml").write_text(configuration, encoding="utf-8")
    return data


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder that a demo made, and what it printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "DATA", data)
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(tmp_path_factory.mktemp("made"))
        return Path("demo-output").absolute(), run()


@pytest.fixture(autouse=True)
def small(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DATA", data)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["demo", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def contents(folder: Path) -> dict[str, bytes]:
    """What must be the same each time: the manifest tells how long the training took, log and graph when it was."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("manifest.json", "graph.db") and "log" not in path.parts
    }


def test_cli_demo_names_the_files_that_it_made(made: tuple[Path, str]) -> None:
    folder, shown = made
    files, _, page = shown.partition("Open these:")[2].partition("Explore the graph")
    named = re.findall(r"demo-output\S+", files)
    assert [Path(name).name for name in named] == list(demo.FILES)
    assert {path.name for path in folder.iterdir()} == {*demo.FILES, demo.MARK}
    (article,) = read_corpus(folder / "article.jsonl")
    assert article.text == (folder / "article" / "note.txt").read_text(encoding="utf-8")
    assert "<html" in (folder / "errors.html").read_text(encoding="utf-8")
    assert "Strict entities" in shown
    assert "$ suwen serve demo-output/graph.db\n" in page
    assert demo.PAGE in page


def test_cli_demo_leads_from_an_article_to_a_graph(made: tuple[Path, str]) -> None:
    folder, shown = made
    (article,) = read_corpus(folder / "article.jsonl")
    assert article.relations
    with suwen.Graph(folder / "graph.db") as graph:
        assert graph.info().documents == len(read_corpus(folder / "library")) + 1
        assert graph.concept("二甲双胍").concept.documents == 5
    # After each part it is said in plain words what it showed.
    for said in ("without annotations", "became one concept", "are kept", "leads to its sentences", "Strict F1"):
        assert said in " ".join(shown.split())


def test_cli_demo_opens_the_page(made: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def listen(app: object, address: Address, limits: object, ready: Callable[[str], None]) -> None:
        ready(address.url(address.port))

    monkeypatch.setattr("suwen.web.serving.serve", listen)
    monkeypatch.setattr("webbrowser.open", opened.append)
    demo.show_page(made[0] / "graph.db", serve=True)
    assert opened == [demo.PAGE]


def test_cli_demo_shows_the_commands_that_do_the_same(made: tuple[Path, str]) -> None:
    folder, shown = made
    demo.prepare(Path("demo-output"))
    *commands, _ = COMMAND.findall(shown)  # the last one serves the page
    for command in commands:
        assert not CliRunner().invoke(app, shlex.split(command), catch_exceptions=False).exit_code, command
    assert contents(Path("demo-output")) == contents(folder)


def test_cli_demo_replaces_what_it_made_and_nothing_else(made: tuple[Path, str]) -> None:
    output = Path("demo-output")
    shutil.copytree(made[0], output)
    (output / "notes.txt").write_text("mine", encoding="utf-8")
    (output / "sample" / "201_1.txt").write_text("changed", encoding="utf-8")
    shutil.rmtree(output / "model")
    Path("elsewhere").mkdir()
    Path("elsewhere/kept.txt").touch()
    (output / "model").symlink_to(Path("elsewhere").absolute())
    demo.prepare(output)
    assert Path("elsewhere/kept.txt").exists()
    copied = {name: made[0] / name for name in contents(output) if name != "notes.txt"}
    assert {Path(name).parts[0] for name in copied} == {demo.MARK, "sample", "article", "library", "training.toml"}
    assert contents(output) == {"notes.txt": b"mine", **{name: path.read_bytes() for name, path in copied.items()}}


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_cli_demo_refuses_what_no_demo_made(tmp_path: Path, kind: str) -> None:
    output = tmp_path / "out"
    if kind == "folder":
        (output / "model").mkdir(parents=True)
    else:
        output.write_text("mine", encoding="utf-8")
    with pytest.raises(SuwenError, match="S104"):
        demo.prepare(output)
    done = subprocess.run(
        [sys.executable, "-m", "suwen", "demo", "-o", output], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("S104 ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    if kind == "folder":
        assert [path.name for path in output.iterdir()] == ["model"]


def test_cli_demo_takes_an_empty_folder_and_a_read_only_package(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    shutil.copytree(data, package)
    monkeypatch.setattr(demo, "DATA", package)
    for path in package.rglob("*.txt"):
        path.chmod(0o444)
    output = tmp_path / "out"
    output.mkdir()
    demo.prepare(output)
    assert (output / "sample" / "201_1.txt").stat().st_mode & 0o200
    demo.prepare(output)


def test_cli_demo_lists_as_many_mentions_as_fit() -> None:
    assert demo.listed([("二甲双胍", 3), ("[b]", 2)]) == r"二甲双胍 3, \[b] 2"
    assert demo.listed([("很" * 40, 3), ("胰岛素", 2)]) == "很" * 40 + " 3"
    assert demo.listed([]) == ""
