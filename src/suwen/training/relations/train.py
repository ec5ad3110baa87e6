"""One training run of a relation model, from documents to a model folder, resumable at any point."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import set_seed

from suwen.corpus.split import Selection
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.inference.relations.features import feature_names
from suwen.inference.relations.inputs import RelationEncoder
from suwen.inference.relations.settings import KIND, RelationSettings
from suwen.inference.relations.trees import TREES, BoostedTrees
from suwen.model_card import relation_card
from suwen.model_folder import VOCABULARY, write_stored_model
from suwen.models.relation_weights import write_network
from suwen.models.relations import RelationNetwork, RelationSizes
from suwen.runs import Listener, check_work, open_work, silent, versions, working_folder
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration
from suwen.tagging.vocabulary import CharacterVocabulary
from suwen.training.checkpoints import last_checkpoint
from suwen.training.data import Report, TrainingData
from suwen.training.device import check_device
from suwen.training.log import Log
from suwen.training.progress import ProgressCallback
from suwen.training.relations.config import ConfidenceConfig, RelationConfig
from suwen.training.relations.data import LabeledDocument, label_documents
from suwen.training.relations.decisions import (
    Decisions,
    ScoredPairs,
    fit_decisions,
    relation_reliability,
    strict_relation_scores,
)
from suwen.training.relations.trainer import RelationEvaluator, RelationTrainer
from suwen.training.relations.trees import fit_trees
from suwen.training.trainer import stop_reason

__all__ = ["train_relations"]

COMMON_THRESHOLD = 0.4
"""The threshold without a dev part: about half of the F1 that can be reached."""


def train_relations(
    data: TrainingData,
    output: StrPath,
    config: RelationConfig,
    schema: Schema,
    resume: bool = False,
    device: str = "cpu",
    listener: Listener = silent,
) -> Report:
    """Train a relation model and write its model folder.

    Parameters
    ----------
    output
        The model folder; checkpoints and logs are kept beside it until it is written.
    schema
        The entity types to read and the relation types to learn.
    resume
        Whether to continue the unfinished run of `output`. The result is that of an uninterrupted run.
    listener
        Receives the progress of the run.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S511 when an unfinished run is there, S507 when there is none to resume, S508 when it
        was made with other data or another configuration, S601 when no relation of the training part can be learned,
        and whatever `check_device` raises.
    """
    check_device(device, config.optimization.precision)
    output = Path(output)
    if output.exists():
        raise SuwenError("S104", output)
    work = working_folder(output, "training")
    check_work(work, resume)
    started = time.monotonic()
    set_seed(config.seed)
    encoder = _encoder(data.train, config, schema)
    train, dev = label_documents(data.train, encoder), label_documents(data.dev, encoder)
    if not any(document.targets[document.owned].any() for document in train):
        raise SuwenError("S601")
    network = _network(encoder, config)
    description = {**data.description, **_relations(data)}
    identity = {"data": description, "configuration": config.model_dump(), "label set": schema.to_dict()}
    # Only now: a run that cannot even begin leaves nothing behind.
    open_work(work, identity, resume)
    log = Log(work)
    trees = _trees(train, config, work / TREES, listener)
    evaluator = RelationEvaluator(network, trees, dev, encoder, device) if dev else None
    callbacks = [log, ProgressCallback(listener)]
    trainer = RelationTrainer(network, train, encoder, evaluator, config, work, device, callbacks)
    history = trainer.run(last_checkpoint(work) if resume else None)
    pairs = evaluator.pairs() if evaluator else None
    decisions = _decide(pairs, config.confidence, schema)
    scores = strict_relation_scores(pairs, decisions, schema) if pairs else None
    reliability = relation_reliability(pairs, decisions, schema) if pairs else None
    rounds = config.network.competition
    settings = RelationSettings(schema, encoder.reach, rounds, decisions.calibration, decisions.thresholds)
    manifest = {
        "name": output.name,
        "configuration": config.model_dump(),
        "seed": config.seed,
        "versions": versions("torch", "transformers", "numpy", "lightgbm"),
        "data": description,
        "expressible": {"train": _reached(train), **({"dev": _reached(dev)} if dev else {})},
        "scores": {"dev": {**scores.micro.to_dict(), "by_type": scores.to_dict()["by_type"]}} if scores else {},
        "reliability": {"part": "dev", **reliability.to_dict()} if reliability else None,
        "training": {
            "steps": trainer.state.global_step,
            "kept_step": trainer.state.best_global_step or trainer.state.global_step,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "learnt_parameters": sum(parameter.numel() for parameter in network.parameters()),
            "stopped": stop_reason(history, config.evaluation) or "all epochs done",
            "evaluations": [entry for entry in history if "eval_f1" in entry],
            "seconds": log.seconds_before + time.monotonic() - started,
            "threads": torch.get_num_threads(),
            "device": device,
        },
    }
    _write(output, settings, encoder.vocabulary, network, trees, manifest, work)
    shutil.rmtree(work)
    return Report(output, {}, scores, manifest)


def _encoder(selections: Sequence[Selection], config: RelationConfig, schema: Schema) -> RelationEncoder:
    texts = ("".join(one.document.text[start:end] for start, end in one.spans) for one in selections)
    vocabulary = CharacterVocabulary.from_texts(texts, config.network.minimum_count)
    return RelationEncoder(schema, vocabulary, config.candidates.reach)


def _network(encoder: RelationEncoder, config: RelationConfig) -> RelationNetwork:
    options, types = config.network, len(encoder.schema.labels)
    sizes = RelationSizes(
        len(encoder.vocabulary),
        types,
        len(encoder.schema.relations),
        len(feature_names(types)) if options.features else 0,
        options.hidden,
        options.pair,
        options.competition,
    )
    return RelationNetwork(sizes, options.dropout, options.feature_dropout)


def _trees(
    documents: Sequence[LabeledDocument], config: RelationConfig, path: Path, listener: Listener
) -> BoostedTrees | None:
    """Return the trees of a run: those that were fitted before it was interrupted, or new ones; None without any."""
    if not config.trees.count:
        return None
    if not path.is_file():
        fit_trees(documents, config.trees, config.seed, listener).write(path)
    return BoostedTrees.read(path)


def _relations(data: TrainingData) -> dict[str, Any]:
    """Describe the relations of each part, and their hash: the hash of the corpus knows the entities only."""
    parts = {"train": data.train, "dev": data.dev}
    counts = {
        name: {**data.description[name], "relations": sum(len(one.document.relations) for one in selections)}
        for name, selections in parts.items()
    }
    rows = [_rows(one.document) for selections in parts.values() for one in selections]
    digest = hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
    return {**counts, "relations_hash": digest}


def _rows(document: Document) -> list[list[Any]]:
    keys = {entity.id: entity.key for entity in document.entities}
    found = [[one.label, keys.get(one.head), keys.get(one.tail)] for one in document.relations]
    return [[document.id], *sorted(found, key=str)]


def _reached(documents: Sequence[LabeledDocument]) -> dict[str, int]:
    """Count the gold relations of a part, and those that no candidate reaches."""
    gold = sum(document.gold.total() for document in documents)
    return {"relations": gold, "reachable": gold - sum(document.unreachable for document in documents)}


def _decide(pairs: ScoredPairs | None, given: ConfidenceConfig, schema: Schema) -> Decisions:
    """Take calibration and thresholds from the configuration, or fit them to the dev part."""
    fitted = (pairs and fit_decisions(pairs, schema)) or Decisions(Calibration(), {})
    calibration = fitted.calibration
    if given.slope is not None and given.intercept is not None:
        calibration = Calibration(given.slope, given.intercept)
    known = {**fitted.thresholds, **given.thresholds}
    return Decisions(calibration, {kind.name: known.get(kind.name, COMMON_THRESHOLD) for kind in schema.relations})


def _write(
    output: Path,
    settings: RelationSettings,
    vocabulary: CharacterVocabulary,
    network: RelationNetwork,
    trees: BoostedTrees | None,
    manifest: dict[str, Any],
    work: Path,
) -> None:
    def write_files(folder: Path) -> None:
        vocabulary.write(folder / VOCABULARY)
        write_network(network, folder)
        if trees is not None:
            trees.write(folder / TREES)
        (folder / "log").mkdir()
        shutil.copyfile(work / "log" / "log.jsonl", folder / "log" / "log.jsonl")

    write_stored_model(output, KIND, settings.to_dict(), write_files, manifest, relation_card(settings, manifest))
