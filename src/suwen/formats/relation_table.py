"""Relations as rows of a table: type, confidence, both arguments, and the sentences that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity
from suwen.formats.entity_table import KeptRows, Places

__all__ = ["CERTAIN", "KIND", "RELATION_COLUMNS", "RelationRows", "relation_rows"]

_ARGUMENT: dict[str, type] = {"id": str, "type": str, "text": str, "start": int, "end": int}

RELATION_COLUMNS: dict[str, type] = {
    "document": str,
    "type": str,
    **{f"head_{name}": kind for name, kind in _ARGUMENT.items()},
    **{f"tail_{name}": kind for name, kind in _ARGUMENT.items()},
    "confidence": float,
    "model": str,
    "id": str,
    "sentence": str,
    "sentence_start": int,
    "sentence_end": int,
}
"""The columns of a table of relations and the kind of their values."""

CERTAIN = frozenset(("head_id", "tail_id", "sentence"))
"""The columns by which a table of relations is recognized."""

KIND = "a table of relations, without the texts"


def relation_rows(document: Document) -> Iterator[dict[str, Any]]:
    """Yield a row for each relation of a document, with the keys of `RELATION_COLUMNS`.

    ``sentence`` is the sentence of both arguments; where they are in several, those and all between, joined. Of an
    argument that is not an entity of the document only the id is known; its other cells are None.
    """
    if not document.relations:
        return
    places = Places(document)
    entities: dict[str | None, Entity] = {}
    for entity in document.entities:
        entities.setdefault(entity.id, entity)
    model = document.meta.get("relation_model")
    for relation in document.relations:
        ends = {"head": entities.get(relation.head), "tail": entities.get(relation.tail)}
        row: dict[str, Any] = dict.fromkeys(RELATION_COLUMNS)
        row |= {"document": document.id, "type": relation.label, "confidence": relation.score, "id": relation.id}
        row |= {"model": model, "head_id": relation.head, "tail_id": relation.tail}
        known = {side: entity for side, entity in ends.items() if entity is not None}
        for side, end in known.items():
            row[f"{side}_type"], row[f"{side}_text"] = end.label, document.mention(end)
            row[f"{side}_start"], row[f"{side}_end"] = end.start, end.end
        if known:
            start, stop = min(end.start for end in known.values()), max(end.end for end in known.values())
            sentence = places.sentences(start, stop)
            row |= {"sentence": sentence.text, "sentence_start": sentence.start, "sentence_end": sentence.end}
        yield row


class RelationRows(KeptRows):
    """Keep the rows of relations."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, RELATION_COLUMNS)

    def add(self, document: Document) -> None:
        """Add the rows of a document."""
        for row in relation_rows(document):
            self.keep(row)
