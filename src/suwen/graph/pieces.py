"""Sorting all evidence by the edges that it counts for, in a memory that does not grow with the graph.

A sorting query of SQLite maps its temporary files into memory. Here the evidence is spread over files by its head
concepts first, and each file is sorted by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from suwen.files import os_error

__all__ = ["Numbers", "numbers_by_id", "sorted_pieces"]

Numbers = NDArray[np.int64]

BATCH = 10_000
"""Rows that are read together; a file holds a few times as many."""
MOST_FILES = 200

NO_YEAR = -(2**31)
VERDICTS = (None, "accept", "reject")

_ROW = np.dtype(
    [
        ("relation", "i4"),
        ("head", "i4"),
        ("tail", "i4"),
        ("document", "i4"),
        ("id", "i8"),
        ("start", "i4"),
        ("polarity", "i4"),
        ("confidence", "f8"),
        ("verdict", "i4"),
    ]
)
_SELECT = f"""
    SELECT evidence.relation, head.form, tail.form, evidence.document, evidence.id, evidence.start, evidence.polarity,
        coalesce(evidence.confidence, 1),
        CASE verdict.value WHEN '{VERDICTS[1]}' THEN 1 WHEN '{VERDICTS[2]}' THEN 2 ELSE 0 END
    FROM evidence
    CROSS JOIN mention AS head ON head.id = evidence.head
    CROSS JOIN mention AS tail ON tail.id = evidence.tail
    LEFT JOIN verdict ON verdict.key = evidence.key
"""


def numbers_by_id(connection: sqlite3.Connection, query: str) -> Numbers:
    """Return the numbers that a query gives for ids, as an array by id; 0 for ids without."""
    rows = np.array(connection.execute(query).fetchall(), dtype=np.int64).reshape(-1, 2)
    numbers = np.zeros(int(rows[:, 0].max(initial=0)) + 1, dtype=np.int64)
    numbers[rows[:, 0]] = rows[:, 1]
    return numbers


def sorted_pieces(connection: sqlite3.Connection) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Yield the fields of `suwen.graph.aggregates.Piece` in parts, ordered by head, relation type and tail.

    The pieces of an edge are in one part: the newest documents first, of one year the most certain.
    """
    sources = numbers_by_id(connection, "SELECT id, source FROM document")
    years = numbers_by_id(connection, f"SELECT id, coalesce(year, {NO_YEAR}) FROM document")
    keys = numbers_by_id(connection, "SELECT id, row_number() OVER (ORDER BY key) FROM document")
    names = numbers_by_id(connection, "SELECT id, row_number() OVER (ORDER BY name) FROM relation")
    with ExitStack() as stack:
        for file in _spread(connection, stack):
            file.seek(0)
            rows = np.frombuffer(file.read(), dtype=_ROW)
            file.close()
            document = rows["document"]
            # The last key is the first that counts.
            order = np.lexsort(
                (
                    rows["id"],
                    keys[document],
                    -rows["confidence"],
                    -years[document],
                    rows["tail"],
                    names[rows["relation"]],
                    rows["head"],
                )
            )
            rows = rows[order]
            document = rows["document"]
            yield zip(
                *(rows[name].tolist() for name in ("relation", "head", "tail")),
                sources[document].tolist(),
                *(rows[name].tolist() for name in ("document", "id", "start", "polarity", "confidence")),
                [None if year == NO_YEAR else year for year in years[document].tolist()],
                [VERDICTS[verdict] for verdict in rows["verdict"].tolist()],
                strict=True,
            )


def _spread(connection: sqlite3.Connection, stack: ExitStack) -> list[IO[bytes]]:
    """Write all evidence into files, those with smaller head concepts first."""
    concepts = numbers_by_id(connection, "SELECT id, concept FROM form")
    (amount,) = connection.execute("SELECT count(*) FROM evidence").fetchone()
    amount = min(MOST_FILES, 1 + amount // (2 * BATCH))
    found = connection.execute(_SELECT)
    files: list[IO[bytes]] = []
    try:
        files += [stack.enter_context(TemporaryFile()) for _ in range(amount)]  # noqa: SIM115 (the stack closes them)
        while batch := found.fetchmany(BATCH):
            rows = np.array(batch, dtype=_ROW)
            rows["head"], rows["tail"] = concepts[rows["head"]], concepts[rows["tail"]]
            place = rows["head"].astype(np.int64) * len(files) // (int(concepts.max()) + 1)
            for number, file in enumerate(files):
                file.write(rows[place == number].tobytes())
    except OSError as error:
        raise os_error(error, Path(gettempdir())) from None
    return files
