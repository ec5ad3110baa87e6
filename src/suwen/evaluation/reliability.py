"""Reliability of confidences (Naeini et al. 2015; Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from suwen.evaluation.strict import Pair

__all__ = ["BINS", "Bin", "Reliability", "confidences_and_hits", "reliability", "reliability_of"]

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Mentions of like confidence: how many, how sure the model is of them on average, and the share that is right."""

    mentions: int
    confidence: float
    precision: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins with equally many mentions, by rising confidence."""

    bins: tuple[Bin, ...]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of confidence and precision over all mentions."""
        total = sum(one.mentions for one in self.bins)
        return sum(one.mentions * abs(one.confidence - one.precision) for one in self.bins) / total

    def to_dict(self) -> dict[str, Any]:
        """Return the error and the bins as JSON values."""
        return {"expected_calibration_error": self.error, "bins": [asdict(one) for one in self.bins]}


def confidences_and_hits(pairs: Sequence[Pair]) -> tuple[list[float], list[bool]]:
    """Return the confidence of each predicted mention that has one, and whether it is strictly right."""
    mentions = [
        (entity.score, entity.key in pair.gold_keys)
        for pair in pairs
        for entity in pair.predicted.entities
        if entity.score is not None and entity.key in pair.predicted_keys
    ]
    return [score for score, _ in mentions], [right for _, right in mentions]


def reliability(pairs: Sequence[Pair], bins: int = BINS) -> Reliability | None:
    """Compare confidences with precision.

    Parameters
    ----------
    pairs
        Documents with their predictions.
    bins
        Into how many parts of equal size the mentions are cut; fewer where there are fewer mentions.

    Returns
    -------
    Reliability | None
        None where no mention has a confidence.
    """
    return reliability_of(*confidences_and_hits(pairs), bins)


def reliability_of(scores: Sequence[float], right: Sequence[bool], bins: int = BINS) -> Reliability | None:
    """Do the same as `reliability`, from the confidence of each prediction and whether it is right."""
    if not scores:
        return None
    order = np.argsort(scores, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    confidences, correct = np.asarray(scores), np.asarray(right, float)
    return Reliability(
        tuple(Bin(len(part), float(confidences[part].mean()), float(correct[part].mean())) for part in parts)
    )
