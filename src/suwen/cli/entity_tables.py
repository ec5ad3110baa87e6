"""The scores of entities as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suwen.cli.score_tables import cells, errors_table, percent, score_table, strict_table

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.api.scoring import Evaluation
    from suwen.evaluation.scores import Scores

__all__ = ["entity_tables"]


def entity_tables(evaluation: Evaluation) -> list[Table]:
    """Return the scores for people, in percent."""
    scores = evaluation.analysis.scores
    tables = [
        strict_table("Strict entities: type and both offsets right", scores, evaluation.unit),
        views_table(scores),
    ]
    if scores.by_familiarity is not None:
        tables.append(familiarity_table(scores))
    return [*tables, errors_table(evaluation.analysis)]


def views_table(scores: Scores) -> Table:
    """Return the laxer measures."""
    tokens = scores.tokens
    table = score_table("Other views, not comparable with the strict one", "View")
    table.add_row("Overlap, same type", *cells(scores.overlap))
    table.add_row("Same span, any type", *cells(scores.type_blind_strict))
    table.add_row("Overlap, any type", *cells(scores.type_blind_overlap))
    table.add_row("Token, BIO tags without O", *cells(tokens.without_o))
    table.add_row("Tag accuracy, with O", "", "", percent(tokens.accuracy), f"{tokens.characters:,}", "", "")
    if tokens.flattened_gold or tokens.flattened_predicted:
        table.caption = (
            f"A character has one tag: {tokens.flattened_gold:,} gold and {tokens.flattened_predicted:,} predicted "
            "entities that overlap longer ones are not in the token view"
        )
    return table


def familiarity_table(scores: Scores) -> Table:
    """Return strict scores of mentions that the training part has, and of others."""
    table = score_table("Strict entities, by what the training part has", "Mention")
    for name, score in (scores.by_familiarity or {}).items():
        table.add_row(name.replace("_", " "), *cells(score))
    return table
