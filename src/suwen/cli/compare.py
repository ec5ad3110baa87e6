"""The command `suwen compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.options import JSON, PART, SEED, SPLIT, Task, read_split, require_option
from suwen.cli.output import fail, report, show
from suwen.cli.score_tables import percent

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.evaluation.significance import Comparison

TITLES = {
    "entity": "Strict entities: type and both offsets right",
    "relation": "Strict relations: type and both spans right",
}


def compare(
    first: Path = typer.Argument(..., metavar="PREDICTIONS_A", help="Predicted documents of the first system."),
    second: Path = typer.Argument(..., metavar="PREDICTIONS_B", help="Predicted documents of the second system."),
    gold: Path = typer.Option(..., metavar="CORPUS", help="The gold documents."),
    task: Task = typer.Option(Task.ENTITIES, help="Task: entities or relations."),
    split_file: Path | None = SPLIT,
    part: str | None = PART,
    seed: int = SEED,
    as_json: bool = JSON,
) -> None:
    """Test whether the strict F1 of two predictions differs.

    The test is paired approximate randomization over documents (over sentences with a split by sentence).

    Example: suwen compare baseline.jsonl ours.jsonl --gold articles/ --split split.json
    """
    from suwen import compare as compare_predictions

    require_option("--part", part, "--split", split_file)
    found = compare_predictions(
        first, second, gold=gold, task=task.value, split=read_split(split_file), part=part, seed=seed
    )
    for warning in found.warnings:
        fail(warning)
    if as_json:
        report(found.to_dict())
    else:
        show(comparison_table(found.result, found.unit))


def comparison_table(comparison: Comparison, unit: str) -> Table:
    """Return F1 of both, all mentions first, in percent."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("Type", "gold", "F1 of A", "F1 of B", "A − B", title=TITLES[comparison.task])
    for column in table.columns[1:]:
        column.justify = "right"
    by_type = [(escape(label), scores) for label, scores in comparison.by_type.items()]
    for label, (ours, theirs) in [("[bold]all (micro)", (comparison.first, comparison.second)), *by_type]:
        difference = f"{100 * (ours.f1 - theirs.f1):+.2f}"
        table.add_row(label, f"{ours.gold:,}", percent(ours.f1), percent(theirs.f1), difference)
    table.caption = f"p = {comparison.p_value:.4g} (two-sided, {comparison.shuffles:,} random exchanges)"
    interval = comparison.interval
    if interval:
        table.caption += (
            f"; {interval.level:.0%} bootstrap interval of A − B: {100 * interval.low:+.2f} to "
            f"{100 * interval.high:+.2f} ({interval.resamples:,} resamples of {interval.units:,} {unit}s)"
        )
    return table
