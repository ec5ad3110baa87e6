import json
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import load_file
from tiny_tagger import write_tiny_tagger
from typer.testing import CliRunner

import suwen
from suwen.cli import app
from suwen.corpus.split import whole
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.exporting import graph as graph_module
from suwen.exporting import tagger as module
from suwen.exporting.graph import tagger_graph
from suwen.exporting.quantize import quantized
from suwen.exporting.tagger import export_model
from suwen.formats import write_corpus
from suwen.inference.onnx import OnnxScorer
from suwen.model_folder import read_model_folder, write_stored_model
from suwen.models.encoders import RecurrentEncoder, TransformerEncoder
from suwen.models.ngram_bert import register
from suwen.models.scorer import TorchScorer
from suwen.models.tagger import Tagger
from suwen.models.weights import read_tagger
from suwen.models.word_vectors import WordVectors
from suwen.schemes import BIO
from suwen.tagging.lexicon import WORD_IDS

TEXT = "糖尿病患者口服二甲双胍,每日三次。停用阿卡波糖。"
DOCUMENTS = [Document(str(i), TEXT[i:] * (1 + i % 3), (Entity("Drug", 0, 2),)) for i in range(6)]
CHARACTERS, BIGRAMS = 40, 30
TAGS = BIO.tags(["Disease", "Drug"])


def transformer(kind, words=None, **options):
    from transformers import AutoConfig

    register()
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = AutoConfig.for_model(kind, **({"vocab_size": CHARACTERS, "max_position_embeddings": 64} | sizes | options))
    return TransformerEncoder(config.to_dict(), words)


def small_ngram_bert(characters=CHARACTERS):
    return transformer("ngram-bert", vocab_size=characters, bigram_buckets=64, bigram_width=8)


WORDS = 20


ENCODERS = {
    "bilstm with words": lambda: RecurrentEncoder("lstm", CHARACTERS, 8, 8, 1, 0.0, words=WordVectors(WORDS, 4, 0.2)),
    "ngram-bert with words": lambda: transformer("ngram-bert", WordVectors(WORDS, 4, 0.2), bigram_buckets=64),
    "bilstm": lambda: RecurrentEncoder("lstm", CHARACTERS, 8, 8, 2, 0.0, BIGRAMS, 4),
    "cnn": lambda: RecurrentEncoder("cnn", CHARACTERS, 8, 8, 2, 0.0),
    "bigru": lambda: RecurrentEncoder("gru", CHARACTERS, 8, 8, 1, 0.0),
    "ngram-bert": small_ngram_bert,
    "bert": lambda: transformer("bert"),
    "electra": lambda: transformer("electra", embedding_size=8),
    "roberta": lambda: transformer("roberta", pad_token_id=0),
    "deberta-v2": lambda: transformer(
        "deberta-v2", relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"]
    ),
}


