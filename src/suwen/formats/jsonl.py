"""JSON Lines: the native form, which holds every field of a Document; one object a line.

========== ==============================================================================================
key        value
========== ==============================================================================================
version    1; the version of this key set. Written always; without it a line is read as version 1
id         the document's id, a string or an integer; without it, the file's path without its extension, ``/``, and the
           line number
text       the text (needed)
entities   objects ``label, start, end`` and, where they say something, ``fragments`` (``[[start, end], …]``),
           ``id``, ``score``, ``annotated``; or lists ``[start, end, label]``, ``[start, end, label, mention]``.
           Objects may also tell what follows from the text: ``text``, ``page``, ``sentence`` (``[start, end]``);
           a ``text`` that differs from that at the offsets is kept as ``annotated``
relations  objects ``label, head, tail`` and, if there is one, ``id``
attributes objects ``id, label, target`` and, if there is one, ``value``
notes      objects ``id, label, target, text``
group      a string
pages      objects ``number, start, end``
meta       an object; whatever else belongs to the document
========== ==============================================================================================

Keys that say nothing are left out; other keys are refused. Files may be compressed (``.jsonl.gz``, ``.jsonl.xz``).

Records of any other kind are read where the key of their text is named (`text_column`). Other keys are kept in
``meta``, as the columns of tables are; lists of annotations are left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from suwen.document import Attribute, Document, Entity, Note, Page, Relation
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing
from suwen.formats.base import WritableFormat
from suwen.formats.contents import ANNOTATION, RESERVED, files_ending, with_names
from suwen.formats.entity_table import Places
from suwen.formats.json_files import Row, built, name_under, numbered_objects, opened, records_of, reporting_at
from suwen.formats.reading import Annotation, Located, Problem, files_in, refuse
from suwen.formats.record_forms import LINES, RECORDS, annotations_in, form_of_file, form_of_records, record_form
from suwen.formats.writing import encoded
from suwen.schema import Schema

__all__ = [
    "FORMAT",
    "KEYS",
    "NAME",
    "VERSION",
    "JsonLines",
    "document_of",
    "id_of",
    "line",
    "scan_rows",
    "with_meta",
    "write_lines",
]

NAME = "jsonl"
VERSION = 1

Item = TypeVar("Item", Entity, Relation, Attribute, Note, Page)
_NEEDED: dict[type, dict[str, type]] = {
    Entity: {"label": str, "start": int, "end": int},
    Relation: {"label": str, "head": str, "tail": str},
    Attribute: {"id": str, "label": str, "target": str},
    Note: {"id": str, "label": str, "target": str, "text": str},
    Page: {"number": int, "start": int, "end": int},
}
_OPTIONAL: dict[type, dict[str, type]] = {
    Document: {"id": str, "group": str, "meta": dict},
    Entity: {"fragments": tuple, "id": str, "score": float, "annotated": str},
    Relation: {"id": str, "score": float},
    Attribute: {"value": str},
}
TEXT_ALONE = "records of other programs are read with --text-column text"
UNKNOWN = f"is unknown; what is your own goes under 'meta', and {TEXT_ALONE}"
_DERIVED = {"text": str, "page": int, "sentence": list}
"""Derived keys of an entity's object; they follow from the text, which a differing ``text`` shows to be another one."""

_LISTS = {"entities": Entity, "relations": Relation, "attributes": Attribute, "notes": Note, "pages": Page}
KEYS = {"version", "text", *_LISTS, *_OPTIONAL[Document]}
_TYPE_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
    tuple: "a list of [start, end]",
}
SHOWNKEYS, SHOWN_CHARACTERS = 20, 40
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_ID, _TEXT = b'"id": ', b', "text": '


