"""Finding names and sentences by any part of them, from one character on.

SQLite's trigram index finds nothing shorter than three characters, and most Chinese medical words have two. These
indexes hold pairs of neighboring characters, that of names single ones too.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from operator import add

__all__ = ["TOKENIZER", "fold", "grams", "matching", "pairs", "query_of"]

LAST = "\U0010ffff"
MOST_TERMS = 50
"""FTS5 takes no query that is much longer; what is found is compared with the text that was looked for anyway."""

TOKENIZER = "ascii"
"""FTS5's tokenizer that keeps every character beyond ASCII as it is. Those of ASCII that it would take for the end of a
term are written as private characters."""
_PRIVATE = {code: 0xE000 + code for code in range(128) if not chr(code).isalnum()}


def fold(text: str) -> str:
    """Return a text as it is searched: without width, case and white space.

    Examples
    --------
    >>> fold("ＨｂＡ１ｃ 检测")
    'hba1c检测'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def grams(text: str) -> str:
    """Return the characters and the pairs of neighbors of a folded text as index terms."""
    written = text.translate(_PRIVATE)
    return " ".join({*written, *_pairs(written)})


def pairs(text: str) -> str:
    """Return the pairs of neighbors of a folded text as index terms; the index takes each of a text once."""
    written = text.translate(_PRIVATE)
    return " ".join(map(add, written, written[1:]))


def _pairs(written: str) -> set[str]:
    return {first + second for first, second in pairwise(written)}


def matching(connection: sqlite3.Connection, text: str) -> Iterator[int]:
    """Yield the concepts with a name that holds a text: equal names first, then names that begin with it, then others.

    Within each of the three, the concepts with the most documents come first. A concept may come more than once.

    Parameters
    ----------
    text
        What to look for; width, case and white space do not count. Every name holds an empty text.
    """
    part = fold(text)
    if not part:
        # Every name contains the empty text.
        yield from (concept for (concept,) in connection.execute("SELECT concept FROM name ORDER BY id"))
        return
    for condition, values in (
        ("text = ?", (part,)),
        ("text >= ? AND text < ?", (part, part + LAST)),
    ):
        # The names are numbered by their documents.
        statement = f"SELECT concept FROM name WHERE {condition} ORDER BY id"
        yield from (concept for (concept,) in connection.execute(statement, values))
    found = connection.execute(
        "SELECT name.concept FROM gram CROSS JOIN name ON name.id = gram.rowid"
        " WHERE gram MATCH ? AND instr(name.text, ?) ORDER BY gram.rowid",
        (query_of(part), part),
    )
    yield from (concept for (concept,) in found)


def query_of(part: str) -> str:
    """Return the query for a folded text: its pairs (of very many, some), or its only character."""
    written = part.translate(_PRIVATE)
    terms = sorted(_pairs(written) or {written})[:MOST_TERMS]
    return " AND ".join(f'"{term}"' for term in terms)
