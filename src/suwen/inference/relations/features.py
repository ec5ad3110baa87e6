"""Structural features of candidate pairs: distances, ranks, marks and mentions between, lists, repetition.

They need no trained values. Training, torch and ONNX all read the arrays of `structural_features`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

RESPECTIVELY = re.compile("分别|依次")
"""Words that pair the items of two lists; they are looked for near the pair, not only between its mentions."""
AROUND = 30

JOINTS = "、，,和与及或以并/／;； \n"
"""Text that is allowed between two items of a list."""
LONGEST_JOINT = 3

EDGES = np.array([1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 73, 105, 151])
BUCKETS = len(EDGES) + 1
"""Every feature is a count, and is read as one of these intervals."""

TITLE = 120
"""Characters at the start of a document that are taken for its title."""

NEAR = 60
"""Characters between two mentions that count as close together."""

FAR = 1000
"""The distance of what is not there."""

SHARES = 32
"""A share of all mentions is counted in so many parts."""

Counts = NDArray[np.int32]
Groups = NDArray[np.int64]
Features = dict[str, Counts]
Mixed = Mapping[str, NDArray[Any]]
"""Features before they all become int32."""


def bucketed(features: Counts) -> NDArray[np.uint8]:
    """Return the interval of each count, uint8 in ``[0, BUCKETS)``."""
    return np.searchsorted(EDGES, features, side="right").astype(np.uint8)


def structural_features(text: str, mentions: Mentions, candidates: Candidates, types: int) -> Features:
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
    table = _Table.of(text, mentions, candidates)
    found = {
        **_places(table),
        **_marks_between(table),
        **_mentions_between(table, types),
        **_ranks(table, "head", table.rows, mentions.surfaces[candidates.tails]),
        **_ranks(table, "tail", table.columns, mentions.surfaces[candidates.heads]),
        **_lists(table),
        **_repetition(table),
        **_sentence(table),
    }
    return {name: counts.astype(np.int32) for name, counts in found.items()}


def feature_names(types: int) -> tuple[str, ...]:
    """Return the names of the features for so many entity types, in order."""
    nothing = np.zeros(0, np.int32)
    empty = Mentions(nothing, nothing, nothing, nothing)
    return tuple(structural_features("", empty, Candidates(nothing, nothing, nothing), types))


@dataclass(frozen=True, slots=True)
class _Table:
    """Inputs of many features: the document, and the places of the two mentions of each candidate."""

    text: str
    points: NDArray[np.uint32]
    mentions: Mentions
    heads: Counts
    tails: Counts
    relations: Groups
    gaps: Counts
    begins: Counts
    """The start of the text between the two mentions."""
    ends: Counts
    """Its end."""
    tail_first: NDArray[np.bool_]
    rows: Groups
    """The group of the candidates with the same relation and head."""
    columns: Groups
    """The group of the candidates with the same relation and tail."""
    sentences: Counts
    """The number of the sentence in which each mention begins."""

    @classmethod
    def of(cls, text: str, mentions: Mentions, candidates: Candidates) -> _Table:
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        heads, tails = candidates.heads, candidates.tails
        begins = np.minimum(mentions.ends[heads], mentions.ends[tails])
        ends = np.maximum(np.maximum(mentions.starts[heads], mentions.starts[tails]), begins)
        relations = candidates.relations.astype(np.int64) * (len(mentions) + 1)
        return cls(
            text,
            points,
            mentions,
            heads,
            tails,
            relations,
            gaps(mentions, heads, tails),
            begins,
            ends,
            mentions.starts[tails] < mentions.starts[heads],
            relations + heads,
            relations + tails,
            _running(_any_of(points, MARKS["sentence ends"]))[mentions.starts],
        )


def _running(flags: NDArray[np.bool_]) -> Counts:
    """Return how many flags are set before each position, one more than there are flags."""
    return np.concatenate([[0], np.cumsum(flags)]).astype(np.int32)


def _any_of(points: NDArray[np.uint32], characters: str) -> NDArray[np.bool_]:
    return np.isin(points, np.frombuffer(characters.encode("utf-32-le"), np.uint32))


def _places(table: _Table) -> Mixed:
    """Lengths, distance, order, and how far from the start of the sentence the mentions stand."""
    mentions, heads, tails = table.mentions, table.heads, table.tails
    sentence_ends = np.flatnonzero(_any_of(table.points, MARKS["sentence ends"]))
    before = np.concatenate([[-1], sentence_ends])
    starts = mentions.starts - 1 - before[np.searchsorted(sentence_ends, mentions.starts)]
    lengths = mentions.ends - mentions.starts
    return {
        "gap": table.gaps,
        "tail first": table.tail_first,
        "head length": lengths[heads],
        "tail length": lengths[tails],
        "head from start of sentence": starts[heads],
        "tail from start of sentence": starts[tails],
    }


def _marks_between(table: _Table) -> Mixed:
    """Count marks and small words between the mentions, and 分别 around them."""
    counts: dict[str, Counts] = {}
    for name, characters in MARKS.items():
        running = _running(_any_of(table.points, characters))
        counts[name] = running[table.ends] - running[table.begins]
    words = np.zeros(len(table.text), bool)
    words[[found.start() for found in RESPECTIVELY.finditer(table.text)]] = True
    running = _running(words)
    last = np.minimum(table.ends + AROUND, len(words))
    counts["respectively"] = running[last] - running[np.maximum(table.begins - AROUND, 0)]
    return counts


def _mentions_between(table: _Table, types: int) -> Mixed:
    """Count the mentions that lie between those of each pair: all, by type, of the two types of the pair."""
    mentions = table.mentions
    first = np.searchsorted(mentions.starts, table.begins)
    last = np.maximum(np.searchsorted(mentions.starts, table.ends), first)
    kinds = [_running(mentions.types == kind) for kind in range(types)]
    between = np.stack([running[last] - running[first] for running in kinds])
    every = np.arange(len(first))
    return {
        "mentions": last - first,
        "mentions of the head's type": between[mentions.types[table.heads], every],
        "mentions of the tail's type": between[mentions.types[table.tails], every],
        **{f"mentions of type {kind}": counts for kind, counts in enumerate(between)},
    }


def _ranks(table: _Table, name: str, groups: Groups, others: Counts) -> Mixed:
    """Rank each candidate by distance among those with the same head or tail, which `groups` gives.

    `others` are the texts of the other mention.
    """
    distances = table.gaps
    side = 2 * groups + table.tail_first
    same = groups * (len(table.mentions) + 1) + others
    repeated = _rank(same, distances)
    sentence_ends = _running(_any_of(table.points, MARKS["sentence ends"]))
    crossed = sentence_ends[table.ends] - sentence_ends[table.begins]
    return {
        f"rank for the {name}": _rank(groups, distances),
        f"rank on its side for the {name}": _rank(side, distances),
        f"candidates of the {name}": _sizes(groups),
        f"candidates on its side of the {name}": _sizes(side),
        f"farther than the nearest of the {name}": distances - _smallest(groups, groups, distances),
        f"nearest on the other side of the {name}": _smallest(side, 2 * groups + ~table.tail_first, distances),
        f"more sentences than the nearest of the {name}": crossed - _smallest(groups, groups, crossed),
        f"nearer with the same text for the {name}": repeated,
        f"rank of texts for the {name}": _rank(groups, distances, repeated == 0),
    }


def _rank(groups: Groups, keys: Counts, counted: NDArray[np.bool_] | None = None) -> Counts:
    """Return how many members of the same group, or of those counted, stand before each by key, then by order."""
    order = np.lexsort((keys, groups))
    arranged = groups[order]
    running = np.arange(len(groups) + 1) if counted is None else _running(counted[order])
    ranks = np.zeros(len(groups), np.int32)
    ranks[order] = running[:-1] - running[np.searchsorted(arranged, arranged)]
    return ranks


def _sizes(groups: NDArray[np.integer]) -> Counts:
    """Return the size of each member's group."""
    return _count(groups, groups)


