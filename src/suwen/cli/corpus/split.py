"""The command ``suwen corpus split``."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.corpus.stats import figures_table, label_table, table_of
from suwen.cli.options import (
    ENCODING,
    FORMAT,
    JSON,
    OFFSETS,
    SCHEMA,
    SEED,
    Offsets,
    read_schema,
    reading_options,
    require_option,
)
from suwen.cli.output import report, show

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.corpus.split import Split
    from suwen.corpus.stats import Deviation


class Unit(StrEnum):
    """Units that are kept whole."""

    SENTENCE = "sentence"
    DOCUMENT = "document"
    GROUP = "group"


def split(
    corpus: Path = typer.Argument(..., metavar="PATH", help="A folder or file of annotated documents."),
    output: Path = typer.Option(..., "--output", "-o", metavar="FILE", help="The JSON file to write; must not exist."),
    unit: Unit = typer.Option(
        Unit.DOCUMENT, help="Unit that is kept whole; a group is a journal issue (138 for 138_5)."
    ),
    ratio: str = typer.Option("6:2:2", help="The sizes of train, dev and test; 8:0:2 makes no dev part."),
    seed: int = SEED,
    group_field: str | None = typer.Option(None, metavar="FIELD", help="The metadata field that names the group."),
    as_json: bool = JSON,
    schema_file: Path | None = SCHEMA,
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
) -> None:
    """Split a corpus into train, dev and test. Each part gets its share of every type; leakage is reported.

    Example: suwen corpus split articles/ -o split.json --unit group
    """
    from suwen.corpus.splitting import groups_of, make_split, without_generated
    from suwen.corpus.stats import statistics
    from suwen.files import require_new
    from suwen.formats import read_corpus

    require_new(output)
    sizes = _sizes(ratio)
    require_option("--group-field", group_field is not None, "--unit group", unit is Unit.GROUP)
    schema = read_schema(schema_file)
    documents = read_corpus(corpus, source, schema=schema, **reading_options(encoding, offsets))
    made = make_split(documents, unit.value, sizes, seed, group_field)
    made.write(output)
    parts = {part: made.select(documents, part) for part in made.parts}
    figures = statistics(documents, parts, schema)
    # Generated documents are not assigned.
    originals, _ = without_generated(documents)
    names = {document.id for document in originals}
    assigned = {part: [one for one in owned if one.document.id in names] for part, owned in parts.items()}
    deviation = statistics(originals, assigned, schema).largest_deviation(made.ratio)
    if as_json:
        report(
            {
                "split": str(output),
                "data_hash": made.data_hash,
                "seed": made.seed,
                "unit": made.unit,
                "units": made.units,
                "ratio": made.ratio,
                "largest_deviation": deviation and deviation._asdict(),
                "statistics": figures.to_dict(),
                "leakage": made.leakage,
            }
        )
        return
    show(label_table(figures), figures_table(figures), _leakage_table(made))
    if unit == Unit.GROUP and len(set(groups_of(originals, group_field))) == len(originals):
        typer.echo("No two documents have the same group: each is a group of its own. --group-field names their field.")
    for remark in _remarks(made, deviation, output):
        typer.echo(remark)


def _sizes(ratio: str) -> tuple[float, float, float]:
    """Return the three sizes in a ratio such as ``6:2:2``."""
    try:
        train, dev, test = (float(size) for size in ratio.split(":"))
    except ValueError:
        raise typer.BadParameter("three numbers are expected, as in 6:2:2", param_hint="--ratio") from None
    if not all(isfinite(size) and size >= 0 for size in (train, dev, test)) or not train or not dev + test:
        raise typer.BadParameter("train and one other part must be larger than 0", param_hint="--ratio")
    return train, dev, test


def _leakage_table(made: Split) -> Table:
    shared = made.leakage["parts"]
    table = table_of("泄漏 Leakage: also in train, of all (%)", shared)
    for name, key in (("句子 Sentences (10+)", "sentences"), ("提及 Mentions", "mentions")):
        cells = [
            f"{part[f'seen_{key}']:,} / {part[key]:,} {100 * part[f'seen_{key}_share']:4.1f}"
            for part in shared.values()
        ]
        table.add_row(name, *cells)
    return table


def _remarks(made: Split, deviation: Deviation | None, output: Path) -> Iterator[str]:
    for copy in made.leakage["near_copies"]:
        parts = copy["parts"]
        where = f"both in {parts[0]}" if len(parts) == 1 else f"LEAKING between {', '.join(parts)}"
        pair = f"{copy['first']} and {copy['second']} (resemblance {copy['resemblance']:.2f})"
        yield f"Near-copies: {pair}, {where}."
    if generated := made.leakage.get("generated"):
        kept, left = generated["train"], generated["left_out"]
        yield f"Generated documents: {kept:,} follow their original into train, {left:,} are in no part."
    if deviation is not None and round(deviation.points, 2):
        much = "much" if deviation.points > 0 else "little"
        size = f"{abs(deviation.points):.2f} points too {much} {deviation.label} in {deviation.part}"
        yield f"Largest deviation from the ratio: {size}."
    units = ", ".join(f"{part} {count:,}" for part, count in made.units.items())
    yield f"Written to {output}: split by {made.unit} ({units}) with seed {made.seed}."
