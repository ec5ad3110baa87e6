"""Boosted trees over the structural features, computed with numpy alone."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import write_bytes
from suwen.inference.relations.inputs import EncodedDocument

__all__ = ["TREES", "BoostedTrees", "tree_inputs"]

TREES = "trees.npz"
"""The file of a model folder that holds the trees."""

ARRAYS = ("features", "thresholds", "left", "right", "values")

BLOCK = 4096
"""Pairs that are sent through all trees at once."""


def tree_inputs(encoded: EncodedDocument) -> NDArray[np.uint8]:
    """Return what the trees read of each candidate: its relation type and its features, uint8 ``[P, 1 + F]``."""
    relations = encoded.candidates.relations.astype(np.uint8)
    return np.concatenate([relations[:, None], encoded.features], axis=1)


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
        What a leaf adds, float32 ``[T, N]``; 0 for inner nodes.
    depth
        How many steps lead to the deepest leaf.
    """

    features: NDArray[np.int16]
    thresholds: NDArray[np.uint8]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    values: NDArray[np.float32]
    depth: int

    def logits(self, inputs: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Sum up the trees for `tree_inputs`, float64 ``[P]``."""
        blocks = [self._block(inputs[start : start + BLOCK]) for start in range(0, len(inputs), BLOCK)]
        return np.concatenate([np.zeros(0), *blocks])

    def _block(self, inputs: NDArray[np.uint8]) -> NDArray[np.float64]:
        total = np.zeros(len(inputs))
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
        """Read what `write` wrote.

        Raises
        ------
        SuwenError
            S509 when the file is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                parts = {name: arrays[name] for name in ARRAYS}
                return cls(**parts, depth=int(arrays["depth"]))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise SuwenError("S509", path, reason=str(error).partition("\n")[0]) from None
