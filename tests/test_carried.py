"""The model that suwen carries: there, whole, small, quick to start, and named in one word."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import suwen
from suwen.carried import CARRIED, model_path
from suwen.cli import app
from suwen.model_folder import read_model_folder

TEXT = "2型糖尿病患者口服二甲双胍0.5g,每日三次。"
TO_RUN = ("suwen.json", "vocab.txt", "tokenizer.json", "manifest.json", "model.int8.onnx")


@pytest.mark.parametrize("name", [None, CARRIED])
def test_carried_finds_entities_without_being_named(name: str | None) -> None:
    ner = suwen.load(name) if name else suwen.load()
    document = ner(TEXT)
    found = {(entity.label, document.mention(entity)) for entity in document.entities}
    assert {("Disease", "2型糖尿病"), ("Drug", "二甲双胍"), ("Amount", "0.5g"), ("Frequency", "每日三次")} <= found
    assert all(0 < entity.score < 1 for entity in document.entities)


def test_carried_gives_way_to_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_path(CARRIED) == model_path(None) != Path(CARRIED)
    Path(CARRIED).mkdir()
    assert model_path(CARRIED) == Path(CARRIED)
    assert model_path(None) != Path(CARRIED)


def test_carried_is_small_enough_and_says_where_it_comes_from() -> None:
    folder = model_path(None)
    model = read_model_folder(folder)
    assert sum((folder / name).stat().st_size for name in TO_RUN) < 30_000_000
    assert len(model.settings.schema.labels) == 15
    assert model.settings.calibration is not None
    assert set(model.manifest["scores"]) == {"dev", "test"}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"license: {model.manifest['license']}" in card
    assert all(heading in card for heading in ("## Intended use", "## Limits", "## Training data", "## License"))
    values = json.dumps(model.manifest)
    assert "/" not in model.manifest["configuration"]["encoder"]["name"], values


def test_carried_runs_from_the_command_line_without_torch(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text(TEXT, encoding="utf-8")
    code = "import sys; sys.modules['torch'] = None; from suwen.cli import main; main()"
    command = [sys.executable, "-c", code, "extract", "note.txt", "-o", "out.jsonl"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [entity["label"] for entity in json.loads(line)["entities"]][:2] == ["Disease", "Method"]


def test_carried_can_be_trained_on_with_labels_of_ones_own(tmp_path: Path) -> None:
    lines = [
        {
            "id": f"{i}",
            "text": f"患者口服{drug}治疗。",
            "entities": [{"label": "medicine", "start": 4, "end": 4 + len(drug)}],
        }
        for i, drug in enumerate(["二甲双胍", "阿卡波糖", "格列美脲", "利拉鲁肽"])
    ]
    corpus = tmp_path / "mine.jsonl"
    corpus.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    options = ["--set", "optimization.epochs=2", "--set", "optimization.least_steps=20"]
    result = CliRunner().invoke(
        app, ["train", str(corpus), "-o", str(tmp_path / "model"), "--from", CARRIED, *options], catch_exceptions=False
    )
    assert result.exit_code == 0
    document = suwen.load(tmp_path / "model")("患者口服西格列汀治疗。")
    assert [(entity.label, document.mention(entity)) for entity in document.entities] == [("medicine", "西格列汀")]
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["base"] == "suwen-mini"
