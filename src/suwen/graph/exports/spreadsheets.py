"""A folder of CSV files for spreadsheets: concepts, edges and evidence."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from suwen.graph.evidence import Evidence
from suwen.graph.exports.escaping import spreadsheet_cell
from suwen.graph.exports.rows import Rows
from suwen.graph.queries import Edge

__all__ = ["EDGES", "EVIDENCE", "edge_cells", "evidence_cells", "write", "write_raw"]

CONCEPTS = ("id", "type", "name", "names", "mentions", "documents", "negated", "hypothetical")
EDGES = (
    "relation", "head", "head_id", "tail", "tail_id", "documents", "sentences", "affirmed", "negated", "hypothetical",
    "rejected", "confidence", "rank", "first_year", "last_year",
)  # fmt: skip
EVIDENCE = (
    "id", "relation", "head", "head_id", "tail", "tail_id", "document", "title", "year", "start", "end", "text",
    "polarity", "confidence", "verdict",
)  # fmt: skip

Cell = Callable[[object], object]


def write(rows: Rows, path: Path) -> Counter[str]:
    """Write files that a spreadsheet opens as UTF-8 and in which no cell is a formula."""
    return _write(rows, path, "utf-8-sig", spreadsheet_cell)


def write_raw(rows: Rows, path: Path) -> Counter[str]:
    """Write files for programs: every value as it is, without a byte order mark."""
    return _write(rows, path, "utf-8", lambda value: value)


def _write(rows: Rows, path: Path, encoding: str, cell: Cell) -> Counter[str]:
    concepts = (
        (c.id, c.type, c.name, "|".join(names), c.mentions, c.documents, c.negated, c.hypothetical)
        for c, names in rows.concepts()
    )
    _file(path / "concepts.csv", encoding, cell, CONCEPTS, concepts)
    _file(path / "edges.csv", encoding, cell, EDGES, map(edge_cells, rows.edges()))
    evidence = (evidence_cells(one, head, tail) for one, head, tail in rows.evidence())
    _file(path / "evidence.csv", encoding, cell, EVIDENCE, evidence)
    return Counter()


def edge_cells(edge: Edge) -> tuple[object, ...]:
    """Return the cells of an edge, in the order of `EDGES`."""
    ends = edge.head.name, edge.head.id, edge.tail.name, edge.tail.id
    return edge.relation, *ends, *(getattr(edge, name) for name in EDGES[5:])


def evidence_cells(one: Evidence, head: str, tail: str) -> tuple[object, ...]:
    """Return the cells of a piece of evidence of two concepts (their ids), in the order of `EVIDENCE`."""
    ends = one.head.text, head, one.tail.text, tail
    return one.id, one.relation, *ends, *(getattr(one, name) for name in EVIDENCE[6:])


def _file(path: Path, encoding: str, cell: Cell, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(map(cell, row) for row in rows)
