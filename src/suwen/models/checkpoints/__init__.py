"""Checkpoints of published encoders from any library, in one form: a configuration and named tensors.

Three layouts are read: Hugging Face folders, TensorFlow 1 checkpoints (Google's BERT, the first releases of Chinese
BERT-wwm), and Paddle's parameters (Baidu's ERNIE). Names and shapes are always those of the transformers library.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from suwen.errors import SuwenError
from suwen.models.checkpoints.checkpoint import Checkpoint
from suwen.models.checkpoints.family import normalize
from suwen.models.checkpoints.huggingface import find_weights, read_hugging_face
from suwen.models.checkpoints.paddle import find_parameters, read_paddle
from suwen.models.checkpoints.tensorflow import find_index, read_tensorflow

__all__ = ["Checkpoint", "read_checkpoint"]

Find = Callable[[Path], Path | None]
Read = Callable[[Path, Path], Checkpoint]

LAYOUTS: tuple[tuple[Find, Read], ...] = (
    (find_weights, read_hugging_face),
    (find_index, read_tensorflow),
    (find_parameters, read_paddle),
)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint in a folder, with the known faults of published ones fixed (see `fix`).

    Raises
    ------
    SuwenError
        S506 when there is none, or its configuration is missing; S509 when a file is damaged; S514 when it asks for
        code.
    """
    for find, read in LAYOUTS:
        weights = find(folder)
        if weights is not None:
            return normalize(read(folder, weights))
    raise SuwenError(
        "S506",
        folder,
        advice="the folder needs its configuration and model.safetensors, pytorch_model.bin, bert_model.ckpt.index "
        "with its data, or a .pdparams file",
    )
