"""Boosted trees in two stages, computed with numpy alone."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import write_bytes
from suwen.inference.relations.inputs import Inputs

__all__ = ["BoostedTrees", "TwoStages"]

FIRST, SECOND = "first.npz", "second.npz"
"""The files of a model folder that hold the trees of the stages."""

ARRAYS = ("features", "thresholds", "left", "right", "values")

BLOCK = 4096
"""Pairs that are sent through all trees at once."""


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """The sum of binary trees (Friedman 2001).

    Node 0 is the root of a tree. An inner node sends an input to its left node if its feature is at most the threshold,
    otherwise to its right node; a leaf sends it to itself.

    Parameters
    ----------
    features, thresholds, left, right
        Of each node, int16, uint8, int16, int16 ``[T, N]``; shorter trees are filled up.
    values
        What a leaf adds, float32 ``[T, N]``; 0 for inner nodes. They are multiples of 1 / `GRID`, so that a sum in
        float32 is exact, whatever its order.
    depth
        How many steps lead to the deepest leaf.
    """

    features: NDArray[np.int16]
    thresholds: NDArray[np.uint8]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    values: NDArray[np.float32]
    depth: int

    def logits(self, inputs: Inputs) -> NDArray[np.float32]:
        """Sum up the trees, float32 ``[P]``."""
        blocks = [self._block(inputs[start : start + BLOCK]) for start in range(0, len(inputs), BLOCK)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])

    def _block(self, inputs: Inputs) -> NDArray[np.float32]:
        total = np.zeros(len(inputs), np.float32)
        rows = np.arange(len(inputs))
        for tree in range(len(self.features)):
            nodes = np.zeros(len(inputs), np.intp)
            for _ in range(self.depth):
                small = inputs[rows, self.features[tree][nodes]] <= self.thresholds[tree][nodes]
                nodes = np.where(small, self.left[tree][nodes], self.right[tree][nodes])
            total += self.values[tree][nodes]
        return total

    def write(self, path: Path) -> None:
        """Write the trees as a compressed archive of arrays."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{name: getattr(self, name) for name in (*ARRAYS, "depth")})
        write_bytes(path, buffer.getvalue())

    @classmethod
    def read(cls, path: Path) -> BoostedTrees:
        """Read the trees that `write` wrote.

        Raises
        ------
        SuwenError
            S101 when the file is missing, S509 when it is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                parts = {name: arrays[name] for name in ARRAYS}
                return cls(**parts, depth=int(arrays["depth"]))
        except FileNotFoundError:
            raise SuwenError("S101", path) from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise SuwenError("S509", path, reason=str(error).partition("\n")[0]) from None


@dataclass(frozen=True, slots=True)
class TwoStages:
    """The trees of both stages."""

    first: BoostedTrees
    second: BoostedTrees

    def logits(self, inputs: Inputs, second: bool) -> NDArray[np.float32]:
        """Score candidates with the first or the second stage, float32 ``[P]``."""
        return (self.second if second else self.first).logits(inputs)

    def write(self, folder: Path) -> None:
        """Write both into a model folder."""
        self.first.write(folder / FIRST)
        self.second.write(folder / SECOND)

    @classmethod
    def read(cls, folder: Path) -> TwoStages:
        """Read both stages (see `BoostedTrees.read`)."""
        return cls(BoostedTrees.read(folder / FIRST), BoostedTrees.read(folder / SECOND))
