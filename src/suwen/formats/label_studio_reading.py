"""Tasks of Label Studio as documents (see `suwen.formats.label_studio`)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from itertools import pairwise
from typing import Any

from suwen.document import UNANNOTATED, Document, Entity, Relation
from suwen.errors import SuwenError
from suwen.formats.json_files import checked, field, name_under
from suwen.formats.label_studio_minimal import is_minimal, regions_in
from suwen.formats.offsets import Offsets, places_of
from suwen.formats.reading import Annotation, Problem, refuse
from suwen.schema import Schema

__all__ = [
    "CRLF",
    "NAME",
    "Places",
    "annotated_by",
    "annotations_of",
    "annotators_of",
    "chosen_result",
    "document_of",
    "names_mentions",
    "text_and_offsets",
    "text_key",
    "usual_key",
]

NAME = "label_studio"
CRLF = "suwen_crlf"
"""The key of the data under which stand the offsets of the line feeds that are CRLF in the document's text."""

CANCELLED = "annotation that was cancelled"
LF, CRLF_COUNTED = "line ends count as one character", "line ends count as two characters"
WAYS: tuple[tuple[tuple[str, ...], str | None], ...] = (
    ((), None),
    (("utf-16",), None),
    (("lf",), LF),
    (("utf-16", "lf"), LF),
    (("crlf",), CRLF_COUNTED),
    (("utf-16", "crlf"), CRLF_COUNTED),
    (("no-bom",), "the byte order mark does not count"),
)
"""Units of offsets (see `suwen.formats.offsets`), and the remark about each."""
REGIONS = ("labels", "hypertextlabels")
"""Types of regions that are entities; the labels stand under a key of the same name."""

_TAG = re.compile(r"<[^>]*>")
_ONE_PIECE = re.compile(r"(?:/[\w()]+\[1\]){1,2}")
"""``/p[1]/text()[1]`` is the path of a piece of text in a paragraph that may be the only one."""
_NO_TEXT = {"document", "created_at", "updated_at"}


def document_of(
    task: Any,
    name: str,
    report: Problem = refuse,
    schema: Schema | None = None,
    usual: str | None = None,
    counted: Offsets | None = None,
) -> Document:
    """Read a task.

    Parameters
    ----------
    name
        The document's id, where the task has none.
    usual
        The key of the text, if the task does not show it (see `usual_key`).
    counted
        What offsets count; by default what fits most mentions.

    Raises
    ------
    SuwenError
        S213 when it is no task; faults of single regions go to `report`.
    """
    dropped: Counter[str] = Counter()
    data = task["data"] if isinstance(task, dict) and isinstance(task.get("data"), dict) else _minimal(task)
    key = text_key(data, usual)
    results: list[Any] = regions_in(task) if data is task else []
    others = 0
    if data is not task:
        chosen, others = chosen_result(task, dropped)
        results = chosen["result"] if chosen else []
    dropped["annotation of another annotator"] += others
    drafts = task.get("drafts")
    dropped["draft that was not submitted"] += len(drafts) if isinstance(drafts, list) else 0
    text, offsets = text_and_offsets(data[key], results)
    if counted is not None:
        text, offsets = data[key], Places(places_of(data[key], counted))
    found: list[Annotation] = []
    for row in results:
        try:
            found += annotations_of(row, text, offsets.places, report, schema, dropped)
        except SuwenError as error:
            report(error)
    kept = {} if data is task else {name: value for name, value in data.items() if name not in (key, "document", CRLF)}
    source: dict[str, Any] = {"dropped": dict(+dropped)} if +dropped else {}
    if offsets.remark:
        source["offsets"] = offsets.remark
    if found and data is not task and any(row is chosen for row in task.get("predictions") or ()):
        source["predicted"] = True
    if data is not task and chosen is None and dropped[CANCELLED]:
        source[UNANNOTATED] = True
    about: dict[str, Any] = {name: value for name, value in (("data", kept), ("others", others)) if value}
    meta = ({NAME: about} if about else {}) | ({"read_from": source} if source else {})
    document = Document(
        name_under(data, "document") or name_under(task, "id") or name,
        text,
        tuple(item for item in found if isinstance(item, Entity)),
        tuple(item for item in found if isinstance(item, Relation)),
        meta=meta,
    )
    return _with_crlf(document, data.get(CRLF))


def _with_crlf(document: Document, places: Any) -> Document:
    """Return the document with the line ends that were sent as line feeds alone."""
    text = document.text
    if not isinstance(places, list) or not all(
        type(place) is int and 0 <= place < len(text) and text[place] == "\n" for place in places
    ):
        return document
    ends = sorted(set(places))

    def moved(offset: int) -> int:
        # An end of a mention behind a line feed lies behind the CRLF; one before it, before.
        return offset + bisect_left(ends, offset)

    pieces = [text[start:end] for start, end in pairwise([0, *ends, len(text)])]
    entities = [replace(entity, start=moved(entity.start), end=moved(entity.end)) for entity in document.entities]
    return replace(document, text="\r".join(pieces), entities=tuple(entities))


