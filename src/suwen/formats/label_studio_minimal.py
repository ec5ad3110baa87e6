"""JSON-MIN of Label Studio: a row for each annotation, with the data and the regions side by side.

A task that several people have annotated has several rows with its id. They are read as the one task that JSON has.

Source: https://labelstud.io/guide/export#JSON-MIN
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from suwen.formats.json_files import Row

__all__ = ["is_minimal", "regions_in", "with_joined_rows"]

ABOUT = {"annotation_id": "id", "annotator": "completed_by"}
"""Fields of a row about its annotation, and their keys in JSON."""
SAME = ("created_at", "updated_at", "lead_time")


def is_minimal(task: Any) -> bool:
    """Return whether a record may be a row of JSON-MIN."""
    return isinstance(task, dict) and "data" not in task and "annotations" not in task


def regions_in(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the regions of a row, in the form that they have in JSON."""
    regions = []
    for key, value in task.items():
        for row in filter(_is_region, value if isinstance(value, list) else ()):
            name = {"id": row["id"]} if "id" in row else {}
            kind = "hypertextlabels" if "hypertextlabels" in row else "labels"
            regions.append({**name, "from_name": key, "to_name": "text", "type": kind, "value": row})
    return regions


def with_joined_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """Return tasks in their order; rows of JSON-MIN with the same id and texts are joined to one task."""
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for number, task in rows:
        is_row = is_minimal(task) and "annotation_id" in task and type(task.get("id")) in (int, str)
        key = (task["id"], tuple(sorted(_strings(task)))) if is_row else (number,)
        groups[key].append((number, task))
    for group in groups.values():
        number, first = group[0]
        yield number, _joined([task for _, task in group]) if len(group) > 1 else first


def _strings(task: dict[str, Any]) -> Iterator[str]:
    return (value for key, value in task.items() if isinstance(value, str) and key not in SAME)


def _joined(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the task of several rows."""
    names = dict.fromkeys(key for row in rows for key in row)
    own = {key for key in names if key in ABOUT or key in SAME or any(_is_regions(row.get(key)) for row in rows)}
    common = {key for key in names if key not in own and all(row.get(key, row) == rows[0].get(key) for row in rows)}
    annotations = [
        {ABOUT.get(key, key): value for key, value in row.items() if key not in common and not _is_regions(value)}
        | {"result": regions_in(row)}
        for row in rows
    ]
    data = {key: value for key, value in rows[0].items() if key in common and key != "id"}
    return {"id": rows[0]["id"], "data": data, "annotations": annotations}


def _is_regions(value: Any) -> bool:
    return isinstance(value, list) and any(map(_is_region, value))


def _is_region(row: Any) -> bool:
    return isinstance(row, dict) and "start" in row and "end" in row
