"""Verdicts on the paper's claims: test each contrast, judge each claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

from suwen.evaluation.significance import compare_runs
from suwen.reproduction.paper import Claim, Contrast, System
from suwen.reproduction.profile import Unit
from suwen.reproduction.results import Results

__all__ = ["LEVEL", "Judged", "Verdict", "judge", "judge_contrast"]

LEVEL = 0.05
"""Level of significance, after Holm's correction for the contrasts of a claim."""

SHUFFLES = 10_000

Ruling = Literal["holds", "does not hold", "not significant", "not run"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A contrast with its figures, in points of strict F1."""

    contrast: Contrast
    unit: Unit
    seeds: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    """The p-value after Holm's correction."""
    ruling: Ruling = "not run"

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "higher": self.contrast.higher.name,
            "lower": self.contrast.lower.name,
            "least": self.contrast.least,
            "most": self.contrast.most,
            "unit": self.unit,
            "seeds": self.seeds,
            "difference": self.difference,
            "interval": [self.low, self.high],
            "p_value": self.p_value,
            "ruling": self.ruling,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim, its contrasts on one split, and the verdict."""

    claim: Claim
    unit: Unit
    judged: tuple[Judged, ...]

    @property
    def ruling(self) -> Ruling:
        """It holds when every contrast does, and does not when one does not."""
        rulings = {one.ruling for one in self.judged}
        for ruling in ("does not hold", "not run", "not significant"):
            if ruling in rulings:
                return ruling
        return "holds"

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return {
            "claim": self.claim.name,
            "statement": self.claim.en,
            "unit": self.unit,
            "ruling": self.ruling,
            "contrasts": [one.to_dict() for one in self.judged],
        }


def judge(claim: Claim, results: Results, unit: Unit) -> Verdict:
    """Test every contrast of a claim, with the seeds that both systems have."""
    judged = [_tested(contrast, results, unit) for contrast in claim.contrasts]
    corrected = _holm([one.p_value for one in judged])
    rows = [replace(one, p_value=p) for one, p in zip(judged, corrected, strict=True)]
    return Verdict(claim, unit, tuple(replace(one, ruling=judge_contrast(one)) for one in rows))


def _tested(contrast: Contrast, results: Results, unit: Unit) -> Judged:
    higher, lower = (results.pairs(system.name, unit) for system in (contrast.higher, contrast.lower))
    seeds = sorted(set(higher) & set(lower))
    if not seeds:
        return Judged(contrast, unit, 0)
    comparison = compare_runs([higher[seed] for seed in seeds], [lower[seed] for seed in seeds], SHUFFLES)
    interval = comparison.interval
    return Judged(
        contrast,
        unit,
        len(seeds),
        100 * (_mean_f1(results, contrast.higher, unit, seeds) - _mean_f1(results, contrast.lower, unit, seeds)),
        100 * interval.low if interval else None,
        100 * interval.high if interval else None,
        comparison.p_value,
    )


def _mean_f1(results: Results, system: System, unit: Unit, seeds: Sequence[int]) -> float:
    runs = [run for run in results.done(system.name, unit) if run.seed in seeds]
    return fmean(results.by_run[run]["test"]["strict_entity"]["micro"]["f1"] for run in runs)


def judge_contrast(one: Judged) -> Ruling:
    """Return whether a contrast holds.

    Better at all: decided by the paired test. Better by at least, or by less than, so many points: decided by whether
    the interval of the difference lies on one side of them; to hold, it needs the paired test besides, which is
    corrected for the other contrasts, as the interval is not.
    """
    if one.difference is None or one.p_value is None:
        return "not run"
    contrast = one.contrast
    if contrast.least and one.high is not None and one.high < contrast.least:
        return "does not hold"
    if one.p_value >= LEVEL:
        return "not significant"
    if contrast.least and one.low is not None:
        return "holds" if one.low >= contrast.least else "not significant"
    if one.difference <= contrast.least:
        return "does not hold"
    if contrast.most is not None and one.low is not None and one.high is not None:
        return (
            "does not hold" if one.low > contrast.most else "holds" if one.high < contrast.most else "not significant"
        )
    return "holds"


def _holm(values: Sequence[float | None]) -> list[float | None]:
    """Correct p-values for multiple comparisons (Holm 1979)."""
    order = sorted((value, index) for index, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (value, index) in enumerate(order):
        highest = max(highest, min(1.0, value * (len(order) - rank)))
        corrected[index] = highest
    return corrected
