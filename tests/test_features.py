"""What a frozen encoder says is computed once: the same results, in any order, after any interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_sample import SAMPLE
from test_training import InterruptError, assert_same_weights, corpus, encoder_folder, interrupting, run, untrained
from tiny_masked_lm import write_tiny_masked_lm

from suwen.corpus.split import whole
from suwen.errors import SuwenError
from suwen.formats import read_corpus, write_corpus
from suwen.models.encoders import TransformerEncoder
from suwen.reproduction.material import write_material
from suwen.reproduction.profile import load_profile
from suwen.reproduction.system_run import DONE, Run, perform_run
from suwen.training import features
from suwen.training.batches import Collator
from suwen.training.build import TaggerParts, encode
from suwen.training.features import KeptFeatures, keep_features

FROZEN = ("encoder.transfer=feature-extraction", "head.name=bilstm-crf", "head.hidden=6", "optimization.epochs=2")


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.training.data.LEAST_ENTITIES_FOR_DEV", 1)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows the encoder computes at each call."""
    rows: list[int] = []
    forward = TransformerEncoder.forward

    def counting(self, input_ids, attention_mask):
        rows.append(len(input_ids))
        return forward(self, input_ids, attention_mask)

    monkeypatch.setattr(TransformerEncoder, "forward", counting)
    return rows


def frozen(folder: Path, documents: int = 6) -> tuple[TaggerParts, list]:
    start = untrained(folder, "encoder.transfer=feature-extraction", "encoder.dropout=0.5", "encoder.masking=0.5")
    return start, encode(whole(corpus(documents)), start)[0]


def kept(start: TaggerParts, examples: list, folder: Path, gigabytes: float = 1.0, **options) -> KeptFeatures | None:
    windows = [example.inputs for example in examples]
    return keep_features(start.tagger.encoder, windows, start.featurizer.padding, folder, gigabytes, **options)


def test_features_are_what_the_encoder_says(tmp_path: Path, computed: list[int]) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    found = kept(start, examples, tmp_path / "features")
    assert found is not None
    assert sum(computed) == len({example.inputs["input_ids"].tobytes() for example in examples}) < len(examples) * 2
    batch = Collator(start.featurizer.padding)(examples)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    computed.clear()
    looked_up = found(**inputs)
    assert not computed
    with torch.no_grad():
        direct = start.tagger.eval().encoder(**inputs)
    inside = inputs["attention_mask"].bool()
    torch.testing.assert_close(looked_up[inside], direct[inside], atol=1e-5, rtol=0)
    assert not looked_up[~inside].any()


