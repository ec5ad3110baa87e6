"""Label Studio: a JSON list of tasks, as its text-labeling projects import and export.

JSON and JSON-MIN are read. Of a task, the first annotation that was not cancelled is read; without annotations, the
first prediction (``meta["read_from"]["predicted"]``). The number of others is in ``meta["label_studio"]["others"]``. If
all were cancelled, no prediction is read, and the document is marked (``meta["read_from"]["unannotated"]``). The text
is the value ``text`` of the data, the only string, or the string that contains the mentions of the regions. Regions of
hypertext are read by their offsets in the text of the page.
Other annotators' annotations, regions without labels and regions of other kinds (choices, ratings) are counted in
``meta["read_from"]["dropped"]``. Keys that the writer would not produce are kept in ``meta["label_studio_task"]``,
with all of that, and written back as long as the document still says the same.

Written are predictions where a model is named (``meta["model"]``) or there are confidences, annotations otherwise. The
labeling configuration is made by `suwen.formats.label_studio_config`; its tags are named ``label`` and ``text``.

Label Studio counts code points; old versions counted UTF-16 code units. The two differ only after characters beyond the
basic plane; there the texts of the regions tell, or the option ``offsets``. They also tell whether a line end of two
characters (CRLF) was counted as one, as browsers do, a line feed as two, and a byte order mark not at all;
``meta["read_from"]["offsets"]`` then says so. CRLF is written as a line feed; ``data.suwen_crlf`` holds the places, and
reading puts it back.

The document's id goes under ``data.document``; a task without it is named by its ``id``.

Source: https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.json_files import Row, located_at, record_files, records_of, reporting_at, scan_records
from suwen.formats.label_studio_minimal import with_joined_rows
from suwen.formats.label_studio_reading import (
    NAME,
    annotated_by,
    annotators_of,
    document_of,
    names_mentions,
    usual_key,
)
from suwen.formats.label_studio_writing import HELD, KEPT, task_of, with_task
from suwen.formats.offsets import Offsets, are_unconfirmed
from suwen.formats.reading import Located, Problem, refuse
from suwen.formats.record_forms import RECORDS, record_form
from suwen.formats.writing import encoded, not_held
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "LabelStudio"]


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
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        offsets: Offsets | None = None,
        encoding: str | None = None,
        annotator: str | None = None,
    ) -> Iterator[Located]:
        """Read lists of tasks; lines are the places in the list.

        Parameters
        ----------
        offsets
            What offsets count (see `suwen.formats.offsets`); by default what fits the mentions, and a task without
            mentions is remarked where it matters whether they count UTF-16.
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        annotator
            Read the annotations of this annotator (an e-mail address, or a number) and leave out other tasks.
        """
        located = partial(_located, schema=schema, annotator=annotator, offsets=offsets)
        return scan_records(Path(path), problem, NAME, located, encoding)

    def annotators(self, path: StrPath) -> list[str]:
        """Return who has annotated the tasks of a file or folder, in the order in which they are met.

        Raises
        ------
        SuwenError
            As `scan`.
        """
        files = record_files(Path(path), NAME)
        names = (name for file in files for _, task in records_of(file, refuse) for name in annotators_of(task))
        return list(dict.fromkeys(names))

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write one file.

        Returns
        -------
        Counter[str]
            Counts of what it cannot hold, by kind.

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
                content = json.dumps(task_of(document, lost), ensure_ascii=False)
                file.write(encoded(f"{'[' if first else ','}\n{content}", document))
                first = False
                lost += not_held(document, HELD)
                lost["meta"] -= sum(key in document.meta for key in (NAME, KEPT, "model"))
                # Written as predictions, or as it came, again.
                lost["meta"] -= "read_from" in document.meta and (
                    KEPT in document.meta or document.meta["read_from"] == {"predicted": True}
                )
            file.write(b"[]\n" if first else b"\n]\n")
        return +lost


FORMAT = LabelStudio()


def _located(
    rows: Iterable[Row],
    path: Path,
    name: str,
    problem: Problem,
    schema: Schema | None,
    annotator: str | None,
    offsets: Offsets | None,
) -> Iterator[Located]:
    tasks = list(with_joined_rows(rows))
    usual = usual_key(task for _, task in tasks)
    for number, task in tasks:
        report = reporting_at(problem, path, number)
        if annotator is not None and annotator not in annotators_of(task):
            continue
        try:
            chosen = task if annotator is None else annotated_by(task, annotator)
            document = document_of(chosen, f"{name}/{number}", report, schema, usual, offsets)
            unconfirmed = (
                offsets is None and are_unconfirmed(document.text, document.entities) and not names_mentions(chosen)
            )
            if annotator is None:
                document = with_task(document, task, usual)
        except SuwenError as error:
            report(error)
            continue
        yield located_at(document, path, number, unconfirmed)