def _minimal(task: Any) -> dict[str, Any]:
    """Return a row of JSON-MIN, which has its data and its regions side by side."""
    if is_minimal(task) and _strings(task):
        return task  # type: ignore[no-any-return]
    return field(task, "data", dict, NAME)  # type: ignore[no-any-return]


def _strings(data: dict[str, Any]) -> list[str]:
    """Return the keys that may be that of the text."""
    return [key for key, value in data.items() if isinstance(value, str) and key not in _NO_TEXT]


def text_key(data: dict[str, Any], usual: str | None = None) -> str:
    """Return the key of the text: ``text``, that of the only string, or the usual one of the file.

    Raises
    ------
    SuwenError
        S213 when the data does not show it.
    """
    strings = _strings(data)
    if "text" not in data and len(strings) == 1:
        return strings[0]
    if "text" not in data and usual in strings:
        return str(usual)
    if "text" not in data and strings:
        reason = f"is missing, and any of these may be the text: {', '.join(strings)}"
        raise SuwenError("S213", field="text", reason=reason, format=NAME)
    field(data, "text", str, NAME)
    return "text"


def usual_key(tasks: Iterable[Any]) -> str | None:
    """Return the key with the mentions of all regions, from the first task that shows it; else None."""
    return next(filter(None, map(_key_of_mentions, tasks)), None)


def _key_of_mentions(task: Any) -> str | None:
    try:
        data = task["data"] if isinstance(task, dict) and isinstance(task.get("data"), dict) else _minimal(task)
        chosen = {"result": regions_in(task)} if data is task else chosen_result(task, Counter())[0]
    except SuwenError:
        return None  # it is reported when the task is read
    rows = (chosen or {}).get("result") or []
    values = [row["value"] for row in rows if isinstance(row, dict) and isinstance(row.get("value"), dict)]
    mentions = [value["text"] for value in values if isinstance(value.get("text"), str)]
    if "text" in data or not mentions:
        return None
    fitting = [key for key in _strings(data) if all(mention in data[key] for mention in mentions)]
    return fitting[0] if len(fitting) == 1 else None


def names_mentions(task: Any) -> bool:
    """Return whether a region of the annotation that counts says what stands at its offsets."""
    rows = regions_in(task) if is_minimal(task) else (chosen_result(task, Counter())[0] or {}).get("result")
    values = (row.get("value") for row in rows or () if isinstance(row, dict))
    return any(isinstance(value, dict) and isinstance(value.get("text"), str) for value in values)


