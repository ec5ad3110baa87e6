"""Stratification: assign units to parts so that every part gets its share of every label."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["stratify"]

FEW = 2000
"""Maximum number of units that are compared with each other; more units are balanced enough after one attempt."""

ATTEMPTS = 60

Counts = NDArray[np.float64]
Parts = NDArray[np.intp]


def stratify(counts: ArrayLike, ratio: Sequence[float], seed: int) -> Parts:
    """Assign units to parts by iterative stratification, and improve it by exchanges if units are few.

    Iterative stratification: Sechidis, Tsoumakas and Vlahavas 2011, On the stratification of multi-label data. Here a
    unit may hold a label many times. Few and large units cannot be assigned evenly one after the other. So exchanges
    bring the shares of all labels nearer to the ratio, and the best of several attempts is returned.

    Parameters
    ----------
    counts
        How often each label is in each unit, [units, labels].
    ratio
        The wanted size of each part, in any scale, positive; at most as many parts as units.
    seed
        The same seed and counts give the same parts.

    Returns
    -------
    Parts
        The index of each unit's part, [units]; no part is empty.
    """
    labels = np.asarray(counts, dtype=np.float64)
    # Units without a label are treated as a label of their own.
    labels = np.column_stack([labels, ~labels.any(axis=1)])
    labels = labels[:, labels.any(axis=0)]
    wanted = np.asarray(ratio, dtype=np.float64) / sum(ratio)
    chance = random.Random(seed)  # noqa: S311 - no secret
    if len(labels) > FEW:
        return _assign(labels, wanted, chance)
    shares = labels / labels.sum(axis=0)
    attempts = [_exchange(shares, wanted, _assign(labels, wanted, chance)) for _ in range(ATTEMPTS)]
    return min(attempts, key=lambda parts: _deviation(shares, wanted, parts))


def _assign(labels: Counts, wanted: Counts, chance: random.Random) -> Parts:
    """Assign label by label, the rarest first, each unit to the part that lacks most of the label."""
    order = sorted(range(len(labels)), key=lambda _: chance.random())
    parts = np.full(len(labels), -1, dtype=np.intp)
    shares = (labels / labels.sum(axis=0)).tolist()
    # Need is relative to the size of the part: by count, the largest part would get the largest units.
    lacking = [[1.0] * labels.shape[1] for _ in wanted]
    lacking_units = [1.0 for _ in wanted]
    remaining = labels.sum(axis=0)
    while (remaining > 0).any():
        label = int(np.argmin(np.where(remaining > 0, remaining, np.inf)))
        holders = [unit for unit in order if parts[unit] < 0 and shares[unit][label]]
        # The largest first, so that small ones level what they leave uneven.
        for unit in sorted(holders, key=lambda unit: -shares[unit][label]):
            part = max(range(len(wanted)), key=lambda part: (lacking[part][label], lacking_units[part]))
            parts[unit] = part
            size = wanted[part]
            lacking[part] = [lack - share / size for lack, share in zip(lacking[part], shares[unit], strict=True)]
            lacking_units[part] -= 1 / (size * len(labels))
        remaining = labels[parts < 0].sum(axis=0)
    return _fill_empty(labels, parts, len(wanted))


def _fill_empty(labels: Counts, parts: Parts, number: int) -> Parts:
    """Give each empty part the smallest unit of the part that has most units."""
    for part in range(number):
        sizes = np.bincount(parts, minlength=number)
        if not sizes[part]:
            units = np.flatnonzero(parts == sizes.argmax())
            parts[units[labels[units].sum(axis=1).argmin()]] = part
    return parts


def _excess(shares: Counts, wanted: Counts, parts: Parts) -> Counts:
    """Return by how much each part's share of each label is too large, [parts, labels]."""
    assigned = np.zeros((len(wanted), shares.shape[1]))
    np.add.at(assigned, parts, shares)
    return assigned - wanted[:, None]


def _deviation(shares: Counts, wanted: Counts, parts: Parts) -> float:
    return float((_excess(shares, wanted, parts) ** 2).sum())


def _exchange(shares: Counts, wanted: Counts, parts: Parts) -> Parts:
    """Swap two units or move one, always the best step, until no step lowers the sum of squared deviations."""
    parts = parts.copy()
    # The last row is a unit of no weight: to swap with it is to move.
    nothing = len(shares)
    rows = np.vstack([shares, np.zeros(shares.shape[1])])
    products = rows @ rows.T
    norms = products.diagonal()
    while True:
        excess = _excess(shares, wanted, parts)
        best = (-1e-12, 0, 0, 0, 0)
        for one in range(len(wanted)):
            for other in range(one + 1, len(wanted)):
                ours, theirs = (np.append(np.flatnonzero(parts == part), nothing) for part in (one, other))
                # |e1 - d|^2 + |e2 + d|^2 - |e1|^2 - |e2|^2 for d = the row we give less the row we get.
                gain = 2 * rows @ (excess[other] - excess[one])
                distance = norms[ours, None] + norms[None, theirs] - 2 * products[np.ix_(ours, theirs)]
                change = gain[ours, None] - gain[None, theirs] + 2 * distance
                # A part's only unit may be swapped, but not moved away.
                if len(ours) == 2:
                    change[0, -1] = np.inf
                if len(theirs) == 2:
                    change[-1, 0] = np.inf
                i, j = np.unravel_index(change.argmin(), change.shape)
                if change[i, j] < best[0]:
                    best = (float(change[i, j]), int(ours[i]), int(theirs[j]), one, other)
        _, given, taken, one, other = best
        if one == other:
            return parts
        if given != nothing:
            parts[given] = other
        if taken != nothing:
            parts[taken] = one
