"""Strict entity scores, the headline: a mention is right when document, label and hull are.

What is compared are sets, so a mention that occurs twice counts once. Nested and overlapping gold mentions stay in the
denominator like any other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document, Span
from suwen.errors import SuwenError

if TYPE_CHECKING:
    from suwen.corpus.split import Selection

__all__ = [
    "Key",
    "Pair",
    "Score",
    "StrictCounts",
    "StrictScores",
    "counts_by_unit",
    "first_difference",
    "pair_documents",
    "strict_counts",
    "strict_scores",
]

Key = tuple[str, int, int]


@dataclass(frozen=True)
class Pair:
    """A document of the scored part, and its predictions.

    Raises
    ------
    SuwenError
        S308 when they are not the same document with the same text.
    """

    gold: Selection
    predicted: Document

    def __post_init__(self) -> None:
        document = self.gold.document
        if document.id != self.predicted.id:
            raise SuwenError("S308", what=f"the document: {document.id!r} and {self.predicted.id!r}")
        if document.text != self.predicted.text:
            place = first_difference(document.text, self.predicted.text)
            raise SuwenError("S308", what=f"the text of {document.id!r} from character {place} on")

    @cached_property
    def gold_keys(self) -> frozenset[Key]:
        """Label and hull of each distinct gold mention that the part owns."""
        return frozenset(entity.key for entity in self.gold.gold)

    @cached_property
    def predicted_keys(self) -> frozenset[Key]:
        """Label and hull of each distinct predicted mention that begins in the part's characters."""
        return frozenset(entity.key for entity in self.predicted.entities if self.gold.owns(entity.start))


def first_difference(first: str, second: str) -> int:
    """Return the place of the first character in which two texts differ, also by ending there."""
    both = enumerate(zip(first, second, strict=False))
    return next((place for place, (ours, theirs) in both if ours != theirs), min(len(first), len(second)))


def pair_documents(selections: Sequence[Selection], predicted: Iterable[Document]) -> list[Pair]:
    """Pair each selection with the prediction of the same id; predictions for other documents are left aside.

    Raises
    ------
    SuwenError
        S308 when a prediction is missing or has another text.
    """
    by_id = {document.id: document for document in predicted}
    missing = [one.document.id for one in selections if one.document.id not in by_id]
    if missing:
        named = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        raise SuwenError("S308", what=f"{len(missing)} of {len(selections)} documents, not predicted: {named}")
    return [Pair(one, by_id[one.document.id]) for one in selections]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of mentions (or tokens): matches, gold, predicted. A ratio with the denominator 0 is 0."""

    matched: int
    gold: int
    predicted: int

    @property
    def precision(self) -> float:
        """Matched over predicted."""
        return self.matched / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Matched over gold."""
        return self.matched / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.matched / (self.gold + self.predicted) if self.gold + self.predicted else 0.0

    def to_dict(self) -> dict[str, float | int]:
        """Return ratios and counts as JSON values."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "matched": self.matched,
            "gold": self.gold,
            "predicted": self.predicted,
        }


@dataclass(frozen=True, slots=True)
class StrictScores:
    """Strict entity scores over all mentions (micro), by type, and averaged over the types (macro)."""

    micro: Score
    by_type: Mapping[str, Score]
    """Types of gold or prediction, the most frequent in gold first."""

    @property
    def macro_precision(self) -> float:
        """The mean precision of the types."""
        return self._mean(lambda score: score.precision)

    @property
    def macro_recall(self) -> float:
        """The mean recall of the types."""
        return self._mean(lambda score: score.recall)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the types (not the F1 of mean precision and mean recall), as seqeval has it."""
        return self._mean(lambda score: score.f1)

    def _mean(self, ratio: Callable[[Score], float]) -> float:
        return fmean(map(ratio, self.by_type.values())) if self.by_type else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return {
            "micro": self.micro.to_dict(),
            "macro": {"precision": self.macro_precision, "recall": self.macro_recall, "f1": self.macro_f1},
            "by_type": {label: score.to_dict() for label, score in self.by_type.items()},
        }


@dataclass(frozen=True, slots=True)
class StrictCounts:
    """Strict counts for each unit that may be resampled or shuffled as a whole.

    A unit is one span that the scored part owns: a document where whole documents are, a sentence where sentences are.
    """

    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    """``[units, labels, 3]``: matched, gold, predicted."""

    def scores(self) -> StrictScores:
        """Return the counts of all units together."""
        totals = [Score(*map(int, row)) for row in self.counts.sum(axis=0)]
        by_type = sorted(zip(self.labels, totals, strict=True), key=lambda item: (-item[1].gold, item[0]))
        micro = Score(*map(int, self.counts.sum(axis=(0, 1))))
        return StrictScores(micro, dict(by_type))


def strict_counts(pairs: Sequence[Pair], labels: Iterable[str] | None = None) -> StrictCounts:
    """Count matched, gold and predicted mentions by unit and label.

    `labels` fixes the second axis; by default it holds the labels of gold and prediction in alphabetical order.
    """
    if labels is None:
        labels = sorted({label for pair in pairs for label, _, _ in pair.gold_keys | pair.predicted_keys})
    sides = (
        (pair.gold.spans, (pair.gold_keys & pair.predicted_keys, pair.gold_keys, pair.predicted_keys)) for pair in pairs
    )
    return counts_by_unit(((spans, [[key[:2] for key in side] for side in keys]) for spans, keys in sides), labels)


def counts_by_unit(
    selections: Iterable[tuple[Sequence[Span], Iterable[Iterable[tuple[str, int]]]]], labels: Iterable[str]
) -> StrictCounts:
    """Count matched, gold and predicted mentions by unit and label.

    Parameters
    ----------
    selections
        For each selection its owned spans, and label and place of each thing that matched, is in gold, was predicted.
    labels
        The second axis.
    """
    column = {label: 3 * index for index, label in enumerate(labels)}
    cells: list[int] = []
    units = 0
    for spans, sides in selections:
        starts = [start for start, _ in spans]
        for kind, things in enumerate(sides):
            for label, place in things:
                unit = units + bisect_right(starts, place) - 1
                cells.append(unit * 3 * len(column) + column[label] + kind)
        units += len(starts)
    shape = (units, len(column), 3)
    counts = np.bincount(np.array(cells, np.int64), minlength=units * len(column) * 3)
    return StrictCounts(tuple(column), counts.reshape(shape).astype(np.int64))


def strict_scores(pairs: Sequence[Pair]) -> StrictScores:
    """Compute strict entity scores only, fast enough for each evaluation during training."""
    return strict_counts(pairs).scores()
