"""Character language models: streams, streams with kept states, resumption, and taggers that read their states."""

import json
import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fake_hub import COMMIT, fake_hub, use_hub
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from safetensors.torch import load_file
from typer.testing import CliRunner

from suwen import pretrain
from suwen.cli import app
from suwen.corpus.split import whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.exporting.tagger import export_model
from suwen.files import write_json
from suwen.formats import write_corpus
from suwen.hub import find_on_hub
from suwen.loading import load
from suwen.models.encoders import RecurrentEncoder
from suwen.models.language_model import (
    JoinedEncoders,
    LanguageModel,
    StackedEncoder,
    frozen_encoder,
    read_frozen,
)
from suwen.models.recurrent import mirrored
from suwen.models.weights import read_tagger
from suwen.pretraining.config import load_language_model_config
from suwen.pretraining.language_model import HeldOutStreams, StreamBatches, TrainedLanguageModel
from suwen.pretraining.muon import Muon, orthogonalized
from suwen.pretraining.pretrain_language_model import pretrain_language_model
from suwen.pretraining.text_cache import TextCache
from suwen.pretraining.texts import Texts
from suwen.schema import Schema
from suwen.schemes import scheme_named
from suwen.tagging.vocabulary import CLS, MASK, PAD, SEP, UNK, CharacterVocabulary
from suwen.training.build import build
from suwen.training.config import BaseEncoder, load_training_config

