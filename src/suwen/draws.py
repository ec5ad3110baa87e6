"""Random numbers that depend on their key alone, not on earlier draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["random_key", "uniform_numbers"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def random_key(*parts: int) -> int:
    """Return a 64-bit key for these non-negative numbers; a change in any of them gives another."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0])


def uniform_numbers(key: int, rows: NDArray[np.int64], columns: int) -> NDArray[np.float64]:
    """Return uniform numbers in [0, 1) for each (row, column): float64 ``[len(rows), columns]``.

    A row's numbers are the same whichever rows stand beside it, so that a sequence is masked alike in every batch. The
    generator is SplitMix64 (Steele, Lea and Flood, 2014), once for the row and once for the column.
    """
    state = _mixed(np.uint64(key) ^ _mixed(rows.astype(np.uint64)))
    mixed = _mixed(state[:, None] + np.arange(1, columns + 1, dtype=np.uint64) * GOLDEN)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
