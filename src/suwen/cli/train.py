"""The command ``suwen train``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.options import (
    CONFIG,
    DEVICE,
    ENCODING,
    FORMAT,
    OFFSETS,
    RESUME,
    SCHEMA,
    SETTINGS,
    SPLIT,
    Offsets,
    Preset,
    Task,
    read_schema,
    read_split,
    reading_options,
    require_option,
)
from suwen.cli.output import report, show, standard_error
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from suwen.training.data import Report
    from suwen.training.folds import FoldsReport

BASELINES = ("dictionary", "hmm", "feature-crf")


class Head(StrEnum):
    """The head: from vectors to tags."""

    FC = "fc"
    CRF = "crf"
    LSTM_CRF = "lstm-crf"
    BILSTM_CRF = "bilstm-crf"


class Transfer(StrEnum):
    """Kinds of transfer."""

    FINE_TUNING = "fine-tuning"
    FEATURE_EXTRACTION = "feature-extraction"


def train(
    corpus: Path = typer.Argument(..., metavar="CORPUS", help="A folder or file of annotated documents."),
    output: Path = typer.Option(..., "--output", "-o", metavar="MODEL", help="The model folder to write."),
    task: Task = typer.Option(Task.ENTITIES, help="Task: entities or relations."),
    split_file: Path | None = SPLIT,
    part: str = typer.Option("train", help="The part of the split to train on."),
    preset: Preset = typer.Option(
        Preset.BEST, help="Preset: 'best' (this project's best settings) or 'paper' (Table 3 of the paper)."
    ),
    config_file: Path | None = CONFIG,
    encoder: str | None = typer.Option(
        None,
        help="bilstm, bigru, cnn, transformer, dictionary, hmm, feature-crf, or a pretrained encoder (see above).",
    ),
    head: Head | None = typer.Option(None, help="Head: fc, crf, lstm-crf or bilstm-crf."),
    transfer: Transfer | None = typer.Option(
        None, help="fine-tuning: train the encoder too; feature-extraction: freeze it."
    ),
    base: Path | None = typer.Option(
        None, "--from", metavar="MODEL", help="A trained model to start from: a folder, hf://owner/name, or bundled."
    ),
    teachers: list[Path] = typer.Option(
        [],
        "--teacher",
        metavar="MODEL",
        help="Teacher model for distillation, or the output of --folds; repeat to average several.",
    ),
    texts: list[Path] = typer.Option(
        [], "--texts", metavar="PATH", help="Unlabeled articles for distillation: only the teachers annotate them."
    ),
    folds: int | None = typer.Option(
        None,
        "--folds",
        min=2,
        metavar="K",
        help="Train K models, each without one part of the documents, which it then checks.",
    ),
    contradictions: Path | None = typer.Option(
        None, "--report", metavar="FILE", help="With --folds: write a table of annotations that the models contradict."
    ),
    settings: list[str] = SETTINGS,
    schema_file: Path | None = SCHEMA,
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    device: str = DEVICE,
    resume: bool = RESUME,
    as_json: bool = typer.Option(False, "--json", help="Print the manifest as JSON."),
) -> None:
    """Train a tagger or a relation model on an annotated corpus.

    A pretrained encoder is 'bundled', a name of 'suwen encoders', hf://owner/name, or a folder that 'suwen pretrain'
    wrote. The encoders bilstm, bigru, cnn and transformer start from random weights; dictionary, hmm and feature-crf
    are baselines.

    Examples: suwen train articles/ -o model --split split.json --set optimization.epochs=8;
    suwen train articles/ -o relations --task relations
    """
    from suwen import train as train_model
    from suwen import train_folds
    from suwen.errors import SuwenError
    from suwen.files import require_new, require_outside
    from suwen.formats import stream_corpus

    if not folds:
        require_new(output)
    if contradictions:
        require_new(contradictions)
    require_outside(output, [corpus])
    require_option("--report", contradictions, "--folds", folds)
    if folds and task is Task.RELATIONS:
        raise SuwenError("S406", first="--folds", second="--task relations", advice="leave it out")
    if folds and teachers:
        advice = "a teacher may have learned from the documents that a fold holds out"
        raise SuwenError("S406", first="--folds", second="--teacher", advice=advice)
    require_option("--part", part != "train", "--split", split_file)
    require_option("--texts", texts and encoder not in BASELINES, "--teacher", teachers)
    schema = read_schema(schema_file)
    # Read by the training, when it has checked all options.
    documents = stream_corpus(corpus, source, schema=schema, **reading_options(encoding, offsets))
    options: dict[str, Any] = {
        "encoder": encoder,
        "head": head and head.value,
        "transfer": transfer and transfer.value,
        "split": read_split(split_file),
        "part": part,
        "preset": preset.value,
        "config": config_file,
        "settings": settings,
        "schema": schema,
        "base": base,
        "device": device,
        "resume": resume,
    }
    with progress_bar(standard_error()) as listener:
        if folds:
            trained = train_folds(documents, output, folds, contradictions=contradictions, listener=listener, **options)
        else:
            options |= {"task": task.value, "teachers": teachers, "texts": texts}
            result = train_model(documents, output, listener=listener, **options)
    if folds:
        _report_folds(trained, contradictions, as_json)
    elif as_json:
        report(result.manifest)
    else:
        _summarize(result)


def _report_folds(trained: FoldsReport, path: Path | None, as_json: bool) -> None:
    """Print what was made."""
    if as_json:
        models = [str(fold.model) for fold in trained.folds]
        report({"models": models, "contradictions": trained.contradictions})
        return
    from rich.table import Table

    table = Table(show_header=False)
    for fold in trained.folds:
        table.add_row(str(fold.model), f"{len(fold.held_out):,} documents held out")
    for kind, number in (trained.contradictions or {}).items():
        table.add_row(kind, f"{number:,} in {path}")
    if trained.contradictions == {}:
        table.add_row("contradictions", f"none in {path}")
    show(table)


def _summarize(result: Report) -> None:
    """Print what was learned, what could not be, and where it is."""
    from rich.table import Table

    training = result.manifest["training"]
    table = Table(title=f"{result.model}", title_justify="left", show_header=False)
    if "steps" in training:
        table.add_row("parameters", f"{training['parameters']:,} ({training['learnt_parameters']:,} learned)")
        table.add_row("steps", f"{training['steps']:,}, kept those of step {training['kept_step']:,}")
        table.add_row("stopped", training["stopped"])
    if "dictionary_entries" in training:
        table.add_row("dictionary entries", f"{training['dictionary_entries']:,}")
    if "iterations" in training:
        table.add_row("iterations", f"{training['iterations']:,}, {training['active_features']:,} features learned")
    if distillation := result.manifest.get("distillation"):
        texts = distillation["texts"]
        table.add_row("teachers", ", ".join(teacher["name"] for teacher in distillation["teachers"]))
        table.add_row(
            "texts that they annotate",
            f"{texts['documents']:,} ({texts['characters']:,} characters)",
        )
    for part, losses in result.losses.items():
        lost = ", ".join(f"{count:,} {reason}" for reason, count in sorted(losses.lost.items())) or "none lost"
        table.add_row(
            f"gold entities in {part}", f"{losses.entities:,}, {losses.expressible:.2%} can be expressed ({lost})"
        )
    for part, counts in result.manifest["expressible"].items() if not result.losses else ():
        table.add_row(f"gold relations in {part}", f"{counts['relations']:,}, {counts['reachable']:,} can be found")
    if result.scores:
        micro = result.scores.micro
        # In percent, as suwen evaluate prints them.
        precision, recall, f1 = (f"{100 * value:.2f}" for value in (micro.precision, micro.recall, micro.f1))
        figures = f"P {precision}  R {recall}  F1 {f1}"
        table.add_row("strict scores on dev", figures)
    table.add_row("seconds", f"{training['seconds']:.0f}")
    show(table)
