"""The benchmarks of the small encoders: what is kept of a pre-trained one, and how the recipes are compared."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file
from test_sample import SAMPLE
from typer.testing import CliRunner

from suwen.cli import app
from suwen.files import read_json
from suwen.models.encoders import TransformerEncoder

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PRETRAINING = ("--set", "model.hidden=16", "--set", "model.layers=1", "--set", "model.attention_heads=1")
SHORT = (
    "--set",
    "optimization.steps=2",
    "--set",
    "data.lengths=[32]",
    "--set",
    "optimization.batch_tokens=64",
    "--set",
    "data.held_out=0.1",
)


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A benchmark whose command lines are run in this process."""

    def suwen(*arguments: object) -> str:
        done = CliRunner().invoke(app, [str(one) for one in arguments])
        assert done.exit_code == 0, done.stderr
        return done.stdout

    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = import_module(name)
    for other in ("runs", "curves", "small_encoders", "bundled"):
        if other in sys.modules and hasattr(sys.modules[other], "suwen"):
            monkeypatch.setattr(sys.modules[other], "suwen", suwen)
    return module


def pretrained(folder: Path, text: Path, *options: str) -> Path:
    command = ["pretrain", str(text), "--strategy", "roberta", "-o", str(folder), *SHORT, *options]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.stderr
    return folder


