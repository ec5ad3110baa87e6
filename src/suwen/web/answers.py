"""The schema of the HTTP interface: requests and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt

from suwen.document import lone_surrogates
from suwen.graph.actions import ERROR_KINDS

__all__ = [
    "Card",
    "Concept",
    "ConceptPage",
    "Edge",
    "EdgeAnswer",
    "EvidencePage",
    "ExportRequest",
    "ExtractRequest",
    "Extraction",
    "ExtractionFile",
    "Files",
    "Info",
    "Neighborhood",
    "Passage",
    "PathAnswer",
    "PathRequest",
    "ProblemBody",
    "RelateRequest",
    "SearchRequest",
    "Verdict",
    "VerdictRequest",
]


def _unicode(text: str) -> str:
    if any(lone_surrogates(text, "text")):
        raise ValueError("it holds a lone surrogate")
    return text


Text = Annotated[str, AfterValidator(_unicode)]
Span = tuple[int, int]
ConceptId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
EdgeId = Annotated[str, Field(pattern="^[0-9a-f]{48}$")]
Cursor = Annotated[str, Field(max_length=500)]
Offset = Annotated[StrictInt, Field(ge=0, le=2**31)]
LONGEST_QUERY = 200
MOST_ENTITIES = 10_000
MOST_EXPORTED = 5_000


class Request(BaseModel):
    """A body of JSON; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer, made from the values of the library."""

    model_config = ConfigDict(from_attributes=True)


# Extraction ------------------------------------------------------------------------------------------------------


class ExtractRequest(Request):
    """A text, and whether to find relations and to mark negated and hypothetical entities."""

    text: Text
    relations: StrictBool = False
    assertion: StrictBool = False


class GivenEntity(Request):
    """An entity that is already known, in code points of the text."""

    label: Annotated[str, Field(min_length=1, max_length=100)]
    start: Offset
    end: Offset


class RelateRequest(Request):
    """A text with its entities."""

    text: Text
    entities: Annotated[list[GivenEntity], Field(max_length=MOST_ENTITIES)]


CodeMatch = Literal["exact", "alias", "none"]


class Assertion(Answer):
    """The assertion of an entity (affirmed, negated, hypothetical), and the span of its cue word."""

    polarity: str
    cue: Span | None


class Entity(Answer):
    """An entity, in code points of the text (not UTF-16); a code if the server has a terminology."""

    id: str
    label: str
    start: int
    end: int
    fragments: list[Span]
    text: str
    score: float | None
    assertion: Assertion | None = None
    code: str | None = None
    code_match: CodeMatch | None = None


class Relation(Answer):
    """A relation between two entities, named by their ids."""

    id: str
    type: str
    head: str
    tail: str
    score: float | None


class Extraction(Answer):
    """The entities and relations found in a text."""

    model: str | None
    relations_model: str | None = None
    entities: list[Entity]
    relations: list[Relation]


class ExtractionFile(Extraction):
    """The entities and relations found in a document of a file."""

    id: str
    title: str
    text: str


class Files(Answer):
    """The documents of a file."""

    documents: list[ExtractionFile]


# Graph -----------------------------------------------------------------------------------------------------------


class Concept(Answer):
    """A concept; `matched` is the other name by which a search found it."""

    id: str
    type: str
    name: str
    mentions: int
    documents: int
    negated: int
    hypothetical: int
    matched: str | None = None


class SearchRequest(Request):
    """A part of a name, from one character on; an empty one for the concepts of the most documents."""

    query: Annotated[str, Field(max_length=LONGEST_QUERY)]
    type: Annotated[str, Field(max_length=100)] | None = None
    cursor: Cursor | None = None
    limit: Annotated[StrictInt, Field(ge=1, le=100)] = 20


class ConceptPage(Answer):
    """A page of concepts, and the cursor of the next one."""

    items: list[Concept]
    next: str | None


class Code(Answer):
    """A code of a terminology."""

    code: str
    terminology: str
    name: str


class Alias(Answer):
    """A name of a concept, how often the texts use it, and why it is the concept's."""

    surface: str
    mentions: int
    reason: str
    source: str


class Total(Answer):
    """The number of edges of a relation type that a concept has as head or tail."""

    relation: str
    role: str
    total: int


class TypeTotal(Answer):
    """The number of edges from a concept to concepts of an entity type."""

    type: str
    total: int


