"""Models and encoders on a hub: names, what is downloaded, pinned commits, the cache, and one line for each failure."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import COMMIT, FakeHub, fake_hub, use_hub

import suwen
from suwen.bundled import bundled_encoder, model_path
from suwen.errors import SuwenError
from suwen.hub import find_on_hub, is_on_hub, origin_of
from suwen.models.catalog import encoder_width, find_encoder
from suwen.training.config import load_training_config

TEXT = "口服二甲双胍0.5g，每日三次"
MODEL, ENCODER = "clinic/ner", "clinic/encoder"
PINNED = f"hf://{MODEL}@{COMMIT}"
WARNING = "hf://clinic/ner: 2 files of other kinds are not downloaded: onnx/model.onnx, pytorch_model.bin"


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hub")
    shutil.copytree(model_path(None), folder / "model")
    (folder / "model" / "pytorch_model.bin").write_bytes(b"code")
    (folder / "model" / "onnx").mkdir()
    (folder / "model" / "onnx" / "model.onnx").write_bytes(b"other")
    (folder / "pickled").mkdir()
    (folder / "pickled" / "pytorch_model.bin").write_bytes(b"code")
    (folder / "pickled" / "config.json").write_text("{}")
    encoder = bundled_encoder("bundled")
    assert encoder is not None
    return {MODEL: folder / "model", ENCODER: encoder, "clinic/pickled": folder / "pickled"}


@pytest.fixture
def hub(repositories: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub of this process and of those that it starts, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    find_on_hub.cache_clear()
    with fake_hub(repositories, gated=frozenset({"clinic/gated"})) as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        yield hub
    find_on_hub.cache_clear()


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "suwen", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(words, capture_output=True, text=True, encoding="utf-8", env=env, check=False)


def test_hub_names_are_never_guessed() -> None:
    assert [is_on_hub(name) for name in ("hf://a/b", "hf:/a/b", "a/b", "hf/a", "bundled")] == [True, True] + [False] * 3


@pytest.mark.parametrize("name", ["", "ner", "a/b/c", "a/b@", "a/--b", "a/-b", "a b/c"])
def test_hub_refuses_malformed_names(hub: FakeHub, name: str) -> None:
    with pytest.raises(SuwenError, match="S521 "):
        find_on_hub(f"hf://{name}")
    assert not hub.requests


def test_hub_loads_a_model_by_name_and_by_path(hub: FakeHub) -> None:
    expected = suwen.load()(TEXT).entities
    assert suwen.load(f"hf://{MODEL}")(TEXT).entities == expected != ()
    assert suwen.load(Path(f"hf://{MODEL}"))(TEXT).entities == expected
    assert suwen.load(PINNED)(TEXT).entities == expected


def test_hub_downloads_only_files_without_code(hub: FakeHub, caplog: pytest.LogCaptureFixture) -> None:
    folder = find_on_hub(f"hf://{MODEL}")
    assert {file.name for file in folder.iterdir()} == {file.name for file in model_path(None).iterdir()}
    assert caplog.messages == [WARNING]
    assert origin_of(folder) == PINNED
    assert not [request for request in hub.requests if "pytorch_model.bin" in request or "onnx/model" in request]


def test_hub_asks_once_and_downloads_once(hub: FakeHub) -> None:
    find_on_hub(f"hf://{MODEL}")
    before = len(hub.requests)
    find_on_hub(f"hf://{MODEL}")
    assert len(hub.requests) == before
    find_on_hub.cache_clear()
    find_on_hub(f"hf://{MODEL}")
    assert not [request for request in hub.requests[before:] if request.startswith("GET") and "/resolve/" in request]


def test_hub_finds_what_is_cached_without_a_network(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = find_on_hub(f"hf://{MODEL}")
    find_on_hub.cache_clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    before = len(hub.requests)
    assert find_on_hub(f"hf://{MODEL}") == folder
    assert find_on_hub(PINNED) == folder
    with pytest.raises(SuwenError, match=f"S522 .*hf://{ENCODER} is not in the cache, and HF_HUB_OFFLINE is"):
        find_on_hub(f"hf://{ENCODER}")
    assert len(hub.requests) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clinic/gated", "hf://clinic/gated is gated; accept its terms on the website, then set HF_TOKEN"),
        ("clinic/none", "there is no model hf://clinic/none; check the name"),
        (f"{MODEL}@v9", f"there is no revision hf://{MODEL}@v9; name a branch"),
        ("clinic/pickled", r"hf://clinic/pickled has no weights in safetensors or ONNX \(it has pytorch_model.bin\)"),
    ],
)
def test_hub_reports_in_one_line_what_is_missing(hub: FakeHub, name: str, message: str) -> None:
    with pytest.raises(SuwenError, match=f"S522 not available from the Hugging Face Hub: {message}") as raised:
        find_on_hub(f"hf://{name}")
    assert "\n" not in str(raised.value)


def test_hub_reports_when_it_cannot_be_reached(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(SuwenError, match=r"S522 .*hf://clinic/ner: .*; check the network and HF_ENDPOINT") as raised:
        find_on_hub(f"hf://{MODEL}")
    assert "\n" not in str(raised.value)


def test_hub_needs_its_package(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SuwenError, match=r"S405 not installed: huggingface_hub; pip install 'suwen\[hub\]'"):
        suwen.load(f"hf://{MODEL}")


def test_hub_is_suggested_for_a_bare_name(hub: FakeHub) -> None:
    with pytest.raises(SuwenError, match=r"S523 clinic/ner: no such model folder; .* write hf://clinic/ner "):
        suwen.load(MODEL)
    with pytest.raises(SuwenError, match=r"S506 clinic/encoder: .*hf://clinic/encoder from the Hugging Face Hub"):
        find_encoder(ENCODER)
    assert not hub.requests


def test_hub_extraction_records_the_commit(hub: FakeHub) -> None:
    Path("note.txt").write_text(TEXT, encoding="utf-8")
    done = command("extract", "note.txt", "-o", "out.jsonl", "--model", f"hf://{MODEL}")
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, WARNING)
    document = json.loads(Path("out.jsonl").read_text(encoding="utf-8"))
    assert document["entities"]
    assert PINNED in json.dumps(document)
    offline = {"HF_HUB_OFFLINE": "1"}
    assert command("extract", "note.txt", "-o", "again.jsonl", "--model", PINNED, **offline).returncode == 0
    assert Path("again.jsonl").read_bytes() == Path("out.jsonl").read_bytes()
    missing = command("extract", "note.txt", "-o", "no.jsonl", "--model", f"hf://{ENCODER}", **offline)
    assert (missing.returncode, missing.stderr.count("\n"), missing.stdout) == (2, 1, "")
    assert missing.stderr.startswith("S522 ")


def test_hub_encoder_is_pinned_in_the_configuration(hub: FakeHub) -> None:
    config = load_training_config(options={"encoder.name": f"hf://{ENCODER}"})
    assert origin_of(Path(config.encoder.name)) == f"hf://{ENCODER}@{COMMIT}"
    assert find_encoder(f"hf://{ENCODER}") == Path(config.encoder.name)
    assert encoder_width(f"hf://{ENCODER}") == 128


def test_hub_training_records_the_commits(hub: FakeHub) -> None:
    entity = {"label": "Drug", "start": 2, "end": 6}
    lines = [json.dumps({"id": f"{i}", "text": f"口服二甲双胍{i}。", "entities": [entity]}) for i in range(3)]
    Path("corpus.jsonl").write_text("\n".join(lines), encoding="utf-8")
    short = ["optimization.epochs=1", "optimization.least_steps=1"]
    suwen.train("corpus.jsonl", "with", encoder=f"hf://{ENCODER}", settings=short)
    manifest = json.loads(Path("with/manifest.json").read_text(encoding="utf-8"))
    assert manifest["configuration"]["encoder"]["name"] == f"hf://{ENCODER}@{COMMIT}"
    suwen.train("corpus.jsonl", "from", base=f"hf://{MODEL}", settings=short)
    manifest = json.loads(Path("from/manifest.json").read_text(encoding="utf-8"))
    assert manifest["base"] == PINNED
