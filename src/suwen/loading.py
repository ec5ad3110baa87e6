"""Loading a model of any kind for use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from suwen.errors import SuwenError
from suwen.inference.dictionary import load_dictionary
from suwen.inference.feature_crf import load_feature_crf
from suwen.inference.predictor import BATCH_TOKENS, Extractor, Predictor
from suwen.model_folder import StoredModel, read_stored_model, tagger_folder
from suwen.schemes import scheme_named

__all__ = ["load"]

BASELINES: dict[str, Callable[[StoredModel], Extractor]] = {
    "dictionary": load_dictionary,
    "feature-crf": load_feature_crf,
}
KINDS = ("tagger", *BASELINES)


def load(path: str | Path, device: str = "cpu", batch_tokens: int = BATCH_TOKENS) -> Extractor:
    """Load a model folder.

    Parameters
    ----------
    path
        A folder written by ``suwen train``.
    device
        Where the model runs: ``cpu``, ``cuda``, ``cuda:1`` …; the baselines know ``cpu`` only.
    batch_tokens
        The most tokens, padding included, that a batch may hold.

    Raises
    ------
    SuwenError
        S101, S109, S501, S502 or S503 when the folder cannot be read, S404 when it holds a kind of model that this
        release does not know, S405 when a package is missing that the model needs, S512 when the device cannot be used.
    """
    stored = read_stored_model(Path(path))
    if stored.model == "tagger":
        return load_tagger(stored, device, batch_tokens)
    if stored.model not in BASELINES:
        raise SuwenError("S404", stored.path, what="kind of model", name=stored.model, known=", ".join(KINDS))
    if device != "cpu":
        raise SuwenError("S512", stored.path, device=device, reason=f"a {stored.model} runs on the CPU alone")
    return BASELINES[stored.model](stored)


def load_tagger(stored: StoredModel, device: str, batch_tokens: int) -> Predictor:
    """Load a tagger that runs in torch."""
    try:
        from suwen.models.scorer import TorchScorer
        from suwen.models.weights import read_tagger
    except ModuleNotFoundError as error:
        raise SuwenError("S405", stored.path, package=error.name, install="suwen[train]") from None
    folder = tagger_folder(stored)
    settings = folder.settings
    tagger = read_tagger(folder.path, settings.tags, scheme_named(settings.scheme))
    try:
        scorer = TorchScorer(tagger, device)
    except (AssertionError, RuntimeError) as error:
        # Torch's two ways to say that it was built without CUDA, or that the name means nothing.
        raise SuwenError("S512", device=device, reason=str(error).partition("\n")[0]) from None
    return Predictor(settings, folder.featurizer, scorer, batch_tokens)
