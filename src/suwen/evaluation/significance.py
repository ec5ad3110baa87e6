"""Significance: bootstrap intervals, and a test whether one prediction set is better than another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.evaluation.strict import Pair, Score, StrictCounts, strict_counts

__all__ = [
    "Comparison",
    "Interval",
    "bootstrap_interval",
    "compare",
    "compare_counts",
    "compare_runs",
    "percentile_interval",
]

RESAMPLES = 1_000
SHUFFLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A percentile bootstrap interval (Efron & Tibshirani 1993, section 13.3)."""

    low: float
    high: float
    level: float
    resamples: int
    units: int
    """The number of resampled documents (or sentences, if the part owns sentences)."""

    def to_dict(self) -> dict[str, float | int]:
        """Return the fields as JSON values."""
        return asdict(self)


def bootstrap_interval(counts: StrictCounts, resamples: int = RESAMPLES, seed: int = 0) -> Interval | None:
    """Return the bootstrap interval of strict micro-F1 over units; None for fewer than two units."""
    totals = _totals(counts)
    return percentile_interval(lambda weights: _f1(weights @ totals), len(totals), resamples, seed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two prediction sets on the same gold mentions; differences are `first` minus `second`."""

    first: Score
    second: Score
    by_type: Mapping[str, tuple[Score, Score]]
    p_value: float
    """The share of random exchanges that differ at least as much: two-sided, never 0."""
    shuffles: int
    interval: Interval | None
    """The interval of the difference; None with fewer than two units to resample."""
    task: str = "entity"
    """The scored items: ``entity`` or ``relation``."""

    @property
    def difference(self) -> float:
        """The difference of strict micro-F1."""
        return self.first.f1 - self.second.f1

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values; the keys name the measures."""
        return {
            f"strict_{self.task}_micro": {"first": self.first.to_dict(), "second": self.second.to_dict()},
            "f1_difference": self.difference,
            "f1_difference_interval": self.interval and self.interval.to_dict(),
            "approximate_randomization": {"p_value": self.p_value, "shuffles": self.shuffles},
            f"strict_{self.task}_by_type": {
                label: {"first": first.to_dict(), "second": second.to_dict(), "f1_difference": first.f1 - second.f1}
                for label, (first, second) in self.by_type.items()
            },
        }


def compare(
    first: Sequence[Pair],
    second: Sequence[Pair],
    shuffles: int = SHUFFLES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Test the difference of strict micro-F1 by paired approximate randomization (Noreen 1989; Yeh 2000).

    If the two systems were alike, exchanging their predictions for a document would change nothing; so they are
    exchanged at random, unit by unit, and the p-value is (r + 1) / (shuffles + 1), where r exchanges gave a difference
    at least as large as the one observed.

    Parameters
    ----------
    first, second
        Predictions for the same selections in the same order.
    """
    return compare_runs([first], [second], shuffles, resamples, seed)


def compare_runs(
    first: Sequence[Sequence[Pair]],
    second: Sequence[Sequence[Pair]],
    shuffles: int = SHUFFLES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two systems that were each trained several times, with other seeds.

    The counts of a document are summed over the runs, and what is exchanged are all runs' predictions for it: the same
    text predicted three times is one piece of evidence, not three.

    Parameters
    ----------
    first, second
        The runs of each system; in each the predictions for the same selections in the same order.
    """
    runs = (*first, *second)
    labels = sorted({key[0] for run in runs for pair in run for key in pair.gold_keys | pair.predicted_keys})
    return compare_counts(_summed(first, labels), _summed(second, labels), shuffles, resamples, seed)


def compare_counts(
    first: StrictCounts,
    second: StrictCounts,
    shuffles: int = SHUFFLES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two systems of which the counts are known.

    Parameters
    ----------
    first, second
        The counts of each, summed over its runs, for the same units in the same order and the same labels.
    """
    scores = first.scores(), second.scores()
    ours, theirs = map(_totals, (first, second))
    return Comparison(
        scores[0].micro,
        scores[1].micro,
        {label: (score, scores[1].by_type[label]) for label, score in scores[0].by_type.items()},
        _randomization(ours, theirs, shuffles, seed),
        shuffles,
        percentile_interval(lambda weights: _f1(weights @ ours) - _f1(weights @ theirs), len(ours), resamples, seed),
    )


def _summed(runs: Sequence[Sequence[Pair]], labels: Sequence[str]) -> StrictCounts:
    """Return the counts of several runs on the same units."""
    counts = [strict_counts(run, labels) for run in runs]
    return StrictCounts(counts[0].labels, sum(one.counts for one in counts[1:]) + counts[0].counts)


def _totals(counts: StrictCounts) -> NDArray[np.float64]:
    """Return matched, gold and predicted mentions of each unit, ``[units, 3]``."""
    totals: NDArray[np.float64] = counts.counts.sum(axis=1).astype(np.float64)
    return totals


def _f1(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 of ``[..., 3]`` totals: matched, gold, predicted."""
    either = totals[..., 1] + totals[..., 2]
    return 2 * totals[..., 0] / np.maximum(either, 1)


def percentile_interval(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], units: int, resamples: int, seed: int
) -> Interval | None:
    """Return the interval of a statistic, which is given how often each unit is drawn, ``[batch, units]``."""
    if units < 2:
        return None
    drawn = np.concatenate([statistic(weights) for weights in _resamples(units, resamples, seed)])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), LEVEL, resamples, units)


def _batches(total: int, units: int) -> Iterator[int]:
    """Yield batch sizes that keep a float64 matrix of ``[batch, units]`` near 32 MB."""
    batch = max(1, 4_000_000 // max(units, 1))
    for done in range(0, total, batch):
        yield min(batch, total - done)


def _resamples(units: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each unit is drawn, ``[batch, units]`` at a time."""
    random = np.random.default_rng(seed)
    for batch in _batches(resamples, units):
        drawn = random.integers(units, size=(batch, units))
        drawn += units * np.arange(batch)[:, None]
        yield np.bincount(drawn.ravel(), minlength=batch * units).reshape(batch, units).astype(np.float64)


def _randomization(first: NDArray[np.float64], second: NDArray[np.float64], shuffles: int, seed: int) -> float:
    """Return the p-value for ``[units, 3]`` counts of two systems."""
    change = second - first
    # Exchanging equal counts changes nothing, so only units that differ need a coin.
    change = change[change.any(axis=1)]
    sums = first.sum(axis=0), second.sum(axis=0)
    observed = abs(_f1(sums[0]) - _f1(sums[1]))
    random = np.random.default_rng(seed)
    as_large = 0
    for batch in _batches(shuffles, len(change)):
        coins = np.unpackbits(
            np.frombuffer(random.bytes(batch * -(-len(change) // 8)), np.uint8).reshape(batch, -1), axis=1
        )
        moved = coins[:, : len(change)].astype(np.float64) @ change
        differences = np.abs(_f1(sums[0] + moved) - _f1(sums[1] - moved))
        # Equal differences may differ in the last bit.
        as_large += int((differences >= observed - 1e-12).sum())
    return (as_large + 1) / (shuffles + 1)
