"""Data frames of pandas: entities and relations out, texts in. pandas is optional (``pip install 'suwen[pandas]'``)."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from suwen.document import Document
from suwen.errors import SuwenError
from suwen.requirements import require_packages

if TYPE_CHECKING:
    import pandas

    from suwen.formats import Documents

__all__ = ["from_dataframe", "to_dataframe"]

ID_COLUMN = "id"


def to_dataframe(documents: Documents, *, relations: bool = False) -> pandas.DataFrame:
    """Return a data frame with a row for each entity, or for each relation.

    Parameters
    ----------
    documents
        Documents, a single one, or a folder or file in any format, for example the output of `suwen.extract`.
    relations
        True for a row for each relation, instead of each entity.

    Returns
    -------
    pandas.DataFrame
        Entities have the columns ``document``, ``label``, ``text``, ``start``, ``end`` (code points), ``score`` and
        ``id`` (in the document); then the attributes of the entities and the metadata of the documents, as in CSV.
        Relations have the columns ``document``, ``type``, ``head_text``, ``tail_text`` and more, as in
        ``OUT.relations.csv``; ``head_id`` and ``tail_id`` are ids of entities.

    Raises
    ------
    SuwenError
        S405 when pandas is not installed.

    Examples
    --------
    >>> import suwen
    >>> frame = suwen.to_dataframe(suwen.load().pipe(documents))  # doctest: +SKIP
    >>> frame["label"].value_counts()  # doctest: +SKIP
    >>> suwen.to_dataframe(suwen.load(relations=True).pipe(documents), relations=True)  # doctest: +SKIP
    """
    require_packages("pandas")
    import pandas

    from suwen.formats import stream_documents
    from suwen.formats.entity_table import COLUMNS, entity_rows
    from suwen.formats.relation_table import RELATION_COLUMNS, relation_rows

    given = stream_documents(documents)
    if relations:
        found = [row for document in given for row in relation_rows(document)]
        return pandas.DataFrame.from_records(found, columns=list(RELATION_COLUMNS))
    rows = [row for document in given for row in entity_rows(document)]
    columns = dict.fromkeys([*COLUMNS, *(column for row in rows for column in row)])
    return pandas.DataFrame.from_records(rows, columns=list(columns))


def from_dataframe(frame: pandas.DataFrame, text_column: str, *, id_column: str | None = None) -> list[Document]:
    """Return a document for each row of a data frame.

    Parameters
    ----------
    frame
        A data frame; missing values are left out; a missing text becomes an empty text.
    text_column
        The column of the texts.
    id_column
        The column of the ids; by default ``id`` if there is one, else the index.

    Returns
    -------
    list[Document]
        Their ``meta`` holds all other columns: numbers, strings and Boolean values unchanged, dates in ISO 8601.

    Raises
    ------
    SuwenError
        S213 for a text that is no string and for a name that several columns have, S214 for a column that does not
        exist, S225 for an id that occurs twice, S405 when pandas is not installed.

    Examples
    --------
    >>> import suwen
    >>> documents = suwen.from_dataframe(frame, text_column="note", id_column="visit")  # doctest: +SKIP
    >>> entities = suwen.to_dataframe(suwen.load().pipe(documents))  # doctest: +SKIP
    """
    require_packages("pandas")
    columns = list(map(str, frame.columns))
    if id_column is None and ID_COLUMN in columns and text_column != ID_COLUMN:
        id_column = ID_COLUMN
    for column in filter(None, (text_column, id_column)):
        if column not in columns:
            raise SuwenError("S214", column=column, known=", ".join(columns))
    for column in columns:
        if columns.count(column) > 1:
            raise SuwenError("S213", field=column, reason="is the name of several columns", format="tables")
    documents: list[Document] = []
    rows: dict[str, int] = {}
    for number, (index, values) in enumerate(
        zip(frame.index, frame.itertuples(index=False, name=None), strict=True), 1
    ):
        cells = {key: value for key, cell in zip(columns, values, strict=True) if (value := _plain(cell)) is not None}
        text = cells.pop(text_column, "")
        if not isinstance(text, str):
            raise SuwenError("S213", line=number, field=text_column, reason="is not text", format="tables")
        name = str(cells.pop(id_column, index) if id_column else index)
        if name in rows:
            raise SuwenError("S225", id=name, first=rows[name], second=number)
        rows[name] = number
        documents.append(Document(name, text, meta=cells))
    return documents


def _plain(value: Any) -> Any:
    """Return a value of a cell as JSON has it; None for a missing one."""
    import pandas

    if isinstance(value, list | tuple | dict | set):
        return str(value)
    if pandas.isna(value):
        return None
    if isinstance(value, str | bool | int):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat().removesuffix("T00:00:00")
    # Numbers of numpy become those of Python; JSON has no infinity.
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, int | bool) or (isinstance(value, float) and isfinite(value)) else str(value)