def batch(shape, features=(), seed=0):
    """A padded batch of ids that a tagger with CHARACTERS characters knows."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, shape[1] + 1, shape[0])
    lengths[0] = shape[1]
    mask = (np.arange(shape[1]) < lengths[:, None]).astype(np.int32)
    inputs = {"input_ids": draw.integers(1, CHARACTERS, shape).astype(np.int32) * mask, "attention_mask": mask}
    for name in features:
        inputs[name] = draw.integers(1, BIGRAMS if name == "bigram_ids" else WORDS, shape).astype(np.int32) * mask
    return inputs


def assert_graph_is_the_tagger(name, head):
    torch.manual_seed(0)
    tagger = Tagger(ENCODERS[name](), head, TAGS, BIO, hidden=8).eval()
    features = ["bigram_ids"] if name == "bilstm" else [*WORD_IDS] if "words" in name else []
    graph = tagger_graph(tagger, ["input_ids", *features])
    scorer = OnnxScorer(graph.SerializeToString())
    for shape in ((1, 1), (3, 7), (4, 40)):
        inputs = batch(shape, features)
        inside = inputs["attention_mask"].astype(bool)
        expected = TorchScorer(tagger).emissions(inputs)
        np.testing.assert_allclose(scorer.emissions(inputs)[inside], expected[inside], atol=1e-5)
    return graph


@pytest.mark.parametrize(
    ("name", "head"),
    [("bilstm", "crf"), ("bigru", "fc"), ("cnn", "crf"), ("bilstm with words", "crf"), ("ngram-bert with words", "fc")],
)
def test_export_of_a_small_tagger_is_the_tagger(name, head):
    graph = assert_graph_is_the_tagger(name, head)
    assert b"site-packages" not in graph.SerializeToString()


@pytest.mark.slow
@pytest.mark.parametrize("head", ["fc", "crf", "lstm-crf", "bilstm-crf"])
@pytest.mark.parametrize("name", ["ngram-bert", "bert", "electra", "roberta", "deberta-v2"])
def test_export_of_a_transformer_is_the_tagger(name, head):
    assert_graph_is_the_tagger(name, head)


@pytest.fixture(scope="module")
def wide_graph():
    """A graph with products that are wide enough to be computed in 8 bits."""
    torch.manual_seed(0)
    encoder = transformer("ngram-bert", hidden_size=64, bigram_buckets=64, bigram_width=64)
    tagger = Tagger(encoder, "bilstm-crf", TAGS, BIO, hidden=8)
    return tagger_graph(tagger.eval(), ["input_ids"])


@pytest.fixture(scope="module")
def int8_graph(wide_graph):
    return quantized(wide_graph, [batch((4, 30), seed=seed) for seed in range(4)])


def test_export_in_int8_computes_in_integers_of_seven_bits(wide_graph, int8_graph):
    products = [node for node in int8_graph.graph.node if node.op_type == "MatMulIntegerToFloat"]
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in int8_graph.graph.initializer}
    assert len(products) == 5
    for node in products:
        assert constants[node.input[1]].dtype == np.int8
        assert np.abs(constants[node.input[1]]).max() == 63
    large = [array for array in constants.values() if array.size >= 4096]
    assert large
    assert all(array.dtype == np.int8 for array in large)
    inputs = batch((3, 20), seed=9)
    expected = OnnxScorer(wide_graph.SerializeToString()).emissions(inputs)
    found = OnnxScorer(int8_graph.SerializeToString()).emissions(inputs)
    inside = inputs["attention_mask"].astype(bool)
    assert np.abs(found - expected)[inside].max() < 0.1 * np.abs(expected[inside]).max()
    assert np.abs(found - expected)[inside].max() > 0


def test_export_in_int8_leaves_the_first_graph_alone_and_is_the_same_every_time(wide_graph, int8_graph):
    before = wide_graph.SerializeToString()
    again = quantized(wide_graph, [batch((4, 30), seed=seed) for seed in range(4)])
    assert again.SerializeToString() == int8_graph.SerializeToString()
    assert wide_graph.SerializeToString() == before


@pytest.mark.parametrize("which", ["wide_graph", "int8_graph"])
def test_export_rows_do_not_depend_on_their_neighbors(which, request):
    scorer = OnnxScorer(request.getfixturevalue(which).SerializeToString())
    inputs = batch((6, 25), seed=3)
    together = scorer.emissions(inputs)
    for row, length in enumerate(inputs["attention_mask"].sum(axis=1)):
        alone = scorer.emissions({name: array[row : row + 1, :length] for name, array in inputs.items()})
        np.testing.assert_allclose(together[row, :length], alone[0], atol=1e-5)


@pytest.mark.parametrize(("cell", "spread"), [("lstm", 1.0), ("lstm", 30.0), ("gru", 1.0)])
def test_export_of_recurrent_layers_in_int8_is_near_and_exact_in_any_batch(cell, spread):
    torch.manual_seed(0)
    tagger = Tagger(RecurrentEncoder(cell, CHARACTERS, 16, 24, 2, 0.0), "crf", TAGS, BIO).eval()
    with torch.no_grad():
        # Large embeddings saturate the gates: states come near to the bounds of their range.
        tagger.encoder.characters.weight.mul_(spread)
    graph = tagger_graph(tagger, ["input_ids"])
    small = quantized(graph, [batch((8, 30), seed=seed) for seed in range(8)])
    layers = [node.op_type for node in small.graph.node if node.op_type in ("DynamicQuantizeLSTM", "LSTM", "GRU")]
    assert layers == (["DynamicQuantizeLSTM"] if cell == "lstm" else ["GRU"]) * 2
    scorer, inputs = OnnxScorer(small.SerializeToString()), batch((8, 40), seed=99)
    inside = inputs["attention_mask"].astype(bool)
    found, expected = scorer.emissions(inputs), OnnxScorer(graph.SerializeToString()).emissions(inputs)
    assert np.abs(found - expected)[inside].mean() < 0.05 * np.abs(expected[inside]).mean()
    for row, length in enumerate(inputs["attention_mask"].sum(axis=1)):
        alone = scorer.emissions({name: array[row : row + 1, :length] for name, array in inputs.items()})
        np.testing.assert_array_equal(found[row, :length], alone[0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The model folder of a tagger, with its graph in float32."""
    path = tmp_path_factory.mktemp("export") / "model"
    write_tiny_tagger(path)
    return path, export_model(path, DOCUMENTS)


