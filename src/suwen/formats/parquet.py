"""Parquet: read, a table with a text (or tokens and tags) a row; written, a table with an entity a row.

The written tables are for data frames and databases.

Written are two files. ``OUT.parquet`` has the columns ``document``, ``page``, ``sentence``, ``sentence_start``,
``sentence_end``, ``start``, ``end``, ``type``, ``text``, ``confidence``, ``model``, ``id``, ``fragments`` (as in
brat: ``0 2;3 5``; null for one piece), ``assertion`` and ``cue`` (``negated`` and ``8-9``; null without).
``OUT.texts.parquet`` has ``id`` and ``text`` of every document, those without entities included: the offsets count its
characters (code points). Where there are relations, ``OUT.relations.parquet`` is a third one, with the columns of
`suwen.formats.relation_table`.

A table with the columns ``tokens`` and ``ner_tags`` (or ``tags``, ``labels``) and no ``text`` is read as Hugging Face's
datasets for token classification are (see `suwen.formats.hf_tokens`): with its entities.

It needs pyarrow (``pip install 'suwen[parquet]'``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, os_error, replacing, require_new
from suwen.formats import entity_table, hf_tokens, relation_table
from suwen.formats.base import WritableFormat
from suwen.formats.contents import article, files_ending, holds, with_names
from suwen.formats.entity_table import Places, pieces_shown
from suwen.formats.json_files import field, located_at, name_of, name_under, reporting_at
from suwen.formats.reading import Located, Problem
from suwen.formats.relation_table import RELATION_COLUMNS, relation_rows
from suwen.formats.writing import not_held
from suwen.requirements import require_packages
from suwen.schema import Schema

__all__ = ["FORMAT", "NAME", "Parquet", "other_paths", "scan_table"]

NAME = "parquet"
KIND = "parquet file"

TEXT_COLUMN, ID_COLUMN = "text", "id"
BATCH_ROWS = 256
LARGEST_CHUNK = 2**30
"""The maximum number of bytes, unpacked, of one column in one row group: a chunk may have to be in memory whole."""

WRITTEN_ROWS, WRITTEN_CHARACTERS = 10_000, 4_000_000
"""Maximum rows of a row group, and its approximate number of characters."""

_ENTITIES = frozenset(("document", "sentence", "start", "end", "type", "confidence"))
"""The columns by which a table of entities is recognized."""

_HELD = {"entity", "fragments", "entity id", "score", "page", "relation", "relation score"}
_ATTRIBUTES = {"Assertion": "assertion", "Cue": "cue"}
"""The attributes of entities that have a column."""
_HELD_META = ("model", "relation_model")


class Parquet(WritableFormat):
    """Read and write Parquet: a file, or all files of a folder. Read is a document a row, a few rows at a time.

    Faults are S101, S102, S113, S114; S115 for a text or column that is too large, S120 for a damaged file, S130 for a
    table of entities or relations, S213 for a value that is not text, S214 for a column that does not exist, S405
    without pyarrow.
    """

    name = NAME
    suffixes = (".parquet",)
    yields = True

    def sniff(self, path: StrPath) -> bool:
        """Return True for a Parquet file, or a folder that holds one."""
        return holds(Path(path), self.suffixes)

    def scan(
        self,
        path: StrPath,
        problem: Problem,
        schema: Schema | None = None,
        *,
        text_column: str | None = None,
        id_column: str | None = None,
    ) -> Iterator[Located]:
        """Read rows, a few at a time; there is no label to compare with `schema`.

        Parameters
        ----------
        text_column
            The column with the texts; by default ``text``.
        id_column
            The column with the ids, text or whole numbers; by default ``id`` if there is one, else rows are numbered.
        """
        path = Path(path)
        for file, name in with_names(files_ending(path, self.suffixes), path, self.suffixes, problem):
            try:
                with file.open("rb") as opened:
                    yield from scan_table(opened, file, name, problem, text_column, id_column, schema)
            except SuwenError as error:
                problem(error)
            except OSError as error:
                problem(os_error(error, file, "S113"))

    def write(self, documents: Iterable[Document], path: StrPath) -> Counter[str]:
        """Write the entities to `path`, and beside it the texts and the relations, all or nothing.

        Returns
        -------
        Counter[str]
            Counts of what the columns cannot hold, by kind.

        Raises
        ------
        SuwenError
            S102, S104 or S105 when the files cannot be written, S405 without pyarrow.
        """
        path = Path(path)
        require_packages("pyarrow")
        import pyarrow

        text, number = pyarrow.string(), pyarrow.int32()
        entity_columns = {
            "document": text,
            "page": number,
            "sentence": text,
            "sentence_start": number,
            "sentence_end": number,
            "start": number,
            "end": number,
            "type": text,
            "text": text,
            "confidence": pyarrow.float32(),
            "model": text,
            "id": text,
            "fragments": text,
            **dict.fromkeys(_ATTRIBUTES.values(), text),
        }
        kinds = {str: text, int: number, float: pyarrow.float32()}
        relation_columns = {name: kinds[kind] for name, kind in RELATION_COLUMNS.items()}
        for other in other_paths(path):
            require_new(other)
        texts_file, relations_file = other_paths(path)
        lost: Counter[str] = Counter()
        with ExitStack() as stack:
            # The table that the output is named after comes into place last.
            entities = stack.enter_context(_opened_table(path, entity_columns))
            texts = stack.enter_context(_opened_table(texts_file, {"id": text, "text": text}))
            relations: _Table | None = None
            for document in documents:
                texts.add({"id": document.id, "text": document.text})
                for row in _rows(document):
                    entities.add(row)
                for row in relation_rows(document):
                    relations = relations or stack.enter_context(_opened_table(relations_file, relation_columns))
                    relations.add(row)
                lost += not_held(document, _HELD)
                lost["attribute"] -= len(_assertions(document))
                lost["meta"] -= sum(key in document.meta for key in _HELD_META)
        return +lost


FORMAT = Parquet()


def scan_table(
    file: IO[bytes],
    path: Path,
    name: str,
    problem: Problem,
    text_column: str | None,
    id_column: str | None,
    schema: Schema | None = None,
) -> Iterator[Located]:
    """Yield the documents of an open file; `name` begins the ids of rows that have none.

    Raises
    ------
    SuwenError
        For what concerns the whole file (see `Parquet`).
    """
    arrow, table = _opened(file, path)
    if text_column is None and (tags := _tags_column(table.schema_arrow)) is not None:
        yield from _scan_tokens(table, tags, path, name, problem, schema)
        return
    try:
        if text_column is None:
            _refuse_results(table.schema_arrow, path)
        text, identifier = _columns(table.schema_arrow, path, text_column, id_column)
        columns = [text] if identifier is None else [text, identifier]
        _require_small_chunks(table.metadata, columns, path)
    except UnicodeDecodeError as error:
        # Pyarrow decodes the names of columns as it is asked for them.
        raise SuwenError("S120", path, kind=KIND, reason=error) from None
    number = 0
    try:
        for batch in table.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            ids = [None] * batch.num_rows if identifier is None else batch.column(identifier).to_pylist()
            for own, value in zip(ids, batch.column(text).to_pylist(), strict=True):
                number += 1
                try:
                    if not isinstance(value, str):
                        raise SuwenError("S213", field=text, reason="is empty (null)", format=NAME)
                    # A data frame has NaN where there is no number.
                    without = own in (None, "") or own != own
                    found = f"{name}/{number}" if without else name_of(own)
                    if found is None:
                        reason = f"is neither text nor a whole number: {own}"
                        raise SuwenError("S213", field=identifier, reason=reason, format=NAME)
                    document = article(found, value, path)
                except SuwenError as error:
                    problem(error.at(path, number))
                    continue
                yield Located(document, path, number, path)
    except (arrow.ArrowException, ValueError, OSError) as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None


def _refuse_results(schema: Any, path: Path) -> None:
    """Refuse the tables of entities and relations that suwen writes: they hold mentions, not texts (S130)."""
    kinds = {_ENTITIES: entity_table.KIND, relation_table.CERTAIN: relation_table.KIND}
    for columns, kind in kinds.items():
        if columns <= {*schema.names}:
            raise SuwenError("S130", path, kind=kind, advice=entity_table.ADVICE)


def _tags_column(schema: Any) -> str | None:
    """Return the column of the tags, in a table of tokens."""
    if TEXT_COLUMN in schema.names or "tokens" not in schema.names:
        return None
    return next((column for column in hf_tokens.TAGS if column in schema.names), None)


def _scan_tokens(
    table: Any, tags: str, path: Path, name: str, problem: Problem, schema: Schema | None
) -> Iterator[Located]:
    """Yield the documents of a table of tokens."""
    import pyarrow

    _require_small_chunks(table.metadata, ["tokens.list.element", f"{tags}.list.element"], path)
    names = _tag_names(table.schema_arrow.metadata or {}, tags)
    number = 0
    try:
        for batch in table.iter_batches(BATCH_ROWS, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                report = reporting_at(problem, path, number)
                try:
                    own = name_under(row, ID_COLUMN) or f"{name}/{number}"
                    tokens, found = field(row, "tokens", list, NAME), field(row, tags, list, NAME)
                    if names and all(type(tag) is int and 0 <= tag < len(names) for tag in found):
                        found = [names[tag] for tag in found]
                    document = hf_tokens.document_of_tokens(own, tokens, found, report, schema)
                except SuwenError as error:
                    report(error)
                    continue
                yield located_at(document, path, number)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None


def _tag_names(metadata: Mapping[bytes, bytes], column: str) -> list[str]:
    """Return the tag names that the library `datasets` stores in a file; none in files of other programs."""
    try:
        feature = json.loads(metadata[b"huggingface"])["info"]["features"][column]
    except (KeyError, TypeError, ValueError):
        return []
    while isinstance(feature, dict) and "feature" in feature:
        feature = feature["feature"]
    feature = feature[0] if isinstance(feature, list) and feature else feature
    names = feature.get("names") if isinstance(feature, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []


def _opened(file: IO[bytes], path: Path) -> tuple[Any, Any]:
    """Return pyarrow and the table."""
    require_packages("pyarrow")
    import pyarrow
    from pyarrow import parquet

    try:
        return pyarrow, parquet.ParquetFile(file, pre_buffer=False)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise SuwenError("S120", path, kind=KIND, reason=error) from None


def _columns(schema: Any, path: Path, text_column: str | None, id_column: str | None) -> tuple[str, str | None]:
    """Return the names of the columns with texts and ids (None when there is none)."""
    import pyarrow.types as types

    known = ", ".join(schema.names)
    text = text_column or TEXT_COLUMN
    identifier = id_column or (ID_COLUMN if ID_COLUMN in schema.names and text != ID_COLUMN else None)
    for column in (text, identifier):
        if column is not None and schema.names.count(column) != 1:
            raise SuwenError("S214", path, column=column, known=known)

    def is_text(kind: Any) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind))

    for column, also in ((text, False), (identifier, True)):
        if column is None:
            continue
        kind = schema.field(column).type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if not (is_text(kind) or (also and (types.is_integer(kind) or types.is_floating(kind)))):
            raise SuwenError("S213", path, field=column, reason=f"is not text but {kind}", format=NAME)
    return text, identifier


def _require_small_chunks(metadata: Any, columns: list[str], path: Path) -> None:
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        # Pyarrow 26 ends the process at some damaged columns, so they are asked only where it matters.
        if row_group.total_byte_size <= LARGEST_CHUNK:
            continue
        for index in range(row_group.num_columns):
            chunk = row_group.column(index)
            if chunk.path_in_schema in columns and chunk.total_uncompressed_size > LARGEST_CHUNK:
                what = f"the column {chunk.path_in_schema!r} of row group {group}"
                raise SuwenError("S115", path, what=what, limit=f"{LARGEST_CHUNK >> 20} MB")


def other_paths(path: StrPath) -> tuple[Path, Path]:
    """Return the files for the texts and the relations, beside the one for the entities."""
    path = Path(path)
    stem = path.name.removesuffix(".parquet")
    return path.with_name(f"{stem}.texts.parquet"), path.with_name(f"{stem}.relations.parquet")


def _rows(document: Document) -> Iterator[dict[str, Any]]:
    places = Places(document)
    model = document.meta.get("model")
    assertions = _assertions(document)
    for entity in document.entities:
        sentence = places.sentence(entity)
        yield {
            "document": document.id,
            "page": places.page(entity),
            "sentence": sentence.text,
            "sentence_start": sentence.start,
            "sentence_end": sentence.end,
            "start": entity.start,
            "end": entity.end,
            "type": entity.label,
            "text": document.mention(entity),
            "confidence": entity.score,
            "model": model,
            "id": entity.id,
            "fragments": pieces_shown(entity),
            **{column: assertions.get((entity.id, label)) for label, column in _ATTRIBUTES.items()},
        }


def _assertions(document: Document) -> dict[tuple[str | None, str], str]:
    """Return what is in the columns of `_ATTRIBUTES`, by the id of the entity and the label of the attribute."""
    ids = {entity.id for entity in document.entities}
    shown = (one for one in document.attributes if one.label in _ATTRIBUTES and one.target in ids)
    return {(one.target, one.label): one.value for one in shown if one.value is not None}


@contextmanager
def _opened_table(path: Path, columns: dict[str, Any]) -> Iterator[_Table]:
    """Open a table that comes into place whole."""
    with replacing(path) as temporary, _Table(temporary, columns) as table:
        yield table


class _Table:
    """A Parquet file that is written some rows at a time.

    Parameters
    ----------
    columns
        The type of each column.
    """

    def __init__(self, path: Path, columns: dict[str, Any]) -> None:
        import pyarrow
        from pyarrow import parquet

        self._schema = pyarrow.schema(columns)
        self._file = path.open("wb")
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._characters = 0

    def add(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self._rows.append(row)
        self._characters += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(self._rows) >= WRITTEN_ROWS or self._characters >= WRITTEN_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        self._writer.write_table(pyarrow.Table.from_pylist(self._rows, self._schema))
        self._rows.clear()
        self._characters = 0

    def __enter__(self) -> _Table:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
                self._writer.close()
        finally:
            # Or it would write again when it is collected.
            self._writer.is_open = False
            self._file.close()
