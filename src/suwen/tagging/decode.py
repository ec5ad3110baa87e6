"""From emissions to entities: Viterbi paths, exact span marginals, argmax; numpy only.

A model without a CRF is decoded legally with `legal_transitions`: a CRF that only forbids. Its path and its marginals
are the same for logits and for log-probabilities, because a constant per position cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from suwen.schemes import LabelSpan, Scheme

__all__ = [
    "ILLEGAL",
    "ScoredSpan",
    "Transitions",
    "argmax_spans",
    "decode_spans",
    "legal_transitions",
    "span_marginals",
    "viterbi",
]

ILLEGAL = -1e4
"""The score of a transition that the scheme forbids: finite for training's sake; decoding never takes one."""

ScoredSpan = tuple[str, int, int, float]
"""Label, start, end, confidence in [0, 1]."""

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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
    def hard(self) -> tuple[Floats, Floats, Floats]:
        """Start, end and matrix with minus infinity for what is illegal, so that no emission can outweigh it."""
        start, end, matrix = (
            np.where(scores > ILLEGAL, scores, -np.inf).astype(np.float32)
            for scores in (self.start, self.end, self.matrix)
        )
        return start, end, matrix


def legal_transitions(tags: Sequence[str], scheme: Scheme) -> Transitions:
    """Transitions that say nothing but what the scheme allows: 0 where legal, `ILLEGAL` elsewhere."""

    def scores(legal: list[bool]) -> Floats:
        return np.where(legal, np.float32(0), np.float32(ILLEGAL))

    matrix = scores([scheme.allows(before, after) for before, after in product(tags, repeat=2)])
    return Transitions(
        start=scores([scheme.allows(None, tag) for tag in tags]),
        end=scores([scheme.allows(tag, None) for tag in tags]),
        matrix=matrix.reshape(len(tags), len(tags)),
    )


def viterbi(emissions: Floats, lengths: npt.ArrayLike, transitions: Transitions) -> Ints:
    """The best legal tag sequences (Viterbi, 1967).

    Ties go to the lowest tag index, from the last tag to the first. A sequence's path does not depend on its
    neighbors in the batch nor on the padding.

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
    numpy.ndarray
        Tag indices, int64 ``[B, T]``, 0 beyond the length.
    """
    batch, longest, size = emissions.shape
    lengths = np.asarray(lengths)
    start, end, matrix = transitions.hard
    # The batch is the innermost axis: every operation runs along contiguous memory.
    steps = np.ascontiguousarray(emissions.transpose(1, 2, 0), dtype=np.float32)
    states = np.empty((longest, batch, size), dtype=np.float32)
    moved = np.empty((size, size, batch), dtype=np.float32)
    state = start[:, None]
    for t in range(longest):
        if t:
            np.add(state[:, None], matrix[:, :, None], out=moved)
            state = moved.max(axis=0)
        state = state + steps[t]
        # Without this, float32 would lose the differences between paths as sequences grow long.
        state -= state.max(axis=0)
        states[t] = state.T

    paths = np.zeros((batch, longest), dtype=np.int64)
    rows = np.arange(batch)
    last = (states[lengths - 1, rows] + end).argmax(axis=1)
    arrivals = np.ascontiguousarray(matrix.T)
    following = last
    for t in range(longest - 1, -1, -1):
        if t < longest - 1:
            following = (states[t] + arrivals[following]).argmax(axis=1)
        following = np.where(t == lengths - 1, last, following)
        paths[:, t] = following
    paths[np.arange(longest) >= lengths[:, None]] = 0
    return paths


def decode_spans(
    emissions: Floats, lengths: npt.ArrayLike, transitions: Transitions, tags: Sequence[str], scheme: Scheme
) -> list[list[ScoredSpan]]:
    """The mentions on the best legal path of each sequence, each with its exact marginal (see `span_marginals`).

    Parameters
    ----------
    emissions
        float32 ``[B, T, K]``; anything beyond the length.
    lengths
        Number of tags of each sequence, ``[B]``.
    transitions
        Of the CRF, or `legal_transitions` for a model without one.
    tags, scheme
        The K tags and their scheme.

    Returns
    -------
    list of list of (label, start, end, confidence)
        Per sequence, in order.
    """
    lengths = np.asarray(lengths)
    notation = _notation(tuple(tags), scheme)
    spans = notation.read(viterbi(emissions, lengths, transitions), lengths)
    return spans.listed(len(lengths), _marginals(emissions, lengths, transitions, notation, spans))


