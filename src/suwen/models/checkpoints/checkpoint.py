"""The result of all readers of checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from suwen.errors import SuwenError
from suwen.files import read_json

__all__ = ["Checkpoint", "read_configuration"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A pretrained model as it was found.

    Parameters
    ----------
    folder
        Where it is.
    config
        The configuration as a dictionary in the names of the transformers library.
    tensors
        The tensors by their names in that library, fp32 unless they are integers.
    """

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, Tensor]


def read_configuration(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Read the first of these files that is there.

    Raises
    ------
    SuwenError
        S506 when there is none, or it holds no object; S204 when it is not JSON.
    """
    for name in names:
        if (folder / name).is_file():
            config = read_json(folder / name)
            if not isinstance(config, dict):
                raise SuwenError("S506", folder / name, advice="the configuration must be a JSON object")
            return config
    raise SuwenError("S506", folder, advice=f"the weights are there, but {' or '.join(names)} is missing")
