"""Edits of a document: they move all offsets, are logged, and can be replayed from the log."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Page, Span
from suwen.errors import SuwenError
from suwen.files import StrPath, excess, read_text, replacing

__all__ = ["META", "Edit", "Moves", "Recipe", "derived", "excerpt", "read_log", "recipe_lines", "replay", "write_log"]

META = "augmentation"
"""The key of a generated document's `meta` that names its origin."""

SEAM = "\n\n"
"""Text between parts of a document that were not neighbors: a paragraph break in any view."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement of a stretch of text, which holds no line break.

    Parameters
    ----------
    start, end
        Where it was, in code points of the original document.
    old, new
        The characters before and after; `new` may be empty or of another length.
    method
        Who did it: ``mlm``, ``mention``, ``token`` or ``synonym``.
    word
        Which word of the generated document it belongs to. A word that a line break cuts takes several edits.
    probability
        What the model gave the whole word, where a model chose it.
    """

    start: int
    end: int
    old: str
    new: str
    method: str
    word: int
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """The recipe that makes a generated document from its original.

    Parameters
    ----------
    id
        The id of the generated document.
    source
        The id of the original.
    copy
        The number of the copy, from 1.
    method
        The method or composition.
    spans
        The parts of the original that it consists of; None for all of it.
    edits
        What is changed, from left to right, none overlapping.
    failure
        Why the document is as it was, if it could not be augmented.
    """

    id: str
    source: str
    copy: int
    method: str
    spans: tuple[Span, ...] | None = None
    edits: tuple[Edit, ...] = ()
    failure: str = ""


class Moves:
    """The new places of the characters of a text after replacements.

    Parameters
    ----------
    edits
        From left to right, none overlapping.
    """

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self._ends = [edit.end for edit in edits]
        self._shifts = [0, *accumulate(len(edit.new) - (edit.end - edit.start) for edit in edits)]

    def __call__(self, position: int) -> int:
        """Return the new place of a boundary; inside a replaced span it moves no further than the new span."""
        index = bisect_right(self._ends, position)
        if index < len(self._edits) and self._edits[index].start < position:
            edit = self._edits[index]
            return edit.start + self._shifts[index] + min(position - edit.start, len(edit.new))
        return position + self._shifts[index]


def derived(source: Document, recipe: Recipe) -> Document:
    """Make the document that a recipe describes.

    Entities keep label, id and order, and move with their characters; relations, attributes and notes stay. Pieces of
    an entity whose characters are all gone vanish. With `recipe.spans` the rest of the original is cut away.

    Raises
    ------
    SuwenError
        S310 when the edits are not of this document.
    """
    edits = recipe.edits
    for edit in edits:
        found = source.text[edit.start : edit.end]
        if found != edit.old or not found:
            raise SuwenError("S310", id=source.id, found=found, start=edit.start, old=edit.old)
    for first, second in pairwise(edits):
        if second.start < first.end:
            raise SuwenError("S310", id=source.id, found="another edit", start=second.start, old=second.old)
    moves = Moves(edits)
    places = [0, *(place for edit in edits for place in (edit.start, edit.end)), len(source.text)]
    kept = [source.text[start:end] for start, end in zip(places[::2], places[1::2], strict=True)]
    text = kept[0] + "".join(edit.new + after for edit, after in zip(edits, kept[1:], strict=True))
    document = replace(
        source,
        id=recipe.id,
        text=text,
        entities=tuple(_moved(entity, moves, edits) for entity in source.entities),
        pages=tuple(Page(page.number, moves(page.start), moves(page.end)) for page in source.pages),
    )
    if recipe.spans is not None:
        document = excerpt(document, [(moves(start), moves(end)) for start, end in recipe.spans])
    origin = {"source": recipe.source, "copy": recipe.copy, "method": recipe.method}
    return replace(document, meta={**document.meta, META: origin})


def _moved(entity: Entity, moves: Moves, edits: Sequence[Edit]) -> Entity:
    pieces = tuple((moves(start), moves(end)) for start, end in entity.pieces)
    pieces = tuple((start, end) for start, end in pieces if start < end)
    place = bisect_right(edits, entity.start, key=lambda edit: edit.end)
    changed = place < len(edits) and edits[place].start < entity.end
    return replace(
        entity,
        start=pieces[0][0],
        end=pieces[-1][1],
        fragments=pieces if len(pieces) > 1 else (),
        # Both are about the old mention.
        score=None if changed else entity.score,
        annotated=None if changed else entity.annotated,
    )


