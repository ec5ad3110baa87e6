"""Candidate pairs: which two mentions of a document may be related, by the schema's types and their distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document
from suwen.schema import RelationType, Schema

__all__ = ["Candidates", "Mentions", "candidate_pairs", "read_mentions"]

Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Mentions:
    """The distinct mentions of a document, sorted by start, end and type.

    Parameters
    ----------
    starts, ends
        The hulls, int32 ``[M]``.
    types
        Indices into `Schema.labels`, int32 ``[M]``.
    surfaces
        Equal numbers for mentions with equal text, int32 ``[M]``; white space and case do not count.
    """

    starts: Integers
    ends: Integers
    types: Integers
    surfaces: Integers

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of mentions that the schema allows to be related, sorted by head, tail and relation.

    Parameters
    ----------
    relations
        Indices into `Schema.relations`, int32 ``[P]``.
    heads, tails
        Indices into the mentions, int32 ``[P]``: the first and the second argument.
    """

    relations: Integers
    heads: Integers
    tails: Integers

    def __len__(self) -> int:
        return len(self.relations)


def read_mentions(document: Document, schema: Schema) -> Mentions:
    """Return the distinct mentions of a document whose types the schema knows."""
    types = {label: index for index, label in enumerate(schema.labels)}
    keys = sorted(
        {(entity.start, entity.end, types[entity.label]) for entity in document.entities if entity.label in types}
    )
    numbers: dict[str, int] = {}
    surfaces = []
    for start, end, _ in keys:
        words = "".join(document.text[start:end].split()).lower()
        surfaces.append(numbers.setdefault(words, len(numbers)))
    spans = np.array(keys, np.int32).reshape(-1, 3)
    return Mentions(spans[:, 0], spans[:, 1], spans[:, 2], np.array(surfaces, np.int32))


def candidate_pairs(mentions: Mentions, schema: Schema, reach: int) -> Candidates:
    """Return every pair whose types a relation joins, with at most `reach` characters between its mentions.

    A mention is never paired with itself. Where head and tail are of one type, both directions are candidates.
    """
    found = [_pairs_of(mentions, schema, relation, reach) for relation in schema.relations]
    sizes = [len(heads) for heads, _ in found]
    relations = np.repeat(np.arange(len(found), dtype=np.int32), sizes)
    heads = _joined([heads for heads, _ in found])
    tails = _joined([tails for _, tails in found])
    order = np.lexsort((relations, tails, heads))
    return Candidates(relations[order], heads[order], tails[order])


def _pairs_of(mentions: Mentions, schema: Schema, relation: RelationType, reach: int) -> tuple[Integers, Integers]:
    """Return heads and tails of the candidates of one relation type."""
    head_type, tail_type = schema.labels.index(relation.head), schema.labels.index(relation.tail)
    heads = np.flatnonzero(mentions.types == head_type)
    tails = np.flatnonzero(mentions.types == tail_type)
    if not len(heads) or not len(tails):
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    # Mentions are sorted by their starts, but a long one may end within reach of what begins far behind its start.
    longest = int((mentions.ends[tails] - mentions.starts[tails]).max())
    first = np.searchsorted(mentions.starts[tails], mentions.starts[heads] - reach - longest)
    last = np.searchsorted(mentions.starts[tails], mentions.ends[heads] + reach, side="right")
    counts = last - first
    rows = np.repeat(heads, counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = tails[np.repeat(first, counts) + offsets]
    near = gaps(mentions, rows, columns) <= reach
    keep = near & (rows != columns)
    return rows[keep].astype(np.int32), columns[keep].astype(np.int32)


def gaps(mentions: Mentions, heads: NDArray[np.integer], tails: NDArray[np.integer]) -> Integers:
    """Return the number of characters between the mentions of each pair; 0 where they touch or overlap."""
    later = np.maximum(mentions.starts[heads], mentions.starts[tails])
    earlier = np.minimum(mentions.ends[heads], mentions.ends[tails])
    distances: Integers = np.maximum(later - earlier, 0).astype(np.int32)
    return distances


def _joined(parts: Sequence[Integers]) -> Integers:
    joined: Integers = np.concatenate([np.zeros(0, np.int32), *parts]).astype(np.int32)
    return joined
