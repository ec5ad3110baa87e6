"""The command `suwen evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.entity_tables import entity_tables
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
    require_option,
)
from suwen.cli.output import fail, report, show, standard_error
from suwen.cli.progress import progress_bar
from suwen.cli.relation_tables import relation_tables

if TYPE_CHECKING:
    from suwen.document import Document


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
    from suwen.files import require_new
    from suwen.formats import read_corpus, write_corpus

    for output in filter(None, (save_predictions, html)):
        require_new(output)
    require_option("--part", part, "--split", split_file)
    require_option("--save-predictions", save_predictions, "MODEL", model)
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
        show(*entity_tables(evaluation))
    if html:
        evaluation.write_html(html, f"{(corpus or gold or html).stem}: {evaluation.part}")
