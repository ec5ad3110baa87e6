"""The tables of the user that a graph keeps, so that documents that are added later are linked in the same way."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple
from hashlib import blake2b

from suwen.concepts.terminologies import AliasList, Term, Terminology
from suwen.graph.linking import Linker

__all__ = ["fingerprint", "linker_of", "store_resources"]

TERMINOLOGY, ALIASES = "terminology", "aliases"


def store_resources(
    connection: sqlite3.Connection, terminologies: Sequence[Terminology], aliases: Sequence[AliasList]
) -> bool:
    """Keep tables; one of the same kind and name takes the place of an earlier one. Return whether any is new."""
    before = fingerprint(connection)
    rows = [(TERMINOLOGY, one.name, list(map(astuple, one.terms))) for one in terminologies]
    rows += [(ALIASES, one.name, list(one.rows)) for one in aliases]
    for kind, name, content in rows:
        connection.execute(
            "INSERT INTO resource (kind, name, content) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, name) DO UPDATE SET content = excluded.content",
            (kind, name, json.dumps(content, ensure_ascii=False)),
        )
    return fingerprint(connection) != before


def fingerprint(connection: sqlite3.Connection) -> str:
    """Return a hash of all tables, in their order."""
    rows = connection.execute("SELECT kind, name, content FROM resource ORDER BY id").fetchall()
    return blake2b(json.dumps(rows).encode(), digest_size=16).hexdigest()


def linker_of(connection: sqlite3.Connection) -> Linker:
    """Return the linker with the tables that a graph keeps, those first that were given first."""
    terminologies, aliases = [], []
    for kind, name, content in connection.execute("SELECT kind, name, content FROM resource ORDER BY id"):
        rows = json.loads(content)
        if kind == TERMINOLOGY:
            terms = tuple(Term(code, term, tuple(synonyms)) for code, term, synonyms in rows)
            terminologies.append(Terminology(name, terms))
        else:
            aliases.append(AliasList(name, tuple((alias, term, label) for alias, term, label in rows)))
    return Linker(terminologies, aliases)
