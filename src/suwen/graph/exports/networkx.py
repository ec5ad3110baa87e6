"""A graph as networkx has it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from suwen.graph.exports.rows import Rows
from suwen.requirements import require_packages

if TYPE_CHECKING:
    import networkx

__all__ = ["to_networkx"]


def to_networkx(rows: Rows) -> networkx.MultiDiGraph[str]:
    """Return a directed multigraph: nodes are concept ids, the keys of the edges are relation types.

    Raises
    ------
    SuwenError
        S405 when networkx is not installed.
    """
    require_packages("networkx")
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph()
    for concept, names in rows.concepts():
        values = asdict(concept)
        graph.add_node(values.pop("id"), names=names, **values)
    for edge in rows.edges():
        values = {name: getattr(edge, name) for name in edge.__slots__ if name not in ("relation", "head", "tail")}
        graph.add_edge(edge.head.id, edge.tail.id, key=edge.relation, relation=edge.relation, **values)
    return graph
