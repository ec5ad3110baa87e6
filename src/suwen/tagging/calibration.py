"""Confidences that can be taken at their word: among mentions of confidence 0.8, four in five are right.

Whoever wants the highest F1 leaves out the mentions that are more often wrong than they are worth: `best_threshold`.

The span marginals of a CRF are exact, but a model that has learned its training texts by heart is too sure of itself on
others. A logistic curve from marginal to confidence (Platt 1999) has two numbers, and never turns the order around.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Calibration", "best_threshold", "fit_calibration"]

NEAREST = 1e-6
"""Minimum distance of probabilities from 0 and 1, where the logit is infinite."""

THRESHOLDS = 100
STEPS, SETTLED, RIDGE = 100, 1e-10, 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic curve: the confidence is ``sigmoid(slope * logit(marginal) + intercept)``."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, marginals: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Map marginals in [0, 1] to confidences of the same shape."""
        logits = self.slope * _logit(np.asarray(marginals, np.float64)) + self.intercept
        confidences: npt.NDArray[np.float64] = 1 / (1 + np.exp(-logits))
        return confidences


def fit_calibration(marginals: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Fit the curve to mentions that a model found in texts it did not learn from.

    Maximum likelihood by Newton's method. The targets are Platt's, a little inside of 0 and 1, so that there is an
    optimum also where all are right; a curve that would fall is replaced by a flat one.

    Parameters
    ----------
    marginals
        Of each mention that was found, in [0, 1].
    right
        Whether its type and both ends are those of the annotators.
    """
    correct = np.asarray(right, bool)
    positive = int(correct.sum())
    high, low = (positive + 1) / (positive + 2), 1 / (len(correct) - positive + 2)
    targets = np.where(correct, high, low)
    design = np.stack([_logit(np.asarray(marginals, np.float64)), np.ones(len(correct))], axis=1)
    weights = _logistic_regression(design, targets, np.array([1.0, 0.0]))
    if weights[0] < 0:
        weights = np.array([0.0, *_logistic_regression(design[:, 1:], targets, np.zeros(1))])
    slope, intercept = weights.tolist()
    return Calibration(slope, intercept)


def best_threshold(confidences: Sequence[float], right: Sequence[bool], gold: int) -> float:
    """Return the least confidence at which a mention should be reported, for the highest F1 on these texts.

    For calibrated confidences it is about half the F1 that can be reached (Lewis 1995; Lipton et al. 2014).

    Parameters
    ----------
    confidences, right
        Of each mention that was found: its confidence in [0, 1], and whether its type and both ends are right.
    gold
        How many mentions the annotators have.

    Returns
    -------
    float
        The threshold in hundredths; the lowest of those that are equally good, 0 where nothing should be left out.
    """
    thresholds = np.arange(THRESHOLDS) / THRESHOLDS
    order = np.argsort(confidences)
    # How many mentions fall below each threshold.
    below = np.searchsorted(np.asarray(confidences, np.float64)[order], thresholds)
    matched = np.concatenate(([0], np.cumsum(np.asarray(right, bool)[order])))
    kept, correct = len(order) - below, matched[-1] - matched[below]
    f1 = 2 * correct / np.maximum(kept + gold, 1)
    return float(thresholds[f1.argmax()])


def _logit(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    inside = np.clip(probabilities, NEAREST, 1 - NEAREST)
    logits: npt.NDArray[np.float64] = np.log(inside) - np.log1p(-inside)
    return logits


def _logistic_regression(
    design: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Fit by Newton's method, with steps halved until the likelihood rises."""

    def loss(candidate: npt.NDArray[np.float64]) -> float:
        logits = design @ candidate
        return float((np.logaddexp(0, logits) - targets * logits).sum())

    current = loss(weights)
    for _ in range(STEPS):
        probabilities = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (probabilities - targets)
        curvature = (design * (probabilities * (1 - probabilities))[:, None]).T @ design
        step = np.linalg.solve(curvature + RIDGE * np.eye(len(weights)), gradient)
        while (following := loss(weights - step)) > current and np.abs(step).max() > SETTLED:
            step /= 2
        if following > current or np.abs(step).max() <= SETTLED:
            break
        weights, current = weights - step, following
    return weights
