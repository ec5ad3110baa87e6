"""The relations of a document as a page lists them: by sentence, below the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from markupsafe import Markup

from suwen.document import Document, Entity
from suwen.formats.entity_table import Places, Sentence
from suwen.pages.page import Types, mark, marked_up, mention_title, on_one_line
from suwen.schema import EntityType

__all__ = ["LONGEST_SENTENCE", "ListedRelation", "ListedSentence", "listed_relations"]

LONGEST_SENTENCE = 80
"""Characters of a sentence above its relations; of a longer one, the beginning is shown."""


@dataclass(frozen=True, slots=True)
class ListedRelation:
    """A relation: its type, and both arguments as HTML."""

    kind: EntityType
    css_class: str
    head: Markup
    tail: Markup
    score: float | None


@dataclass(frozen=True, slots=True)
class ListedSentence:
    """A sentence and its relations."""

    text: Markup
    is_cut: bool
    relations: list[ListedRelation] = field(default_factory=list)


def listed_relations(document: Document, types: Types, kinds: Types) -> Iterator[ListedSentence]:
    """Yield the sentences that have relations, in the order of the text, each with those whose first argument it has.

    Parameters
    ----------
    types, kinds
        The entity types and the relation types of the page.
    """
    places = Places(document)
    entities: dict[str | None, Entity] = {}
    for entity in document.entities:
        entities.setdefault(entity.id, entity)

    def argument(name: str) -> Markup:
        return _argument(document, entities[name], types) if name in entities else marked_up(name)

    rows: list[tuple[Sentence, int, ListedRelation]] = []
    for relation in document.relations:
        starts = sorted(entities[name].start for name in (relation.head, relation.tail) if name in entities)
        first, last = (starts[0], starts[-1]) if starts else (0, 0)
        kind, css_class = kinds[relation.label], kinds.css_class(relation.label)
        ends = argument(relation.head), argument(relation.tail)
        rows.append((places.sentences(first, first + 1), last, ListedRelation(kind, css_class, *ends, relation.score)))
    rows.sort(key=lambda row: (row[0].start, row[1]))
    for sentence, group in groupby(rows, key=lambda row: row[0]):
        text = on_one_line(sentence.text[:LONGEST_SENTENCE])
        yield ListedSentence(text, len(sentence.text) > LONGEST_SENTENCE, [row for _, _, row in group])


def _argument(document: Document, entity: Entity, types: Types) -> Markup:
    """Return the mention with the color and the name of its type."""
    kind = types[entity.label]
    title = mention_title(kind, entity.score)
    tag = mark(entity, (entity.start, entity.end), types.css_class(entity.label), kind.zh, title)
    return tag + on_one_line(document.mention(entity)) + Markup("</mark>")
