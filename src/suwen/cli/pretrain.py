"""The command ``suwen pretrain``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from suwen.cli.output import report, show, standard_error


class Strategy(StrEnum):
    """The recipes of Table 1."""

    BERT = "bert"
    WWM = "wwm"
    WWM_EXT = "wwm-ext"
    ERNIE = "ernie"
    ERNIE_TINY = "ernie-tiny"
    ROBERTA = "roberta"


class Architecture(StrEnum):
    """What is pre-trained."""

    TRANSFORMER = "transformer"
    BILSTM = "bilstm"


class Size(StrEnum):
    """Layers x width: 2 x 128, 4 x 256, 6 x 384, 8 x 512, 12 x 768."""

    MINI = "mini"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    BASE = "base"


class Device(StrEnum):
    """Where to train."""

    CPU = "cpu"
    CUDA = "cuda"


def pretrain(
    texts: list[Path] = typer.Argument(
        ..., metavar="TEXT…", help="Plain text: files (.txt, .xz, .gz) and folders of .txt documents."
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
        help="Go on from this encoder: carried, a folder, a catalogue name or a hub name.",
    ),
    size: Size | None = typer.Option(
        None, help="2 x 128 (mini, the default), 4 x 256, 6 x 384, 8 x 512 or 12 x 768 (base)."
    ),
    vocabulary: Path | None = typer.Option(
        None, "--vocab", metavar="FILE", help="A vocab.txt; by default the characters of the texts."
    ),
    segmenter: str | None = typer.Option(None, help="Cuts words for wwm and ernie: thulac (default), jieba or none."),
    lexicon: list[Path] = typer.Option([], metavar="FILE", help="Terms, one a line, masked whole by ernie."),
    exclude_split: Path | None = typer.Option(
        None, metavar="FILE", help="A split.json of a brat corpus among the texts, to leave documents out."
    ),
    exclude_part: list[str] = typer.Option([], metavar="PART", help="The parts to leave out: dev, test."),
    cache: Path | None = typer.Option(
        None, metavar="DIR", help="Keep the texts as ids here, so that several runs share them."
    ),
    settings: list[str] = typer.Option(
        [], "--set", metavar="KEY=VALUE", help="Change one value: optimization.steps=20000, data.lengths=[64,128]."
    ),
    seed: int = typer.Option(0, min=0, help="The seed of all draws."),
    device: Device = typer.Option(Device.CPU, help="Where to train."),
    resume: bool = typer.Option(False, "--resume", help="Go on with a run that was interrupted."),
    as_json: bool = typer.Option(False, "--json", help="Print the manifest as JSON."),
) -> None:
    """Pre-train an encoder on plain text, from random weights or from an encoder.

    Example: suwen pretrain articles.txt.xz corpus/ --strategy wwm -o encoder --exclude-split split.json
    --exclude-part dev --exclude-part test; suwen pretrain articles.txt.xz --encoder bilstm -o encoder
    """
    from suwen.errors import SuwenError
    from suwen.files import folder_for

    if output.exists():
        raise SuwenError("S104", output)
    if base is not None and size is not None:
        raise SuwenError("S406", first="--from", second="--size", advice="leave --size out: the encoder's is kept")
    if bool(exclude_split) != bool(exclude_part):
        given, needed = (
            ("--exclude-split", "--exclude-part") if exclude_split else ("--exclude-part", "--exclude-split")
        )
        raise SuwenError("S406", first=given, second=f"no {needed}", advice=f"give {needed} too")
    recurrent = encoder is Architecture.BILSTM
    if recurrent:
        _refuse_transformer_options(
            {
                "--strategy": strategy is not None,
                "--size": size is not None,
                "--from": base is not None,
                "--segmenter": segmenter is not None,
                "--lexicon": bool(lexicon),
            }
        )
    elif strategy is None:
        raise typer.BadParameter("--strategy is required, unless --encoder is bilstm")
    try:
        from suwen.cli.progress import PretrainingProgress
        from suwen.models.catalog import find_encoder
        from suwen.pretraining.config import load_config, load_language_model_config
        from suwen.pretraining.language_model_run import pretrain_language_model
        from suwen.pretraining.passages import read_exclusion
        from suwen.pretraining.run import NO_EXCLUSION, Texts
        from suwen.pretraining.run import pretrain as pretrain_transformer
    except ModuleNotFoundError as error:
        raise SuwenError("S405", package=error.name, install="suwen[train]") from None

    folder = find_encoder(base) if base is not None else None
    exclusion = read_exclusion(exclude_split, exclude_part, texts) if exclude_split else NO_EXCLUSION
    read = Texts(tuple(texts), vocabulary, tuple(lexicon), exclusion, folder, cache)
    console = standard_error()
    bar = PretrainingProgress(console)

    def run() -> dict[str, Any]:
        def tell(note: str) -> None:
            console.print(note, highlight=False)

        if strategy is None:
            language_models = load_language_model_config(settings, seed)
            return pretrain_language_model(read, output, language_models, resume, device.value, [bar], tell)
        chosen = [*settings, *([f'data.segmenter="{segmenter}"'] if segmenter else [])]
        config = load_config(strategy.value, (size or Size.MINI).value, chosen, folder, seed)
        return pretrain_transformer(read, output, config, resume, device.value, [bar], tell)

    with folder_for(output):
        try:
            manifest = run()
        finally:
            # After Ctrl-C the terminal's cursor would stay hidden.
            bar.progress.stop()
    if as_json:
        report(manifest)
    else:
        _summarize(manifest)


def _refuse_transformer_options(given: dict[str, bool]) -> None:
    """Refuse options that mean nothing to language models.

    Raises
    ------
    SuwenError
        S406 for the first one that is given.
    """
    from suwen.errors import SuwenError

    for option, present in given.items():
        if present:
            raise SuwenError("S406", first=option, second="--encoder bilstm", advice="leave it out")


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
