"""The packages of the extras: where they are imported, and that commands check them first."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suwen.cli import app
from suwen.errors import SuwenError
from suwen.requirements import EXTRAS, extras_of, require_packages

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED_AS = {"python_crfsuite": "pycrfsuite"}
ROW = re.compile(r"^\| `'\.\[([\w,]+)\]'` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
OPTIONS = {
    "train": "corpus.jsonl -o out",
    "pretrain": "text.txt -o out",
    "augment": "corpus.jsonl -o out",
    "demo": "-o out",
    "reproduce": "-o out",
    "export": "bundled -o out",  # what is needed depends on the kind of model
    "extract": "text.txt -o out",
    "serve": "",
    "preannotate": "text.txt -o out --endpoint http://127.0.0.1:8000/v1 --model m",
}


def packages_of(requirements: list[str]) -> set[str]:
    names = {re.match(r"[\w-]+", requirement).group().replace("-", "_") for requirement in requirements}
    return {IMPORTED_AS.get(name, name) for name in names}


def rows(page: str) -> dict[str, list[str]]:
    """The commands by extras, as a page lists them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return {extras: re.findall(r"`(suwen [^`]+)`", cell) for extras, cell in ROW.findall(text)}


COMMANDS = [(extras, command) for extras, commands in rows("README.md").items() for command in commands]


def test_requirements_are_the_extras_of_the_project() -> None:
    extras = {name: packages_of(found) for name, found in PROJECT["optional-dependencies"].items() if name != "dev"}
    assert {name: set(packages) for name, packages in EXTRAS.items()} == extras


def test_requirements_name_every_package_that_is_imported() -> None:
    imported = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"suwen"}
    listed = packages_of(PROJECT["dependencies"]).union(*EXTRAS.values())
    assert foreign - listed == set()


def test_requirements_are_listed_in_both_readmes() -> None:
    assert rows("README.md") == rows("README.zh-CN.md")
    assert {extra for extras in rows("README.md") for extra in extras.split(",")} == {*EXTRAS}


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a text, where the packages of all extras are missing."""
    monkeypatch.chdir(tmp_path)
    for package in {package for packages in EXTRAS.values() for package in packages}:
        monkeypatch.setitem(sys.modules, package, None)
    text = '{"id": "1", "text": "口服二甲双胍。", "entities": [{"label": "Drug", "start": 2, "end": 6}]}\n'
    (tmp_path / "corpus.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "text.txt").write_text("口服二甲双胍。", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("extras", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_requirements_are_checked_before_a_command_starts(nothing_installed: Path, extras: str, command: str) -> None:
    words = shlex.split(command)[1:]
    before = sorted(nothing_installed.iterdir())
    result = CliRunner().invoke(app, [*words, *shlex.split(OPTIONS[words[0]])])
    assert isinstance(result.exception, SuwenError), result.output
    message = str(result.exception)
    assert message.startswith("S405 not installed: ")
    assert message.endswith(f"; pip install 'suwen[{extras}]'")
    assert sorted(nothing_installed.iterdir()) == before


@pytest.mark.parametrize("encoder", ["dictionary", "hmm"])
def test_requirements_of_simple_baselines_are_none(nothing_installed: Path, encoder: str) -> None:
    result = CliRunner().invoke(app, ["train", "corpus.jsonl", "-o", "out", "--encoder", encoder])
    assert result.exit_code == 0, result.output


def test_requirements_of_a_feature_crf_are_crfsuite_alone(nothing_installed: Path) -> None:
    result = CliRunner().invoke(app, ["train", "corpus.jsonl", "-o", "out", "--encoder", "feature-crf"])
    assert str(result.exception) == "S405 not installed: pycrfsuite; pip install 'suwen[train]'"


def test_requirements_name_all_that_is_missing_at_once(nothing_installed: Path) -> None:
    with pytest.raises(SuwenError, match=r"S405 not installed: jieba, onnx; pip install 'suwen\[export,augment\]'"):
        require_packages("jieba", "numpy", "onnx", "jieba")
    assert extras_of(["onnx", "jieba"]) == ["export", "augment"]


def test_requirements_of_the_plan_are_none() -> None:
    code = f"import sys; sys.modules |= dict.fromkeys({sorted(sum(EXTRAS.values(), ()))!r}); from suwen.cli import main"
    code += "; sys.argv = ['suwen', 'reproduce', '-o', 'none', '--dry-run']; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
