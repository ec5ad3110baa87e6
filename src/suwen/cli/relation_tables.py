"""The scores of relations as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.cli.score_tables import cells, errors_table, percent, score_table, strict_table

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.api.relations import RelationEvaluation
    from suwen.evaluation.relations.analysis import RelationScores

__all__ = ["relation_tables"]


def relation_tables(evaluation: RelationEvaluation) -> list[Table]:
    """Return the scores for people, in percent."""
    scores = evaluation.analysis.scores
    title = "Strict relations: type, head span and tail span right"
    tables = [
        strict_table(title, scores, evaluation.unit, {"co-occurrence": evaluation.baseline}),
        views_table(scores),
    ]
    if scores.out_of_reach or scores.repeated:
        tables.append(reach_table(scores))
    return [*tables, errors_table(evaluation.analysis)]


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
