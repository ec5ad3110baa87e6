"""Entities and relations in one pass: a relation model after an extractor of entities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from suwen.corpus.split import Selection
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.inference.predictor import Extractor
from suwen.inference.relations.extractor import RelationExtractor
from suwen.schema import Schema

__all__ = ["GivenEntities", "RelatingExtractor", "require_shared_types"]


class RelatingExtractor(Extractor):
    """Finds entities and the relations between them.

    Parameters
    ----------
    entities
        Finds the entities.
    relations
        Finds the relations.

    Raises
    ------
    SuwenError
        S603 when the relation model knows none of the entity types that are found.
    """

    def __init__(self, entities: Extractor, relations: RelationExtractor) -> None:
        self.entities = entities
        self.relations = relations
        self.learned_from = dict(entities.learned_from)
        self.name = " + ".join(filter(None, (entities.name, relations.name)))
        require_shared_types(entities.schema.labels, relations.schema)

    @property
    def schema(self) -> Schema:
        """The entity types and the relation types that are found."""
        return replace(self.entities.schema, relations=self.relations.schema.relations)

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Find entities and relations of groups of selections (see `Extractor.predict_groups`)."""
        return self.relations.pipe(self.entities.predict_groups(groups))


class GivenEntities(Extractor):
    """Takes documents with the entities that they have.

    Parameters
    ----------
    schema
        The entity types that are looked at.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    @property
    def schema(self) -> Schema:
        """The entity types that are looked at."""
        return self._schema

    def predict_groups(self, groups: Iterable[Iterable[Selection]]) -> Iterator[Document]:
        """Yield the documents of groups of selections."""
        return (selection.document for selection in chain.from_iterable(groups))


def require_shared_types(labels: Iterable[str], schema: Schema) -> None:
    """Refuse entities that no relation of a schema can have as arguments.

    Parameters
    ----------
    labels
        The entity types that occur.

    Raises
    ------
    SuwenError
        S603.
    """
    joined = {end for kind in schema.relations for end in (kind.head, kind.tail)}
    found = sorted(set(labels))
    if not joined.intersection(found):
        raise SuwenError("S603", found=", ".join(found), known=", ".join(sorted(joined)))
