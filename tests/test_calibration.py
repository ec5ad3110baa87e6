from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.tagging.calibration import Calibration, best_threshold, fit_calibration


def draw(slope: float, intercept: float, count: int = 20_000) -> tuple[list[float], list[bool]]:
    """Marginals, and whether they are right with the probability that this curve gives."""
    generator = np.random.default_rng(0)
    marginals = generator.beta(3, 1, count)
    return marginals.tolist(), (generator.random(count) < Calibration(slope, intercept)(marginals)).tolist()


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -0.4), (2.0, 0.3)])
def test_calibration_finds_the_curve_again(slope: float, intercept: float) -> None:
    found = fit_calibration(*draw(slope, intercept))
    assert found.slope == pytest.approx(slope, abs=0.06)
    assert found.intercept == pytest.approx(intercept, abs=0.06)


def test_calibration_is_the_maximum_of_the_likelihood() -> None:
    marginals, right = draw(0.6, 0.2, 500)
    found = fit_calibration(marginals, right)
    positive = sum(right)
    targets = np.where(right, (positive + 1) / (positive + 2), 1 / (len(right) - positive + 2))

    def loss(slope: float, intercept: float) -> float:
        confidences = Calibration(slope, intercept)(marginals)
        return float(-(targets * np.log(confidences) + (1 - targets) * np.log(1 - confidences)).sum())

    best = loss(found.slope, found.intercept)
    for there in (0.01, -0.01):
        assert best < loss(found.slope + there, found.intercept)
        assert best < loss(found.slope, found.intercept + there)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=2, max_size=10),
)
def test_calibration_stays_a_probability_and_never_changes_the_order(
    mentions: list[tuple[float, bool]], others: list[float]
) -> None:
    found = fit_calibration([marginal for marginal, _ in mentions], [right for _, right in mentions])
    confidences = found(sorted(others))
    assert ((confidences >= 0) & (confidences <= 1)).all()
    assert (np.diff(confidences) >= 0).all()


def test_calibration_of_all_right_is_high_and_finite() -> None:
    found = fit_calibration([0.6, 0.8, 0.9] * 20, [True] * 60)
    assert found([0.8])[0] > 0.95
    assert np.isfinite([found.slope, found.intercept]).all()


def test_calibration_without_numbers_changes_nothing() -> None:
    assert Calibration()([0.2, 0.9]) == pytest.approx([0.2, 0.9])


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=30), st.integers(0, 20))
def test_calibration_floor_gives_the_highest_f1(mentions: list[tuple[int, bool]], missed: int) -> None:
    gold = missed + sum(right for _, right in mentions)

    def f1(threshold: float) -> float:
        kept = [right for confidence, right in mentions if confidence / 100 >= threshold]
        return 2 * sum(kept) / max(len(kept) + gold, 1)

    threshold = best_threshold([confidence / 100 for confidence, _ in mentions], [right for _, right in mentions], gold)
    assert 0 <= threshold < 1
    assert f1(threshold) == pytest.approx(max(f1(other / 100) for other in range(100)))


def test_calibration_floor_of_calibrated_confidences_is_about_half_the_f1() -> None:
    confidences, right = draw(1.0, 0.0)
    gold = round(1.2 * sum(right))
    threshold = best_threshold(confidences, right, gold)
    kept = [correct for confidence, correct in zip(confidences, right, strict=True) if confidence >= threshold]
    assert threshold == pytest.approx(sum(kept) / (len(kept) + gold), abs=0.05)
