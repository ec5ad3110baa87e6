"""The command line: one module per command, each a thin call.

Command modules import nothing heavy at the top, so that ``suwen --help`` answers at once.
"""

from __future__ import annotations

import sys

import typer

from suwen.cli import compare, corpus, demo, encoders, evaluate, extract, pretrain, train
from suwen.cli.output import fail
from suwen.errors import SuwenError

app = typer.Typer(
    name="suwen",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Named entities in Chinese medical literature: check and split corpora, train, evaluate, extract.",
)
app.add_typer(corpus.app, name="corpus")
app.command("pretrain")(pretrain.pretrain)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("extract")(extract.extract)
app.command("encoders")(encoders.encoders)
app.command("demo")(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        from suwen import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Show the version.", callback=_version, is_eager=True),
) -> None:
    del version


def main() -> None:
    """Run the command line and turn what a user can mend into one line and exit status 2."""
    try:
        app()
    except SuwenError as error:
        fail(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        fail("interrupted")
        sys.exit(130)