class Card(Answer):
    """The names, codes and figures of a concept; `others` are concepts of the same name."""

    concept: Concept
    codes: list[Code]
    aliases: list[Alias]
    others: list[Concept]
    totals: list[Total]
    types: list[TypeTotal]


class Edge(Answer):
    """A relation between two concepts."""

    id: str
    relation: str
    head: Concept
    tail: Concept
    documents: int
    sentences: int
    affirmed: int
    negated: int
    hypothetical: int
    rejected: int
    accepted: int
    confidence: float
    rank: float
    first_year: int | None
    last_year: int | None


class Group(Answer):
    """A page of the edges of one relation type, with the cursor of the next one."""

    relation: str
    role: str
    total: int
    edges: list[Edge]
    next: str | None


class Neighborhood(Answer):
    """The neighbors of a concept by relation type."""

    groups: list[Group]


class Argument(Answer):
    """One of the two mentions of a piece of evidence, in code points of the document."""

    start: int
    end: int
    fragments: list[Span]
    text: str
    type: str
    polarity: str
    cue: Span | None


class Source(Answer):
    """The document of a piece of evidence."""

    id: str
    key: str
    title: str
    year: int | None


class Verdict(Answer):
    """The verdict of a user on a piece of evidence, and its time (UTC)."""

    value: str
    kind: str | None
    note: str | None
    author: str | None
    time: str


class Evidence(Answer):
    """A relation as one document states it; `text` is [start, end) of the document."""

    id: str
    relation: str
    document: Source
    start: int
    end: int
    text: str
    before: str
    after: str
    head: Argument
    tail: Argument
    polarity: str
    confidence: float | None
    verdict: Verdict | None


class EvidencePage(Answer):
    """An edge with a page of its evidence, the newest documents first."""

    edge: Edge
    items: list[Evidence]
    next: str | None


class Mention(Answer):
    """A mention in a document, and the concept that it names."""

    start: int
    end: int
    fragments: list[Span]
    type: str
    concept: str
    name: str
    polarity: str


class Passage(Answer):
    """A document with its mentions."""

    id: str
    key: str
    title: str
    year: int | None
    text: str
    mentions: list[Mention]


class PathRequest(Request):
    """Two concepts."""

    from_: Annotated[ConceptId, Field(alias="from")]
    to: ConceptId


class PathAnswer(Answer):
    """The edges of a shortest path; null where there is none."""

    edges: list[Edge] | None


class ExportRequest(Request):
    """Edges to write as csv, json (Cytoscape) or graphml; or one edge whose evidence to write as tsv."""

    format: Literal["csv", "json", "graphml", "tsv"]
    edges: Annotated[list[EdgeId], Field(max_length=MOST_EXPORTED)] = []
    edge: EdgeId | None = None


class VerdictRequest(Request):
    """A verdict on a piece of evidence; null takes it back."""

    evidence: ConceptId
    verdict: Literal["accept", "reject"] | None
    kind: Literal[ERROR_KINDS] | None = None  # type: ignore[valid-type]
    note: Annotated[str, Field(max_length=1000)] = ""


class EdgeAnswer(Answer):
    """An edge after a change."""

    edge: Edge


# The server ------------------------------------------------------------------------------------------------------


class GraphInfo(Answer):
    """The content of the graph, in numbers."""

    revision: str
    documents: int
    concepts: int
    edges: int
    evidence: int
    years: tuple[int | None, int | None]
    relations: dict[str, int]
    types: dict[str, int]


class ModelInfo(Answer):
    """The model that finds entities."""

    name: str
    labels: list[str]


class RelationModelInfo(Answer):
    """The model that finds relations."""

    name: str


class AcceptedSizes(Answer):
    """The limits of requests."""

    characters: int
    file_bytes: int


class EntityType(Answer):
    """An entity type with its names."""

    name: str
    zh: str
    en: str
    color: str
    group: str


class RelationType(Answer):
    """A relation type with its Chinese name."""

    name: str
    zh: str
    head: str
    tail: str


class SchemaInfo(Answer):
    """The entity types and relation types with their names."""

    entities: list[EntityType]
    relations: list[RelationType]


class Info(Answer):
    """The graph, models, limits and entity types of the server."""

    version: str
    token_required: bool
    graph: GraphInfo | None
    model: ModelInfo | None
    relations_model: RelationModelInfo | None
    limits: AcceptedSizes
    schema_: Annotated[SchemaInfo, Field(alias="schema")]

    model_config = ConfigDict(from_attributes=True, populate_by_name=True, serialize_by_alias=True)


class ProblemBody(Answer):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
