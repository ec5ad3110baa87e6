"""The application: its state, and the routes put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from suwen.loading import usable_cores
from suwen.version import __version__
from suwen.web import routes
from suwen.web.answers import ProblemBody
from suwen.web.audit import Metrics
from suwen.web.extracting import Models
from suwen.web.graphs import GraphFile
from suwen.web.guard import Guard
from suwen.web.handlers import add_handlers
from suwen.web.limits import Limits
from suwen.web.token import Token
from suwen.web.work import Pool

__all__ = ["LOOPBACK", "create_app"]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""The names of this computer."""

STATIC = Path(__file__).parent / "static"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "model": ProblemBody,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
}


def create_app(
    models: Models,
    graph: Path | None = None,
    *,
    hosts: Collection[str] = LOOPBACK,
    token: Token | None = None,
    limits: Limits | None = None,
) -> ASGIApp:
    """Return the application of a server.

    Parameters
    ----------
    graph
        The graph to show; without one, only extraction works.
    hosts
        The names under which the server may be asked, without ports.
    token
        The token that requests must send; None admits all requests.
    """
    limits = limits or Limits()
    workers = limits.workers or usable_cores()
    metrics = Metrics()
    pools = {name: Pool(f"suwen-{name}", workers, limits.queue) for name in ("extract", "graph")}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        for pool in pools.values():
            pool.close()

    # The documentation pages of FastAPI load scripts from elsewhere.
    app = FastAPI(
        title="suwen",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=PROBLEMS,
        redirect_slashes=False,
    )
    app.state.server = routes.Server(models, GraphFile(graph) if graph else None, token, limits, metrics, pools)
    app.include_router(routes.router)
    app.include_router(routes.json_router)
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False))
    add_handlers(app)
    guard = Guard(app, hosts, token, limits, metrics)
    app.state.guard = guard
    return guard
