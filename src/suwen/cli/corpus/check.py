"""The command ``suwen corpus check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.options import ENCODING, FORMAT, OFFSETS, Offsets, read_schema, reading_options
from suwen.cli.output import amount, printable, report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.corpus.check import Check
    from suwen.corpus.consistency import Inconsistency

SHOWN = 20
SHOWN_PLACES = 3


def check(
    corpus: Path = typer.Argument(..., metavar="PATH", help="A folder or file of documents."),
    source: str | None = FORMAT,
    schema_file: Path | None = typer.Option(
        None, "--schema", metavar="FILE", help="A label set in TOML: other labels are errors.", show_default=False
    ),
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    consistency: bool = typer.Option(
        False, "--consistency", help="List the strings that are annotated in some places and not in others."
    ),
    everything: bool = typer.Option(False, "--all", help=f"Print every place, not only the first {SHOWN}."),
    as_json: bool = typer.Option(False, "--json", help="Print all findings as JSON."),
) -> None:
    """Report errors and warnings in a corpus, with file and line. Exit status: 1 with errors, else 0.

    Examples: suwen corpus check articles/; suwen corpus check articles/ --consistency
    """
    from suwen.corpus.check import check_corpus
    from suwen.corpus.consistency import inconsistencies
    from suwen.document import Document

    documents: list[Document] = []
    schema = read_schema(schema_file)
    keep = documents.append if consistency else lambda document: None
    result = check_corpus(corpus, source, schema, keep, **reading_options(encoding, offsets))
    found = inconsistencies(documents) if consistency else []
    if as_json:
        own = {"inconsistencies": [item.to_dict() for item in found]} if consistency else {}
        report(result.to_dict() | own)
    else:
        show(count_table(result))
        print_places(result, None if everything else SHOWN)
        if consistency:
            show(consistency_table(found[: None if everything else SHOWN]))
            rest = len(found) - SHOWN
            if rest > 0 and not everything:
                typer.echo(f"and {rest:,} more strings; --all prints them")
    if result.total("error"):
        raise typer.Exit(1)


def count_table(result: Check) -> Table:
    """Return how often each kind was found."""
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


def consistency_table(found: list[Inconsistency]) -> Table:
    """Return the strings that are annotated here and not there, with the first places that are not."""
    from rich.table import Table
    from rich.text import Text

    table = Table("string", "labels")
    table.add_column("annotated", justify="right")
    table.add_column("not", justify="right")
    table.add_column("not annotated at", overflow="fold")
    for item in found:
        labels = ", ".join(f"{label} {count:,}" for label, count in item.labels.most_common())
        places = ", ".join(f"{place.document} {place.start}" for place in item.places[:SHOWN_PLACES])
        more = " …" if len(item.places) > SHOWN_PLACES else ""
        cells = [Text(printable(cell)) for cell in (item.text, labels)]
        table.add_row(*cells, f"{item.labels.total():,}", f"{len(item.places):,}", Text(printable(places + more)))
    if not found:
        table.add_row("none", "", "0", "0", "")
    return table


def print_places(result: Check, most: int | None) -> None:
    """Print the findings, one unwrapped line each, errors first."""
    from suwen.corpus.check import KINDS

    ordered = sorted(result.findings, key=lambda finding: KINDS[finding.code].severity)
    for finding in ordered[:most]:
        typer.echo(printable(f"{finding.place}: {finding.code} {finding.text}"))
    if most is not None and len(ordered) > most:
        typer.echo(f"and {len(ordered) - most:,} more; --all prints them")
