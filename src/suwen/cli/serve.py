"""The command `suwen serve`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.output import fail

if TYPE_CHECKING:
    from suwen.web.serving import Address


def serve(
    graph: Path | None = typer.Argument(
        None, metavar="[GRAPH]", help="A graph made by 'suwen graph build'; without one, only extraction works."
    ),
    model: Path | None = typer.Option(
        None, metavar="MODEL", help="The model that finds entities.", show_default="bundled"
    ),
    relation_model: Path | None = typer.Option(
        None, metavar="MODEL", help="The model that finds relations.", show_default="bundled"
    ),
    codes: Path | None = typer.Option(
        None, metavar="TSV", help="Add the codes of a terminology to entities: lines of code, name, synonyms."
    ),
    host: str = typer.Option(
        "127.0.0.1", help="The address to listen on; addresses other than loopback need a token and TLS."
    ),
    port: int = typer.Option(8000, min=0, max=65535, help="The port to listen on; 0: a free one."),
    allowed_host: list[str] = typer.Option(
        [], metavar="NAME", help="A host name that browsers use for the server; repeatable."
    ),
    token_file: Path | None = typer.Option(
        None, metavar="FILE", help="A file with the token that requests must send.", show_default="$SUWEN_TOKEN"
    ),
    ssl_certfile: Path | None = typer.Option(None, metavar="PEM", help="The certificate for TLS."),
    ssl_keyfile: Path | None = typer.Option(
        None, metavar="PEM", help="The key of the certificate.", show_default="in the file of the certificate"
    ),
    behind_proxy: bool = typer.Option(False, "--behind-proxy", help="A proxy in front of the server provides TLS."),
    root_path: str = typer.Option(
        "", metavar="PATH", help="The path prefix that the proxy removes, for example /suwen."
    ),
) -> None:
    """Explore a graph and extract from texts in a browser. No internet access is needed.

    The server listens on this computer alone. It writes one line for each request to standard error, without any text
    of the request.

    Examples: suwen serve graph.db;
    suwen serve graph.db --host 0.0.0.0 --allowed-host suwen.example.org --token-file token --ssl-certfile cert.pem
    """
    from suwen.requirements import EXTRAS, require_packages

    require_packages(*EXTRAS["serve"])
    from suwen.web.serving import Address

    address = Address(host, port, tuple(allowed_host), ssl_certfile, ssl_keyfile, behind_proxy, root_path.rstrip("/"))
    run(graph, address, print_address, model=model, relation_model=relation_model, codes=codes, token_file=token_file)


def run(
    graph: Path | None,
    address: Address,
    ready: Callable[[str], None],
    *,
    model: Path | None = None,
    relation_model: Path | None = None,
    codes: Path | None = None,
    token_file: Path | None = None,
) -> None:
    """Serve a graph until the user stops the server; `ready` receives the address of the page."""
    from suwen.concepts.terminologies import read_terminology
    from suwen.graph.graph import Graph
    from suwen.web.app import create_app
    from suwen.web.audit import configure_logging
    from suwen.web.extracting import Models
    from suwen.web.limits import Limits
    from suwen.web.serving import serve as listen
    from suwen.web.token import read_token

    token = read_token(token_file)
    address.require_safe(token)
    if graph is not None:
        with Graph(graph) as opened:
            opened.open()
    terminology = read_terminology(codes) if codes else None
    configure_logging()
    limits = Limits()
    app = create_app(Models(model, relation_model, terminology), graph, hosts=address.hosts, token=token, limits=limits)
    listen(app, address, limits, ready)


def print_address(url: str) -> None:
    """Show the address of the page."""
    fail(f"suwen serves at {url} (stop it with Ctrl+C)")