def chosen_result(task: dict[str, Any], dropped: Counter[str]) -> tuple[dict[str, Any] | None, int]:
    """Return the annotation that counts, and how many annotations and predictions do not; None if there is none.

    A prediction counts if there is no annotation, cancelled ones included.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for key in ("annotations", "completions", "predictions"):
        rows = task.get(key) or []
        if not isinstance(rows, list):
            raise SuwenError("S213", field=key, reason="is not a list", format=NAME)
        found[key] = [row for row in rows if isinstance(row, dict)]
    by_people = [*found["annotations"], *found["completions"]]
    candidates = [row for row in by_people if not row.get("was_cancelled")]
    dropped[CANCELLED] += len(by_people) - len(candidates)
    if by_people and not candidates:
        dropped["prediction of a task that was cancelled"] += len(found["predictions"])
    else:
        candidates += found["predictions"]
    if not candidates:
        return None, 0
    field(candidates[0], "result", list, NAME)
    return candidates[0], len(candidates) - 1


def annotators_of(task: Any) -> list[str]:
    """Return who has annotated a task and did not cancel: e-mail addresses, or the numbers that the tool gives."""
    if is_minimal(task):
        return [str(task["annotator"])] if type(task.get("annotator")) in (int, str) else []
    rows = task.get("annotations") if isinstance(task, dict) else None
    found = (_annotator(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return list(dict.fromkeys(name for name in found if name is not None))


def annotated_by(task: dict[str, Any], annotator: str) -> dict[str, Any]:
    """Return the task with the annotations of one annotator alone, and without predictions."""
    if is_minimal(task):
        return task
    rows = [row for row in task["annotations"] if isinstance(row, dict) and _annotator(row) == annotator]
    return {**task, "annotations": rows, "predictions": []}


def _annotator(row: dict[str, Any]) -> str | None:
    """Return who has made an annotation; None if it was cancelled or does not say."""
    by = row.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return str(by) if type(by) in (int, str) and not row.get("was_cancelled") else None


def annotations_of(
    row: Any, text: str, places: Sequence[int] | None, report: Problem, schema: Schema | None, dropped: Counter[str]
) -> Iterator[Annotation]:
    """Read a region or relation; what is none is counted in `dropped`.

    Parameters
    ----------
    places
        As in `Places`.

    Raises
    ------
    SuwenError
        S201, S211 or S213.
    """
    kind = field(row, "type", str, NAME)
    if kind == "relation":
        head, tail = field(row, "from_id", str, NAME), field(row, "to_id", str, NAME)
        if row.get("direction") == "left":
            head, tail = tail, head
        labels = _labels(row, "labels") or ["relation"]
        yield from (Relation(label, head, tail, score=_score(row)) for label in labels)
    elif kind in REGIONS:
        value = field(row, "value", dict, NAME)
        labels = _labels(value, kind) or _labels(value, "labels")
        span = _span(value)
        if not labels:
            dropped["region without a label"] += 1
            return
        if span is None:
            dropped["region without offsets in the text"] += 1
            return
        start, end = span
        mention = value.get("text") if isinstance(value.get("text"), str) else None
        if start == end:
            raise SuwenError("S211", reason=f"{labels[0]} at [{start}, {end})")
        if not 0 <= start < end <= (len(text) if places is None else len(places) - 1):
            raise SuwenError("S201", start=start, end=end, length=len(text))
        if places is not None:
            start, end = places[start], places[end]
        for label in labels:
            entity = Entity(
                label,
                start,
                end,
                id=name_under(row, "id"),
                score=_score(row),
                annotated=None if mention is None or _is_alike(mention, text[start:end]) else mention,
            )
            yield checked(entity, text, report, schema)
    else:
        dropped[f"region of the type {kind}"] += 1


def _labels(values: dict[str, Any], key: str) -> list[str]:
    """Return the labels of a region or relation; an empty list where there are none.

    Raises
    ------
    SuwenError
        S213.
    """
    found: Any = values.get(key) or []
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        raise SuwenError("S213", field=key, reason="is not a list of strings", format=NAME)
    return found


def _is_alike(mention: str, words: str) -> bool:
    """Return whether two strings differ in white space alone, of which exports leave some out."""
    return mention == words or "".join(mention.split()) == "".join(words.split())


def _score(row: dict[str, Any]) -> float | None:
    """Return the confidence of a region or relation, where it has one."""
    score: Any = row.get("score")
    return float(score) if type(score) in (int, float) and 0 <= score <= 1 else None


def _span(value: dict[str, Any]) -> tuple[int, int] | None:
    """Return the offsets of a region; those of hypertext count the text of the whole page."""
    match value:
        case {"globalOffsets": {"start": int(start), "end": int(end)}} | {"start": int(start), "end": int(end)}:
            return start, end
        case {"start": str(first), "end": str(last), "startOffset": int(start), "endOffset": int(end)}:
            # In a page of one piece of text, offsets into it are those of the page.
            return (start, end) if first == last and _ONE_PIECE.fullmatch(first) else None
    field(value, "start", int, NAME)
    field(value, "end", int, NAME)
    return None


@dataclass(frozen=True, slots=True)
class Places:
    """The place in the text for each offset; None if the offsets are places already."""

    places: Sequence[int] | None = None
    remark: str | None = None


def text_and_offsets(source: str, results: list[Any]) -> tuple[str, Places]:
    """Return the text that regions count in, and how: what fits most of their mentions; code points if several ways do.

    Label Studio counts code points; old versions counted UTF-16 code units. Browsers make one character of a
    line end of two, other programs two of a line feed. Of a page with tags, the text without them is counted.
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
    ways: list[tuple[str, tuple[str, ...], str | None]] = [(source, *way) for way in WAYS]
    if any(isinstance(row, dict) and row.get("type") == "hypertextlabels" for row in results) and _TAG.search(source):
        # Before the others, so that regions without mentions count the text that people saw.
        ways.insert(0, (unescape(_TAG.sub("", source)), ("utf-16",), "the text of the page without its tags"))
    best, most = (source, Places()), -1
    for text, units, remark in ways:
        offsets = Places(places_of(text, *units), remark)
        count = _fitting(text, offsets, spans)
        if count > most:
            best, most = (text, offsets), count
        if most == len(spans):
            break
    return best


def _fitting(text: str, offsets: Places, spans: Iterable[tuple[int, int, str]]) -> int:
    places = offsets.places
    last = len(text) if places is None else len(places) - 1
    known = (
        (start, end, mention) if places is None else (places[start], places[end], mention)
        for start, end, mention in spans
        if 0 <= start <= end <= last
    )
    return sum(text[start:end] == mention for start, end, mention in known)
