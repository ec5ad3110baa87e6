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
from suwen.files import StrPath
from suwen.formats.base import CorpusFormat
from suwen.formats.json_files import Row, checked, field, located_at, reporting_at, scan_records
from suwen.formats.reading import Located, Problem
from suwen.formats.record_forms import RECORDS, record_form
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Cluener"]

NAME = "cluener"


class Cluener(CorpusFormat):
    """Read the form of CLUENER: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S116, S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME
    suffixes = RECORDS

    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or the first one of a folder, holds texts with entities as CLUENER has them."""
        return record_form(Path(path)) == NAME

    def scan(
        self, path: StrPath, problem: Problem, schema: Schema | None = None, *, encoding: str | None = None
    ) -> Iterator[Located]:
        """Read lines.

        Parameters
        ----------
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        return scan_records(Path(path), problem, NAME, partial(_located, schema=schema), encoding)


FORMAT = Cluener()


def _located(rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None) -> Iterator[Located]:
    values = list(rows)
    extra = _extra(row for _, row in values)
    for number, row in values:
        report = reporting_at(problem, path, number)
        entities: list[Entity] = []
        try:
            text = field(row, "text", str, NAME)
            mentions = list(_mentions(row))
        except SuwenError as error:
            report(error)
            continue
        for label, mention, span in mentions:
            try:
                entities.append(checked(_entity(label, mention, span, text, extra), text, report, schema))
            except SuwenError as error:
                report(error)
        yield located_at(Document(f"{name}/{number}", text, tuple(entities)), path, number)


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
                        fitting.update(extra for extra in (0, 1) if text[start : end + extra] == mention)
        except SuwenError:
            continue  # it is reported when the row is read
    return int(fitting[1] >= fitting[0])


def _entity(label: str, mention: str, span: Any, text: str, extra: int) -> Entity:
    match span:
        case [int(start), int(end)]:
            annotated = None if text[start : end + extra] == mention else mention
            return Entity(label, start, end + extra, annotated=annotated)
    raise SuwenError("S213", field="label", reason=f"holds {span!r:.40}, which is not [first, last]", format=NAME)
