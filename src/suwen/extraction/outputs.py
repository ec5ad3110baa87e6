"""What an extraction writes: each format with all that it has a place for, and no more.

Beside the entities with their confidences, a result tells the model (``meta["model"]``), the page and the sentence of
each entity: JSON Lines and Parquet in fields of their own, brat in a note on the entity, HTML where the pointer rests.
CSV and Excel have a row for each entity, for people to work with.
"""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from suwen.document import Document, Note
from suwen.files import StrPath, os_error
from suwen.formats import brat, conll, csv_table, excel, html, jsonl, parquet, write_corpus
from suwen.formats.entity_table import Places
from suwen.schema import Schema

__all__ = [
    "ENDINGS",
    "remove_parts",
    "with_model",
    "with_notes",
    "write_extracted",
    "write_extracted_lines",
]

ENDINGS = {
    ".jsonl": jsonl.NAME,
    ".jsonl.gz": jsonl.NAME,
    ".jsonl.xz": jsonl.NAME,
    ".conll": conll.NAME,
    ".html": html.NAME,
    ".htm": html.NAME,
    ".parquet": parquet.NAME,
    ".csv": csv_table.NAME,
    ".csv.gz": csv_table.NAME,
    ".tsv": csv_table.NAME,
    ".xlsx": excel.NAME,
}
"""The formats that the ending of an output names; brat writes folders, which have none."""


def write_extracted(
    documents: Iterable[Document],
    path: StrPath,
    format: str,
    schema: Schema,
    model: str | None = None,
    raw: bool = False,
) -> Counter[str]:
    """Write what was extracted.

    Parameters
    ----------
    schema
        The types, for pages in HTML.
    model
        The name and version of the model.
    raw
        Whether cells of CSV are written as they are (see `suwen.formats.csv_table`).

    Returns
    -------
    Counter[str]
        What the format could not hold, by kind. Ids of entities are not among it: the model only counted them.

    Raises
    ------
    SuwenError
        As `write_corpus`.
    """
    path = Path(path)
    documents = (with_model(document, model) for document in documents)
    options: dict[str, Any] = {}
    if format == jsonl.NAME:
        options["places"] = True
    else:
        documents = map(_without_reading, documents)
    if format == html.NAME:
        options["schema"] = schema
    if format == csv_table.NAME:
        options["raw"] = raw
    if format == brat.NAME:
        documents = map(with_notes, documents)
    lost = write_corpus(documents, path, format, **options)
    lost.pop("entity id", None)
    return lost


def write_extracted_lines(
    lines: Iterable[bytes], path: StrPath, format: str, schema: Schema, raw: bool = False
) -> Counter[str]:
    """As `write_extracted`, for documents that are lines of JSON Lines already, with their model and places.

    Raises
    ------
    SuwenError
        As `write_corpus`.
    """
    path = Path(path)
    if format == jsonl.NAME:
        jsonl.write_lines(lines, path)
        return Counter()
    return write_extracted(map(jsonl.document_of, lines), path, format, schema, raw=raw)


def remove_parts(path: Path, format: str) -> None:
    """Remove what a killed process may have moved into place of an output of several files, before the last of them.

    Raises
    ------
    SuwenError
        S102 or S105 when it cannot be removed.
    """
    if format == parquet.NAME:
        try:
            parquet.texts_path(path).unlink(missing_ok=True)
        except OSError as error:
            raise os_error(error, path) from None


def with_model(document: Document, model: str | None) -> Document:
    """The document with the model's name in ``meta["model"]``."""
    return document if model is None else replace(document, meta={**document.meta, "model": model})


def _without_reading(document: Document) -> Document:
    """The document without what is said of its source and the overrides: the command told that in sum."""
    told = ("read_from", "overrides")
    return replace(document, meta={key: value for key, value in document.meta.items() if key not in told})


def with_notes(document: Document) -> Document:
    """Put confidence, page and model into a note on each entity: brat has no other place, and shows it there."""
    places = Places(document)
    model = document.meta.get("model")
    notes: list[Note] = []
    for entity in document.entities:
        page = places.page(entity)
        said = [
            f"confidence {entity.score}" if entity.score is not None else "",
            f"page {page}" if page is not None else "",
            f"model {model}" if model else "",
        ]
        if entity.id is not None and any(said):
            notes.append(Note(f"#{len(notes) + 1}", "AnnotatorNotes", entity.id, ", ".join(filter(None, said))))
    entities = tuple(replace(entity, score=None) for entity in document.entities)
    meta = {key: value for key, value in document.meta.items() if key != "model"}
    return replace(document, entities=entities, notes=tuple(notes), pages=(), meta=meta)
