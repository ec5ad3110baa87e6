"""The command `suwen preannotate`."""

from __future__ import annotations

from collections import Counter
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.extract import named_path, print_line, print_rest
from suwen.cli.options import ENCODING, FORMAT, ID_COLUMN, JSON, RESUME, SCHEMA, SHEET, TEXT_COLUMN, read_schema
from suwen.cli.output import amount, report, show, standard_error, unread_lines
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.annotation.preannotation import PreannotationReport

SHOWN_PROBLEMS = 20
PRIVACY = (
    "privacy: the texts are sent to {url}, another machine; send no personal data without a legal basis, and consider "
    "that its operator may keep them{unencrypted}"
)
UNENCRYPTED = "; http:// sends them, and the API key, unencrypted"


def preannotate(
    inputs: list[Path] = typer.Argument(
        ...,
        metavar="INPUT...",
        parser=named_path,
        help="Files (txt, pdf, html, xml, docx, jsonl, csv, xlsx, parquet), folders, patterns.",
    ),
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT", parser=named_path, help="The file to write."),
    endpoint: str = typer.Option(..., metavar="URL", help="An OpenAI-compatible address: http://127.0.0.1:8000/v1."),
    model: str = typer.Option(..., metavar="NAME", help="The name of the model, as the endpoint knows it."),
    guideline: Path | None = typer.Option(None, metavar="FILE", help="Annotation guideline, added to the prompt."),
    examples: Path | None = typer.Option(
        None, metavar="CORPUS", help="Annotated documents: their most similar sentences are shown as examples."
    ),
    schema_file: Path | None = SCHEMA,
    shown: int = typer.Option(8, "--shown-examples", min=1, help="Number of examples in each request."),
    to: str | None = typer.Option(
        None,
        "--to",
        metavar="FORMAT",
        help="The format of OUT: label_studio, doccano …; default: from its extension, or jsonl.",
        show_default=False,
    ),
    parallel: int = typer.Option(4, min=1, help="Number of parallel requests."),
    retries: int = typer.Option(5, min=0, help="Number of retries after a temporary error."),
    timeout: float = typer.Option(120.0, help="Timeout of a request in seconds."),
    attempts: int = typer.Option(2, min=1, help="Number of attempts for a sentence with an unusable answer."),
    passage: int = typer.Option(500, min=1, help="Maximum characters of consecutive sentences in one request."),
    settings: list[str] = typer.Option(
        [], "--set", metavar="KEY=VALUE", help="A parameter of the requests: max_tokens=4096.", show_default=False
    ),
    prices: str | None = typer.Option(
        None, metavar="IN,OUT", help="Prices of a million tokens of prompt and answer, to report the cost."
    ),
    cache: Path | None = typer.Option(
        None, metavar="FILE", help="Cache file for all answers, also for later runs; only you can read it."
    ),
    allow_remote: bool = typer.Option(False, "--allow-remote", help="Allow another machine: the texts are sent there."),
    source: str | None = FORMAT,
    text_column: str | None = TEXT_COLUMN,
    id_column: str | None = ID_COLUMN,
    sheet: str | None = SHEET,
    encoding: str | None = ENCODING,
    resume: bool = RESUME,
    as_json: bool = JSON,
) -> None:
    """Annotate texts with a large language model. Correct the result, or train on it.

    Only mentions with certain offsets are kept: a sentence that the model altered is refused and counted. The API key
    is read from the environment variable SUWEN_API_KEY. During a run, OUT.preannotation keeps the answers. Exit
    status 1: a file could not be read, or a sentence got no answer.

    Example: suwen preannotate articles/ -o pre.jsonl --endpoint http://127.0.0.1:8000/v1 --model qwen3
    """
    from suwen import preannotate as annotate
    from suwen.annotation.endpoint import Endpoint
    from suwen.files import read_text
    from suwen.settings import parse_settings, with_overrides

    price = parsed_prices(prices)
    console = standard_error()
    if not Endpoint(endpoint, model, allow_remote).is_local:
        is_open = endpoint.lower().startswith("http:")
        print_line(console, PRIVACY.format(url=endpoint, unencrypted=UNENCRYPTED if is_open else ""))
    with progress_bar(console) as listener:
        result = annotate(
            inputs,
            output,
            endpoint=endpoint,
            model=model,
            guideline=read_text(guideline) if guideline else "",
            examples=examples or (),
            schema=read_schema(schema_file),
            shown_examples=shown,
            format=source,
            text_column=text_column,
            id_column=id_column,
            sheet=sheet,
            encoding=encoding,
            to=to,
            parallel=parallel,
            retries=retries,
            timeout=timeout,
            attempts=attempts,
            passage=passage,
            parameters=with_overrides({}, parse_settings(settings)),
            cache=cache,
            allow_remote=allow_remote,
            resume=resume,
            listener=listener,
        )
    for line in (*unread_lines(result.unread), *map(str, result.problems[:SHOWN_PROBLEMS])):
        print_line(console, line)
    print_rest(console, len(result.problems) - SHOWN_PROBLEMS, "that could not be read")
    if as_json:
        report(result.to_dict() | ({"cost": result.cost(*price)} if price else {}))
    else:
        counts = result.counts
        entities = amount(counts["entities"], "entity", "entities")
        typer.echo(f"{amount(counts['documents'], 'document', 'documents')}, {entities} → {output}")
        show(counts_table(result, price))
    if result.refused_sentences["no answer"]:
        print_line(console, f"{output}.preannotation keeps the answers: to ask again, remove {output} and add --resume")
    if result.is_partial:
        raise typer.Exit(1)


def parsed_prices(prices: str | None) -> tuple[float, float] | None:
    """Return the two prices of ``--prices``."""
    if prices is None:
        return None
    try:
        prompt, answer = map(float, prices.split(","))
        if not (0 <= prompt < inf and 0 <= answer < inf):
            raise ValueError
    except ValueError:
        raise typer.BadParameter("two numbers are expected: 0.5,2", param_hint="--prices") from None
    return prompt, answer


def counts_table(result: PreannotationReport, price: tuple[float, float] | None) -> Table:
    """Return a table of all counts; rejections by reason."""
    from rich.table import Table

    table = Table("", "what")
    table.add_column("count", justify="right")
    sections: list[tuple[str, Counter[str]]] = [
        ("", result.counts),
        ("endpoint", result.requests),
        ("sentence refused", result.refused_sentences),
        ("mention refused", result.refused_mentions),
        ("not held by the format", result.not_held),
    ]
    for name, counts in sections:
        for what, count in sorted((+counts).items()):
            table.add_row(name, what, f"{count:,}")
        if +counts:
            table.add_section()
    if price:
        table.add_row("", "cost of this run, by --prices", f"{result.cost(*price):,.4f}")
    return table
