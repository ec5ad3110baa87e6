"""The package as installed: the wheel alone, its licenses, other processes, and the former release."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from email import message_from_bytes
from email.message import Message
from importlib.metadata import Distribution, distribution
from multiprocessing import get_context
from pathlib import Path

import pytest

import suwen
from suwen.bundled import model_path
from suwen.cli import main
from suwen.model_folder import FORMAT_VERSION

ROOT = Path(__file__).parents[1]
FORMER = Path(__file__).parent / "former_release"
"""Models and working folders as the code before the packages moved wrote them."""
TEXT = "患者口服二甲双胍治疗。"
EXPRESSION = "Apache-2.0 AND CC-BY-NC-4.0"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel installs."""
    pytest.importorskip("hatchling", reason="builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*install, str(folder / "site"), str(wheel)], check=True, capture_output=True)
    return folder / "site"


def run(installed: Path, folder: Path, *arguments: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_package_works_without_its_sources(installed: Path, tmp_path: Path) -> None:
    imported = run(installed, tmp_path, "-c", "import suwen, suwen.cli; print(suwen.__file__, suwen.cli.__file__)")
    assert all(Path(path).is_relative_to(installed) for path in imported.split())
    version, licenses = run(installed, tmp_path, "-m", "suwen", "--version").splitlines()
    assert version == suwen.__version__
    assert "non-commercial" in licenses
    data = installed / "suwen" / "data"
    stats = json.loads(run(installed, tmp_path, "-m", "suwen", "corpus", "stats", data / "sample", "--json"))
    assert stats == json.loads(run(ROOT / "src", tmp_path, "-m", "suwen", "corpus", "stats", data / "sample", "--json"))
    for target in ("out.jsonl", "out.html"):
        run(installed, tmp_path, "-m", "suwen", "extract", data / "article", "-o", target)
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["entities"]


def test_package_names_one_release() -> None:
    version = re.escape(suwen.__version__)
    for page, line in {
        "CITATION.cff": rf"version: {version}",
        "CHANGELOG.md": rf"## \[{version}\] - \d{{4}}-\d\d-\d\d",
    }.items():
        assert re.search(f"^{line}$", (ROOT / page).read_text("utf-8"), re.MULTILINE), page


def test_package_carries_every_file_of_its_folder(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if "__pycache__" not in path.parts}

    assert files(installed / "suwen") == files(ROOT / "src" / "suwen")


def test_package_has_the_page_in_its_sources_too(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="builds the source distribution")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    page = ROOT / "src" / "suwen" / "web" / "static"
    files = {path.relative_to(ROOT).as_posix() for path in page.rglob("*") if path.is_file()}
    assert "src/suwen/web/static/index.html" in files
    assert files <= packed


def test_package_keeps_no_generated_file_in_its_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout == ""


def test_package_states_its_licenses(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info")
    values: Message = message_from_bytes((metadata / "METADATA").read_bytes())
    assert values["License-Expression"] == EXPRESSION
    assert set(values.get_all("License-File", [])) == {"LICENSE", "LICENSES/CC-BY-NC-4.0.txt", "NOTICE"}
    texts = {
        name: (metadata / "licenses" / name).read_text(encoding="utf-8") for name in values.get_all("License-File")
    }
    assert "Apache License" in texts["LICENSE"]
    assert "NonCommercial 4.0 International Public License" in texts["LICENSES/CC-BY-NC-4.0.txt"]
    assert "THULAC" in texts["NOTICE"]
    (entry,) = Distribution.at(metadata).entry_points.select(group="spacy_factories")
    assert (entry.name, entry.value) == ("suwen", "suwen.spacy:make_component")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "NOTICE", "src/suwen/data/README.md"])
def test_package_reports_that_the_weights_are_for_non_commercial_use(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "CC BY-NC 4.0" in text
    assert "non-commercial use" in text or "非商业用途" in text


@pytest.mark.parametrize("name", ["suwen-mini", "suwen-mini-encoder", "suwen-relations"])
def test_package_has_cards_that_state_the_license_of_the_weights(name: str) -> None:
    card = (model_path(None).parent / name / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-nc-4.0" in card
    assert "For non-commercial use only." in card


def test_package_has_entry_points_that_can_be_loaded() -> None:
    entries = distribution("suwen").entry_points
    assert {(entry.group, entry.name) for entry in entries} == {
        ("console_scripts", "suwen"),
        ("spacy_factories", "suwen"),
    }
    assert all(callable(entry.load()) for entry in entries if entry.group == "console_scripts")


def found_here(path: Path | None) -> list[tuple[str, int, int]]:
    return [entity.key for entity in suwen.load(path)(TEXT).entities]


def test_package_is_imported_by_a_spawned_process() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        assert executor.submit(found_here, None).result() == found_here(None) != []


@pytest.mark.parametrize("name", ["dictionary", "feature-crf"])
def test_package_reads_models_of_the_former_release(name: str) -> None:
    assert found_here(FORMER / name) == [("Drug", 4, 8)]


def test_package_keeps_the_format_of_model_folders() -> None:
    for folder in (model_path(None), *FORMER.iterdir()):
        settings = json.loads((folder / "suwen.json").read_text(encoding="utf-8"))
        assert settings["format_version"] == FORMAT_VERSION


@pytest.mark.parametrize(
    ("job", "record", "command"),
    [
        ("extraction", {"release of suwen": "0.0.9"}, ["extract", "text.txt"]),
        ("training", {"data": {}}, ["train", "corpus.jsonl", "--encoder", "bilstm"]),
        ("training", {"texts": []}, ["pretrain", "text.txt", "--strategy", "roberta", "--set", "data.held_out=0.5"]),
        ("unfinished", {"data": {}}, ["augment", "corpus.jsonl", "--method", "mention"]),
    ],
)
def test_package_refuses_the_working_folder_of_another_release(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    job: str,
    record: dict[str, object],
    command: list[str],
) -> None:
    (tmp_path / "text.txt").write_text("".join(f"第{i}名患者口服二甲双胍。\n" for i in range(40)), encoding="utf-8")
    entity = {"label": "Drug", "start": 4, "end": 8}
    lines = [{"id": f"{i}", "text": TEXT, "entities": [entity]} for i in range(2)]
    (tmp_path / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    work = tmp_path / f"out.{job}"
    work.mkdir()
    (work / "run.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["suwen", *command, "-o", "out", "--resume"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    expected = f"S508 {work.name}: the earlier run differs in release of suwen; "
    assert capsys.readouterr().err.splitlines()[-1].startswith(expected)
    assert (work / "run.json").is_file()
