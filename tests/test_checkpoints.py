"""Every layout in which encoders are published, against the model it was written from."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import (
    SIZES,
    TOKENS,
    bert,
    ernie,
    field,
    hidden,
    paddle_arrays,
    randomize,
    state,
    write_bundle,
    write_index,
    write_json,
    write_paddle,
    write_tensorflow,
    write_vocabulary,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from transformers import (
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    ElectraConfig,
    ElectraForPreTraining,
    RobertaConfig,
    RobertaForMaskedLM,
)

from suwen.errors import SuwenError
from suwen.models.catalog import encoder_width, is_language_model
from suwen.models.checkpoints import read_checkpoint
from suwen.models.checkpoints.array_pickle import load_plain_pickle
from suwen.models.checkpoints.tensor_bundle import read_bundle
from suwen.models.encoders import TransformerEncoder
from suwen.models.pretrained import load_encoder, load_masked_lm
from suwen.models.vocabularies import read_vocabulary


def assert_same_hidden(folder: Path, source: nn.Module) -> None:
    encoder = TransformerEncoder.from_folder(folder)
    assert all(parameter.dtype == torch.float32 for parameter in encoder.parameters())
    torch.testing.assert_close(hidden(encoder.model), hidden(source), atol=1e-5, rtol=1e-5)


def write_hugging_face(folder: Path, tensors: dict[str, torch.Tensor], config: dict, safe: bool = True) -> None:
    write_vocabulary(folder)
    write_json(folder / "config.json", config)
    if safe:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        torch.save(tensors, folder / "pytorch_model.bin")


def bert_config(**changes) -> dict:
    return {"model_type": "bert", **SIZES, **changes}


def same_predictions(folder: Path, source: nn.Module) -> None:
    model, vocabulary = load_masked_lm(folder)
    assert vocabulary.tokens == tuple(TOKENS)
    ids = torch.tensor([[2, 5, 4, 7, 8, 3]])
    with torch.no_grad():
        torch.testing.assert_close(
            model(input_ids=ids).logits, source(input_ids=ids).prediction_logits, atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("safe", [True, False])
def test_checkpoints_hugging_face_folder_equals_its_source(tmp_path: Path, safe: bool) -> None:
    source = bert()
    write_hugging_face(tmp_path, state(source), bert_config(), safe)
    assert_same_hidden(tmp_path, source.bert)
    same_predictions(tmp_path, source)


def test_checkpoints_in_shards_equal_their_source(tmp_path: Path) -> None:
    source = bert()
    tensors = state(source)
    names = sorted(tensors)
    write_hugging_face(tmp_path, {}, bert_config())
    (tmp_path / "model.safetensors").unlink()
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, inside in shards.items():
        save_file({name: tensors[name] for name in inside}, tmp_path / shard)
    where = {name: shard for shard, inside in shards.items() for name in inside}
    write_json(tmp_path / "model.safetensors.index.json", {"weight_map": where})
    assert_same_hidden(tmp_path, source.bert)
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(SuwenError, match=r"S101 .*b\.safetensors"):
        load_encoder(tmp_path)


def test_checkpoints_stored_in_half_precision_are_loaded_in_fp32(tmp_path: Path) -> None:
    source = bert().half().float()
    write_hugging_face(tmp_path, {n: t.half() for n, t in state(source).items()}, bert_config(torch_dtype="float16"))
    assert_same_hidden(tmp_path, source.bert)


def test_checkpoints_of_the_first_pytorch_releases_equal_their_source(tmp_path: Path) -> None:
    source = bert()
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in state(source).items()
    }
    write_vocabulary(tmp_path)
    write_json(tmp_path / "bert_config.json", SIZES)
    torch.save(old, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert_same_hidden(tmp_path, source.bert)
    same_predictions(tmp_path, source)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_checkpoints_chinese_roberta_is_a_bert(tmp_path: Path, kind: str) -> None:
    source = bert()
    write_hugging_face(tmp_path, state(source), bert_config(model_type=kind))
    encoder = TransformerEncoder.from_folder(tmp_path)
    assert type(encoder.model) is BertModel
    assert_same_hidden(tmp_path, source.bert)
    same_predictions(tmp_path, source)


def test_checkpoints_chinese_roberta_in_roberta_names_is_a_bert(tmp_path: Path) -> None:
    source = bert()
    names = {"transform.dense": "dense", "transform.LayerNorm": "layer_norm"}
    tensors = {}
    for name, tensor in state(source).items():
        renamed = name.replace("bert.", "roberta.").replace("cls.predictions.", "lm_head.")
        for ours, theirs in names.items():
            renamed = renamed.replace(ours, theirs)
        tensors[renamed] = tensor
    write_hugging_face(tmp_path, tensors, bert_config(model_type="roberta"))
    assert_same_hidden(tmp_path, source.bert)
    same_predictions(tmp_path, source)


def test_checkpoints_a_real_roberta_stays_one(tmp_path: Path) -> None:
    config = RobertaConfig(**{**SIZES, "max_position_embeddings": 514})
    source = randomize(RobertaForMaskedLM(config))
    tensors = {name: tensor for name, tensor in source.state_dict().items() if "decoder" not in name}
    write_hugging_face(tmp_path, tensors, {**bert_config(model_type="roberta"), "max_position_embeddings": 514})
    assert_same_hidden(tmp_path, source.roberta)


@pytest.mark.parametrize("source", ["electra", "deberta-v2"])
def test_checkpoints_of_other_architectures_load_through_their_own_class(tmp_path: Path, source: str) -> None:
    if source == "electra":
        model: nn.Module = randomize(ElectraForPreTraining(ElectraConfig(**SIZES, embedding_size=4)))
        base = model.electra
    else:
        model = base = randomize(DebertaV2Model(DebertaV2Config(**SIZES)))
    write_hugging_face(tmp_path, model.state_dict(), model.config.to_dict())
    assert_same_hidden(tmp_path, base)
    with pytest.raises(SuwenError, match="S513"):
        load_masked_lm(tmp_path)


@pytest.mark.parametrize("per_block", [1, 5, 1000])
def test_checkpoints_tensorflow_equals_its_source(tmp_path: Path, per_block: int) -> None:
    source = bert()
    write_tensorflow(tmp_path, source, per_block=per_block)
    assert_same_hidden(tmp_path, source.bert)
    same_predictions(tmp_path, source)
    found, own = read_checkpoint(tmp_path).tensors, state(source)
    assert found.keys() == own.keys()
    assert all(torch.equal(found[name], own[name]) for name in own)


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
        st.lists(st.integers(0, 4), max_size=3),
        max_size=12,
    ),
    st.integers(1, 6),
)
def test_checkpoints_tensorflow_bundles_hold_any_names_and_shapes(tmp_path_factory, shapes, per_block) -> None:
    stem = tmp_path_factory.mktemp("bundle") / "model.ckpt"
    arrays = {
        name: np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) for name, shape in shapes.items()
    }
    write_bundle(stem, arrays, per_block)
    found = read_bundle(Path(f"{stem}.index"))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_checkpoints_tensorflow_refuses_a_shape_of_another_form(tmp_path: Path) -> None:
    write_index(tmp_path / "model.ckpt", [(b"", b""), (b"a", field(1, 1) + field(2, field(2, 7)))])
    with pytest.raises(SuwenError, match="S509"):
        read_bundle(tmp_path / "model.ckpt.index")


@pytest.mark.parametrize("naming", ["paddlenlp", "dynamic", "static"])
@pytest.mark.parametrize("named", [True, False])
def test_checkpoints_paddle_equals_its_source(tmp_path: Path, naming: str, named: bool) -> None:
    source = ernie()
    write_paddle(tmp_path, source, naming, named)
    assert_same_hidden(tmp_path, source.ernie)
    same_predictions(tmp_path, source)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_checkpoints_paddle_reads_every_pickle_protocol(tmp_path: Path, protocol: int) -> None:
    source = ernie()
    write_paddle(tmp_path, source, protocol=protocol)
    assert_same_hidden(tmp_path, source.ernie)


def test_checkpoints_paddle_of_the_encoder_alone_has_no_prefix_and_no_head(tmp_path: Path) -> None:
    source = ernie()
    write_paddle(tmp_path, source)
    arrays = {
        name.removeprefix("ernie."): array
        for name, array in paddle_arrays(source, "paddlenlp").items()
        if name.startswith("ernie.")
    }
    (tmp_path / "model_state.pdparams").write_bytes(pickle.dumps(arrays, 4))
    assert_same_hidden(tmp_path, source.ernie)
    with pytest.raises(SuwenError, match=r"S513 .*cls\.predictions"):
        load_masked_lm(tmp_path)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kind", ["bert", "ernie"])
def test_checkpoints_ernie_reads_its_task_embeddings(tmp_path: Path, told: bool, kind: str) -> None:
    source = ernie(use_task_id=True, task_type_vocab_size=4)
    config = bert_config(model_type=kind, hidden_act="relu", layer_norm_eps=1e-5)
    if told:
        config |= {"use_task_id": True, "task_type_vocab_size": 4}
    prefix = f"{kind}."
    tensors = {name.replace("ernie.", prefix): tensor for name, tensor in state(source).items()}
    write_hugging_face(tmp_path, tensors, config)
    assert_same_hidden(tmp_path, source.ernie)


def test_checkpoints_name_what_is_missing_left_over_or_of_another_shape(tmp_path: Path) -> None:
    tensors = state(bert())
    del tensors["bert.encoder.layer.1.output.dense.bias"]
    tensors["bert.encoder.layer.7.output.dense.bias"] = torch.zeros(8)
    tensors["bert.embeddings.word_embeddings.weight"] = torch.zeros(5, 8)
    write_hugging_face(tmp_path, tensors, bert_config())
    for load in (load_encoder, load_masked_lm):
        with pytest.raises(SuwenError) as raised:
            load(tmp_path)
        message = str(raised.value)
        assert message.startswith("S504")
        assert "\n" not in message
        assert "missing: bert.encoder.layer.1.output.dense.bias;" in message
        assert "bert.encoder.layer.7.output.dense.bias" in message
        assert "bert.embeddings.word_embeddings.weight (5, 8) instead of" in message


def test_checkpoints_without_a_masked_lm_head_are_refused_where_one_is_needed(tmp_path: Path) -> None:
    tensors = {name: tensor for name, tensor in state(bert()).items() if not name.startswith("cls.")}
    write_hugging_face(tmp_path, tensors, bert_config())
    load_encoder(tmp_path)
    with pytest.raises(SuwenError, match=r"S513 .*cls\.predictions\.bias"):
        load_masked_lm(tmp_path)
    half = {name: tensor for name, tensor in state(bert()).items() if "transform.dense" not in name}
    write_hugging_face(tmp_path, half, bert_config())
    with pytest.raises(SuwenError, match=r"S513 .*cls\.predictions\.transform\.dense"):
        load_masked_lm(tmp_path)


def test_checkpoints_vocabulary_must_have_mask_where_it_is_needed(tmp_path: Path) -> None:
    write_hugging_face(tmp_path, state(bert()), bert_config())
    write_vocabulary(tmp_path, [token if token != "[MASK]" else "面" for token in TOKENS])
    assert len(read_vocabulary(tmp_path)) == len(TOKENS)
    with pytest.raises(SuwenError, match=r"S505 .*\[MASK\]"):
        load_masked_lm(tmp_path)
    write_vocabulary(tmp_path, [*TOKENS, "多"])
    with pytest.raises(SuwenError, match=r"S505 .*vocabulary has"):
        load_masked_lm(tmp_path)


def test_checkpoints_vocabulary_may_have_a_second_column(tmp_path: Path) -> None:
    write_vocabulary(tmp_path, [f"{token}\t{i}" for i, token in enumerate(TOKENS)])
    assert read_vocabulary(tmp_path).tokens == tuple(TOKENS)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


@pytest.mark.parametrize("layout", ["safetensors", "bin", "old bin", "index", "data", "pdparams"])
def test_checkpoints_truncated_files_are_named(tmp_path: Path, layout: str) -> None:
    if layout == "safetensors":
        write_hugging_face(tmp_path, state(bert()), bert_config())
        damaged = tmp_path / "model.safetensors"
    elif layout in ("bin", "old bin"):
        write_hugging_face(tmp_path, state(bert()), bert_config(), safe=False)
        damaged = tmp_path / "pytorch_model.bin"
        torch.save(state(bert()), damaged, _use_new_zipfile_serialization=layout == "bin")
    elif layout == "pdparams":
        write_paddle(tmp_path, ernie())
        damaged = tmp_path / "model_state.pdparams"
    else:
        write_tensorflow(tmp_path, bert())
        name = "bert_model.ckpt.index" if layout == "index" else "bert_model.ckpt.data-00000-of-00001"
        damaged = tmp_path / name
    cut(damaged)
    with pytest.raises(SuwenError) as raised:
        load_encoder(tmp_path)
    assert str(raised.value).startswith(f"S509 {damaged}")
    damaged.write_bytes(b"")
    with pytest.raises(SuwenError, match="S509"):
        load_encoder(tmp_path)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_checkpoints_damaged_index_never_fails_in_another_way(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    write_bundle(folder / "m.ckpt", {"a/b": np.ones((2, 3), np.float32), "a/c": np.ones(2, np.float32)})
    index = folder / "m.ckpt.index"
    content = bytearray(index.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    index.write_bytes(content)
    try:
        read_bundle(index)
    except SuwenError as error:
        assert error.code == "S509"  # noqa: PT017 (an undamaged draw raises nothing)


def test_checkpoints_tensorflow_index_that_is_compressed_is_refused(tmp_path: Path) -> None:
    write_tensorflow(tmp_path, bert(), compression=1)
    with pytest.raises(SuwenError, match=r"S509 .*compressed"):
        load_encoder(tmp_path)


class Evil:
    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("call", [(os.system, "echo"), (eval, "1"), (getattr, "a", "upper")])
def test_checkpoints_pickles_that_ask_for_code_are_refused(tmp_path: Path, call: tuple) -> None:
    path = tmp_path / "model_state.pdparams"
    path.write_bytes(pickle.dumps({"a": Evil(*call)}))
    with pytest.raises(SuwenError) as raised:
        load_plain_pickle(path)
    assert str(raised.value).startswith(f"S514 {path}: the file asks for ")
    write_hugging_face(tmp_path, {}, bert_config())
    (tmp_path / "model.safetensors").unlink()
    torch.save({"a": Evil(*call)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(SuwenError, match="S514"):
        load_encoder(tmp_path)


def test_checkpoints_pickles_of_other_things_are_refused(tmp_path: Path) -> None:
    write_paddle(tmp_path, ernie())
    for value in ([1, 2], {"a": "text"}, {"a": np.array(["x"])}, {"a": np.array([None])}):
        (tmp_path / "model_state.pdparams").write_bytes(pickle.dumps(value))
        with pytest.raises(SuwenError, match="S509"):
            load_encoder(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_checkpoints_any_bytes_are_no_pickle(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "x.pdparams"
    path.write_bytes(content)
    try:
        load_plain_pickle(path)
    except SuwenError as error:
        assert error.code in ("S509", "S514")  # noqa: PT017 (some bytes are a pickle)


def test_checkpoints_folders_without_one_say_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SuwenError, match=r"S506 .*model\.safetensors.*pdparams"):
        load_encoder(tmp_path)
    write_tensorflow(tmp_path / "tf", bert())
    (tmp_path / "tf" / "bert_config.json").unlink()
    with pytest.raises(SuwenError, match=r"S506 .*bert_config\.json or config\.json is missing"):
        load_encoder(tmp_path / "tf")
    write_hugging_face(tmp_path / "other", state(bert()), bert_config(model_type="suwen-tagger"))
    with pytest.raises(SuwenError, match=r"S506 .*'suwen-tagger' is not an architecture"):
        load_encoder(tmp_path / "other")
    write_hugging_face(tmp_path / "wrong", state(bert()), bert_config(hidden_size="wide"))
    with pytest.raises(SuwenError, match="S506"):
        load_encoder(tmp_path / "wrong")
    write_hugging_face(tmp_path / "heads", state(bert()), bert_config(num_attention_heads=3))
    with pytest.raises(SuwenError, match="S506"):
        load_encoder(tmp_path / "heads")


def test_checkpoints_json_that_holds_no_object_is_refused(tmp_path: Path) -> None:
    write_hugging_face(tmp_path, state(bert()), bert_config())
    (tmp_path / "vocab.txt").unlink()
    for words in ([1], {"model": {"vocab": {"糖": "1"}}}):
        write_json(tmp_path / "tokenizer.json", words)
        with pytest.raises(SuwenError, match=r"S505 .*word list"):
            read_vocabulary(tmp_path)
    write_json(tmp_path / "config.json", [1])
    assert not is_language_model(tmp_path)
    assert encoder_width(str(tmp_path)) is None
    with pytest.raises(SuwenError, match=r"S506 .*object"):
        load_encoder(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    write_json(tmp_path / "config.json", bert_config())
    for index in ([1], {"weight_map": {"a": 1}}):
        write_json(tmp_path / "model.safetensors.index.json", index)
        with pytest.raises(SuwenError, match=r"S509 .*weight_map"):
            load_encoder(tmp_path)
