"""Google's TensorFlow 1 checkpoints of BERT: ``bert_model.ckpt.*``, ``bert_config.json``, ``vocab.txt``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suwen.errors import SuwenError
from suwen.models.checkpoints.checkpoint import Checkpoint, read_configuration
from suwen.models.checkpoints.tensor_bundle import read_bundle

__all__ = ["find_index", "read_tensorflow"]

CONFIGURATIONS = ("bert_config.json", "config.json")

# Files that training writes beside the weights.
OPTIMIZER = re.compile(r"(^|/)(global_step|adam_m|adam_v|beta[12]_power|learning_rate|ExponentialMovingAverage)$")

WHOLE_NAMES = {
    "cls.predictions.output_bias": "cls.predictions.bias",
    "cls.seq_relationship.output_weights": "cls.seq_relationship.weight",
    "cls.seq_relationship.output_bias": "cls.seq_relationship.bias",
}


def find_index(folder: Path) -> Path | None:
    """Return the index of the checkpoint, or None when this is no such folder.

    Raises
    ------
    SuwenError
        S506 when there are several and none is called ``bert_model.ckpt``.
    """
    found = sorted(folder.glob("*.ckpt*.index")) or sorted(folder.glob("*.index"))
    named = folder / "bert_model.ckpt.index"
    if named in found or len(found) < 2:
        return named if named in found else next(iter(found), None)
    names = ", ".join(path.name for path in found)
    raise SuwenError("S506", folder, advice=f"it holds several checkpoints ({names}); leave one")


def read_tensorflow(folder: Path, index: Path) -> Checkpoint:
    """Read a TensorFlow 1 checkpoint of BERT in the names of the transformers library.

    Raises
    ------
    SuwenError
        S101, S506 or S509 as the readers of its files.
    """
    config = {"model_type": "bert", **read_configuration(folder, CONFIGURATIONS)}
    arrays = {name: array for name, array in read_bundle(index).items() if not OPTIMIZER.search(name)}
    return Checkpoint(folder, config, dict(_renamed(name, array) for name, array in arrays.items()))


def _renamed(name: str, array: NDArray[Any]) -> tuple[str, Tensor]:
    ours = re.sub(r"/layer_(\d+)/", r"/layer/\1/", name).replace("/", ".")
    if ours in WHOLE_NAMES:
        ours = WHOLE_NAMES[ours]
    elif ours.endswith("_embeddings"):
        ours += ".weight"
    elif ours.endswith(".kernel"):
        # TensorFlow multiplies from the left.
        ours, array = ours.removesuffix("kernel") + "weight", array.T
    tensor = torch.from_numpy(np.array(array, np.float32 if array.dtype.kind == "f" else array.dtype, order="C"))
    return ours, tensor
