"""GraphML (Gephi, yEd, networkx): concepts and edges, without the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from suwen.graph.exports.escaping import xml_text
from suwen.graph.exports.rows import Rows
from suwen.graph.queries import Concept, Edge

__all__ = ["write", "write_elements"]

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
NODE = {
    "label": "string",
    "type": "string",
    "mentions": "long",
    "documents": "long",
    "negated": "long",
    "hypothetical": "long",
}
EDGE = {
    "relation": "string",
    "documents": "long",
    "sentences": "long",
    "affirmed": "long",
    "negated": "long",
    "hypothetical": "long",
    "rejected": "long",
    "confidence": "double",
    "rank": "double",
    "first_year": "long",
    "last_year": "long",
}


def write(rows: Rows, path: Path) -> Counter[str]:
    """Write a directed graph; parallel edges have ids of their own."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        return write_elements((concept for concept, _ in rows.concepts()), rows.edges(), file)


def write_elements(concepts: Iterable[Concept], edges: Iterable[Edge], file: IO[str]) -> Counter[str]:
    """Write concepts and edges to an open file; return the number of values that do not fit, by kind."""
    lost: Counter[str] = Counter()
    file.write(HEAD)
    for domain, kinds in (("node", NODE), ("edge", EDGE)):
        for name, kind in kinds.items():
            file.write(f'<key id="{domain}-{name}" for="{domain}" attr.name="{name}" attr.type="{kind}"/>\n')
    file.write('<graph edgedefault="directed">\n')
    for concept in concepts:
        values = (concept.name, concept.type, *(getattr(concept, name) for name in list(NODE)[2:]))
        file.write(f'<node id="{concept.id}">{_data("node", NODE, values, lost)}</node>\n')
    for number, edge in enumerate(edges, start=1):
        data = _data("edge", EDGE, [getattr(edge, name) for name in EDGE], lost)
        file.write(f'<edge id="e{number}" source="{edge.head.id}" target="{edge.tail.id}">{data}</edge>\n')
    file.write("</graph>\n</graphml>\n")
    return lost


def _data(domain: str, kinds: dict[str, str], values: Iterable[object], lost: Counter[str]) -> str:
    """Return the values that are known."""
    return "".join(
        f'<data key="{domain}-{name}">{xml_text(str(value), lost)}</data>'
        for name, value in zip(kinds, values, strict=True)
        if value is not None
    )
