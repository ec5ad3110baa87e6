"""Training models: the functions `suwen.train` and `suwen.train_folds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from suwen.api.tasks import Task, require_task
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.runs import Listener, silent

if TYPE_CHECKING:
    from suwen.api.scoring import Corpus
    from suwen.corpus.split import Split
    from suwen.schema import Schema
    from suwen.settings import Overrides
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
    teachers: Sequence[StrPath] = (),
    texts: Sequence[StrPath] = (),
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
        Trained models to distill from, and unlabeled texts that they annotate.
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    resume
        Whether to continue the unfinished run of `output`.
    listener
        Receives the progress of the run.

    Raises
    ------
    SuwenError
        S406 for arguments that are not for the task, and as `suwen.training.train.train` and `train_relation_model`.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.train("articles/", "model", base="bundled")  # doctest: +SKIP
    >>> report.scores.micro.f1  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of, split_of
    from suwen.settings import assignments
    from suwen.training.train import train as train_documents
    from suwen.training.train import train_relation_model

    require_task(task)
    if task == "relations":
        for_entities = {
            "encoder": encoder,
            "head": head,
            "transfer": transfer,
            "from": base,
            "teacher": teachers,
            "texts": texts,
            "device": device != "cpu",
        }
        _refuse_options(for_entities, "task relations")
        return train_relation_model(
            documents_of(corpus, schema),
            output,
            split=split_of(split),
            part=part,
            preset=preset,
            config=config,
            settings=assignments(settings),
            schema=schema,
            resume=resume,
            listener=listener,
        )
    return train_documents(
        documents_of(corpus, schema),
        output,
        encoder=encoder,
        head=head,
        transfer=transfer,
        split=split_of(split),
        part=part,
        preset=preset,
        config=config,
        settings=assignments(settings),
        schema=schema,
        base=base,
        teachers=teachers,
        texts=texts,
        device=device,
        resume=resume,
        listener=listener,
    )


def _refuse_options(given: Mapping[str, object], run: str) -> None:
    """Refuse options that mean nothing to a run (S406)."""
    for option, value in given.items():
        if value:
            raise SuwenError("S406", first=f"--{option}", second=f"--{run}", advice="leave it out")


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
        As `suwen.training.train.train_folds`.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.train_folds("articles/", "models", 5, contradictions="report.tsv")  # doctest: +SKIP
    >>> report.contradictions  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of, split_of
    from suwen.settings import assignments
    from suwen.training.train import train_folds as train_on_folds

    return train_on_folds(
        documents_of(corpus, schema),
        output,
        count,
        encoder=encoder,
        head=head,
        transfer=transfer,
        split=split_of(split),
        part=part,
        preset=preset,
        config=config,
        settings=assignments(settings),
        schema=schema,
        base=base,
        contradictions=contradictions,
        device=device,
        resume=resume,
        listener=listener,
    )
