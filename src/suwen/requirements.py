"""Check the requirements of a run before it starts: packages of the extras, and the name of a device."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from importlib.util import find_spec

from suwen.errors import DeviceError, SuwenError

__all__ = [
    "EXPORTING",
    "EXTRAS",
    "MODELS",
    "TRAINING",
    "extras_of",
    "is_installed",
    "require_device",
    "require_packages",
    "segmenter_packages",
]

EXTRAS = {
    "train": ("torch", "transformers", "accelerate", "safetensors", "tensorboard", "pycrfsuite", "lightgbm"),
    "export": ("onnx", "onnxscript"),
    "augment": ("jieba", "thulac"),
    "parquet": ("pyarrow",),
    "excel": ("openpyxl",),
    "pandas": ("pandas",),
    "graph": ("networkx",),
    "hub": ("huggingface_hub",),
    "preannotate": ("httpx2",),
    "ray": ("ray",),
    "serve": ("fastapi", "starlette", "uvicorn", "h11"),
    "spacy": ("spacy",),
}
"""The packages of each extra, as they are imported."""

MODELS = ("torch", "transformers", "safetensors")
"""The packages that running a model in PyTorch needs."""

TRAINING = (*MODELS, "accelerate", "tensorboard")
"""The packages that training a neural model needs."""

EXPORTING = (*MODELS, *EXTRAS["export"])
"""The packages that exporting a model needs."""

_DEVICE = re.compile("cpu|cuda(:[0-9]+)?")


def extras_of(packages: Collection[str]) -> list[str]:
    """Return the extras that hold these packages, in the order of `EXTRAS`."""
    return [extra for extra, held in EXTRAS.items() if set(packages) & set(held)]


def segmenter_packages(name: str) -> tuple[str, ...]:
    """Return the packages that the word segmenter of this name needs."""
    return (name,) if name in EXTRAS["augment"] else ()


def require_packages(*packages: str) -> None:
    """Check that packages of the extras are installed, without importing them.

    Parameters
    ----------
    packages
        Names as in `EXTRAS`.

    Raises
    ------
    SuwenError
        S405, which names all missing packages and the extras that hold them.
    """
    missing = [package for package in dict.fromkeys(packages) if not is_installed(package)]
    if missing:
        install = f"suwen[{','.join(extras_of(missing))}]"
        raise SuwenError("S405", package=", ".join(missing), install=install)


def is_installed(package: str) -> bool:
    """Return whether a package is installed, without importing it."""
    if package in sys.modules:
        return sys.modules[package] is not None
    return find_spec(package) is not None


def require_device(device: str) -> None:
    """Check the name of a device; this machine need not have it.

    Raises
    ------
    SuwenError
        S512.
    """
    if not _DEVICE.fullmatch(device):
        raise DeviceError("S512", device=device, reason="models run on cpu, cuda, cuda:0, cuda:1 …")