def test_features_of_unknown_windows_are_computed(tmp_path: Path, computed: list[int]) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    found = kept(start, examples[:1], tmp_path / "features")
    assert found is not None
    batch = Collator(start.featurizer.padding)(examples)
    computed.clear()
    hidden = found(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    assert computed == [len(examples)]
    assert hidden.shape[:2] == batch["input_ids"].shape


def losses(model: Path) -> list[float]:
    rows = [json.loads(line) for line in (model / "log" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row[name] for row in rows for name in ("loss", "eval_loss") if name in row]


def test_features_kept_give_the_losses_of_features_computed_anew(tmp_path: Path, computed: list[int]) -> None:
    changes = (*FROZEN, f"encoder.name={encoder_folder(tmp_path / 'encoder')}")
    told: list[str] = []
    run(tmp_path / "kept", *changes, listener=lambda step: step.phase == "states" and told.append(step.message))
    once = sum(computed)
    assert len(told) == 1
    assert told[0].startswith(f"computing the frozen encoder's states of {once:,} windows (0.00 GB) once, into ")
    computed.clear()
    run(
        tmp_path / "anew",
        *changes,
        "optimization.features_gigabytes=0",
        listener=lambda step: step.phase == "states" and told.append(step.message),
    )
    assert sum(computed) > 2 * once
    assert "optimization.features_gigabytes is 0" in told[1]
    assert len(losses(tmp_path / "kept")) > 3
    assert losses(tmp_path / "kept") == pytest.approx(losses(tmp_path / "anew"), abs=1e-5)
    assert not list(tmp_path.rglob("*.states"))


def test_features_of_an_encoder_that_learns_are_not_kept(tmp_path: Path) -> None:
    told: list[str] = []
    run(
        tmp_path / "model",
        f"encoder.name={encoder_folder(tmp_path / 'encoder')}",
        listener=lambda step: step.phase == "states" and told.append(step.message),
    )
    assert not told


def test_features_of_pairs_are_kept_too(tmp_path: Path) -> None:
    run(tmp_path / "base", "optimization.epochs=1")
    frozen_base = ("encoder.transfer=feature-extraction", "optimization.epochs=2")
    for name, gigabytes in (("kept", 1), ("anew", 0)):
        limit = f"optimization.features_gigabytes={gigabytes}"
        run_from(tmp_path / name, tmp_path / "base", *frozen_base, limit)
    assert losses(tmp_path / "kept") == pytest.approx(losses(tmp_path / "anew"), abs=1e-5)


def run_from(output: Path, base: Path, *changes: str) -> None:
    from suwen.schema import Schema
    from suwen.training.config import BaseEncoder, load_training_config
    from suwen.training.taggers import select_data, train_tagger

    data = select_data(corpus(), None, "train", 0)
    settings = ["optimization.batch_tokens=128", "optimization.least_steps=0", *changes]
    config = load_training_config("best", settings=settings, base_encoder=BaseEncoder("bilstm"))
    train_tagger(data, output, config, Schema.of_labels(data.labels), base)


def test_features_survive_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suwen.training.schedule.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    changes = (*FROZEN, f"encoder.name={encoder_folder(tmp_path / 'encoder')}")
    run(tmp_path / "whole", *changes)
    with monkeypatch.context() as patch:
        patch.setattr(features, "pad", failing_at(2))
        patch.setattr(features, "BATCH_TOKENS", 64)
        with pytest.raises(InterruptError):
            run(tmp_path / "cut", *changes)
    with pytest.raises(InterruptError):
        run(tmp_path / "cut", *changes, resume=True, callbacks=[interrupting(3)])
    run(tmp_path / "cut", *changes, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "cut")


def failing_at(call: int):
    """`pad`, until it is called so often."""
    calls: list[int] = []

    def pad(*arguments):
        calls.append(1)
        if len(calls) == call:
            raise InterruptError
        return features_pad(*arguments)

    return pad


features_pad = features.pad

KILLED = """
import os, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from suwen.training import data, features
from test_training import run
data.LEAST_ENTITIES_FOR_DEV = 1
features.BATCH_TOKENS = 64
pad, calls = features.pad, []
def killing(*arguments):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), 9)
    return pad(*arguments)
features.pad = killing
output, *changes = {arguments!r}
run(Path(output), *changes)
"""


@pytest.mark.slow
def test_features_killed_while_they_are_computed_are_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "BATCH_TOKENS", 64)
    changes = (*FROZEN, f"encoder.name={encoder_folder(tmp_path / 'encoder')}")
    run(tmp_path / "whole", *changes)
    code = KILLED.format(paths=[str(Path(__file__).parent)], arguments=[str(tmp_path / "cut"), *changes])
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    assert list((tmp_path / "cut.training" / "features").iterdir())
    run(tmp_path / "cut", *changes, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "cut")


def test_features_are_shared_by_runs_and_bounded(tmp_path: Path, computed: list[int]) -> None:
    folder = tmp_path / "features"
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    assert kept(start, examples, folder) is not None
    computed.clear()
    assert kept(start, examples, folder) is not None
    assert not computed
    (first,) = folder.glob("*.states")
    with torch.no_grad():
        next(iter(start.tagger.encoder.parameters())).add_(1)
    assert kept(start, examples, folder) is not None
    assert computed
    second = next(path for path in folder.glob("*.states") if path != first)
    # Room for two: of these the one that was not used for longest has to go.
    os.utime(second, (time.time() - 60, time.time() - 60))
    size = first.stat().st_size
    assert kept(start, examples[:4], folder, 1.5 * size / features.GIGABYTE) is not None
    assert first.exists()
    assert not second.exists()


def test_features_that_are_too_large_are_not_kept(tmp_path: Path) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    told: list[str] = []
    assert (
        kept(
            start,
            examples,
            tmp_path / "features",
            1e-6,
            listener=lambda step: step.phase == "states" and told.append(step.message),
        )
        is None
    )
    assert told[0].endswith("are computed anew in every epoch: optimization.features_gigabytes is 1e-06")
    assert not (tmp_path / "features").exists()


def test_features_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    (tmp_path / "features").write_text("")
    with pytest.raises(SuwenError, match="S109"):
        kept(start, examples, tmp_path / "features")


def test_features_shorter_than_they_should_be_are_computed_again(tmp_path: Path, computed: list[int]) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    assert kept(start, examples, tmp_path / "features") is not None
    (file,) = (tmp_path / "features").glob("*.states")
    size = file.stat().st_size
    os.truncate(file, size - 4)
    computed.clear()
    assert kept(start, examples, tmp_path / "features") is not None
    assert computed
    assert file.stat().st_size == size


def test_features_removed_by_another_run_at_once_are_computed_anew(tmp_path: Path, monkeypatch) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    write = features._write

    def written_and_removed(*arguments):
        write(*arguments)
        arguments[4].unlink()

    monkeypatch.setattr(features, "_write", written_and_removed)
    told: list[str] = []
    assert (
        kept(
            start,
            examples,
            tmp_path / "features",
            listener=lambda step: step.phase == "states" and told.append(step.message),
        )
        is None
    )
    assert told[1].endswith("(another run may have made room) and are computed anew in every epoch")


def test_features_make_room_beside_another_run_that_does(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    # Found, but gone when it is looked at.
    (folder / "gone.states").symlink_to(tmp_path / "nothing")
    (folder / "old.states").write_bytes(b"0" * 8)
    features._make_room(folder, 4)
    assert not (folder / "old.states").exists()


def test_features_report_a_full_disk_in_one_line(tmp_path: Path) -> None:
    start, examples = frozen(encoder_folder(tmp_path / "encoder"))
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # For a writer the same as a full disk, and it needs no rights.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(
            SuwenError, match=r"^S124 .*\.states: cannot write: File too large; free disk space.*--resume$"
        ):
            kept(start, examples, tmp_path / "features")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not (tmp_path / "features").exists()


def test_features_are_shared_by_the_seeds_of_an_experiment(tmp_path: Path, computed: list[int]) -> None:
    profile = load_profile("smoke", ["fraction=0.4"])
    documents = read_corpus(SAMPLE)
    write_material(tmp_path, documents, profile, SAMPLE)
    generated = [replace(document, id=f"{document.id}.copy") for document in documents[:1]]
    write_corpus(generated, tmp_path / "augmented" / "group.jsonl", "jsonl")
    encoder = write_tiny_masked_lm(tmp_path / "encoder", max_position_embeddings=512)
    found = []
    for seed in (0, 1):
        computed.clear()
        run = Run("bert-fc-frozen", "group", seed)
        result = perform_run(tmp_path, run, profile, str(encoder), "key", "cpu", keep_model=False)
        assert result["state"] == DONE, result
        found.append(sum(computed))
    assert len(list((tmp_path / "features").glob("*.states"))) == 1
    # The second has the test part alone to compute.
    assert 0 < found[1] < found[0] / 2
