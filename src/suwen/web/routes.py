"""The addresses of the server: each reads its parameters and has a worker make the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Annotated, TypeVar
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.responses import FileResponse

from suwen.errors import SuwenError
from suwen.graph.filters import Asserted, Filters, Order, Reviewed
from suwen.graph.graph import Graph
from suwen.graph.neighbors import Direction
from suwen.version import __version__
from suwen.web import answers, exploring
from suwen.web.audit import Metrics
from suwen.web.extracting import Models
from suwen.web.graphs import GraphFile
from suwen.web.limits import Limits
from suwen.web.problems import UNAVAILABLE, ProblemError
from suwen.web.token import Token
from suwen.web.uploads import MEDIA_TYPES, read_upload
from suwen.web.work import Pool, Ticket

__all__ = ["Server", "json_router", "router"]

INDEX = FilePath(__file__).parent / "static" / "index.html"
JSON = "application/json"
LONGEST_LIST = 2000
LONGEST_NAME = 255


def media_type(request: Request) -> str:
    """Return the media type of a body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Refuse a body without the media type of JSON: a form of another web site could send it."""
    if media_type(request) != JSON:
        raise ProblemError("S821", 415, expected=JSON)


router = APIRouter()
json_router = APIRouter(dependencies=[Depends(require_json)])


@dataclass(frozen=True, slots=True)
class Server:
    """The shared state of the routes.

    Parameters
    ----------
    pools
        The pools of threads: ``extract`` and ``graph``.
    """

    models: Models
    graph: GraphFile | None
    token: Token | None
    limits: Limits
    metrics: Metrics
    pools: dict[str, Pool]

    def require_short(self, text: str) -> None:
        """Refuse a text that is too long (S829)."""
        if len(text) > self.limits.characters:
            raise ProblemError("S829", 413, limit=f"{self.limits.characters:,}")


def server_of(request: Request) -> Server:
    """Return the server of a request."""
    found: Server = request.app.state.server
    return found


Here = Annotated[Server, Depends(server_of)]
ConceptId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
EdgeId = Annotated[str, Path(pattern="^[0-9a-f]{48}$")]
Cursor = Annotated[str | None, Query(max_length=500)]
Names = Annotated[str, Query(max_length=LONGEST_LIST, description="Names with commas between them")]
Year = Annotated[int | None, Query(ge=1000, le=9999)]
Made = TypeVar("Made")


async def of_graph(request: Request, server: Server, make: Callable[[Graph], Made]) -> Made:
    """Query the graph in a worker."""
    graph = server.graph
    if graph is None:
        raise ProblemError("S825", 503)

    def work(ticket: Ticket) -> Made:
        with graph.reading(ticket) as opened:
            return make(opened)

    return await server.pools["graph"].run(request, work)


async def fetched(request: Request, server: Server, make: Callable[[Graph], BaseModel]) -> Response:
    """Answer a GET about the graph, unless the client has the answer of this revision."""
    known = request.headers.get("if-none-match")

    def work(graph: Graph) -> tuple[str, bytes | None]:
        tag = f'"{graph.revision}-{__version__}"'
        return tag, None if known == tag else written(make(graph))

    tag, body = await of_graph(request, server, work)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return Response(status_code=304, headers=headers) if body is None else Response(body, 200, headers, JSON)


async def asked(request: Request, server: Server, make: Callable[[Graph], BaseModel]) -> Response:
    """Answer a POST about the graph."""
    body = await of_graph(request, server, lambda graph: written(make(graph)))
    return Response(body, media_type=JSON)


async def extracted(request: Request, server: Server, make: Callable[[Ticket], BaseModel]) -> Response:
    """Answer a request to the models."""
    body = await server.pools["extract"].run(request, lambda ticket: written(make(ticket)))
    return Response(body, media_type=JSON)


def written(answer: BaseModel) -> bytes:
    """Return an answer as JSON."""
    return answer.model_dump_json().encode()


# Extraction ------------------------------------------------------------------------------------------------------


@json_router.post("/v1/extract", response_model=answers.Extraction, tags=["extraction"])
async def extract(request: Request, server: Here, body: answers.ExtractRequest) -> Response:
    """Find the entities of a text, on request their relations and assertions."""
    server.require_short(body.text)
    return await extracted(request, server, lambda ticket: server.models.extract(body))


@router.post(
    "/v1/extract/file",
    response_model=answers.Files,
    tags=["extraction"],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
        }
    },
)
async def extract_file(
    request: Request,
    server: Here,
    x_suwen_filename: Annotated[str, Header(max_length=3 * LONGEST_NAME, description="Percent-encoded UTF-8")],
    x_suwen_options: Annotated[str, Header(max_length=100, description="relations, assertion, or both")] = "",
) -> Response:
    """Find the entities of a file: plain text, web page, PDF, Word or JATS."""
    form = MEDIA_TYPES.get(media_type(request))
    if form is None:
        raise ProblemError("S821", 415, expected=", ".join(MEDIA_TYPES))
    options = {option.strip() for option in x_suwen_options.split(",")} - {""}
    if options - {"relations", "assertion"}:
        raise ProblemError("S822", 422, field="X-Suwen-Options", reason="known options: relations, assertion")
    name = name_of(x_suwen_filename)
    data = await request.body()

    def make(ticket: Ticket) -> BaseModel:
        documents = read_upload(ticket, data, name, form, server.limits)
        for document in documents:
            server.require_short(document.text)
        return server.models.extract_documents(documents, "relations" in options, "assertion" in options)

    return await extracted(request, server, make)


def name_of(header: str) -> str:
    """Return the name of a file from its percent-encoded form.

    Raises
    ------
    ProblemError
        S822 when it is no name.
    """
    try:
        name = unquote(header, errors="strict")
    except UnicodeDecodeError:
        name = ""
    name = name.replace("\\", "/").rpartition("/")[2].strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ProblemError("S822", 422, field="X-Suwen-Filename", reason="it must be a percent-encoded file name")
    return name


@json_router.post("/v1/relate", response_model=answers.Extraction, tags=["extraction"])
async def relate(request: Request, server: Here, body: answers.RelateRequest) -> Response:
    """Find the relations between given entities."""
    server.require_short(body.text)
    return await extracted(request, server, lambda ticket: server.models.relate(body))


# The graph -------------------------------------------------------------------------------------------------------


@json_router.post("/v1/search", response_model=answers.ConceptPage, tags=["graph"])
async def search(request: Request, server: Here, body: answers.SearchRequest) -> Response:
    """Find the concepts with a name that holds a text: equal names first, then those that begin with it."""
    return await asked(request, server, lambda graph: exploring.search(graph, body))


@router.get("/v1/concepts/{concept}", response_model=answers.Card, tags=["graph"])
async def card(request: Request, server: Here, concept: ConceptId) -> Response:
    """Return the names, codes and figures of a concept."""
    return await fetched(request, server, lambda graph: exploring.card(graph, concept))


def filters_of(
    relation: Annotated[str | None, Query(max_length=100)] = None,
    relations: Names = "",
    types: Names = "",
    confidence: Annotated[float, Query(ge=0, le=1)] = 0.0,
    since: Year = None,
    until: Year = None,
    assertion: Asserted = "with",
    reviewed: Reviewed = "all",
    order: Order = "rank",
) -> Filters:
    """Return the filters of an address."""
    chosen = (relation,) if relation is not None else listed(relations)
    return Filters(chosen, listed(types), confidence, since, until, assertion, reviewed, order)


def listed(names: str) -> tuple[str, ...]:
    """Return names with commas between them."""
    return tuple(name for name in names.split(",") if name)


@router.get("/v1/concepts/{concept}/neighbors", response_model=answers.Neighborhood, tags=["graph"])
async def neighbors(
    request: Request,
    server: Here,
    concept: ConceptId,
    filters: Annotated[Filters, Depends(filters_of)],
    role: Direction | None = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 8,
) -> Response:
    """Return the neighbors of a concept, a page of each relation type; with `relation` and `role` the next pages."""
    return await fetched(
        request, server, lambda graph: exploring.neighborhood(graph, concept, filters, role, cursor, limit)
    )


@router.get("/v1/edges/{edge}/evidence", response_model=answers.EvidencePage, tags=["graph"])
async def evidence(
    request: Request,
    server: Here,
    edge: EdgeId,
    since: Year = None,
    until: Year = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the sentences behind an edge, the newest documents first."""
    filters = replace(Filters(), since=since, until=until)
    return await fetched(request, server, lambda graph: exploring.evidence(graph, edge, filters, cursor, limit))


