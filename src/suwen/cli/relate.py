"""The command `suwen relate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from suwen.cli.extract import RAW, RELATION_MODEL, Engine, Format, conclude, named_path, print_lines, require_plain
from suwen.cli.options import FORMAT, RESUME
from suwen.cli.output import standard_error
from suwen.cli.progress import progress_bar


def relate(
    inputs: list[Path] = typer.Argument(
        ...,
        metavar="INPUT...",
        parser=named_path,
        help="Annotated corpora: folders, files, patterns; - is JSON Lines from stdin.",
    ),
    output: Path = typer.Option(
        ..., "--output", "-o", metavar="OUT", parser=named_path, help="The file or folder to write; - is stdout."
    ),
    relation_model: Path | None = RELATION_MODEL,
    to: Format | None = typer.Option(
        None, help="The format of OUT; default: from its extension, or jsonl.", show_default=False
    ),
    source: str | None = FORMAT,
    engine: Engine = typer.Option(Engine.LOCAL, help="This computer, or a Ray cluster."),
    raw: bool = RAW,
    resume: bool = RESUME,
    as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
) -> None:
    """Find the relations between the entities of documents. Relations have confidences.

    Entities, attributes and notes stay; the relations of the input are replaced. For texts without entities use
    suwen extract --relations.

    Examples: suwen relate corpus/ -o related.jsonl;
    suwen relate entities.jsonl -o page.html --relation-model relations/
    """
    import time

    from suwen.extraction.inputs import ReadingOptions
    from suwen.extraction.planning import STANDARD_OUTPUT, format_for, plan_relating

    target = to.value if to else format_for(output)
    if output == STANDARD_OUTPUT:
        require_plain(target, engine, resume, as_json)
    options: dict[str, Any] = {"options": ReadingOptions(source, annotated=True), "engine": engine.value, "raw": raw}
    relating = plan_relating(inputs, output, target, model=relation_model, **options)
    console = standard_error()
    started = time.monotonic()
    if output == STANDARD_OUTPUT:
        result = print_lines(relating, console)
    else:
        with progress_bar(console) as listener:
            result = relating.run(resume, listener)
    conclude(console, result, output, target, time.monotonic() - started, as_json, is_related=True)
