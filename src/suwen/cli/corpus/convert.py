"""The command ``suwen corpus convert``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.options import (
    ENCODING,
    FORMAT,
    ID_COLUMN,
    OFFSETS,
    SCHEMA,
    SHEET,
    TEXT_COLUMN,
    Offsets,
    read_schema,
    reading_options,
)
from suwen.cli.output import amount, report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.document import Document


class Columns(StrEnum):
    """Numbers of columns of a CoNLL file."""

    two = "2"
    four = "4"


class Ends(StrEnum):
    """Meanings of ``end_idx`` in CMeEE."""

    inclusive = "inclusive"
    exclusive = "exclusive"


class Illegal(StrEnum):
    """The policies for illegal tag sequences (`suwen.schemes.ILLEGAL_POLICIES`)."""

    error = "error"
    conlleval = "conlleval"
    strict = "strict"


def convert(
    corpus: Path = typer.Argument(..., metavar="IN", help="A folder or file of documents."),
    output: Path = typer.Option(..., "-o", "--output", metavar="OUT", help="The file to write; must not exist."),
    target: str | None = typer.Option(
        None,
        "--to",
        metavar="FORMAT",
        help="brat, conll, jsonl, cmeee, diakg, doccano, label_studio, text, html, parquet, csv or xlsx.",
        show_default="from the extension of OUT",
    ),
    source: str | None = FORMAT,
    scheme: str | None = typer.Option(None, help="To CoNLL: BIO, BIOES or BMES.", show_default="BIO"),
    columns: Columns | None = typer.Option(None, help="To CoNLL: number of columns.", show_default="2"),
    illegal: Illegal | None = typer.Option(
        None, help="From CoNLL: policy for illegal tag sequences.", show_default="error"
    ),
    ends: Ends | None = typer.Option(
        None, help="To CMeEE, else from it: what end_idx means.", show_default="to: inclusive; from: what fits"
    ),
    text_column: str | None = TEXT_COLUMN,
    id_column: str | None = ID_COLUMN,
    sheet: str | None = SHEET,
    schema_file: Path | None = SCHEMA,
    label_config: Path | None = typer.Option(
        None, metavar="FILE", help="To Label Studio: write the labeling configuration for the label set here (XML)."
    ),
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
) -> None:
    """Write a corpus in another format. Count what that format cannot hold.

    Examples: suwen corpus convert articles/ -o articles.conll --scheme BIOES;
    suwen corpus convert articles.conll -o articles-brat --to brat
    """
    from suwen.errors import SuwenError
    from suwen.files import require_new, require_outside, write_text
    from suwen.formats import format_of, output_format, stream_corpus, write_corpus
    from suwen.formats.foreign import WORKBOOKS
    from suwen.formats.label_studio_config import label_config as label_configuration
    from suwen.schema import LCDD, Schema
    from suwen.schemes import scheme_named

    if output == Path("-"):
        raise SuwenError("S406", first="-o -", second="this command", advice="name a file or folder")
    require_outside(output, [corpus])
    target = target or output_format(output)
    if source is None and text_column and corpus.suffix.lower() in WORKBOOKS:
        source = "xlsx"
    given, source = source, source or format_of(corpus)
    to_cmeee = target == "cmeee"
    for option, value, format_name, end, fitting in (
        ("--scheme", scheme, target, "--to", ("conll",)),
        ("--columns", columns, target, "--to", ("conll",)),
        ("--illegal", illegal, source, "--format", ("conll",)),
        ("--ends", ends, target if to_cmeee else source, "--to" if to_cmeee else "--format", ("cmeee",)),
        ("--label-config", label_config, target, "--to", ("label_studio",)),
        ("--offsets", offsets, source, "--format", ("brat", "ccks", "doccano", "label_studio")),
        ("--text-column", text_column, source, "--format", ("jsonl", "parquet", "csv", "xlsx")),
        ("--id-column", id_column, source, "--format", ("jsonl", "parquet", "csv", "xlsx")),
        ("--sheet", sheet, source, "--format", ("xlsx",)),
    ):
        if value is not None and format_name not in fitting:
            advice = f"it is for {', '.join(fitting)} alone"
            raise SuwenError("S406", first=option, second=f"{end} {format_name}", advice=advice)
    reading: dict[str, Any] = {"illegal": illegal.value} if illegal else {}
    writing: dict[str, Any] = {"scheme": scheme_named(scheme)} if scheme else {}
    if columns:
        writing["columns"] = int(columns.value)
    if ends:
        (writing if to_cmeee else reading)["ends"] = ends.value
    reading |= reading_options(encoding, offsets)
    columns_read = {"text_column": text_column, "id_column": id_column, "sheet": sheet}
    reading |= {name: value for name, value in columns_read.items() if value}
    if label_config:
        require_new(label_config)
    counts: Counter[str] = Counter()
    labels: set[str] = set()
    relations: set[str] = set()
    schema = read_schema(schema_file)
    documents = counted(stream_corpus(corpus, given, schema=schema, **reading), source, counts, labels, relations)
    lost = write_corpus(documents, output, target, **writing)
    if label_config:
        # All labels, not only those that occur so far: people will need the others.
        schema = schema or (LCDD if labels <= set(LCDD.labels) else Schema.of_labels(labels))
        write_text(label_config, label_configuration(schema, sorted(relations)))
    if as_json:
        report({"from": source, "to": target, "output": str(output), **counts, "lost": dict(lost.most_common())})
    else:
        written = amount(counts["documents"], "document", "documents")
        typer.echo(f"{written}, {amount(counts['entities'], 'entity', 'entities')} → {output}")
        show(lost_table(lost, counts["illegal_tags"]))


def counted(
    documents: Iterable[Document], source: str, counts: Counter[str], labels: set[str], relations: set[str]
) -> Iterator[Document]:
    """Yield the same documents; what passes is counted, and its labels are collected."""
    for document in documents:
        labels.update(entity.label for entity in document.entities)
        relations.update(relation.label for relation in document.relations)
        counts["documents"] += 1
        counts["entities"] += len(document.entities)
        if source == "conll":
            counts["illegal_tags"] += document.meta.get("conll", {}).get("illegal", 0)
        yield document


def lost_table(lost: Counter[str], illegal_tags: int) -> Table:
    """Return a table of what the format cannot hold, and of the choices of the reader."""
    from rich.table import Table

    table = Table("not held by the format")
    table.add_column("count", justify="right")
    for kind, count in lost.most_common():
        table.add_row(kind, f"{count:,}")
    if not lost:
        table.add_row("nothing", "0")
    if illegal_tags:
        table.add_section()
        table.add_row("illegal tags in the input", f"{illegal_tags:,}")
    return table
