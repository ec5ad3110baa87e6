"""doccano: one JSON object a line, as its sequence-labeling projects import and export.

Read are both of its forms, ``"label": [[start, end, label], …]`` and ``"entities": [{"id", "label", "start_offset",
"end_offset"}, …]`` with ``"relations": [{"id", "from_id", "to_id", "type"}, …]``; written is the second. Offsets are
code points. What else a line holds (doccano gives back what was imported) is kept in ``meta["doccano"]``.

doccano numbers its documents, so the document's id goes under ``document``; a line without it is named by its ``id``.

Source: https://doccano.github.io/doccano/
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats import jsonl
from suwen.formats.articles.files import ending
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import field, name_under
from suwen.formats.reading import Annotation, Located, Problem, document_id, files_in
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Doccano"]

NAME = "doccano"
_HELD = {"entity", "entity id", "relation"}
_OWN = ("text", "data", "document", "label", "labels", "entities", "relations")


class Doccano(WritableFormat):
    """Read and write the form of doccano: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S201, S204, S210, S211 and S213, each with file and line; S202 for a label
    not in the schema.
    """

    name = NAME
    suffixes = (".jsonl",)

    def sniff(self, path: StrPath) -> bool:
        """Return True if a ``.jsonl`` file, or the first one of a folder, holds lines of doccano."""
        return jsonl.is_of_doccano(Path(path))

    def scan(self, path: StrPath, problem: Problem, schema: Schema | None = None) -> Iterator[Located]:
        """Read lines; faulty ones are left out."""
        path = Path(path)
        root = path if path.is_dir() else path.parent
        for file in files_in(path, self.suffixes):
            try:
                name = document_id(file, root, (ending(file, self.suffixes) or "",))
            except SuwenError as error:
                problem(error)
                continue
            for number, values in jsonl.objects(file, problem):
                report = functools.partial(_report_at, problem, file, number)
                try:
                    document = _document(values, f"{name}/{number}", report, schema)
                except SuwenError as error:
                    report(error)
                    continue
                annotations: list[Annotation] = [*document.entities, *document.relations]
                yield Located(document, file, number, file, tuple((item, number) for item in annotations))

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


def _report_at(problem: Problem, path: Path, line: int, error: SuwenError) -> None:
    problem(error.at(path, line))


def _document(values: dict[str, Any], name: str, report: Problem, schema: Schema | None) -> Document:
    text = field(values, "text" if "text" in values else "data", str, NAME)
    rows: Any = next((values[key] for key in ("entities", "label", "labels") if isinstance(values.get(key), list)), [])
    entities = _built(rows, lambda row: _entity(row, text, schema), report)
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


def _entity(row: Any, text: str, schema: Schema | None) -> Entity:
    match row:
        case [int(start), int(end), str(label)]:
            name = None
        case _:
            start, end = field(row, "start_offset", int, NAME), field(row, "end_offset", int, NAME)
            label, name = field(row, "label", str, NAME), name_under(row, "id")
    if end > len(text):
        raise SuwenError("S201", start=start, end=end, length=len(text))
    if schema is not None and label not in schema:
        raise SuwenError("S202", label=label, known=", ".join(schema.labels))
    return Entity(label, start, end, id=name)


def _relation(row: Any) -> Relation:
    label = field(row, "type", str, NAME)
    head, tail = name_under(row, "from_id"), name_under(row, "to_id")
    if head is None or tail is None:
        raise SuwenError("S213", field="from_id", reason="or 'to_id' is missing", format=NAME)
    return Relation(label, head, tail, name_under(row, "id"))
