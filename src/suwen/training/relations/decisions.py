"""What becomes of scores: calibrated confidences, and the thresholds with the highest F1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.evaluation.strict import Score, StrictScores
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration, best_floor, fit_calibration
from suwen.training.relations.data import LabeledDocument

__all__ = ["Decisions", "ScoredPairs", "fit_decisions", "scored_pairs", "strict_relation_scores"]

LEAST_RELATIONS = 50
"""A type with fewer gold relations takes the threshold of all."""

LEAST_PAIRS = 200
"""From fewer pairs neither a calibration nor a threshold is to be had."""

ROUNDS = 4


@dataclass(frozen=True)
class ScoredPairs:
    """The candidates of a part.

    Parameters
    ----------
    relations
        Their types, int32 ``[P]``.
    probabilities
        What a model says, float64 ``[P]``.
    right
        Whether they are gold relations, ``[P]``.
    gold
        How many gold relations of each type there are, those out of reach included.
    """

    relations: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    gold: NDArray[np.int64]


@dataclass(frozen=True)
class Decisions:
    """A calibration, and by relation type the least confidence that counts."""

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
        np.concatenate([one.targets[own] > 0.5 for one, own in zip(documents, pairs, strict=True)]),
        np.array([sum(one.gold[kind.name] for one in documents) for kind in schema.relations]),
    )


def fit_decisions(pairs: ScoredPairs, schema: Schema) -> Decisions | None:
    """Fit calibration and thresholds to a part; None where there is too little to tell.

    A threshold of a type is best where one more relation is as likely to be right as half of the F1 that can be had
    (Lewis 1995). That F1 depends on the thresholds, so that both are found in turns.
    """
    if len(pairs.relations) < LEAST_PAIRS or not pairs.right.any():
        return None
    calibration = fit_calibration(pairs.probabilities.tolist(), pairs.right.tolist())
    confidences = calibration(pairs.probabilities)
    common = best_floor(confidences.tolist(), pairs.right.tolist(), int(pairs.gold.sum()))
    thresholds = np.full(len(schema.relations), common)
    for _ in range(ROUNDS):
        f1 = _score(pairs, confidences >= thresholds[pairs.relations], slice(None)).f1
        for kind in np.flatnonzero(pairs.gold >= LEAST_RELATIONS).tolist():
            chosen = pairs.relations == kind
            thresholds[kind] = _best_threshold(confidences[chosen], pairs.right[chosen], f1, common)
    return Decisions(calibration, {kind.name: float(thresholds[i]) for i, kind in enumerate(schema.relations)})


def _best_threshold(confidences: NDArray[np.float64], right: NDArray[np.bool_], f1: float, common: float) -> float:
    """Return the hundredth that gains most: each right relation counts 2, each reported one costs F1."""
    floors = np.arange(1, 100) / 100
    kept = confidences[None] >= floors[:, None]
    gains = 2 * (kept & right).sum(axis=1) - f1 * kept.sum(axis=1)
    return float(floors[gains.argmax()]) if gains.max() > 0 else max(common, 1 - common)


def strict_relation_scores(pairs: ScoredPairs, decisions: Decisions, schema: Schema) -> StrictScores:
    """Score the relations that the decisions report: strict, with all gold relations in the denominator."""
    thresholds = np.array([decisions.thresholds[kind.name] for kind in schema.relations])
    reported = decisions.calibration(pairs.probabilities) >= thresholds[pairs.relations]
    by_type = {kind.name: _score(pairs, reported, i) for i, kind in enumerate(schema.relations)}
    found = {name: score for name, score in by_type.items() if score.gold or score.predicted}
    return StrictScores(_score(pairs, reported, slice(None)), found)


def _score(pairs: ScoredPairs, reported: NDArray[np.bool_], kind: int | slice) -> Score:
    if not isinstance(kind, slice):
        reported = reported & (pairs.relations == kind)
    return Score(int((reported & pairs.right).sum()), int(pairs.gold[kind].sum()), int(reported.sum()))
