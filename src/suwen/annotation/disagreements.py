"""The places where annotators differ: for people to read and to decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suwen.annotation.annotators import Annotations, by_document
from suwen.document import Document, Entity, Note, Relation, Span

__all__ = ["Disagreement", "disagreements_in", "to_adjudicate"]

NOTE = "AnnotatorNotes"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A part of a text in which the mentions of the annotators differ.

    Parameters
    ----------
    document
        The document's id.
    span
        The stretch, in code points of the text.
    mentions
        What each annotator has there, by name; what all have is in it too.
    """

    document: str
    span: Span
    mentions: Mapping[str, Sequence[Entity]]


def disagreements_in(annotators: Annotations) -> Iterator[Disagreement]:
    """Find the places where annotators differ, in the order of the documents and texts.

    Mentions that overlap belong to one place, so that a boundary and a type that differ are seen together.

    Parameters
    ----------
    annotators
        The documents of each.
    """
    for by_name in by_document(annotators):
        differing = sorted(
            (key[1], key[2]) for key, names in _annotators_of_mentions(by_name).items() if len(names) < len(by_name)
        )
        places: list[Span] = []
        for start, end in differing:
            if places and start < places[-1][1]:
                places[-1] = places[-1][0], max(end, places[-1][1])
            else:
                places.append((start, end))
        for place in places:
            mentions = {
                name: [one for one in document.entities if one.start < place[1] and place[0] < one.end]
                for name, document in by_name.items()
            }
            yield Disagreement(next(iter(by_name.values())).id, place, mentions)


def to_adjudicate(annotators: Annotations) -> Iterator[Document]:
    """Merge the annotations of each document; a note names the annotators of each annotation that not all of them made.

    Equal mentions and relations are merged. Attributes, notes and the lines of ``.ann`` files are left out: they belong
    to one annotator's ids.
    """
    yield from map(_merged, by_document(annotators))


def _annotators_of_mentions(by_name: Mapping[str, Document]) -> dict[tuple[str, int, int], list[str]]:
    """Return the annotators that have each mention."""
    found: defaultdict[tuple[str, int, int], list[str]] = defaultdict(list)
    for name, document in by_name.items():
        for key in dict.fromkeys(entity.key for entity in document.entities):
            found[key].append(name)
    return dict(found)


def _merged(by_name: Mapping[str, Document]) -> Document:
    first = next(iter(by_name.values()))
    annotators_of = _annotators_of_mentions(by_name)
    all_entities = {entity.key: entity for document in by_name.values() for entity in document.entities}
    ordered = sorted(all_entities.values(), key=lambda entity: (entity.start, entity.end, entity.label))
    ids = {entity.key: f"T{number}" for number, entity in enumerate(ordered, 1)}
    entities = tuple(
        Entity(entity.label, entity.start, entity.end, entity.fragments, ids[entity.key]) for entity in ordered
    )
    notes: list[Note] = []

    def note(target: str, names: Sequence[str]) -> None:
        if len(names) < len(by_name):
            others = ", ".join(name for name in by_name if name not in names)
            text = f"{', '.join(names)} (not {others})"
            notes.append(Note(f"#{len(notes) + 1}", NOTE, target, " ".join(text.split())))

    for entity in ordered:
        note(ids[entity.key], annotators_of[entity.key])
    relations = []
    for number, ((label, head, tail), names) in enumerate(sorted(_annotators_of_relations(by_name, ids).items()), 1):
        relations.append(Relation(label, head, tail, f"R{number}"))
        note(f"R{number}", names)
    return Document(first.id, first.text, entities, tuple(relations), first.group, notes=tuple(notes))


def _annotators_of_relations(
    by_name: Mapping[str, Document], ids: Mapping[tuple[str, int, int], str]
) -> dict[tuple[str, str, str], list[str]]:
    """Return the annotators that have each relation, whose arguments have these ids."""
    found: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, document in by_name.items():
        keys = {entity.id: ids[entity.key] for entity in document.entities}
        rows = [(one.label, keys[one.head], keys[one.tail]) for one in document.relations
                if one.head in keys and one.tail in keys]  # fmt: skip
        for row in dict.fromkeys(rows):
            found[row].append(name)
    return dict(found)
