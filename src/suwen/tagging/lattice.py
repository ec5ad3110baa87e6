"""Best paths and messages of a linear-chain CRF (Lafferty, McCallum and Pereira, 2001); numpy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from suwen.schemes import Scheme

__all__ = ["ILLEGAL", "Messages", "Transitions", "legal_transitions", "linear_steps", "viterbi"]

ILLEGAL = -1e4
"""The score of a transition that the scheme forbids: finite for training's sake; decoding never takes one."""

# Number of positions after which Viterbi subtracts the best score from all scores.
RESCALING = 16
# Terms this much below the largest, in nats, do not show in a float64 sum.
NEGLIGIBLE = 40.0

Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Transitions:
    """The scores of a tag sequence beyond its emissions; `ILLEGAL` where the scheme forbids.

    Parameters
    ----------
    start, end
        Scores of the first and of the last tag, float32 ``[K]``.
    matrix
        Scores of moving from one tag to the next, float32 ``[K, K]`` (from, to).
    """

    start: Floats
    end: Floats
    matrix: Floats

    @cached_property
    def mixing(self) -> int:
        """The number of moves after which every tag can follow every other; 0 if they never all can."""
        legal = self.matrix > ILLEGAL
        reached = legal
        for moves in range(1, len(legal) + 2):
            if reached.all():
                return moves
            reached = reached @ legal
        return 0

    @cached_property
    def largest(self) -> float:
        """The largest absolute score of a legal transition."""
        weights = np.concatenate([scores.ravel() for scores in self.constrained])
        return float(np.abs(weights[np.isfinite(weights)]).max(initial=0))

    @cached_property
    def constrained(self) -> tuple[Floats, Floats, Floats]:
        """Start, end and matrix with minus infinity for illegal transitions, so that no emission can outweigh it."""
        start, end, matrix = (
            np.where(scores > ILLEGAL, scores, -np.inf).astype(np.float32)
            for scores in (self.start, self.end, self.matrix)
        )
        return start, end, matrix

    @cached_property
    def arrivals(self) -> list[tuple[Ints, Ints, Floats]]:
        """The tags in two groups, those that few and those that many tags may precede.

        For each group: its tags ``[n]``, the tags before them ``[P, n]``, or ``[P, 1]`` when common to all, and the
        scores ``[P, n]``. An inside tag has two predecessors in any scheme, so this skips nearly half of BIO's pairs of
        tags and three quarters of BIOES'.
        """
        legal = self.matrix > ILLEGAL
        counts = legal.sum(axis=0)
        narrow = counts <= len(counts) // 4
        few, many = np.flatnonzero(narrow), np.flatnonzero(~narrow)
        before_few = np.argsort(~legal[:, few], axis=0, kind="stable")[: counts[few].max(initial=1)]
        before_many = np.flatnonzero(legal[:, many].any(axis=1))[:, None]
        groups = ((few, before_few), (many, before_many))
        return [(tags, before, self.constrained[2][before, tags]) for tags, before in groups if len(tags)]


def legal_transitions(tags: Sequence[str], scheme: Scheme) -> Transitions:
    """Return transitions that only express the scheme: 0 where legal, `ILLEGAL` elsewhere."""

    def scores(legal: list[bool]) -> Floats:
        return np.where(legal, np.float32(0), np.float32(ILLEGAL))

    matrix = scores([scheme.allows(before, after) for before, after in product(tags, repeat=2)])
    return Transitions(
        start=scores([scheme.allows(None, tag) for tag in tags]),
        end=scores([scheme.allows(tag, None) for tag in tags]),
        matrix=matrix.reshape(len(tags), len(tags)),
    )


