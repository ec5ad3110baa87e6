"""Documents as the numbers that a relation model reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.document import Document
from suwen.inference.relations.candidates import Candidates, Mentions, candidate_pairs, read_mentions
from suwen.inference.relations.features import bucketed, structural_features
from suwen.inference.relations.rivals import rival_features
from suwen.schema import Schema

__all__ = ["EncodedDocument", "Inputs", "RelationEncoder", "first_inputs", "second_inputs"]

Inputs = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EncodedDocument:
    """A document as numbers.

    Parameters
    ----------
    mentions, candidates
        The mentions, and the pairs to score.
    features
        The structural features as intervals, uint8 ``[P, F]``.
    """

    mentions: Mentions
    candidates: Candidates
    features: Inputs


@dataclass(frozen=True, slots=True)
class RelationEncoder:
    """Turns documents into numbers.

    Parameters
    ----------
    schema
        The entity and relation types.
    reach
        The maximum number of characters between the mentions of a candidate.
    """

    schema: Schema
    reach: int

    def encode(self, document: Document) -> EncodedDocument:
        """Encode a document, with all its candidates."""
        mentions = read_mentions(document, self.schema)
        candidates = candidate_pairs(mentions, self.schema, self.reach)
        found = structural_features(document.text, mentions, candidates, len(self.schema.labels))
        features = np.ascontiguousarray(bucketed(np.stack(list(found.values()))).T)
        return EncodedDocument(mentions, candidates, features)


def first_inputs(encoded: EncodedDocument) -> Inputs:
    """Return the inputs of the first stage: relation type and features of each candidate, uint8 ``[P, 1 + F]``."""
    relations = encoded.candidates.relations.astype(np.uint8)
    return np.concatenate([relations[:, None], encoded.features], axis=1)


def second_inputs(encoded: EncodedDocument, scores: NDArray[np.floating]) -> Inputs:
    """Return the inputs of the second stage: also features of the first stage's scores, ``[P, 1 + F + R]``."""
    rivals = rival_features(encoded.mentions, encoded.candidates, scores)
    return np.concatenate([first_inputs(encoded), np.stack(list(rivals.values()), axis=1)], axis=1)
