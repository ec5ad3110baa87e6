"""The command ``suwen graph info``."""

from __future__ import annotations

from pathlib import Path

import typer

from suwen.cli.graph.build import GRAPH
from suwen.cli.options import JSON
from suwen.cli.output import report, show


def info(graph: Path = GRAPH, as_json: bool = JSON) -> None:
    """Count the content of a graph, and check its file for damage.

    Example: suwen graph info graph.db --json
    """
    from suwen.graph.graph import Graph

    figures = Graph(graph).info().to_dict()
    if as_json:
        report(figures)
        return
    from rich.table import Table

    table = Table("", title=str(graph), show_header=False)
    table.add_column("", justify="right")
    for name, value in figures.items():
        if isinstance(value, dict):
            table.add_row(name, "")
            for part, count in value.items():
                table.add_row(f"  {part}", f"{count:,}")
        elif name == "years":
            table.add_row(name, "not known" if value[0] is None else f"{value[0]} to {value[1]}")
        else:
            table.add_row(name, f"{value:,}")
    show(table)
    typer.echo(f"{graph} is not damaged.")
