"""Generating training documents: the functions `suwen.augment` and `suwen.augment_corpus`."""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.document import Document
from suwen.files import StrPath, require_no_frame
from suwen.requirements import require_packages
from suwen.runs import Listener, silent

if TYPE_CHECKING:
    from suwen.api.scoring import Corpus
    from suwen.augmentation.corpus import Result as AugmentedCorpus
    from suwen.augmentation.generation import Augmentation
    from suwen.corpus.split import Selection, Split
    from suwen.settings import Overrides

__all__ = ["augment", "augment_corpus"]


def augment(
    documents: Corpus | Iterable[Selection],
    method: str | None = None,
    *,
    preset: str = "best",
    encoder: StrPath | None = None,
    seed: int | None = None,
    copies: int | None = None,
    rate: float | None = None,
    settings: Overrides = (),
    device: str = "cpu",
    workers: int = 1,
    listener: Listener = silent,
) -> Augmentation:
    """Generate documents from training documents.

    Parameters
    ----------
    documents
        Documents, a folder or file in any format, or the selections of the train part of a split.
    method
        ``mlm`` (the default), ``mention``, ``token``, ``synonym`` or ``composition``.
    preset
        ``best`` or ``paper``.
    encoder
        The masked language model of ``mlm``: a name, a folder or ``hf://owner/name``.
    seed, copies, rate
        The seed, the documents generated from each, and the share of words or mentions that is replaced.
    settings
        Other values of the configuration: a mapping by dotted key, or ``key=value`` strings.
    device, workers
        The device of the models; the number of processes on the CPU.
    listener
        Receives the number of documents that are done.

    Raises
    ------
    SuwenError
        As `suwen.augmentation.augment`.

    Examples
    --------
    >>> import suwen
    >>> more = suwen.augment(suwen.read_corpus("articles/"), "mention", seed=1).documents  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of
    from suwen.augmentation import augment as augment_documents
    from suwen.formats import DOCUMENTS
    from suwen.settings import parse_settings

    require_no_frame(documents, DOCUMENTS)
    return augment_documents(
        documents_of(documents) if isinstance(documents, str | PathLike | Document) else documents,
        method,
        preset=preset,
        encoder=encoder,
        seed=seed,
        copies=copies,
        rate=rate,
        settings=parse_settings(settings),
        device=device,
        workers=workers,
        listener=listener,
    )


def augment_corpus(
    corpus: Corpus,
    output: StrPath,
    method: str | None = None,
    *,
    preset: str = "best",
    config: StrPath | None = None,
    encoder: StrPath | None = None,
    seed: int | None = None,
    copies: int | None = None,
    rate: float | None = None,
    settings: Overrides = (),
    split: Split | StrPath | None = None,
    part: str = "train",
    format: str = "jsonl",
    combine: bool = False,
    device: str = "cpu",
    batch_tokens: int | None = None,
    workers: int = 1,
    resume: bool = False,
    listener: Listener = silent,
) -> AugmentedCorpus:
    """Augment the train part of a corpus, and write the generated documents with their log and report.

    Parameters
    ----------
    corpus
        A folder or file in any format, or documents.
    output
        The corpus to write.
    method, preset, encoder, seed, copies, rate, settings
        As `augment`.
    config
        A TOML file that changes the preset.
    split, part
        A split, or its file; only its train part is augmented, any other `part` is refused.
    format
        The format of `output`.
    combine
        Whether to write the originals too; with a split also a split of the new corpus.
    device, batch_tokens, workers
        The device of the models, characters per batch, and processes on the CPU; none changes the result.
    resume
        Whether to continue the unfinished run of `output`.
    listener
        Receives the number of documents that are done.

    Raises
    ------
    SuwenError
        S127 when the output is inside the corpus, S311 for another part than ``train``, and as
        `suwen.augmentation.corpus.augment_corpus`.

    Examples
    --------
    >>> import suwen
    >>> made = suwen.augment_corpus("articles/", "more.jsonl", "mention", copies=2)  # doctest: +SKIP
    >>> made.figures.counts, made.record  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of, require_apart, split_of
    from suwen.augmentation.config import load_augmentation_config
    from suwen.augmentation.corpus import augment_corpus as augment_documents
    from suwen.augmentation.corpus import select_train
    from suwen.files import folder_for
    from suwen.settings import parse_settings

    require_apart(output, corpus)
    named = None if encoder is None else str(encoder)
    shorthands = {"method": method, "encoder": named, "seed": seed, "target.copies": copies, "rate": rate}
    options = {
        **{key: value for key, value in shorthands.items() if value is not None},
        **parse_settings(settings),
    }
    loaded = load_augmentation_config(preset, config, options)
    require_packages(*loaded.packages)
    documents = documents_of(corpus)
    split = split_of(split)
    select_train(documents, split, part)
    with folder_for(Path(output)):
        return augment_documents(
            documents, output, loaded, split, format, combine, resume, device, batch_tokens, workers, listener
        )
