"""The command `suwen relate`."""

from __future__ import annotations

from pathlib import Path

import typer

from suwen.cli.extract import RELATION_MODEL, Engine, Format, named_path, require_plain, run


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
    relation_model: Path | None = typer.Option(
        None, metavar="MODEL", parser=named_path, help=RELATION_MODEL, show_default="bundled"
    ),
    to: Format | None = typer.Option(
        None, help="The format of OUT; by default what its ending says, jsonl without one.", show_default=False
    ),
    source: str | None = typer.Option(
        None, "--from", metavar="FORMAT", help="The format of the input, where it is not evident."
    ),
    engine: Engine = typer.Option(Engine.LOCAL, help="This computer, or a Ray cluster."),
    resume: bool = typer.Option(False, "--resume", help="Go on with a run that was interrupted."),
    as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
) -> None:
    """Find the relations between the entities of annotated documents, with a confidence each.

    Entities, attributes and notes stay; the relations of the input are replaced. For texts without entities use
    suwen extract --relations.

    Examples: suwen relate corpus/ -o related.jsonl;
    suwen relate entities.jsonl -o page.html --relation-model relations/
    """
    from suwen.extraction.inputs import Options
    from suwen.extraction.planning import STANDARD_OUTPUT, format_for, plan_relating

    target = to.value if to else format_for(output)
    if output == STANDARD_OUTPUT:
        require_plain(target, engine, resume, as_json)
    options = Options(source, annotated=True)
    extraction = plan_relating(inputs, output, target, model=relation_model, options=options, engine=engine.value)
    run(extraction, resume, as_json)
