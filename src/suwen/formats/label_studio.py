"""Label Studio: a JSON list of tasks, as its text-labeling projects import and export.

Read are JSON and JSON-MIN. Of a task, the first annotation that was not cancelled is read, or, where nobody has
annotated, the first prediction; how many others there are is in ``meta["label_studio"]["others"]``. The text is the
value ``text`` of the data, or the only one that is a string. Regions of hypertext are read by their offsets in the
text of the page. Other annotators' annotations, regions without labels and regions of other kinds (choices, ratings)
are counted in ``meta["read_from"]["dropped"]``. Written are predictions where entities or relations
have confidences, annotations otherwise. The labeling configuration is to name the tags ``label`` and ``text``::

    <View><Labels name="label" toName="text"><Label value="Drug"/></Labels><Text name="text" value="$text"/></View>

Label Studio counts UTF-16 code units, other programs that write its form count code points. The two differ only after
characters beyond the basic plane; there the texts of the regions tell. They also tell whether a line end of two
characters (CRLF), which browsers show as one, was counted as one; ``meta["read_from"]["offsets"]`` then says so.

The document's id goes under ``data.document``; a task without it is named by its ``id``.

Source: https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import Row, checked, field, name_under, reporting_at, scan_records
from suwen.formats.reading import Annotation, Located, Problem
from suwen.formats.record_forms import RECORDS, record_form
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "LabelStudio"]

NAME = "label_studio"
_HELD = {"entity", "entity id", "score", "relation", "relation score"}
LARGEST_BASIC = "\uffff"
_ONE_PIECE = 2
"""``/p[1]/text()[1]`` is the path of a piece of text in a paragraph that may be the only one."""

_TAG = re.compile(r"<[^>]*>")


class LabelStudio(WritableFormat):
    """Read and write the form of Label Studio: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME
    suffixes = RECORDS

    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or the first one of a folder, holds tasks."""
        return record_form(Path(path)) == NAME

    def scan(
        self, path: StrPath, problem: Problem, schema: Schema | None = None, *, encoding: str | None = None
    ) -> Iterator[Located]:
        """Read lists of tasks; lines are the places in the list.

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


def _located(rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None) -> Iterator[Located]:
    for number, task in rows:
        report = reporting_at(problem, path, number)
        dropped: Counter[str] = Counter()
        try:
            data = task["data"] if isinstance(task, dict) and isinstance(task.get("data"), dict) else _minimal(task)
            key = _text_key(data)
            results, others = _results(task, dropped) if data is not task else (_regions(task), 0)
        except SuwenError as error:
            report(error)
            continue
        dropped["annotation of another annotator"] += others
        text, offsets = _text_of(data[key], results)
        found: list[Annotation] = []
        for row in results:
            try:
                found += _annotations(row, text, offsets.places, report, schema, dropped)
            except SuwenError as error:
                report(error)
        own = name_under(data, "document") or name_under(task, "id") or f"{name}/{number}"
        kept = (
            {name: value for name, value in data.items() if name not in (key, "document")} if data is not task else {}
        )
        meta: dict[str, Any] = {name: value for name, value in (("data", kept), ("others", others)) if value}
        source: dict[str, Any] = {"dropped": dict(+dropped)} if +dropped else {}
        if offsets.remark:
            source["offsets"] = offsets.remark
        entities = tuple(item for item in found if isinstance(item, Entity))
        relations = tuple(item for item in found if isinstance(item, Relation))
        said = ({NAME: meta} if meta else {}) | ({"read_from": source} if source else {})
        document = Document(own, text, entities, relations, meta=said)
        yield Located(document, path, number, path, tuple((item, number) for item in found))


def _minimal(task: Any) -> dict[str, Any]:
    """A task of JSON-MIN, which has its data and its regions side by side."""
    if isinstance(task, dict) and "annotations" not in task and isinstance(task.get("text"), str):
        return task
    return field(task, "data", dict, NAME)  # type: ignore[no-any-return]


