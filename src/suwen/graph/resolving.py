"""Assigning forms to concepts: first the tables for all documents, then the decisions of users."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import astuple
from hashlib import blake2b

from suwen.concepts.linking import Library
from suwen.graph.actions import apply_actions
from suwen.graph.keys import concept_key
from suwen.graph.linking import Form, Linker
from suwen.graph.resources import fingerprint

__all__ = ["assign_concepts"]

STATE = "tables"


def assign_concepts(connection: sqlite3.Connection, linker: Linker) -> None:
    """Assign every form to a concept, in an open transaction; forms without mentions are removed."""
    connection.create_function("concept_key", 2, concept_key, deterministic=True)
    connection.execute("DELETE FROM form WHERE id NOT IN (SELECT form FROM mention)")
    _resolve(connection, linker)
    connection.execute(
        "INSERT INTO concept (stable, type, key) SELECT concept_key(type, key), type, key"
        " FROM (SELECT DISTINCT type, key FROM form ORDER BY type, key)"
    )
    connection.execute(
        "UPDATE form SET concept = (SELECT id FROM concept WHERE concept.type = form.type AND concept.key = form.key)"
    )
    apply_actions(connection)


def _resolve(connection: sqlite3.Connection, linker: Linker) -> None:
    """Follow the tables from the new forms; from all where a table changed, that of the library for example."""
    library = _library(connection, linker)
    tables = json.dumps([fingerprint(connection), sorted(library.items())])
    state = blake2b(tables.encode(), digest_size=16).hexdigest()
    if connection.execute("SELECT value FROM setting WHERE name = ?", (STATE,)).fetchone() != (state,):
        connection.execute("UPDATE form SET key = NULL")
        connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (STATE, state))
    rows = connection.execute("SELECT id, type, surface, name FROM form WHERE key IS NULL").fetchall()
    connection.executemany(
        "UPDATE form SET key = ?, given = ?, reason = ?, source = ?, codes = ? WHERE id = ?",
        ((*_resolved(linker, Form(*form), library), number) for number, *form in rows),
    )


def _resolved(linker: Linker, form: Form, library: Library) -> tuple[str, str, str, str, str | None]:
    key, given, reason, source, codes = linker.resolve(form, library)
    written = json.dumps([astuple(code) for code in codes], ensure_ascii=False) if codes else None
    return key, given, reason, source, written


def _library(connection: sqlite3.Connection, linker: Linker) -> Library:
    """Return the short forms that the documents define with one voice."""
    documents: defaultdict[int, defaultdict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for document, short, label, long in connection.execute("SELECT document, short, label, long FROM meaning"):
        documents[document][short][label] = long
    return linker.agreed_forms(list(documents.values()))