TINY = (
    "model.embedding=8",
    "model.hidden=8",
    "data.held_out=0.1",
    "data.length=8",
    "optimization.batch_tokens=32",
    "optimization.steps=6",
    "evaluation.steps=3",
)
TEXT = "糖尿病患者口服二甲双胍,每日三次。停用阿卡波糖。"
DOCUMENTS = [
    Document(str(i), TEXT[i:] * (1 + i % 3), (Entity("Drug", 0, 2), Entity("Disease", 3, 5))) for i in range(6)
]


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    draw = np.random.default_rng(3)
    path = tmp_path / "text.txt"
    lines = [f"{i}例{draw.choice(['糖尿病', '高血压'])}患者口服二甲双胍,血糖下降。\n" for i in range(80)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run(output: Path, text: Path, *changes: str, **options):
    return pretrain_language_model(Texts((text,)), output, load_language_model_config([*TINY, *changes]), **options)


def text_cache(train: list[int], held_out: list[int], size: int = 12) -> TextCache:
    tokens = (PAD, UNK, CLS, SEP, MASK, *map(chr, range(0x4E00, 0x4E00 + size - 5)))
    arrays = (np.array(ids, np.uint16) for ids in (train, held_out))
    return TextCache(CharacterVocabulary(tokens), *arrays, [], Path())


@settings(deadline=None)
@given(st.integers(20, 200), st.integers(1, 4), st.integers(1, 6))
def test_stream_batches_go_on_where_the_last_one_ended(length, rows, width) -> None:
    text = text_cache(list(range(length)), [0] * 30, 205)
    if (length // rows - 1) // width < 1:
        with pytest.raises(SuwenError, match="S520"):
            StreamBatches(text, rows, width, 5, 0.0, 0)
        return
    batches = StreamBatches(text, rows, width, 3 * length, 0.0, 0)
    first, second = batches[0]["ids"], batches[1]["ids"]
    assert first.shape == (2, rows, width + 1)
    assert not batches[0]["continued"].any()
    if batches.steps_per_pass > 1:
        assert batches[1]["continued"].all()
        torch.testing.assert_close(first[:, :, -1], second[:, :, 0])
    else:
        assert not batches[1]["continued"].any()
    # The forward stream counts up and the backward one down, but where the text ends.
    steps = first[:, :, 1:] - first[:, :, :-1]
    assert set(steps[0].flatten().tolist()) <= {1, 1 - length}
    assert set(steps[1].flatten().tolist()) <= {-1, length - 1}


def test_stream_batches_depend_on_their_number_alone() -> None:
    text = text_cache(list(range(100)), [0] * 30, 105)
    ahead, back = (StreamBatches(text, 2, 8, 40, 0.5, 7) for _ in range(2))
    forwards = [ahead[step] for step in range(40)]
    for step in reversed(range(40)):
        for name, tensor in back[step].items():
            assert torch.equal(tensor, forwards[step][name])
    assert 0.3 < torch.stack([one["continued"] for one in forwards]).float().mean() < 0.6


def test_held_out_streams_score_every_character_but_the_first() -> None:
    text = text_cache([5, 6, 7] * 20, [5, 6, 7, 5, 6, 8, 9, 10, 11], 12)
    held_out = HeldOutStreams(text, 1000, 64)
    (batch,) = held_out.batches
    assert batch["ids"][0].tolist() == [[5, 6, 7, 5, 6, 8, 9, 10, 11]]
    assert batch["ids"][1].tolist() == [[11, 10, 9, 8, 6, 5, 7, 6, 5]]
    assert len(held_out.targets) == 8
    assert held_out.unigram_loss(text) > 0


def test_language_model_carries_states_between_batches() -> None:
    torch.manual_seed(0)
    model = TrainedLanguageModel(LanguageModel(20, 6, 5, layers=2), np.arange(20), rows=3).eval()
    ids = torch.randint(20, (2, 3, 13))
    continued = torch.ones(2, 3, dtype=torch.bool)
    whole_loss = model(ids, torch.zeros_like(continued))["loss"]
    at_end = model.states.clone()
    first = model(ids[:, :, :7], torch.zeros_like(continued))["loss"]
    second = model(ids[:, :, 6:], continued)["loss"]
    torch.testing.assert_close((first + second) / 2, whole_loss)
    torch.testing.assert_close(model.states, at_end)
    alone = model(ids[:, :, 6:])["loss"]
    assert not torch.isclose(alone, second)


def test_language_model_reads_each_sequence_by_itself() -> None:
    torch.manual_seed(0)
    model = LanguageModel(20, 6, 5, layers=2)
    ids = torch.randint(20, (3, 9))
    lengths = torch.tensor([9, 4, 1])
    mask = (torch.arange(9) < lengths[:, None]).long()
    states = model(ids, mask)
    for row, length in enumerate(lengths):
        alone = model(ids[row : row + 1, :length], torch.ones(1, int(length), dtype=torch.long))
        torch.testing.assert_close(states[row, :length], alone[0])
    # Neither direction sees what comes next for it.
    changed = ids.clone()
    changed[0, 5] = (changed[0, 5] + 1) % 20
    other = model(changed, mask)
    torch.testing.assert_close(states[0, :5, :5], other[0, :5, :5])
    torch.testing.assert_close(states[0, 6:, 5:], other[0, 6:, 5:])
    assert not torch.allclose(states[0, 5:, :5], other[0, 5:, :5])


def test_mirrored_twice_is_the_sequence() -> None:
    values, lengths = torch.randn(3, 7, 2), torch.tensor([7, 5, 1])
    inside = torch.arange(7) < lengths[:, None]
    torch.testing.assert_close(mirrored(mirrored(values, lengths), lengths)[inside], values[inside])


def test_muon_makes_singular_values_alike() -> None:
    torch.manual_seed(0)
    for shape in ((2, 16, 8), (2, 8, 16)):
        values = torch.linalg.svdvals(orthogonalized(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_muon_lowers_a_loss_and_leaves_other_parameters_to_adam() -> None:
    torch.manual_seed(0)
    layer = torch.nn.LSTM(4, 4, batch_first=True)
    matrices = [parameter for parameter in layer.parameters() if parameter.ndim == 2]
    biases = [parameter for parameter in layer.parameters() if parameter.ndim == 1]
    optimizer = Muon(matrices, [{"params": biases, "weight_decay": 0.0}], 0.02)
    inputs, targets = torch.randn(8, 5, 4), torch.rand(8, 5, 4) - 0.5
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (layer(inputs)[0] - targets).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert "momentum" in optimizer.state[matrices[0]]
    assert "exp_avg" in optimizer.state[biases[0]]
    assert len(optimizer.param_groups) == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("model.hiden=3", "S401.*did you mean 'model.hidden'"),
        ("model.zzz=3", "S401.*known here: .*model.hidden, "),
        ("data.length=9999", "S402.*data.length"),
        ("optimization.steps=0", "S402.*optimization.steps"),
        ("evaluation.characters=1", "S402.*evaluation.characters"),
    ],
)
def test_config_of_language_models_refuses_what_makes_no_sense(change, expected) -> None:
    with pytest.raises(SuwenError, match=expected):
        load_language_model_config([change])


def test_run_writes_a_folder_in_half_precision_with_losses(tmp_path, text_file) -> None:
    manifest = run(tmp_path / "encoder", text_file)
    assert manifest["training"]["steps"] == 6
    assert manifest["held_out"]["loss"] > 0
    assert {"config.json", "manifest.json", "model.safetensors", "vocab.txt"} <= {
        path.name for path in (tmp_path / "encoder").iterdir()
    }
    assert not (tmp_path / "encoder.training").exists()
    tensors = load_file(tmp_path / "encoder" / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert manifest["training"]["kept_parameters"] == sum(tensor.numel() for tensor in tensors.values())
    model = read_frozen(tmp_path / "encoder")
    assert model.options["hidden"] == 8
    assert model.characters.weight.dtype == torch.float32


def test_run_that_was_killed_ends_with_the_same_weights(tmp_path, text_file) -> None:
    script = (
        "import os, signal, sys, test_language_model as t\n"
        "from pathlib import Path\n"
        "from transformers import TrainerCallback\n"
        "class Killer(TrainerCallback):\n"
        "    def on_step_end(self, args, state, control, **_):\n"
        "        if state.global_step == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.run(Path(sys.argv[2]), Path(sys.argv[1]), 'model.dropout=0.1', callbacks=[Killer()])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", script, str(text_file), str(tmp_path / "resumed")], env=environment, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "resumed.training" / "checkpoint-3" / "complete").is_file()
    with pytest.raises(SuwenError, match=r"S508.*configuration"):
        run(tmp_path / "resumed", text_file, resume=True)
    run(tmp_path / "resumed", text_file, "model.dropout=0.1", resume=True)
    run(tmp_path / "whole", text_file, "model.dropout=0.1")
    ours, theirs = (load_file(tmp_path / name / "model.safetensors") for name in ("resumed", "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_run_with_too_little_text_leaves_nothing_behind(tmp_path, text_file) -> None:
    with pytest.raises(SuwenError, match="S520"):
        run(tmp_path / "encoder", text_file, "optimization.batch_tokens=100000")
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize("damage", ["options", "tensors", "vocabulary"])
def test_damaged_language_models_are_refused(tmp_path, text_file, damage) -> None:
    folder = tmp_path / "encoder"
    run(folder, text_file)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if damage == "options":
        write_json(folder / "config.json", {**config, "hidden": "many"})
    elif damage == "tensors":
        write_json(folder / "config.json", {**config, "hidden": 9})
    else:
        with (folder / "vocab.txt").open("a", encoding="utf-8") as file:
            file.write("新\n")
    codes = {"options": "S506", "tensors": "S504", "vocabulary": "S505"}
    with pytest.raises(SuwenError, match=codes[damage]):
        build(load_training_config(options={"encoder.name": str(folder)}), whole(DOCUMENTS), Schema.of_labels(["Drug"]))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"hidden": None}, "S506"),
        ({"cell": "gru"}, "S506"),
        ({"hidden": 9}, "S504"),
        ({}, "S505"),
        (None, "S506"),
    ],
    ids=["size", "stacked", "tensors", "vocabulary", "list"],
)
def test_pretraining_from_damaged_language_models_leaves_nothing_behind(tmp_path, text_file, change, code) -> None:
    base = tmp_path / "base"
    run(base, text_file, "optimization.steps=1")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    write_json(base / "config.json", [config] if change is None else {**config, **change})
    if code == "S505":
        with (base / "vocab.txt").open("a", encoding="utf-8") as file:
            file.write("新\n")
    few = [change for change in TINY if not change.startswith("model.")]
    with pytest.raises(SuwenError, match=code):
        pretrain([text_file], tmp_path / "encoder", encoder="bilstm", base=base, settings=few)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "text.txt"]


