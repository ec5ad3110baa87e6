"""The command ``suwen train``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.output import fail, report, show, standard_error, step_bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from suwen.corpus.split import Selection, Split
    from suwen.document import Document
    from suwen.schema import Schema
    from suwen.training.config import TrainingConfig
    from suwen.training.data import Report, TrainingData
    from suwen.training.distillation import Distillation
    from suwen.training.folds import Fold

BASELINES = ("dictionary", "hmm", "feature-crf")


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
        help="bilstm, bigru, cnn, transformer (random start), dictionary, hmm, feature-crf; pretrained: 'carried' (the "
        "small one that suwen carries), a name that 'suwen encoders' shows or on the Hugging Face hub, or a folder.",
    ),
    head: Head | None = typer.Option(None, help="What turns the encoder's vectors into tags."),
    transfer: Transfer | None = typer.Option(None, help="Whether the encoder learns too, or only what is above it."),
    base: Path | None = typer.Option(
        None, "--from", metavar="MODEL", help="Go on from this trained model; 'carried' is the one that suwen carries."
    ),
    teachers: list[Path] = typer.Option(
        [],
        "--teacher",
        metavar="MODEL",
        help="A trained model whose opinion of every character is learned too; the average of several counts.",
    ),
    texts: list[Path] = typer.Option(
        [], "--texts", metavar="PATH", help="Articles that only the teachers annotate, to learn from them as well."
    ),
    folds: int | None = typer.Option(
        None, "--folds", min=2, metavar="K", help="Train K models, each without a part of the documents that it judges."
    ),
    contradictions: Path | None = typer.Option(
        None, "--report", metavar="FILE", help="With --folds: a table of annotations that these models contradict."
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

    if output.exists() and not (folds and resume):
        raise SuwenError("S104", output)
    if contradictions and not folds:
        raise typer.BadParameter("--report needs --folds")
    if folds and teachers:
        advice = "a teacher may have learned from the documents that a fold holds out"
        raise SuwenError("S406", first="--folds", second="--teacher", advice=advice)
    if part != "train" and split_file is None:
        raise typer.BadParameter("--part needs --split")
    if encoder in BASELINES:
        refuse_neural_options(
            encoder,
            {
                "--head": head is not None,
                "--transfer": transfer is not None,
                "--from": base is not None,
                "--teacher": bool(teachers),
                "--texts": bool(texts),
                "--folds": bool(folds),
                "--resume": resume,
                "--device": device is not Device.CPU,
                f"--preset {preset.value}": preset is not Preset.BEST,
            },
        )
    if texts and not teachers:
        raise typer.BadParameter("--texts needs --teacher")
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
        from suwen.training.config import TEACHERS_WEIGHT, DistillationConfig, load_config
        from suwen.training.data import select_data
        from suwen.training.run import train_tagger, working_folder
        from suwen.work import check_work
    except ModuleNotFoundError as error:
        raise SuwenError("S405", package=error.name, install="suwen[train]") from None

    base = model_path(base) if base else None
    config = load_config(preset.value, config_file, chosen, settings, base_encoder(base) if base else None)
    distillation = None
    if teachers:
        if config.distillation.weight is None:
            config = config.model_copy(update={"distillation": DistillationConfig(weight=TEACHERS_WEIGHT)})
        check_work(working_folder(output), resume)
        distillation = learnt_from(teachers, texts, config, device.value)
    elif config.distillation.weight is not None:
        advice = "name a trained model, or leave the setting out"
        raise SuwenError("S406", first="distillation.weight", second="a run without --teacher", advice=advice)
    data = select_data(documents, split, part, config.seed, set_aside=not folds)
    if distillation:
        refuse_held_out(distillation, held_out_parts(data, documents, split, part), data.description)
    schema = schema or Schema.of_labels(data.labels)
    progress = TrainingProgress(standard_error())
    if folds:
        from suwen.training.folds import train_folds

        unit = split.unit if split else "document"
        listeners: Sequence[TrainingProgress] = [progress]
        try:
            trained = train_folds(
                data, output, config, schema, folds, unit, base, resume, device.value, listeners, fail
            )
        finally:
            progress.progress.stop()
        _report_folds(trained, contradictions, device.value, as_json)
        return
    try:
        result = train_tagger(
            data,
            output,
            config,
            schema,
            base,
            resume,
            device.value,
            [progress],
            distillation,
            progress.judged,
            tell=fail,
        )
    finally:
        progress.progress.stop()
    if as_json:
        report(result.manifest)
    else:
        _summarize(result)


def _report_folds(trained: Sequence[Fold], path: Path | None, device: str, as_json: bool) -> None:
    """Write the table of contradictions where one is asked for, and print what was made."""
    from suwen.inference import Predictor
    from suwen.loading import load
    from suwen.training.folds import find_contradictions, write_contradictions

    def judges() -> Iterator[tuple[Predictor, Sequence[Selection]]]:
        for fold in trained:
            predictor = load(fold.model, device)
            assert isinstance(predictor, Predictor)
            yield predictor, fold.held_out

    counts = write_contradictions(path, find_contradictions(judges())) if path else None
    if as_json:
        report({"models": [str(fold.model) for fold in trained], "contradictions": counts})
        return
    from rich.table import Table

    table = Table(show_header=False)
    for fold in trained:
        table.add_row(str(fold.model), f"{len(fold.held_out):,} documents held out")
    for kind, number in (counts or {}).items():
        table.add_row(kind, f"{number:,} in {path}")
    show(table)


def learnt_from(teachers: list[Path], texts: list[Path], config: TrainingConfig, device: str) -> Distillation:
    """Load the teachers and read their texts.

    Raises
    ------
    SuwenError
        S406 for a teacher that has no opinion of every character, such as a dictionary, and for teachers or texts that
        come twice; S106 for an empty text.
    """
    from suwen.carried import model_path
    from suwen.errors import SuwenError
    from suwen.files import read_json, sha256
    from suwen.formats import read_corpus
    from suwen.inference import Predictor
    from suwen.loading import load
    from suwen.training.distillation import Distillation, Teacher

    loaded: list[Teacher] = []
    for path in map(model_path, teachers):
        predictor = load(path, device)
        if not isinstance(predictor, Predictor):
            advice = "take taggers alone"
            raise SuwenError("S406", first=f"--teacher {path}", second="a model that is no tagger", advice=advice)
        manifest = path / "manifest.json"
        teacher = Teacher(path.name, sha256(manifest), predictor, read_json(manifest).get("data", {}))
        if teacher.hash in (other.hash for other in loaded):
            raise SuwenError("S406", first=f"--teacher {path}", second="itself", advice="name each teacher once")
        loaded.append(teacher)
    assert config.distillation.weight is not None
    documents: list[Document] = []
    seen: set[str] = set()
    for path in texts:
        for document in read_corpus(path):
            if not document.text.strip():
                raise SuwenError("S106", path / document.id if path.is_dir() else path)
            if document.text in seen:
                advice = "give each article once"
                raise SuwenError("S406", first=f"the text {document.id!r}", second="an equal one", advice=advice)
            seen.add(document.text)
            documents.append(document)
    return Distillation(loaded, documents, config.distillation.weight, [path.name for path in texts])


def held_out_parts(
    data: TrainingData, documents: list[Document], split: Split | None, part: str
) -> dict[str, Sequence[Selection]]:
    """What scores are to be had from: the other parts of the split, or what was set aside for evaluation."""
    if split is None:
        return {"dev": data.dev} if data.dev else {}
    return {name: split.select(documents, name) for name, rows in split.parts.items() if name != part and rows}


def refuse_held_out(distillation: Distillation, parts: dict[str, Sequence[Selection]], data: dict[str, Any]) -> None:
    """Refuse texts that hold documents that scores are to be had from, and teachers that learned from these.

    Raises
    ------
    SuwenError
        S314 for a text, S315 for a teacher.
    """
    from suwen.corpus.near_copies import held_out_copy
    from suwen.document import Document
    from suwen.errors import SuwenError

    for part, selections in parts.items():
        held_out = [
            Document(one.document.id, "".join(one.document.text[start:end] for start, end in one.spans))
            for one in selections
        ]
        copy = held_out_copy(distillation.texts, held_out)
        if copy:
            raise SuwenError("S314", text=copy.first, document=copy.second, part=part)
    for teacher in distillation.teachers if parts else ():
        same = teacher.data.get("data_hash") == data["data_hash"]
        if same and (teacher.data.get("split"), teacher.data.get("train")) != (data["split"], data["train"]):
            raise SuwenError("S315", name=teacher.name)


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
    if distillation := result.manifest.get("distillation"):
        judged = distillation["texts"]
        table.add_row("teachers", ", ".join(teacher["name"] for teacher in distillation["teachers"]))
        table.add_row("texts that they annotate", f"{judged['documents']:,} ({judged['characters']:,} characters)")
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
