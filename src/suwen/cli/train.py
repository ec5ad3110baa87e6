"""The command ``suwen train``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.output import report, show, standard_error, step_bar

if TYPE_CHECKING:
    from suwen.corpus.split import Split
    from suwen.document import Document
    from suwen.schema import Schema
    from suwen.training.data import Report

BASELINES = ("dictionary", "feature-crf")


class Preset(StrEnum):
    """The named configurations."""

    BEST = "best"
    PAPER = "paper"


class Head(StrEnum):
    """What turns vectors into tags."""

    FC = "fc"
    CRF = "crf"
    LSTM_CRF = "lstm-crf"
    BILSTM_CRF = "bilstm-crf"


class Transfer(StrEnum):
    """Whether the encoder learns."""

    FINE_TUNING = "fine-tuning"
    FEATURE_EXTRACTION = "feature-extraction"


class Device(StrEnum):
    """Where the model runs."""

    CPU = "cpu"
    CUDA = "cuda"


def train(
    corpus: Path = typer.Argument(..., metavar="CORPUS", help="A folder or file of annotated documents."),
    output: Path = typer.Option(..., "--output", "-o", metavar="MODEL", help="The model folder to write."),
    split_file: Path | None = typer.Option(
        None, "--split", metavar="FILE", help="A split made by 'suwen corpus split'."
    ),
    part: str = typer.Option("train", help="The part of the split to learn from."),
    preset: Preset = typer.Option(Preset.BEST, help="'paper' is the paper's Table 3, 'best' is what works best here."),
    config_file: Path | None = typer.Option(
        None, "--config", metavar="FILE", help="A TOML file that changes the preset."
    ),
    encoder: str | None = typer.Option(
        None,
        help="bilstm, bigru, transformer (random start), dictionary, feature-crf; pretrained: a name that 'suwen "
        "encoders' shows, a name on the Hugging Face hub, or a folder.",
    ),
    head: Head | None = typer.Option(None, help="What turns the encoder's vectors into tags."),
    transfer: Transfer | None = typer.Option(None, help="Whether the encoder learns too, or only what is above it."),
    base: Path | None = typer.Option(
        None, "--from", metavar="MODEL", help="Go on from this trained model; 'carried' is the one that suwen carries."
    ),
    settings: list[str] = typer.Option(
        [], "--set", metavar="KEY=VALUE", help="Change one value: optimization.epochs=3."
    ),
    schema_file: Path | None = typer.Option(None, "--schema", metavar="FILE", help="A label set in TOML."),
    source: str | None = typer.Option(None, "--format", metavar="FORMAT", help="The format, where it is not evident."),
    device: Device = typer.Option(Device.CPU, help="Where to train."),
    resume: bool = typer.Option(False, "--resume", help="Go on with a run that was interrupted."),
    as_json: bool = typer.Option(False, "--json", help="Print the manifest as JSON."),
) -> None:
    """Train a tagger on an annotated corpus and write a model folder.

    Example: suwen train articles/ -o model --split split.json --set optimization.epochs=8
    """
    from suwen.carried import model_path
    from suwen.corpus.split import Split
    from suwen.errors import SuwenError
    from suwen.formats import read_corpus
    from suwen.schema import Schema

    if output.exists():
        raise SuwenError("S104", output)
    if part != "train" and split_file is None:
        raise typer.BadParameter("--part needs --split")
    if encoder in BASELINES:
        refuse_neural_options(
            encoder,
            {
                "--head": head is not None,
                "--transfer": transfer is not None,
                "--from": base is not None,
                "--resume": resume,
                "--device": device is not Device.CPU,
                f"--preset {preset.value}": preset is not Preset.BEST,
            },
        )
    schema = Schema.from_toml(schema_file) if schema_file else None
    documents = read_corpus(corpus, source, schema)
    split = Split.read(split_file) if split_file else None
    if encoder in BASELINES:
        result = train_cheaply(documents, split, part, encoder, config_file, settings, schema, output)
        if as_json:
            report(result.manifest)
        else:
            _summarize(result)
        return
    options: dict[str, Any] = {
        "encoder.name": encoder,
        "head.name": head.value if head else None,
        "encoder.transfer": transfer.value if transfer else None,
    }
    chosen = {key: value for key, value in options.items() if value is not None}

    try:
        from suwen.cli.progress import TrainingProgress
        from suwen.training.build import base_encoder
        from suwen.training.config import load_config
        from suwen.training.data import select_data
        from suwen.training.run import train_tagger
    except ModuleNotFoundError as error:
        raise SuwenError("S405", package=error.name, install="suwen[train]") from None

    base = model_path(base) if base else None
    config = load_config(preset.value, config_file, chosen, settings, base_encoder(base) if base else None)
    data = select_data(documents, split, part, config.seed)
    schema = schema or Schema.of_labels(data.labels)
    result = train_tagger(
        data, output, config, schema, base, resume, device.value, [TrainingProgress(standard_error())]
    )
    if as_json:
        report(result.manifest)
    else:
        _summarize(result)


def refuse_neural_options(encoder: str, given: dict[str, bool]) -> None:
    """Refuse options that mean nothing to a baseline.

    Raises
    ------
    SuwenError
        S406 for the first one that is given.
    """
    from suwen.errors import SuwenError

    for option, present in given.items():
        if present:
            raise SuwenError("S406", first=option, second=f"--encoder {encoder}", advice="leave it out")


def train_cheaply(
    documents: list[Document],
    split: Split | None,
    part: str,
    encoder: str,
    config_file: Path | None,
    settings: list[str],
    schema: Schema | None,
    output: Path,
) -> Report:
    """Train a baseline; needs no torch."""
    from suwen.schema import Schema
    from suwen.training.baselines import FeatureCRFConfig, load_baseline_config, train_baseline
    from suwen.training.data import select_data

    config = load_baseline_config(encoder, config_file, settings)
    data = select_data(documents, split, part, config.seed)
    with step_bar(standard_error(), disable=not isinstance(config, FeatureCRFConfig)) as progress:
        iterations = config.iterations if isinstance(config, FeatureCRFConfig) else None
        task = progress.add_task("iterations", total=iterations, loss="")
        return train_baseline(
            data,
            output,
            config,
            schema or Schema.of_labels(data.labels),
            lambda iteration, loss: progress.update(task, completed=iteration, loss=f"loss {loss:,.0f}"),
        )


def _summarize(result: Report) -> None:
    """Print what was learnt, what could not be, and where it is."""
    from rich.table import Table

    training = result.manifest["training"]
    table = Table(title=f"{result.model}", title_justify="left", show_header=False)
    if "steps" in training:
        table.add_row("parameters", f"{training['parameters']:,} ({training['learnt_parameters']:,} learnt)")
        table.add_row("steps", f"{training['steps']:,}, kept those of step {training['kept_step']:,}")
        table.add_row("stopped", training["stopped"])
    if "dictionary_entries" in training:
        table.add_row("dictionary entries", f"{training['dictionary_entries']:,}")
    if "iterations" in training:
        table.add_row("iterations", f"{training['iterations']:,}, {training['active_features']:,} features learnt")
    for part, losses in result.losses.items():
        lost = ", ".join(f"{count:,} {reason}" for reason, count in sorted(losses.lost.items())) or "none lost"
        table.add_row(
            f"gold entities in {part}", f"{losses.entities:,}, {losses.expressible:.2%} can be expressed ({lost})"
        )
    if result.scores:
        micro = result.scores.micro
        table.add_row(
            "strict entity scores on dev", f"P {micro.precision:.4f}  R {micro.recall:.4f}  F1 {micro.f1:.4f}"
        )
    table.add_row("seconds", f"{training['seconds']:.0f}")
    show(table)
