"""Finding concepts by any part of a name, from one character on.

SQLite's trigram index finds nothing shorter than three characters, and most Chinese medical words have two. This index
holds each character and each pair of neighbors. They are written as hexadecimal digits, which no tokenizer changes.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["fold", "grams", "matching"]

LAST = "\U0010ffff"


def fold(text: str) -> str:
    """Return a text as it is searched: without width, case and white space.

    Examples
    --------
    >>> fold("ＨｂＡ１ｃ 检测")
    'hba1c检测'
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def grams(text: str) -> str:
    """Return the characters and pairs of characters of a text as index terms."""
    codes = [f"{ord(character):x}" for character in text]
    return " ".join({*codes, *(f"{first}x{second}" for first, second in pairwise(codes))})


def matching(connection: sqlite3.Connection, text: str) -> Iterator[int]:
    """Yield the concepts with a name that holds a text: equal names first, then names that begin with it, then others.

    Within each of the three, the concepts of the most documents come first. A concept may come more than once.

    Parameters
    ----------
    text
        What to look for; width, case and white space do not count.
    """
    part = fold(text)
    if not part:
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
        (_query(part), part),
    )
    yield from (concept for (concept,) in found)


def _query(part: str) -> str:
    """Return the index terms of a text that is looked for: the pairs, or the only character."""
    codes = [f"{ord(character):x}" for character in part]
    return " AND ".join({f"{first}x{second}" for first, second in pairwise(codes)} or codes)