def viterbi(emissions: Floats, lengths: npt.ArrayLike, transitions: Transitions) -> Ints:
    """Return the best legal tag sequences (Viterbi, 1967).

    Ties go to the lowest tag index, from the last tag to the first. A path does not depend on the other sequences of
    the batch, nor on the padding.

    Parameters
    ----------
    emissions
        float32 ``[B, T, K]``; anything beyond the length.
    lengths
        Number of tags of each sequence, ``[B]``.
    transitions
        The scores between tags.

    Returns
    -------
    NDArray[np.int64]
        Tag indices, int64 ``[B, T]``, 0 beyond the length.
    """
    finals = np.asarray(lengths, dtype=np.int64) - 1
    states = _best_scores(emissions, transitions)
    arrivals = np.ascontiguousarray(transitions.constrained[2].T)
    last = (states[finals, :, np.arange(len(finals))] + transitions.constrained[1]).argmax(axis=1)
    ends = set(finals.tolist())
    paths = np.empty((len(states), len(finals)), dtype=np.int64)
    best = last
    for t in range(len(states) - 1, -1, -1):
        if t < len(states) - 1:
            # Looking back along the best path alone is cheaper than an argmax for every tag on the way there.
            best = np.add(states[t].T, arrivals.take(best, axis=0), order="C").argmax(axis=1)
        if t in ends:
            best = np.where(finals == t, last, best)
        paths[t] = best
    paths[np.arange(len(states))[:, None] > finals] = 0
    return np.ascontiguousarray(paths.T)


def _best_scores(emissions: Floats, transitions: Transitions) -> npt.NDArray[np.float32]:
    """Return the score of the best path to each tag, up to a constant per sequence and position, ``[T, K, B]``."""
    # The batch is the innermost axis, and scores are repeated along it: every operation runs through contiguous memory.
    states = np.array(emissions.transpose(1, 2, 0), dtype=np.float32, order="C")
    batch = states.shape[2]
    groups = [
        (tags, before, np.repeat(scores[:, :, None], batch, axis=2)) for tags, before, scores in transitions.arrivals
    ]
    sums = [np.empty_like(scores) for _, _, scores in groups]
    for t, state in enumerate(states):
        if t == 0:
            state += transitions.constrained[0][:, None]
        else:
            for (tags, before, scores), moved in zip(groups, sums, strict=True):
                state[tags] += np.add(states[t - 1].take(before, axis=0), scores, out=moved).max(axis=0)
        if t % RESCALING == 0:
            # As sums grow with the length of the text, float32 would lose the differences between paths.
            state -= state.max(axis=0)
    return states


