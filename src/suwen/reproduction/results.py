"""Results of the runs: figures of each system on each split, over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from suwen.corpus.split import Selection
from suwen.evaluation.strict import Pair
from suwen.reproduction.material import Material
from suwen.reproduction.profile import Profile, Unit
from suwen.reproduction.runner import failure, finished, missing_input
from suwen.reproduction.system_run import DONE, FAILED, Run, paired

__all__ = ["Mean", "Results", "Summary"]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of a figure over the seeds, and its standard deviation (None for one seed); both in percent."""

    value: float
    deviation: float | None

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Mean:
        """Return the mean of ratios in [0, 1]."""
        return cls(100 * fmean(ratios), 100 * stdev(ratios) if len(ratios) > 1 else None)

    def __str__(self) -> str:
        return f"{self.value:.2f}" + (f" ± {self.deviation:.2f}" if self.deviation is not None else "")


@dataclass(frozen=True, slots=True)
class Summary:
    """A system on a split: every view of its scores on test, over the seeds."""

    seeds: int
    precision: Mean
    recall: Mean
    f1: Mean
    token_f1: Mean
    accuracy: Mean
    overlap_f1: Mean

    def to_dict(self) -> dict[str, Any]:
        """Return means and deviations in percent as JSON values."""
        names = ("precision", "recall", "f1", "token_f1", "accuracy", "overlap_f1")
        means = {name: getattr(self, name) for name in names}
        return {"seeds": self.seeds} | {
            name: {"mean": mean.value, "deviation": mean.deviation} for name, mean in means.items()
        }


class Results:
    """The results of the runs that have ended.

    Parameters
    ----------
    folder
        The experiment's folder.
    runs
        The planned runs.
    failures
        The reasons why encoders and generated documents are missing, by name; runs that need them count as failed.
    """

    def __init__(
        self, folder: Path, runs: Sequence[Run], profile: Profile, failures: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.runs = runs
        self.profile = profile
        self.by_run: dict[Run, dict[str, Any]] = {}
        for run in runs:
            reason = missing_input(run, profile, failures or {})
            result = finished(folder, run) if reason is None else failure(run, reason)
            if result is not None:
                self.by_run[run] = result

    @cached_property
    def material(self) -> Material:
        """The documents and splits."""
        return Material(self.folder)

    @property
    def failed(self) -> dict[Run, str]:
        """The reasons why runs failed."""
        return {run: result["error"] for run, result in self.by_run.items() if result["state"] == FAILED}

    @property
    def missing(self) -> list[Run]:
        """The runs that have not ended."""
        return [run for run in self.runs if run not in self.by_run]

    def done(self, system: str, unit: Unit) -> list[Run]:
        """Return the runs of a system on a split that ended well, by seed."""
        return sorted(
            (
                run
                for run, result in self.by_run.items()
                if (run.system, run.unit) == (system, unit) and result["state"] == DONE
            ),
            key=lambda run: run.seed,
        )

    def scores(self, system: str, unit: Unit) -> list[dict[str, Any]]:
        """Return the scores on test of each seed, as `suwen.evaluation.analysis.Analysis.to_dict` gives them."""
        return [self.by_run[run]["test"] for run in self.done(system, unit)]

    def summary(self, system: str, unit: Unit) -> Summary | None:
        """Return the figures of a system on a split; None where no run has ended well."""
        scores = self.scores(system, unit)
        if not scores:
            return None
        micro = [one["strict_entity"]["micro"] for one in scores]
        return Summary(
            len(scores),
            Mean.of([one["precision"] for one in micro]),
            Mean.of([one["recall"] for one in micro]),
            Mean.of([one["f1"] for one in micro]),
            Mean.of([one["token_without_o"]["f1"] for one in scores]),
            Mean.of([one["tag_accuracy_with_o"] for one in scores]),
            Mean.of([one["overlap_entity"]["f1"] for one in scores]),
        )

    def curve(self, system: str, unit: Unit) -> list[tuple[float, float]]:
        """Return epoch and strict dev F1 in percent at each evaluation of the first seed."""
        for run in self.done(system, unit):
            rows = self.by_run[run]["training"]["curve"]
            return [(epoch, 100 * f1) for _, epoch, f1, _ in rows]
        return []

    def by_type(self, system: str, unit: Unit) -> dict[str, Mean]:
        """Return strict F1 of each type."""
        scores = [one["strict_entity"]["by_type"] for one in self.scores(system, unit)]
        labels = sorted({label for one in scores for label in one})
        return {label: Mean.of([one.get(label, {"f1": 0.0})["f1"] for one in scores]) for label in labels}

    def test(self, unit: Unit) -> list[Selection]:
        """Return the test part of a split."""
        if unit not in self._tests:
            self._tests[unit] = self.material.split(unit).select(self.material.documents_of(unit), "test")
        return self._tests[unit]

    @cached_property
    def _tests(self) -> dict[Unit, list[Selection]]:
        return {}

    def pairs(self, system: str, unit: Unit) -> dict[int, list[Pair]]:
        """Return the predictions of each seed."""
        return {run.seed: paired(self.folder, run, self.test(unit)) for run in self.done(system, unit)}
