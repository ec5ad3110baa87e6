"""Training models: the functions `suwen.train` and `suwen.train_folds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.api.tasks import Task, require_task
from suwen.bundled import model_path
from suwen.errors import SuwenError
from suwen.files import StrPath, paths_of, require_new
from suwen.requirements import TRAINING, require_packages
from suwen.runs import Listener, check_work, silent, working_folder
from suwen.schema import Schema

if TYPE_CHECKING:
    from suwen.api.scoring import Corpus
    from suwen.corpus.split import Split, Unit
    from suwen.settings import Overrides
    from suwen.training.config import TrainingConfig
    from suwen.training.data import Report
    from suwen.training.folds import FoldsReport

__all__ = ["train", "train_folds"]


def train(
    corpus: Corpus,
    output: StrPath,
    *,
    task: Task = "entities",
    encoder: str | None = None,
    head: str | None = None,
    transfer: str | None = None,
    split: Split | StrPath | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Overrides = (),
    schema: Schema | None = None,
    base: StrPath | None = None,
    teachers: StrPath | Sequence[StrPath] = (),
    texts: StrPath | Sequence[StrPath] = (),
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> Report:
    """Train a tagger, a baseline or a relation model and write its model folder.

    Parameters
    ----------
    corpus
        A folder or file in any format, or documents.
    output
        The model folder to write.
    task
        ``entities`` or ``relations``. A relation model consists of boosted trees: `encoder`, `head`, `transfer`,
        `base`, `teachers`, `texts` and `device` are for entities alone.
    encoder
        The name of an encoder or baseline, ``hf://owner/name``, or an encoder folder.
    head, transfer
        ``head.name`` and ``encoder.transfer`` of the configuration.
    split, part
        A split of the corpus (or its file) and the part to learn from; without one, a tenth is set aside to evaluate.
    preset, config, settings
        A preset, a TOML file that changes it, and single values: ``key=value`` strings, or a mapping by dotted key.
    schema
        The entity types, and for relations the relation types; by default those of the training part.
    base
        A trained model to start from: a folder, ``hf://owner/name``, or ``bundled``.
    teachers, texts
        Trained models (or one) to distill from, and unlabeled texts (or one) that they annotate. The output of
        `train_folds` stands for the models of all its folds.
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    resume
        Whether to continue the unfinished run of `output`.
    listener
        Receives the progress of the run.

    Raises
    ------
    SuwenError
        S104 when `output` exists, S127 when it is inside the corpus, S314 or S315 for texts or teachers that know
        held-out documents, S405 when a package is missing, S406 and S410 for arguments that do not go together, and as
        the training functions in `suwen.training`.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.train("articles/", "model", base="bundled")  # doctest: +SKIP
    >>> report.scores.micro.f1  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of, require_apart, split_of
    from suwen.settings import assignments
    from suwen.training.baselines import BASELINES
    from suwen.training.data import select_data

    require_task(task)
    require_apart(output, corpus)
    output, settings = Path(output), assignments(settings)
    neural = {"head": head, "transfer": transfer, "from": base, "teacher": teachers, "texts": texts}
    if task == "relations":
        _refuse_options({"encoder": encoder, **neural, "device": device != "cpu"}, "task relations")
        require_new(output)
        require_packages("lightgbm")
        from suwen.training.relations.config import load_relation_config
        from suwen.training.relations.data import relation_schema
        from suwen.training.relations.train import train_relations

        relation_config = load_relation_config(preset, config, settings)
        data = select_data(documents_of(corpus, schema), split_of(split), part, relation_config.seed)
        return train_relations(data, output, relation_config, relation_schema(data, schema), resume, listener)
    if encoder in BASELINES:
        other = {"resume": resume, "device": device != "cpu", f"preset {preset}": preset != "best"}
        _refuse_options({**neural, **other}, f"encoder {encoder}")
        require_new(output)
        require_packages(*["pycrfsuite"] * (encoder == "feature-crf"))
        from suwen.training.baselines import load_baseline_config, train_baseline

        baseline = load_baseline_config(encoder, config, settings)
        data = select_data(documents_of(corpus, schema), split_of(split), part, baseline.seed)
        return train_baseline(data, output, baseline, schema or Schema.of_labels(data.labels), listener)
    if texts and not teachers:
        raise SuwenError("S410", first="--texts", second="--teacher", advice="name a trained model that annotates them")
    require_new(output)
    require_packages(*TRAINING)
    from suwen.training.config import with_teachers
    from suwen.training.distillation import read_distillation
    from suwen.training.taggers import train_tagger

    folder = model_path(base) if base else None
    tagger_config = with_teachers(
        _tagger_config(encoder, head, transfer, preset, config, settings, folder), bool(teachers)
    )
    # When the configuration is right: it may take long.
    documents = documents_of(corpus, schema)
    distillation = None
    if teachers:
        # Before the texts are read, which may take long.
        check_work(working_folder(output, "training"), resume)
        distillation = read_distillation(paths_of(teachers), paths_of(texts), tagger_config.distillation.weight, device)
    data = select_data(documents, split_of(split), part, tagger_config.seed)
    schema = schema or Schema.of_labels(data.labels)
    return train_tagger(
        data, output, tagger_config, schema, folder, resume, device, distillation=distillation, listener=listener
    )


