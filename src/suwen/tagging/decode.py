"""Decode emissions to entities: Viterbi paths, exact span marginals, argmax; numpy only.

A model without a CRF is decoded legally with `legal_transitions`: a CRF that only forbids. Its path and its marginals
are the same for logits and for log-probabilities, because a constant per position cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from suwen.schemes import LabelSpan, Scheme, ScoredSpan
from suwen.tagging.lattice import ILLEGAL, Doubles, Floats, Ints, Messages, Transitions, legal_transitions, viterbi

__all__ = [
    "ILLEGAL",
    "NOTHING",
    "Transitions",
    "argmax_spans",
    "decode_spans",
    "legal_transitions",
    "span_marginals",
    "viterbi",
]

NOTHING = ""
"""The label of characters without a mention in `span_marginals`."""


def decode_spans(
    emissions: Floats, lengths: npt.ArrayLike, transitions: Transitions, tags: Sequence[str], scheme: Scheme
) -> list[list[ScoredSpan]]:
    """Return the mentions on the best legal path of each sequence, each with its exact marginal (see `span_marginals`).

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
    list[list[ScoredSpan]]
        Per sequence, in order.
    """
    lengths = np.asarray(lengths, dtype=np.int64)
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
) -> list[Doubles]:
    """Return the exact probability of mentions under the CRF, whether or not they are on the best path.

    It is the summed probability of all tag sequences with a mention of this label from `start` to
    `end`: the forward message before it, its own scores, and the backward messages of the tags that do not
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
        Per sequence, ``(label, start, end)`` within its length, in any order; they may overlap. `NOTHING` as the label
        asks for the probability that no mention has any of these characters.

    Returns
    -------
    list[NDArray[np.float64]]
        Per sequence, float64 ``[number of spans]``.
    """
    notation = _notation(tuple(tags), scheme)
    index = {label: i for i, label in enumerate((*notation.labels, NOTHING))}
    flat = [(b, index[label], *hull) for b, row in enumerate(spans) for label, *hull in row]
    columns = np.array(flat, dtype=np.int64).reshape(-1, 4).T
    marginals = _marginals(
        emissions, np.asarray(lengths, dtype=np.int64), transitions, notation, _Spans(notation.labels, *columns)
    )
    return np.split(marginals, np.cumsum([len(row) for row in spans])[:-1])


def argmax_spans(
    emissions: Floats, lengths: npt.ArrayLike, tags: Sequence[str], scheme: Scheme
) -> list[list[ScoredSpan]]:
    """Return the mentions of each position's most probable tag, illegal sequences read under the policy ``conlleval``.

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
    list[list[ScoredSpan]]
        Per sequence, in order.
    """
    lengths = np.asarray(lengths, dtype=np.int64)
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
        """Return mention and position for each position of each mention, and where each mention's run begins."""
        sizes = self.end - self.start
        firsts = np.cumsum(sizes) - sizes
        owners = np.repeat(np.arange(len(sizes)), sizes)
        return owners, np.arange(len(owners)) + (self.start - firsts)[owners], firsts

    def listed(self, sequences: int, confidences: Floats) -> list[list[ScoredSpan]]:
        """Return the mentions of each sequence with their confidences."""
        found: list[list[ScoredSpan]] = [[] for _ in range(sequences)]
        columns = (self.sequence, self.label, self.start, self.end, confidences)
        for sequence, label, start, end, confidence in zip(*(column.tolist() for column in columns), strict=True):
            found[sequence].append((self.labels[label], start, end, confidence))
        return found


@dataclass(frozen=True)
class _Notation:
    """Lookup tables for writing mentions with K tags of L labels."""

    labels: tuple[str, ...]
    label: Ints
    """Index of each tag's label, ``[K]``; -1 for ``O``."""
    first: Ints
    inside: Ints
    last: Ints
    single: Ints
    """Index of each label's tag for the first, a middle, the last and the only position of a mention, and of `NOTHING`.

    ``[L + 1]`` each.
    """
    begins: npt.NDArray[np.bool_]
    """True where a mention begins at the second of two tags, ``[K, K]``."""

    def read(self, paths: Ints, lengths: Ints) -> _Spans:
        """Return the mentions of tag sequences ``[B, T]``, illegal ones read under the policy ``conlleval``."""
        tagged = (self.label[paths] >= 0) & (np.arange(paths.shape[1]) < lengths[:, None])
        begins = tagged.copy()
        begins[:, 1:] &= self.begins[paths[:, :-1], paths[:, 1:]]
        ends = tagged.copy()
        ends[:, :-1] &= begins[:, 1:] | ~tagged[:, 1:]
        sequence, start = np.nonzero(begins)
        return _Spans(self.labels, sequence, self.label[paths[sequence, start]], start, np.nonzero(ends)[1] + 1)

    def write(self, spans: _Spans, owners: Ints, firsts: Ints) -> Ints:
        """Return the tags of the unrolled mentions."""
        tags = self.inside[spans.label[owners]]
        lasts = firsts + (spans.end - spans.start) - 1
        tags[lasts] = self.last[spans.label]
        tags[firsts] = np.where(lasts == firsts, self.single[spans.label], self.first[spans.label])
        return tags


@lru_cache(maxsize=16)
def _notation(tags: tuple[str, ...], scheme: Scheme) -> _Notation:
    label_of = [tag.partition("-")[2] for tag in tags]
    labels = tuple(dict.fromkeys(filter(None, label_of)))
    mentions = [scheme.mention(label, 3) + scheme.mention(label, 1) for label in labels] + [["O"] * 4]
    first, inside, last, single = (
        np.array([tags.index(mention[part]) for mention in mentions], dtype=np.int64) for part in range(4)
    )
    begins = [any(span[1] == 1 for span in scheme.decode(pair)) for pair in product(tags, repeat=2)]
    return _Notation(
        labels=labels,
        label=np.array([labels.index(label) if label else -1 for label in label_of]),
        first=first,
        inside=inside,
        last=last,
        single=single,
        begins=np.array(begins).reshape(len(tags), len(tags)),
    )


def _marginals(
    emissions: Floats, lengths: Ints, transitions: Transitions, notation: _Notation, spans: _Spans
) -> Doubles:
    """Return the exact marginal of each span, ``[n]``."""
    # Sequences without a span, and padding that no other needs, are left out.
    present, sequence = np.unique(spans.sequence, return_inverse=True)
    if not len(present):
        return np.zeros(0)
    lengths = lengths[present]
    emissions = emissions[present, : lengths.max()]
    emissions[np.arange(emissions.shape[1]) >= lengths[:, None]] = 0
    messages = Messages.of(emissions, lengths, transitions)
    owners, positions, firsts = spans.unrolled()
    tags = notation.write(spans, owners, firsts)
    lasts = firsts + (spans.end - spans.start) - 1

    inner = emissions[sequence[owners], positions, tags].astype(np.float64)
    inner[1:] += transitions.constrained[2][tags[:-1], tags[1:]]
    # The message that reaches the first tag has its emission and all that comes before.
    inner[firsts] = messages.before(sequence, spans.start, tags[firsts])
    logs = np.add.reduceat(inner, firsts) + messages.after(sequence, spans.end, tags[lasts])
    return np.minimum(np.exp(logs - messages.log_partition()[sequence]), 1.0)