class JsonLines(WritableFormat):
    """Read and write JSON Lines: a file, or all files of a folder, one document at a time.

    Faults are S101, S102, S103, S112, S114, S115, S201, S204, S205, S210 and S211, each with file and line; S202 for a
    label not in the schema, S214 for a record without the named key.
    """

    name = NAME
    suffixes = LINES

    def sniff(self, path: StrPath) -> bool:
        """Return True for records of no other program: by their extension or (``.json``, none) their keys."""
        path = Path(path)
        form = record_form(path)
        if form is not None:
            return form == NAME
        if path.is_dir():
            return next(files_in(path, self.suffixes), None) is not None
        return path.name.lower().endswith(self.suffixes)

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        text_column: str | None = None,
        id_column: str | None = None,
        encoding: str | None = None,
    ) -> Iterator[Located]:
        """Read lines one at a time, or a list of records; faulty ones are left out.

        Parameters
        ----------
        text_column
            The key of the text, in records that are not suwen's own; nothing else is then read but the id.
        id_column
            The key of the id in such records, a string or an integer; by default ``id``. Without one, lines are
            numbered.
        encoding
            The encoding of the files; by default UTF-8, or GB18030 or UTF-16 where that is certain.
        """
        path = Path(path)
        files = (
            file
            for file in files_ending(path, RECORDS)
            if not path.is_dir() or file.name.lower().endswith(LINES) or form_of_file(file) == NAME
        )
        for file, name in with_names(files, path, RECORDS, problem):
            try:
                yield from scan_rows(
                    records_of(file, problem, encoding), file, name, problem, schema, text_column, id_column
                )
            except SuwenError as error:
                problem(error)

    def write(self, documents: Iterable[Document], path: StrPath, *, places: bool = False) -> Counter[str]:
        """Write one file, compressed where its name ends in ``.gz`` or ``.xz``.

        Parameters
        ----------
        places
            True to write the text, page and sentence of each entity too, which save readers the work.

        Returns
        -------
        Counter[str]
            Empty: nothing is lost.

        Raises
        ------
        SuwenError
            S102 or S105 when the file cannot be written, S205 when `meta` cannot be JSON, S210 for a lone surrogate.
        """
        path = Path(path)
        write_lines((line(document, places) for document in documents), path)
        return Counter()


FORMAT = JsonLines()


def scan_rows(
    rows: Iterable[Row],
    path: Path,
    name: str,
    problem: Problem,
    schema: Schema | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
) -> Iterator[Located]:
    """Yield the documents of records; `name` begins the ids of those that have none."""
    for number, values in rows:
        report = reporting_at(problem, path, number)
        try:
            if not isinstance(values, dict):
                raise SuwenError("S204", reason="it is not an object")
            if text_column is None:
                document = _document(values, f"{name}/{number}", report, schema)
            else:
                document = _record(values, f"{name}/{number}", text_column, id_column)
        except SuwenError as error:
            report(error)
            continue
        annotations = (document.entities, document.relations, document.attributes, document.notes)
        places: list[tuple[Annotation, int]] = [(item, number) for items in annotations for item in items]
        yield Located(document, path, number, path, tuple(places))


def _document(values: dict[str, Any], name: str, report: Problem, schema: Schema | None) -> Document:
    text = _typed(values, "text", str, "")
    if text is None:
        # Before anything else: a record of another program has no key that is known.
        advice = f"; name the key of the text with --text-column, here one of {_shown(values)}" if values else ""
        raise SuwenError("S205", field="text", reason=f"is missing{advice}")
    for key in sorted(values.keys() - KEYS):
        report(SuwenError("S205", field=key, reason=UNKNOWN))
    if values.get("version", VERSION) != VERSION:
        raise SuwenError("S205", field="version", reason=f"is {values['version']!r}; this release reads {VERSION}")
    # Databases and data frames number their records.
    values = {**values, "id": name_under(values, "id") or values.get("id")}
    fields = {key: _typed(values, key, kind, "") for key, kind in _OPTIONAL[Document].items()}
    return Document(
        fields["id"] or name,
        text,
        tuple(_items(values, "entities", lambda row: _entity(row, text, report, schema), report)),
        tuple(_items(values, "relations", lambda row: _instance(Relation, row, "relations"), report)),
        fields["group"],
        tuple(_items(values, "pages", lambda row: _instance(Page, row, "pages"), report)),
        tuple(_items(values, "attributes", lambda row: _instance(Attribute, row, "attributes"), report)),
        tuple(_items(values, "notes", lambda row: _instance(Note, row, "notes"), report)),
        fields["meta"] or {},
    )


