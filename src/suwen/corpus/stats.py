"""Statistics of a corpus and of the parts of a split: Table 2 of the paper for any data."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from suwen.corpus.sentences import sentence_spans
from suwen.corpus.split import Selection, whole
from suwen.document import Document, Entity
from suwen.schema import Schema

__all__ = ["Deviation", "Figures", "Statistics", "statistics"]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of a part.

    Parameters
    ----------
    documents
        Those of which the part owns something; under a sentence split several parts may own some of one.
    characters, sentences
        All characters, white space included; the sentences that begin in the part.
    labels
        The number of entities of each type.
    fragmented
        The entities of several pieces.
    nested
        The entities that lie inside another one; of two with the same hull, one.
    mention_characters
        The length of all mentions, without what lies between the pieces.
    relations
        The relations whose head begins in the part.
    """

    documents: int
    characters: int
    sentences: int
    labels: Counter[str]
    fragmented: int
    nested: int
    mention_characters: int
    relations: int

    @property
    def entities(self) -> int:
        """The number of entities of all types."""
        return self.labels.total()

    @property
    def mean_mention_length(self) -> float:
        """Characters per mention; 0 without mentions."""
        return self.mention_characters / max(self.entities, 1)

    def to_dict(self) -> dict[str, float]:
        """Return the figures as JSON values, without the labels."""
        return {
            "documents": self.documents,
            "characters": self.characters,
            "sentences": self.sentences,
            "entities": self.entities,
            "fragmented": self.fragmented,
            "nested": self.nested,
            "mean_mention_length": round(self.mean_mention_length, 4),
            "relations": self.relations,
        }


class Deviation(NamedTuple):
    """A label whose share in a part differs from the wanted one, in percentage points."""

    points: float
    label: str
    part: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of a corpus and of each part of a split of it (none without a split)."""

    schema: Schema
    parts: Mapping[str, Figures]
    total: Figures

    def share(self, label: str, part: str) -> float:
        """Return the share in [0, 1] of a label's entities that the part has; 0 where the corpus has none."""
        return self.parts[part].labels[label] / max(self.total.labels[label], 1)

    def largest_deviation(self, ratio: Mapping[str, float]) -> Deviation | None:
        """Return the largest deviation of the parts from the wanted ratio; None without labels or parts."""
        deviations = [
            Deviation(100 * (self.share(label, part) - ratio[part] / sum(ratio.values())), label, part)
            for label in self.total.labels
            for part in self.parts
        ]
        return max(deviations, key=lambda deviation: abs(deviation.points), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON values; shares are fractions of the entities of the label (``total``: of all)."""
        labels = []
        for kind in self.schema.entities:
            counts = {part: figures.labels[kind.name] for part, figures in self.parts.items()}
            shares = {part: round(self.share(kind.name, part), 6) for part in self.parts}
            total = self.total.labels[kind.name]
            labels.append(
                {
                    "label": kind.name,
                    "zh": kind.zh,
                    "en": kind.en,
                    "group": kind.group,
                    "counts": {**counts, "total": total},
                    "shares": {**shares, "total": round(total / max(self.total.entities, 1), 6)},
                }
            )
        figures = {part: figures.to_dict() for part, figures in self.parts.items()}
        return {"parts": {**figures, "total": self.total.to_dict()}, "labels": labels}


def statistics(
    documents: Sequence[Document],
    parts: Mapping[str, Sequence[Selection]] | None = None,
    schema: Schema | None = None,
) -> Statistics:
    """Count the annotations of the documents and of each part of a split.

    Parameters
    ----------
    documents
        The whole corpus.
    parts
        The selections of each part.
    schema
        The types to list, in order; those of the corpus if not given.
    """
    known = {document.id: _Facts.of(document) for document in documents}
    total = _figures(whole(documents), known)
    figures = {part: _figures(selections, known) for part, selections in (parts or {}).items()}
    return Statistics(schema or Schema.of_labels(total.labels), figures, total)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Figures of a document, computed once for all parts that own some of it."""

    sentence_starts: list[int]
    nested: frozenset[int]
    """The indices of nested entities."""
    relation_starts: list[int]
    """The starts of the heads of the relations."""

    @classmethod
    def of(cls, document: Document) -> _Facts:
        starts = {entity.id: entity.start for entity in document.entities}
        # A relation without a known head is counted where the document begins, so that the parts add up.
        heads = [starts.get(relation.head, 0) for relation in document.relations]
        return cls([start for start, _ in sentence_spans(document.text)], _nested(document.entities), sorted(heads))


def _figures(selections: Sequence[Selection], known: Mapping[str, _Facts]) -> Figures:
    labels: Counter[str] = Counter()
    characters = sentences = fragmented = nested = mention_characters = relations = 0
    for selection in selections:
        facts = known[selection.document.id]
        for start, end in selection.spans:
            characters += end - start
            sentences += _within(facts.sentence_starts, start, end)
            relations += _within(facts.relation_starts, start, end)
        for index, entity in enumerate(selection.document.entities):
            if selection.owns(entity.start):
                labels[entity.label] += 1
                fragmented += len(entity.pieces) > 1
                nested += index in facts.nested
                mention_characters += sum(end - start for start, end in entity.pieces)
    return Figures(len(selections), characters, sentences, labels, fragmented, nested, mention_characters, relations)


def _within(positions: list[int], start: int, end: int) -> int:
    """Return how many of the sorted positions lie in ``[start, end)``."""
    return bisect_left(positions, end) - bisect_left(positions, start)


def _nested(entities: Sequence[Entity]) -> frozenset[int]:
    """Return the indices of the entities whose hull lies inside that of another one (of equal hulls: all but one)."""
    order = sorted(range(len(entities)), key=lambda index: (entities[index].start, -entities[index].end))
    nested, reach = set(), 0
    for index in order:
        # Earlier entities begin no later: one contains this entity if it ends no earlier.
        if entities[index].end <= reach:
            nested.add(index)
        reach = max(reach, entities[index].end)
    return frozenset(nested)