@pytest.mark.parametrize(
    ("encoder", "setting", "expected"),
    [
        ("bilstm", "encoder.language_models=both", "S402.*language_models"),
        ("cnn", "encoder.state_width=4", "S402.*state_width"),
        ("encoder", "encoder.transfer=feature-extraction", "S406.*feature-extraction"),
        ("encoder", "encoder.initialization=random", "S406.*random"),
    ],
)
def test_settings_of_taggers_over_language_models_are_refused_elsewhere(
    tmp_path, text_file, encoder, setting, expected
) -> None:
    if encoder == "encoder":
        encoder = str(tmp_path / "encoder")
        run(tmp_path / "encoder", text_file, "optimization.steps=1")
    config = load_training_config(options={"encoder.name": encoder}, settings=[setting])
    with pytest.raises(SuwenError, match=expected):
        build(config, whole(DOCUMENTS), Schema.of_labels(["Drug"]))


def test_state_width_is_refused_where_no_states_are_read(tmp_path, text_file) -> None:
    run(tmp_path / "encoder", text_file, "optimization.steps=1")
    settings = ["encoder.language_models=weights", "encoder.state_width=4"]
    config = load_training_config(options={"encoder.name": str(tmp_path / "encoder")}, settings=settings)
    with pytest.raises(SuwenError, match=r"S402.*state_width"):
        build(config, whole(DOCUMENTS), Schema.of_labels(["Drug"]))


