"""Gold and predicted relations of a document as keys: a relation is right if type, head span and tail span are.

Compared are sets, so a relation that occurs twice counts once. An argument is its hull: which of two entities with the
same hull is meant makes no difference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from suwen.corpus.split import Selection
from suwen.document import Document, Relation, Span
from suwen.evaluation.strict import Pair, StrictCounts, counts_by_unit, pair_documents

__all__ = ["RelationKey", "RelationPair", "is_whole", "owned_relations", "pair_relations", "relation_counts"]

RelationKey = tuple[str, Span | str, Span | str]
"""Type, head and tail: the hulls of the arguments, or the id of one that is not among the entities."""


class RelationPair(Pair):
    """A document of the part that is scored, with gold and predicted relations."""

    @cached_property
    def gold_relations(self) -> frozenset[RelationKey]:
        """The distinct gold relations that the part owns: those whose head begins in it."""
        return frozenset(key for key, _ in owned_relations(self.gold.document, self.gold))

    @cached_property
    def predicted_relations(self) -> Mapping[RelationKey, float | None]:
        """The distinct predicted relations that begin in the part's characters, with the highest confidence of each."""
        scores: dict[RelationKey, float | None] = {}
        for key, relation in owned_relations(self.predicted, self.gold):
            known = scores.get(key)
            scores[key] = relation.score if known is None else max(known, relation.score or 0.0)
        return scores

    @cached_property
    def right(self) -> frozenset[RelationKey]:
        """The relations that are in gold and prediction."""
        return frozenset(key for key in self.gold_relations & self.predicted_relations.keys() if is_whole(key))

    @cached_property
    def repeated(self) -> int:
        """Return how many gold relations only repeat another one."""
        return sum(1 for _ in owned_relations(self.gold.document, self.gold)) - len(self.gold_relations)


def owned_relations(document: Document, selection: Selection) -> Iterator[tuple[RelationKey, Relation]]:
    """Yield the relations of a document whose head begins in a selection, each with its key."""
    hulls: dict[str | None, Span] = {}
    for entity in document.entities:
        hulls.setdefault(entity.id, (entity.start, entity.end))
    for relation in document.relations:
        key = relation.label, hulls.get(relation.head, relation.head), hulls.get(relation.tail, relation.tail)
        if not selection.spans or selection.owns(_place(key, selection.spans[0][0])):
            yield key, relation


def is_whole(key: RelationKey) -> bool:
    """Return True if both arguments are among the entities."""
    return not isinstance(key[1], str) and not isinstance(key[2], str)


def _place(key: RelationKey, otherwise: int) -> int:
    """Return the start of a relation's head; of its tail if the head is not an entity."""
    return next((end[0] for end in key[1:] if not isinstance(end, str)), otherwise)


def pair_relations(selections: Sequence[Selection], predicted: Iterable[Document]) -> list[RelationPair]:
    """Pair each selection with the prediction of the same id.

    Raises
    ------
    SuwenError
        As `pair_documents`.
    """
    return [RelationPair(pair.gold, pair.predicted) for pair in pair_documents(selections, predicted)]


def relation_counts(pairs: Sequence[RelationPair], labels: Iterable[str] | None = None) -> StrictCounts:
    """Count matched, gold and predicted relations by unit and type (see `suwen.evaluation.strict.strict_counts`)."""
    if labels is None:
        labels = sorted({key[0] for pair in pairs for key in pair.gold_relations | pair.predicted_relations.keys()})

    def sides(pair: RelationPair) -> list[list[tuple[str, int]]]:
        first = pair.gold.spans[0][0] if pair.gold.spans else 0
        keys: tuple[Collection[RelationKey], ...] = pair.right, pair.gold_relations, pair.predicted_relations
        return [[(key[0], _place(key, first)) for key in side] for side in keys]

    return counts_by_unit(((pair.gold.spans, sides(pair)) for pair in pairs), labels)
