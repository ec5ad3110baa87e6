"""The commands ``suwen corpus …``."""

from __future__ import annotations

import typer

from suwen.cli.corpus import agree, check, convert, sample, split, stats

HELP = "Check, split and convert corpora, and prepare annotation."

app = typer.Typer(no_args_is_help=True, help=HELP)
app.command("check")(check.check)
app.command("stats")(stats.stats)
app.command("split")(split.split)
app.command("convert")(convert.convert)
app.command("sample")(sample.sample)
app.command("agree")(agree.agree)
