"""The command ``suwen corpus sample``."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.extract import named_path
from suwen.cli.options import DEVICE, ENCODING, FORMAT, ID_COLUMN, JSON, SEED, SHEET, TEXT_COLUMN
from suwen.cli.output import amount, fail, printable, report, show, standard_error, unread_lines
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.annotation.sampling import Sample

SHOWN = 30


class Method(StrEnum):
    """Methods for choosing documents."""

    UNCERTAIN = "uncertain"
    RANDOM = "random"


def sample(
    pool: list[Path] = typer.Argument(
        ..., metavar="POOL...", parser=named_path, help="Folders and files of articles, as suwen extract reads them."
    ),
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT.jsonl", help="The chosen documents, best first."),
    documents: int | None = typer.Option(None, min=1, help="Maximum number of documents."),
    characters: int | None = typer.Option(None, min=1, help="Maximum number of characters (the cost of annotation)."),
    model: Path | None = typer.Option(
        None, metavar="MODEL", help="The model for the confidences.", show_default="bundled"
    ),
    annotated: Path | None = typer.Option(
        None, metavar="CORPUS", help="Documents that are already annotated: they and similar ones are not chosen."
    ),
    per_group: int | None = typer.Option(None, min=1, help="Maximum documents of one journal issue."),
    group_field: str | None = typer.Option(None, metavar="FIELD", help="The metadata field that names the issue."),
    method: Method = typer.Option(
        Method.UNCERTAIN, help="uncertain: uncertain entities, rare types, new words; random: the baseline."
    ),
    seed: int = SEED,
    source: str | None = FORMAT,
    text_column: str | None = TEXT_COLUMN,
    id_column: str | None = ID_COLUMN,
    sheet: str | None = SHEET,
    encoding: str | None = ENCODING,
    device: str = DEVICE,
    as_json: bool = JSON,
) -> None:
    """Choose the documents to annotate next. They have many uncertain entities, rare types or new words.

    OUT.jsonl has the documents in the order of choice, with the figures under meta.sample. Exit
    status 1: a file could not be read, or no document fits.

    Example: suwen corpus sample articles/ -o next.jsonl --documents 20 --annotated corpus/ --per-group 2
    """
    from suwen import sample as choose
    from suwen.files import require_new, require_outside
    from suwen.formats import write_corpus

    require_new(output)
    require_outside(output, pool)
    with progress_bar(standard_error()) as listener:
        found = choose(
            pool,
            documents=documents,
            characters=characters,
            model=model,
            annotated=annotated or (),
            per_group=per_group,
            group_field=group_field,
            method=method.value,
            seed=seed,
            format=source,
            text_column=text_column,
            id_column=id_column,
            sheet=sheet,
            encoding=encoding,
            device=device,
            listener=listener,
        )
    for line in (*unread_lines(found.unread), *map(str, found.problems)):
        fail(line)
    chosen = found.documents
    write_corpus(chosen, output, "jsonl")
    if as_json:
        values = {"documents": len(chosen), "characters": found.characters, "left_out": dict(found.left_out)}
        values["not_read"] = dict(found.unread)
        report({**values, "choices": [choice.to_dict() for choice in found.choices]})
    else:
        written = amount(len(chosen), "document", "documents")
        typer.echo(f"{written}, {amount(found.characters, 'character', 'characters')} → {output}")
        show(choice_table(found))
        tell_left_out(found.left_out)
    if not chosen:
        fail("no document fits the budget")
    if found.problems or not chosen:
        raise typer.Exit(1)


def choice_table(found: Sample) -> Table:
    """Return the chosen documents and their figures."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "document")
    for column in ("characters", "uncertain entities per 100", "rare types", "novelty", "score"):
        table.add_column(column, justify="right")
    for rank, choice in enumerate(found.choices[:SHOWN], 1):
        known = (choice.uncertain, choice.rare, choice.novelty, choice.score)
        figures = ["–" if value is None else f"{value:.2f}" for value in known]
        name = Text(printable(choice.document.id))
        table.add_row(str(rank), name, f"{len(choice.document.text):,}", *figures)
    if len(found.choices) > SHOWN:
        table.caption = f"and {len(found.choices) - SHOWN:,} more"
    return table


def tell_left_out(left_out: Counter[str]) -> None:
    """Print how many documents were left out, by reason."""
    for reason, count in sorted((+left_out).items()):
        typer.echo(f"left out: {count:,} {reason}")