def _record(values: dict[str, Any], name: str, text_column: str, id_column: str | None) -> Document:
    """Return the document of a record of another kind; other keys are metadata, annotations are counted."""
    for key in (text_column, id_column):
        if key is not None and key not in values:
            raise SuwenError("S214", column=key, known=_shown(values))
    text = _typed(values, text_column, str, "")
    if text is None:
        raise SuwenError("S205", field=text_column, reason="is empty (null)")
    name_key = id_column or "id"
    own = name_under(values, name_key) or _typed(values, name_key, str, "")
    rest = {key: value for key, value in values.items() if key not in (text_column, name_key, "version", "pages")}
    meta = rest.pop("meta", None)
    is_foreign = form_of_records(iter([values])) not in (None, NAME)
    counts = {
        key: len(value) if isinstance(value, list | dict) and (is_foreign or key in KEYS) else annotations_in(value)
        for key, value in rest.items()
    }
    said = {key: value for key, value in rest.items() if not counts[key] and value not in (None, "", [])}
    said = with_meta(said, meta)
    known: dict[str, Any] = {f"{key}~2" if key in RESERVED else key: value for key, value in said.items()}
    if left_out := sum(counts.values()):
        known["read_from"] = {"dropped": {ANNOTATION: left_out}}
    return Document(own or name, text, meta=known)


def with_meta(own: dict[str, Any], meta: Any) -> dict[str, Any]:
    """Return the other keys of a record with what its ``meta`` says; a key that is in both is kept as ``NAME~2``.

    Examples
    --------
    >>> with_meta({"year": 2020, "title": "a"}, {"title": "b"})
    {'year': 2020, 'title~2': 'a', 'title': 'b'}
    >>> with_meta({"year": 2020}, "x")
    {'year': 2020, 'meta': 'x'}
    """
    if not isinstance(meta, dict):
        return own if meta in (None, "", []) else {**own, "meta": meta}
    return {f"{key}~2" if meta.get(key, value) != value else key: value for key, value in own.items()} | meta


def _shown(values: dict[str, Any]) -> str:
    """Return the keys of a record; of very many, the first."""
    return ", ".join(repr(key)[:SHOWN_CHARACTERS] for key in list(values)[:SHOWNKEYS]) or "none"


def _items(values: dict[str, Any], key: str, build: Callable[[Any], Item], report: Problem) -> Iterator[Item]:
    """Yield the items of a list of rows; an invalid row is reported and left out."""
    return built(_typed(values, key, list, "") or (), build, report)


def _instance(kind: type[Item], row: Any, within: str) -> Item:
    if not isinstance(row, dict):
        raise SuwenError("S205", field=within, reason=f"holds {row!r:.40}, which is not an object")
    types = _NEEDED[kind] | _OPTIONAL.get(kind, {})
    if kind is Entity:
        for key, derived in _DERIVED.items():
            _typed(row, key, derived, f"{within}.")
        row = {key: value for key, value in row.items() if key not in _DERIVED}
    if unknown := sorted(row.keys() - types):
        raise SuwenError("S205", field=f"{within}.{unknown[0]}", reason="is unknown")
    for key in _NEEDED[kind]:
        if row.get(key) is None:
            raise SuwenError("S205", field=f"{within}.{key}", reason="is missing")
    return kind(**{key: _typed(row, key, types[key], f"{within}.") for key in row if row[key] is not None})


def _typed(values: dict[str, Any], key: str, kind: type, within: str) -> Any:
    """Return the value of a key, None where it is missing or null, if it is of this type."""
    value: Any = values.get(key)
    if kind is float and type(value) in (float, int):
        # The only number that is no count is a confidence; NaN is not within the bounds either.
        if not 0 <= value <= 1:
            raise SuwenError("S205", field=within + key, reason="is not between 0 and 1")
        return float(value)
    if value is None or type(value) is kind:
        return value
    if kind is tuple and type(value) is list and all(_is_span(item) for item in value):
        return tuple((start, end) for start, end in value)
    raise SuwenError("S205", field=within + key, reason=f"is not {_TYPE_NAMES[kind]}")


