"""The pre-training recipes of the paper's Table 1: what is masked, when it is drawn, and whether sentences are paired.

All masking is one act on another partition of the text: characters, words, phrases or entities are the *units*, a unit
is masked whole, and units are drawn until 15 % of the characters are masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError

__all__ = ["STRATEGIES", "Level", "Strategy", "draw_positions", "strategy_named"]

Flags = NDArray[np.bool_]


class Level(IntEnum):
    """The partitions of a text, from fine to coarse; the value is the partition's bit in the stored units."""

    CHARACTER = 0
    WORD = 1
    PHRASE = 2
    ENTITY = 3


@dataclass(frozen=True, slots=True)
class Strategy:
    """One recipe.

    Parameters
    ----------
    name
        The name on the command line.
    stages
        The partitions that are masked one after another, each for an equal share of the steps.
    dynamic
        Whether the positions are drawn again each time a sequence is seen; otherwise they are drawn in advance.
    next_sentence
        Whether sequences are pairs of segments, and the second objective is whether they belong together.
    continual
        Whether a later stage also continues the levels of the earlier ones.
    shallow
        Whether the encoder has a quarter of the layers and is a third wider.
    source
        Where the recipe is described.
    """

    name: str
    stages: tuple[Level, ...]
    dynamic: bool
    next_sentence: bool
    source: str
    continual: bool = False
    shallow: bool = False

    @property
    def needs_words(self) -> bool:
        """Return whether the text must be cut into words."""
        return any(level > Level.CHARACTER for level in self.stages)

    def levels(self, stage: int) -> tuple[Level, ...]:
        """Return the partitions that a stage draws from, one for each sequence."""
        return self.stages[: stage + 1] if self.continual else (self.stages[stage],)

    def mask(
        self, units: NDArray[np.uint8], maskable: Flags, stage: int, share: float, chances: NDArray[np.float64]
    ) -> Flags:
        """Choose the positions to mask.

        Parameters
        ----------
        units
            For each character a bit per `Level`, set where a unit of that partition begins: uint8 ``[B, L]``.
        maskable
            The positions that may be masked, bool ``[B, L]``; special tokens and unknown characters may not.
        stage
            The stage of the recipe.
        share
            The share of the maskable positions to mask.
        chances
            Uniform random numbers in [0, 1), ``[B, L + 1]``: all that decides, so that equal numbers mask equally. The
            last column chooses the partition where a stage has several.

        Returns
        -------
        Flags
            bool ``[B, L]``.
        """
        levels = np.array(self.levels(stage), np.uint8)
        chosen = levels[(chances[:, -1] * len(levels)).astype(np.int64)]
        begins = (units >> chosen[:, None]) & 1 == 1
        return draw_positions(begins, maskable, share, chances[:, :-1])


def draw_positions(begins: Flags, maskable: Flags, share: float, chances: NDArray[np.float64]) -> Flags:
    """Draw whole units at random, in each sequence until `share` of its maskable positions are drawn.

    A unit that alone exceeds a sequence's whole budget counts as single characters there. The last unit is drawn where
    more of it lies inside the budget than outside, so that the share is met on average.

    Parameters
    ----------
    begins
        True where a unit begins, bool ``[B, L]``. A position that cannot be masked ends the unit before it, and what
        follows it begins one.
    maskable, share
        As in `Strategy.mask`.
    chances
        Uniform random numbers ``[B, L]``; the units of a sequence are drawn in the order of the numbers at their begin.

    Returns
    -------
    Flags
        bool ``[B, L]``; at least one position of every sequence that has a maskable one.
    """
    rows, length = begins.shape
    budgets = np.maximum(1, np.rint(share * maskable.sum(1))).astype(np.int64)
    starts = begins.copy()
    starts[:, 0] = True
    starts[:, 1:] |= maskable[:, 1:] != maskable[:, :-1]
    starts |= ~maskable
    flat_maskable = maskable.ravel()
    unit = np.cumsum(starts.ravel()) - 1
    too_long = np.bincount(unit)[unit] > np.repeat(budgets, length)
    unit = np.cumsum(starts.ravel() | too_long) - 1
    sizes = np.bincount(unit, weights=flat_maskable).astype(np.int64)
    first = np.flatnonzero(np.diff(unit, prepend=-1))
    row = first // length
    # Units that cannot be masked have size 0 and cost nothing, wherever they come in the order.
    order = np.lexsort((chances.ravel()[first], row))
    spent = np.cumsum(sizes[order])
    before = np.searchsorted(row[order], np.arange(rows))
    offset = np.where(before > 0, spent[before - 1], 0)
    middle = spent - offset[row[order]] - sizes[order] / 2
    drawn = np.zeros(len(sizes), np.bool_)
    drawn[order] = middle <= budgets[row[order]]
    positions: Flags = (drawn[unit] & flat_maskable).reshape(rows, length)
    return positions


STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy("bert", (Level.CHARACTER,), False, True, "Devlin et al. 2019"),
        Strategy("wwm", (Level.WORD,), False, True, "Cui et al. 2019, one corpus"),
        Strategy("wwm-ext", (Level.WORD,), False, True, "Cui et al. 2019, a wider corpus"),
        Strategy(
            "ernie",
            (Level.CHARACTER, Level.PHRASE, Level.ENTITY),
            True,
            True,
            "Sun et al. 2019: basic, phrase-level and entity-level masking",
        ),
        Strategy(
            "ernie-tiny",
            (Level.CHARACTER, Level.PHRASE, Level.ENTITY),
            True,
            True,
            "Sun et al. 2020: the stages of ERNIE learned continually, in fewer and wider layers",
            continual=True,
            shallow=True,
        ),
        Strategy("roberta", (Level.CHARACTER,), True, False, "Liu et al. 2019"),
    )
}
"""The recipes by name; ``wwm`` and ``wwm-ext`` differ in the text that they are given."""


def strategy_named(name: str) -> Strategy:
    """Return the recipe of this name.

    Raises
    ------
    SuwenError
        S404 when there is none.
    """
    if name not in STRATEGIES:
        raise SuwenError("S404", what="strategy", name=name, known=", ".join(STRATEGIES))
    return STRATEGIES[name]
