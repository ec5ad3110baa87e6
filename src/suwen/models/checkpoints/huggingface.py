"""Hugging Face folders: safetensors, or PyTorch's own format read without running code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from suwen.errors import SuwenError
from suwen.files import os_error, read_json
from suwen.models.checkpoints.checkpoint import Checkpoint, read_configuration

__all__ = ["find_weights", "read_hugging_face", "read_safetensors"]

# safetensors first: nothing in them can be code. bert_config.json came with the first PyTorch releases.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
CONFIGURATIONS = ("config.json", "bert_config.json")


def find_weights(folder: Path) -> Path | None:
    """Return the file to begin with, or None when this is no such folder."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def read_hugging_face(folder: Path, weights: Path) -> Checkpoint:
    """Read a Hugging Face folder from the file that `find_weights` found.

    Raises
    ------
    SuwenError
        S101 when a shard is missing, S506 when the configuration is, S509 when a file is damaged, S514 when it asks
        for code.
    """
    config = read_configuration(folder, CONFIGURATIONS)
    if weights.suffix != ".json":
        return Checkpoint(folder, config, _read(weights))
    index = read_json(weights)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise SuwenError("S509", weights, reason="it lists no weight_map")
    tensors: dict[str, Tensor] = {}
    for name in sorted(set(shards.values())):
        tensors |= _read(folder / Path(name).name)
    return Checkpoint(folder, config, tensors)


def _read(path: Path) -> dict[str, Tensor]:
    return read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file in fp32.

    Raises
    ------
    SuwenError
        S101 when it is missing, S509 when it is damaged.
    """
    if not path.is_file():
        raise SuwenError("S101", path)
    try:
        with safe_open(path, framework="pt") as file:
            return {name: in_fp32(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise SuwenError("S509", path, reason=str(error).splitlines()[0]) from None


def _read_torch(path: Path) -> dict[str, Tensor]:
    try:
        values: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        if "global" in str(error).lower():
            raise SuwenError("S514", path, what="code beside tensors") from None
        raise SuwenError("S509", path, reason=reason) from None
    except (FileNotFoundError, PermissionError) as error:
        raise os_error(error, path) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise SuwenError("S509", path, reason=str(error).partition("\n")[0] or "it ends too early") from None
    if not isinstance(values, dict) or not all(isinstance(value, Tensor) for value in values.values()):
        raise SuwenError("S509", path, reason="it holds other things than tensors by name")
    return {str(name): in_fp32(tensor) for name, tensor in values.items()}


def in_fp32(tensor: Tensor) -> Tensor:
    """Return the same values, single precision where they are floating."""
    return tensor.float() if tensor.is_floating_point() else tensor