def _count(groups: NDArray[np.integer], wanted: NDArray[np.integer]) -> Counts:
    """Return the sizes of the wanted groups."""
    arranged = np.sort(groups)
    found = np.searchsorted(arranged, wanted, side="right") - np.searchsorted(arranged, wanted)
    return found.astype(np.int32)


def _smallest(groups: Groups, wanted: Groups, keys: Counts) -> Counts:
    """Return the smallest key in each wanted group, `FAR` for a group without members."""
    order = np.lexsort((keys, groups))
    arranged = np.concatenate([groups[order], [-1]])
    place = np.searchsorted(arranged[:-1], wanted)
    values = np.concatenate([keys[order], [FAR]])
    return np.where(arranged[place] == wanted, values[place], FAR).astype(np.int32)


def _lists(table: _Table) -> Mixed:
    """Describe the lists (mentions of one type with nothing but joints between) in which the mentions stand."""
    mentions, heads, tails = table.mentions, table.heads, table.tails
    joints = _running(_any_of(table.points, JOINTS))
    begins, ends = mentions.ends[:-1], mentions.starts[1:]
    lengths = np.maximum(ends - begins, 0)
    linked = (mentions.types[1:] == mentions.types[:-1]) & (ends >= begins) & (lengths <= LONGEST_JOINT)
    linked &= joints[begins + lengths] - joints[begins] == lengths
    lists = _running(~linked)[: len(mentions)]
    position = np.arange(len(lists)) - np.searchsorted(lists, lists)
    sizes = _sizes(lists)
    parallel = (sizes[heads] == sizes[tails]) & (sizes[heads] > 1)
    return {
        "list of the head": sizes[heads],
        "list of the tail": sizes[tails],
        "place in the head's list": position[heads],
        "place in the tail's list": position[tails],
        "parallel lists": np.where(parallel, 1 + (position[heads] == position[tails]), 0),
        "lists between": np.abs(lists[heads] - lists[tails]),
    }


