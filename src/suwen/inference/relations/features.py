"""Structural features of candidate pairs: distances, ranks, marks and mentions between, lists, repetition.

They need no trained values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.inference.relations.candidates import Candidates, Mentions, gaps
from suwen.inference.relations.groups import Counts, GroupIds, Groups, running_counts

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

CLASSES = (*MARKS.values(), JOINTS)
"""The sets of characters that are counted."""
SENTENCE_ENDS = tuple(MARKS).index("sentence ends")
LAST = max(map(ord, "".join(CLASSES))) + 1
MEMBERS = np.zeros(LAST + 1, np.uint16)
"""The classes of each code point, a bit for each; the last one stands for all larger ones."""
for _bit, _characters in enumerate(CLASSES):
    MEMBERS[[ord(character) for character in _characters]] |= 1 << _bit

EDGES = np.array([1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 73, 105, 151])
BUCKETS = len(EDGES) + 1
"""Every feature is a count, and is read as one of these intervals."""
INTERVALS = np.searchsorted(EDGES, np.arange(EDGES[-1] + 1), side="right").astype(np.uint8)
"""The interval of each count up to the last edge."""

TITLE = 120
"""Characters at the start of a document that are taken for its title."""

NEAR = 60
"""Characters between two mentions that count as close together."""

FAR = 1000
"""The distance to something missing."""

SHARES = 32
"""Number of parts in which a share of all mentions is counted."""

Features = dict[str, Counts]
Mixed = Mapping[str, NDArray[Any]]
"""Features before they all become int32."""


def bucketed(features: Counts) -> NDArray[np.uint8]:
    """Return the interval of each count, uint8 in ``[0, BUCKETS)``."""
    return INTERVALS[np.minimum(features, len(INTERVALS) - 1)]


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
    Features
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
    return {name: counts.astype(np.int32, copy=False) for name, counts in found.items()}


def feature_names(types: int) -> tuple[str, ...]:
    """Return the names of the features for a number of entity types, in order."""
    nothing = np.zeros(0, np.int32)
    empty = Mentions(nothing, nothing, nothing, nothing)
    return tuple(structural_features("", empty, Candidates(nothing, nothing, nothing), types))


@dataclass(frozen=True, slots=True)
class _Table:
    """Inputs of many features: the document, and the places of the two mentions of each candidate."""

    text: str
    classes: NDArray[np.uint16]
    """The `MEMBERS` of each character."""
    mentions: Mentions
    before: Counts
    """Counts of the characters of each of the `CLASSES` before each mention, ``[M, C]``."""
    through: Counts
    """Counts before its end."""
    heads: Counts
    tails: Counts
    relations: GroupIds
    gaps: Counts
    begins: Counts
    """The start of the text between the two mentions."""
    ends: Counts
    """Its end."""
    tail_first: NDArray[np.bool_]
    between: Counts
    """Counts of the characters of each of the `CLASSES` between the two mentions, ``[P, C]``."""
    rows: GroupIds
    """The group of the candidates with the same relation and head."""
    columns: GroupIds
    """The group of the candidates with the same relation and tail."""

    @classmethod
    def of(cls, text: str, mentions: Mentions, candidates: Candidates) -> _Table:
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        classes = MEMBERS[np.minimum(points, LAST)]
        before, through = (np.empty((len(mentions), len(CLASSES)), np.int32) for _ in range(2))
        for number in range(len(CLASSES)):
            running = running_counts(classes & (1 << number) != 0)
            before[:, number], through[:, number] = running[mentions.starts], running[mentions.ends]
        heads, tails = candidates.heads, candidates.tails
        begins = np.minimum(mentions.ends[heads], mentions.ends[tails])
        ends = np.maximum(np.maximum(mentions.starts[heads], mentions.starts[tails]), begins)
        relations = candidates.relations.astype(np.int64) * (len(mentions) + 1)
        return cls(
            text,
            classes,
            mentions,
            before,
            through,
            heads,
            tails,
            relations,
            gaps(mentions, heads, tails),
            begins,
            ends,
            mentions.starts[tails] < mentions.starts[heads],
            # Counts grow with the position: the later start has the larger ones. Mentions may overlap.
            np.maximum(np.maximum(before[heads], before[tails]) - np.minimum(through[heads], through[tails]), 0),
            relations + heads,
            relations + tails,
        )


def _places(table: _Table) -> Mixed:
    """Return lengths, distance, order, and the mentions' distances from the start of the sentence."""
    mentions, heads, tails = table.mentions, table.heads, table.tails
    sentence_ends = np.flatnonzero(table.classes & (1 << SENTENCE_ENDS))
    before = np.concatenate([[-1], sentence_ends])
    starts = mentions.starts - 1 - before[table.before[:, SENTENCE_ENDS]]
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
    words = np.zeros(len(table.text), bool)
    words[[found.start() for found in RESPECTIVELY.finditer(table.text)]] = True
    running = running_counts(words)
    last = np.minimum(table.ends + AROUND, len(words))
    around = running[last] - running[np.maximum(table.begins - AROUND, 0)]
    return {**dict(zip(MARKS, table.between.T, strict=False)), "respectively": around}


