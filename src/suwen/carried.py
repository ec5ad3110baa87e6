"""The model that suwen carries, and how a model is named."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CARRIED", "model_path"]

CARRIED = "carried"
"""What stands for the carried model wherever a model folder is asked for."""

_FOLDER = Path(__file__).parent / "data" / "suwen-mini"


def model_path(path: str | os.PathLike[str] | None) -> Path:
    """The folder of a model: the carried one for None, and for the name ``carried`` unless something is called that."""
    if path is None:
        return _FOLDER
    named = Path(path)
    return _FOLDER if str(path) == CARRIED and not named.exists() else named
