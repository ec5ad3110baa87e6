"""The command ``suwen augment``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

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
    read_schema,
    read_split,
    reading_options,
)
from suwen.cli.output import fail, report, show, standard_error
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from suwen.augmentation.corpus import Result

SHOWN_FAILURES = 5
SHOWN_SUBSTITUTIONS = 12


class Method(StrEnum):
    """Methods of augmentation."""

    MLM = "mlm"
    MENTION = "mention"
    TOKEN = "token"  # noqa: S105 (not a password)
    SYNONYM = "synonym"
    COMPOSITION = "composition"


class Segmenter(StrEnum):
    """Word segmenters."""

    THULAC = "thulac"
    JIEBA = "jieba"
    NONE = "none"


class Format(StrEnum):
    """Output formats."""

    JSONL = "jsonl"
    BRAT = "brat"
    CONLL = "conll"


def augment(
    corpus: Path = typer.Argument(..., metavar="CORPUS", help="A folder or file of annotated documents."),
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT", help="The corpus to write: a file or folder."),
    method: Method | None = typer.Option(
        None,
        help="Words by a masked language model (mlm); mentions; tokens; synonyms; composition: several in turn.",
        show_default="mlm",
    ),
    preset: Preset = typer.Option(
        Preset.BEST, help="Preset: 'best' (this project's best settings) or 'paper' (section 3.1 of the paper)."
    ),
    encoder: str | None = typer.Option(
        None,
        help="The masked language model: bundled, a name of 'suwen encoders', hf://owner/name, or a folder.",
        show_default="bundled; with --preset paper: ernie",
    ),
    segmenter: Segmenter | None = typer.Option(
        None, help="Word segmenter: thulac, jieba or none.", show_default="thulac"
    ),
    split_file: Path | None = SPLIT,
    part: str = typer.Option("train", help="The part of the split; only train can be augmented."),
    rate: float | None = typer.Option(
        None, min=0, max=1, help="Share of words or mentions to replace.", show_default="by method"
    ),
    copies: int | None = typer.Option(
        None, min=1, help="Number of documents generated from each document.", show_default="1"
    ),
    seed: int | None = typer.Option(None, min=0, help="The random seed.", show_default="0"),
    combine: bool = typer.Option(
        False, "--combine", help="Write the originals too; with --split also a split of the new corpus."
    ),
    synonyms: list[Path] = typer.Option([], metavar="FILE", help="Groups of synonyms, one a line."),
    vectors: Path | None = typer.Option(
        None, metavar="FILE", help="Word vectors in word2vec's text format; the nearest words are synonyms."
    ),
    protect: list[Path] = typer.Option([], metavar="FILE", help="Terms that are not changed, one a line."),
    check: Path | None = typer.Option(
        None, metavar="MODEL", help="A trained tagger: edits that change its entities are undone."
    ),
    config_file: Path | None = CONFIG,
    settings: list[str] = SETTINGS,
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    to: Format | None = typer.Option(
        None, help="The format of OUT; default: from its extension, else that of CORPUS.", show_default=False
    ),
    schema_file: Path | None = SCHEMA,
    device: str = DEVICE,
    batch_tokens: int | None = typer.Option(
        None, min=1, help="Characters per batch; changes the speed, not the result.", show_default="by device"
    ),
    workers: int = typer.Option(1, min=1, help="Number of processes; changes the speed, not the result."),
    resume: bool = RESUME,
    as_json: bool = typer.Option(False, "--json", help="Print the manifest as JSON."),
) -> None:
    """Generate training documents from annotated ones. Mentions, or words outside them, are replaced.

    The folder OUT.augmentation beside OUT has the log of all edits, an HTML report, and the manifest.

    Example: suwen augment articles/ -o more.jsonl --split split.json
    """
    from suwen import augment_corpus
    from suwen.files import require_new, require_outside
    from suwen.formats import format_of, stream_corpus
    from suwen.settings import parse_settings

    if not resume:
        require_new(output)
    require_outside(output, [corpus])
    values = {
        "words.segmenter": segmenter and segmenter.value,
        "synonym.lexicon": [str(path) for path in synonyms] or None,
        "synonym.vectors": vectors and str(vectors),
        "protection.lexicon": [str(path) for path in protect] or None,
        "check.model": check and str(check),
    }
    given = {key: value for key, value in values.items() if value is not None}
    found = source or format_of(corpus)
    # Read by the augmentation, when it has checked all options.
    documents = stream_corpus(corpus, found, schema=read_schema(schema_file), **reading_options(encoding, offsets))
    with progress_bar(standard_error()) as listener:
        result = augment_corpus(
            documents,
            output,
            method and method.value,
            preset=preset.value,
            config=config_file,
            encoder=encoder,
            seed=seed,
            copies=copies,
            rate=rate,
            settings={**given, **parse_settings(settings)},
            split=read_split(split_file),
            part=part,
            format=to.value if to else ending_of(output) or (found if found in [*Format] else Format.JSONL.value),
            combine=combine,
            device=device,
            batch_tokens=batch_tokens,
            workers=workers,
            resume=resume,
            listener=listener,
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
    """Return the format that the extension of an output names, if it does."""
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