def test_small_encoders_are_kept_in_16_bits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = benchmark("small_encoders", monkeypatch)
    text = tmp_path / "text.txt"
    lines = (f"患者{i}口服二甲双胍治疗,空腹血糖明显下降。\n" for i in range(200))
    text.write_text("".join(lines), encoding="utf-8")
    warm = pretrained(tmp_path / "warm", text, *PRETRAINING)
    source = pretrained(tmp_path / "roberta", text, "--from", str(warm))
    module.keep(source, tmp_path / "kept", "encoders/roberta")
    kept = load_file(tmp_path / "kept" / "model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float16}
    ids, mask = torch.tensor([[3, 7, 8, 9]]), torch.ones(1, 4, dtype=torch.long)
    hidden = [TransformerEncoder.from_folder(place).eval()(ids, mask) for place in (source, tmp_path / "kept")]
    assert torch.allclose(*hidden, atol=2e-2)
    card = (tmp_path / "kept" / "README.md").read_text(encoding="utf-8")
    assert "0.0 million characters by plain masked-language modeling, then 0.0 million characters" in card
    assert "--encoder encoders/roberta" in card
    manifest = read_json(tmp_path / "kept" / "manifest.json")
    assert set(manifest["files"]) == {path.name for path in (tmp_path / "kept").iterdir()} - {
        "README.md",
        "manifest.json",
    }
    assert str(tmp_path) not in json.dumps(manifest)


def test_small_encoders_are_compared_at_each_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    curves = benchmark("curves", monkeypatch)
    encoders = benchmark("encoders", monkeypatch)
    monkeypatch.setattr(curves, "BUDGETS", {50: curves.Budget(4, 512)})
    # Not every processor has bf16.
    monkeypatch.setattr(curves, "PRECISION", "fp32")
    monkeypatch.setattr(encoders, "EPOCHS", ("--set", "optimization.epochs=1"))
    monkeypatch.setattr(encoders, "PROTOCOL", ("--set", "optimization.epochs=1", "--set", "optimization.least_steps=0"))
    runs, results = tmp_path / "runs", tmp_path / "results"
    command = ["encoders.py", str(SAMPLE), "--runs", str(runs), "--encoders", str(tmp_path), "-o", str(results)]
    command += ["--shares", "50,100", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", [*command, "--only", "bilstm-crf,mini-roberta"])
    encoders.main()
    # The learning curves find the same runs.
    assert (runs / "bilstm-none-50-s1.test.json").is_file()
    assert (runs / "mini-none-50-s1").is_dir()
    monkeypatch.setattr(sys, "argv", [*command, "--collect"])
    encoders.main()
    rows = json.loads((results / "results.json").read_text(encoding="utf-8"))
    assert [(row["share"], row["system"]) for row in rows] == [
        (50, "bilstm-crf"),
        (50, "mini-roberta"),
        (100, "bilstm-crf"),
        (100, "mini-roberta"),
    ]
    difference = rows[3]["against"]["bilstm-crf"]["difference"]
    assert difference == pytest.approx(rows[3]["f1"][0] - rows[2]["f1"][0])
    assert rows[0]["documents"] < rows[2]["documents"]
    assert rows[0]["dev_f1"] == []
    assert len(rows[2]["dev_f1"]) == 1
    page = (results / "README.md").read_text(encoding="utf-8")
    assert page.count("| mini-roberta |") == 2


def test_larger_encoders_are_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    larger = benchmark("larger_encoder", monkeypatch)
    monkeypatch.setattr(larger, "PRECISION", "fp32")
    monkeypatch.setattr(larger, "TAGGER", ("--set", "optimization.epochs=1", "--set", "optimization.least_steps=0"))
    runs, text = tmp_path / "runs", tmp_path / "text.txt"
    runs.mkdir()
    text.write_text("".join(f"患者{i}口服二甲双胍治疗。\n" for i in range(100)), encoding="utf-8")
    changes = [*PRETRAINING[1::2], *SHORT[3::2], "data.workers=0", "data.segmenter=none"]
    command = ["larger_encoder.py", str(SAMPLE), "--texts", str(text), "--runs", str(runs), "--device", "cpu"]
    command += ["--steps", "2", *(part for change in changes for part in ("--set", change))]
    monkeypatch.setattr(sys, "argv", command)
    larger.main()
    first = capsys.readouterr().out
    assert "held-out loss" in first
    assert "dev precision" in first
    written = (runs / "tagger-small" / "manifest.json").stat().st_mtime_ns
    larger.main()
    assert (runs / "tagger-small" / "manifest.json").stat().st_mtime_ns == written
    assert capsys.readouterr().out.splitlines()[-2:] == first.splitlines()[-2:]
    left_out = read_json(runs / "encoder-small" / "manifest.json")["excluded"]["documents"]
    parts = read_json(runs / "split-group.json")["parts"]
    assert left_out == sorted(row[0] for part in ("dev", "test") for row in parts[part])


def test_bundled_model_goes_from_states_to_the_bundled_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundled = benchmark("bundled_model", monkeypatch)
    few = ("optimization.epochs=1", "optimization.least_steps=0", "evaluation.stop=never")
    for name in ("COMMON", "CONTINUED"):
        monkeypatch.setattr(bundled, name, tuple(part for change in few for part in ("--set", change)))
    monkeypatch.setattr(bundled, "TRANSFORMER", ("--set", "inputs.length=100", "--set", "inputs.pack=40"))
    monkeypatch.setattr(bundled, "STATE_WIDTH", 4)
    published = []  # a model of one epoch has no confidences to draw
    monkeypatch.setattr(bundled, "publish", lambda first, figures: published.append((first.name, *figures)))
    monkeypatch.setattr(bundled, "model_path", lambda name: tmp_path / "installed")
    for name, layers in (("ONE_LAYER", 1), ("TWO_LAYERS", 2), ("STUDENT", 2)):
        monkeypatch.setattr(bundled, name, (layers, 8))
    runs, unlabeled = tmp_path / "runs", tmp_path / "unlabeled"
    for folder in (runs, unlabeled):
        folder.mkdir()
    document = sorted(SAMPLE.glob("201_*.txt"))[0].stem
    for name in ("901_1", f"{document.split('_')[0]}_99"):
        (unlabeled / f"{name}.txt").write_text(f"{name}例患者口服二甲双胍治疗。\n" * 30, encoding="utf-8")
    (tmp_path / "text.txt").write_text("空腹血糖明显下降,二甲双胍有效。\n" * 300, encoding="utf-8")
    (tmp_path / "words.txt").write_text("2 2\n血糖 1 0\n患者 0 1\n", encoding="utf-8")
    changes = ("model.hidden=8", "model.embedding=8", "data.held_out=0.1", "optimization.batch_tokens=512")
    steps = [part for change in (*changes, "optimization.steps=2") for part in ("--set", change)]
    pretrain = ["pretrain", str(SAMPLE), str(tmp_path / "text.txt"), "--encoder", "bilstm", *steps]
    assert CliRunner().invoke(app, [*pretrain, "-o", str(tmp_path / "encoder")]).exit_code == 0
    command = ["bundled_model.py", str(SAMPLE), "--encoder", str(tmp_path / "encoder"), "--unlabeled", str(unlabeled)]
    command += ["--words", str(tmp_path / "words.txt"), "--runs", str(runs), "--install"]
    monkeypatch.setattr(sys, "argv", command)
    bundled.main()
    assert published == [("bundled-group", "dev", "test")]
    installed, first = (read_json(folder / "suwen.json") for folder in (tmp_path / "installed", runs / "bundled-group"))
    assert installed["least_confidence"] == first["least_confidence"]
    assert installed["windows"]["context"] == first["windows"]["context"] == bundled.CONTEXT
    assert "of four other models" in (tmp_path / "installed" / "README.md").read_text(encoding="utf-8")
    for part in ("group", "all"):
        expected = [f"untaught-{part}", f"one-layer-{part}", f"two-layers-{part}", "transformer"]
        for model, names in (("student", expected), ("bundled", [f"student-{part}"])):
            manifest = read_json(runs / f"{model}-{part}" / "manifest.json")
            assert [teacher["name"] for teacher in manifest["distillation"]["teachers"]] == names
    parts = read_json(runs / "split-group.json")["parts"]
    held_out = {row[0].split("_")[0] for part in ("dev", "test") for row in parts[part]}
    kept = {"901_1"} | ({f"{document.split('_')[0]}_99"} if "201" not in held_out else set())
    assert {path.stem for path in (runs / "unlabeled").iterdir()} == kept
    trained = [path for path in runs.rglob("manifest.json") if path.parent.name != bundled.NAME]
    written = [path.stat().st_mtime_ns for path in trained]
    bundled.main()
    assert written == [path.stat().st_mtime_ns for path in trained]
