"""Label Studio: a JSON list of tasks, as its text-labeling projects import and export.

Of a task, the first annotation that was not cancelled is read, or, where nobody has annotated, the first prediction;
how many others there are is in ``meta["label_studio"]["others"]``. Written are predictions where entities have
confidences, annotations otherwise. The labeling configuration is to name the tags ``label`` and ``text``::

    <View><Labels name="label" toName="text"><Label value="Drug"/></Labels><Text name="text" value="$text"/></View>

Label Studio counts UTF-16 code units, other programs that write its form count code points. The two differ only after
characters beyond the basic plane; there the texts of the regions tell.

The document's id goes under ``data.document``; a task without it is named by its ``id``.

Source: https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import SUFFIXES, begins_like, field, name_under, scan_json
from suwen.formats.reading import Annotation, Located, Problem
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "LabelStudio"]

NAME = "label_studio"
_HELD = {"entity", "entity id", "score", "relation"}
_HEAD = re.compile(r"""\s*\[\s*\{\s*"(?:id|data|annotations|predictions|drafts|total_annotations)"\s*:""")
LARGEST_BASIC = "\uffff"


class LabelStudio(WritableFormat):
    """Read and write the form of Label Studio: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME
    suffixes = SUFFIXES

    def sniff(self, path: StrPath) -> bool:
        """Return True if a ``.json`` file, or the first one of a folder, is a list of tasks."""
        return begins_like(Path(path), _HEAD)

    def scan(self, path: StrPath, problem: Problem, schema: Schema | None = None) -> Iterator[Located]:
        """Read lists of tasks; lines are the places in the list."""
        return scan_json(Path(path), problem, partial(_located, schema=schema))

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write one file.

        Returns
        -------
        Counter[str]
            What it has no place for, by kind.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S210 for a lone surrogate.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        first = True
        with replacing(path) as temporary, temporary.open("wb") as file:
            for document in documents:
                kept = document.meta.get(NAME)
                content = json.dumps(_task(document, kept if isinstance(kept, dict) else {}, lost), ensure_ascii=False)
                file.write(encoded(f"{'[' if first else ','}\n{content}", document))
                first = False
                lost += not_held(document, _HELD)
                lost["meta"] -= isinstance(kept, dict)
            file.write(b"[]\n" if first else b"\n]\n")
        return +lost


FORMAT = LabelStudio()


def _located(tasks: Any, path: Path, name: str, problem: Problem, schema: Schema | None) -> Iterator[Located]:
    if not isinstance(tasks, list):
        raise SuwenError("S213", path, field="", reason="is not a list of tasks", format=NAME)
    for number, task in enumerate(tasks, 1):
        try:
            data = field(task, "data", dict, NAME)
            text = field(data, "text", str, NAME)
            results, others = _results(task)
        except SuwenError as error:
            problem(error.at(path, number))
            continue
        found: list[Annotation] = []
        points = _code_points(text, results)
        for row in results:
            try:
                found += _annotations(row, text, points, schema)
            except SuwenError as error:
                problem(error.at(path, number))
        own = name_under(data, "document") or name_under(task, "id") or f"{name}/{number}"
        kept = {key: value for key, value in data.items() if key not in ("text", "document")}
        meta = {key: value for key, value in (("data", kept), ("others", others)) if value}
        entities = tuple(item for item in found if isinstance(item, Entity))
        relations = tuple(item for item in found if isinstance(item, Relation))
        document = Document(own, text, entities, relations, meta={NAME: meta} if meta else {})
        yield Located(document, path, number, path, tuple((item, number) for item in found))


def _results(task: dict[str, Any]) -> tuple[list[Any], int]:
    """The regions and relations of the annotation that counts, and how many annotations and predictions do not."""
    candidates = []
    for key in ("annotations", "completions", "predictions"):
        rows = task.get(key) or []
        if not isinstance(rows, list):
            raise SuwenError("S213", field=key, reason="is not a list", format=NAME)
        candidates += [row for row in rows if isinstance(row, dict) and not row.get("was_cancelled")]
    if not candidates:
        return [], 0
    result: list[Any] = field(candidates[0], "result", list, NAME)
    return result, len(candidates) - 1


def _annotations(row: Any, text: str, points: list[int] | None, schema: Schema | None) -> Iterator[Annotation]:
    kind = field(row, "type", str, NAME)
    if kind == "relation":
        head, tail = field(row, "from_id", str, NAME), field(row, "to_id", str, NAME)
        labels = row.get("labels") or ["relation"]
        yield from (Relation(str(label), head, tail) for label in labels)
    elif kind == "labels":
        value = field(row, "value", dict, NAME)
        start, end = field(value, "start", int, NAME), field(value, "end", int, NAME)
        mention = value.get("text") if isinstance(value.get("text"), str) else None
        score = row.get("score")
        if not 0 <= start < end <= (len(text) if points is None else len(points) - 1):
            raise SuwenError("S201", start=start, end=end, length=len(text))
        if points is not None:
            start, end = points[start], points[end]
        for label in field(value, "labels", list, NAME):
            if schema is not None and label not in schema:
                raise SuwenError("S202", label=label, known=", ".join(schema.labels))
            yield Entity(
                str(label),
                start,
                end,
                id=name_under(row, "id"),
                score=float(score) if type(score) in (int, float) and 0 <= score <= 1 else None,
                annotated=None if mention in (None, text[start:end]) else mention,
            )


def _code_points(text: str, results: list[Any]) -> list[int] | None:
    """For each offset in UTF-16 code units that in code points; None where the mentions say that they are given so.

    What fits more of the mentions holds for the task; where both fit as many, it is Label Studio's own way.
    """
    if text.isascii() or max(text) <= LARGEST_BASIC:
        return None
    points = [place for place, character in enumerate(text) for _ in range(1 + (character > LARGEST_BASIC))]
    points.append(len(text))
    fitting: Counter[str] = Counter()
    for row in results:
        value = row.get("value") if isinstance(row, dict) else None
        match value:
            case {"start": int(start), "end": int(end), "text": str(mention)} if 0 <= start <= end < len(points):
                fitting["units"] += text[points[start] : points[end]] == mention
                fitting["points"] += text[start:end] == mention
    return points if fitting["units"] >= fitting["points"] else None


def _task(document: Document, kept: dict[str, Any], lost: Counter[str]) -> dict[str, Any]:
    text = document.text
    long = [place for place, character in enumerate(text) if character > LARGEST_BASIC]  # two code units each
    names: dict[str | None, str] = {}
    result: list[dict[str, Any]] = []
    for number, entity in enumerate(document.entities, 1):
        name = entity.id if entity.id is not None and entity.id not in names.values() else f"e{number}"
        names.setdefault(entity.id, name)
        start, end = (offset + bisect_left(long, offset) for offset in (entity.start, entity.end))
        value = {"start": start, "end": end, "text": text[entity.start : entity.end], "labels": [entity.label]}
        row = {"id": name, "from_name": "label", "to_name": "text", "type": "labels", "value": value}
        result.append(row if entity.score is None else row | {"score": entity.score})
    for relation in document.relations:
        if relation.head not in names or relation.tail not in names:
            lost["relation"] += 1
            continue
        ends = {"from_id": names[relation.head], "to_id": names[relation.tail]}
        result.append({**ends, "type": "relation", "direction": "right", "labels": [relation.label]})
    scored = any(entity.score is not None for entity in document.entities)
    data = kept.get("data") if isinstance(kept.get("data"), dict) else {}
    return {
        "data": {**(data or {}), "text": text, "document": document.id},
        "predictions" if scored else "annotations": [{"result": result}] if result else [],
    }
