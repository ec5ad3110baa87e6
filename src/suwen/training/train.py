"""The calls that train a model of any kind, or one for each fold; they load torch only for taggers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.bundled import model_path
from suwen.corpus.split import Split
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, require_new
from suwen.requirements import TRAINING, require_packages
from suwen.runs import Listener, check_work, silent, working_folder
from suwen.schema import Schema
from suwen.training.baselines import BASELINES, load_baseline_config, train_baseline
from suwen.training.data import Report, select_data

if TYPE_CHECKING:
    from suwen.corpus.split import Unit
    from suwen.training.config import TrainingConfig
    from suwen.training.folds import FoldsReport

__all__ = ["train", "train_folds", "train_relation_model"]


def train(
    documents: Sequence[Document],
    output: StrPath,
    *,
    encoder: str | None = None,
    head: str | None = None,
    transfer: str | None = None,
    split: Split | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Sequence[str] = (),
    schema: Schema | None = None,
    base: StrPath | None = None,
    teachers: Sequence[StrPath] = (),
    texts: Sequence[StrPath] = (),
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> Report:
    """Train a tagger or a baseline on annotated documents and write its model folder (see `suwen.train`).

    Raises
    ------
    SuwenError
        S104 when `output` exists, S314 or S315 for texts or teachers that know held-out documents, S405 when a package
        is missing, S406 and S410 for arguments that do not go together, and as `train_tagger` and `train_baseline`.
    """
    output = Path(output)
    require_new(output)
    if encoder in BASELINES:
        _refuse_neural(
            encoder,
            {
                "--head": head is not None,
                "--transfer": transfer is not None,
                "--from": base is not None,
                "--teacher": bool(teachers),
                "--texts": bool(texts),
                "--resume": resume,
                "--device": device != "cpu",
                f"--preset {preset}": preset != "best",
            },
        )
        require_packages(*["pycrfsuite"] * (encoder == "feature-crf"))
        baseline = load_baseline_config(encoder, config, settings)
        data = select_data(documents, split, part, baseline.seed)
        return train_baseline(data, output, baseline, schema or Schema.of_labels(data.labels), listener)
    require_packages(*TRAINING)
    from suwen.training.config import with_teachers
    from suwen.training.distillation import read_distillation
    from suwen.training.taggers import train_tagger

    if texts and not teachers:
        raise SuwenError("S410", first="--texts", second="--teacher", advice="name a trained model that annotates them")
    folder = model_path(base) if base else None
    loaded = with_teachers(_configuration(encoder, head, transfer, preset, config, settings, folder), bool(teachers))
    distillation = None
    if teachers:
        # Before the texts are read, which may take long.
        check_work(working_folder(output, "training"), resume)
        distillation = read_distillation(teachers, texts, loaded.distillation.weight, device)
    data = select_data(documents, split, part, loaded.seed)
    schema = schema or Schema.of_labels(data.labels)
    return train_tagger(
        data, output, loaded, schema, folder, resume, device, distillation=distillation, listener=listener
    )


def train_relation_model(
    documents: Sequence[Document],
    output: StrPath,
    *,
    split: Split | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Sequence[str] = (),
    schema: Schema | None = None,
    resume: bool = False,
    listener: Listener = silent,
) -> Report:
    """Train a relation model on documents with entities and relations and write its model folder (see `suwen.train`).

    Raises
    ------
    SuwenError
        S104 when `output` exists, S405 when a package is missing, and as `relation_schema` and `train_relations`.
    """
    output = Path(output)
    require_new(output)
    require_packages("lightgbm")
    from suwen.training.relations.config import load_relation_config
    from suwen.training.relations.data import relation_schema
    from suwen.training.relations.train import train_relations

    loaded = load_relation_config(preset, config, settings)
    data = select_data(documents, split, part, loaded.seed)
    return train_relations(data, output, loaded, relation_schema(data, schema), resume, listener)


def train_folds(
    documents: Sequence[Document],
    output: StrPath,
    count: int,
    *,
    encoder: str | None = None,
    head: str | None = None,
    transfer: str | None = None,
    split: Split | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Sequence[str] = (),
    schema: Schema | None = None,
    base: StrPath | None = None,
    contradictions: StrPath | None = None,
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> FoldsReport:
    """Train taggers, each without a part of the annotated documents, which it then judges (see `suwen.train_folds`).

    Raises
    ------
    SuwenError
        S405 when a package is missing, S406 for a baseline, and as `suwen.training.folds.train_folds`.
    """
    output = Path(output)
    if not resume:
        require_new(output)
    if encoder in BASELINES:
        _refuse_neural(encoder, {"--folds": True})
    require_packages(*TRAINING)
    from suwen.training.config import with_teachers
    from suwen.training.folds import FoldsReport, find_contradictions, judges, write_contradictions
    from suwen.training.folds import train_folds as train_each

    folder = model_path(base) if base else None
    loaded = with_teachers(_configuration(encoder, head, transfer, preset, config, settings, folder), False)
    data = select_data(documents, split, part, loaded.seed, set_aside=False)
    schema = schema or Schema.of_labels(data.labels)
    unit: Unit = split.unit if split else "document"
    folds = train_each(data, output, loaded, schema, count, unit, folder, resume, device, listener)
    counts = None
    if contradictions is not None:
        counts = write_contradictions(contradictions, find_contradictions(judges(folds, device)))
    return FoldsReport(folds, counts)


def _configuration(
    encoder: str | None,
    head: str | None,
    transfer: str | None,
    preset: str,
    config: StrPath | None,
    settings: Sequence[str],
    folder: Path | None,
) -> TrainingConfig:
    """Put the configuration of a tagger together."""
    from suwen.training.build import base_encoder
    from suwen.training.config import load_training_config

    options: dict[str, Any] = {"encoder.name": encoder, "head.name": head, "encoder.transfer": transfer}
    chosen = {key: value for key, value in options.items() if value is not None}
    return load_training_config(preset, config, chosen, settings, base_encoder(folder) if folder else None)


def _refuse_neural(encoder: str, given: dict[str, bool]) -> None:
    """Refuse options that mean nothing to a baseline (S406)."""
    for option, present in given.items():
        if present:
            raise SuwenError("S406", first=option, second=f"--encoder {encoder}", advice="leave it out")
