"""The command ``suwen augment``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.output import fail, report, show, standard_error
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from suwen.augmentation.corpus import Result

SHOWN_FAILURES = 5
SHOWN_SUBSTITUTIONS = 12


class Method(StrEnum):
    """What is changed."""

    MLM = "mlm"
    MENTION = "mention"
    TOKEN = "token"  # noqa: S105 (not a password)
    SYNONYM = "synonym"
    COMPOSITION = "composition"


class Preset(StrEnum):
    """The named configurations."""

    BEST = "best"
    PAPER = "paper"


class Segmenter(StrEnum):
    """What cuts words."""

    THULAC = "thulac"
    JIEBA = "jieba"
    NONE = "none"


class Format(StrEnum):
    """What can be written."""

    JSONL = "jsonl"
    BRAT = "brat"
    CONLL = "conll"


class Device(StrEnum):
    """Where the models run."""

    CPU = "cpu"
    CUDA = "cuda"


def augment(
    corpus: Path = typer.Argument(..., metavar="CORPUS", help="A folder or file of annotated documents."),
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT", help="The corpus to write: a file or folder."),
    method: Method | None = typer.Option(
        None,
        help="Words by a masked language model (mlm), mentions by others of their type, words by others of their tag "
        "(token), words by synonyms, or several in turn (composition; see steps).",
        show_default="mlm",
    ),
    preset: Preset = typer.Option(
        Preset.BEST, help="'paper' is the paper's section 3.1, 'best' is what works best here."
    ),
    encoder: str | None = typer.Option(
        None,
        help="The masked language model: 'carried' is the small one that suwen carries; a name that 'suwen encoders' "
        "shows, a name on the Hugging Face hub, or a folder.",
        show_default="carried; with --preset paper: ernie",
    ),
    segmenter: Segmenter | None = typer.Option(None, help="What cuts words.", show_default="thulac"),
    split_file: Path | None = typer.Option(
        None, "--split", metavar="FILE", help="A split: only its train part is augmented."
    ),
    part: str = typer.Option("train", help="The part of the split; any other than train is refused."),
    rate: float | None = typer.Option(
        None, min=0, max=1, help="The share of words or mentions that is replaced.", show_default="by method"
    ),
    copies: int | None = typer.Option(None, min=1, help="Documents generated from each.", show_default="1"),
    seed: int | None = typer.Option(None, min=0, help="The seed of all draws.", show_default="0"),
    combine: bool = typer.Option(
        False, "--combine", help="Write the originals too; with --split also a split of the new corpus."
    ),
    synonyms: list[Path] = typer.Option([], metavar="FILE", help="Groups of synonyms, one a line."),
    vectors: Path | None = typer.Option(
        None, metavar="FILE", help="Word vectors (word2vec's text format), whose nearest words are synonyms."
    ),
    protect: list[Path] = typer.Option([], metavar="FILE", help="Terms that are left alone, one a line."),
    check: Path | None = typer.Option(
        None, metavar="MODEL", help="A trained tagger: where it finds other entities than before, edits are undone."
    ),
    config_file: Path | None = typer.Option(
        None, "--config", metavar="FILE", help="A TOML file that changes the preset."
    ),
    settings: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Change one value: sampling.top_k=20."),
    source: str | None = typer.Option(None, "--format", metavar="FORMAT", help="The format, where it is not evident."),
    to: Format | None = typer.Option(
        None, help="The format of OUT; by default what its ending says, else that of CORPUS.", show_default=False
    ),
    schema_file: Path | None = typer.Option(None, "--schema", metavar="FILE", help="A label set in TOML."),
    device: Device = typer.Option(Device.CPU, help="Where the models run."),
    batch_tokens: int | None = typer.Option(
        None, min=1, help="Characters per batch; it changes the speed, not the result.", show_default="by device"
    ),
    workers: int = typer.Option(1, min=1, help="Processes; they change the speed, not the result."),
    resume: bool = typer.Option(False, "--resume", help="Go on with a run that was interrupted."),
    as_json: bool = typer.Option(False, "--json", help="Print the manifest as JSON."),
) -> None:
    """Generate training documents by changing words outside entities, or mentions; every edit is logged.

    Beside OUT, the folder OUT.augmentation gets the log, a report to look at, and the manifest.

    Example: suwen augment articles/ -o more.jsonl --split split.json
    """
    from suwen.augmentation.config import load_augmentation_config
    from suwen.augmentation.corpus import augment_corpus, select_train
    from suwen.corpus.split import Split
    from suwen.files import folder_for, require_new
    from suwen.formats import format_of, read_corpus
    from suwen.schema import Schema

    if not resume:
        require_new(output)
    options: dict[str, Any] = {
        "method": method.value if method else None,
        "encoder": encoder,
        "words.segmenter": segmenter.value if segmenter else None,
        "rate": rate,
        "target.copies": copies,
        "seed": seed,
        "synonym.lexicon": [str(path) for path in synonyms] or None,
        "synonym.vectors": str(vectors) if vectors else None,
        "protection.lexicon": [str(path) for path in protect] or None,
        "check.model": str(check) if check else None,
    }
    given = {key: value for key, value in options.items() if value is not None}
    config = load_augmentation_config(preset.value, config_file, given, settings)
    schema = Schema.from_toml(schema_file) if schema_file else None
    documents = read_corpus(corpus, source, schema)
    split = Split.read(split_file) if split_file else None
    select_train(documents, split, part)
    found = source or format_of(corpus)
    target = to.value if to else ending_of(output) or (found if found in [*Format] else Format.JSONL.value)
    with folder_for(output), progress_bar(standard_error()) as listener:
        result = augment_corpus(
            documents,
            output,
            config,
            split,
            target,
            combine,
            resume,
            device.value,
            batch_tokens,
            workers,
            listener,
        )
    for name, reason in list(result.augmentation.failures.items())[:SHOWN_FAILURES]:
        fail(f"{name}: kept as it was: {reason}")
    if as_json:
        report(result.manifest)
    else:
        _summarize(result)
    if result.augmentation.failures:
        raise typer.Exit(1)


def ending_of(output: Path) -> str | None:
    """The format that the ending of an output names, if it does."""
    endings = {".jsonl": Format.JSONL, ".conll": Format.CONLL}
    name = output.name.removesuffix(".gz").removesuffix(".xz")
    return next((format_.value for ending, format_ in endings.items() if name.endswith(ending)), None)


def _summarize(result: Result) -> None:
    """Print what was generated, how much it differs, and where it is."""
    from rich.table import Table
    from rich.text import Text

    figures = result.figures
    table = Table(title=f"{result.output}", title_justify="left", show_header=False)
    documents = figures.documents
    removed = f", {documents['near_copies_removed']:,} near-copies removed" if documents["near_copies_removed"] else ""
    failed = f", {documents['failed']:,} failed and kept as they were" if documents["failed"] else ""
    table.add_row("documents", f"{documents['generated']:,} generated of {documents['originals']:,}{removed}{failed}")
    for what, count in sorted(figures.counts.items()):
        table.add_row(what, f"{count:,}")
    for what, share in figures.rates.items():
        table.add_row(f"{what} changed", f"{share:.1%}")
    if figures.perplexity:
        before, after = figures.perplexity["before"], figures.perplexity["after"]
        table.add_row("pseudo-perplexity", f"{before:,.1f} before, {after:,.1f} after")
    top = [f"{old} → {new or '∅'} {count:,}" for old, new, count in figures.substitutions[:SHOWN_SUBSTITUTIONS]]
    table.add_row("most frequent", Text("   ".join(top)))
    if result.not_held:
        table.add_row("not held", ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.not_held.items())))
    table.add_row("log, report", f"{result.record}")
    show(table)
