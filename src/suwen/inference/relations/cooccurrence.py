"""The co-occurrence baseline: every pair of fitting types that stands close together in a sentence is related."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from suwen.document import Document, Entity
from suwen.inference.relations.extractor import RelationExtractor, ScoredPair, with_entity_ids, with_relations
from suwen.schema import LCDD, Schema
from suwen.text.distance import SentenceEnds

__all__ = ["NAME", "REACH", "CooccurrenceExtractor"]

NAME = "cooccurrence"

REACH = 60
"""The maximum number of characters between the arguments of a relation."""


class CooccurrenceExtractor(RelationExtractor):
    """Relate all entities of a sentence whose types a relation type joins.

    At most `REACH` characters may stand between them, and no end of a sentence (``。！？``). Nothing is learned, so
    the relations have no confidence.

    Parameters
    ----------
    schema
        The relation types and the entity types that they join.
    """

    name = NAME
    reach = REACH

    def __init__(self, schema: Schema = LCDD) -> None:
        self._schema = schema
        self._labels: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for kind in schema.relations:
            self._labels[kind.head, kind.tail].append(kind.name)

    @property
    def schema(self) -> Schema:
        """The relation types that are found."""
        return self._schema

    def relate(self, document: Document) -> Document:
        """Find the relations of a document (see `RelationExtractor.relate`)."""
        document = with_entity_ids(document)
        return with_relations(document, self._pairs(document))

    def _pairs(self, document: Document) -> Iterator[ScoredPair]:
        ends = SentenceEnds(document.text)
        for first, second in _near(document):
            if ends.between((first.start, first.end), (second.start, second.end)):
                continue
            for head, tail in ((first, second), (second, first)):
                for label in self._labels.get((head.label, tail.label), ()):
                    yield label, head, tail, None


def _near(document: Document) -> Iterator[tuple[Entity, Entity]]:
    """Yield the pairs of entities with few enough characters between them, each once."""
    behind: list[Entity] = []
    for second in sorted(document.entities, key=lambda entity: (entity.start, entity.end)):
        behind = [first for first in behind if second.start - first.end <= REACH]
        yield from ((first, second) for first in behind)
        behind.append(second)