def train_folds(
    corpus: Corpus,
    output: StrPath,
    count: int,
    *,
    encoder: str | None = None,
    head: str | None = None,
    transfer: str | None = None,
    split: Split | StrPath | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Overrides = (),
    schema: Schema | None = None,
    base: StrPath | None = None,
    contradictions: StrPath | None = None,
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> FoldsReport:
    """Train taggers, each without a part of the annotated documents, which it then checks.

    Parameters
    ----------
    corpus
        A folder or file in any format, or documents.
    output
        The folder of the models ``fold-1`` … ``fold-K``.
    count
        The number of folds; units of the split stay whole in them.
    encoder
        The name of an encoder, or an encoder folder.
    head, transfer
        ``head.name`` and ``encoder.transfer`` of the configuration.
    split, part
        A split of the corpus, or its file, and the part to divide into folds; without one, all documents.
    preset, config, settings
        A preset, a TOML file that changes it, and single values: ``key=value`` strings, or a mapping by dotted key.
    schema
        The entity types; by default the labels of the training part.
    base
        A trained model to start from: a folder, ``hf://owner/name``, or ``bundled``.
    contradictions
        A table to write: the annotations that the models contradict.
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    resume
        True to keep finished models and to train the others.
    listener
        Receives the progress of the run.

    Raises
    ------
    SuwenError
        S104 when `output` or `contradictions` exists, S511 when a fold of `output` is unfinished, S405 when a package
        is missing, S406 for a baseline, and as `suwen.training.folds.train_folds`.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.train_folds("articles/", "models", 5, contradictions="report.tsv")  # doctest: +SKIP
    >>> report.contradictions  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of, require_apart, split_of
    from suwen.settings import assignments
    from suwen.training.baselines import BASELINES

    if encoder in BASELINES:
        _refuse_options({"folds": True}, f"encoder {encoder}")
    require_apart(output, corpus)
    output = Path(output)
    if not resume:
        if any(output.glob("fold-*.training")):
            raise SuwenError("S511", output)
        require_new(output)
    if contradictions is not None:
        require_new(contradictions)
    require_packages(*TRAINING)
    from suwen.training import folds
    from suwen.training.config import with_teachers
    from suwen.training.data import select_data

    folder = model_path(base) if base else None
    loaded = _tagger_config(encoder, head, transfer, preset, config, assignments(settings), folder)
    tagger_config = with_teachers(loaded, False)
    documents, split = documents_of(corpus, schema), split_of(split)
    data = select_data(documents, split, part, tagger_config.seed, set_aside=False)
    schema = schema or Schema.of_labels(data.labels)
    unit: Unit = split.unit if split else "document"
    trained = folds.train_folds(data, output, tagger_config, schema, count, unit, folder, resume, device, listener)
    counts = None
    if contradictions is not None:
        found = folds.find_contradictions(folds.load_scorers(trained, device))
        counts = folds.write_contradictions(contradictions, found)
    return folds.FoldsReport(trained, counts)


def _tagger_config(
    encoder: str | None,
    head: str | None,
    transfer: str | None,
    preset: str,
    config: StrPath | None,
    settings: Sequence[str],
    folder: Path | None,
) -> TrainingConfig:
    """Return the configuration of a tagger, from a preset, a file and single options."""
    from suwen.training.build import base_encoder
    from suwen.training.config import load_training_config

    options: dict[str, Any] = {"encoder.name": encoder, "head.name": head, "encoder.transfer": transfer}
    chosen = {key: value for key, value in options.items() if value is not None}
    return load_training_config(preset, config, chosen, settings, base_encoder(folder) if folder else None)


def _refuse_options(given: Mapping[str, object], run: str) -> None:
    """Refuse options that mean nothing to a run (S406)."""
    for option, value in given.items():
        if value:
            raise SuwenError("S406", first=f"--{option}", second=f"--{run}", advice="leave it out")
