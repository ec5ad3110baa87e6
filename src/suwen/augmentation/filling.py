"""Fill masked words: each position independently, from left to right, or the word as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from suwen.augmentation.masked_lm import UNITS, Candidates, Ids, MaskedLanguageModel, Places

if TYPE_CHECKING:
    from suwen.augmentation.config import FillingConfig, SamplingConfig

__all__ = ["Blank", "Filler", "pick"]


@dataclass(slots=True)
class Blank:
    """A masked word.

    Parameters
    ----------
    row
        The input that it is in.
    start, end
        Its positions there.
    kind
        Which tokens may fill it: a row of `Filler.allowed`.
    draws
        A uniform number for each of its positions, ``[end - start]``.
    tokens
        What it was filled with so far.
    probability
        What the model gave that.
    given_up
        Whether there was no choice at some position.
    """

    row: int
    start: int
    end: int
    kind: int
    draws: NDArray[np.float64]
    tokens: list[int] = field(default_factory=list)
    probability: float = 1.0
    given_up: bool = False


class Filler:
    """Fills masked words by a model's predictions.

    Parameters
    ----------
    model
        The model.
    allowed
        Which tokens may fill the blanks of each kind, bool ``[kinds, size]``.
    filling, sampling
        How.
    same_word
        Whether the masked word itself may come back, by kind.
    """

    def __init__(
        self,
        model: MaskedLanguageModel,
        allowed: NDArray[np.bool_],
        filling: FillingConfig,
        sampling: SamplingConfig,
        same_word: Sequence[bool],
    ) -> None:
        self.model = model
        self.allowed = allowed
        self.filling = filling
        self.sampling = sampling
        self._same_word = same_word

    def fill(self, rows: Sequence[Ids], blanks: Sequence[Blank]) -> None:
        """Fill the blanks of some inputs; each input is independent of the others.

        Parameters
        ----------
        rows
            The ids of the inputs' characters before anything was masked, ``[T]`` each.
        blanks
            Disjoint.
        """
        masked = [row.copy() for row in rows]
        for blank in blanks:
            masked[blank.row][blank.start : blank.end] = self.model.mask
        if self.filling.order == "joint":
            self._jointly(rows, masked, blanks)
        elif self.filling.order == "independent":
            self._step(rows, masked, blanks, [range(blank.end - blank.start) for blank in blanks])
        else:
            for step in range(max((blank.end - blank.start for blank in blanks), default=0)):
                active = [b for b in blanks if not b.given_up and step < b.end - b.start]
                self._step(rows, masked, active, [range(step, step + 1)] * len(active))
                for blank in active:
                    if blank.given_up:
                        masked[blank.row][blank.start : blank.end] = rows[blank.row][blank.start : blank.end]
                    else:
                        masked[blank.row][blank.start + step] = blank.tokens[step]

    def _step(
        self, rows: Sequence[Ids], masked: Sequence[Ids], blanks: Sequence[Blank], steps: Sequence[range]
    ) -> None:
        """Choose tokens for some positions of some blanks, all of an input's at once."""
        places: dict[int, list[tuple[int, Blank, int]]] = {}
        for blank, offsets in zip(blanks, steps, strict=True):
            places.setdefault(blank.row, []).extend((blank.start + offset, blank, offset) for offset in offsets)
        found = self._candidates(
            [masked[row] for row in places],
            [np.array([place for place, _, _ in asked]) for asked in places.values()],
            [np.array([blank.kind for _, blank, _ in asked]) for asked in places.values()],
            self._wanted,
        )
        for (row, asked), (ids, units) in zip(places.items(), found, strict=True):
            for i, (_, blank, offset) in enumerate(asked):
                if blank.given_up:
                    continue
                original = rows[row][blank.start : blank.end]
                banned = -1
                last = offset == len(original) - 1
                if last and not self._same_word[blank.kind] and blank.tokens == original[:-1].tolist():
                    banned = int(original[-1])
                choice = self._choice(ids[i], units[i], banned, float(blank.draws[offset]))
                if choice is None:
                    blank.given_up = True
                else:
                    blank.tokens.append(choice[0])
                    blank.probability *= choice[1] / UNITS

    def _choice(
        self, ids: NDArray[np.int64], units: NDArray[np.int64], banned: int, draw: float
    ) -> tuple[int, int] | None:
        good = (ids >= 0) & (ids != banned)
        ids, units = ids[good], units[good]
        index = pick(units / UNITS, self.sampling, draw)
        return None if index is None else (int(ids[index]), int(units[index]))

    @property
    def _wanted(self) -> int:
        return self.sampling.top_k + (not all(self._same_word))

    def _candidates(
        self, rows: Sequence[Ids], places: Sequence[Places], kinds: Sequence[Places], count: int
    ) -> list[Candidates]:
        return self.model.candidates(rows, places, kinds, self.allowed, count)

    def _jointly(self, rows: Sequence[Ids], masked: Sequence[Ids], blanks: Sequence[Blank]) -> None:
        """Search for the most probable words, each with the other blanks masked, and choose among them."""
        beams: list[list[tuple[tuple[int, ...], float]]] = [[((), 1.0)] for _ in blanks]
        width = max(self.filling.beam, self._wanted)
        for step in range(max((blank.end - blank.start for blank in blanks), default=0)):
            asked = [
                (number, tokens, probability)
                for number, blank in enumerate(blanks)
                if step < blank.end - blank.start
                for tokens, probability in beams[number]
            ]
            tried = []
            for number, tokens, _ in asked:
                row = masked[blanks[number].row].copy()
                row[blanks[number].start : blanks[number].start + step] = tokens
                tried.append(row)
            found = self._candidates(
                tried,
                [np.array([blanks[number].start + step]) for number, _, _ in asked],
                [np.array([blanks[number].kind]) for number, _, _ in asked],
                width,
            )
            for number in {number for number, _, _ in asked}:
                beams[number] = []
            for (number, tokens, probability), (ids, units) in zip(asked, found, strict=True):
                beams[number] += [
                    ((*tokens, token), probability * unit / UNITS)
                    for token, unit in zip(ids[0].tolist(), units[0].tolist(), strict=True)
                    if token >= 0 and unit >= max(1, self.sampling.least_probability * UNITS)
                ]
            for number in {number for number, _, _ in asked}:
                beams[number] = sorted(beams[number], key=lambda beam: (-beam[1], beam[0]))[:width]
        for blank, beam in zip(blanks, beams, strict=True):
            original = tuple(rows[blank.row][blank.start : blank.end].tolist())
            words = [word for word in beam if self._same_word[blank.kind] or word[0] != original]
            index = pick(np.array([probability for _, probability in words]), self.sampling, float(blank.draws[0]), 0)
            if index is None:
                blank.given_up = True
            else:
                blank.tokens, blank.probability = list(words[index][0]), words[index][1]


