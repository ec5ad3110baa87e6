"""CMeEE: the form of CBLUE's entity task, a JSON list of texts with their entities, or one a line.

``[{"text": …, "entities": [{"start_idx": 3, "end_idx": 9, "type": "bod", "entity": …}]}]``. Entities may nest.

The end is that of the last character (inclusive, as in CMeEE itself) or one more (exclusive, as in some of its copies).
The mentions in the file tell which: what fits more of them holds for the whole file; without mentions, or where both
fit as many, it is inclusive. A mention that differs from the text is kept (``Entity.annotated``).

The first edition (CHIP 2020) is read too: a line ``TEXT|||3    9    bod|||`` for each text, ends inclusive.

Texts have no ids; their documents are numbered ``NAME/1``, ``NAME/2`` …

Source: https://tianchi.aliyun.com/cblue (CMeEE), Zhang et al. 2022, "CBLUE", ACL, section 3.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.encodings import encoding_of, read_encoded
from suwen.formats.json_files import Row, entities_of, field, fits, listed, located_at, reporting_at, scan_records
from suwen.formats.reading import Located, Problem, document_id
from suwen.formats.record_forms import RECORDS, TEXTS, record_form
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Cmeee", "Ends", "holds_bars", "is_bars"]

NAME = "cmeee"
Ends = Literal["inclusive", "exclusive"]
_HELD = {"entity", "annotated mention"}
_HEAD = 8192  # bytes that hold the first line
_BAR = re.compile(r"\s*(\d{1,9})\s+(\d{1,9})\s+(\S+)\s*")
_BARS = re.compile(rf".*?(?:\|\|\|{_BAR.pattern})+(?:\|\|\|)?")
_BAR_FORM = "'first last type'"


class Cmeee(WritableFormat):
    """Read and write the form of CMeEE: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S201, S204, S210, S211 and S213; S202 for a label not in the schema.
    """

    name = NAME
    suffixes = RECORDS

    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or the first one of a folder, holds texts with entities as CMeEE has them."""
        path = Path(path)
        return record_form(path) == NAME or (path.is_file() and holds_bars(path))

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        ends: Ends | None = None,
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read lists of texts; lines are the places in the list.

        Parameters
        ----------
        ends
            What ``end_idx`` means; by default what the mentions of the file say.
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        path = Path(path)
        if path.is_file() and holds_bars(path):
            return _scan_bars(path, problem, schema, ends, encoding)
        return scan_records(path, problem, NAME, partial(_located, schema=schema, ends=ends), encoding)

    def write(self, documents: Iterable[Document], path: StrPath, *, ends: Ends = "inclusive") -> Counter[str]:
        """Write one file.

        Parameters
        ----------
        ends
            What ``end_idx`` is to mean.

        Returns
        -------
        Counter[str]
            Counts of what it cannot hold, by kind; ids of documents are among it.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S210 for a lone surrogate.
        """
        path = Path(path)
        lost: Counter[str] = Counter()
        extra = int(ends == "inclusive")
        with replacing(path) as temporary, temporary.open("wb") as file:
            for number, document in enumerate(documents):
                rows = [_row(entity, document, extra) for entity in document.entities]
                line = json.dumps({"text": document.text, "entities": rows}, ensure_ascii=False)
                file.write(encoded(f"{',' if number else '['}\n{line}", document))
                lost += not_held(document, _HELD)
                lost["document id"] += 1
            file.write(b"\n]\n" if lost["document id"] else b"[]\n")
        return lost


FORMAT = Cmeee()


def holds_bars(path: Path) -> bool:
    """Return True if a file is one of the first edition of CMeEE."""
    try:
        with path.open("rb") as file:
            return is_bars(file.read(_HEAD))
    except OSError:
        return False


def is_bars(head: bytes) -> bool:
    """Return True if the first line of a file is one of the first edition of CMeEE."""
    first = head.decode(encoding_of(head), "ignore").removeprefix("\ufeff").partition("\n")[0]
    return _BARS.fullmatch(first.strip()) is not None


def _scan_bars(
    path: Path, problem: Problem, schema: Schema | None, ends: Ends | None, encoding: str | None
) -> Iterator[Located]:
    """Read the lines of the first edition."""
    rows: list[Row] = []
    try:
        lines = read_encoded(path, encoding).removeprefix("\ufeff").split("\n")
    except SuwenError as error:
        problem(error)
        return
    for number, line in enumerate(lines, 1):
        text, *entities = (part for part in line.rstrip("\r").split("|||"))
        found = []
        for entity in filter(str.strip, entities):
            match = _BAR.fullmatch(entity)
            if match is None:
                problem(SuwenError("S213", path, number, field=entity, reason=f"is none of {_BAR_FORM}", format=NAME))
                continue
            found.append({"start_idx": int(match[1]), "end_idx": int(match[2]), "type": match[3]})
        if text or found:
            rows.append((number, {"text": text, "entities": found}))
    yield from _located(rows, path, document_id(path, path.parent, TEXTS), problem, schema, ends)


def _located(
    rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None, ends: Ends | None
) -> Iterator[Located]:
    values = list(rows)
    extra = int((ends or _found_ends([row for _, row in values])) == "inclusive")
    for number, row in values:
        report = reporting_at(problem, path, number)
        try:
            text = field(row, "text", str, NAME)
            found = listed(row, "entities", NAME)
        except SuwenError as error:
            report(error)
            continue
        entities = entities_of(found, partial(_entity, text, extra), text, report, schema)
        yield located_at(Document(f"{name}/{number}", text, entities), path, number)


def _found_ends(values: list[Any]) -> Ends:
    """Detect from the mentions whether ends are inclusive."""
    fitting: Counter[int] = Counter()
    for row in values:
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            continue
        for entity in row["entities"] if isinstance(row.get("entities"), list) else ():
            if isinstance(entity, dict):
                start, end, mention = entity.get("start_idx"), entity.get("end_idx"), entity.get("entity")
                if type(start) is int and type(end) is int and 0 <= start <= end and isinstance(mention, str):
                    fitting.update(extra for extra in (0, 1) if fits(mention, start, end + extra, row["text"]))
    return "exclusive" if fitting[0] > fitting[1] else "inclusive"


def _entity(text: str, extra: int, values: Any) -> Entity:
    start, end = field(values, "start_idx", int, NAME), field(values, "end_idx", int, NAME) + extra
    label = field(values, "type", str, NAME)
    mention = field(values, "entity", str, NAME) if values.get("entity") is not None else None
    return Entity(label, start, end, annotated=None if mention in (None, text[start:end]) else mention)


def _row(entity: Entity, document: Document, extra: int) -> dict[str, Any]:
    mention = document.text[entity.start : entity.end] if entity.annotated is None else entity.annotated
    return {"start_idx": entity.start, "end_idx": entity.end - extra, "type": entity.label, "entity": mention}
