"""Loading a model of any kind for use."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from suwen.bundled import model_path, relation_model_path
from suwen.errors import DeviceError, SuwenError
from suwen.files import StrPath
from suwen.hub import origin_of
from suwen.inference.dictionary import load_dictionary
from suwen.inference.feature_crf import load_feature_crf
from suwen.inference.hmm import load_hmm
from suwen.inference.onnx import OnnxScorer, find_graph
from suwen.inference.overrides import OverriddenExtractor, Overrides
from suwen.inference.predictor import BATCH_TOKENS, Extractor, Predictor
from suwen.inference.relations import cooccurrence
from suwen.inference.relations.extractor import RelationExtractor
from suwen.inference.relations.onnx import OnnxPairScorer
from suwen.inference.relations.predictor import PairScorer, RelationPredictor
from suwen.inference.relations.relating import GivenEntities, RelatingExtractor
from suwen.inference.relations.settings import KIND as RELATIONS
from suwen.inference.relations.settings import RelationSettings
from suwen.inference.relations.trees import TwoStages
from suwen.model_folder import SETTINGS, ModelFolder, StoredModel, read_stored_model, tagger_folder
from suwen.requirements import MODELS, require_device, require_packages
from suwen.schema import LCDD, Schema
from suwen.schemes import scheme_named

__all__ = [
    "load",
    "load_for_given_entities",
    "load_overridden",
    "load_relating",
    "load_relations",
    "relation_folder",
]

_LOGGER = logging.getLogger("suwen")

BASELINES: dict[str, Callable[[StoredModel], Extractor]] = {
    "dictionary": load_dictionary,
    "hmm": load_hmm,
    "feature-crf": load_feature_crf,
}
KINDS = ("tagger", *BASELINES)

GRAPH_BATCH_TOKENS = 1024
"""Tokens that a core computes at once: larger batches do not fit into its cache."""

GPU_BATCH_TOKENS = 2**15


def load(
    path: StrPath | None = None,
    *,
    device: str = "cpu",
    batch_tokens: int | None = None,
    threads: int | None = None,
    relations: bool | StrPath = False,
) -> Extractor:
    """Load a model folder.

    Parameters
    ----------
    path
        A folder written by ``suwen train`` or ``suwen export``; or ``hf://owner/name``; by default the bundled model.
    device
        The device of the model: ``cpu``, ``cuda``, ``cuda:1`` …; the baselines know ``cpu`` only.
    batch_tokens
        The maximum number of tokens, padding included, that a batch may hold; by default what is fast.
    threads
        Number of computing threads on the CPU; by default one for each core that the process may use.
    relations
        True to find the relations between the entities too; or the relation model, as `load_relations`.

    Raises
    ------
    SuwenError
        S101, S109, S501, S502 or S503 when the folder cannot be read, S402 for a number below 1, S404
        when it holds a kind of model that this release does not know, S405 when a package is missing that the model
        needs, S512 when the device cannot be used; with relations as `load_relating`.
    """
    if relations is not False:
        found = relation_folder(None if relations is True else relations)
        models = [model_path(path), *([found] if found else [])]
        return load_relating(*models, device=device, batch_tokens=batch_tokens, threads=threads)
    require_device(device)
    for name, count in (("batch_tokens", batch_tokens), ("threads", threads)):
        if count is not None and count < 1:
            raise SuwenError("S402", key=name, reason=f"{count} is not a positive number")
    stored = read_stored_model(model_path(path))
    extractor = _load(stored, device, batch_tokens, threads)
    extractor.learned_from = stored.manifest.get("data") or {}
    extractor.name = origin_of(stored.path)
    return extractor


def _load(stored: StoredModel, device: str, batch_tokens: int | None, threads: int | None) -> Extractor:
    if stored.model == "tagger":
        return load_tagger(stored, device, batch_tokens, threads)
    if stored.model == RELATIONS:
        raise SuwenError("S605", stored.path)
    if stored.model not in BASELINES:
        raise SuwenError("S404", stored.path, what="kind of model", name=stored.model, known=", ".join(KINDS))
    if device != "cpu":
        raise DeviceError("S512", stored.path, device=device, reason=f"a {stored.model} runs on the CPU alone")
    return BASELINES[stored.model](stored)


def load_overridden(
    path: StrPath, device: str, batch_tokens: int | None, threads: int | None, overrides: Overrides | None
) -> Extractor:
    """Load as `load` does, with term lists that override the model."""
    extractor = load(path, device=device, batch_tokens=batch_tokens, threads=threads)
    return extractor if overrides is None else OverriddenExtractor(extractor, overrides)


def load_relations(path: StrPath | None = None, schema: Schema = LCDD, threads: int | None = None) -> RelationExtractor:
    """Load a relation model. It runs on the CPU.

    Parameters
    ----------
    path
        A folder, or ``cooccurrence`` for the baseline; by default the bundled model, without one the baseline.
    schema
        The relation types of the baseline; a folder has its own.
    threads
        As in `load`.

    Raises
    ------
    SuwenError
        As `load`; S604 when the label set of the baseline has no relation types, S606 when the folder holds no
        relation model, S608 when it holds one of a former release.
    """
    folder = relation_folder(path)
    if folder is None:
        if not schema.relations:
            raise SuwenError("S604", name=schema.name)
        return cooccurrence.CooccurrenceExtractor(schema)
    stored = read_stored_model(folder)
    if stored.model != RELATIONS:
        raise SuwenError("S606", stored.path, found=stored.model, baseline=cooccurrence.NAME)
    return load_relation_model(stored, threads)


def load_relation_model(stored: StoredModel, threads: int | None) -> RelationPredictor:
    """Load a relation model: its graph if there is one, otherwise its trees."""
    settings = RelationSettings.from_dict(stored.settings, stored.path / SETTINGS)
    graph = find_graph(stored)
    scorer: PairScorer = TwoStages.read(stored.path) if graph is None else OnnxPairScorer(graph)
    predictor = RelationPredictor(settings, scorer, threads or usable_cores())
    predictor.learned_from = stored.manifest.get("data") or {}
    predictor.name = origin_of(stored.path)
    return predictor


def relation_folder(path: StrPath | None) -> Path | None:
    """Return the folder of a relation model (see `load_relations`); None for the co-occurrence baseline."""
    if path is not None and str(path) == cooccurrence.NAME and not Path(path).exists():
        return None
    folder = relation_model_path(path)
    if folder is None:
        _LOGGER.warning("no relation model is bundled: relations are those of the co-occurrence baseline")
    return folder


def load_relating(
    path: StrPath,
    relations: StrPath = cooccurrence.NAME,
    *,
    device: str = "cpu",
    batch_tokens: int | None = None,
    threads: int | None = None,
    overrides: Overrides | None = None,
) -> RelatingExtractor:
    """Load as `load_overridden` does, with a relation model behind the tagger.

    Raises
    ------
    SuwenError
        As `load`, `load_relations` and `RelatingExtractor`.
    """
    entities = load_overridden(path, device, batch_tokens, threads, overrides)
    schema = entities.schema if entities.schema.relations else LCDD
    return RelatingExtractor(entities, load_relations(relations, schema, threads))


def load_for_given_entities(relations: StrPath = cooccurrence.NAME) -> RelatingExtractor:
    """Load a relation model for documents that have entities already.

    Raises
    ------
    SuwenError
        As `load_relations`.
    """
    model = load_relations(relations)
    return RelatingExtractor(GivenEntities(model.schema), model)


def load_tagger(stored: StoredModel, device: str, batch_tokens: int | None, threads: int | None) -> Predictor:
    """Load a tagger: its graph if there is one for the device, otherwise its weights."""
    folder = tagger_folder(stored)
    graph = find_graph(stored, device)
    trained = "config.json" in stored.manifest["files"]
    if graph is None and (trained or find_graph(stored) is None):
        return load_trained(folder, device, batch_tokens, threads)
    if graph is None:
        raise DeviceError("S512", stored.path, device=device, reason="the folder holds a graph for the CPU alone")
    try:
        scorer = OnnxScorer(graph, device)
    except DeviceError:
        # Torch may know the device, or say better why not.
        if trained:
            return load_trained(folder, device, batch_tokens, threads)
        raise
    batch_tokens = batch_tokens or (GRAPH_BATCH_TOKENS if device == "cpu" else GPU_BATCH_TOKENS)
    return Predictor(folder.settings, folder.featurizer, scorer, batch_tokens, threads or usable_cores())


def load_trained(folder: ModelFolder, device: str, batch_tokens: int | None, threads: int | None) -> Predictor:
    """Load a tagger that runs in torch: it has no graph."""
    require_packages(*MODELS)
    import torch

    from suwen.models.scorer import TorchScorer
    from suwen.models.weights import read_tagger

    settings = folder.settings
    tagger = read_tagger(folder.path, settings.tags, scheme_named(settings.scheme))
    if threads:
        torch.set_num_threads(threads)
    try:
        scorer = TorchScorer(tagger, device)
    except (AssertionError, RuntimeError) as error:
        # Torch's two ways to say that it was built without CUDA, or that the name is unknown.
        raise DeviceError("S512", device=device, reason=str(error).partition("\n")[0]) from None
    # Torch shares a batch out to its own threads; one of ours lets it work while others are read and written.
    return Predictor(settings, folder.featurizer, scorer, batch_tokens or BATCH_TOKENS, workers=1)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
