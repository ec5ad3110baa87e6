"""CLUENER: one JSON object a line, with the entities by type and mention. This format is only read.

``{"text": …, "label": {"drug": {"二甲双胍": [[4, 7], …]}}}``. Ends are those of the last character (inclusive), or one
more (exclusive, as in some copies): what fits more of the mentions holds for the whole file. Texts have no ids; their
documents are numbered ``NAME/1``, ``NAME/2`` … Files without ``label`` (the test part) have no entities.

Source: https://github.com/CLUEbenchmark/CLUENER2020
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.formats.json_files import RecordFormat, Row, entities_of, field, fits, located_at, reporting_at
from suwen.formats.reading import Located, Problem
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Cluener"]

NAME = "cluener"


class Cluener(RecordFormat):
    """Read the form of CLUENER: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S116, S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME

    def located(
        self, rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None
    ) -> Iterator[Located]:
        """Yield the documents of the records of a file."""
        values = list(rows)
        extra = _extra(row for _, row in values)
        for number, row in values:
            report = reporting_at(problem, path, number)
            try:
                text = field(row, "text", str, NAME)
                mentions = list(_mentions(row))
            except SuwenError as error:
                report(error)
                continue
            entities = entities_of(mentions, partial(_entity, text, extra), text, report, schema)
            yield located_at(Document(f"{name}/{number}", text, entities), path, number)


FORMAT = Cluener()


def _mentions(row: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield the label, the mention and the ``[first, last]`` of every entity."""
    if row.get("label") is None:
        return
    for label, mentions in field(row, "label", dict, NAME).items():
        for mention in field(row["label"], label, dict, NAME):
            yield from ((label, mention, span) for span in field(mentions, mention, list, NAME))


def _extra(rows: Iterable[Any]) -> int:
    """Return 1 where ends are inclusive, 0 where they are exclusive."""
    fitting: Counter[int] = Counter()
    for row in rows:
        try:
            text = field(row, "text", str, NAME)
            for _, mention, span in _mentions(row):
                match span:
                    case [int(start), int(end)] if 0 <= start <= end:
                        fitting.update(extra for extra in (0, 1) if fits(mention, start, end + extra, text))
        except SuwenError:
            continue  # it is reported when the row is read
    return int(fitting[1] >= fitting[0])


def _entity(text: str, extra: int, values: tuple[str, str, Any]) -> Entity:
    label, mention, span = values
    match span:
        case [int(start), int(end)]:
            annotated = None if text[start : end + extra] == mention else mention
            return Entity(label, start, end + extra, annotated=annotated)
    raise SuwenError("S213", field="label", reason=f"holds {span!r:.40}, which is not [first, last]", format=NAME)