def span_marginals(
    emissions: Floats,
    lengths: npt.ArrayLike,
    transitions: Transitions,
    tags: Sequence[str],
    scheme: Scheme,
    spans: Sequence[Sequence[LabelSpan]],
) -> list[npt.NDArray[np.float64]]:
    """The exact probability of mentions under the CRF, whether or not they are on the best path.

    It is the summed probability of all tag sequences in which a mention with this label begins at `start`, goes on, and
    ends at `end`: the forward message before it, its own scores, and the backward messages of the tags that do not
    continue it.

    Parameters
    ----------
    emissions
        float32 ``[B, T, K]``; anything beyond the length.
    lengths
        Number of tags of each sequence, ``[B]``.
    transitions
        The scores between tags.
    tags, scheme
        The K tags and their scheme.
    spans
        Per sequence, ``(label, start, end)`` within its length, in any order; they may overlap.

    Returns
    -------
    list of numpy.ndarray
        Per sequence, float64 ``[number of spans]``.
    """
    notation = _notation(tuple(tags), scheme)
    flat = [(b, notation.labels.index(label), *hull) for b, row in enumerate(spans) for label, *hull in row]
    columns = np.array(flat, dtype=np.int64).reshape(-1, 4).T
    marginals = _marginals(emissions, np.asarray(lengths), transitions, notation, _Spans(notation.labels, *columns))
    return np.split(marginals, np.cumsum([len(row) for row in spans])[:-1])


def argmax_spans(
    emissions: Floats, lengths: npt.ArrayLike, tags: Sequence[str], scheme: Scheme
) -> list[list[ScoredSpan]]:
    """The mentions of each position's most probable tag, illegal sequences read under the policy ``conlleval``.

    The confidence is the lowest probability (softmax) among the mention's tags: a mention is no surer than its least
    sure tag.

    Parameters
    ----------
    emissions
        Logits or log-probabilities, float32 ``[B, T, K]``; anything beyond the length.
    lengths
        Number of tags of each sequence, ``[B]``.
    tags, scheme
        The K tags and their scheme.

    Returns
    -------
    list of list of (label, start, end, confidence)
        Per sequence, in order.
    """
    lengths = np.asarray(lengths)
    spans = _notation(tuple(tags), scheme).read(emissions.argmax(axis=2), lengths)
    probabilities = 1 / np.exp(emissions - emissions.max(axis=2, keepdims=True)).sum(axis=2)
    owners, positions, firsts = spans.unrolled()
    inside = probabilities[spans.sequence[owners], positions]
    return spans.listed(len(lengths), np.minimum.reduceat(inside, firsts) if len(firsts) else inside)


@dataclass(frozen=True)
class _Spans:
    """Mentions of a whole batch, as parallel arrays ``[n]``."""

    labels: tuple[str, ...]
    sequence: Ints
    label: Ints
    start: Ints
    end: Ints

    def unrolled(self) -> tuple[Ints, Ints, Ints]:
        """For each position of each mention, the mention and the position; and where each mention's run begins."""
        sizes = self.end - self.start
        firsts = np.cumsum(sizes) - sizes
        owners = np.repeat(np.arange(len(sizes)), sizes)
        return owners, np.arange(len(owners)) + (self.start - firsts)[owners], firsts

    def listed(self, sequences: int, confidences: Floats) -> list[list[ScoredSpan]]:
        """Per sequence, the mentions with their confidences."""
        found: list[list[ScoredSpan]] = [[] for _ in range(sequences)]
        columns = (self.sequence, self.label, self.start, self.end, confidences)
        for sequence, label, start, end, confidence in zip(*(column.tolist() for column in columns), strict=True):
            found[sequence].append((self.labels[label], start, end, confidence))
        return found