def excerpt(document: Document, spans: Sequence[Span]) -> Document:
    """Return the parts of a document as a document of its own; parts that were not neighbors become paragraphs.

    Entities that are not whole in one part are left out, and so is what speaks of them; pages and the lines of an
    ``.ann`` file speak of the whole document and go too.
    """
    joined: list[Span] = []
    for start, end in spans:
        if joined and joined[-1][1] == start:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((start, end))
    if joined == [(0, len(document.text))]:
        return document
    parts, entities, offset = [], {}, 0
    for begin, finish in joined:
        for index, entity in enumerate(document.entities):
            if begin <= entity.start and entity.end <= finish:
                entities[index] = entity.moved(offset - begin)
        parts.append(document.text[begin:finish])
        offset += finish - begin + len(SEAM)
    gone = {entity.id for index, entity in enumerate(document.entities) if index not in entities} - {None}
    relations = tuple(row for row in document.relations if not {row.head, row.tail} & gone)
    gone |= {row.id for row in document.relations if row not in relations} - {None}
    attributes = tuple(row for row in document.attributes if row.target not in gone)
    gone |= {row.id for row in document.attributes if row not in attributes}
    return replace(
        document,
        text=SEAM.join(parts),
        entities=tuple(entity for _, entity in sorted(entities.items())),
        relations=relations,
        attributes=attributes,
        notes=tuple(row for row in document.notes if row.target not in gone),
        pages=(),
        meta={key: value for key, value in document.meta.items() if key != "brat"},
    )


def recipe_lines(recipe: Recipe) -> Iterator[str]:
    """Yield the lines of the log for one generated document: itself, then its edits."""
    head: dict[str, Any] = {
        "document": recipe.id,
        "source": recipe.source,
        "copy": recipe.copy,
        "method": recipe.method,
        "edits": len(recipe.edits),
    }
    if recipe.spans is not None:
        head["spans"] = recipe.spans
    if recipe.failure:
        head["failure"] = recipe.failure
    yield _line(head)
    for edit in recipe.edits:
        row = {
            "document": recipe.id,
            "start": edit.start,
            "end": edit.end,
            "old": edit.old,
            "new": edit.new,
            "method": edit.method,
            "word": edit.word,
        }
        yield _line(row if edit.probability is None else {**row, "probability": edit.probability})


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def write_log(recipes: Iterable[Recipe], path: StrPath) -> None:
    """Write the log as JSON Lines: a line for each generated document, followed by one for each of its edits."""
    path = Path(path)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for recipe in recipes:
            file.writelines(recipe_lines(recipe))


def read_log(path: StrPath) -> list[Recipe]:
    """Read a log.

    Raises
    ------
    SuwenError
        As `suwen.files.read_text`; S204 or S205 with file and line when it is not a log.
    """
    path = Path(path)
    recipes: list[Recipe] = []
    lines = read_text(path).split("\n")
    # After the last line end there is nothing, or a line that was cut.
    lines = lines if lines[-1] else lines[:-1]
    number = 0
    while number < len(lines):
        head = _row(lines[number], path, number + 1)
        rows = [
            _row(line, path, number + 2 + i) for i, line in enumerate(lines[number + 1 : number + 1 + head["edits"]])
        ]
        try:
            recipes.append(recipe_of(head, rows))
        except (KeyError, TypeError, ValueError) as error:
            raise SuwenError(
                "S205", path, number + 1, field="edits", reason=f"does not fit the log ({error!r})"
            ) from None
        number += 1 + len(rows)
    return recipes


def recipe_of(head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Recipe:
    """Return the recipe that lines of the log stand for."""
    if len(rows) != head["edits"] or any(row["document"] != head["document"] for row in rows):
        raise ValueError("edits are missing")
    edits = tuple(
        Edit(row["start"], row["end"], row["old"], row["new"], row["method"], row["word"], row.get("probability"))
        for row in rows
    )
    spans = head.get("spans")
    return Recipe(
        head["document"],
        head["source"],
        head["copy"],
        head["method"],
        None if spans is None else tuple((start, end) for start, end in spans),
        edits,
        head.get("failure", ""),
    )


def _row(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SuwenError("S204", path, number, reason=excess(error)) from None
    if not isinstance(row, dict) or not isinstance(row.setdefault("edits", 0), int):
        raise SuwenError("S205", path, number, field="edits", reason="is missing or not a number")
    return row


def replay(log: StrPath | Iterable[Recipe], originals: Iterable[Document]) -> list[Document]:
    """Make the generated documents again, from the log and the originals alone.

    Raises
    ------
    SuwenError
        As `read_log`; S310 when the log was made for other documents.
    """
    recipes = read_log(log) if isinstance(log, str | os.PathLike) else log
    by_id = {document.id: document for document in originals}
    documents = []
    for recipe in recipes:
        if recipe.source not in by_id:
            raise SuwenError("S310", id=recipe.source, found="no such document", start=0, old="")
        documents.append(derived(by_id[recipe.source], recipe))
    return documents
