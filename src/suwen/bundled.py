"""The model and the encoder in the package, and the folder that the name of a model stands for."""

from __future__ import annotations

import os
import re
from pathlib import Path

from suwen.errors import SuwenError
from suwen.hub import find_on_hub, is_on_hub

__all__ = [
    "BUNDLED",
    "DATA",
    "SAMPLE",
    "bundled_encoder",
    "current_name",
    "encoder_name",
    "model_path",
    "relation_model_path",
]

BUNDLED = "bundled"
"""The name of the bundled model wherever a model is asked for, and of the bundled encoder where an encoder is."""

_BARE = re.compile(r"\w[\w-]*/[\w.-]+", re.ASCII)

_FORMER = "carried"
"""Its name in release 0.1; accepted for one more release."""

DATA = Path(__file__).parent / "data"
"""The files of the package: the model, its encoder, the sample corpus, and an article."""

SAMPLE = DATA / "sample"
"""The annotated sample corpus."""

_FOLDER = DATA / "suwen-mini"
_ENCODER = DATA / "suwen-mini-encoder"
_RELATIONS = DATA / "suwen-relations"


def current_name(name: str) -> str:
    """Return the name of the bundled model or encoder for its former name; any other name as it is."""
    return BUNDLED if name == _FORMER and not Path(name).exists() else name


def model_path(path: str | os.PathLike[str] | None) -> Path:
    """Return the folder of a model.

    Parameters
    ----------
    path
        A folder, ``hf://owner/name`` with or without ``@revision``, or ``bundled`` (unless a folder has that name);
        None stands for the bundled model.

    Raises
    ------
    SuwenError
        S523 when there is no folder ``owner/name``, which is never looked up on the hub; as `suwen.hub.find_on_hub`.
    """
    if path is None:
        return _FOLDER
    name = current_name(os.fspath(path))
    if is_on_hub(name):
        return find_on_hub(name)
    folder = Path(name)
    if folder.exists():
        return folder
    if _BARE.fullmatch(name):
        raise SuwenError("S523", name, name=name)
    return _FOLDER if name == BUNDLED else folder


def encoder_name(name: str) -> str:
    """Return the name under which an encoder is looked up: its local folder if it is on the hub, else its name.

    Raises
    ------
    SuwenError
        As `suwen.hub.find_on_hub`.
    """
    return str(find_on_hub(name)) if is_on_hub(name) else current_name(name)


def bundled_encoder(name: str) -> Path | None:
    """Return the folder of the bundled encoder for the name ``bundled``, unless a folder has that name; else None."""
    return _ENCODER if current_name(name) == BUNDLED and not Path(BUNDLED).exists() else None


def relation_model_path(path: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of a relation model: the bundled one for None and for the name ``bundled``.

    Without a bundled relation model, None has no folder: None is returned.

    Raises
    ------
    SuwenError
        As `model_path`.
    """
    if path is None:
        return _RELATIONS if _RELATIONS.exists() else None
    if current_name(os.fspath(path)) == BUNDLED and not Path(path).exists():
        return _RELATIONS
    return model_path(path)