@dataclass(frozen=True)
class _Notation:
    """How mentions are written with K tags of L labels, as lookup tables."""

    labels: tuple[str, ...]
    label: Ints
    """Index of each tag's label, ``[K]``; -1 for ``O``."""
    first: Ints
    inside: Ints
    last: Ints
    single: Ints
    """Index of each label's tag for the first, a middle, the last and the only position of a mention, ``[L]``."""
    begins: Bools
    """Whether a mention begins at the second of two tags, ``[K, K]``."""

    def read(self, paths: Ints, lengths: Ints) -> _Spans:
        """The mentions of tag sequences ``[B, T]``, illegal ones read under the policy ``conlleval``."""
        tagged = (self.label[paths] >= 0) & (np.arange(paths.shape[1]) < lengths[:, None])
        begins = tagged.copy()
        begins[:, 1:] &= self.begins[paths[:, :-1], paths[:, 1:]]
        ends = tagged.copy()
        ends[:, :-1] &= begins[:, 1:] | ~tagged[:, 1:]
        sequence, start = np.nonzero(begins)
        return _Spans(self.labels, sequence, self.label[paths[sequence, start]], start, np.nonzero(ends)[1] + 1)

    def write(self, spans: _Spans, owners: Ints, firsts: Ints) -> Ints:
        """The tags of the unrolled mentions."""
        tags = self.inside[spans.label[owners]]
        lasts = firsts + (spans.end - spans.start) - 1
        tags[lasts] = self.last[spans.label]
        tags[firsts] = np.where(lasts == firsts, self.single[spans.label], self.first[spans.label])
        return tags


@lru_cache(maxsize=16)
def _notation(tags: tuple[str, ...], scheme: Scheme) -> _Notation:
    labels = tuple(dict.fromkeys(tag.partition("-")[2] for tag in tags if tag != "O"))
    mentions = [scheme.mention(label, 3) + scheme.mention(label, 1) for label in labels]
    parts = np.array([[tags.index(tag) for tag in mention] for mention in mentions], dtype=np.int64).reshape(-1, 4).T
    begins = [any(span[1] == 1 for span in scheme.decode(pair)) for pair in product(tags, repeat=2)]
    return _Notation(
        labels,
        np.array([labels.index(tag.partition("-")[2]) if tag != "O" else -1 for tag in tags]),
        *parts,
        np.array(begins).reshape(len(tags), len(tags)),
    )


def _marginals(
    emissions: Floats, lengths: Ints, transitions: Transitions, notation: _Notation, spans: _Spans
) -> npt.NDArray[np.float64]:
    """The exact marginal of each span, ``[n]``."""
    # Sequences without a span, and padding that no other needs, are left out.
    present, sequence = np.unique(spans.sequence, return_inverse=True)
    if not len(present):
        return np.zeros(0)
    lengths = lengths[present]
    longest = lengths.max()
    mask = np.arange(longest) < lengths[:, None]
    scores = np.where(mask[:, :, None], emissions[present, :longest], 0).astype(np.float64)
    messages = _Messages.of(scores, lengths, transitions)
    owners, positions, firsts = spans.unrolled()
    tags = notation.write(spans, owners, firsts)
    matrix = transitions.hard[2]

    inner = scores[sequence[owners], positions, tags]
    inner[1:] += matrix[tags[:-1], tags[1:]]
    # The first tag's emission, and all that comes before it, is in its forward message.
    inner[firsts] = messages.forward(sequence, spans.start, tags[firsts])
    logs = np.add.reduceat(inner, firsts)
    logs += messages.leaving(sequence, spans.end, tags[firsts + (spans.end - spans.start) - 1], transitions)
    return np.minimum(np.exp(logs - messages.log_partition[sequence]), 1.0)


# Entries this much (in nats) below the largest cannot be seen in a sum; so much room is left above underflow.
MARGIN = 40.0


