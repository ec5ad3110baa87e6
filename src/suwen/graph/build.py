"""Adding documents to a graph, and removing them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from suwen.corpus.near_copies import sketch
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.graph.facts import Facts, facts_of
from suwen.graph.linking import Form, Linker
from suwen.graph.tables import PER_DOCUMENT
from suwen.graph.texts import index_sentences, is_indexed, unindex_sentences
from suwen.runs import Listener, Progress
from suwen.version import __version__

__all__ = ["Changes", "Writer", "now", "remove_documents"]

NAMED = 10
"""Maximum number of documents that a message names."""

CACHED_FORMS = 2**16
NOWHERE = (None, None)
OF_DOCUMENT = ("sentence", "mention", "evidence")

Problem = Callable[[SuwenError], None]


@dataclass(slots=True)
class Changes:
    """The counts of a change of a graph.

    Parameters
    ----------
    documents
        How many were ``added``, ``unchanged``, ``replaced``, ``refused`` and ``removed``.
    without_entities
        The ids of the first documents without entities, and under `documents` how many there are.
    left_out
        The entities and relations that were left out, by reason.
    """

    documents: Counter[str] = field(default_factory=Counter)
    mentions: int = 0
    evidence: int = 0
    without_entities: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        kinds = ("added", "unchanged", "replaced", "refused", "removed", "without entities")
        return {
            "documents": {kind: self.documents[kind] for kind in kinds},
            "mentions": self.mentions,
            "evidence": self.evidence,
            "left_out": dict(sorted(self.left_out.items())),
        }


class Writer:
    """Writes the facts of documents in an open transaction.

    Parameters
    ----------
    connection
        A connection of `suwen.graph.store.writing`.
    linker
        Links the mentions.
    problem
        Receives each document that was refused (S210, S706).
    replace
        Whether a document whose content differs from that of the same key takes its place.
    """

    def __init__(self, connection: sqlite3.Connection, linker: Linker, problem: Problem, replace: bool = False) -> None:
        self.changes = Changes()
        self._linker = linker
        self._connection = connection
        self._problem = problem
        self._replace = replace
        self._build: int | None = None
        self._first: int | None = None
        self._form = lru_cache(CACHED_FORMS)(self._find_form)
        self._relations: dict[str, int] = dict(connection.execute("SELECT name, id FROM relation").fetchall())

    def add_all(self, documents: Iterable[Document], listener: Listener) -> Changes:
        """Add documents, report progress, and return the changes."""
        for number, document in enumerate(documents, start=1):
            self.add(document)
            listener(Progress("adding", number))
        if self._first is not None and is_indexed(self._connection):
            # All at once: the index would be written again for every document.
            index_sentences(self._connection, self._first)
        return self.changes

    def add(self, document: Document) -> None:
        """Add a document, unless the graph has it."""
        try:
            facts = facts_of(document, self._linker)
        except SuwenError as error:
            self.changes.documents["refused"] += 1
            self._problem(error)
            return
        content = facts.hash(document.text)
        known = self._connection.execute("SELECT id, hash FROM document WHERE key = ?", (document.id,)).fetchone()
        if known is None:
            self._count("added", document)
        elif known[1] == content:
            self._count("unchanged", document)
            return
        elif self._replace:
            _remove(self._connection, known[0])
            self._count("replaced", document)
        else:
            self.changes.documents["refused"] += 1
            self._problem(SuwenError("S706", document=document.id))
            return
        self.changes.left_out += facts.left_out
        self._write(document, facts, content)

    def _count(self, kind: str, document: Document) -> None:
        self.changes.documents[kind] += 1
        if not document.entities:
            self.changes.documents["without entities"] += 1
            if len(self.changes.without_entities) < NAMED:
                self.changes.without_entities.append(document.id)

    def _write(self, document: Document, facts: Facts, content: str) -> None:
        execute, many = self._connection.execute, self._connection.executemany
        row = (document.id, content, facts.title, facts.year, facts.model, self._number(), sketch(document.text))
        number = execute(
            "INSERT INTO document (key, hash, title, year, model, build, sketch) VALUES (?, ?, ?, ?, ?, ?, ?)", row
        ).lastrowid
        assert number is not None
        self._first = self._first or number
        first = number * PER_DOCUMENT
        many(
            "INSERT INTO meaning VALUES (?, ?, ?, ?)",
            (
                (number, short, label, long)
                for short, by_label in facts.meanings.items()
                for label, long in by_label.items()
            ),
        )
        many(
            "INSERT INTO sentence VALUES (?, ?, ?, ?)",
            ((first + start, number, start, document.text[start:end]) for start, end in facts.sentences),
        )
        self._write_relations(number, facts)

    def _write_relations(self, number: int, facts: Facts) -> None:
        first, many = number * PER_DOCUMENT, self._connection.executemany
        many(
            "INSERT INTO mention VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    first + i,
                    number,
                    start,
                    end,
                    json.dumps(fragments) if fragments else None,
                    self._form(form),
                    polarity,
                    *(cue or NOWHERE),
                    confidence,
                )
                for i, (start, end, fragments, form, polarity, cue, confidence) in enumerate(facts.mentions)
            ),
        )
        many(
            "INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (first + i, number, self._relation(relation), first + head, first + tail, *rest)
                for i, (relation, head, tail, *rest) in enumerate(facts.evidence)
            ),
        )
        self.changes.mentions += len(facts.mentions)
        self.changes.evidence += len(facts.evidence)

    def _number(self) -> int:
        """Return the number of this build, which begins with the first document that it adds."""
        if self._build is None:
            statement = "INSERT INTO build (time, release) VALUES (?, ?)"
            self._build = self._connection.execute(statement, (now(), __version__)).lastrowid
            assert self._build is not None
        return self._build

    def _relation(self, name: str) -> int:
        if name not in self._relations:
            found = self._connection.execute("INSERT INTO relation (name) VALUES (?)", (name,)).lastrowid
            assert found is not None
            self._relations[name] = found
        return self._relations[name]

    def _find_form(self, form: Form) -> int:
        known = self._connection.execute(
            "SELECT id FROM form WHERE type = ? AND surface = ? AND name = ?", form
        ).fetchone()
        if known:
            return int(known[0])
        added = self._connection.execute("INSERT INTO form (type, surface, name) VALUES (?, ?, ?)", form).lastrowid
        assert added is not None
        return added


def now() -> str:
    """Return the time as it is stored: UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def remove_documents(connection: sqlite3.Connection, keys: Iterable[str]) -> Changes:
    """Remove documents with all that follows from them.

    Verdicts stay: they hold no text, and count again when the document comes back.

    Raises
    ------
    SuwenError
        S707 when the graph has no such document.
    """
    changes = Changes()
    for key in keys:
        known = connection.execute("SELECT id FROM document WHERE key = ?", (key,)).fetchone()
        if known is None:
            raise SuwenError("S707", document=key)
        _remove(connection, known[0])
        changes.documents["removed"] += 1
    return changes


def _remove(connection: sqlite3.Connection, number: int) -> None:
    if is_indexed(connection):
        unindex_sentences(connection, number)
    for table in OF_DOCUMENT:
        ids = (number * PER_DOCUMENT, (number + 1) * PER_DOCUMENT)
        connection.execute(f"DELETE FROM {table} WHERE id >= ? AND id < ?", ids)
    connection.execute("DELETE FROM meaning WHERE document = ?", (number,))
    connection.execute("DELETE FROM document WHERE id = ?", (number,))
