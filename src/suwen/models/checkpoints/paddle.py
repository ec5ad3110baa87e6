"""Paddle's parameters of ERNIE (``.pdparams``) in the names of the transformers library.

Three generations of names are known: PaddleNLP's (``ernie.encoder.layers.0.self_attn.q_proj.weight``), those of the
ERNIE repository's dynamic graph (``encoder_stack.block.0.attn.q.weight``) and of its static graph
(``encoder_layer_0_multi_head_att_query_fc.w_0``). Source: the public conversion scripts of nghuyong/ERNIE-Pytorch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suwen.errors import SuwenError
from suwen.models.checkpoints.array_pickle import load_plain_pickle
from suwen.models.checkpoints.checkpoint import Checkpoint, read_configuration

__all__ = ["find_parameters", "read_paddle"]

CONFIGURATIONS = ("model_config.json", "config.json", "ernie_config.json")
# A table that Paddle keeps for itself.
BOOKKEEPING = "StructuredToParameterName@@"

# Each line: a pattern for a whole name of Paddle, and the name in the transformers library.
RENAMED = [
    (re.compile(pattern + "$"), ours)
    for pattern, ours in (
        # PaddleNLP. ErnieModel alone has no prefix.
        (r"(?:ernie\.)?embeddings\.(\w+_embeddings)\.weight", r"ernie.embeddings.\1.weight"),
        (r"(?:ernie\.)?embeddings\.layer_norm\.(weight|bias)", r"ernie.embeddings.LayerNorm.\1"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.self_attn\.q_proj\.(\w+)", r"layer.\1.attention.self.query.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.self_attn\.k_proj\.(\w+)", r"layer.\1.attention.self.key.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.self_attn\.v_proj\.(\w+)", r"layer.\1.attention.self.value.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.self_attn\.out_proj\.(\w+)", r"layer.\1.attention.output.dense.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.norm1\.(\w+)", r"layer.\1.attention.output.LayerNorm.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.linear1\.(\w+)", r"layer.\1.intermediate.dense.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.linear2\.(\w+)", r"layer.\1.output.dense.\2"),
        (r"(?:ernie\.)?encoder\.layers\.(\d+)\.norm2\.(\w+)", r"layer.\1.output.LayerNorm.\2"),
        (r"(?:ernie\.)?pooler\.dense\.(\w+)", r"ernie.pooler.dense.\1"),
        (r"cls\.predictions\.transform\.(weight|bias)", r"cls.predictions.transform.dense.\1"),
        (r"cls\.predictions\.layer_norm\.(weight|bias)", r"cls.predictions.transform.LayerNorm.\1"),
        (r"cls\.predictions\.decoder_bias", "cls.predictions.bias"),
        (r"cls\.predictions\.decoder_weight", "cls.predictions.decoder.weight"),
        # The ERNIE repository, dynamic graph.
        (r"word_emb\.weight", "ernie.embeddings.word_embeddings.weight"),
        (r"pos_emb\.weight", "ernie.embeddings.position_embeddings.weight"),
        (r"sent_emb\.weight", "ernie.embeddings.token_type_embeddings.weight"),
        (r"ln\.(weight|bias)", r"ernie.embeddings.LayerNorm.\1"),
        (r"encoder_stack\.block\.(\d+)\.attn\.q\.(\w+)", r"layer.\1.attention.self.query.\2"),
        (r"encoder_stack\.block\.(\d+)\.attn\.k\.(\w+)", r"layer.\1.attention.self.key.\2"),
        (r"encoder_stack\.block\.(\d+)\.attn\.v\.(\w+)", r"layer.\1.attention.self.value.\2"),
        (r"encoder_stack\.block\.(\d+)\.attn\.o\.(\w+)", r"layer.\1.attention.output.dense.\2"),
        (r"encoder_stack\.block\.(\d+)\.ln1\.(\w+)", r"layer.\1.attention.output.LayerNorm.\2"),
        (r"encoder_stack\.block\.(\d+)\.ffn\.i\.(\w+)", r"layer.\1.intermediate.dense.\2"),
        (r"encoder_stack\.block\.(\d+)\.ffn\.o\.(\w+)", r"layer.\1.output.dense.\2"),
        (r"encoder_stack\.block\.(\d+)\.ln2\.(\w+)", r"layer.\1.output.LayerNorm.\2"),
        (r"pooler\.(weight|bias)", r"ernie.pooler.dense.\1"),
        (r"mlm\.(weight|bias)", r"cls.predictions.transform.dense.\1"),
        (r"mlm_ln\.(weight|bias)", r"cls.predictions.transform.LayerNorm.\1"),
        (r"mlm_bias", "cls.predictions.bias"),
        # The ERNIE repository, static graph; weight and bias are put in first (see _renamed).
        (r"word_embedding", "ernie.embeddings.word_embeddings.weight"),
        (r"pos_embedding", "ernie.embeddings.position_embeddings.weight"),
        (r"sent_embedding", "ernie.embeddings.token_type_embeddings.weight"),
        (r"task_embedding", "ernie.embeddings.task_type_embeddings.weight"),
        (r"pre_encoder_layer_norm\.(\w+)", r"ernie.embeddings.LayerNorm.\1"),
        (r"encoder_layer_(\d+)_multi_head_att_(query|key|value)_fc\.(\w+)", r"layer.\1.attention.self.\2.\3"),
        (r"encoder_layer_(\d+)_multi_head_att_output_fc\.(\w+)", r"layer.\1.attention.output.dense.\2"),
        (r"encoder_layer_(\d+)_post_att_layer_norm\.(\w+)", r"layer.\1.attention.output.LayerNorm.\2"),
        (r"encoder_layer_(\d+)_ffn_fc_0\.(\w+)", r"layer.\1.intermediate.dense.\2"),
        (r"encoder_layer_(\d+)_ffn_fc_1\.(\w+)", r"layer.\1.output.dense.\2"),
        (r"encoder_layer_(\d+)_post_ffn_layer_norm\.(\w+)", r"layer.\1.output.LayerNorm.\2"),
        (r"pooled_fc\.(\w+)", r"ernie.pooler.dense.\1"),
        (r"mask_lm_trans_fc\.(\w+)", r"cls.predictions.transform.dense.\1"),
        (r"mask_lm_trans_layer_norm\.(\w+)", r"cls.predictions.transform.LayerNorm.\1"),
        (r"mask_lm_out_fc\.bias", "cls.predictions.bias"),
        (r"next_sent_fc\.(\w+)", r"cls.seq_relationship.\1"),
    )
]
STATIC = {".w_0": ".weight", ".b_0": ".bias", "_layer_norm_scale": "_layer_norm.weight"} | {
    "_layer_norm_bias": "_layer_norm.bias"
}


def find_parameters(folder: Path) -> Path | None:
    """Return the parameter file, or None when there is none.

    Raises
    ------
    SuwenError
        S506 when there are several.
    """
    found = sorted([*folder.glob("*.pdparams"), *folder.glob("*.pdparams.pkl")])
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise SuwenError("S506", folder, advice=f"it holds several parameter files ({names}); leave one")
    return found[0] if found else None


def read_paddle(folder: Path, parameters: Path) -> Checkpoint:
    """Read ERNIE's parameters and configuration.

    Raises
    ------
    SuwenError
        S506 when the configuration is missing, S509 when a file is damaged or holds no arrays, S514 when it asks for
        code.
    """
    values = load_plain_pickle(parameters)
    if not isinstance(values, Mapping):
        raise SuwenError("S509", parameters, reason="it holds no parameters by name")
    tensors: dict[str, Tensor] = {}
    for name, value in values.items():
        if name == BOOKKEEPING:
            continue
        array = _array(value)
        if array is None:
            raise SuwenError("S509", parameters, reason=f"{name!r} is not an array of numbers")
        ours, tensor = _renamed(str(name), array)
        tensors[ours] = tensor
    return Checkpoint(folder, _configuration(folder, tensors), tensors)


def _array(value: Any) -> NDArray[Any] | None:
    """Return an array as Paddle stores it: itself, or since 2.1 with the parameter's name before it."""
    if isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], str):
        value = value[1]
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return value
    return None


