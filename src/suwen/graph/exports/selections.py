"""The edges that a reader chose, and the evidence of one edge, as a file."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from suwen.graph.evidence import Evidence
from suwen.graph.exports.escaping import one_line, spreadsheet_cell
from suwen.graph.exports.graphml import write_elements
from suwen.graph.exports.spreadsheets import EDGES, EVIDENCE, edge_cells, evidence_cells
from suwen.graph.queries import Concept, Edge

__all__ = ["csv_of_edges", "cytoscape_of_edges", "graphml_of_edges", "tsv_of_evidence"]

BYTE_ORDER_MARK = "\ufeff"


def csv_of_edges(edges: Sequence[Edge]) -> str:
    """Return a table that a spreadsheet opens as UTF-8 and in which no cell is a formula."""
    return BYTE_ORDER_MARK + _table(EDGES, map(edge_cells, edges), ",")


def tsv_of_evidence(edge: Edge, evidence: Iterable[Evidence]) -> str:
    """Return the evidence of an edge as lines of cells between tabs; line breaks in sentences become spaces."""
    lost: Counter[str] = Counter()
    rows = (
        [one_line(cell.replace("\t", " "), lost) if isinstance(cell, str) else cell for cell in cells]
        for cells in (evidence_cells(one, edge.head.id, edge.tail.id) for one in evidence)
    )
    return BYTE_ORDER_MARK + _table(EVIDENCE, rows, "\t")


def graphml_of_edges(edges: Sequence[Edge]) -> str:
    """Return the edges and their concepts as GraphML."""
    file = io.StringIO()
    write_elements(_concepts(edges), edges, file)
    return file.getvalue()


def cytoscape_of_edges(edges: Sequence[Edge]) -> str:
    """Return the edges and their concepts as JSON that Cytoscape and Cytoscape.js read."""
    nodes = [{"data": asdict(concept)} for concept in _concepts(edges)]
    links = []
    for edge in edges:
        values = asdict(edge)
        ends = {"source": values.pop("head")["id"], "target": values.pop("tail")["id"]}
        links.append({"data": {"id": edge.id, **ends, **values}})
    return json.dumps({"elements": {"nodes": nodes, "edges": links}}, ensure_ascii=False, indent=1)


def _concepts(edges: Iterable[Edge]) -> list[Concept]:
    return list({concept.id: concept for edge in edges for concept in (edge.head, edge.tail)}.values())


def _table(header: tuple[str, ...], rows: Iterable[Sequence[object]], delimiter: str) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    return file.getvalue()
