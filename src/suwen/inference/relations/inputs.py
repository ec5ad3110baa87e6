"""The arrays that a relation network reads: parts of documents in one long row of characters and one of mentions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document
from suwen.inference.relations.candidates import Candidates, Mentions, candidate_pairs, read_mentions
from suwen.inference.relations.features import bucketed, structural_features
from suwen.schema import Schema
from suwen.tagging.vocabulary import CharacterVocabulary

__all__ = [
    "DILATIONS",
    "MENTION_DILATIONS",
    "EncodedDocument",
    "NetworkArrays",
    "Part",
    "RelationEncoder",
    "network_arrays",
]

DILATIONS = (1, 2, 4)
"""Dilations of the convolutions over characters."""
MENTION_DILATIONS = (1, 2, 4)
"""Dilations of the convolutions over mentions."""

CHARACTERS_READ = sum(DILATIONS) + 1
"""Characters on either side of a mention that its vector depends on."""
MENTIONS_READ = sum(MENTION_DILATIONS) + 1
"""Mentions on either side that its vector depends on; one more, because the gap before each is read."""

Ids = NDArray[np.int64]
NetworkArrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class EncodedDocument:
    """A document as numbers.

    Parameters
    ----------
    characters
        Ids of the characters, int64 ``[N]``.
    tags
        0 outside of mentions, ``2 * type + 1`` where one begins and ``2 * type + 2`` inside, int64 ``[N]``.
    mentions, candidates
        The mentions, and the pairs to score.
    features
        The structural features as intervals, uint8 ``[P, F]``.
    """

    characters: Ids
    tags: Ids
    mentions: Mentions
    candidates: Candidates
    features: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Part:
    """Some candidates of a document, as indices, ``[p]``."""

    document: EncodedDocument
    pairs: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RelationEncoder:
    """Turns documents into numbers.

    Parameters
    ----------
    schema
        The entity and relation types.
    vocabulary
        The characters.
    reach
        The maximum number of characters between the mentions of a candidate.
    """

    schema: Schema
    vocabulary: CharacterVocabulary
    reach: int

    def encode(self, document: Document) -> EncodedDocument:
        """Encode a document, with all its candidates."""
        mentions = read_mentions(document, self.schema)
        candidates = candidate_pairs(mentions, self.schema, self.reach)
        types = len(self.schema.labels)
        found = structural_features(document.text, mentions, candidates, types)
        features = np.ascontiguousarray(bucketed(np.stack(list(found.values()))).T)
        tags = np.zeros(len(document.text), np.int64)
        for start, end, kind in zip(mentions.starts, mentions.ends, mentions.types, strict=True):
            tags[start:end] = 2 * kind + 2
            tags[start] = 2 * kind + 1
        characters = self.vocabulary.ids(document.text).astype(np.int64)
        return EncodedDocument(characters, tags, mentions, candidates, features)


def network_arrays(parts: Sequence[Part], padding: int) -> NetworkArrays:
    """Put parts of documents into the arrays of one call.

    The parts stand one after the other, with enough separators between them that none reads another. Each brings the
    characters and mentions around its own that its pairs depend on.

    Parameters
    ----------
    parts
        What to score; a part without pairs takes no place.
    padding
        The id of the separators' character.

    Returns
    -------
    Arrays by name. Of characters: ``characters``, ``tags``, int64 ``[N]``, and ``inside``, float32 ``[N, 1]``, 0 at
    separators. Of mentions: ``starts``, ``ends``, ``types``, int64 ``[M]``, and ``mention_inside``, float32 ``[M, 1]``.
    Of pairs, in the order of the parts: ``relations``, ``heads``, ``tails``, int64 ``[P]``; ``features``, int64
    ``[P, F]``; ``rows`` and ``columns``, int64 ``[P]``: equal numbers for pairs that compete for a head or a tail.
    """
    row = _Row(padding)
    row.separate()
    for part in parts:
        if len(part.pairs):
            row.add(part)
    return row.arrays()


class _Row:
    """Collects the arrays."""

    def __init__(self, padding: int) -> None:
        self.padding = padding
        self.length = self.mentions = 0
        self.found: defaultdict[str, list[NDArray[np.generic]]] = defaultdict(list)

    def append(self, **arrays: NDArray[np.generic]) -> None:
        for name, array in arrays.items():
            self.found[name].append(array)

    def separate(self) -> None:
        """Add separators: characters, and mentions that lie on them."""
        count = CHARACTERS_READ
        nothing = np.zeros(count, np.int64)
        outside = np.zeros((count, 1), np.float32)
        self.append(characters=np.full(count, self.padding, np.int64), tags=nothing, inside=outside)
        self.length += count
        count = MENTIONS_READ
        places = np.full(count, self.length - 1, np.int64)
        nothing = np.zeros(count, np.int64)
        outside = np.zeros((count, 1), np.float32)
        self.append(starts=places - 1, ends=places, types=nothing, mention_inside=outside)
        self.mentions += count

    def add(self, part: Part) -> None:
        """Add the pairs of a part, and what they read."""
        document, mentions = part.document, part.document.mentions
        relations, heads, tails = (
            array[part.pairs].astype(np.int64)
            for array in (document.candidates.relations, document.candidates.heads, document.candidates.tails)
        )
        first = max(int(min(heads.min(), tails.min())) - MENTIONS_READ, 0)
        last = min(int(max(heads.max(), tails.max())) + MENTIONS_READ + 1, len(mentions))
        begin = max(int(mentions.starts[first]) - CHARACTERS_READ, 0)
        end = min(int(mentions.ends[first:last].max()) + CHARACTERS_READ, len(document.characters))
        shift = self.length - begin
        self.append(
            characters=document.characters[begin:end],
            tags=document.tags[begin:end],
            inside=np.ones((end - begin, 1), np.float32),
            starts=mentions.starts[first:last].astype(np.int64) + shift,
            ends=mentions.ends[first:last].astype(np.int64) + shift,
            types=mentions.types[first:last].astype(np.int64),
            mention_inside=np.ones((last - first, 1), np.float32),
            relations=relations,
            heads=heads + (self.mentions - first),
            tails=tails + (self.mentions - first),
            features=document.features[part.pairs].astype(np.int64),
        )
        self.length += end - begin
        self.mentions += last - first
        self.separate()

    def arrays(self) -> NetworkArrays:
        """Join what was collected."""
        arrays: dict[str, NDArray[Any]] = {name: np.concatenate(pieces) for name, pieces in self.found.items()}
        for name, argument in (("rows", arrays["heads"]), ("columns", arrays["tails"])):
            arrays[name] = np.unique(arrays["relations"] * self.mentions + argument, return_inverse=True)[1]
        return arrays
