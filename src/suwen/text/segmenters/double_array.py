"""A trie in two arrays, walked by many readers at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOWHERE", "ROOT", "DoubleArray", "Ints"]

Ints = NDArray[np.int64]

ROOT = 0
NOWHERE = -1


class DoubleArray:
    """A trie in a double array (Aoe, 1989): node `n` has the child ``base[n] + key`` where ``check`` of that is `n`.

    Parameters
    ----------
    cells
        Base and check of each cell as the lower and the upper half of an int64, ``[N]``; so a step to a child touches
        the large array once. The root is cell 0.
    """

    def __init__(self, cells: Ints) -> None:
        self._cells = cells

    @classmethod
    def read(cls, path: Path) -> DoubleArray:
        """Map a file of little-endian cells into memory: processes share it, and load what they touch."""
        return cls(np.asarray(np.memmap(path, "<i8", "r")))

    def values(self, nodes: Ints) -> Ints:
        """Return the values at nodes: the base of their children; at a word's end, the value of the word."""
        return self._cells.take(nodes).astype(np.int32).astype(np.int64)

    def step(self, nodes: Ints, bases: Ints, keys: Ints | int) -> tuple[Ints, Ints]:
        """Return the child of each node for its key, or `NOWHERE`; and what is stored there.

        Parameters
        ----------
        nodes
            ``[n]``; of nowhere there is no child.
        bases
            What is stored at them, ``[n]``.
        keys
            One for each, or one for all.
        """
        cells = bases + keys
        there = (nodes >= 0) & (cells >= 0) & (cells < len(self._cells))
        cells[~there] = ROOT
        found = self._cells.take(cells)
        there &= (found >> 32) == nodes
        cells[~there] = NOWHERE
        return cells, found.astype(np.int32).astype(np.int64)

    def ends(self, nodes: Ints, bases: Ints) -> NDArray[np.bool_]:
        """Return whether a word ends at nodes: they have a child for the key 0."""
        ends: NDArray[np.bool_] = self.step(nodes, bases, 0)[0] != NOWHERE
        return ends
