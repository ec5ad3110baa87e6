"""Decisions of users: merge and split concepts, undo both, and judge evidence."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from suwen.errors import SuwenError
from suwen.graph.build import now
from suwen.graph.keys import concept_key, is_hexadecimal, number_of
from suwen.graph.revision import mark_verdicts

__all__ = ["ERROR_KINDS", "OWN", "VERDICTS", "Action", "actions", "apply_actions", "judge", "merge", "split", "undo"]

OWN = "="
"""Begins the key of a concept that a form has for itself after a split; normalized keys are compared without it."""

VERDICTS = ("accept", "reject")
ERROR_KINDS = ("entity", "boundary", "concept", "relation", "direction", "polarity", "other")
"""Kinds of errors of rejected evidence."""


class Action(NamedTuple):
    """A decision: ``merge`` one concept into the `other`, or ``split`` a form (the `other` key) from a concept."""

    id: int
    kind: str
    type: str
    key: str
    other_type: str
    other_key: str
    time: str
    undone: int


def actions(connection: sqlite3.Connection) -> list[Action]:
    """Return all decisions, in their order."""
    return list(map(Action._make, connection.execute("SELECT * FROM action ORDER BY id")))


def merge(connection: sqlite3.Connection, first: int, second: int) -> int:
    """Record that the first concept is the second one too; return the number of the decision."""
    if first == second:
        raise SuwenError("S710", reason="both names are of one concept already")
    return _record(connection, "merge", *_identity(connection, first), *_identity(connection, second))


def split(connection: sqlite3.Connection, concept: int, surface: str) -> int:
    """Record that a form is not of this concept, but one of its own; return the number of the decision.

    Raises
    ------
    SuwenError
        S710 when the concept has no such form, or no other.
    """
    surfaces = {row[0] for row in connection.execute("SELECT surface FROM form WHERE concept = ?", (concept,))}
    if surface not in surfaces:
        raise SuwenError("S710", reason=f"the concept has no name {surface!r}")
    if len(surfaces) == 1:
        raise SuwenError("S710", reason=f"{surface!r} is the concept's only name")
    kind, key = _identity(connection, concept)
    return _record(connection, "split", kind, key, kind, surface)


def _identity(connection: sqlite3.Connection, concept: int) -> tuple[str, str]:
    kind, key = connection.execute("SELECT type, key FROM concept WHERE id = ?", (concept,)).fetchone()
    return kind, key


def _record(connection: sqlite3.Connection, *values: str) -> int:
    statement = "INSERT INTO action (kind, type, key, other_type, other_key, time) VALUES (?, ?, ?, ?, ?, ?)"
    number = connection.execute(statement, (*values, now())).lastrowid
    assert number is not None
    return number


def undo(connection: sqlite3.Connection, number: int | None = None) -> Action:
    """Take back a decision, by default the last one that stands.

    Raises
    ------
    SuwenError
        S711 when there is none, or it was taken back already.
    """
    standing = [action for action in actions(connection) if not action.undone]
    chosen = next((action for action in reversed(standing) if number in (None, action.id)), None)
    if chosen is None:
        raise SuwenError("S711", reason="nothing was merged or split" if number is None else f"no decision {number}")
    connection.execute("UPDATE action SET undone = 1 WHERE id = ?", (chosen.id,))
    return chosen


def apply_actions(connection: sqlite3.Connection) -> None:
    """Assign the forms again to concepts by the decisions that stand, one after the other."""
    for action in actions(connection):
        if action.undone:
            continue
        concept = _concept(connection, action.type, action.key)
        if concept is None:
            continue  # its documents are gone
        if action.kind == "merge":
            target = _concept(connection, action.other_type, action.other_key, create=True)
            connection.execute("UPDATE form SET concept = ? WHERE concept = ?", (target, concept))
        else:
            values = (concept, action.other_key)
            if connection.execute("SELECT 1 FROM form WHERE concept = ? AND surface = ?", values).fetchone():
                target = _concept(connection, action.other_type, OWN + action.other_key, create=True)
                connection.execute("UPDATE form SET concept = ? WHERE concept = ? AND surface = ?", (target, *values))


def _concept(connection: sqlite3.Connection, kind: str, key: str, create: bool = False) -> int | None:
    found = connection.execute("SELECT id FROM concept WHERE type = ? AND key = ?", (kind, key)).fetchone()
    if found:
        return int(found[0])
    if not create:
        return None
    statement = "INSERT INTO concept (stable, type, key) VALUES (?, ?, ?)"
    return connection.execute(statement, (concept_key(kind, key), kind, key)).lastrowid


def judge(
    connection: sqlite3.Connection, evidence: str, value: str | None, kind: str | None, author: str | None, note: str
) -> None:
    """Record a verdict on a piece of evidence, in the place of an earlier one; None takes it back.

    Raises
    ------
    SuwenError
        S709 when there is no such evidence, S710 for an unknown verdict or kind of error.
    """
    number = number_of(evidence) if is_hexadecimal(evidence) else 0
    if not connection.execute("SELECT 1 FROM evidence WHERE key = ?", (number,)).fetchone():
        raise SuwenError("S709", evidence=evidence)
    for name, given, known in (("verdict", value, VERDICTS), ("kind of error", kind, ERROR_KINDS)):
        if given is not None and given not in known:
            raise SuwenError("S710", reason=f"no {name} {given!r}; known: {', '.join(known)}")
    connection.execute("DELETE FROM verdict WHERE key = ?", (number,))
    if value is not None:
        row = (number, value, kind, author, note, now())
        connection.execute("INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?)", row)
    mark_verdicts(connection)
