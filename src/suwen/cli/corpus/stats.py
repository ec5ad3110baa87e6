"""The command ``suwen corpus stats``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.options import (
    ENCODING,
    FORMAT,
    JSON,
    OFFSETS,
    SCHEMA,
    Offsets,
    read_schema,
    read_split,
    reading_options,
)
from suwen.cli.output import report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.corpus.stats import Statistics

FIGURES = {
    "文档 Documents": "documents",
    "字符 Characters": "characters",
    "句子 Sentences": "sentences",
    "实体 Entities": "entities",
    "断开 Fragmented": "fragmented",
    "嵌套 Nested": "nested",
    "平均长度 Mean length": "mean_mention_length",
    "关系 Relations": "relations",
}


def stats(
    corpus: Path = typer.Argument(..., metavar="PATH", help="A folder or file of annotated documents."),
    split_file: Path | None = typer.Option(None, "--split", metavar="FILE", help="Also count each part of this split."),
    as_json: bool = JSON,
    schema_file: Path | None = SCHEMA,
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
) -> None:
    """Count the entities and relations of a corpus, by type and part.

    Example: suwen corpus stats articles/ --split split.json
    """
    from suwen.corpus.stats import statistics
    from suwen.formats import read_corpus

    schema, split = read_schema(schema_file), read_split(split_file)
    documents = read_corpus(corpus, source, schema=schema, **reading_options(encoding, offsets))
    parts = {part: split.select(documents, part) for part in split.parts} if split else {}
    figures = statistics(documents, parts, schema)
    if as_json:
        report(figures.to_dict())
    else:
        show(label_table(figures), figures_table(figures))


def label_table(figures: Statistics) -> Table:
    """Build the table of entities by type: counts of each part with their percentage, and of all with theirs."""
    from rich.text import Text

    table = table_of("实体 Entities (% of the type; total: % of all)", (*figures.parts, "total"))
    headings = {group: Text(f"{zh} {en}", "bold") for group, zh, en in figures.schema.groups}
    group = ""
    for kind in figures.schema.entities:
        if kind.group != group and kind.group in headings:
            table.add_section()
            table.add_row(headings[kind.group])
        group = kind.group
        total = figures.total.labels[kind.name]
        cells = [
            _counted(part.labels[kind.name], figures.share(kind.name, name)) for name, part in figures.parts.items()
        ]
        table.add_row(Text(kind.title), *cells, _counted(total, total / max(figures.total.entities, 1)))
    table.add_section()
    whole = max(figures.total.entities, 1)
    columns = [*figures.parts.values(), figures.total]
    table.add_row("合计 Total", *(_counted(part.entities, part.entities / whole) for part in columns))
    return table


def figures_table(figures: Statistics) -> Table:
    """Return a table of the other figures of the parts and the corpus."""
    table = table_of("语料 Corpus", (*figures.parts, "total"))
    columns = [part.to_dict() for part in (*figures.parts.values(), figures.total)]
    for name, key in FIGURES.items():
        table.add_row(name, *(f"{c[key]:.2f}" if isinstance(c[key], float) else f"{c[key]:,}" for c in columns))
    return table


def table_of(title: str, columns: Iterable[str]) -> Table:
    """Return an empty table of figures, narrow enough for 80 characters."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _counted(count: int, share: float) -> str:
    return f"{count:,} {100 * share:4.1f}"
