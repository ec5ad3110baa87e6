"""Check whether this machine supports the device and precision of a training."""

from __future__ import annotations

import torch
from transformers import TrainingArguments

from suwen.errors import DeviceError, SuwenError
from suwen.requirements import require_device

__all__ = ["check_device", "place_on"]


def check_device(device: str, precision: str) -> None:
    """Refuse a missing device: the trainer would take another one silently, or fail during a batch.

    Raises
    ------
    SuwenError
        S512 for a name that is no device and for a GPU that torch does not see, S406 for ``fp16`` on a CPU, and for
        ``bf16`` on one that cannot.
    """
    require_device(device)
    if device != "cpu":
        number = int(device.partition(":")[2] or 0)
        if not torch.cuda.is_available() or number >= torch.cuda.device_count():
            raise DeviceError("S512", device=device, reason="torch does not see it")
    if device != "cpu":
        return
    if precision == "fp16":
        raise SuwenError("S406", first="fp16", second="the device cpu", advice="use fp32, or --device cuda")
    # Without these instructions torch has no LSTM in bf16, and everything else is ten times slower than in fp32.
    if precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        advice = "this one has no AVX-512; use fp32, or --device cuda"
        raise SuwenError("S406", first="bf16", second="this processor", advice=advice)


def place_on(arguments: TrainingArguments, device: str) -> None:
    """Train on the GPU ``cuda:N``; by default the Trainer uses the first GPU, or all visible ones.

    Parameters
    ----------
    arguments
        The arguments of a Trainer that is not yet built; they are changed.
    device
        ``cpu`` and ``cuda`` change nothing.
    """
    if ":" not in device:
        return
    assert arguments.device is not None  # found now, so that it can be replaced
    place = torch.device(device)
    if torch.cuda.is_available():
        torch.cuda.set_device(place)
    arguments.distributed_state.device = place
    arguments._n_gpu = 1
    # TrainingArguments caches its device under the name of the method that finds it.
    arguments.__dict__["_setup_devices"] = place