@router.get("/v1/documents/{document}", response_model=answers.Passage, tags=["graph"])
async def passage(request: Request, server: Here, document: ConceptId) -> Response:
    """Return a document with its mentions."""
    return await fetched(request, server, lambda graph: exploring.passage(graph, document))


@json_router.post("/v1/paths", response_model=answers.PathAnswer, tags=["graph"])
async def paths(request: Request, server: Here, body: answers.PathRequest) -> Response:
    """Return the edges of a shortest path between two concepts."""
    return await asked(request, server, lambda graph: exploring.path(graph, body.from_, body.to))


@json_router.post("/v1/export", tags=["graph"], response_class=Response)
async def export(request: Request, server: Here, body: answers.ExportRequest) -> Response:
    """Return edges as a file (csv, json, graphml), or the evidence of an edge (tsv)."""
    kind, content = await of_graph(request, server, lambda graph: exploring.file_of(graph, body))
    headers = {"Content-Disposition": f'attachment; filename="suwen.{body.format}"', "Content-Type": kind}
    return Response(content, headers=headers)


@json_router.post("/v1/verdicts", response_model=answers.EdgeAnswer, tags=["graph"])
async def verdicts(request: Request, server: Here, body: answers.VerdictRequest) -> Response:
    """Accept or reject a piece of evidence, or take the verdict back; return its edge with new figures."""
    if server.graph is None:
        raise ProblemError("S825", 503)
    path = server.graph.path

    def judge(ticket: Ticket) -> None:
        try:
            Graph(path).judge(body.evidence, body.verdict, kind=body.kind, note=body.note)
        except SuwenError as error:
            if error.code in ("S102", "S105"):
                raise ProblemError("S831", 403) from None
            raise

    await server.pools["graph"].run(request, judge)
    return await asked(
        request,
        server,
        lambda graph: answers.EdgeAnswer(edge=answers.Edge.model_validate(graph.edge_of_evidence(body.evidence))),
    )