def _repetition(table: _Table) -> Mixed:
    """Count how often the texts of the two mentions occur, alone and together, in the document."""
    mentions = table.mentions
    heads, tails = mentions.surfaces[table.heads], mentions.surfaces[table.tails]
    occurrences = _sizes(mentions.types.astype(np.int64) * (len(mentions) + 1) + mentions.surfaces)
    shares = SHARES * occurrences.astype(np.int64) // np.maximum(_sizes(mentions.types), 1)
    earlier = _rank(mentions.surfaces.astype(np.int64), mentions.starts)
    together = (table.relations + heads) * (len(mentions) + 1) + tails
    near = table.gaps <= NEAR
    titled = np.unique(mentions.surfaces[mentions.starts < TITLE])
    return {
        "occurrences of the head's text": occurrences[table.heads],
        "occurrences of the tail's text": occurrences[table.tails],
        "share of the head's text": shares[table.heads],
        "share of the tail's text": shares[table.tails],
        "earlier occurrences of the head's text": earlier[table.heads],
        "earlier occurrences of the tail's text": earlier[table.tails],
        "rank by occurrences for the head": _rank(table.rows, -occurrences[table.tails]),
        "together in the document": _sizes(together),
        "close together in the document": np.where(near, _count(together[near], together), 0),
        "rank of the occurrence together": _rank(together, table.gaps),
        "tail's text in the title": np.isin(tails, titled),
    }


def _sentence(table: _Table) -> Mixed:
    """Count the mentions of the two types in the sentences of head and tail."""
    mentions, heads, tails = table.mentions, table.heads, table.tails
    types = int(mentions.types.max(initial=0)) + 1
    kinds = table.sentences.astype(np.int64) * types + mentions.types
    sizes, places = _sizes(kinds), _rank(kinds, mentions.starts)
    sentences = table.sentences.astype(np.int64) * types
    return {
        "heads in the sentence of the head": sizes[heads],
        "tails in the sentence of the tail": sizes[tails],
        "place among the heads of its sentence": places[heads],
        "place among the tails of its sentence": places[tails],
        "tails in the sentence of the head": _count(kinds, sentences[heads] + mentions.types[tails]),
        "heads in the sentence of the tail": _count(kinds, sentences[tails] + mentions.types[heads]),
    }
