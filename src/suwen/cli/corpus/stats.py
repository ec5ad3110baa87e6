"""The command ``suwen corpus stats``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.output import report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.corpus.stats import Statistics

FIGURES = (
    ("文档", "Documents", "documents"),
    ("字符", "Characters", "characters"),
    ("句子", "Sentences", "sentences"),
    ("实体", "Entities", "entities"),
    ("断开", "Fragmented", "fragmented"),
    ("嵌套", "Nested", "nested"),
    ("平均长度", "Mean length", "mean_mention_length"),
    ("关系", "Relations", "relations"),
)


def stats(
    corpus: Path = typer.Argument(..., metavar="PATH", help="A folder or file of annotated documents."),
    split_file: Path | None = typer.Option(None, "--split", metavar="FILE", help="Count each part of this split too."),
    as_json: bool = typer.Option(False, "--json", help="Print the figures as JSON."),
    schema_file: Path | None = typer.Option(None, "--schema", metavar="FILE", help="A label set in TOML."),
    source: str | None = typer.Option(None, "--from", metavar="FORMAT", help="The format, where it is not evident."),
) -> None:
    """Count what a corpus holds, by type and by part of a split.

    Example: suwen corpus stats articles/ --split split.json
    """
    from suwen.corpus.split import Split
    from suwen.corpus.stats import statistics
    from suwen.formats import read_corpus
    from suwen.schema import Schema

    schema = Schema.from_toml(schema_file) if schema_file else None
    split = Split.read(split_file) if split_file else None
    documents = read_corpus(corpus, source, schema)
    parts = {part: split.select(documents, part) for part in split.parts} if split else {}
    figures = statistics(documents, parts, schema)
    if as_json:
        report(figures.to_dict())
    else:
        show(label_table(figures), figures_table(figures))


def label_table(figures: Statistics) -> Table:
    """Entities by type: each part's count and its percentage of the type; in all, the percentage of all entities."""
    from rich.text import Text

    table = _table("实体 Entities", figures)
    headings = {group: (Text(zh, "bold"), Text(en, "bold")) for group, zh, en in figures.schema.groups}
    group = ""
    for kind in figures.schema.entities:
        if kind.group != group and kind.group in headings:
            table.add_section()
            table.add_row(*headings[kind.group])
        group = kind.group
        total = figures.total.labels[kind.name]
        cells = [
            _counted(part.labels[kind.name], figures.share(kind.name, name)) for name, part in figures.parts.items()
        ]
        table.add_row(Text(kind.zh), Text(kind.en), *cells, _counted(total, total / max(figures.total.entities, 1)))
    table.add_section()
    whole = max(figures.total.entities, 1)
    columns = [*figures.parts.values(), figures.total]
    table.add_row("合计", "Total", *(_counted(part.entities, part.entities / whole) for part in columns))
    return table


def figures_table(figures: Statistics) -> Table:
    """What else the parts and the corpus hold."""
    table = _table("语料 Corpus", figures)
    columns = [part.to_dict() for part in (*figures.parts.values(), figures.total)]
    for zh, en, key in FIGURES:
        table.add_row(zh, en, *(f"{c[key]:.2f}" if isinstance(c[key], float) else f"{c[key]:,}" for c in columns))
    return table


def _table(title: str, figures: Statistics) -> Table:
    from rich.table import Table

    table = Table("", "", title=title)
    for part in (*figures.parts, "total"):
        table.add_column(part, justify="right", no_wrap=True)
    return table


def _counted(count: int, share: float) -> str:
    return f"{count:,} {share:6.1%}"
