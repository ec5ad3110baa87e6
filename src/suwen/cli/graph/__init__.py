"""The commands ``suwen graph …``."""

from __future__ import annotations

import typer

from suwen.cli.graph import build, decisions, export, info, query, sql

app = typer.Typer(no_args_is_help=True, help="Build, query, correct and export a knowledge graph.")
app.command("build")(build.build)
app.command("add")(build.add)
app.command("remove")(build.remove)
app.command("query")(query.query)
app.command("merge")(decisions.merge)
app.command("split")(decisions.split)
app.command("undo")(decisions.undo)
app.command("judge")(decisions.judge)
app.command("sql")(sql.sql)
app.command("export")(export.export)
app.command("info")(info.info)