def pick(
    probabilities: NDArray[np.float64], sampling: SamplingConfig, draw: float, least: float | None = None
) -> int | None:
    """Choose one of several candidates.

    Parameters
    ----------
    probabilities
        Rounded, in descending order.
    sampling
        How: the first `top_k` that reach the least probability; of these the first that make up `top_p` of what they
        have together; one of them by its probability, sharpened or flattened by the temperature.
    draw
        A uniform number in [0, 1).
    least
        The least probability, where it is not that of `sampling`.

    Returns
    -------
    int | None
        Its index, or None when there is none to choose. With ``top_k = 1`` it is the first, however improbable, unless
        a least probability is asked for.
    """
    least = sampling.least_probability if least is None else least
    kept = probabilities[: sampling.top_k]
    kept = kept[kept >= least]
    if sampling.top_k == 1:
        return 0 if kept.size else None
    kept = kept[kept > 0]
    if not kept.size:
        return None
    share = np.cumsum(kept) / kept.sum()
    # Sums of decimal fractions are not exact: 0.9 must not miss nine tenths.
    kept = kept[: int(np.searchsorted(share, sampling.top_p - 1e-9)) + 1]
    weights = np.cumsum((kept / kept[0]) ** (1 / sampling.temperature))
    return min(int(np.searchsorted(weights, draw * weights[-1], side="right")), kept.size - 1)
