"""One training run of a relation model, from documents to a model folder, resumable at any point."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suwen.document import Document
from suwen.errors import unknown_key
from suwen.files import StrPath, require_new
from suwen.inference.relations.inputs import RelationEncoder
from suwen.inference.relations.predictor import probabilities
from suwen.inference.relations.settings import KIND, RelationSettings
from suwen.model_card import relation_card
from suwen.model_folder import write_stored_model
from suwen.runs import Listener, check_work, open_work, silent, versions, working_folder
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration
from suwen.training.data import Report, TrainingData
from suwen.training.relations.config import ConfidenceConfig, RelationConfig
from suwen.training.relations.data import LabeledDocument, label_documents, nothing_to_learn
from suwen.training.relations.decisions import (
    Decisions,
    ScoredPairs,
    fit_decisions,
    relation_reliability,
    scored_pairs,
    strict_relation_scores,
)
from suwen.training.relations.stages import StageFitter, unseen_folds

__all__ = ["train_relations"]

COMMON_THRESHOLD = 0.4
"""The threshold without a dev part: about half of the F1 that can be reached."""


def train_relations(
    data: TrainingData,
    output: StrPath,
    config: RelationConfig,
    schema: Schema,
    resume: bool = False,
    listener: Listener = silent,
) -> Report:
    """Train a relation model and write its model folder.

    Parameters
    ----------
    output
        The model folder; finished trees are kept beside it until it is written.
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
        was made with other data or another configuration, S401 when a threshold names no relation type, S609 when no
        relation of the training part can be learned.
    """
    output = Path(output)
    require_new(output)
    work = working_folder(output, "training")
    check_work(work, resume)
    started = time.monotonic()
    encoder = RelationEncoder(schema, config.candidates.reach)
    train, dev = label_documents(data.train, encoder), label_documents(data.dev, encoder)
    if not any(document.targets[document.owned].any() for document in train):
        raise nothing_to_learn(data.train)
    names = [kind.name for kind in schema.relations]
    for name in config.confidence.thresholds:
        if name not in names:
            keys = [f"confidence.thresholds.{known}" for known in names]
            raise unknown_key(f"confidence.thresholds.{name}", keys)
    description = {**data.description, **_relations(data)}
    identity = {"data": description, "configuration": config.model_dump(), "label set": schema.to_dict()}
    # Only now: a run that cannot even begin leaves nothing behind.
    open_work(work, identity, resume)
    folds = unseen_folds([one.document for one in data.train], config.seed)
    stages = StageFitter(train, folds, config, work, listener).fit()
    pairs = scored_pairs(dev, [probabilities(one.encoded, stages) for one in dev], schema) if dev else None
    decisions = _decide(pairs, config.confidence, schema)
    scores = strict_relation_scores(pairs, decisions, schema) if pairs else None
    reliability = relation_reliability(pairs, decisions, schema) if pairs else None
    settings = RelationSettings(schema, encoder.reach, decisions.calibration, decisions.thresholds)
    manifest = {
        "name": output.name,
        "configuration": config.model_dump(),
        "seed": config.seed,
        "versions": versions("numpy", "lightgbm"),
        "data": description,
        "expressible": {"train": _reached(train), **({"dev": _reached(dev)} if dev else {})},
        "scores": {"dev": {**scores.micro.to_dict(), "by_type": scores.to_dict()["by_type"]}} if scores else {},
        "reliability": {"part": "dev", **reliability.to_dict()} if reliability else None,
        "training": {
            "trees": len(stages.first.values) + len(stages.second.values),
            "folds": len(set(folds)),
            "seconds": time.monotonic() - started,
            "resumed": resume,
        },
    }
    write_stored_model(output, KIND, settings.to_dict(), stages.write, manifest, relation_card(settings, manifest))
    shutil.rmtree(work)
    return Report(output, {}, scores, manifest)


def _relations(data: TrainingData) -> dict[str, Any]:
    """Describe the relations of each part, with their hash: the hash of the corpus covers entities only."""
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
