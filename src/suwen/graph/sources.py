"""Near-copies among the documents of a graph: copies of one text are one source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np

from suwen.corpus.near_copies import resemblance
from suwen.graph.texts import text_of

__all__ = ["LEAST_RESEMBLANCE", "assign_sources"]

LEAST_RESEMBLANCE = 0.8
"""Minimum share of common shingles of near-copies (Broder 1997)."""

CROWDED = 16
"""A shingle in more sketches than this is boilerplate, or the text has many copies: then neighbors are compared."""


def assign_sources(connection: sqlite3.Connection) -> None:
    """Set the source of every document: the first of its near-copies by key, mostly the document itself."""
    connection.execute("UPDATE document SET source = id")
    roots: dict[int, int] = {}
    for first, second in _candidates(connection):
        if _root(roots, first) != _root(roots, second) and _is_copy(connection, first, second):
            roots[_root(roots, second)] = _root(roots, first)
    connected = {number: _root(roots, number) for number in {*roots, *roots.values()}}
    firsts: dict[int, int] = {}
    for number, _ in sorted(_keys(connection, connected), key=lambda row: row[1]):
        firsts.setdefault(connected[number], number)
    rows = ((firsts[root], number) for number, root in connected.items())
    connection.executemany("UPDATE document SET source = ? WHERE id = ?", rows)


def _candidates(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """Return the pairs of documents whose sketches say that they may be near-copies, by their keys."""
    sketches = connection.execute("SELECT id, sketch FROM document WHERE length(sketch) ORDER BY key").fetchall()
    if not sketches:
        return []
    sizes = [len(sketch) // 8 for _, sketch in sketches]
    hashes = np.frombuffer(b"".join(sketch for _, sketch in sketches), dtype="<u8")
    # Ranks in the order of the keys, so that which neighbors are compared does not depend on the order of adding.
    ranks = np.repeat(np.arange(len(sketches)), sizes)
    order = np.argsort(hashes, kind="stable")
    hashes, ranks = hashes[order], ranks[order]
    _, number, amounts = np.unique(hashes, return_inverse=True, return_counts=True)
    is_crowded = amounts[number] > CROWDED
    # All pairs of the documents that share a hash, neighbors only where these are many: that keeps the work linear.
    pairs = []
    for step in range(1, CROWDED):
        shares = hashes[step:] == hashes[:-step]
        if step > 1:
            shares &= ~is_crowded[step:]
        pairs.append(ranks[:-step][shares] * len(sketches) + ranks[step:][shares])
    shared, counts = np.unique(np.concatenate(pairs), return_counts=True)
    first, second = np.divmod(shared, len(sketches))
    # The estimate is off by chance: half the threshold leaves room for that and spares nearly all comparisons.
    size = np.array(sizes)
    likely = counts >= LEAST_RESEMBLANCE / 2 * np.minimum(size[first], size[second])
    return [
        (sketches[one][0], sketches[other][0])
        for one, other in zip(first[likely].tolist(), second[likely].tolist(), strict=True)
    ]


def _root(roots: dict[int, int], number: int) -> int:
    while number in roots:
        number = roots[number]
    return number


def _is_copy(connection: sqlite3.Connection, first: int, second: int) -> bool:
    texts = [text_of(connection, number) for number in (first, second)]
    # The smaller of two lengths bounds the resemblance.
    short, long = sorted(map(len, texts))
    return short >= LEAST_RESEMBLANCE * long / 2 and resemblance(*texts) >= LEAST_RESEMBLANCE


def _keys(connection: sqlite3.Connection, numbers: dict[int, int]) -> Iterator[tuple[int, str]]:
    for number in numbers:
        yield from connection.execute("SELECT id, key FROM document WHERE id = ?", (number,))
