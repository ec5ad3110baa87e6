"""Score the candidates of a long document part by part, each exactly once, as in one call."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from suwen.inference.relations.candidates import Candidates, Mentions

__all__ = ["Rivals", "owned_pairs"]

Indices = NDArray[np.intp]


def owned_pairs(mentions: Mentions, candidates: Candidates, characters: int) -> Iterator[Indices]:
    """Assign every candidate to the stretch of `characters` characters in which its head begins.

    Yields
    ------
    The indices of the candidates of a stretch, in order; stretches without candidates are left out.
    """
    stretches = mentions.starts[candidates.heads] // characters
    # Candidates are sorted by head, and mentions by start.
    borders = np.flatnonzero(np.diff(stretches)) + 1
    yield from (part for part in np.split(np.arange(len(candidates)), borders) if len(part))


class Rivals:
    """Finds the candidates that compete with others.

    Parameters
    ----------
    candidates
        All candidates of a document.
    """

    def __init__(self, candidates: Candidates) -> None:
        relations = candidates.relations.astype(np.int64)
        span = 1 + max(candidates.heads.max(initial=0), candidates.tails.max(initial=0))
        self._groups = [_Groups(relations * span + argument) for argument in (candidates.heads, candidates.tails)]

    def around(self, pairs: Indices, rounds: int) -> Indices:
        """Add the candidates that have a head or a tail in common with these, as often as there are rounds."""
        for _ in range(rounds):
            pairs = np.unique(np.concatenate([groups.members(pairs) for groups in self._groups]))
        return pairs


class _Groups:
    """Candidates with one argument in common."""

    def __init__(self, keys: NDArray[np.int64]) -> None:
        self.keys = keys
        self.order = np.argsort(keys, kind="stable")
        self.arranged = keys[self.order]

    def members(self, pairs: Indices) -> Indices:
        """Return all members of the groups of some candidates."""
        wanted = np.unique(self.keys[pairs])
        first = np.searchsorted(self.arranged, wanted)
        counts = np.searchsorted(self.arranged, wanted, side="right") - first
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found: Indices = self.order[np.repeat(first, counts) + offsets]
        return found
