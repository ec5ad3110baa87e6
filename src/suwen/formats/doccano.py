"""doccano: one JSON object a line, or a list of them, as its sequence-labeling projects import and export.

Read are the forms of all versions: ``"label"`` or ``"labels": [[start, end, label], …]``, and ``"entities": [{"id",
"label", "start_offset", "end_offset"}, …]`` with ``"relations": [{"id", "from_id", "to_id", "type"}, …]``, which
version 1.0 calls ``"annotations"``; written are lines with ``entities``. Offsets are code points. What else a line
holds (comments, and what was imported) is kept in ``meta["doccano"]``. Where labels are numbers of the project, as in
its plain JSONL export, they are refused: their names are not in the file.

doccano numbers its documents, so the document's id goes under ``document``; a line without it is named by its ``id``.

Source: https://doccano.github.io/doccano/
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import Row, checked, field, located_at, name_under, reporting_at, scan_records
from suwen.formats.reading import Located, Problem
from suwen.formats.record_forms import RECORDS, record_form
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Doccano"]

NAME = "doccano"
_HELD = {"entity", "entity id", "relation"}
_LISTS = ("entities", "label", "labels", "annotations")
_OWN = ("text", "data", "document", *_LISTS, "relations")


class Doccano(WritableFormat):
    """Read and write the form of doccano: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S201, S204, S210, S211 and S213, each with file and line; S202 for a label
    not in the schema.
    """

    name = NAME
    suffixes = RECORDS

    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or the first one of a folder, holds records of doccano."""
        return record_form(Path(path)) == NAME

    def scan(
        self, path: StrPath, problem: Problem, schema: Schema | None = None, *, encoding: str | None = None
    ) -> Iterator[Located]:
        """Read records; faulty ones are left out.

        Parameters
        ----------
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        return scan_records(Path(path), problem, NAME, partial(_located, schema=schema), encoding)

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write one file.

        Returns
        -------
        Counter[str]
            What it has no place for, by kind. doccano knows entities by numbers; other ids are counted.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S210 for a lone surrogate.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        fresh = 1
        with replacing(path) as temporary, temporary.open("wb") as file:
            for document in documents:
                numbers: dict[str | None, int] = {}
                rows: list[dict[str, Any]] = []
                for entity in document.entities:
                    numbers[entity.id] = fresh
                    row = {"id": fresh, "label": entity.label, "start_offset": entity.start, "end_offset": entity.end}
                    rows.append(row)
                    lost["entity id"] += entity.id is not None and entity.id != str(fresh)
                    fresh += 1
                relations: list[dict[str, Any]] = []
                for relation in document.relations:
                    if relation.head not in numbers or relation.tail not in numbers:
                        lost["relation"] += 1
                        continue
                    ends = {"from_id": numbers[relation.head], "to_id": numbers[relation.tail]}
                    relations.append({"id": len(relations) + 1, "type": relation.label, **ends})
                kept = document.meta.get(NAME)
                values = {**(kept if isinstance(kept, dict) else {}), "text": document.text, "document": document.id}
                values |= {"entities": rows, "relations": relations}
                file.write(encoded(json.dumps(values, ensure_ascii=False) + "\n", document))
                lost += not_held(document, _HELD)
                lost["meta"] -= isinstance(kept, dict)
        return +lost


FORMAT = Doccano()


def _located(rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None) -> Iterator[Located]:
    for number, values in rows:
        report = reporting_at(problem, path, number)
        try:
            yield located_at(_document(values, f"{name}/{number}", report, schema), path, number)
        except SuwenError as error:
            report(error)


def _document(values: dict[str, Any], name: str, report: Problem, schema: Schema | None) -> Document:
    text = field(values, "text" if "text" in values else "data", str, NAME)
    rows: Any = next((values[key] for key in _LISTS if isinstance(values.get(key), list)), [])
    entities = _built(rows, lambda row: _entity(row, text, report, schema), report)
    relations = _built(values.get("relations") or [], _relation, report)
    kept = {key: value for key, value in values.items() if key not in _OWN and value not in ([], None)}
    own = values.get("document") or values.get("id")
    return Document(
        name if own is None else str(own), text, tuple(entities), tuple(relations), meta={NAME: kept} if kept else {}
    )


def _built(rows: Any, build: Any, report: Problem) -> Iterator[Any]:
    if not isinstance(rows, list):
        report(SuwenError("S213", field="relations", reason="is not a list", format=NAME))
        return
    for row in rows:
        try:
            yield build(row)
        except SuwenError as error:
            report(error)


def _entity(row: Any, text: str, report: Problem, schema: Schema | None) -> Entity:
    match row:
        case [int(start), int(end), str(label)]:
            name = None
        case _:
            start, end = field(row, "start_offset", int, NAME), field(row, "end_offset", int, NAME)
            if type(row.get("label")) is int:
                raise SuwenError("S215", advice="export the project as 'JSONL (Text label)', which has the names")
            label, name = field(row, "label", str, NAME), name_under(row, "id")
    return checked(Entity(label, start, end, id=name), text, report, schema)


def _relation(row: Any) -> Relation:
    label = field(row, "type", str, NAME)
    head, tail = name_under(row, "from_id"), name_under(row, "to_id")
    if head is None or tail is None:
        raise SuwenError("S213", field="from_id", reason="or 'to_id' is missing", format=NAME)
    return Relation(label, head, tail, name_under(row, "id"))
