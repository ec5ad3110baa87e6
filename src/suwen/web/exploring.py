"""The answers about a graph: search, cards, neighbors, evidence, documents, paths."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

from pydantic import Field, TypeAdapter

from suwen.graph.browsing import Context
from suwen.graph.exports.selections import csv_of_edges, cytoscape_of_edges, graphml_of_edges, tsv_of_evidence
from suwen.graph.filters import Filters, Order
from suwen.graph.graph import Graph
from suwen.graph.keys import document_key
from suwen.graph.neighbors import Direction
from suwen.graph.queries import Edge
from suwen.graph.reading import Follows
from suwen.web import answers
from suwen.web.answers import ExportRequest, SearchRequest
from suwen.web.cursors import Cursors
from suwen.web.problems import ProblemError

__all__ = ["card", "evidence", "file_of", "neighborhood", "overview", "passage", "path", "search"]

OFFSET: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, le=2**53)])
EDGE: TypeAdapter[Follows] = TypeAdapter(Follows)
MOST_OTHERS = 50
MOST_EVIDENCE = 100_000
FILES = {
    "csv": ("text/csv; charset=utf-8", csv_of_edges),
    "json": ("application/json", cytoscape_of_edges),
    "graphml": ("application/graphml+xml", graphml_of_edges),
}


def search(graph: Graph, asked: SearchRequest) -> answers.ConceptPage:
    """Return the concepts with a name that holds a text."""
    cursors = Cursors(graph.structure, "search", asked.query, asked.type)
    offset = cursors.read(asked.cursor, OFFSET) if asked.cursor else 0
    found = graph.search(asked.query, type=asked.type, offset=offset, limit=asked.limit + 1)
    items = [answers.Concept.model_validate(concept) for concept in found[: asked.limit]]
    for item in items:
        item.matched = graph.matching_name(item.id, asked.query)
    following = cursors.write(offset + asked.limit) if len(found) > asked.limit else None
    return answers.ConceptPage(items=items, next=following)


def card(graph: Graph, concept: str) -> answers.Card:
    """Return names, codes and figures of a concept, without its neighbors."""
    found = graph.concept(concept, limit=0)
    return answers.Card(
        concept=answers.Concept.model_validate(found.concept),
        codes=list(map(answers.Code.model_validate, found.codes)),
        aliases=list(map(answers.Alias.model_validate, found.aliases)),
        others=list(map(answers.Concept.model_validate, found.others[:MOST_OTHERS])),
        totals=list(map(answers.Total.model_validate, found.neighbors)),
        types=[answers.TypeTotal(type=name, total=total) for name, total in graph.neighbor_types(concept).items()],
    )


def neighborhood(
    graph: Graph,
    concept: str,
    filters: Filters,
    role: Direction | None = None,
    cursor: str | None = None,
    limit: int = 8,
) -> answers.Neighborhood:
    """Return a page of the neighbors of a concept, of each relation type.

    Parameters
    ----------
    cursor
        Continue the page of the only relation type of the filters, in one role.
    """
    structure = graph.structure

    def cursors(relation: str, own: Direction) -> Cursors:
        return Cursors(structure, "neighbors", concept, replace(filters, relations=(relation,)), own)

    after = None
    if cursor is not None:
        if role is None or len(filters.relations) != 1:
            raise ProblemError("S822", 422, field="cursor", reason="it needs 'relation' and 'role'")
        after = cursors(filters.relations[0], role).read(cursor, EDGE)
    groups = []
    for group in graph.neighbors(concept, filters, role=role, after=after, limit=limit + 1):
        edges = group.edges[:limit]
        has_more = len(group.edges) > limit
        following = cursors(group.relation, group.role).write(_place(edges[-1], filters.order)) if has_more else None
        groups.append(
            answers.Group(
                relation=group.relation,
                role=group.role,
                total=group.total,
                edges=list(map(answers.Edge.model_validate, edges)),
                next=following,
            )
        )
    return answers.Neighborhood(groups=groups)


def _place(edge: Edge, order: Order) -> tuple[float, float, str]:
    return float(getattr(edge, order)), edge.rank, edge.id


def evidence(graph: Graph, edge: str, filters: Filters, cursor: str | None, limit: int) -> answers.EvidencePage:
    """Return a page of the evidence of an edge."""
    cursors = Cursors(graph.structure, "evidence", edge, filters)
    after = cursors.read(cursor, OFFSET) if cursor else -1
    found = graph.contexts(edge, filters, after=after, limit=limit + 1)
    items = found[:limit]
    following = cursors.write(items[-1].position) if len(found) > limit else None
    return answers.EvidencePage(
        edge=answers.Edge.model_validate(graph.edge(edge)), items=list(map(_evidence, items)), next=following
    )


def _evidence(context: Context) -> answers.Evidence:
    one = context.evidence
    return answers.Evidence(
        id=one.id,
        relation=one.relation,
        document=answers.Source(id=document_key(one.document), key=one.document, title=one.title, year=one.year),
        start=one.start,
        end=one.end,
        text=one.text,
        before=context.before,
        after=context.after,
        head=answers.Argument.model_validate(one.head),
        tail=answers.Argument.model_validate(one.tail),
        polarity=one.polarity,
        confidence=one.confidence,
        verdict=context.verdict and answers.Verdict.model_validate(context.verdict),
    )


def passage(graph: Graph, document: str) -> answers.Passage:
    """Return a document with its mentions."""
    return answers.Passage.model_validate(graph.passage(document))


def path(graph: Graph, first: str, last: str) -> answers.PathAnswer:
    """Return a shortest path between two concepts."""
    found = graph.path(first, last)
    return answers.PathAnswer(edges=None if found is None else list(map(answers.Edge.model_validate, found)))


def overview(graph: Graph) -> answers.GraphInfo:
    """Return the contents of the graph."""
    return answers.GraphInfo(revision=graph.revision, **asdict(graph.overview()))


def file_of(graph: Graph, asked: ExportRequest) -> tuple[str, str]:
    """Return the media type and the content of a file of the edges, or of the evidence of one edge.

    Raises
    ------
    ProblemError
        S822 when the edges for the format are missing.
    """
    if (asked.format == "tsv") != (asked.edge is not None):
        raise ProblemError("S822", 422, field="edge", reason="'tsv' takes one 'edge', other formats take 'edges'")
    if asked.edge is not None:
        found = graph.contexts(asked.edge, limit=MOST_EVIDENCE)
        return "text/tab-separated-values; charset=utf-8", tsv_of_evidence(
            graph.edge(asked.edge), [one.evidence for one in found]
        )
    kind, write = FILES[asked.format]
    return kind, write([graph.edge(edge) for edge in dict.fromkeys(asked.edges)])
