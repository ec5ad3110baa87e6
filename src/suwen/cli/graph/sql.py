"""The command ``suwen graph sql``."""

from __future__ import annotations

from pathlib import Path

import typer

from suwen.cli.graph.build import GRAPH
from suwen.cli.output import amount, report, show


def sql(
    graph: Path = GRAPH,
    query: str = typer.Argument(
        ..., metavar="QUERY", help="A SELECT; 'SELECT name, sql FROM sqlite_schema' lists the tables."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print columns and rows as JSON."),
) -> None:
    """Query a graph in SQL, read-only.

    Example: suwen graph sql graph.db "SELECT name, documents FROM concept ORDER BY documents DESC LIMIT 10"
    """
    from suwen.graph.graph import Graph

    found = Graph(graph).sql(query)
    if as_json:
        report(found.to_dict())
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(*found.columns)
    for row in found.to_dict()["rows"]:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    show(table)
    typer.echo(amount(len(found.rows), "row", "rows"))
