"""The command `suwen evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.options import (
    DEVICE,
    ENCODING,
    FORMAT,
    JSON,
    OFFSETS,
    PART,
    SPLIT,
    Offsets,
    Task,
    read_split,
    reading_options,
)
from suwen.cli.output import fail, report, show, standard_error
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.document import Document
    from suwen.evaluation.analysis import Analysis
    from suwen.evaluation.scores import Score, Scores, StrictScores
    from suwen.evaluation.significance import Interval


def evaluate(
    model: Path | None = typer.Argument(
        None, metavar="MODEL", help="A model folder, hf://owner/name, bundled; cooccurrence (relations)."
    ),
    corpus: Path | None = typer.Argument(None, metavar="CORPUS", help="The annotated documents."),
    gold: Path | None = typer.Option(None, metavar="CORPUS", help="Instead of a model: the gold documents."),
    predicted: Path | None = typer.Option(None, metavar="CORPUS", help="With --gold: the predicted documents."),
    split_file: Path | None = SPLIT,
    part: str | None = PART,
    train: Path | None = typer.Option(
        None,
        metavar="CORPUS",
        help="Training documents, for seen and unseen mentions; default: the train part of the split.",
    ),
    html: Path | None = typer.Option(None, metavar="FILE", help="Write a page that shows every error in its text."),
    task: Task = typer.Option(Task.ENTITIES, help="Task: entities or relations."),
    entities: Path | None = typer.Option(
        None, metavar="MODEL", help="For relations: relate the entities of this tagger instead of the gold entities."
    ),
    save_predictions: Path | None = typer.Option(None, metavar="FILE.jsonl", help="Write what the model predicts."),
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    device: str = DEVICE,
    as_json: bool = JSON,
) -> None:
    """Score a model, or predictions, on annotated documents.

    The main score is strict: type and both offsets must be right, for relations also both offsets of the two
    arguments.

    Examples: suwen evaluate model/ articles/ --split split.json;
    suwen evaluate --gold articles/ --predicted predictions.jsonl --html errors.html;
    suwen evaluate relations/ articles/ --task relations --entities model/
    """
    from suwen import evaluate as score
    from suwen.api.relations import RelationEvaluation
    from suwen.cli.relation_tables import relation_tables
    from suwen.files import require_new
    from suwen.formats import read_corpus, write_corpus

    for output in filter(None, (save_predictions, html)):
        require_new(output)
    if part and not split_file:
        raise typer.BadParameter("--part needs --split")
    split = read_split(split_file)

    def annotated(path: Path) -> list[Document]:
        return read_corpus(path, source, **reading_options(encoding, offsets))

    learned = annotated(train) if train else None
    if model and corpus and not gold and not predicted:
        with progress_bar(standard_error()) as listener:
            evaluation = score(
                annotated(corpus),
                model,
                task=task.value,
                entities=entities,
                split=split,
                part=part,
                training=learned,
                device=device,
                listener=listener,
            )
        if save_predictions:
            write_corpus(evaluation.predictions, save_predictions, "jsonl")
    elif save_predictions and predicted:
        raise typer.BadParameter(
            "it needs MODEL: the predictions of --predicted are in a file already", param_hint="--save-predictions"
        )
    elif gold and predicted and not model:
        evaluation = score(
            annotated(gold),
            task=task.value,
            entities=entities,
            predicted=predicted,
            split=split,
            part=part,
            training=learned,
        )
    else:
        raise typer.BadParameter("give MODEL and CORPUS, or --gold and --predicted")
    for warning in evaluation.warnings:
        fail(warning)
    if as_json:
        report(evaluation.to_dict())
    elif isinstance(evaluation, RelationEvaluation):
        show(*relation_tables(evaluation))
    else:
        show(*tables(evaluation.analysis, evaluation.unit))
    if html:
        evaluation.write_html(html, f"{(corpus or gold or html).stem}: {evaluation.part}")


def tables(analysis: Analysis, unit: str) -> list[Table]:
    """Return the figures for people, in percent."""
    scores = analysis.scores
    shown = [strict_table(scores, unit), views_table(scores)]
    if scores.by_familiarity is not None:
        shown.append(familiarity_table(scores))
    return [*shown, errors_table(analysis)]


def strict_table(scores: Scores, unit: str) -> Table:
    """Return the headline."""
    from rich.markup import escape

    strict = scores.strict
    table = score_table("Strict entities: type and both offsets right", "Type")
    table.add_row("[bold]all (micro)", *(f"[bold]{cell}" for cell in cells(strict.micro)))
    table.add_row("mean of types (macro)", *macro_cells(strict))
    table.add_section()
    for label, score in strict.by_type.items():
        table.add_row(escape(label), *cells(score))
    interval = scores.strict_f1_interval
    if scores.reliability:
        table.add_section()
        table.add_row("expected calibration error", "", "", f"{scores.reliability.error:.3f}", "", "", "")
    if interval:
        table.caption = interval_caption(interval, unit)
    return table


def interval_caption(interval: Interval, unit: str) -> str:
    """Return the bootstrap interval in words."""
    return (
        f"{interval.level:.0%} bootstrap interval of micro-F1: {percent(interval.low)} to {percent(interval.high)} "
        f"({interval.resamples:,} resamples of {interval.units:,} {unit}s)"
    )


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
    """Return strict scores by what the training part has."""
    table = score_table("Strict entities, by what the training part has", "Mention")
    for name, score in (scores.by_familiarity or {}).items():
        table.add_row(name.replace("_", " "), *cells(score))
    return table


def errors_table(analysis: Analysis) -> Table:
    """Return how many errors there are of each kind."""
    from rich.table import Table

    table = Table(*(kind.replace("_", " ") for kind in analysis.errors), title="Errors")
    table.add_row(*(f"{count:,}" for count in analysis.errors.values()))
    return table


def score_table(title: str, first: str) -> Table:
    """Return an empty table for `cells`."""
    from rich.table import Table

    table = Table(first, "P", "R", "F1", "gold", "predicted", "right", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def cells(score: Score) -> list[str]:
    """Return a score as a table shows it."""
    ratios = [percent(ratio) for ratio in (score.precision, score.recall, score.f1)]
    return [*ratios, *(f"{count:,}" for count in (score.gold, score.predicted, score.matched))]


def macro_cells(strict: StrictScores) -> list[str]:
    """Return the means over the types as a table shows them."""
    return [percent(ratio) for ratio in (strict.macro_precision, strict.macro_recall, strict.macro_f1)]


def percent(ratio: float) -> str:
    """Return a ratio in percent."""
    return f"{100 * ratio:.2f}"
