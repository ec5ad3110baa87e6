"""The command ``suwen corpus check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.output import amount, printable, report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.corpus.check import Check

SHOWN = 20


def check(
    corpus: Path = typer.Argument(..., metavar="PATH", help="A folder or file of documents."),
    source: str | None = typer.Option(None, "--from", metavar="FORMAT", help="The format, where it is not evident."),
    schema_file: Path | None = typer.Option(None, "--schema", metavar="FILE", help="A label set in TOML [LCDD's]."),
    everything: bool = typer.Option(False, "--all", help=f"Print every place, not only the first {SHOWN}."),
    as_json: bool = typer.Option(False, "--json", help="Print all findings as JSON."),
) -> None:
    """Find what is wrong or odd in a corpus, with file and line. Errors exit with 1, warnings alone with 0.

    Example: suwen corpus check articles/
    """
    from suwen.corpus.check import check_corpus
    from suwen.schema import LCDD, Schema

    result = check_corpus(corpus, source, Schema.from_toml(schema_file) if schema_file else LCDD)
    if as_json:
        report(result.to_dict())
    else:
        show(count_table(result))
        print_places(result, None if everything else SHOWN)
    if result.total("error"):
        raise typer.Exit(1)


def count_table(result: Check) -> Table:
    """How often each kind was found."""
    from rich.table import Table

    from suwen.corpus.check import KINDS

    title = f"{amount(result.documents, 'document', 'documents')}, {amount(result.entities, 'entity', 'entities')}"
    table = Table("code", "severity", "finding", title=title)
    table.add_column("count", justify="right")
    for code, count in result.counts.items():
        table.add_row(code, KINDS[code].severity, KINDS[code].meaning, f"{count:,}")
    if result.findings:
        table.add_section()
    for severity in ("error", "warning"):
        table.add_row("", severity, "total", f"{result.total(severity):,}")
    return table


def print_places(result: Check, most: int | None) -> None:
    """The findings, one unwrapped line each, errors first."""
    from suwen.corpus.check import KINDS

    ordered = sorted(result.findings, key=lambda finding: KINDS[finding.code].severity)
    for finding in ordered[:most]:
        typer.echo(printable(f"{finding.place}: {finding.code} {finding.text}"))
    if most is not None and len(ordered) > most:
        typer.echo(f"and {len(ordered) - most:,} more; --all prints them")