def _regions(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The regions of a task of JSON-MIN, in the form that they have in JSON."""
    rows = (row for value in task.values() if isinstance(value, list) for row in value if isinstance(row, dict))
    return [{"type": "labels", "value": row, "id": row.get("id")} for row in rows if "start" in row and "end" in row]


def _text_key(data: dict[str, Any]) -> str:
    """The key of the text: ``text``, or that of the only string."""
    strings = [key for key, value in data.items() if isinstance(value, str) and key != "document"]
    if "text" not in data and len(strings) == 1:
        return strings[0]
    field(data, "text", str, NAME)
    return "text"


def _results(task: dict[str, Any], dropped: Counter[str]) -> tuple[list[Any], int]:
    """The regions and relations of the annotation that counts, and how many annotations and predictions do not."""
    candidates = []
    for key in ("annotations", "completions", "predictions"):
        rows = task.get(key) or []
        if not isinstance(rows, list):
            raise SuwenError("S213", field=key, reason="is not a list", format=NAME)
        taken = [row for row in rows if isinstance(row, dict)]
        dropped["annotation that was cancelled"] += sum(bool(row.get("was_cancelled")) for row in taken)
        candidates += [row for row in taken if not row.get("was_cancelled")]
    if not candidates:
        return [], 0
    result: list[Any] = field(candidates[0], "result", list, NAME)
    return result, len(candidates) - 1


def _annotations(
    row: Any, text: str, places: Sequence[int] | None, report: Problem, schema: Schema | None, dropped: Counter[str]
) -> Iterator[Annotation]:
    kind = field(row, "type", str, NAME)
    if kind == "relation":
        head, tail = field(row, "from_id", str, NAME), field(row, "to_id", str, NAME)
        labels = row.get("labels") or ["relation"]
        yield from (Relation(str(label), head, tail, score=_score(row)) for label in labels)
    elif kind in ("labels", "hypertextlabels"):
        value = field(row, "value", dict, NAME)
        labels = value.get(kind) or value.get("labels") or ()
        span = _span(value)
        if not labels:
            dropped["region without a label"] += 1
            return
        if span is None:
            dropped["region without offsets in the text"] += 1
            return
        start, end = span
        mention = value.get("text") if isinstance(value.get("text"), str) else None
        if not 0 <= start < end <= (len(text) if places is None else len(places) - 1):
            raise SuwenError("S201", start=start, end=end, length=len(text))
        if places is not None:
            start, end = places[start], places[end]
        for label in labels:
            entity = Entity(
                str(label),
                start,
                end,
                id=name_under(row, "id"),
                score=_score(row),
                annotated=None if mention in (None, text[start:end]) else mention,
            )
            yield checked(entity, text, report, schema)
    else:
        dropped[f"region of the type {kind}"] += 1


def _score(row: dict[str, Any]) -> float | None:
    """The confidence of a region or relation, where it has one."""
    score: Any = row.get("score")
    return float(score) if type(score) in (int, float) and 0 <= score <= 1 else None


def _span(value: dict[str, Any]) -> tuple[int, int] | None:
    """The offsets of a region; those of hypertext count the text of the whole page."""
    match value:
        case {"globalOffsets": {"start": int(start), "end": int(end)}} | {"start": int(start), "end": int(end)}:
            return start, end
        case {"start": str(first), "end": str(last), "startOffset": int(start), "endOffset": int(end)}:
            # In a page of one piece of text, offsets into it are those of the page.
            return (start, end) if first == last and first.count("[") <= _ONE_PIECE else None
    field(value, "start", int, NAME)
    field(value, "end", int, NAME)
    return None


@dataclass(frozen=True, slots=True)
class _Offsets:
    """How offsets are to be understood: for each the place in the text, or None if they are places already."""

    places: Sequence[int] | None = None
    remark: str | None = None


def _text_of(source: str, results: list[Any]) -> tuple[str, _Offsets]:
    """The text that regions count in, and how: what fits most of their mentions; Label Studio's own way if several do.

    It counts UTF-16 code units, other programs count code points; browsers make one character of a line end of two.
    Of a page with tags, the text without them is counted.
    """
    spans = []
    for row in results:
        value = row.get("value") if isinstance(row, dict) else None
        if isinstance(value, dict) and isinstance(value.get("text"), str):
            try:
                span = _span(value)
            except SuwenError:
                continue  # it is reported when the region is read
            if span is not None:
                spans.append((*span, value["text"]))
    ways = [(source, _Offsets(_code_units(source)))]
    if ways[0][1].places is not None:
        ways.append((source, _Offsets()))
    if "\r\n" in source:
        ways.append((source, _Offsets(_one_for_line_end(source), "line ends count as one character")))
    if any(isinstance(row, dict) and row.get("type") == "hypertextlabels" for row in results) and "<" in source:
        plain = unescape(_TAG.sub("", source))
        ways.append((plain, _Offsets(_code_units(plain), "the text of the page without its tags")))
    return max(ways, key=lambda way: _fitting(way[0], way[1], spans))


def _fitting(text: str, offsets: _Offsets, spans: Iterable[tuple[int, int, str]]) -> int:
    places = offsets.places
    last = len(text) if places is None else len(places) - 1
    known = (
        (start, end, mention) if places is None else (places[start], places[end], mention)
        for start, end, mention in spans
        if 0 <= start <= end <= last
    )
    return sum(text[start:end] == mention for start, end, mention in known)


def _code_units(text: str) -> Sequence[int] | None:
    """For each offset in UTF-16 code units that in code points; None where they are the same."""
    if text.isascii() or max(text) <= LARGEST_BASIC:
        return None
    places = [place for place, character in enumerate(text) for _ in range(1 + (character > LARGEST_BASIC))]
    return [*places, len(text)]


def _one_for_line_end(text: str) -> Sequence[int]:
    """For each offset in the text with line ends of one character that in the text as it is."""
    places = [place for place, pair in enumerate(zip(text, text[1:] + " ", strict=True)) if pair != ("\r", "\n")]
    return [*places, len(text)]


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
        line = {**ends, "type": "relation", "direction": "right", "labels": [relation.label]}
        result.append(line if relation.score is None else line | {"score": relation.score})
    scores = [entity.score for entity in document.entities] + [relation.score for relation in document.relations]
    scored = any(score is not None for score in scores)
    data = kept.get("data") if isinstance(kept.get("data"), dict) else {}
    return {
        "data": {**(data or {}), "text": text, "document": document.id},
        "predictions" if scored else "annotations": [{"result": result}] if result else [],
    }