def linear_steps(drop: float, mixing: int, smallest: float) -> int:
    """Return how many steps messages can go in linear space before they must be rescaled; 0 when they need log space.

    A step lowers the sum of a message's entries by no more than `drop` and never raises it. Every tag can follow every
    other within `mixing` steps, so no entry is below the sum by more than ``mixing * drop``. What forward and backward
    messages multiply to must then stay above the smallest number by a margin that makes what underflows negligible.

    Parameters
    ----------
    drop
        The range of the emissions, plus the range of the legal scores, plus the logarithm of the number of tags, in
        nats; may be NaN.
    mixing
        See `Transitions.mixing`.
    smallest
        The smallest normal number.
    """
    room = (-math.log(smallest) - NEGLIGIBLE) / max(drop, 1.0)
    return int((room - mixing - 1) // 2) + 1 if mixing and room >= mixing + 1 else 0


@dataclass(frozen=True)
class Messages:
    """Forward and backward messages of a batch, of which the backward ones are those of the mirrored sequences.

    A message's logarithm is that of its state, or the state itself if not `linear`, plus its scale.
    """

    states: Doubles
    """``[T, 2, B, K]``, the position's own emission included."""
    scales: Doubles
    """``[T, 2, B]``."""
    linear: bool
    lengths: Ints
    transitions: Transitions

    @classmethod
    def of(cls, emissions: Floats, lengths: Ints, transitions: Transitions) -> Messages:
        """Return the messages for emissions ``[B, T, K]`` that are zero beyond the length."""
        batch, longest, size = emissions.shape
        positions = np.arange(longest)[:, None]
        mirror = np.where(positions < lengths, lengths - 1 - positions, positions), np.arange(batch)
        start, end, matrix = transitions.constrained
        edges = np.stack((start, end)).astype(np.float64)[:, None]
        moves = np.stack((matrix, matrix.T)).astype(np.float64)

        steps = emissions.transpose(1, 0, 2)
        peaks = steps.max(axis=2).astype(np.float64)
        growth = transitions.largest + math.log(size)
        drop = float((peaks - steps.min(axis=2)).max()) + transitions.largest + growth
        every = linear_steps(drop, transitions.mixing, float(np.finfo(np.float64).tiny))
        states = np.empty((longest, 2, batch, size))
        if not every:
            states[:, 0] = steps
            states[:, 1] = states[:, 0][mirror]
            _log_messages(states, edges, moves)
            return cls(states, np.zeros(states.shape[:3]), False, lengths, transitions)
        np.exp(np.subtract(steps, peaks[:, :, None], out=states[:, 0]), out=states[:, 0])
        states[:, 1] = states[:, 0][mirror]
        logs = np.log(_linear_messages(states, np.exp(edges), np.exp(moves - growth), every))
        logs += np.stack((peaks, peaks[mirror]), axis=1)
        return cls(states, np.cumsum(logs, axis=0) + growth * positions[:, :, None], True, lengths, transitions)

    def log_partition(self) -> Doubles:
        """Return the log-weight of all tag sequences, ``[B]``."""
        rows = np.arange(len(self.lengths))
        return _log_sum_exp(self._logs(self.lengths - 1, 0, rows, slice(None)) + self.transitions.constrained[1])

    def before(self, sequence: Ints, position: Ints, tag: Ints) -> Doubles:
        """Return the log-weight of all beginnings that reach `tag` at `position`, its emission included, ``[n]``."""
        return self._logs(position, 0, sequence, tag)

    def after(self, sequence: Ints, position: Ints, tag: Ints) -> Doubles:
        """Return the log-weight of all that can follow a mention with its last `tag` before `position`, ``[n]``."""
        start, end, matrix = self.transitions.constrained
        # A tag that may begin a sequence never continues a mention, and any other always does.
        leaving = np.where(np.isfinite(start), matrix, -np.inf)
        inner = position < self.lengths[sequence]
        mirrored = np.where(inner, self.lengths[sequence] - 1 - position, 0)
        following = self._logs(mirrored, 1, sequence, slice(None))
        return np.where(inner, _log_sum_exp(following + leaving[tag]), end[tag])

    def _logs(self, position: Ints, direction: int, sequence: Ints, tag: Ints | slice) -> Doubles:
        states = self.states[position, direction, sequence, tag]
        scales = self.scales[position, direction, sequence]
        with np.errstate(divide="ignore"):
            logs: Doubles = np.log(states) if self.linear else states
        logs += scales if logs.ndim == 1 else scales[:, None]
        return logs


def _linear_messages(states: Doubles, edges: Doubles, moves: Doubles, every: int) -> Doubles:
    """Turn factors into states that sum to 1 every `every` steps; return the divisors, ``[T, 2, B]``."""
    sums = np.ones(states.shape[:3])
    states[0] *= edges
    for t, state in enumerate(states):
        if t:
            state *= states[t - 1] @ moves
        if t % every == 0:
            state.sum(axis=2, out=sums[t])
            state /= sums[t, :, :, None]
    return sums


def _log_messages(states: Doubles, edges: Doubles, moves: Doubles) -> None:
    """Turn emissions into the logarithms of states."""
    arrivals = moves.transpose(0, 2, 1)[:, None]
    states[0] += edges
    for t in range(1, len(states)):
        states[t] += _log_sum_exp(states[t - 1, :, :, None] + arrivals)


def _log_sum_exp(logs: Doubles) -> Doubles:
    """Compute log-sum-exp over the last axis; minus infinity where all values are."""
    peaks = np.maximum(logs.max(axis=-1, keepdims=True), np.finfo(np.float64).min)
    with np.errstate(divide="ignore"):
        sums: Doubles = np.log(np.exp(logs - peaks).sum(axis=-1)) + peaks[..., 0]
    return sums
