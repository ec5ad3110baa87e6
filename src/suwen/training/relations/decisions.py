"""Turn scores into decisions: calibrated confidences, and the threshold with the highest F1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.evaluation.reliability import Reliability, reliability_of
from suwen.evaluation.strict import Score, StrictScores
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration, fit_calibration
from suwen.training.relations.data import LabeledDocument

__all__ = [
    "Decisions",
    "ScoredPairs",
    "fit_decisions",
    "relation_reliability",
    "scored_pairs",
    "strict_relation_scores",
]

LEAST_PAIRS = 200
"""Minimum number of pairs for a calibration and a threshold."""

START, ROUNDS, DIGITS = 0.4, 3, 3


@dataclass(frozen=True)
class ScoredPairs:
    """The candidates of a part.

    Parameters
    ----------
    relations
        Their types, int32 ``[P]``.
    probabilities
        The scores of a model, float64 ``[P]``.
    right
        Whether they are gold relations, ``[P]``.
    gold
        Counts of gold relations by type, those out of reach included.
    """

    relations: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    gold: NDArray[np.int64]


@dataclass(frozen=True)
class Decisions:
    """A calibration, and by relation type the least confidence with which it is reported."""

    calibration: Calibration
    thresholds: Mapping[str, float]


def scored_pairs(
    documents: Sequence[LabeledDocument], probabilities: Sequence[NDArray[np.float64]], schema: Schema
) -> ScoredPairs:
    """Join the owned candidates of documents."""
    pairs = [one.owned for one in documents]
    return ScoredPairs(
        np.concatenate([one.encoded.candidates.relations[own] for one, own in zip(documents, pairs, strict=True)]),
        np.concatenate([found[own] for found, own in zip(probabilities, pairs, strict=True)]),
        np.concatenate([one.targets[own] for one, own in zip(documents, pairs, strict=True)]),
        np.array([sum(one.gold[kind.name] for one in documents) for kind in schema.relations]),
    )


def fit_decisions(pairs: ScoredPairs, schema: Schema) -> Decisions | None:
    """Fit calibration and thresholds to a part; None if there are too few pairs.

    For calibrated confidences the highest micro-F1 is had where all types have half of that F1 as their threshold
    (Lewis 1995; Lipton et al. 2014). Thresholds that are fitted to each type fit its few journal issues: on the other
    half of LCDD's dev part they cost a point.
    """
    if len(pairs.relations) < LEAST_PAIRS or not pairs.right.any():
        return None
    calibration = fit_calibration(pairs.probabilities.tolist(), pairs.right.tolist())
    threshold = START
    for _ in range(ROUNDS):
        decisions = Decisions(calibration, {kind.name: threshold for kind in schema.relations})
        threshold = round(strict_relation_scores(pairs, decisions, schema).micro.f1 / 2, DIGITS)
    return Decisions(calibration, {kind.name: threshold for kind in schema.relations})


def strict_relation_scores(pairs: ScoredPairs, decisions: Decisions, schema: Schema) -> StrictScores:
    """Score the relations that the decisions report: strict, with all gold relations in the denominator."""
    thresholds = np.array([decisions.thresholds[kind.name] for kind in schema.relations])
    reported = decisions.calibration(pairs.probabilities) >= thresholds[pairs.relations]
    by_type = {kind.name: _score(pairs, reported, i) for i, kind in enumerate(schema.relations)}
    found = {name: score for name, score in by_type.items() if score.gold or score.predicted}
    return StrictScores(_score(pairs, reported, slice(None)), found)


def relation_reliability(pairs: ScoredPairs, decisions: Decisions, schema: Schema) -> Reliability | None:
    """Compare the confidences of the relations that the decisions report with the share that is right."""
    thresholds = np.array([decisions.thresholds[kind.name] for kind in schema.relations])
    confidences = decisions.calibration(pairs.probabilities)
    reported = confidences >= thresholds[pairs.relations]
    return reliability_of(confidences[reported].tolist(), pairs.right[reported].tolist())


def _score(pairs: ScoredPairs, reported: NDArray[np.bool_], kind: int | slice) -> Score:
    if not isinstance(kind, slice):
        reported = reported & (pairs.relations == kind)
    return Score(int((reported & pairs.right).sum()), int(pairs.gold[kind].sum()), int(reported.sum()))