def _mentions_between(table: _Table, types: int) -> Mixed:
    """Count the mentions that lie between those of each pair: all, by type, of the two types of the pair."""
    mentions = table.mentions
    first = np.searchsorted(mentions.starts, table.begins)
    last = np.maximum(np.searchsorted(mentions.starts, table.ends), first)
    kinds = np.zeros((len(mentions) + 1, types), np.int32)
    np.cumsum(mentions.types[:, None] == np.arange(types), axis=0, out=kinds[1:])
    between = kinds[last] - kinds[first]
    every = np.arange(len(first))
    return {
        "mentions": last - first,
        "mentions of the head's type": between[every, mentions.types[table.heads]],
        "mentions of the tail's type": between[every, mentions.types[table.tails]],
        **{f"mentions of type {kind}": counts for kind, counts in enumerate(between.T)},
    }


def _ranks(table: _Table, name: str, groups: GroupIds, others: Counts) -> Mixed:
    """Rank each candidate by distance among those with the same head or tail, which `groups` gives.

    `others` are the texts of the other mention.
    """
    distances, crossed = table.gaps, table.between[:, SENTENCE_ENDS]
    rivals = Groups(groups, distances)
    sides = Groups(2 * groups + table.tail_first, distances)
    repeated = Groups(groups * (len(table.mentions) + 1) + others, distances).ranks()
    nearest = np.full((len(rivals.keys), 2), FAR, np.int32)
    nearest[np.searchsorted(rivals.keys, sides.keys // 2), sides.keys % 2] = sides.first(distances)
    return {
        f"rank for the {name}": rivals.ranks(),
        f"rank on its side for the {name}": sides.ranks(),
        f"candidates of the {name}": rivals.sizes(),
        f"candidates on its side of the {name}": sides.sizes(),
        f"farther than the nearest of the {name}": distances - rivals.smallest(distances),
        f"nearest on the other side of the {name}": nearest[rivals.numbers, (~table.tail_first).astype(np.intp)],
        f"more sentences than the nearest of the {name}": crossed - rivals.smallest(crossed),
        f"nearer with the same text for the {name}": repeated,
        f"rank of texts for the {name}": rivals.ranks(repeated == 0),
    }


def _sizes(numbers: NDArray[np.integer]) -> Counts:
    """Return how often the number of each member occurs; numbers are small and not negative."""
    sizes: Counts = np.bincount(numbers)[numbers].astype(np.int32)
    return sizes


def _lists(table: _Table) -> Mixed:
    """Describe the lists (mentions of one type with nothing but joints between) in which the mentions stand."""
    mentions, heads, tails = table.mentions, table.heads, table.tails
    joints = CLASSES.index(JOINTS)
    begins, ends = mentions.ends[:-1], mentions.starts[1:]
    lengths = np.maximum(ends - begins, 0)
    linked = (mentions.types[1:] == mentions.types[:-1]) & (ends >= begins) & (lengths <= LONGEST_JOINT)
    linked &= table.before[1:, joints] - table.through[:-1, joints] == lengths
    lists = running_counts(~linked)[: len(mentions)]
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
    earlier = Groups(mentions.surfaces.astype(np.int64), mentions.starts).ranks()
    together = Groups((table.relations + heads) * (len(mentions) + 1) + tails, table.gaps)
    near = np.bincount(together.numbers[table.gaps <= NEAR], minlength=len(together.keys))
    titled = np.unique(mentions.surfaces[mentions.starts < TITLE])
    return {
        "occurrences of the head's text": occurrences[table.heads],
        "occurrences of the tail's text": occurrences[table.tails],
        "share of the head's text": shares[table.heads],
        "share of the tail's text": shares[table.tails],
        "earlier occurrences of the head's text": earlier[table.heads],
        "earlier occurrences of the tail's text": earlier[table.tails],
        "rank by occurrences for the head": Groups(table.rows, -occurrences[table.tails]).ranks(),
        "together in the document": together.sizes(),
        "close together in the document": np.where(table.gaps <= NEAR, near[together.numbers], 0),
        "rank of the occurrence together": together.ranks(),
        "tail's text in the title": np.isin(tails, titled),
    }


def _sentence(table: _Table) -> Mixed:
    """Count the mentions of the two types in the sentences of head and tail."""
    mentions, heads, tails = table.mentions, table.heads, table.tails
    types = int(mentions.types.max(initial=0)) + 1
    sentences = table.before[:, SENTENCE_ENDS].astype(np.int64) * types
    kinds = Groups(sentences + mentions.types, mentions.starts)
    sizes, places = kinds.sizes(), kinds.ranks()
    return {
        "heads in the sentence of the head": sizes[heads],
        "tails in the sentence of the tail": sizes[tails],
        "place among the heads of its sentence": places[heads],
        "place among the tails of its sentence": places[tails],
        "tails in the sentence of the head": kinds.count(sentences[heads] + mentions.types[tails]),
        "heads in the sentence of the tail": kinds.count(sentences[tails] + mentions.types[heads]),
    }
