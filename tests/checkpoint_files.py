"""Small checkpoints of BERT and ERNIE in the layouts and names they are published in."""

import json
import pickle
import re
import struct
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertForPreTraining, ErnieConfig, ErnieForPreTraining

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"老年糖尿病患者口服治疗高血压"]
SIZES = {
    "vocab_size": len(TOKENS),
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
}


def randomize(model: nn.Module) -> nn.Module:
    """Also biases and LayerNorms, so that none of them can be mixed up or left out unseen."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3 + (0.5 if parameter.dim() == 1 else 0))
    return model.eval()


def bert() -> BertForPreTraining:
    return randomize(BertForPreTraining(BertConfig(**SIZES)))


def ernie(**options) -> ErnieForPreTraining:
    return randomize(ErnieForPreTraining(ErnieConfig(**SIZES, hidden_act="relu", layer_norm_eps=1e-5, **options)))


def hidden(model: nn.Module) -> torch.Tensor:
    ids = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 9, 10, 3, 0, 0]])
    with torch.no_grad():
        return model.eval()(input_ids=ids, attention_mask=(ids > 0).long()).last_hidden_state


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    """What old files hold: the decoder shares the word embeddings and is not stored."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if ".decoder." not in name}


def write_vocabulary(folder: Path, tokens: list[str] = TOKENS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def write_tensorflow(folder: Path, model: BertForPreTraining, **options) -> None:
    """As Google published BERT: variables in TensorFlow's names, with what the optimizer left behind."""
    write_vocabulary(folder)
    write_json(
        folder / "bert_config.json", {**SIZES, "hidden_act": "gelu", "type_vocab_size": 2, "directionality": "x"}
    )
    arrays = {"global_step": np.array(7, np.int64)}
    for name, tensor in state(model).items():
        array = tensor.numpy()
        theirs = re.sub(r"layer\.(\d+)", r"layer_\1", name).replace(".", "/")
        theirs = theirs.replace("LayerNorm/weight", "LayerNorm/gamma").replace("LayerNorm/bias", "LayerNorm/beta")
        theirs = theirs.replace("_embeddings/weight", "_embeddings")
        theirs = theirs.replace("cls/predictions/bias", "cls/predictions/output_bias")
        theirs = theirs.replace("seq_relationship/weight", "seq_relationship/output_weights")
        theirs = theirs.replace("seq_relationship/bias", "seq_relationship/output_bias")
        if theirs.endswith("/weight"):
            theirs, array = theirs.replace("/weight", "/kernel"), array.T
        arrays[theirs] = array
        if "query" in theirs:
            arrays[f"{theirs}/adam_m"] = np.zeros_like(array)
    write_bundle(folder / "bert_model.ckpt", arrays, **options)


def write_bundle(stem: Path, arrays: dict[str, np.ndarray], per_block: int = 5, compression: int = 0) -> None:
    """A tensor bundle: see tensorflow/core/util/tensor_bundle and tensorflow/core/lib/io/format.h."""
    types = {"float32": 1, "int64": 9, "float16": 19}
    data, entries = b"", [(b"", field(1, 1) + field(3, field(1, 1)))]
    for name in sorted(arrays, key=str.encode):
        array = np.ascontiguousarray(arrays[name])
        shape = b"".join(field(2, field(1, size)) for size in arrays[name].shape)
        crc = varint(6 << 3 | 5) + struct.pack("<I", masked(array.tobytes()))
        place = (field(4, len(data)) if data else b"") + field(5, array.nbytes)
        entries.append((name.encode(), field(1, types[array.dtype.name]) + field(2, shape) + place + crc))
        data += array.tobytes()
    stem.with_name(f"{stem.name}.data-00000-of-00001").write_bytes(data)
    write_index(stem, entries, per_block, compression)


def write_index(stem: Path, entries: list[tuple[bytes, bytes]], per_block: int = 5, compression: int = 0) -> None:
    table, handles = b"", []
    for start in range(0, len(entries), per_block):
        chunk = entries[start : start + per_block]
        content = block(chunk, compression)
        handles.append((chunk[-1][0] + b"~", varint(len(table)) + varint(len(content) - 5)))
        table += content
    meta, index = block([], 0), block(handles, 0)
    footer = varint(len(table)) + varint(len(meta) - 5)
    footer += varint(len(table) + len(meta)) + varint(len(index) - 5)
    table += meta + index + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    stem.with_name(f"{stem.name}.index").write_bytes(table)


def block(entries: list[tuple[bytes, bytes]], compression: int) -> bytes:
    content, last, restarts = b"", b"", [0]
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % 3:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        elif i:
            restarts.append(len(content))
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    content += b"".join(struct.pack("<I", restart) for restart in restarts) + struct.pack("<I", len(restarts))
    content += bytes([compression])
    return content + struct.pack("<I", masked(content))


def varint(value: int) -> bytes:
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def masked(data: bytes) -> int:
    """CRC-32C bit by bit, masked as LevelDB does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


PADDLENLP = (
    (r"encoder\.layer\.(\d+)\.attention\.self\.query", r"encoder.layers.\1.self_attn.q_proj"),
    (r"encoder\.layer\.(\d+)\.attention\.self\.key", r"encoder.layers.\1.self_attn.k_proj"),
    (r"encoder\.layer\.(\d+)\.attention\.self\.value", r"encoder.layers.\1.self_attn.v_proj"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense", r"encoder.layers.\1.self_attn.out_proj"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm", r"encoder.layers.\1.norm1"),
    (r"encoder\.layer\.(\d+)\.intermediate\.dense", r"encoder.layers.\1.linear1"),
    (r"encoder\.layer\.(\d+)\.output\.dense", r"encoder.layers.\1.linear2"),
    (r"encoder\.layer\.(\d+)\.output\.LayerNorm", r"encoder.layers.\1.norm2"),
    (r"cls\.predictions\.transform\.dense", "cls.predictions.transform"),
    (r"cls\.predictions\.transform\.LayerNorm", "cls.predictions.layer_norm"),
    (r"cls\.predictions\.bias", "cls.predictions.decoder_bias"),
    (r"LayerNorm", "layer_norm"),
)
DYNAMIC = (
    (r"ernie\.embeddings\.word_embeddings", "word_emb"),
    (r"ernie\.embeddings\.position_embeddings", "pos_emb"),
    (r"ernie\.embeddings\.token_type_embeddings", "sent_emb"),
    (r"ernie\.embeddings\.LayerNorm", "ln"),
    (r"ernie\.encoder\.layer\.(\d+)\.attention\.self\.(\w)\w+", r"encoder_stack.block.\1.attn.\2"),
    (r"ernie\.encoder\.layer\.(\d+)\.attention\.output\.dense", r"encoder_stack.block.\1.attn.o"),
    (r"ernie\.encoder\.layer\.(\d+)\.attention\.output\.LayerNorm", r"encoder_stack.block.\1.ln1"),
    (r"ernie\.encoder\.layer\.(\d+)\.intermediate\.dense", r"encoder_stack.block.\1.ffn.i"),
    (r"ernie\.encoder\.layer\.(\d+)\.output\.dense", r"encoder_stack.block.\1.ffn.o"),
    (r"ernie\.encoder\.layer\.(\d+)\.output\.LayerNorm", r"encoder_stack.block.\1.ln2"),
    (r"ernie\.pooler\.dense", "pooler"),
    (r"cls\.predictions\.transform\.dense", "mlm"),
    (r"cls\.predictions\.transform\.LayerNorm", "mlm_ln"),
    (r"cls\.predictions\.bias", "mlm_bias"),
)
STATIC = (
    (r"ernie\.embeddings\.word_embeddings\.weight", "word_embedding"),
    (r"ernie\.embeddings\.position_embeddings\.weight", "pos_embedding"),
    (r"ernie\.embeddings\.token_type_embeddings\.weight", "sent_embedding"),
    (r"ernie\.embeddings\.LayerNorm", "pre_encoder_layer_norm"),
    (r"ernie\.encoder\.layer\.(\d+)\.attention\.self\.(\w+)\.", r"encoder_layer_\1_multi_head_att_\2_fc."),
    (r"ernie\.encoder\.layer\.(\d+)\.attention\.output\.dense", r"encoder_layer_\1_multi_head_att_output_fc"),
    (r"ernie\.encoder\.layer\.(\d+)\.attention\.output\.LayerNorm", r"encoder_layer_\1_post_att_layer_norm"),
    (r"ernie\.encoder\.layer\.(\d+)\.intermediate\.dense", r"encoder_layer_\1_ffn_fc_0"),
    (r"ernie\.encoder\.layer\.(\d+)\.output\.dense", r"encoder_layer_\1_ffn_fc_1"),
    (r"ernie\.encoder\.layer\.(\d+)\.output\.LayerNorm", r"encoder_layer_\1_post_ffn_layer_norm"),
    (r"ernie\.pooler\.dense", "pooled_fc"),
    (r"cls\.predictions\.transform\.dense", "mask_lm_trans_fc"),
    (r"cls\.predictions\.transform\.LayerNorm", "mask_lm_trans_layer_norm"),
    (r"cls\.predictions\.bias", "mask_lm_out_fc.bias"),
    (r"cls\.seq_relationship", "next_sent_fc"),
    (r"layer_norm\.weight$", "layer_norm_scale"),
    (r"layer_norm\.bias$", "layer_norm_bias"),
    (r"\.weight$", ".w_0"),
    (r"\.bias$", ".b_0"),
)
NAMINGS = {"paddlenlp": PADDLENLP, "dynamic": DYNAMIC, "static": STATIC}


def paddle_arrays(model: ErnieForPreTraining, naming: str) -> dict[str, np.ndarray]:
    arrays = {}
    for name, tensor in state(model).items():
        if naming == "dynamic" and "seq_relationship" in name:
            continue
        array = tensor.numpy()
        if array.ndim == 2 and "embeddings" not in name:
            array = np.ascontiguousarray(array.T)
        theirs = name
        for pattern, replacement in NAMINGS[naming]:
            theirs = re.sub(pattern, replacement, theirs)
        arrays[theirs] = array
    return arrays


class Named:
    """Pickles like a Paddle tensor: as a call of tuple with its name and its array."""

    def __init__(self, name: str, array: np.ndarray) -> None:
        self.pair = (name, array)

    def __reduce__(self):
        return tuple, (self.pair,)


def write_paddle(
    folder: Path, model: ErnieForPreTraining, naming: str = "paddlenlp", named: bool = False, protocol: int = 4
) -> None:
    write_vocabulary(folder)
    inits = {**SIZES, "hidden_act": "relu", "type_vocab_size": 2}
    del inits["intermediate_size"]
    if naming == "paddlenlp":
        config = {"init_args": [{**inits, "init_class": "ErnieModel"}], "init_class": "ErnieForPretraining"}
        write_json(folder / "model_config.json", config)
    else:
        inits["sent_type_vocab_size"] = inits.pop("type_vocab_size")
        write_json(folder / "ernie_config.json", inits)
    arrays = paddle_arrays(model, naming)
    values = {
        name: Named(f"linear_{i}.w_0", array) if named else array for i, (name, array) in enumerate(arrays.items())
    }
    table = {"StructuredToParameterName@@": dict.fromkeys(arrays, "x")}
    with (folder / "model_state.pdparams").open("wb") as file:
        pickle.dump({**values, **table}, file, protocol=protocol)
