"""The interface of relation models: from documents with entities to documents with relations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.inference.predictor import SCORE_DIGITS
from suwen.schema import Schema

__all__ = ["RelationExtractor", "ScoredPair", "with_entity_ids", "with_relations"]

ScoredPair = tuple[str, Entity, Entity, float | None]
"""A relation type, its first and second argument, and the confidence in [0, 1], if there is one."""


class RelationExtractor(ABC):
    """Finds the relations between the entities of documents, with any kind of model.

    Examples
    --------
    >>> import suwen
    >>> relate = suwen.load("model", relations=True)  # doctest: +SKIP
    """

    reach: int | None = None
    """The maximum number of characters between two entities that are looked at; None for any number."""

    learned_from: Mapping[str, Any] = MappingProxyType({})
    """The training data in the manifest of a loaded model; empty if it has none."""

    name: str = ""
    """The name of a loaded model, for people."""

    def __repr__(self) -> str:
        return f"<{' '.join(filter(None, (type(self).__name__, self.name)))}, {self.schema.sizes}>"

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """The relation types that are found, and the entity types that they join."""

    @abstractmethod
    def relate(self, document: Document) -> Document:
        """Find the relations of a document with entities.

        The relations do not depend on the order of the entities, nor on other documents.

        Returns
        -------
        Document
            The document with the relations that were found instead of its own; see `with_relations`.
        """

    def pipe(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Find the relations of many documents, in their order."""
        return map(self.relate, documents)


def with_entity_ids(document: Document) -> Document:
    """Give an id (``T1``, ``T2`` …) to every entity that has none, or one that another entity has already."""
    taken = {entity.id for entity in document.entities}
    if None not in taken and len(taken) == len(document.entities):
        return document
    fresh = (name for number in count(1) if (name := f"T{number}") not in taken)
    given: set[str | None] = {None}
    entities = []
    for entity in document.entities:
        entities.append(replace(entity, id=next(fresh)) if entity.id in given else entity)
        given.add(entity.id)
    return replace(document, entities=tuple(entities))


def with_relations(document: Document, found: Iterable[ScoredPair]) -> Document:
    """Replace the relations of a document by predicted ones.

    They are numbered R1, R2, … in the order of their arguments in the text. Attributes and notes of the document's own
    relations go with them; all else stays.

    Parameters
    ----------
    document
        A document whose entities all have an id of their own (see `with_entity_ids`).
    found
        The relations; their arguments are entities of the document.
    """
    relations: list[Relation] = []
    for label, head, tail, score in sorted(found, key=_position):
        assert head.id is not None
        assert tail.id is not None
        confidence = None if score is None else round(score, SCORE_DIGITS)
        relations.append(Relation(label, head.id, tail.id, f"R{len(relations) + 1}", confidence))
    gone = {relation.id for relation in document.relations} - {entity.id for entity in document.entities} - {None}
    attributes = tuple(one for one in document.attributes if one.target not in gone)
    gone |= {one.id for one in document.attributes} - {one.id for one in attributes}
    notes = tuple(note for note in document.notes if note.target not in gone)
    return replace(document, relations=tuple(relations), attributes=attributes, notes=notes)


def _position(pair: ScoredPair) -> tuple[int, int, int, int, str, str, str]:
    label, head, tail, _ = pair
    return head.start, head.end, tail.start, tail.end, label, str(head.id), str(tail.id)
