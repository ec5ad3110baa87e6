"""Structural features of candidate pairs: distances, ranks, marks and mentions between, lists, repetition.

They need no trained values. Training, torch and ONNX all read the arrays of `structural_features`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.inference.relations.candidates import Candidates, Mentions, gaps

__all__ = ["BUCKETS", "bucketed", "feature_names", "structural_features"]

MARKS = {
    "sentence ends": "。！？!?",
    "commas": "，,",
    "list marks": "、",
    "semicolons": "；;",
    "colons": "：:",
    "line breaks": "\n",
    "openings": "（([【〔",
    "closings": "）)]】〕",
    "conjunctions": "和与及或并",
    "digits": "0123456789",
    "letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "measures": "%％±=＝<>＜＞",
    "particles": "的",
    "prepositions": "对于在为",
}
"""Characters that are counted between two mentions."""

JOINTS = "、，,和与及或以并/／;； \n"
"""What may stand between two items of a list."""
LONGEST_JOINT = 3

EDGES = np.array([1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 73, 105, 151])
BUCKETS = len(EDGES) + 1
"""Every feature is a count, and is read as one of these intervals."""

TITLE = 120
"""Characters at the start of a document that are taken for its title."""

NEAR = 60
"""Characters between two mentions that count as close together."""

Counts = NDArray[np.int32]
Groups = NDArray[np.integer]


def bucketed(features: Counts) -> NDArray[np.uint8]:
    """Return the interval of each count, uint8 in ``[0, BUCKETS)``."""
    return np.searchsorted(EDGES, features, side="right").astype(np.uint8)


def structural_features(text: str, mentions: Mentions, candidates: Candidates, types: int) -> dict[str, Counts]:
    """Compute the features of all candidates of a document.

    Parameters
    ----------
    text
        The document's text.
    mentions, candidates
        See `suwen.inference.relations.candidates`. The candidates must be all of the document: ranks depend on them.
    types
        The number of entity types.

    Returns
    -------
    Non-negative counts by name, int32 ``[P]`` each.
    """
    pairs = _Pairs.of(mentions, candidates)
    return {
        **_places(text, mentions, pairs),
        **_marks_between(text, pairs),
        **_mentions_between(mentions, pairs, types),
        **_ranks(mentions, candidates, pairs),
        **_lists(text, mentions, pairs),
        **_repetition(mentions, candidates, pairs),
        **_sentences(text, mentions, pairs),
    }


def feature_names(types: int) -> tuple[str, ...]:
    """Return the names of the features for so many entity types, in order."""
    nothing = np.zeros(0, np.int32)
    empty = Mentions(nothing, nothing, nothing, nothing)
    return tuple(structural_features("", empty, Candidates(nothing, nothing, nothing), types))


@dataclass(frozen=True, slots=True)
class _Pairs:
    """What many features need of the candidates: the mentions' indices, and what lies between them."""

    heads: Counts
    tails: Counts
    gaps: Counts
    begins: Counts
    """Where the text between the two mentions begins."""
    ends: Counts
    """Where it ends."""
    reversed: NDArray[np.bool_]
    """Whether the tail stands first."""
    rows: Groups
    """The group of the candidates with the same relation and head."""
    columns: Groups
    """The group of the candidates with the same relation and tail."""

    @classmethod
    def of(cls, mentions: Mentions, candidates: Candidates) -> _Pairs:
        heads, tails = candidates.heads, candidates.tails
        begins = np.minimum(mentions.ends[heads], mentions.ends[tails])
        ends = np.maximum(np.maximum(mentions.starts[heads], mentions.starts[tails]), begins)
        reversed_ = mentions.starts[tails] < mentions.starts[heads]
        relations = candidates.relations.astype(np.int64) * (len(mentions) + 1)
        return cls(
            heads,
            tails,
            gaps(mentions, heads, tails),
            begins,
            ends,
            reversed_,
            relations + heads,
            relations + tails,
        )


def _running(flags: NDArray[np.bool_]) -> Counts:
    """Return how many flags are set before each position, one more than there are flags."""
    return np.concatenate([[0], np.cumsum(flags)]).astype(np.int32)


