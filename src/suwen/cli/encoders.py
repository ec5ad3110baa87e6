"""The command ``suwen encoders``."""

from __future__ import annotations

import typer

from suwen.cli.output import report, show

BUNDLED_NOTE = "bundled: the small encoder in the package (2 × 128, Chinese medical literature); no download."


def encoders(
    as_json: bool = typer.Option(False, "--json", help="Print the catalog as JSON, with sources and notes."),
) -> None:
    """List the published Chinese encoders that have a short name.

    Example: suwen encoders --json
    """
    from suwen.models.catalog import CATALOG

    if as_json:
        report([entry.to_dict() for entry in CATALOG.values()])
        return
    from rich.table import Table

    table = Table(title="Published encoders", title_justify="left")
    for heading in ("name", "layers × width, heads", "tokens", "hub"):
        # A name of the hub is to be copied: it is not broken.
        table.add_column(heading, overflow="fold", no_wrap=heading == "hub")
    for entry in CATALOG.values():
        size = f"{entry.layers} × {entry.width}, {entry.heads}"
        where = entry.hub[0] if entry.hub else "not on the hub"
        table.add_row(entry.name, size, entry.tokenizer, where)
    learnt = (
        f"{entry.name}: {entry.task}. Read {entry.corpora}. License: {entry.license}. {entry.note}".strip()
        for entry in CATALOG.values()
    )
    show(table, BUNDLED_NOTE, *learnt)