# The server ------------------------------------------------------------------------------------------------------


@router.get("/v1/info", response_model=answers.Info, tags=["server"])
async def info(request: Request, server: Here) -> Response:
    """Return the server's capabilities: graph (null if none can be read), models, limits, entity types."""
    models, limits = server.models, server.limits
    graph = None
    if server.graph is not None:
        try:
            graph = await of_graph(request, server, exploring.overview)
        except SuwenError as error:
            # Extraction works without the graph.
            if error.code not in UNAVAILABLE:
                raise
    types = [answers.EntityType.model_validate(kind) for kind in models.schema.entities]
    relations = [answers.RelationType.model_validate(kind) for kind in models.relation_schema.relations]
    answer = answers.Info(
        version=__version__,
        token_required=server.token is not None,
        graph=graph,
        model=answers.ModelInfo(name=models.name, labels=list(models.schema.labels)),
        relations_model=answers.RelationModelInfo(name=models.relations_name),
        limits=answers.AcceptedSizes(characters=limits.characters, file_bytes=limits.file_bytes),
        schema_=answers.SchemaInfo(entities=types, relations=relations),
    )
    return Response(written(answer), media_type=JSON)


class State(BaseModel):
    """The state of the server: running, or ready."""

    status: str


@router.get("/healthz", tags=["server"])
async def healthz() -> State:
    """Report that the server runs."""
    return State(status="ok")


@router.get("/readyz", tags=["server"])
async def readyz(request: Request, server: Here) -> State:
    """Return whether the server can answer: 503 while its graph cannot be read."""
    if server.graph is not None:
        await of_graph(request, server, lambda graph: graph.revision)
    return State(status="ok")


@router.get("/metrics", tags=["server"], response_class=Response)
async def metrics(server: Here) -> Response:
    """Return counts and times of requests, in the text form of Prometheus."""
    pending = {name: pool.pending for name, pool in server.pools.items()}
    return Response(server.metrics.text(pending), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Return the page."""
    return FileResponse(INDEX, headers={"Cache-Control": "no-cache"})
