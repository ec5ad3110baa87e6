"""The command ``suwen graph export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from suwen.cli.graph.build import GRAPH
from suwen.cli.options import require_option
from suwen.cli.output import fail


class Form(StrEnum):
    """Output formats (`suwen.graph.exports.EXPORTS`)."""

    NQUADS = "nquads"
    NEO4J = "neo4j"
    GRAPHML = "graphml"
    CSV = "csv"
    DUMP = "dump"


ENDINGS = {".nq": Form.NQUADS, ".graphml": Form.GRAPHML, ".jsonl": Form.DUMP, ".csv": Form.CSV}
"""The forms that extensions name; CSV is a folder, and `Graph.export` says so."""


def export(
    graph: Path = GRAPH,
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT", help="The file or folder; must not exist."),
    to: Form | None = typer.Option(
        None, help="The format; default: from the extension: .nq, .graphml, .jsonl (dump).", show_default=False
    ),
    raw: bool = typer.Option(False, "--raw", help="Plain CSV: no protection against formulas, no byte order mark."),
) -> None:
    """Write a graph for other programs.

    nquads has all evidence with its provenance. neo4j and csv are folders of CSV files: add --to. dump is a canonical
    text, equal for equal graphs.

    Examples: suwen graph export graph.db -o graph.nq; suwen graph export graph.db -o tables --to csv
    """
    from suwen.graph.graph import Graph

    form = to or ENDINGS.get(output.suffix.lower())
    if form is None:
        raise typer.BadParameter(
            f"{output.name} has no known extension; give one of {', '.join(Form)}", param_hint="--to"
        )
    require_option("--raw", raw, "--to csv", form == Form.CSV)
    lost = Graph(graph).export(output, "csv-raw" if raw else form.value)
    for kind, count in sorted(lost.items()):
        fail(f"not held by {form}, and replaced: {count:,} {kind}")
    files = f": {', '.join(sorted(file.name for file in output.iterdir()))}" if output.is_dir() else ""
    typer.echo(f"Written to {output}{files}.")
