"""The model and the encoder that suwen carries, and how they are named."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["BUNDLED", "DATA", "SAMPLE", "bundled_encoder", "model_path", "relation_model_path"]

BUNDLED = "carried"
"""What stands for the carried model wherever a model is asked for, and for the carried encoder where an encoder is."""

DATA = Path(__file__).parent / "data"
"""What the package carries: the model, its encoder, the sample corpus, and an article."""

SAMPLE = DATA / "sample"
"""The annotated sample corpus."""

_FOLDER = DATA / "suwen-mini"
_ENCODER = DATA / "suwen-mini-encoder"
_RELATIONS = DATA / "suwen-relations"


def model_path(path: str | os.PathLike[str] | None) -> Path:
    """The folder of a model: the carried one for None, and for the name ``carried`` unless something is called that."""
    if path is None:
        return _FOLDER
    named = Path(path)
    return _FOLDER if str(path) == BUNDLED and not named.exists() else named


def bundled_encoder(name: str) -> Path | None:
    """The folder of the carried encoder for the name ``carried``, unless something is called that; else None."""
    return _ENCODER if name == BUNDLED and not Path(name).exists() else None


def relation_model_path(path: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of a relation model: the bundled one for None and for the name ``bundled``.

    Without a bundled relation model, None has no folder: None is returned.
    """
    if path is None:
        return _RELATIONS if _RELATIONS.exists() else None
    named = Path(path)
    return _RELATIONS if str(path) == BUNDLED and not named.exists() else named
