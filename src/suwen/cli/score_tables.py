"""Parts of tables that the scores of entities and of relations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.evaluation.analysis import Analysis
    from suwen.evaluation.relations.analysis import RelationAnalysis, RelationScores
    from suwen.evaluation.scores import Scores
    from suwen.evaluation.significance import Interval
    from suwen.evaluation.strict import Score

__all__ = ["cells", "errors_table", "percent", "score_table", "strict_table"]


def strict_table(
    title: str, scores: Scores | RelationScores, unit: str, baselines: Mapping[str, Score] | None = None
) -> Table:
    """Return strict scores: micro, macro, then the baselines, then each type."""
    from rich.markup import escape

    strict = scores.strict
    table = score_table(title, "Type")
    table.add_row("[bold]all (micro)", *(f"[bold]{cell}" for cell in cells(strict.micro)))
    macro = (strict.macro_precision, strict.macro_recall, strict.macro_f1)
    table.add_row("mean of types (macro)", *map(percent, macro))
    for name, score in (baselines or {}).items():
        table.add_row(name, *cells(score))
    table.add_section()
    for label, score in strict.by_type.items():
        table.add_row(escape(label), *cells(score))
    if scores.reliability:
        table.add_section()
        table.add_row("expected calibration error", "", "", f"{scores.reliability.error:.3f}", "", "", "")
    if scores.strict_f1_interval:
        table.caption = _caption(scores.strict_f1_interval, unit)
    return table


def _caption(interval: Interval, unit: str) -> str:
    return (
        f"{interval.level:.0%} bootstrap interval of micro-F1: {percent(interval.low)} to {percent(interval.high)} "
        f"({interval.resamples:,} resamples of {interval.units:,} {unit}s)"
    )


def score_table(title: str, first: str) -> Table:
    """Return an empty table for rows of a name and `cells`."""
    from rich.table import Table

    table = Table(first, "P", "R", "F1", "gold", "predicted", "right", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def errors_table(analysis: Analysis | RelationAnalysis) -> Table:
    """Return the number of errors of each kind."""
    from rich.table import Table

    table = Table(*(kind.replace("_", " ") for kind in analysis.errors), title="Errors")
    table.add_row(*(f"{count:,}" for count in analysis.errors.values()))
    return table


def cells(score: Score) -> list[str]:
    """Return a score as the cells of a row."""
    ratios = [percent(ratio) for ratio in (score.precision, score.recall, score.f1)]
    return [*ratios, *(f"{count:,}" for count in (score.gold, score.predicted, score.matched))]


def percent(ratio: float) -> str:
    """Return a ratio in percent."""
    return f"{100 * ratio:.2f}"