def _is_span(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(type(offset) is int for offset in value)


def _entity(row: Any, text: str, report: Problem, schema: Schema | None) -> Entity:
    entity = _instance(Entity, _from_list(row, text) if isinstance(row, list) else row, "entities")
    if entity.end > len(text):
        raise SuwenError("S201", start=entity.start, end=entity.end, length=len(text))
    if schema is not None and entity.label not in schema:
        report(SuwenError("S202", label=entity.label, known=", ".join(schema.labels)))
    told = row.get("text") if isinstance(row, dict) else None
    if told is None or entity.annotated is not None or _is_alike(told, text, entity):
        return entity
    return replace(entity, annotated=told)


def _is_alike(mention: str, text: str, entity: Entity) -> bool:
    """Return True if a mention that was told is that at the offsets, white space and pieces aside."""
    if mention == text[entity.start : entity.end]:
        return True
    pieces = "".join([text[start:end] for start, end in entity.pieces])
    hull = text[entity.start : entity.end]
    return "".join(mention.split()) in ("".join(pieces.split()), "".join(hull.split()))


def _from_list(row: list[Any], text: str) -> dict[str, Any]:
    """Return the fields of ``[start, end, label]`` or ``[start, end, label, mention]``."""
    if len(row) not in (3, 4):
        raise SuwenError("S205", field="entities", reason=f"holds a list of {len(row)} values, not of 3 or 4")
    values = dict(zip(("start", "end", "label", "annotated"), row, strict=False))
    start, end = _typed(values, "start", int, "entities."), _typed(values, "end", int, "entities.")
    if values.get("annotated") == text[start:end]:
        del values["annotated"]
    return values


def write_lines(lines: Iterable[bytes], path: StrPath) -> None:
    """Write documents that are lines already, otherwise as `JsonLines.write`."""
    path = Path(path)
    with replacing(path) as temporary, opened(temporary, "wb", path.suffix) as file:
        file.writelines(lines)


def line(document: Document, places: bool = False) -> bytes:
    """Return the line of a document, in UTF-8 and with its end.

    Raises
    ------
    SuwenError
        S205 when `meta` holds what JSON has not, S210 for a lone surrogate.
    """
    parts = [_json({"version": VERSION, "id": document.id, "text": document.text}, document)[:-1]]
    if document.entities:
        # One at a time: the objects of all mentions of a long text would need more memory than all else together.
        rows = (_json(row, document) for row in _entity_rows(document, places))
        parts += [b', "entities": [', b", ".join(rows), b"]"]
    if rest := _rest(document):
        parts += [b", ", _json(rest, document)[1:-1]]
    return b"".join((*parts, b"}\n"))


def id_of(written: bytes) -> str:
    """Return the id in a line that `line` has made, found without reading the rest of it."""
    # In the id itself, quotation marks are escaped.
    name: str = json.loads(written[written.index(_ID) + len(_ID) : written.index(_TEXT)])
    return name


def document_of(written: bytes) -> Document:
    """Return the document in a line that `line` has made.

    Raises
    ------
    SuwenError
        What `scan_rows` reports.
    """
    return next(scan_rows(numbered_objects([written], Path(), refuse), Path(), "", refuse)).document


def _entity_rows(document: Document, places: bool) -> Iterator[dict[str, Any]]:
    known = Places(document) if places else None
    for entity in document.entities:
        row = _row(entity)
        if known is not None:
            row["text"] = document.mention(entity)
            if (page := known.page(entity)) is not None:
                row["page"] = page
            sentence = known.sentence(entity)
            row["sentence"] = [sentence.start, sentence.end]
        yield row


def _row(item: Annotation | Page) -> dict[str, Any]:
    names = (*_NEEDED[type(item)], *_OPTIONAL.get(type(item), ()))
    return {name: value for name in names if (value := getattr(item, name)) is not None and value != ()}


def _rest(document: Document) -> dict[str, Any]:
    """Return the parts of a document other than id, text and entities."""
    lists = {key: [_row(item) for item in getattr(document, key)] for key in _LISTS if key != "entities"}
    values: dict[str, Any] = {key: rows for key, rows in lists.items() if rows}
    if document.group is not None:
        values["group"] = document.group
    if document.meta:
        values["meta"] = dict(document.meta)
    return values


def _json(values: dict[str, Any], document: Document) -> bytes:
    try:
        return encoded(_ENCODER.encode(values), document)
    except (TypeError, ValueError, RecursionError) as error:
        raise SuwenError("S205", document.id, field="meta", reason=f"cannot be JSON: {error}") from None
