"""The texts of the documents, which a graph keeps sentence by sentence, and the optional index of the sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from suwen.graph.search import TOKENIZER, fold, query_of
from suwen.graph.tables import PER_DOCUMENT

__all__ = [
    "Sentence",
    "create_index",
    "find_sentences",
    "index_sentences",
    "is_indexed",
    "text_of",
    "unindex_sentences",
]

INDEX = "sentence_gram"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, in code points of its document."""

    document: str
    title: str
    year: int | None
    start: int
    end: int
    text: str


def text_of(connection: sqlite3.Connection, document: int) -> str:
    """Return the exact text of a document by its row."""
    rows = connection.execute("SELECT text FROM sentence WHERE id >= ? AND id < ? ORDER BY id", _ids(document))
    return "".join(text for (text,) in rows)


def _ids(document: int) -> tuple[int, int]:
    return document * PER_DOCUMENT, (document + 1) * PER_DOCUMENT


def is_indexed(connection: sqlite3.Connection) -> bool:
    """Return whether a graph has an index of its sentences."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (INDEX,)).fetchone() is not None


def create_index(connection: sqlite3.Connection) -> None:
    """Index all sentences, those that are added later too, unless that is done."""
    if not is_indexed(connection):
        connection.execute(
            f"CREATE VIRTUAL TABLE {INDEX} USING fts5 (grams, content='', columnsize=0, detail=none,"
            f" tokenize='{TOKENIZER}')"
        )
        connection.execute(f"INSERT INTO {INDEX} (rowid, grams) SELECT id, pairs(fold(text)) FROM sentence")


def index_sentences(connection: sqlite3.Connection, first: int) -> None:
    """Add the sentences of the documents from a row on to the index."""
    connection.execute(
        f"INSERT INTO {INDEX} (rowid, grams) SELECT id, pairs(fold(text)) FROM sentence WHERE id >= ?",
        _ids(first)[:1],
    )


def unindex_sentences(connection: sqlite3.Connection, document: int) -> None:
    """Remove the sentences of a document from the index, before they are removed themselves."""
    # An index without content needs the old content, or a later row with the same number inherits it.
    connection.execute(
        f"INSERT INTO {INDEX} ({INDEX}, rowid, grams) SELECT 'delete', id, pairs(fold(text)) FROM sentence"
        " WHERE id >= ? AND id < ?",
        _ids(document),
    )


def find_sentences(connection: sqlite3.Connection, text: str) -> Iterator[Sentence]:
    """Yield the sentences that hold a text, in the order in which their documents were added.

    Without an index, and for a single character, all sentences are read.

    Parameters
    ----------
    text
        What to look for; width, case and white space do not count.
    """
    part = fold(text)
    if not part:
        return
    source, values = "sentence", [part]
    if len(part) > 1 and is_indexed(connection):
        source = f"{INDEX} CROSS JOIN sentence ON sentence.id = {INDEX}.rowid AND {INDEX} MATCH ?"
        values = [query_of(part), part]
    rows = connection.execute(
        f"SELECT document.key, document.title, document.year, sentence.start, sentence.text FROM {source}"
        " CROSS JOIN document ON document.id = sentence.document WHERE instr(fold(sentence.text), ?)"
        " ORDER BY sentence.id",
        values,
    )
    for document, title, year, start, content in rows:
        yield Sentence(document, title, year, start, start + len(content), content)