def _points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _any_of(points: NDArray[np.uint32], characters: str) -> NDArray[np.bool_]:
    return np.isin(points, _points(characters))


def _places(text: str, mentions: Mentions, pairs: _Pairs) -> dict[str, Counts]:
    """Lengths, distance, and where in sentence and document the mentions stand."""
    sentence_ends = np.flatnonzero(_any_of(_points(text), MARKS["sentence ends"]))
    before = np.concatenate([[-1], sentence_ends])
    starts = mentions.starts - 1 - before[np.searchsorted(sentence_ends, mentions.starts)]
    lengths = mentions.ends - mentions.starts
    overlap = np.minimum(mentions.ends[pairs.heads], mentions.ends[pairs.tails]) > np.maximum(
        mentions.starts[pairs.heads], mentions.starts[pairs.tails]
    )
    share = 8 * mentions.starts.astype(np.int64) // max(len(text), 1)
    return {
        "gap": pairs.gaps,
        "tail first": pairs.reversed.astype(np.int32),
        "overlap": overlap.astype(np.int32),
        "head length": lengths[pairs.heads],
        "tail length": lengths[pairs.tails],
        "head from start of sentence": starts[pairs.heads].astype(np.int32),
        "tail from start of sentence": starts[pairs.tails].astype(np.int32),
        "place in document": share[pairs.heads].astype(np.int32),
        "start of document": np.minimum(mentions.starts[pairs.tails] // 16, 1000).astype(np.int32),
    }


def _marks_between(text: str, pairs: _Pairs) -> dict[str, Counts]:
    """Count marks and small words between the mentions, and 分别 up to the end of the pair."""
    points = _points(text)
    counts = {}
    for name, characters in MARKS.items():
        running = _running(_any_of(points, characters))
        counts[name] = running[pairs.ends] - running[pairs.begins]
    respectively = np.zeros(len(text), bool)
    respectively[[found.start() for found in re.finditer("分别|依次", text)]] = True
    running = _running(respectively)
    around = np.minimum(pairs.ends + 30, len(text))
    counts["respectively"] = running[around] - running[np.maximum(pairs.begins - 30, 0)]
    return counts


def _mentions_between(mentions: Mentions, pairs: _Pairs, types: int) -> dict[str, Counts]:
    """Count the mentions that lie between those of each pair: all, by type, of the two types of the pair."""
    first = np.searchsorted(mentions.starts, pairs.begins)
    last = np.maximum(np.searchsorted(mentions.starts, pairs.ends), first)
    kinds = [_running(mentions.types == kind) for kind in range(types)]
    between = [running[last] - running[first] for running in kinds]
    table = np.stack([*between, np.zeros(len(first), np.int32)])
    every = np.arange(len(first))
    head_types, tail_types = mentions.types[pairs.heads], mentions.types[pairs.tails]
    return {
        "mentions": (last - first).astype(np.int32),
        "mentions of the head's type": table[head_types, every],
        "mentions of the tail's type": table[tail_types, every],
        **{f"mentions of type {kind}": counts for kind, counts in enumerate(between)},
    }


def _ranks(mentions: Mentions, candidates: Candidates, pairs: _Pairs) -> dict[str, Counts]:
    """Rank each candidate by distance among those with the same head, and among those with the same tail."""
    found: dict[str, Counts] = {}
    sentence = {"head": pairs.rows, "tail": pairs.columns}
    others = {"head": mentions.surfaces[pairs.tails], "tail": mentions.surfaces[pairs.heads]}
    for name, groups in sentence.items():
        side = 2 * groups + pairs.reversed
        found[f"rank for the {name}"] = _rank(groups, pairs.gaps)
        found[f"rank on its side for the {name}"] = _rank(side, pairs.gaps)
        found[f"candidates of the {name}"] = _sizes(groups)
        found[f"candidates on its side of the {name}"] = _sizes(side)
        found[f"farther than the nearest of the {name}"] = pairs.gaps - _smallest(groups, pairs.gaps)
        same = groups * (len(mentions) + 1) + others[name]
        found[f"nearer with the same text for the {name}"] = _rank(same, pairs.gaps)
        first = _rank(same, pairs.gaps) == 0
        found[f"rank of texts for the {name}"] = _rank_among(groups, pairs.gaps, first)
    return found


def _rank(groups: Groups, keys: Counts) -> Counts:
    """Return the number of members of the same group that stand before each, by key and then by order."""
    order = np.lexsort((keys, groups))
    return _positions(groups, order)


def _positions(groups: Groups, order: NDArray[np.intp]) -> Counts:
    """Return each member's position in its group, for an order that keeps groups together."""
    ranks = np.zeros(len(groups), np.int32)
    arranged = groups[order]
    starts = np.searchsorted(arranged, arranged)
    ranks[order] = np.arange(len(groups)) - starts
    return ranks


def _rank_among(groups: Groups, keys: Counts, counted: NDArray[np.bool_]) -> Counts:
    """Return how many counted members of the same group stand before each."""
    order = np.lexsort((keys, groups))
    arranged = groups[order]
    running = _running(counted[order])
    ranks = np.zeros(len(groups), np.int32)
    ranks[order] = running[:-1] - running[np.searchsorted(arranged, arranged)]
    return ranks


def _sizes(groups: Groups) -> Counts:
    """Return the size of each member's group."""
    arranged = np.sort(groups)
    sizes = np.searchsorted(arranged, groups, side="right") - np.searchsorted(arranged, groups)
    return sizes.astype(np.int32)


def _smallest(groups: Groups, keys: Counts) -> Counts:
    """Return the smallest key in each member's group."""
    order = np.lexsort((keys, groups))
    arranged = groups[order]
    return keys[order][np.searchsorted(arranged, groups)]


def _lists(text: str, mentions: Mentions, pairs: _Pairs) -> dict[str, Counts]:
    """Describe the lists (mentions of one type with nothing but joints between) in which the mentions stand."""
    joints = _running(_any_of(_points(text), JOINTS))
    begins, ends = mentions.ends[:-1], mentions.starts[1:]
    lengths = ends - begins
    linked = (mentions.types[1:] == mentions.types[:-1]) & (lengths >= 0) & (lengths <= LONGEST_JOINT)
    linked &= joints[np.maximum(ends, begins)] - joints[begins] == np.maximum(lengths, 0)
    runs = _running(~linked)[: len(mentions)]
    position = np.arange(len(runs)) - np.searchsorted(runs, runs)
    size = np.searchsorted(runs, runs, side="right") - np.searchsorted(runs, runs)
    heads, tails = pairs.heads, pairs.tails
    parallel = (size[heads] == size[tails]) & (size[heads] > 1)
    return {
        "list of the head": size[heads].astype(np.int32),
        "list of the tail": size[tails].astype(np.int32),
        "place in the head's list": position[heads].astype(np.int32),
        "place in the tail's list": position[tails].astype(np.int32),
        "parallel lists": np.where(parallel, 1 + (position[heads] == position[tails]), 0).astype(np.int32),
        "lists between": np.maximum(runs[np.maximum(heads, tails)] - runs[np.minimum(heads, tails)], 0).astype(
            np.int32
        ),
    }


def _repetition(mentions: Mentions, candidates: Candidates, pairs: _Pairs) -> dict[str, Counts]:
    """Count how often the texts of the two mentions occur, alone and together, in the document."""
    heads, tails = mentions.surfaces[pairs.heads], mentions.surfaces[pairs.tails]
    kinds = mentions.types.astype(np.int64) * (len(mentions) + 1)
    occurrences = _sizes(kinds + mentions.surfaces)
    of_type = _sizes(mentions.types)
    share = (32 * occurrences.astype(np.int64) // np.maximum(of_type, 1)).astype(np.int32)
    together = (candidates.relations.astype(np.int64) * (len(mentions) + 1) + heads) * (len(mentions) + 1) + tails
    close = np.where(pairs.gaps <= NEAR, together, -1 - np.arange(len(together)))
    titled = np.unique(mentions.surfaces[mentions.starts < TITLE])
    return {
        "occurrences of the head's text": occurrences[pairs.heads],
        "occurrences of the tail's text": occurrences[pairs.tails],
        "share of the head's text": share[pairs.heads],
        "share of the tail's text": share[pairs.tails],
        "together in the document": _sizes(together),
        "close together in the document": np.where(pairs.gaps <= NEAR, _sizes(close), 0).astype(np.int32),
        "rank of the occurrence together": _rank(together, pairs.gaps),
        "tail's text in the title": np.isin(tails, titled).astype(np.int32),
        "mentions of the tail's type in the document": of_type[pairs.tails],
        "mentions in the document": np.full(len(tails), len(mentions), np.int32),
    }


def _sentences(text: str, mentions: Mentions, pairs: _Pairs) -> dict[str, Counts]:
    """Describe the sentences and lines of the two mentions, and the other mentions there."""
    points = _points(text)
    found: dict[str, Counts] = {}
    for unit, marks in (("sentence", MARKS["sentence ends"]), ("line", MARKS["line breaks"])):
        running = _running(_any_of(points, marks))
        number = running[mentions.starts]
        kinds = number.astype(np.int64) * (int(mentions.types.max(initial=0)) + 1) + mentions.types
        order = np.lexsort((mentions.starts, kinds))
        place = _positions(kinds, order)
        size = _sizes(kinds)
        found[f"tails in the {unit} of the tail"] = size[pairs.tails]
        found[f"place among the tails of its {unit}"] = place[pairs.tails]
        found[f"heads in the {unit} of the head"] = size[pairs.heads]
        found[f"place among the heads of its {unit}"] = place[pairs.heads]
        wanted = number[pairs.heads].astype(np.int64) * (int(mentions.types.max(initial=0)) + 1) + mentions.types[pairs.tails]
        arranged = np.sort(kinds)
        found[f"tails in the {unit} of the head"] = (np.searchsorted(arranged, wanted, side="right") - np.searchsorted(arranged, wanted)).astype(np.int32)
        wanted = number[pairs.tails].astype(np.int64) * (int(mentions.types.max(initial=0)) + 1) + mentions.types[pairs.heads]
        found[f"heads in the {unit} of the tail"] = (np.searchsorted(arranged, wanted, side="right") - np.searchsorted(arranged, wanted)).astype(np.int32)
    breaks = np.flatnonzero(_any_of(points, "\n"))
    before = np.concatenate([[-1], breaks])
    starts = (mentions.starts - 1 - before[np.searchsorted(breaks, mentions.starts)]).astype(np.int32)
    found["head from start of line"] = starts[pairs.heads]
    found["tail from start of line"] = starts[pairs.tails]
    other = pairs.rows * 2 + ~pairs.reversed
    mine = pairs.rows * 2 + pairs.reversed
    order = np.lexsort((pairs.gaps, mine)); arr = mine[order]; pos = np.searchsorted(arr, other)
    pos_ = np.minimum(pos, max(len(arr) - 1, 0))
    has = (arr[pos_] == other) if len(arr) else np.zeros(0, bool)
    near = np.where(has, pairs.gaps[order][pos_] if len(arr) else 0, 999)
    found["nearest on the other side of the head"] = near.astype(np.int32)
    order = np.lexsort((mentions.starts, mentions.surfaces))
    occ = _positions(mentions.surfaces, order)
    found["earlier occurrences of the tail's text"] = occ[pairs.tails]
    found["earlier occurrences of the head's text"] = occ[pairs.heads]
    kinds = mentions.types.astype(np.int64) * (len(mentions) + 1)
    occurrences = _sizes(kinds + mentions.surfaces)
    found["rank by frequency for the head"] = _rank(pairs.rows, -occurrences[pairs.tails])
    found["candidates per mention"] = np.full(len(pairs.heads), 4 * len(pairs.heads) // max(len(mentions), 1), np.int32)
    found["characters per mention"] = np.full(len(pairs.heads), len(text) // max(len(mentions), 1), np.int32)
    return found
