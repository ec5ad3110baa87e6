"""Augmentation in Python: documents in, documents and their log out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from suwen.augmentation.config import load_augmentation_config
from suwen.augmentation.generation import Augmentation, Generator, collect, load_model
from suwen.augmentation.targets import variants_of
from suwen.augmentation.workers import outcomes_of
from suwen.corpus.split import Selection, whole
from suwen.document import Document
from suwen.files import StrPath
from suwen.runs import Listener, Progress, silent

if TYPE_CHECKING:
    from suwen.augmentation.masked_lm import MaskedLanguageModel

__all__ = ["augment"]


def augment(
    data: Iterable[Document | Selection],
    method: str | None = None,
    *,
    preset: str = "best",
    encoder: StrPath | MaskedLanguageModel | None = None,
    seed: int | None = None,
    copies: int | None = None,
    rate: float | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "cpu",
    workers: int = 1,
    listener: Listener = silent,
) -> Augmentation:
    """Generate documents from training documents.

    Parameters
    ----------
    data
        Documents, or what `suwen.corpus.split.Split.select` gives for the train part.
    method
        ``mlm``, ``mention``, ``token``, ``synonym`` or ``composition``.
    preset
        ``best`` or ``paper``.
    encoder
        The masked language model: a name, a folder, or one that is loaded.
    seed, copies, rate
        Shorthands for the configuration's ``seed``, ``target.copies`` and the method's rate.
    settings
        Other values of the configuration by dotted key: ``{"sampling.top_k": 20}``.
    device
        The device of the models.
    workers
        Number of processes on the CPU (see `suwen.augmentation.workers`).
    listener
        Receives the number of documents that are done.

    Returns
    -------
    Augmentation
        The documents and their log. What is made of a document depends on its content, its id, the seed and the
        configuration alone (with ``mention`` and ``token`` also on the mentions and words of the data).

    Raises
    ------
    SuwenError
        S309 when nothing can be replaced, S312 when every document fails, and as
        `load_augmentation_config` and `Generator`.

    Examples
    --------
    >>> from suwen.augmentation import augment
    >>> train = split.select(documents, "train")  # doctest: +SKIP
    >>> more = augment(train, "mlm", seed=1).documents  # doctest: +SKIP
    """
    model, named = (None, str(encoder)) if isinstance(encoder, str | os.PathLike) else (encoder, None)
    shorthands = {"method": method, "encoder": named, "seed": seed, "target.copies": copies, "rate": rate}
    options = {**{key: value for key, value in shorthands.items() if value is not None}, **(settings or {})}
    config = load_augmentation_config(preset, options=options)
    selections = [part for item in data for part in (whole([item]) if isinstance(item, Document) else [item])]
    if model is None:
        model = load_model(config, device)
    generator = Generator(selections, config, model, device)
    variants = variants_of(selections, config)
    outcomes = []
    for outcome in outcomes_of(generator, variants, workers if device == "cpu" else 1):
        outcomes.append(outcome)
        listener(Progress("documents", len(outcomes), len(variants)))
    return collect(outcomes, [selection.document for selection in selections], config)