@dataclass(frozen=True)
class _Messages:
    """Forward and backward messages, the latter as forward messages of the mirrored sequences.

    The logarithm of a message is that of `states`, where `linear`, or `states` itself, plus `scales`.
    """

    states: npt.NDArray[np.float64]
    """``[T, 2, B, K]``, the position's own emission included."""
    scales: npt.NDArray[np.float64]
    """``[T, 2, B]``."""
    linear: bool
    lengths: Ints
    log_partition: npt.NDArray[np.float64]
    """``[B]``."""

    @classmethod
    def of(cls, scores: npt.NDArray[np.float64], lengths: Ints, transitions: Transitions) -> _Messages:
        """Both messages of `scores`, ``[B, T, K]`` with zeros beyond the length."""
        start, end, matrix = transitions.hard
        rows, positions = np.arange(len(lengths)), np.arange(scores.shape[1])[:, None]
        mirror = np.where(positions < lengths, lengths - 1 - positions, positions)
        both = np.stack((scores.transpose(1, 0, 2), scores[rows, mirror]), axis=1)
        edges = np.stack((start, end)).astype(np.float64)[:, None]
        moves = np.stack((matrix, matrix.T)).astype(np.float64)
        linear = _fits_linear_space(scores, transitions)
        states, scales = (_linear_messages if linear else _log_messages)(both, edges, moves)
        messages = cls(states, scales, linear, lengths, np.empty(0))
        final = messages._logs(lengths - 1, 0, rows) + end
        return replace(messages, log_partition=_log_sum_exp(final))

    def forward(self, sequence: Ints, position: Ints, tag: Ints) -> Floats:
        """Log-weight of all beginnings that reach these tags."""
        logs: Floats = self._logs(position, 0, sequence)[np.arange(len(tag)), tag]
        return logs

    def leaving(self, sequence: Ints, position: Ints, last: Ints, transitions: Transitions) -> Floats:
        """Log-weight of all that can follow a mention that ends before `position` with the tag `last`."""
        start, end, matrix = transitions.hard
        # A tag that may begin a sequence never continues a mention.
        others = np.where(np.isfinite(start), matrix, -np.inf)
        inner = position < self.lengths[sequence]
        mirrored = np.where(inner, self.lengths[sequence] - 1 - position, 0)
        return np.where(inner, _log_sum_exp(self._logs(mirrored, 1, sequence) + others[last]), end[last])

    def _logs(self, position: Ints, direction: int, sequence: Ints) -> Floats:
        states = self.states[position, direction, sequence]
        if self.linear:
            with np.errstate(divide="ignore"):
                states = np.log(states)
        logs: Floats = states + self.scales[position, direction, sequence][:, None]
        return logs


def _fits_linear_space(scores: npt.NDArray[np.float64], transitions: Transitions) -> bool:
    """Whether no message entry can underflow so that a path of weight is lost.

    Any tag follows from any other within `Transitions.mixing` moves, each of which can lower an entry, relative to the
    sum of all, by no more than the range of the emissions, that of the legal weights, and the number of tags. False
    for NaN.
    """
    weights = np.concatenate([weights.ravel() for weights in transitions.hard])
    largest = np.abs(weights[np.isfinite(weights)]).max(initial=0)
    drop = np.ptp(scores, axis=2).max() + 2 * largest + math.log(scores.shape[2])
    return bool(transitions.mixing and transitions.mixing * drop < -math.log(np.finfo(np.float64).tiny) - MARGIN)


def _linear_messages(
    both: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], moves: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """States that sum to 1 and the logarithms of their scales."""
    peaks = both.max(axis=3, keepdims=True)
    states = np.exp(both - peaks)
    sums = np.empty_like(peaks)
    moves = np.exp(moves)
    states[0] *= np.exp(edges)
    for t in range(len(both)):
        if t:
            states[t] *= states[t - 1] @ moves
        states[t].sum(axis=2, keepdims=True, out=sums[t])
        states[t] /= sums[t]
    return states, np.cumsum(np.log(sums) + peaks, axis=0)[..., 0]


def _log_messages(
    both: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], moves: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Logarithms of the states, and zeros."""
    states = both + edges
    for t in range(1, len(both)):
        states[t] = both[t] + _log_sum_exp(states[t - 1, :, :, None] + moves.transpose(0, 2, 1)[:, None])
    return states, np.zeros(both.shape[:3])


def _log_sum_exp(logs: Floats) -> Floats:
    """Over the last axis; minus infinity where all are."""
    peaks = np.maximum(logs.max(axis=-1, keepdims=True), np.finfo(np.float64).min)
    with np.errstate(divide="ignore"):
        sums: Floats = np.log(np.exp(logs - peaks).sum(axis=-1)) + peaks[..., 0]
    return sums
