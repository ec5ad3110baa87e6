"""Add attributes to the entities of a document."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from suwen.document import Attribute, Document

__all__ = ["with_attributes"]


def with_attributes(document: Document, rows: Iterable[Sequence[tuple[str, str]]]) -> Document:
    """Add attributes, with ids that the document does not use; entities get an id if they need one.

    Parameters
    ----------
    rows
        For each entity the labels and values to add.
    """
    taken = {entity.id for entity in document.entities} | {attribute.id for attribute in document.attributes}
    names, numbers = _unused("T", taken), _unused("A", taken)
    entities, attributes = [], list(document.attributes)
    for entity, row in zip(document.entities, rows, strict=True):
        name = entity.id or next(names)
        entities.append(entity if entity.id else replace(entity, id=name))
        attributes += [Attribute(next(numbers), label, name, value) for label, value in row]
    return replace(document, entities=tuple(entities), attributes=tuple(attributes))


def _unused(prefix: str, taken: Container[str | None]) -> Iterator[str]:
    return (name for number in count(1) if (name := f"{prefix}{number}") not in taken)