def _renamed(name: str, array: NDArray[Any]) -> tuple[str, Tensor]:
    plain = name
    for theirs, part in STATIC.items():
        if name.endswith(theirs):
            plain = name.removesuffix(theirs) + part
    ours = name
    for pattern, replacement in RENAMED:
        if pattern.match(plain):
            ours = pattern.sub(replacement, plain)
            break
    if ours.startswith("layer."):
        ours = f"ernie.encoder.{ours}"
    if array.ndim == 2 and ours.endswith(".weight") and "embeddings" not in ours and "decoder" not in ours:
        # Paddle multiplies from the left.
        array = array.T
    return ours, torch.from_numpy(np.array(array, np.float32 if array.dtype.kind == "f" else array.dtype, order="C"))


def _configuration(folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return the configuration in the names of the transformers library.

    ERNIE was trained with Paddle's default epsilon of 1e-5 in its LayerNorms, which its configuration leaves out, as it
    does the width of the inner layer.
    """
    config = read_configuration(folder, CONFIGURATIONS)
    # PaddleNLP 2 wraps the encoder's arguments in those of the model with the head.
    while (inner := config.get("init_args")) and isinstance(inner, list) and isinstance(inner[0], dict):
        config = inner[0]
    config = {key: value for key, value in config.items() if key not in ("init_args", "init_class")}
    if "sent_type_vocab_size" in config:
        config["type_vocab_size"] = config.pop("sent_type_vocab_size")
    dense = tensors.get("ernie.encoder.layer.0.intermediate.dense.weight")
    if dense is not None:
        config.setdefault("intermediate_size", dense.shape[0])
    return {"layer_norm_eps": 1e-5, "type_vocab_size": 2, **config, "model_type": "ernie"}
