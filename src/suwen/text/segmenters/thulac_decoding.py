"""The best tags of many lines at once: Viterbi's algorithm (1967) as THULAC runs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from suwen.text.segmenters.thulac_tags import ANY, BEGIN, END, MIDDLE, SINGLE

__all__ = ["TagSet", "best_begins"]

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

DEAD = -(2**40)
"""Far below any score of a line, and far from wrapping around when a batch of them is added up."""

AFTER = {BEGIN: (END, SINGLE), MIDDLE: (BEGIN, MIDDLE), END: (BEGIN, MIDDLE), SINGLE: (END, SINGLE)}
"""The two tags that each tag may follow."""


@dataclass(frozen=True)
class TagSet:
    """The tags of a model.

    Parameters
    ----------
    tags
        `BEGIN`, `MIDDLE`, `END` and `SINGLE` in the order of the model; of equal scores the first wins.
    transitions
        The score of a tag (column) after another (row), int64 ``[4, 4]``.
    """

    tags: tuple[int, ...]
    transitions: Ints

    @cached_property
    def before(self) -> Ints:
        """The two tags that each tag may follow, by index, ``[2, 4]``."""
        return np.array([sorted(self.tags.index(one) for one in AFTER[tag]) for tag in self.tags]).T

    @cached_property
    def penalties(self) -> Ints:
        """0 or `DEAD` for each tag under each mask, ``[16, 4]``."""
        return np.array([[0 if mask & tag else DEAD for tag in self.tags] for mask in range(ANY + 1)])

    @cached_property
    def begins(self) -> Flags:
        """Return which tags begin a word, ``[4]``."""
        return np.array([tag in (BEGIN, SINGLE) for tag in self.tags])


@dataclass(frozen=True)
class _Pieces:
    """Lines cut where a character can only be a word of its own: what is best on both sides is independent.

    A piece ends with the character that the next one begins with.

    Parameters
    ----------
    starts, lasts
        Its first and last character, ``[P]``.
    lines
        Which line it belongs to, ``[P]``.
    follows, goes_on
        Whether it follows another piece of its line, and whether another follows it, ``[P]``.
    """

    starts: Ints
    lasts: Ints
    lines: Ints
    follows: Flags
    goes_on: Flags

    @classmethod
    def of(cls, single: Flags, starts: Ints, lasts: Ints) -> _Pieces:
        cut = single.copy()
        cut[starts] = True
        begins = np.flatnonzero(cut)
        lines = np.searchsorted(starts, begins, side="right") - 1
        together = lines[1:] == lines[:-1]
        goes_on = np.append(together, False)
        ends = np.where(goes_on, np.append(begins[1:], 0), lasts[lines])
        return cls(begins, ends, lines, np.append(False, together), goes_on)


def best_begins(tagset: TagSet, scores: NDArray[np.int32], masks: NDArray[np.uint8], starts: Ints) -> Flags:
    """Return the word starts, bool ``[N]``.

    The package forgets that a tag of the last character cannot be reached, and compares the score of that character
    alone with the scores of the whole line. Where it wins (always, when the masks admit no sequence at all), the
    package falls back to its first tag for the rest: every character is a word. So it is here, for the same words.

    Parameters
    ----------
    tagset
        The tags.
    scores
        The score of each tag at each character, ``[N, 4]``.
    masks
        The tags that are admitted, ``[N]``, never none.
    starts
        Where the lines begin, ``[L]``; none is empty.
    """
    lasts = np.append(starts[1:], len(masks)) - 1
    single = _single(masks, lasts)
    emissions = scores + tagset.penalties[np.where(single, SINGLE, masks)]
    pieces = _Pieces.of(single, starts, lasts)
    finals, choices, order = _forward(tagset, emissions, pieces)

    alone = tagset.tags.index(SINGLE)
    passed = np.where(pieces.goes_on, finals[alone], 0)
    sums = np.cumsum(passed) - passed
    totals = finals[:, ~pieces.goes_on] + sums[~pieces.goes_on] - sums[~pieces.follows]
    reached = totals > DEAD // 2
    last_tags = np.where(reached, totals, emissions[lasts].T).argmax(axis=0)
    lost = ~reached[last_tags, np.arange(len(lasts))]

    final_tags = np.where(pieces.goes_on, alone, last_tags[pieces.lines])
    begins = tagset.begins[_backward(tagset, choices, pieces, order, final_tags, len(masks))]
    for line in np.flatnonzero(lost):
        begins[starts[line] : lasts[line]] = True
        begins[lasts[line]] = tagset.begins[last_tags[line]]
    return begins


def _single(masks: NDArray[np.uint8], lasts: Ints) -> Flags:
    """Return which characters can only be words of their own."""
    edges = (masks & (MIDDLE | END)) == 0
    before_edge = np.append(edges[1:], False)
    before_edge[lasts] = False
    single: Flags = (masks == SINGLE) | ((masks == BEGIN | SINGLE) & before_edge)
    return single


def _active(lengths: Ints) -> list[int]:
    """Return how many of the pieces, the longest first, have a character at each step."""
    counts: list[int] = np.searchsorted(-lengths, -np.arange(lengths[0]), side="left").tolist()
    return counts


def _forward(tagset: TagSet, emissions: Ints, pieces: _Pieces) -> tuple[Ints, list[Flags], Ints]:
    """Return the best score of each last tag ``[4, P]``; and at each step whether the later tag before wins."""
    lengths = pieces.lasts - pieces.starts + 1
    order = np.argsort(-lengths, kind="stable")
    starts = pieces.starts[order]
    first, second = tagset.before
    columns = np.arange(len(tagset.tags))
    from_first, from_second = (tagset.transitions[tags, columns][:, None] for tags in (first, second))
    # The start of a piece was counted at the end of the piece before it.
    alphas = np.where(pieces.follows[order], tagset.penalties[SINGLE][:, None], emissions[starts].T)
    finals = alphas.copy()
    choices = []
    for step, count in enumerate(_active(lengths[order])[1:], 1):
        alphas = alphas[:, :count]
        one, other = alphas[first] + from_first, alphas[second] + from_second
        choices.append(other > one)
        alphas = np.maximum(one, other) + emissions[starts[:count] + step].T
        finals[:, :count] = alphas
    unsorted = np.empty_like(finals)
    unsorted[:, order] = finals
    return unsorted, choices, order


def _backward(
    tagset: TagSet, choices: list[Flags], pieces: _Pieces, order: Ints, final_tags: Ints, length: int
) -> Ints:
    """Return the tags of all characters, ``[N]``, from those of the pieces' last ones."""
    starts, tags = pieces.starts[order], final_tags[order]
    found = np.empty(length, np.int64)
    for step in range(len(choices), 0, -1):
        choice = choices[step - 1]
        count = choice.shape[1]
        ending = tags[:count]
        found[starts[:count] + step] = ending
        tags[:count] = tagset.before[choice[ending, np.arange(count)].astype(np.int64), ending]
    found[starts] = tags
    return found
