r"""CCKS: the forms of its tasks on Chinese electronic medical records. This format is only read.

2019 and 2020 (also Yidu-S4K)
    One JSON object a line, often in a ``.txt`` file with a byte order mark: ``{"originalText": …, "entities":
    [{"label_type": "药物", "start_pos": 4, "end_pos": 8}]}``. Ends are exclusive. Texts are numbered.
2017 and 2018
    A pair of files for each text: ``NAME.txtoriginal.txt`` is the text, ``NAME.txt`` has a line for each entity, with
    tabs between the mention, the first and the last character (inclusive) and the type. Without mentions fitting
    that way, ends are exclusive.

Sources: http://openkg.cn/dataset/yidu-s4k; the tasks of the China Conference on Knowledge Graph and Semantic Computing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from suwen.document import Document, Entity
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.formats.base import CorpusFormat
from suwen.formats.encodings import read_encoded
from suwen.formats.json_files import (
    Row,
    checked,
    entities_of,
    field,
    fits,
    listed,
    located_at,
    name_under,
    reporting_at,
    scan_records,
)
from suwen.formats.offsets import Offsets, are_unconfirmed, moved, place_of, places_of
from suwen.formats.reading import Annotation, Located, Problem, document_id, files_in
from suwen.formats.record_forms import RECORDS, TEXTS, record_form
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Ccks"]

NAME = "ccks"
ORIGINAL = ".txtoriginal.txt"
_FORM = "mention, first, last and type with tabs between them"


class Ccks(CorpusFormat):
    """Read the forms of CCKS: a file, or all files of a folder.

    Faults are S101, S102, S103, S114, S115, S116, S201, S203, S204, S209, S210, S211 and S213; S202 for a label not in
    the schema.
    """

    name = NAME
    suffixes = (*RECORDS, *TEXTS)

    def sniff(self, path: StrPath) -> bool:
        """Return True if a file, or a folder, holds records of CCKS or a pair of text and annotations."""
        path = Path(path)
        if path.is_dir():
            pair = next(files_in(path, (ORIGINAL,)), None)
            return pair is not None or record_form(path) == NAME
        return path.name.endswith(ORIGINAL) or _original(path).exists() or record_form(path) == NAME

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        offsets: Offsets | None = None,
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read records and pairs.

        Parameters
        ----------
        offsets
            What offsets count (see `suwen.formats.offsets`); by default the characters of the text, and a record is
            remarked where it matters whether they count UTF-16.
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        path = Path(path)
        if path.is_dir():
            originals = list(files_in(path, (ORIGINAL,)))
        else:
            originals = [file for file in (path, _original(path)) if file.name.endswith(ORIGINAL) and file.exists()]
        if not originals:
            return scan_records(path, problem, NAME, partial(_located, schema=schema, offsets=offsets), encoding)
        root = path if path.is_dir() else path.parent
        return chain.from_iterable(_pair(file, root, problem, schema, encoding, offsets) for file in originals)


FORMAT = Ccks()


def _original(annotations: Path) -> Path:
    return annotations.with_name(annotations.name.removesuffix(".txt") + ORIGINAL)


def _located(
    rows: Iterable[Row], path: Path, name: str, problem: Problem, schema: Schema | None, offsets: Offsets | None
) -> Iterator[Located]:
    for number, values in rows:
        report = reporting_at(problem, path, number)
        try:
            text = field(values, "originalText", str, NAME)
            found = listed(values, "entities", NAME)
        except SuwenError as error:
            report(error)
            continue
        own = name_under(values, "id") or f"{name}/{number}"
        places = places_of(text, offsets or "text")
        entities = entities_of(found, partial(_placed, places=places), text, report, schema)
        unconfirmed = offsets is None and are_unconfirmed(text, entities)
        yield located_at(Document(own, text, entities), path, number, unconfirmed)


def _placed(row: Any, places: Sequence[int] | None) -> Entity:
    start, end = field(row, "start_pos", int, NAME), field(row, "end_pos", int, NAME)
    return moved(Entity(field(row, "label_type", str, NAME), start, end), places)


def _pair(
    original: Path,
    root: Path,
    problem: Problem,
    schema: Schema | None,
    encoding: str | None,
    offsets: Offsets | None,
) -> Iterator[Located]:
    annotations = original.with_name(original.name[: -len(ORIGINAL)] + ".txt")
    try:
        name = document_id(original, root, (ORIGINAL,))
        text = read_encoded(original, encoding)
        lines = read_encoded(annotations, encoding).removeprefix("\ufeff").split("\n")
    except SuwenError as error:
        problem(error)
        return
    places = places_of(text, offsets or "text")
    rows: list[tuple[int, str, int, int, str]] = []
    for number, line in enumerate(lines, 1):
        match [cell.strip() for cell in line.strip().split("\t")]:
            case [mention, first, last, label] if first.isdecimal() and last.isdecimal():
                rows.append((number, mention, place_of(int(first), places), place_of(int(last), places), label))
            case [""]:
                pass
            case cells:
                problem(SuwenError("S203", annotations, number, reason=f"{len(cells)} cells", form=_FORM))
    fitting = Counter(extra for _, mention, a, b, _ in rows for extra in (0, 1) if fits(mention, a, b + extra, text))
    extra = int(fitting[1] >= fitting[0])
    found: list[tuple[Annotation, int]] = []
    for number, mention, start, end, label in rows:
        report = reporting_at(problem, annotations, number)
        annotated = None if text[start : end + extra] == mention else mention
        try:
            entity = checked(Entity(label, start, end + extra, annotated=annotated), text, report, schema)
        except SuwenError as error:
            report(error)
            continue
        found.append((entity, number))
    entities = tuple(item for item, _ in found if isinstance(item, Entity))
    yield Located(Document(name, text, entities), original, None, annotations, tuple(found))
