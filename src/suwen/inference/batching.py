"""Batches of arrays of unequal length, each bounded by the tokens it holds once padded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["batches", "pad"]

Ints = NDArray[np.integer]


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Group items of similar length, the longest first.

    Parameters
    ----------
    lengths
        The length of each item.
    budget
        Maximum tokens of a batch, padding included. A longer window is a batch of its own.

    Yields
    ------
    list[int]
        The indices of a batch. Every index comes once; items of equal length keep their order.
    """
    sizes = np.asarray(lengths, np.int64)
    order = np.argsort(-sizes, kind="stable").tolist()
    start = 0
    while start < len(order):
        left, most = len(order) - start, max(1, budget // max(1, lengths[order[start]]))
        # Four items of which three fit become two and two: threads that have a batch each end at the same time.
        end = start + -(-left // -(-left // most))
        yield order[start:end]
        start = end


def pad(rows: Sequence[Mapping[str, Ints]], padding: Mapping[str, int]) -> dict[str, NDArray[np.int32]]:
    """Put the arrays of several windows on top of each other, filled up at the right.

    Parameters
    ----------
    rows
        The arrays of each window, ``[T_i]`` under the same names.
    padding
        The value that fills each array.

    Returns
    -------
    dict[str, NDArray[np.int32]]
        The arrays, int32 ``[B, T]`` each, and ``attention_mask`` with 1 where a window is and 0 where it has ended.
    """
    lengths = np.array([len(next(iter(row.values()))) for row in rows])
    shape = len(rows), int(lengths.max())
    padded = {name: np.full(shape, padding[name], np.int32) for name in rows[0]}
    for i, row in enumerate(rows):
        for name, array in row.items():
            padded[name][i, : len(array)] = array
    padded["attention_mask"] = (np.arange(shape[1]) < lengths[:, None]).astype(np.int32)
    return padded