def tagger(tmp_path: Path, text_file: Path, *options: str) -> Path:
    run(tmp_path / "encoder", text_file)
    write_corpus(DOCUMENTS, tmp_path / "corpus.jsonl", "jsonl")
    few = ["optimization.epochs=2", "optimization.least_steps=8", "encoder.hidden=8", "encoder.embedding=8"]
    changes = [part for change in [*few, *options] for part in ("--set", change)]
    command = ["train", str(tmp_path / "corpus.jsonl"), "-o", str(tmp_path / "model")]
    done = CliRunner().invoke(app, [*command, "--encoder", str(tmp_path / "encoder"), *changes])
    assert done.exit_code == 0, done.output
    return tmp_path / "model"


@pytest.mark.parametrize("state_width", [0, 5])
def test_tagger_over_language_models_keeps_them_and_runs_in_onnx(tmp_path, text_file, state_width) -> None:
    model = tagger(tmp_path, text_file, f"encoder.state_width={state_width}")
    settings_, encoder = load(model).settings, tmp_path / "encoder"
    trained = read_tagger(model, settings_.tags, scheme_named(settings_.scheme))
    assert isinstance(trained.encoder, RecurrentEncoder)
    assert trained.encoder.language_model is not None
    states = state_width or trained.encoder.language_model.width
    assert trained.encoder.recurrent.forward_layers[0].input_size == 8 + 64 + states
    given_states, own = read_frozen(encoder).state_dict(), trained.encoder.language_model.state_dict()
    assert all(torch.equal(given_states[name], own[name]) for name in own)
    torch_says = load(model)
    export_model(model, DOCUMENTS)
    onnx_says = load(model)
    assert type(onnx_says.scorer) is not type(torch_says.scorer)
    documents = [Document(f"d{i}", TEXT[i:] * (1 + 3 * i)) for i in range(5)]
    expected = {document.id: document.entities for document in torch_says.pipe(documents)}
    for some in (documents, documents[::-1], documents[2:3]):
        for document in onnx_says.pipe(some):
            assert [e.key for e in document.entities] == [e.key for e in expected[document.id]]


def test_tagger_learns_the_same_with_and_without_kept_states(tmp_path, text_file) -> None:
    weights = []
    for name, gigabytes in (("kept", 1), ("anew", 0)):
        folder = tmp_path / name
        folder.mkdir()
        model = tagger(folder, text_file, f"optimization.features_gigabytes={gigabytes}")
        weights.append(load_file(model / "model.safetensors"))
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], atol=1e-2, rtol=0)


def test_config_over_language_models_is_that_of_a_bilstm(tmp_path, text_file) -> None:
    run(tmp_path / "encoder", text_file)
    over = load_training_config(options={"encoder.name": str(tmp_path / "encoder")})
    plain = load_training_config()
    assert over.optimization == plain.optimization
    assert over.encoder.dropout == plain.encoder.dropout
    assert load_training_config(base_encoder=BaseEncoder("encoder", None, True)).optimization == plain.optimization
    name = {"encoder.name": str(tmp_path / "encoder")}
    for change in ({"encoder.transfer": "feature-extraction"}, {"encoder.initialization": "random"}):
        with pytest.raises(SuwenError, match="S406"):
            build(load_training_config(options={**name, **change}), whole(DOCUMENTS), Schema.of_labels(["Drug"]))


