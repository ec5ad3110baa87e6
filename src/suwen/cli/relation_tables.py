"""The figures of relations as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.cli.evaluate import cells, interval_caption, macro_cells, percent, score_table

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.api.relations import RelationEvaluation
    from suwen.evaluation.relations.analysis import RelationAnalysis, RelationScores


def relation_tables(evaluation: RelationEvaluation) -> list[Table]:
    """Return the figures for people, in percent."""
    scores = evaluation.analysis.scores
    shown = [strict_table(evaluation), views_table(scores)]
    if scores.out_of_reach or scores.repeated:
        shown.append(reach_table(scores))
    return [*shown, errors_table(evaluation.analysis)]


def strict_table(evaluation: RelationEvaluation) -> Table:
    """Return the headline, and the baseline below it."""
    from rich.markup import escape

    scores = evaluation.analysis.scores
    table = score_table("Strict relations: type, head span and tail span right", "Type")
    table.add_row("[bold]all (micro)", *(f"[bold]{cell}" for cell in cells(scores.strict.micro)))
    table.add_row("mean of types (macro)", *macro_cells(scores.strict))
    table.add_row("co-occurrence", *cells(evaluation.baseline))
    table.add_section()
    for label, score in scores.strict.by_type.items():
        table.add_row(escape(label), *cells(score))
    if scores.reliability:
        table.add_section()
        table.add_row("expected calibration error", "", "", f"{scores.reliability.error:.3f}", "", "", "")
    if interval := scores.strict_f1_interval:
        table.caption = interval_caption(interval, evaluation.unit)
    return table


def views_table(scores: RelationScores) -> Table:
    """Return strict scores by distance, the laxer measure, and the entities."""
    table = score_table("Other views", "View")
    for name, score in scores.by_distance.items():
        table.add_row(f"sentence ends: {name.replace('2+', '≥ 2')}", *cells(score))
    table.add_row("arguments overlap", *cells(scores.relaxed))
    table.add_row("entities, strict", *cells(scores.entities))
    table.caption = "sentence ends: strict, by the number of 。！？ between the arguments"
    return table


def reach_table(scores: RelationScores) -> Table:
    """Return the gold relations that could not be found, by reason."""
    from rich.table import Table

    from suwen.evaluation.relations.report import REASONS

    table = Table("Reason", "gold", "% of gold", title="Gold relations that could not be found (they count in recall)")
    for column in table.columns[1:]:
        column.justify = "right"
    gold = scores.strict.micro.gold
    for reason, count in scores.out_of_reach.items():
        table.add_row(REASONS[reason][1], f"{count:,}", percent(count / gold))
    if scores.repeated:
        table.caption = f"{scores.repeated:,} more gold relations repeat another one; they count once"
    return table


def errors_table(analysis: RelationAnalysis) -> Table:
    """Return how many errors there are of each kind."""
    from rich.table import Table

    table = Table(*analysis.errors, title="Errors")
    table.add_row(*(f"{count:,}" for count in analysis.errors.values()))
    return table
