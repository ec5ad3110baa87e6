"""Packed sequences: fixed windows of the text without padding, paired for next-sentence prediction where wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.draws import random_key, uniform_numbers
from suwen.errors import SuwenError
from suwen.tagging.vocabulary import CLS, PAD, SEP, UNK, CharacterVocabulary

__all__ = ["Packer", "Sequences"]

SENTENCE_ENDS = "。！？；"
EVERY_LEVEL = np.uint8(0xFF)

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sequences:
    """A batch before masking.

    Parameters
    ----------
    ids
        ``[CLS] text [SEP]``, or ``[CLS] first [SEP] second [SEP]``, int64 ``[B, L]``.
    units
        A bit per `suwen.pretraining.strategies.Level` where a unit begins, uint8 ``[B, L]``.
    maskable
        Characters that may be masked, bool ``[B, L]``.
    segments
        0 in the first segment, 1 in the second, int64 ``[B, L]``; None without pairs.
    unrelated
        1 where the second segment does not follow the first (BERT's label), int64 ``[B]``; None without pairs.
    """

    ids: Ids
    units: NDArray[np.uint8]
    maskable: NDArray[np.bool_]
    segments: Ids | None = None
    unrelated: Ids | None = None


class Packer:
    """Cuts a text into windows of one length and puts sequences together.

    The windows partition the text, apart from the last one, which reaches back into the one before it: no character is
    left out, and `repeated` counts those that occur twice.

    For pairs, two windows are cut at one place, at a sentence end if there is one near, and half of such couples
    exchange their second parts. So pairs need no padding, and still every character occurs in every pass.

    Parameters
    ----------
    ids, units
        The text with ``[SEP]`` after each passage, and its units, ``[N]``.
    vocabulary
        Names the special tokens.
    length
        Positions of a sequence, specials included.
    paired
        Whether sequences are pairs of segments.
    seed
        The seed of all draws.

    Raises
    ------
    SuwenError
        S520 when the text is shorter than one sequence.
    """

    def __init__(
        self,
        ids: NDArray[np.integer],
        units: NDArray[np.uint8],
        vocabulary: CharacterVocabulary,
        length: int,
        paired: bool,
        seed: int,
    ) -> None:
        self.length = length
        self.paired = paired
        self._ids, self._units, self._seed = ids, units, seed
        self._cls, self._sep = vocabulary.id(CLS), vocabulary.id(SEP)
        self._room = length - (3 if paired else 2)
        if len(ids) < self._room:
            reason = f"a sequence has {self._room}"
            raise SuwenError("S520", found=f"{len(ids)} characters", reason=reason)
        self._last = len(ids) - self._room
        self._known = np.ones(len(vocabulary), np.bool_)
        self._known[[vocabulary.id(token) for token in (PAD, UNK, CLS, SEP)]] = False
        self._ends = np.zeros(len(vocabulary), np.bool_)
        self._ends[vocabulary.ids(SENTENCE_ENDS)] = True
        self._ends[vocabulary.unk] = False
        self._ends[self._sep] = True
        self._drawn: tuple[int, Ids, int] | None = None

    def __len__(self) -> int:
        """Return the number of sequences that hold the whole text once."""
        return -(-len(self._ids) // self._room)

    @property
    def repeated(self) -> int:
        """Characters of the last window that the one before it has too."""
        return len(self) * self._room - len(self._ids)

    def sequences(self, numbers: Ids, drawing: int) -> Sequences:
        """Return the sequences of these numbers.

        Parameters
        ----------
        numbers
            From 0 to ``len(self) - 1``, ``[B]``.
        drawing
            Which of the ways to pair windows; without pairs it changes nothing.
        """
        if not self.paired:
            places = self._starts(numbers)[:, None] + np.arange(self._room)
            return self._assembled(places, np.full(len(numbers), self._room), None, None)
        order, key = self._couples(drawing)
        couples = numbers // 2
        single = (couples * 2 + 1) >= len(self)
        chance = uniform_numbers(key, couples, 2)
        unrelated = (chance[:, 0] < 0.5) & ~single
        cuts = self._cuts(order[couples * 2], chance[:, 1])
        first = self._starts(order[numbers])
        second = np.where(unrelated, self._starts(order[np.minimum(numbers ^ 1, len(self) - 1)]), first)
        columns = np.arange(self._room)
        places = np.where(columns < cuts[:, None], first[:, None], second[:, None]) + columns
        segments = (np.arange(self.length) >= cuts[:, None] + 2).astype(np.int64)
        return self._assembled(places, cuts, segments, unrelated.astype(np.int64))

    def _starts(self, windows: Ids) -> Ids:
        return np.minimum(windows * self._room, self._last)

    def _couples(self, drawing: int) -> tuple[Ids, int]:
        """Return the windows with couples as neighbors, and the key of this drawing's random numbers."""
        if self._drawn is None or self._drawn[0] != drawing:
            key = random_key(self._seed, self.length, drawing)
            self._drawn = drawing, np.random.default_rng(key).permutation(len(self)), key
        return self._drawn[1:]

    def _cuts(self, windows: Ids, chance: NDArray[np.float64]) -> Ids:
        """Return where to cut: between a quarter and three quarters, after a sentence end if one is near."""
        room = self._room
        wanted = (room * (0.25 + 0.5 * chance)).astype(np.int64)
        ends = self._ends[self._ids[self._starts(windows)[:, None] + np.arange(room)]]
        distance = np.abs(np.arange(1, room + 1) - wanted[:, None]) + np.where(ends, 0, room)
        nearest = distance.argmin(1) + 1
        near = distance[np.arange(len(windows)), nearest - 1] <= room // 8
        return np.clip(np.where(near, nearest, wanted), 1, room - 1)

    def _assembled(self, places: Ids, cuts: Ids, segments: Ids | None, unrelated: Ids | None) -> Sequences:
        """Put text and special tokens together; `cuts` are the places of the inner ``[SEP]`` of a pair."""
        rows = len(places)
        ids = np.full((rows, self.length), self._sep, np.int64)
        units = np.full((rows, self.length), EVERY_LEVEL)
        columns = np.arange(self._room)
        # In a pair the second segment stands one further to the right, behind its [SEP].
        targets = 1 + columns + (columns >= cuts[:, None])
        np.put_along_axis(ids, targets, self._ids[places].astype(np.int64), 1)
        np.put_along_axis(units, targets, self._units[places], 1)
        ids[:, 0] = self._cls
        # A cut starts a new unit.
        units[:, 1] = EVERY_LEVEL
        if segments is not None:
            units[np.arange(rows), cuts + 2] = EVERY_LEVEL
        return Sequences(ids, units, self._known[ids], segments, unrelated)
