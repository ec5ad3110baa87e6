"""doccano: one JSON object a line, or a list of them, as its sequence-labeling projects import and export.

Read are the forms of all versions: ``"label"`` or ``"labels": [[start, end, label], …]``, and ``"entities": [{"id",
"label", "start_offset", "end_offset"}, …]`` with ``"relations": [{"id", "from_id", "to_id", "type"}, …]``, which
version 1.0 calls ``"annotations"``; written are lines with ``entities``. Offsets are code points, unless the option
``offsets`` names other units; no mention confirms them. Other keys of a line
(comments, imported values) are kept in ``meta["doccano"]``. Keys that the writer would not produce are kept in
``meta["doccano_record"]``, and written back as long as the document is unchanged. Where labels are
numbers of the project, as in its plain JSONL export, they are refused: their names are not in the file.

doccano cannot hold confidences. They are written as metadata: ``suwen_scores`` holds ``[start, end, label,
score]`` of each entity, ``suwen_relation_scores`` ``[type, start, end, start, end, score]`` of each relation.

A project drops entities that overlap, unless it was made to allow them; they are written, and counted.

doccano numbers its documents, so the document's id goes under ``document``; a line without it is named by its ``id``.

Source: https://doccano.github.io/doccano/
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import (
    RecordFormat,
    Row,
    built,
    entities_of,
    field,
    listed,
    located_at,
    name_under,
    reporting_at,
    scan_records,
)
from suwen.formats.offsets import Offsets, are_unconfirmed, moved, places_of
from suwen.formats.reading import Located, Problem, refuse
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Doccano"]

NAME = "doccano"
KEPT = "doccano_record"
"""The key of `Document.meta` with the record as it was read, without its text."""
SCORES, RELATION_SCORES = "suwen_scores", "suwen_relation_scores"
NAMED_LABELS = "export the project as 'JSONL (Text label)', which has the names"
OVERLAPPING = "overlapping entity (imported only if the project allows overlapping)"
_HELD = {"entity", "entity id", "score", "relation", "relation score"}
_LISTS = ("entities", "label", "labels", "annotations")
_OWN = ("text", "data", "document", *_LISTS, "relations", SCORES, RELATION_SCORES)


class Doccano(RecordFormat, WritableFormat):
    """Read and write the form of doccano: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S201, S204, S210, S211 and S213, each with file and line; S202 for a label
    not in the schema.
    """

    name = NAME

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        offsets: Offsets | None = None,
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read records; faulty ones are left out.

        Parameters
        ----------
        offsets
            What offsets count (see `suwen.formats.offsets`); by default the characters of the text, and a document is
            remarked where it matters whether they count UTF-16.
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        located = partial(self.located, schema=schema, offsets=offsets)
        return scan_records(Path(path), problem, NAME, located, encoding)

    def located(
        self,
        rows: Iterable[Row],
        path: Path,
        name: str,
        problem: Problem,
        schema: Schema | None,
        offsets: Offsets | None = None,
    ) -> Iterator[Located]:
        """Yield the documents of the records of a file."""
        for number, values in rows:
            report = reporting_at(problem, path, number)
            try:
                document = _document(values, f"{name}/{number}", report, schema, offsets or "text")
                unconfirmed = offsets is None and are_unconfirmed(document.text, document.entities)
                yield located_at(_with_record(document, values), path, number, unconfirmed)
            except SuwenError as error:
                report(error)

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write one file.

        Returns
        -------
        Counter[str]
            Counts of what it cannot hold, by kind. Entities have numbers; other ids are counted. Entities that
            overlap another are counted too.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S210 for a lone surrogate.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        numbers = itertools.count(1)
        with replacing(path) as temporary, temporary.open("wb") as file:
            for document in documents:
                record = _kept_record(document) or _fresh_record(document, numbers, lost)
                file.write(encoded(json.dumps(record, ensure_ascii=False) + "\n", document))
                lost += not_held(document, _HELD)
                lost["meta"] -= sum(isinstance(document.meta.get(key), dict) for key in (NAME, KEPT))
                lost[OVERLAPPING] += _overlapping(document.entities)
        return +lost


FORMAT = Doccano()


def _kept_record(document: Document) -> dict[str, Any] | None:
    """Return the record that the document was read from, if the document still says the same."""
    kept = document.meta.get(KEPT)
    if not isinstance(kept, dict) or not isinstance(kept.get("record"), dict):
        return None
    record = {**kept["record"], str(kept.get("key")): document.text}
    try:
        before = _document(record, document.id, refuse, None)
    except SuwenError:
        return None
    said = (document.text, document.entities, document.relations)
    return record if (before.text, before.entities, before.relations) == said else None


def _fresh_record(document: Document, numbers: Iterator[int], lost: Counter[str]) -> dict[str, Any]:
    ids: dict[str | None, int] = {}
    rows: list[dict[str, Any]] = []
    for entity in document.entities:
        number = ids[entity.id] = next(numbers)
        rows.append({"id": number, "label": entity.label, "start_offset": entity.start, "end_offset": entity.end})
        lost["entity id"] += entity.id is not None and entity.id != str(number)
    relations: list[dict[str, Any]] = []
    for relation in document.relations:
        if relation.head not in ids or relation.tail not in ids:
            lost["relation"] += 1
            continue
        ends = {"from_id": ids[relation.head], "to_id": ids[relation.tail]}
        relations.append({"id": len(relations) + 1, "type": relation.label, **ends})
    kept = document.meta.get(NAME)
    own = {**(kept if isinstance(kept, dict) else {}), "text": document.text, "document": document.id}
    return own | {"entities": rows, "relations": relations} | _scores(document)


def _scores(document: Document) -> dict[str, Any]:
    """Return the confidences, as metadata."""
    spans = {entity.id: (entity.start, entity.end) for entity in document.entities}
    entities = [[e.start, e.end, e.label, e.score] for e in document.entities if e.score is not None]
    relations = [
        [one.label, *spans[one.head], *spans[one.tail], one.score]
        for one in document.relations
        if one.score is not None and one.head in spans and one.tail in spans
    ]
    found = {SCORES: entities, RELATION_SCORES: relations}
    return {key: rows for key, rows in found.items() if rows}


def _with_scores(document: Document, values: dict[str, Any]) -> Document:
    """Return the document with the confidences of its metadata; of equal entities, each gets one in turn."""
    lists = (values.get(key) for key in (SCORES, RELATION_SCORES))
    waiting: defaultdict[str, list[float]] = defaultdict(list)
    for row in itertools.chain.from_iterable(rows for rows in lists if isinstance(rows, list)):
        if isinstance(row, list) and row and type(row[-1]) in (int, float) and 0 <= row[-1] <= 1:
            waiting[json.dumps(row[:-1])].append(float(row[-1]))
    if not waiting:
        return document

    def score(*key: object) -> float | None:
        found = waiting.get(json.dumps(key))
        return found.pop(0) if found else None

    spans = {entity.id: (entity.start, entity.end) for entity in document.entities}
    entities = tuple(replace(e, score=score(e.start, e.end, e.label)) for e in document.entities)
    relations = tuple(
        replace(one, score=score(one.label, *spans.get(one.head, ()), *spans.get(one.tail, ())))
        for one in document.relations
    )
    return replace(document, entities=entities, relations=relations)


def _overlapping(entities: Sequence[Entity]) -> int:
    """Count how many entities share a character with an earlier or longer one."""
    count, reached = 0, 0
    for entity in sorted(entities, key=lambda entity: (entity.start, -entity.end)):
        count += entity.start < reached
        reached = max(reached, entity.end)
    return count


def _document(
    values: dict[str, Any], name: str, report: Problem, schema: Schema | None, offsets: Offsets = "text"
) -> Document:
    text = field(values, _text_key(values), str, NAME)
    rows = _rows(values)
    places = places_of(text, offsets)
    entities = entities_of(rows, lambda row: moved(_entity(row), places), text, report, schema)
    relations = tuple(built(_relation_rows(values, report), _relation, report))
    kept = {key: value for key, value in values.items() if key not in _OWN and value not in ([], None)}
    meta = {NAME: kept} if kept else {}
    own = name_under(values, "document") or name_under(values, "id")
    found = Document(own or name, text, entities, relations, meta=meta)
    return _with_scores(found, values)


def _rows(values: dict[str, Any]) -> list[Any]:
    """Return the entities, which stand under one of several keys.

    Raises
    ------
    SuwenError
        S213 when there are different ones under two keys.
    """
    found = {key: values[key] for key in _LISTS if isinstance(values.get(key), list) and values[key]}
    if len(found) > 1:
        first, second = list(found)[:2]
        raise SuwenError("S213", field=second, reason=f"holds entities, and {first!r} too", format=NAME)
    return next(iter(found.values()), [])


def _text_key(values: dict[str, Any]) -> str:
    return "text" if "text" in values else "data"


def _with_record(document: Document, values: dict[str, Any]) -> Document:
    """Keep the record that a document was read from in its metadata, unless writing gives the same."""
    first = document.entities[0].id if document.entities else None
    numbers = itertools.count(int(first) if first is not None and first.isascii() and first.isdecimal() else 1)
    if _fresh_record(document, numbers, Counter()) == values:
        return document
    key = _text_key(values)
    record = {name: value for name, value in values.items() if name != key}
    return replace(document, meta={**document.meta, KEPT: {"key": key, "record": record}})


def _entity(row: Any) -> Entity:
    match row:
        case [int(start), int(end), str(label)]:
            name = None
        case [int(), int(), int()]:
            raise SuwenError("S215", advice=NAMED_LABELS)
        case str() | list():
            reason = f"holds {row!r:.40}, which is not [start, end, label]"
            raise SuwenError("S213", field="label", reason=reason, format=NAME)
        case _:
            start, end = field(row, "start_offset", int, NAME), field(row, "end_offset", int, NAME)
            if type(row.get("label")) is int:
                raise SuwenError("S215", advice=NAMED_LABELS)
            label, name = field(row, "label", str, NAME), name_under(row, "id")
    return Entity(label, start, end, id=name)


def _relation_rows(values: dict[str, Any], report: Problem) -> list[Any]:
    try:
        return listed(values, "relations", NAME)
    except SuwenError as error:
        report(error)
        return []


def _relation(row: Any) -> Relation:
    label = field(row, "type", str, NAME)
    head, tail = name_under(row, "from_id"), name_under(row, "to_id")
    if head is None or tail is None:
        raise SuwenError("S213", field="from_id", reason="or 'to_id' is missing", format=NAME)
    return Relation(label, head, tail, name_under(row, "id"))