@pytest.mark.parametrize("way", ["weights", "both"])
def test_tagger_starts_from_the_weights_of_language_models(tmp_path, text_file, way) -> None:
    run(tmp_path / "encoder", text_file)
    options = {
        "encoder.name": str(tmp_path / "encoder"),
        "encoder.language_models": way,
        "encoder.embedding": 8,
        "encoder.hidden": 8,
    }
    schema = Schema.of_labels(["Drug"])
    encoder = build(load_training_config(options=options), whole(DOCUMENTS), schema).tagger.encoder
    known = read_frozen(tmp_path / "encoder")
    assert (encoder.language_model is not None) == (way == "both")
    assert torch.equal(encoder.characters.weight, known.characters.weight)
    for own, theirs in (
        (encoder.recurrent.forward_layers[0], known.reading.forward_layers[0]),
        (encoder.recurrent.backward_layers[0], known.reading_back.forward_layers[0]),
    ):
        assert torch.equal(own.weight_hh_l0, theirs.weight_hh_l0)
        assert torch.equal(own.weight_ih_l0[:, :8], theirs.weight_ih_l0)
    with pytest.raises(SuwenError, match=r"S402.*encoder.hidden"):
        build(load_training_config(options={**options, "encoder.hidden": 9}), whole(DOCUMENTS), schema)


def test_pretrain_command_makes_language_models(tmp_path, text_file) -> None:
    changes = [part for change in TINY for part in ("--set", change)]
    output = ["-o", str(tmp_path / "encoder"), *changes]
    done = CliRunner().invoke(app, ["pretrain", str(text_file), "--encoder", "bilstm", *output])
    assert done.exit_code == 0, done.output
    assert "held-out loss" in done.output
    refused = CliRunner().invoke(app, ["pretrain", str(text_file), "--encoder", "bilstm", "--size", "mini", "-o", "x"])
    assert isinstance(refused.exception, SuwenError)
    assert refused.exception.code == "S406"
    missing = CliRunner().invoke(app, ["pretrain", str(text_file), "-o", "x"])
    assert isinstance(missing.exception, SuwenError)
    assert missing.exception.code == "S410"


def test_pretrain_command_goes_on_from_language_models(tmp_path, text_file) -> None:
    run(tmp_path / "first", text_file)
    changes = [part for change in TINY if not change.startswith("model") for part in ("--set", change)]
    changes += ["--set", "optimization.learning_rate=1e-12"]
    command = ["pretrain", str(text_file), "--encoder", "bilstm", "--from", str(tmp_path / "first")]
    done = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "second"), *changes])
    assert done.exit_code == 0, done.output
    first, second = (read_frozen(tmp_path / name).state_dict() for name in ("first", "second"))
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, atol=1e-3, rtol=0)
    for base, change, expected in (("first", "model.hidden=4", "S406"), ("second/log", "seed=1", "S506")):
        command[-1] = str(tmp_path / base)
        refused = CliRunner().invoke(app, [*command, "-o", str(tmp_path / "third"), "--set", change])
        assert isinstance(refused.exception, SuwenError)
        assert refused.exception.code == expected


def test_language_models_are_read_from_a_hub(tmp_path, text_file, monkeypatch) -> None:
    run(tmp_path / "encoder", text_file)
    find_on_hub.cache_clear()
    with fake_hub({"clinic/characters": tmp_path / "encoder"}) as hub:
        use_hub(hub, tmp_path / "cache", monkeypatch)
        name, options = "hf://clinic/characters", {"encoder.embedding": 8, "encoder.hidden": 8}
        config = load_training_config(options={"encoder.name": name, **options})
        encoder = build(config, whole(DOCUMENTS), Schema.of_labels(["Drug"])).tagger.encoder
        changes = [change for change in TINY if not change.startswith("model")]
        report = pretrain([text_file], tmp_path / "second", encoder="bilstm", base=name, settings=changes)
    find_on_hub.cache_clear()
    known, own = read_frozen(tmp_path / "encoder").state_dict(), encoder.language_model.state_dict()
    assert all(torch.equal(known[key], own[key]) for key in known)
    assert report.manifest["base"]["name"] == f"{name}@{COMMIT}"
    assert repr(report) == f"<PretrainingReport of {tmp_path / 'second'}, held-out loss: {report.loss:.3f}>"


