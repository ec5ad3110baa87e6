"""Prodigy: one JSON object a line, as ``prodigy db-out`` gives it. This format is only read.

``{"text": …, "spans": [{"start": 4, "end": 8, "label": "DRUG"}], "answer": "accept", "meta": {…}}``. Offsets are code
points, ends exclusive. Tasks that were rejected or ignored say nothing certain: they are read without their spans,
which are counted as left out, and are marked (``meta["read_from"]["unannotated"]``). Texts are named by ``id``, in the
task or in its ``meta``, else numbered.

Source: https://prodi.gy/docs/api-interfaces
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from suwen.document import UNANNOTATED, Document, Entity
from suwen.errors import SuwenError
from suwen.formats.json_files import RecordFormat, Row, entities_of, field, listed, located_at, name_under, reporting_at
from suwen.formats.reading import Located, Problem
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Prodigy"]

NAME = "prodigy"
_REFUSED = {"ignore", "reject"}


class Prodigy(RecordFormat):
    """Read the form of Prodigy: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S116, S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME

    def located(
        self, rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None
    ) -> Iterator[Located]:
        """Yield the documents of the records of a file."""
        seen: set[str] = set()
        for number, values in rows:
            report = reporting_at(problem, path, number)
            try:
                document = _document(values, f"{name}/{number}", report, schema)
            except SuwenError as error:
                report(error)
                continue
            if document.id in seen:
                # One text is a task for every annotator, or for every sentence of its source.
                document = Document(f"{name}/{number}", document.text, document.entities, meta=document.meta)
            seen.add(document.id)
            yield located_at(document, path, number)


FORMAT = Prodigy()


def _document(values: Any, name: str, report: Problem, schema: Schema | None) -> Document:
    text = field(values, "text", str, NAME)
    rows = listed(values, "spans", NAME)
    meta = dict(values["meta"]) if isinstance(values.get("meta"), dict) else {}
    if values.get("answer") in _REFUSED:
        dropped = {f"span of a task with the answer {values['answer']}": len(rows)} if rows else {}
        meta["read_from"] = ({"dropped": dropped} if dropped else {}) | {UNANNOTATED: True}
        rows = []
    own = name_under(values, "id") or name_under(meta, "id") or name
    return Document(own, text, entities_of(rows, _entity, text, report, schema), meta=meta)


def _entity(row: Any) -> Entity:
    start, end = field(row, "start", int, NAME), field(row, "end", int, NAME)
    return Entity(field(row, "label", str, NAME), start, end)
