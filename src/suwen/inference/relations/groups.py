"""Groups of candidates or mentions: ranks, sizes and extremes within each."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counts", "GroupIds", "Groups", "Sums", "running_counts"]

Counts = NDArray[np.int32]
Sums = NDArray[np.int64]
GroupIds = NDArray[np.int64]
Number = TypeVar("Number", np.int32, np.int64)


class Groups:
    """Members of groups, sorted by group and within a group by a key.

    Parameters
    ----------
    groups
        The group of each member, ``[P]``.
    keys
        The key of each member, ``[P]``; equal ones stay in their order.
    """

    def __init__(self, groups: GroupIds, keys: Counts) -> None:
        order = np.lexsort((keys, groups))
        arranged = groups[order]
        first = np.ones(len(order), bool)
        first[1:] = arranged[1:] != arranged[:-1]
        starts = np.flatnonzero(first)
        counts = np.diff(starts, append=len(order))
        self._order = order
        self._starts = starts
        self._counts = counts
        self._firsts = np.repeat(starts, counts)
        self.keys = arranged[starts]
        """The groups, sorted."""
        self.numbers = self._placed(np.repeat(np.arange(len(starts)), counts))
        """The place of each member's group in `keys`."""

    def ranks(self, counted: NDArray[np.bool_] | None = None) -> Counts:
        """Return how many members of the same group, or of those counted, stand before each."""
        if counted is None:
            return self._placed(np.arange(len(self._order)) - self._firsts)
        running = running_counts(counted[self._order])
        return self._placed(running[:-1] - running[self._firsts])

    def sizes(self) -> Counts:
        """Return the size of each member's group."""
        return self._placed(np.repeat(self._counts, self._counts))

    def first(self, values: Counts) -> Counts:
        """Return the value of the first member of each group."""
        return values[self._order[self._starts]]

    def count(self, wanted: GroupIds) -> Counts:
        """Return the sizes of the wanted groups, 0 for those without members."""
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, self._counts[places], 0).astype(np.int32)

    def smallest(self, values: Counts) -> Counts:
        """Return the smallest value in each member's group."""
        return self._reduced(np.minimum, values)[self.numbers]

    def largest(self, values: Counts) -> Counts:
        """Return the largest value of each group, in the order of `keys`."""
        return self._reduced(np.maximum, values)

    def totals(self, values: Sums) -> Sums:
        """Return the sum of the values in each member's group."""
        return self._reduced(np.add, values)[self.numbers]

    def largest_other(self, values: Counts) -> Counts:
        """Return the largest value among the other members of each one's group, 0 without any; values are positive."""
        largest = self.largest(values)
        first = values == largest[self.numbers]
        alone = self._reduced(np.add, first.astype(np.int32)) == 1
        second = self.largest(np.where(first, 0, values))
        return np.where(first & alone[self.numbers], second[self.numbers], largest[self.numbers])

    def neighbors(self, values: Counts) -> tuple[Counts, Counts]:
        """Return the values of the members before and after each one in its group, 0 where there is none."""
        arranged = values[self._order]
        before, after = np.zeros_like(arranged), np.zeros_like(arranged)
        before[1:], after[:-1] = arranged[:-1], arranged[1:]
        before[self._starts] = 0
        after[self._starts[1:] - 1] = 0
        return self._placed(before), self._placed(after)

    def _reduced(self, combine: np.ufunc, values: NDArray[Number]) -> NDArray[Number]:
        """Combine the values of each group, in the order of `keys`."""
        found: NDArray[Number] = combine.reduceat(values[self._order], self._starts)
        return found

    def _placed(self, arranged: NDArray[np.integer]) -> Counts:
        placed = np.empty(len(arranged), np.int32)
        placed[self._order] = arranged
        return placed


def running_counts(flags: NDArray[np.bool_]) -> Counts:
    """Return how many flags are set before each position, one more than there are flags."""
    running = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags, out=running[1:])
    return running
