"""A scorer on ONNX Runtime: it runs graphs of ``suwen export``, without torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.errors import DeviceError, SuwenError
from suwen.model_folder import StoredModel
from suwen.tagging.encode import Arrays

__all__ = ["FLOAT32", "INT8", "OnnxScorer", "find_graph"]

FLOAT32, INT8 = "model.onnx", "model.int8.onnx"
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
SILENT = 4


def find_graph(stored: StoredModel, device: str = "cpu") -> Path | None:
    """Return the graph of a model folder for a device, if there is one; on the CPU 8 bits come first."""
    names = (INT8, FLOAT32) if device == "cpu" else (FLOAT32,)
    return next((stored.path / name for name in names if name in stored.manifest["files"]), None)


class OnnxScorer:
    """Computes emissions with the graph of a tagger; several threads may use it at once.

    Parameters
    ----------
    graph
        The file, or its bytes.
    device
        ``cpu``, ``cuda``, ``cuda:1`` … (these need onnxruntime-gpu in the place of onnxruntime).

    Raises
    ------
    SuwenError
        S405 when ONNX Runtime is missing, S509 when the graph is damaged, S512 when the device cannot be used.
    """

    def __init__(self, graph: Path | bytes, device: str = "cpu") -> None:
        # Telemetry: the library would queue reports in the home folder, so it is turned off before the import.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:
            import onnxruntime
        except ModuleNotFoundError:
            raise SuwenError("S405", package="onnxruntime", install="onnxruntime") from None
        providers = _providers(device, onnxruntime.get_available_providers())
        options = onnxruntime.SessionOptions()
        # One thread for a batch: threads that each have a batch of their own never wait for one another.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # The arena keeps the maximum that each array ever needed; the allocator of the system frees it.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.log_severity_level = SILENT
        path = None if isinstance(graph, bytes) else graph
        try:
            self._session = onnxruntime.InferenceSession(path or graph, options, providers=providers)
        except Exception as error:
            # The library's errors have no base of their own.
            raise SuwenError("S509", path, reason=str(error).partition("\n")[0]) from None
        if device != "cpu" and CUDA not in self._session.get_providers():
            raise DeviceError("S512", device=device, reason="ONNX Runtime could not start CUDA")
        self._names = [value.name for value in self._session.get_inputs()]
        self._made_of = graph, device

    def __reduce__(self) -> tuple[type[OnnxScorer], tuple[Path | bytes, str]]:
        """Open the graph again in another process: a session cannot be sent there."""
        return type(self), self._made_of

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return all outputs of the graph for a batch."""
        outputs: list[NDArray[Any]] = self._session.run(None, {name: inputs[name] for name in self._names})
        return outputs

    def emissions(self, inputs: Arrays) -> NDArray[np.float32]:
        """Score a batch: arrays ``[B, T]`` by name, ``attention_mask`` among them, to fp32 ``[B, T, K]``."""
        return self.run(inputs)[0]


def _providers(device: str, available: list[str]) -> list[Any]:
    if device == "cpu":
        return [CPU]
    kind, _, index = device.partition(":")
    if kind != "cuda" or not (index or "0").isdecimal():
        raise DeviceError("S512", device=device, reason="ONNX Runtime knows cpu, cuda, cuda:1 …")
    if CUDA not in available:
        raise DeviceError("S512", device=device, reason="onnxruntime-gpu is not installed")
    # TF32 would be faster, and off by more than float32 is.
    return [(CUDA, {"device_id": int(index or 0), "use_tf32": 0}), CPU]
