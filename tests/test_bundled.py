"""The bundled model: complete, small, quick to start, and named in one word."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import suwen
from suwen.augmentation.masked_lm import MaskedLanguageModel
from suwen.bundled import BUNDLED, bundled_encoder, model_path
from suwen.cli import app
from suwen.model_folder import read_model_folder
from suwen.models.catalog import find_encoder
from suwen.training.config import load_training_config

TEXT = "2型糖尿病患者口服二甲双胍0.5g,每日三次。"
TO_RUN = ("suwen.json", "vocab.txt", "lexicon.npy", "tokenizer.json", "manifest.json", "model.int8.onnx")


@pytest.mark.parametrize("name", [None, BUNDLED])
def test_bundled_finds_entities_without_being_named(name: str | None) -> None:
    ner = suwen.load(name) if name else suwen.load()
    document = ner(TEXT)
    found = {(entity.label, document.mention(entity)) for entity in document.entities}
    assert {("Disease", "2型糖尿病"), ("Drug", "二甲双胍"), ("Amount", "0.5g"), ("Frequency", "每日三次")} <= found
    assert all(0 < entity.score < 1 for entity in document.entities)


def test_bundled_gives_way_to_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_path(BUNDLED) == model_path(None) != Path(BUNDLED)
    Path(BUNDLED).mkdir()
    assert model_path(BUNDLED) == Path(BUNDLED)
    assert model_path(None) != Path(BUNDLED)


@pytest.mark.parametrize("name", ["carried", Path("carried")])
def test_bundled_is_found_by_its_former_name(name, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_path(name) == model_path(None)
    assert find_encoder(str(name)) == bundled_encoder(BUNDLED)
    assert load_training_config(options={"encoder.name": str(name)}).encoder.name == BUNDLED
    Path(name).mkdir()
    assert model_path(name) == Path(name)
    assert bundled_encoder(str(name)) is None


def test_bundled_is_small_enough_and_names_its_origin() -> None:
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


def test_bundled_runs_from_the_command_line_without_torch(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text(TEXT, encoding="utf-8")
    code = "import sys; sys.modules['torch'] = None; from suwen.cli import main; main()"
    command = [sys.executable, "-c", code, "extract", "note.txt", "-o", "out.jsonl"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [entity["label"] for entity in json.loads(line)["entities"]][:2] == ["Disease", "Method"]


def test_bundled_can_be_trained_on_with_labels_of_ones_own(tmp_path: Path) -> None:
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
        app, ["train", str(corpus), "-o", str(tmp_path / "model"), "--from", BUNDLED, *options], catch_exceptions=False
    )
    assert result.exit_code == 0
    document = suwen.load(tmp_path / "model")("患者口服西格列汀治疗。")
    assert [(entity.label, document.mention(entity)) for entity in document.entities] == [("medicine", "西格列汀")]
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["base"] == "suwen-mini"


def test_bundled_encoder_trains_a_tagger(tmp_path: Path) -> None:
    corpus = {
        "id": "1",
        "text": TEXT,
        "entities": [{"label": "Disease", "start": 0, "end": 5}, {"label": "Drug", "start": 9, "end": 13}],
    }
    (tmp_path / "one.jsonl").write_text(json.dumps(corpus, ensure_ascii=False) + "\n", encoding="utf-8")
    command = ["train", str(tmp_path / "one.jsonl"), "-o", str(tmp_path / "model"), "--encoder", BUNDLED]
    command += ["--set", "optimization.epochs=1", "--set", "optimization.least_steps=1", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.stderr
    configuration = json.loads(done.stdout)["configuration"]
    assert configuration["encoder"]["name"] == BUNDLED
    # The rate that its width asks for, not that of the published size.
    assert configuration["optimization"]["learning_rate"] > 1e-3


def test_bundled_encoder_predicts_likely_characters() -> None:
    folder = bundled_encoder(BUNDLED)
    assert folder is not None
    assert sum(path.stat().st_size for path in folder.iterdir()) < 10_000_000
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["held_out"]["loss"] < 0.5 * manifest["held_out"]["unigram_loss"]
    model = MaskedLanguageModel.from_folder(folder)
    likely, unlikely = (model.log_probability(text)[0] for text in ("患者口服二甲双胍治疗。", "患者口甲服双胍二治疗。"))
    assert likely > unlikely + 5


def test_bundled_encoder_gives_way_to_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bundled_encoder(BUNDLED) is not None
    assert bundled_encoder("roberta") is None
    Path(BUNDLED).mkdir()
    assert bundled_encoder(BUNDLED) is None


def test_bundled_leaves_nothing_in_the_home_folder(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", f"import suwen; suwen.load()({TEXT!r})"], check=True, env=environment)
    assert not list(tmp_path.iterdir())


def test_bundled_reads_many_strings() -> None:
    ner = suwen.load()
    first, second = ner.pipe([TEXT, "无。"])
    assert (first.id, first.entities, second.id) == ("text1", ner(TEXT).entities, "text2")