def test_joined_encoders_stand_side_by_side_and_can_be_written(tmp_path) -> None:
    torch.manual_seed(0)
    parts = [LanguageModel(20, 6, 5), StackedEncoder("gru", 20, 4, 3, 2)]
    joined = JoinedEncoders(parts)
    ids = torch.randint(20, (3, 9))
    mask = (torch.arange(9) < torch.tensor([9, 4, 1])[:, None]).long()
    states = joined(ids, mask)
    assert states.shape[2] == joined.width == 10 + 4 + 6 + 6
    torch.testing.assert_close(states, torch.cat([part(ids, mask) for part in parts], dim=2))
    again = frozen_encoder(joined.options)
    again.load_state_dict(joined.state_dict())
    torch.testing.assert_close(again(ids, mask), states)
    alone = joined(ids[1:2, :4], mask[1:2, :4])
    torch.testing.assert_close(states[1, :4], alone[0])


def lac_package(folder: Path) -> Path:
    """A package with a graph like LAC's, of random weights."""
    draw = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(draw.normal(size=shape).astype(np.float32), name)

    constants = [constant("embedding_0.w_0", 6, 4)]
    nodes = [helper.make_node("Gather", ["embedding_0.w_0", "token_ids"], ["e"])]
    nodes.append(helper.make_node("Transpose", ["e"], ["x0"], perm=[1, 0, 2]))
    for i, width in enumerate((4, 6)):
        constants += [constant(f"w{i}", 2, 9, width), constant(f"r{i}", 2, 9, 3), constant(f"b{i}", 2, 18)]
        constants.append(numpy_helper.from_array(np.array([0, 0, -1]), f"s{i}"))
        options = {"direction": "bidirectional", "hidden_size": 3, "linear_before_reset": 1}
        nodes.append(helper.make_node("GRU", [f"x{i}", f"w{i}", f"r{i}", f"b{i}"], [f"y{i}"], **options))
        nodes.append(helper.make_node("Transpose", [f"y{i}"], [f"t{i}"], perm=[0, 2, 1, 3]))
        nodes.append(helper.make_node("Reshape", [f"t{i}", f"s{i}"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("Transpose", ["x2"], ["emissions"], perm=[1, 0, 2]))
    inputs = [helper.make_tensor_value_info("token_ids", onnx.TensorProto.INT64, ["batch", "length"])]
    outputs = [helper.make_tensor_value_info("emissions", onnx.TensorProto.FLOAT, ["batch", "length", 6])]
    graph = helper.make_graph(nodes, "lac", inputs, outputs, constants)
    folder.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "lac_encoder.onnx")
    (folder / "word.dic").write_text("0\t糖\n1\t尿\n2\t病\n3\tOOV\n4\t患\n5\t者\n", encoding="utf-8")
    (folder / "q2b.dic").write_text("血\t糖\n", encoding="utf-8")
    return folder


def test_lac_becomes_an_encoder_beside_language_models(tmp_path, text_file, monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    lac = import_module("lac")
    package, encoder = lac_package(tmp_path / "package"), tmp_path / "encoder"
    run(encoder, text_file)
    monkeypatch.setattr(
        sys, "argv", ["lac.py", str(package), "--encoder", str(encoder), "-o", str(tmp_path / "joined")]
    )
    lac.main()
    assert "lacks" in capsys.readouterr().out
    joined = read_frozen(tmp_path / "joined")
    assert joined.width == 16 + 4 + 6 + 6
    vocabulary = CharacterVocabulary.read(encoder / "vocab.txt")
    text = "糖尿病患者血例"
    ids = torch.from_numpy(vocabulary.ids(text)).long()[None]
    states = joined(ids, torch.ones_like(ids))
    session = onnxruntime.InferenceSession(package / "lac_encoder.onnx", providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"token_ids": np.array([[0, 1, 2, 4, 5, 0, 3]])})
    np.testing.assert_allclose(states[..., -6:].detach().numpy(), expected, atol=5e-3)
    options = {"encoder.name": str(tmp_path / "joined"), "encoder.hidden": 8}
    schema = Schema.of_labels(["Drug"])
    assert (
        build(load_training_config(options=options), whole(DOCUMENTS), schema).tagger.encoder.language_model is not None
    )
    with pytest.raises(SuwenError, match=r"S402.*language_models"):
        build(load_training_config(options={**options, "encoder.language_models": "both"}), whole(DOCUMENTS), schema)
