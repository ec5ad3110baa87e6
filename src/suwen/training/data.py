"""Data and report of a training run; never imports torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suwen.corpus.split import Selection, Split, corpus_hash, whole
from suwen.corpus.splitting import make_split
from suwen.document import Document
from suwen.errors import SplitError, SuwenError
from suwen.evaluation.strict import StrictScores
from suwen.tagging.encode import Losses

__all__ = ["Report", "TrainingData", "select_data"]

# Without a split file: minimum numbers of documents and entities for setting one document in ten aside for evaluation.
LEAST_DOCUMENTS_FOR_DEV = 10
LEAST_ENTITIES_FOR_DEV = 200
"""With fewer entities to score on, chance decides when a run ends; then it is better to learn from all."""


@dataclass(frozen=True)
class TrainingData:
    """The training and evaluation data of a run.

    Parameters
    ----------
    train, dev
        The selections; `dev` may be empty.
    description
        Their origin: data hash, split, counts.
    other_parts
        The parts of the split that are neither learned from nor evaluated on.
    """

    train: Sequence[Selection]
    dev: Sequence[Selection]
    description: dict[str, Any]
    other_parts: Mapping[str, Sequence[Selection]] = field(default_factory=dict)

    @property
    def labels(self) -> set[str]:
        """The labels of the training part."""
        return {entity.label for selection in self.train for entity in selection.gold}

    @property
    def held_out(self) -> dict[str, Sequence[Selection]]:
        """The parts that scores are computed on, now or later."""
        return {**({"dev": self.dev} if self.dev else {}), **self.other_parts}


@dataclass(frozen=True)
class Report:
    """The result of a run.

    Parameters
    ----------
    model
        The model folder.
    losses
        The gold entities of each part that the tags cannot express.
    scores
        The strict scores on dev, or None without a dev part or text in it.
    manifest
        All of it as JSON values.
    """

    model: Path
    losses: dict[str, Losses]
    scores: StrictScores | None
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        scored = "no dev part" if self.scores is None else f"F1 on dev: {self.scores.micro.f1:.3f}"
        return f"<Report of {self.model}, {scored}>"


def select_data(
    documents: Sequence[Document], split: Split | None, part: str, seed: int, set_aside: bool = True
) -> TrainingData:
    """Select the training and dev documents.

    With a split, `part` is learned from and ``dev``, where it has one, evaluated on. Without one, a tenth of the
    documents is set aside for evaluation, if it has enough entities and `set_aside` allows it.

    Raises
    ------
    SuwenError
        S307 when there is no entity to learn from; S410 for a part without a split; S301, S303 and S306 as
        `Split.select`.
    """
    if split is None and part != "train":
        raise SuwenError("S410", first=f"--part {part}", second="--split", advice="give the split too")
    dev: Sequence[Selection] = []
    others: dict[str, Sequence[Selection]] = {}
    if split is not None:
        train = split.select(documents, part)
        if split.parts.get("dev") and part != "dev":
            dev = split.select(documents, "dev")
        others = {name: split.select(documents, name) for name, rows in split.parts.items() if name != part and rows}
    elif set_aside:
        train, dev = _set_aside(documents, seed)
    else:
        train = whole(documents)
    if not any(selection.gold for selection in train):
        raise SuwenError("S307")
    description: dict[str, Any] = {
        "data_hash": corpus_hash(documents),
        "split": None if split is None else {"unit": split.unit, "seed": split.seed, "hash": split.hash},
    }
    for name, selections in (("train", train), ("dev", dev)):
        description[name] = {
            "documents": len(selections),
            "characters": sum(end - start for selection in selections for start, end in selection.spans),
            "entities": sum(len(selection.gold) for selection in selections),
        }
    return TrainingData(train, dev, description, others)


def _set_aside(documents: Sequence[Document], seed: int) -> tuple[list[Selection], list[Selection]]:
    """Return all documents but a tenth, and that tenth; nothing is set aside where there are too few."""
    if len(documents) < LEAST_DOCUMENTS_FOR_DEV:
        return whole(documents), []
    try:
        assigned = make_split(documents, "document", (9.0, 1.0, 0.0), seed)
    except SplitError:
        # Near-copies stay together, and here all are copies of each other.
        return whole(documents), []
    dev = assigned.select(documents, "dev")
    if sum(len(selection.gold) for selection in dev) < LEAST_ENTITIES_FOR_DEV:
        return whole(documents), []
    return assigned.select(documents, "train"), dev
