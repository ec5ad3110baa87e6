"""Features of the second stage: the scores of the first one for a pair, its rivals, its neighbors and equal texts.

Rivals of a pair are the other candidates of its head, and those of its tail, for the same relation type. Scores are
read as one of `LEVELS` steps and all else is whole numbers, so that the features are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from suwen.inference.relations.candidates import Candidates, Mentions
from suwen.inference.relations.groups import Counts, GroupIds, Groups, Sums

__all__ = ["GRID", "LEVELS", "rival_features"]

GRID = 2**14
"""Scores are multiples of 1 / `GRID`."""

STEPS = 8
"""Levels in a logit of 1."""
LEVELS = 127
"""The number of levels, from 1 on; 0 stands for a pair that is not there."""
MIDDLE = (LEVELS + 1) // 2

PROBABILITIES = np.rint(255 / (1 + np.exp((MIDDLE - np.arange(LEVELS + 1)) / STEPS))).astype(np.int64)
"""The probability of each level, of 255."""
PER_PAIR = 12
"""Parts of an expected pair that are counted."""

MOST = 255

DIAGONALS = {"both later": (1, 1), "both earlier": (-1, -1), "later head": (1, -1), "later tail": (-1, 1)}
"""Pairs of the next or previous mentions of the two types: how far head and tail move."""


def rival_features(
    mentions: Mentions, candidates: Candidates, scores: NDArray[np.floating]
) -> Mapping[str, NDArray[np.uint8]]:
    """Compute the features of the second stage that the first one does not have.

    Parameters
    ----------
    mentions, candidates
        See `suwen.inference.relations.candidates`. The candidates must be all of the document.
    scores
        The logits of the first stage for all of them, multiples of 1 / `GRID`, ``[P]``.

    Returns
    -------
    Mapping[str, NDArray[np.uint8]]
        Numbers by name, uint8 ``[P]`` each.
    """
    table = _Table(mentions, candidates, scores)
    surfaces = mentions.surfaces
    found = {
        "score": table.levels,
        **_rivals(table, "head", candidates.heads, candidates.tails),
        **_rivals(table, "tail", candidates.tails, candidates.heads),
        **_same_texts(table, surfaces[candidates.heads], surfaces[candidates.tails]),
        **_diagonals(table, candidates.heads, candidates.tails),
    }
    return {name: np.minimum(values, MOST).astype(np.uint8) for name, values in found.items()}


class _Table:
    """Inputs of all features."""

    def __init__(self, mentions: Mentions, candidates: Candidates, scores: NDArray[np.floating]) -> None:
        self.mentions = mentions
        self.scores = np.rint(scores * GRID).astype(np.int32)
        self.levels = np.clip(np.rint(scores * STEPS) + MIDDLE, 1, LEVELS).astype(np.int32)
        self.probabilities = PROBABILITIES[self.levels]
        self.span = len(mentions) + 1
        """Larger than any index of a mention or a text."""
        self.relations = candidates.relations.astype(np.int64) * self.span


def _rivals(table: _Table, name: str, ends: Counts, others: Counts) -> dict[str, Sums | Counts]:
    """Describe the candidates with the same head or tail, `ends`, and their other mention, `others`."""
    groups, levels = table.relations + ends, table.levels
    in_text = Groups(groups, others)
    best = in_text.largest_other(levels)
    before, after = in_text.neighbors(levels)
    texts = Groups(groups * table.span + table.mentions.surfaces[others], others)
    best_of_texts = texts.largest(levels)
    best_other_text = Groups(texts.keys // table.span, best_of_texts).largest_other(best_of_texts)
    return {
        f"best rival for the {name}": best,
        f"lead over the best rival for the {name}": LEVELS + 1 + levels - best,
        f"rank by score for the {name}": Groups(groups, -table.scores).ranks(),
        f"expected rivals for the {name}": _expected(in_text.totals(table.probabilities) - table.probabilities),
        f"score of the rival before for the {name}": before,
        f"score of the rival after for the {name}": after,
        f"best rival of the same text for the {name}": texts.largest_other(levels),
        f"best rival of another text for the {name}": best_other_text[texts.numbers],
    }


def _same_texts(table: _Table, heads: Counts, tails: Counts) -> dict[str, Sums | Counts]:
    """Describe the candidates of the document whose mentions have the same texts."""
    same = Groups((table.relations + heads) * table.span + tails, table.scores)
    together = same.totals(table.probabilities)
    elsewhere = together - table.probabilities
    return {
        "best of the same texts": same.largest_other(table.levels),
        "expected of the same texts": _expected(elsewhere),
        "mean of the same texts": elsewhere // np.maximum(same.sizes() - 1, 1),
        "share of the head's text": _share(together, table.relations + heads, table),
        "share of the tail's text": _share(together, table.relations + tails, table),
    }


def _share(together: Sums, groups: GroupIds, table: _Table) -> Sums:
    """Return which part of the pairs that are expected in a group have both texts, of 255."""
    totals = Groups(groups, table.scores).totals(table.probabilities)
    return MOST * together // np.maximum(totals, 1)


def _expected(probabilities: Sums) -> Sums:
    """Turn a sum of probabilities into a number of pairs, counted in parts."""
    return PER_PAIR * probabilities // MOST


def _diagonals(table: _Table, heads: Counts, tails: Counts) -> dict[str, Counts]:
    """Return the scores of the pairs of the next or previous mentions of the two types."""
    types = table.mentions.types
    numbers = Groups(types.astype(np.int64), np.arange(len(types), dtype=np.int32)).ranks().astype(np.int64)
    # One more on either side, so that the neighbors of the first and the last mention are absent.
    span = table.span + 2
    groups = (table.relations * span + numbers[heads] + 1) * span + numbers[tails] + 1
    order = np.argsort(groups, kind="stable")
    arranged, levels = groups[order], table.levels[order]
    found = {}
    for name, (head, tail) in DIAGONALS.items():
        wanted = groups + head * span + tail
        places = np.minimum(np.searchsorted(arranged, wanted), len(arranged) - 1)
        found[f"score with {name}"] = np.where(arranged[places] == wanted, levels[places], 0)
    return found
