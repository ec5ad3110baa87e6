"""Entities as rows of a table, with page and sentence."""

from __future__ import annotations

import json
import tempfile
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from suwen.document import Document, Entity, join_pieces
from suwen.formats.writing import not_held
from suwen.text.sentences import split_sentences
from suwen.text.view import make_view

__all__ = ["CERTAIN", "COLUMNS", "EntityRows", "KeptRows", "Places", "Sentence", "entity_rows", "pieces_shown"]

COLUMNS = ("document", "label", "text", "start", "end", "score", "id")
"""The columns of every table of entities. The id is that of the mention in its document: relations refer to it."""

CERTAIN = frozenset(COLUMNS) - {"id"}
"""The columns by which a table of entities is recognized; release 0.1 wrote no ids."""

KIND = "a table of entities, without the texts"
ADVICE = "use JSON Lines instead: the output of suwen extract with --to jsonl has the texts too"

NO_ENTITY = "document without entities"
_HELD = {"entity", "entity id", "score", "relation", "relation score"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or several: the text without the line breaks in it, and the offsets in the document."""

    text: str
    start: int
    end: int


class Places:
    """Tells where the entities of a document stand.

    Parameters
    ----------
    document
        The document. Its sentences are found by the ordinary rules, which are those of every model that suwen trains.
    """

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._pages = sorted(document.pages, key=lambda page: page.start)
        self._page_starts = [page.start for page in self._pages]

    @cached_property
    def _sentences(self) -> list[Sentence]:
        view = make_view(self._text)
        return [
            Sentence(view.text[start:end], int(view.source[start]), int(view.source[end - 1]) + 1)
            for start, end in split_sentences(view)
        ]

    @cached_property
    def _starts(self) -> list[int]:
        return [sentence.start for sentence in self._sentences]

    def page(self, entity: Entity) -> int | None:
        """Return the number of the page on which an entity begins; None where the document has no pages."""
        index = bisect_right(self._page_starts, entity.start) - 1
        return self._pages[index].number if index >= 0 and entity.start < self._pages[index].end else None

    def sentence(self, entity: Entity) -> Sentence:
        """Return the sentence of an entity; of one that goes over an end of a sentence, all that it touches, joined."""
        return self.sentences(entity.start, entity.end)

    def sentences(self, start: int, end: int) -> Sentence:
        """Return the sentences that a part of the text touches, joined."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        touched = self._sentences[first : bisect_left(self._starts, end)]
        if not touched:
            # Before the first sentence there is only white space.
            return Sentence("", start, end)
        text = join_pieces([sentence.text for sentence in touched])
        return Sentence(text, touched[0].start, touched[-1].end)


def pieces_shown(entity: Entity) -> str | None:
    """Return the pieces of an entity as brat writes them (``0 2;3 5``); None when it has only one."""
    return ";".join(f"{start} {end}" for start, end in entity.fragments) or None


def entity_rows(document: Document) -> Iterator[dict[str, Any]]:
    """Yield a row for each entity: `COLUMNS`, its attributes, and the single values of the document's metadata.

    An attribute (an assertion, a code) is a column of its label; several values of one label are joined with ``; ``. A
    column that would have the name of one before it is called ``attribute.NAME`` or ``meta.NAME``.
    """
    attributes: dict[str, dict[str, str]] = {}
    for attribute in document.attributes:
        column = f"attribute.{attribute.label}" if attribute.label in COLUMNS else attribute.label
        values = attributes.setdefault(attribute.target, {})
        value = attribute.value if attribute.value is not None else "true"
        values[column] = f"{values[column]}; {value}" if column in values else value
    labels = {column for values in attributes.values() for column in values}
    meta = {
        f"meta.{key}" if key in COLUMNS or key in labels else key: value
        for key, value in document.meta.items()
        if isinstance(value, str | int | float)
    }
    for entity in document.entities:
        mention = document.mention(entity)
        row = (document.id, entity.label, mention, entity.start, entity.end, entity.score, entity.id)
        own = attributes.get(entity.id, {}) if entity.id is not None else {}
        yield dict(zip(COLUMNS, row, strict=True)) | own | meta


class KeptRows:
    """Keep rows in a file until all columns are known, so that memory does not grow with them.

    Parameters
    ----------
    folder
        Where the file lies; it has no name and ends with the block.
    columns
        The columns that there are even without a row.

    Attributes
    ----------
    columns
        The names of the columns, in the order in which they came.
    count
        The number of rows.
    """

    def __init__(self, folder: Path, columns: Iterable[str]) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=folder)  # noqa: SIM115
        self._columns = dict.fromkeys(columns)
        self.count = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return tuple(self._columns)

    def keep(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._columns.update(dict.fromkeys(row))
        self._file.write(json.dumps(row) + "\n")
        self.count += 1

    def __iter__(self) -> Iterator[list[Any]]:
        """Yield the values of each row in the order of `columns`; None if there is none."""
        self._file.seek(0)
        for line in self._file:
            row = json.loads(line)
            yield [row.get(column) for column in self._columns]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class EntityRows(KeptRows):
    """Keep the rows of entities.

    Attributes
    ----------
    not_held
        Counts of what these rows and those of relations cannot hold, by kind.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, COLUMNS)
        self.not_held: Counter[str] = Counter()

    def add(self, document: Document) -> None:
        """Add the rows of a document."""
        for row in entity_rows(document):
            self.keep(row)
        self.not_held += _not_held(document)


def _not_held(document: Document) -> Counter[str]:
    """Count what the rows of a document have no place for."""
    lost = not_held(document, _HELD)
    targets = {entity.id for entity in document.entities}
    lost["attribute"] = sum(attribute.target not in targets for attribute in document.attributes)
    lost["meta"] = sum(not isinstance(value, str | int | float) for value in document.meta.values())
    lost[NO_ENTITY] = int(not document.entities)
    return +lost
