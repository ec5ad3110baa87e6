"""The command ``suwen pretrain``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from suwen.cli.options import DEVICE, RESUME, SEED
from suwen.cli.output import report, show, standard_error
from suwen.cli.progress import progress_bar


class Strategy(StrEnum):
    """The recipes of Table 1."""

    BERT = "bert"
    WWM = "wwm"
    WWM_EXT = "wwm-ext"
    ERNIE = "ernie"
    ERNIE_TINY = "ernie-tiny"
    ROBERTA = "roberta"


class Architecture(StrEnum):
    """Kinds of encoders to pre-train."""

    TRANSFORMER = "transformer"
    BILSTM = "bilstm"


class Size(StrEnum):
    """Layers x width: 2 x 128, 4 x 256, 6 x 384, 8 x 512, 12 x 768."""

    MINI = "mini"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    BASE = "base"


def pretrain(
    texts: list[Path] = typer.Argument(
        ..., metavar="TEXT...", help="Plain text: files (.txt, .xz, .gz) and folders of .txt documents."
    ),
    output: Path = typer.Option(..., "-o", "--output", metavar="DIR", help="The encoder folder to write."),
    strategy: Strategy | None = typer.Option(
        None, help="Masking and sentence pairs of a transformer; required for one."
    ),
    encoder: Architecture = typer.Option(
        Architecture.TRANSFORMER,
        help="transformer: masked language model; bilstm: forward and backward character language models.",
    ),
    base: str | None = typer.Option(
        None,
        "--from",
        metavar="ENCODER",
        help="An encoder to start from: bundled, a name of 'suwen encoders', hf://owner/name, or a folder.",
    ),
    size: Size | None = typer.Option(
        None,
        help="Layers x width: mini 2 x 128 (default), small 4 x 256, medium 6 x 384, large 8 x 512, base 12 x 768.",
    ),
    vocabulary: Path | None = typer.Option(
        None, "--vocab", metavar="FILE", help="A vocab.txt; by default the characters of the texts."
    ),
    segmenter: str | None = typer.Option(
        None, help="Word segmenter for wwm and ernie: thulac (default), jieba or none."
    ),
    lexicon: list[Path] = typer.Option([], metavar="FILE", help="Terms that ernie masks as a whole, one a line."),
    exclude_split: Path | None = typer.Option(
        None, metavar="FILE", help="A split.json of a brat corpus among the texts; see --exclude-part."
    ),
    exclude_part: list[str] = typer.Option(
        [], metavar="PART", help="The parts of --exclude-split to leave out: dev, test."
    ),
    cache: Path | None = typer.Option(None, metavar="DIR", help="Folder for the texts as ids, shared between runs."),
    settings: list[str] = typer.Option(
        [],
        "--set",
        metavar="KEY=VALUE",
        help="Change one value: optimization.steps=20000, data.lengths=[64,128]; repeatable.",
    ),
    seed: int = SEED,
    device: str = DEVICE,
    resume: bool = RESUME,
    as_json: bool = typer.Option(False, "--json", help="Print the manifest as JSON."),
) -> None:
    """Pre-train an encoder on plain text. It starts from random weights or from an encoder.

    Example: suwen pretrain articles.txt.xz corpus/ --strategy wwm -o encoder --exclude-split split.json
    --exclude-part dev --exclude-part test; suwen pretrain articles.txt.xz --encoder bilstm -o encoder
    """
    from suwen import pretrain as pretrain_encoder

    with progress_bar(standard_error()) as listener:
        made = pretrain_encoder(
            texts,
            output,
            strategy=strategy and strategy.value,
            encoder=encoder.value,
            size=size and size.value,
            base=base,
            vocabulary=vocabulary,
            lexicon=lexicon,
            exclude_split=exclude_split,
            exclude_parts=exclude_part,
            cache=cache,
            settings=[*settings, *([f'data.segmenter="{segmenter}"'] if segmenter else [])],
            seed=seed,
            device=device,
            resume=resume,
            listener=listener,
        )
    if as_json:
        report(made.manifest)
    else:
        _summarize(made.manifest)


def _summarize(manifest: dict[str, Any]) -> None:
    """Print what was read, how far the loss came, and what the encoder fills in."""
    from rich.table import Table

    training, held_out, texts = manifest["training"], manifest["held_out"], manifest["texts"]
    table = Table(title=manifest["name"], title_justify="left", show_header=False)
    characters, unknown = (sum(row[key] for row in texts) for key in ("characters", "unknown"))
    aside = sum(row["held_out_characters"] for row in texts)
    excluded = sum(len(row["excluded"]) for row in texts)
    table.add_row("texts", f"{characters:,} characters to learn from, {aside:,} held out, {excluded:,} files left out")
    table.add_row("vocabulary", f"{manifest['vocabulary']['tokens']:,} tokens, {unknown:,} characters unknown")
    table.add_row("parameters", f"{training['parameters']:,}")
    table.add_row(
        "tokens",
        f"{training['tokens']:,} in {training['steps']:,} steps, {training['passes']:.1f} passes over the text",
    )
    below = held_out["loss"] < held_out["unigram_loss"]
    verdict = "below" if below else "not yet below"
    table.add_row("held-out loss", f"{held_out['loss']:.4f} nats a character, {verdict} the unigram loss")
    table.add_row("unigram loss", f"{held_out['unigram_loss']:.4f}")
    table.add_row("seconds", f"{training['seconds']:.0f}")
    if "fill_ins" not in manifest:
        show(table)
        return
    guesses = Table("sentence", "hidden", "guesses", "rank", title="fill-ins", title_justify="left")
    for row in manifest["fill_ins"]:
        shown = "  ".join(f"{token} {probability:.2f}" for token, probability in row["guesses"])
        rank = "not in the vocabulary" if row["rank"] is None else str(row["rank"])
        guesses.add_row(row["sentence"], row["hidden"], shown.replace("[", "\\["), rank)
    show(table, guesses)
