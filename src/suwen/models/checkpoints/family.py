"""Corrections for known faults of published checkpoints of the BERT family."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from torch import Tensor

from suwen.models.checkpoints.checkpoint import Checkpoint

__all__ = ["normalize"]

FAMILY = ("bert", "ernie", "roberta")
TASK_EMBEDDINGS = "embeddings.task_type_embeddings.weight"
# RoBERTa counts positions from its padding id + 1 = 2, so 512 positions are too few for its 512 tokens.
ROBERTA_POSITIONS = 514

# The masked-language-model head as transformers' RoBERTa names it, in BERT's names.
ROBERTA_HEAD = (
    ("lm_head.dense.", "cls.predictions.transform.dense."),
    ("lm_head.layer_norm.", "cls.predictions.transform.LayerNorm."),
    ("lm_head.decoder.", "cls.predictions.decoder."),
    ("lm_head.", "cls.predictions."),
)


def normalize(checkpoint: Checkpoint) -> Checkpoint:
    """Correct the names and the configuration of a checkpoint by its tensors and vocabulary.

    - Old ones name the scale and shift of a LayerNorm ``gamma`` and ``beta``.
    - The Chinese RoBERTa-wwm are BERTs: a BERT vocabulary, segments, positions from 0. A configuration that says
      ``roberta`` would shift every position by two.
    - Some configurations do not name their architecture at all.
    - ERNIE 2 and 3 add embeddings of the task; their configuration does not always say so.
    """
    tensors = {_layer_norm(name): tensor for name, tensor in checkpoint.tensors.items()}
    config = dict(checkpoint.config)
    kind = str(config.get("model_type", "")) or _guess(tensors)
    if kind == "roberta" and _is_bert(checkpoint, tensors):
        kind = "bert"
        tensors = {_in_bert_names(name): tensor for name, tensor in tensors.items()}
    if kind in ("bert", "ernie"):
        tensors = {_with_prefix(name, kind): tensor for name, tensor in tensors.items()}
        task = next((tensor for name, tensor in tensors.items() if name.endswith(TASK_EMBEDDINGS)), None)
        if task is not None:
            tensors = {_with_prefix(name, "ernie"): tensor for name, tensor in tensors.items()}
            kind = "ernie"
            config |= {"use_task_id": True, "task_type_vocab_size": task.shape[0]}
    return replace(checkpoint, config={**config, "model_type": kind}, tensors=tensors)


def _layer_norm(name: str) -> str:
    stem, _, last = name.rpartition(".")
    if stem.endswith("LayerNorm"):
        last = {"gamma": "weight", "beta": "bias"}.get(last, last)
    return f"{stem}.{last}" if stem else last


def _guess(tensors: dict[str, Tensor]) -> str:
    prefixes = {name.partition(".")[0] for name in tensors}
    return next((kind for kind in FAMILY if kind in prefixes), "bert")


def _is_bert(checkpoint: Checkpoint, tensors: dict[str, Tensor]) -> bool:
    if any(name.startswith("bert.") for name in tensors):
        return True
    config: dict[str, Any] = checkpoint.config
    positions = int(config.get("max_position_embeddings", 0))
    return (checkpoint.folder / "vocab.txt").is_file() and positions < ROBERTA_POSITIONS


def _in_bert_names(name: str) -> str:
    for theirs, ours in ROBERTA_HEAD:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _with_prefix(name: str, kind: str) -> str:
    return re.sub(rf"^({'|'.join(FAMILY)})\.", f"{kind}.", name)
