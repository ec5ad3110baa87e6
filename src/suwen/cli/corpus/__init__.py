"""The commands ``suwen corpus …``."""

from __future__ import annotations

import typer

from suwen.cli.corpus import check, convert, split, stats

app = typer.Typer(no_args_is_help=True, help="Check, describe, split and convert corpora.")
app.command("check")(check.check)
app.command("stats")(stats.stats)
app.command("split")(split.split)
app.command("convert")(convert.convert)
