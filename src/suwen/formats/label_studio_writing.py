"""Documents as tasks of Label Studio (see `suwen.formats.label_studio`)."""

from __future__ import annotations

import copy
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count
from statistics import fmean
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats.label_studio_reading import (
    CRLF,
    NAME,
    annotations_of,
    chosen_result,
    document_of,
    text_and_offsets,
    text_key,
)
from suwen.formats.reading import Annotation

__all__ = ["HELD", "KEPT", "task_of", "with_task"]

KEPT = "label_studio_task"
"""The key of `Document.meta` with the task as it was read, without its text."""
HELD = {"entity", "entity id", "score", "relation", "relation score"}
SCORE_DIGITS = 6


def with_task(document: Document, task: dict[str, Any], usual: str | None = None) -> Document:
    """Keep the task that a document was read from in its metadata, unless writing gives the same.

    Parameters
    ----------
    usual
        The key of the text, if the task does not show it.
    """
    if task_of(document, Counter()) == task:
        return document
    data = _data_of(task)
    key = text_key(data, usual)
    bare = {name: value for name, value in data.items() if name != key}
    kept = bare if data is task else {**task, "data": bare}
    return replace(document, meta={**document.meta, KEPT: {"key": key, "task": kept}})


def task_of(document: Document, lost: Counter[str]) -> dict[str, Any]:
    """Return the task of a document; what it cannot hold is counted."""
    kept = document.meta.get(KEPT)
    if isinstance(kept, dict):
        try:
            task = _restored(document, kept, lost)
        except (AttributeError, KeyError, SuwenError, TypeError):  # metadata may hold anything
            task = None
        if task is not None:
            return task
    return _fresh_task(document, lost)


def _data_of(task: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a task; those of JSON-MIN stand beside its regions."""
    return task["data"] if isinstance(task.get("data"), dict) else task


def _restored(document: Document, kept: dict[str, Any], lost: Counter[str]) -> dict[str, Any] | None:
    """Return the task as it was read, with the annotations of the document; None where that is not possible."""
    task: dict[str, Any] = copy.deepcopy(kept["task"])
    data = _data_of(task)
    sent, ends = _with_line_feeds(document) if CRLF in data else (document, [])
    data[kept["key"]] = sent.text
    if ends != data.get(CRLF, []):
        return None
    before = document_of(task, document.id, lambda error: None, usual=kept["key"])
    if before.text != document.text:
        return None
    if (before.entities, before.relations) == (document.entities, document.relations):
        return task
    if data is task:
        return None
    return _with_annotations(task, data[kept["key"]], sent, lost)


def _with_annotations(task: dict[str, Any], text: str, document: Document, lost: Counter[str]) -> dict[str, Any]:
    """Return the task with the annotations of the document in the place of those that count; all other regions stay."""
    chosen, _ = chosen_result(task, Counter())
    if chosen is None:
        chosen = {"result": []}
        task["annotations"] = [*(task.get("annotations") or []), chosen]
    _, offsets = text_and_offsets(text, chosen["result"])
    remaining: list[Annotation] = [*document.entities, *document.relations]
    rows = []
    for row in chosen["result"]:
        try:
            said = list(annotations_of(row, text, offsets.places, lambda error: None, None, Counter()))
        except SuwenError:
            said = []
        if all(said.count(item) <= remaining.count(item) for item in said):
            for item in said:
                remaining.remove(item)
            rows.append(row)
    places = offsets.places
    unit = (lambda offset: offset) if places is None else (lambda offset: bisect_left(places, offset))
    entities = [item for item in remaining if isinstance(item, Entity)]
    relations = [item for item in remaining if isinstance(item, Relation)]
    names: dict[str | None, str] = {
        entity.id: entity.id for entity in document.entities if entity.id is not None and entity not in entities
    }
    chosen["result"] = rows + _rows(text, entities, relations, names, unit, lost)
    return task


def _fresh_task(document: Document, lost: Counter[str]) -> dict[str, Any]:
    kept = document.meta.get(NAME)
    data = kept.get("data") if isinstance(kept, dict) else None
    sent, ends = _with_line_feeds(document)
    result = _rows(sent.text, sent.entities, sent.relations, {}, lambda offset: offset, lost)
    items: tuple[Entity | Relation, ...] = (*sent.entities, *sent.relations)
    scores = [item.score for item in items if item.score is not None]
    model = document.meta.get("model")
    annotations: dict[str, list[dict[str, Any]]]
    if isinstance(model, str) or scores:
        version = {"model_version": model} if isinstance(model, str) else {}
        # The tool sorts its tasks by this: the least certain first.
        certainty = {"score": round(fmean(scores), SCORE_DIGITS)} if scores else {}
        annotations = {"predictions": [{**version, **certainty, "result": result}]}
    else:
        annotations = {"annotations": [{"result": result}] if result else []}
    own = {**(data if isinstance(data, dict) else {}), "text": sent.text, "document": document.id}
    return {"data": own | ({CRLF: ends} if ends else {}), **annotations}


def _rows(
    text: str,
    entities: Iterable[Entity],
    relations: Iterable[Relation],
    names: dict[str | None, str],
    unit: Callable[[int], int],
    lost: Counter[str],
) -> list[dict[str, Any]]:
    """Return the regions and relations of annotations; `names` holds the ids of entities that have a region already."""
    rows: list[dict[str, Any]] = []
    for number, entity in enumerate(entities, 1):
        name = entity.id
        if name is None or name in names.values():
            name = next(free for free in (f"e{i}" for i in count(number)) if free not in names.values())
        names.setdefault(entity.id, name)
        names.setdefault(name, name)
        start, end = unit(entity.start), unit(entity.end)
        value = {"start": start, "end": end, "text": text[entity.start : entity.end], "labels": [entity.label]}
        row = {"id": name, "from_name": "label", "to_name": "text", "type": "labels", "value": value}
        rows.append(row if entity.score is None else row | {"score": entity.score})
    for relation in relations:
        if relation.head not in names or relation.tail not in names:
            lost["relation"] += 1
            continue
        ends = {"from_id": names[relation.head], "to_id": names[relation.tail]}
        line = {**ends, "type": "relation", "direction": "right", "labels": [relation.label]}
        rows.append(line if relation.score is None else line | {"score": relation.score})
    return rows


def _with_line_feeds(document: Document) -> tuple[Document, list[int]]:
    """Return the document with a line feed for each CRLF, which browsers count as one character, and their offsets.

    A text in which a mention ends inside a CRLF stays as it is.
    """
    breaks = [found.start() for found in re.finditer("\r\n", document.text)]
    inside = {place + 1 for place in breaks}
    if not breaks or any({entity.start, entity.end} & inside for entity in document.entities):
        return document, []

    def moved(offset: int) -> int:
        return offset - bisect_left(breaks, offset)

    entities = tuple(
        replace(entity, start=moved(entity.start), end=moved(entity.end), fragments=()) for entity in document.entities
    )
    text = document.text.replace("\r\n", "\n")
    return replace(document, text=text, entities=entities), [place - number for number, place in enumerate(breaks)]