def test_export_makes_a_folder_run_without_torch(trained):
    path, result = trained
    assert result.file == "model.onnx"
    assert result.entities > 0
    assert result.difference < 1e-4
    assert read_model_folder(path).manifest["exports"]["model.onnx"]["entities"] == result.entities
    code = (
        "import json, sys; sys.modules['torch'] = None; import suwen; "
        f"document = suwen.load({str(path)!r})({TEXT!r}); "
        "print(json.dumps([entity.key for entity in document.entities]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (path / "model.onnx").rename(path / "hidden")
    manifest = (path / "manifest.json").read_text(encoding="utf-8")
    (path / "manifest.json").write_text(manifest.replace("model.onnx", "hidden"), encoding="utf-8")
    expected = suwen.load(path)(TEXT)
    (path / "manifest.json").write_text(manifest, encoding="utf-8")
    (path / "hidden").rename(path / "model.onnx")
    assert [tuple(key) for key in json.loads(found.stdout)] == [entity.key for entity in expected.entities]
    assert expected.entities


@pytest.fixture
def at_once(trained, monkeypatch):
    """Exporting takes seconds: here is one that was made before."""
    exported = onnx.load(trained[0] / "model.onnx")
    monkeypatch.setattr(graph_module, "tagger_graph", lambda tagger, features: exported)


@pytest.fixture(scope="module")
def small(trained, tmp_path_factory):
    """A folder that holds what runs the tagger in 8 bits, and the figures that were printed."""
    path = tmp_path_factory.mktemp("int8")
    write_corpus(DOCUMENTS, path / "corpus.jsonl", "jsonl")
    options = ["--int8", "--corpus", str(path / "corpus.jsonl"), "-o", str(path / "run"), "--json"]
    result = CliRunner().invoke(app, ["export", str(trained[0]), *options], catch_exceptions=False)
    assert result.exit_code == 0
    return path / "run", json.loads(result.stdout)


def test_export_to_a_folder_of_its_own_holds_what_runs_and_no_weights(trained, small):
    path, figures = small
    assert figures["file"] == "model.int8.onnx"
    assert figures["bytes"] == (path / "model.int8.onnx").stat().st_size
    assert figures["int8_f1"] == pytest.approx(figures["float32_f1"], abs=0.003)
    assert not list(path.glob("*.safetensors"))
    expected = suwen.load(trained[0])(TEXT)
    assert [entity.key for entity in suwen.load(path)(TEXT).entities] == [entity.key for entity in expected.entities]


def test_export_goes_from_weights_to_new_folders_alone(trained, small):
    with pytest.raises(SuwenError, match=r"S501.*no weights"):
        export_model(small[0], DOCUMENTS)
    with pytest.raises(SuwenError, match="S104"):
        export_model(trained[0], DOCUMENTS, output=small[0])


def test_export_puts_weights_in_16_bits_beside_the_graph_when_asked(trained, at_once, tmp_path):
    path, _ = trained
    export_model(path, DOCUMENTS, output=tmp_path / "both", trainable=True)
    stored, ours = (load_file(folder / "model.safetensors") for folder in (path, tmp_path / "both"))
    assert stored.keys() == ours.keys()
    assert all(torch.equal(stored[name].half(), tensor) for name, tensor in ours.items())
    settings = read_model_folder(tmp_path / "both").settings
    tagger = read_tagger(tmp_path / "both", settings.tags, BIO)
    assert {parameter.dtype for parameter in tagger.parameters()} == {torch.float32}


def test_export_refuses_a_graph_that_is_not_the_model(trained, at_once, monkeypatch):
    path, _ = trained
    before = (path / "manifest.json").read_bytes()
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(SuwenError, match=r"S515.*scores differ by up to .*, 0 entities"):
        export_model(path, DOCUMENTS)
    assert (path / "manifest.json").read_bytes() == before


def test_export_refuses_int8_that_finds_less_and_reports_how_much(trained, at_once, monkeypatch):
    path, _ = trained
    before = sorted(path.iterdir())
    scores = iter([0.75, 0.74])
    monkeypatch.setattr(module, "_f1", lambda predictor, selections: next(scores))
    with pytest.raises(SuwenError, match=r"S516.* 1\.000 points .*75\.000 to 74\.000; allowed: 0\.3"):
        export_model(path, DOCUMENTS, whole(DOCUMENTS), DOCUMENTS)
    assert sorted(path.iterdir()) == before


def test_export_that_is_interrupted_leaves_a_folder_that_can_be_read(trained, tmp_path, monkeypatch):
    from suwen import model_folder

    path = tmp_path / "model"
    shutil.copytree(trained[0], path)

    def fail(path, data):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(model_folder, "write_bytes", fail)
        with pytest.raises(KeyboardInterrupt):
            model_folder.add_files(path, {"model.onnx": b""}, {})
    assert "model.onnx" not in read_model_folder(path).manifest["files"]
    assert suwen.load(path)(TEXT).entities


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--part", "dev"], "--part needs --split"), (["--split", "split.json"], "--split needs --corpus")],
)
def test_export_command_reports_what_is_missing(tmp_path, options, message):
    result = CliRunner().invoke(app, ["export", str(tmp_path), *options])
    assert str(result.exception).startswith(f"S410 {message}; add ")


@pytest.mark.parametrize(("option", "other"), [("--int8", "--corpus"), ("--trainable", "--output")])
def test_export_command_names_the_option_that_another_needs(trained, option, other):
    result = CliRunner().invoke(app, ["export", str(trained[0]), option])
    assert (result.exception.code, f"{option} needs {other}" in str(result.exception)) == ("S410", True)


def test_export_command_refuses_what_is_no_tagger(tmp_path):
    write_stored_model(tmp_path / "model", "dictionary", {}, lambda folder: None, {}, "")
    command = [sys.executable, "-m", "suwen", "export", str(tmp_path / "model")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert re.fullmatch(r"S109 .*this is a dictionary model, but a tagger is expected.*\n", result.stderr)


def test_export_command_leaves_the_bundled_model_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["export", "bundled"])
    assert result.exit_code == 2
    assert "name a new folder with --output" in " ".join(result.stderr.split())
