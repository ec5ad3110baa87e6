"""Gold relations as targets of candidate pairs, and those that no candidate can reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suwen.corpus.split import Selection
from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.inference.relations.inputs import EncodedDocument, RelationEncoder
from suwen.schema import Schema
from suwen.training.data import TrainingData

__all__ = ["LabeledDocument", "label_documents", "nothing_to_learn", "relation_schema"]

MOST_TYPES = 256
"""Relation types that a model can tell apart: it reads them as a byte."""


@dataclass(frozen=True, slots=True)
class LabeledDocument:
    """An encoded document with its gold relations.

    Parameters
    ----------
    encoded
        The document.
    owned
        The candidates whose head the part owns, as indices.
    targets
        Of every candidate whether it is related, ``[P]``.
    gold
        The gold relations that the part owns, by relation type; those out of reach count too.
    unreachable
        Count of those without a candidate.
    """

    encoded: EncodedDocument
    owned: NDArray[np.intp]
    targets: NDArray[np.bool_]
    gold: Counter[str]
    unreachable: int


def relation_schema(data: TrainingData, schema: Schema | None) -> Schema:
    """Return the label set to learn: the given one, or the types of the training part.

    Raises
    ------
    SuwenError
        S601 when the training part has no relation, S609 when none of them joins two entities, S604 when the given
        label set has no relation types, S407 when it has too many, or one that joins an unknown entity type.
    """
    found = [triple for selection in data.train for triple in _triples(selection.document)]
    if not found:
        raise nothing_to_learn(data.train)
    if schema is None:
        schema = Schema.of_labels({label for _, *labels in found for label in labels} | data.labels)
        known = {label for label, _, _ in found}
        kept = tuple(kind for kind in schema.relations if kind.name in known)
        schema = Schema(schema.name, schema.entities, kept, schema.groups).with_relations_of(found)
    if not schema.relations:
        raise SuwenError("S604", name=schema.name)
    if len(schema.relations) > MOST_TYPES:
        raise SuwenError("S407", reason=f"{len(schema.relations)} relation types, at most {MOST_TYPES} can be learned")
    for kind in schema.relations:
        for end in (kind.head, kind.tail):
            if end not in schema:
                raise SuwenError(
                    "S407", reason=f"the relation type {kind.name!r} joins {end!r}, which is not an entity type"
                )
    return schema


def nothing_to_learn(selections: Sequence[Selection]) -> SuwenError:
    """Return the error for a training part without a relation that can be learned: S601 or S609."""
    count = sum(len(selection.document.relations) for selection in selections)
    return SuwenError("S609", count=count) if count else SuwenError("S601")


def label_documents(selections: Sequence[Selection], encoder: RelationEncoder) -> list[LabeledDocument]:
    """Encode documents and look up which candidates are related."""
    return [_labeled(selection, encoder) for selection in selections]


def _labeled(selection: Selection, encoder: RelationEncoder) -> LabeledDocument:
    encoded = encoder.encode(selection.document)
    schema, mentions, candidates = encoder.schema, encoded.mentions, encoded.candidates
    keys = zip(mentions.types.tolist(), mentions.starts.tolist(), mentions.ends.tolist(), strict=True)
    places = {(schema.labels[kind], start, end): index for index, (kind, start, end) in enumerate(keys)}
    relations = {kind.name: index for index, kind in enumerate(schema.relations)}
    rows = zip(candidates.relations.tolist(), candidates.heads.tolist(), candidates.tails.tolist(), strict=True)
    index = {row: number for number, row in enumerate(rows)}
    targets = np.zeros(len(candidates), bool)
    gold: Counter[str] = Counter()
    unreachable = 0
    for label, head, tail in set(_ends(selection.document)):
        place = index.get((relations.get(label, -1), places.get(head.key, -1), places.get(tail.key, -1)))
        if place is not None:
            targets[place] = True
        if selection.owns(head.start):
            gold[label] += 1
            unreachable += place is None
    heads = mentions.starts[candidates.heads].tolist()
    owned = np.array([number for number, start in enumerate(heads) if selection.owns(start)], np.intp)
    return LabeledDocument(encoded, owned, targets, gold, unreachable)


def _ends(document: Document) -> list[tuple[str, Entity, Entity]]:
    """Return the relations of a document with their entities; without those that lack one."""
    entities = {entity.id: entity for entity in reversed(document.entities)}
    return [
        (relation.label, entities[relation.head], entities[relation.tail])
        for relation in document.relations
        if relation.head in entities and relation.tail in entities
    ]


def _triples(document: Document) -> list[tuple[str, str, str]]:
    return [(label, head.label, tail.label) for label, head, tail in _ends(document)]
