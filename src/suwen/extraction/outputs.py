"""Outputs of an extraction: each format with everything that it can hold.

Beside the entities with their confidences, a result tells the model (``meta["model"]``), the page and the sentence of
each entity: JSON Lines and Parquet in fields of their own, brat in a note on the entity, HTML where the pointer rests.
CSV and Excel have a row for each entity, for people to work with.
"""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from suwen.document import Document, Note
from suwen.files import StrPath, os_error
from suwen.formats import brat, csv_table, html, jsonl, parquet, write_corpus
from suwen.formats.entity_table import Places
from suwen.schema import Schema

__all__ = [
    "remove_parts",
    "with_model",
    "with_notes",
    "write_extracted",
    "write_extracted_lines",
]


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
        Counts of what the format could not hold, by kind. Ids of entities are not counted.

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
    """Write as `write_extracted` does, for documents that are lines of JSON Lines already, with model and places.

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
    beside: dict[str, Callable[[Path], Sequence[Path]]] = {
        parquet.NAME: parquet.other_paths,
        csv_table.NAME: lambda path: [csv_table.relations_path(path)],
    }
    try:
        for other in beside[format](path) if format in beside else ():
            other.unlink(missing_ok=True)
    except OSError as error:
        raise os_error(error, path) from None


def with_model(document: Document, model: str | None, relation_model: str | None = None) -> Document:
    """Return the document with the models' names in ``meta["model"]`` and ``meta["relation_model"]``."""
    named = {"model": model, "relation_model": relation_model}
    names = {key: name for key, name in named.items() if name is not None}
    return replace(document, meta={**document.meta, **names}) if names else document


def _without_reading(document: Document) -> Document:
    """Return the document without its source and overrides: the command printed their totals."""
    printed = ("read_from", "overrides")
    return replace(document, meta={key: value for key, value in document.meta.items() if key not in printed})


def with_notes(document: Document) -> Document:
    """Put confidence, page and model into a note on each entity and relation: brat has no other place for them."""
    places = Places(document)
    texts: list[tuple[str | None, str]] = []
    for entity in document.entities:
        page = places.page(entity)
        on_page = "" if page is None else f"page {page}"
        texts.append((entity.id, _joined(_confidence(entity.score), on_page, _model(document, "model"))))
    model = _model(document, "relation_model")
    scored = [relation for relation in document.relations if relation.score is not None]
    texts += [(relation.id, _joined(_confidence(relation.score), model)) for relation in scored]
    taken = {note.id for note in document.notes}
    fresh = (name for number in count(1) if (name := f"#{number}") not in taken)
    notes = [Note(next(fresh), "AnnotatorNotes", target, text) for target, text in texts if target is not None and text]
    return replace(
        document,
        entities=tuple(replace(entity, score=None) for entity in document.entities),
        relations=tuple(replace(relation, score=None) for relation in document.relations),
        notes=(*document.notes, *notes),
        pages=(),
        meta={key: value for key, value in document.meta.items() if key not in ("model", "relation_model")},
    )


def _confidence(score: float | None) -> str:
    return "" if score is None else f"confidence {score}"


def _model(document: Document, key: str) -> str:
    return f"model {document.meta[key]}" if document.meta.get(key) else ""


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
