"""Whether this machine can compute what a training asks for."""

from __future__ import annotations

import torch

from suwen.errors import DeviceError, SuwenError
from suwen.requirements import require_device

__all__ = ["check_device"]


def check_device(device: str, precision: str) -> None:
    """Refuse what is not there: the trainer would quietly take another device, or fail in the midst of a batch.

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
        raise SuwenError("S406", first="fp16", second="the device cpu", advice="take fp32, or --device cuda")
    # Without these instructions torch has no LSTM in bf16, and everything else is ten times slower than in fp32.
    if precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        advice = "this one has no AVX-512; take fp32, or --device cuda"
        raise SuwenError("S406", first="bf16", second="this processor", advice=advice)
