"""A graph in the forms that other programs read: N-Quads, Neo4j, GraphML, CSV, networkx, and the canonical dump."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from suwen.graph.exports import dump, graphml, neo4j, nquads, spreadsheets
from suwen.graph.exports.rows import Rows

__all__ = ["EXPORTS", "Export"]


@dataclass(frozen=True, slots=True)
class Export:
    """A form: its writer, which counts values that do not fit into the form, and whether it writes a folder."""

    write: Callable[[Rows, Path], Counter[str]]
    is_folder: bool = False


EXPORTS = {
    "nquads": Export(nquads.write),
    "neo4j": Export(neo4j.write, is_folder=True),
    "graphml": Export(graphml.write),
    "csv": Export(spreadsheets.write, is_folder=True),
    "csv-raw": Export(spreadsheets.write_raw, is_folder=True),
    "dump": Export(dump.write),
}
