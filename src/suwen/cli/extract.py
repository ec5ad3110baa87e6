"""The command `suwen extract`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.options import DEVICE, ENCODING, FORMAT, ID_COLUMN, RESUME, SHEET, TEXT_COLUMN
from suwen.cli.output import amount, listed_counts, printable, report, standard_error, unread_lines
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections import Counter

    from rich.console import Console

    from suwen.extraction.extract import Result
    from suwen.extraction.planning import Extraction

MEASURES = (("document", "documents"), ("character", "characters"), ("entity", "entities"))
RELATED = ("relation", "relations")
NAMED = 3
COUNTED = ("documents", "empty", "renamed", "characters", "entities")


class Format(StrEnum):
    """Output formats."""

    JSONL = "jsonl"
    BRAT = "brat"
    CONLL = "conll"
    HTML = "html"
    PARQUET = "parquet"
    CSV = "csv"
    XLSX = "xlsx"


class Engine(StrEnum):
    """Engines."""

    LOCAL = "local"
    RAY = "ray"


def named_path(name: str) -> Path:
    """Return the path that an argument names, whether or not it can be read: Typer's own check has no code for that.

    Raises
    ------
    typer.BadParameter
        When the name is empty (an unset variable, most likely): for Python that is the current folder.
    """
    if not name:
        raise typer.BadParameter("the name is empty")
    return Path(name)


RAW: Any = typer.Option(False, "--raw", help="To CSV: no apostrophe before cells that look like formulas.")
RELATION_MODEL: Any = typer.Option(
    None,
    "--relation-model",
    metavar="MODEL",
    parser=named_path,
    help="A relation model: a folder, hf://owner/name, or cooccurrence (the baseline).",
    show_default="bundled",
)


def extract(
    inputs: list[Path] = typer.Argument(
        ...,
        metavar="INPUT...",
        parser=named_path,
        help="Files (txt, pdf, html, xml, docx, jsonl, parquet, csv, xlsx), folders, patterns; - is stdin.",
    ),
    output: Path = typer.Option(
        ..., "--output", "-o", metavar="OUT", parser=named_path, help="The file or folder to write; - is stdout."
    ),
    model: Path | None = typer.Option(
        None, metavar="MODEL", parser=named_path, help="A model folder or hf://owner/name.", show_default="bundled"
    ),
    to: Format | None = typer.Option(
        None, help="The format of OUT; default: from its extension, or jsonl.", show_default=False
    ),
    source: str | None = FORMAT,
    text_column: str | None = TEXT_COLUMN,
    id_column: str | None = ID_COLUMN,
    sheet: str | None = SHEET,
    metadata: Path | None = typer.Option(
        None,
        metavar="FILE",
        parser=named_path,
        help="A CSV table with metadata (title, year …) by document id: the column id, or the first.",
    ),
    encoding: str | None = ENCODING,
    always: Path | None = typer.Option(
        None, metavar="FILE", parser=named_path, help="Terms that are always entities: TERM<tab>TYPE a line, or TOML."
    ),
    never: Path | None = typer.Option(
        None,
        metavar="FILE",
        parser=named_path,
        help="Terms that are never entities: TERM or TERM<tab>TYPE a line, or TOML.",
    ),
    device: str = DEVICE,
    threads: int | None = typer.Option(
        None, min=1, help="Computing threads; default: all cores, with Ray one for each chunk."
    ),
    batch_tokens: int | None = typer.Option(
        None, min=1, help="Characters per batch; changes the speed, not the result."
    ),
    engine: Engine = typer.Option(Engine.LOCAL, help="This computer, or a Ray cluster."),
    assertion: bool = typer.Option(False, "--assertion", help="Mark negated and hypothetical entities, with the cue."),
    codes: Path | None = typer.Option(
        None, metavar="TSV", parser=named_path, help="Add the codes of a terminology: lines of code, name, synonyms."
    ),
    relations: bool = typer.Option(False, "--relations", help="Also find the relations between the entities."),
    relation_model: Path | None = RELATION_MODEL,
    raw: bool = RAW,
    resume: bool = RESUME,
    as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
) -> None:
    """Extract entities from texts and articles, with offsets. With --relations also extract relations.

    Folders are searched for all readable files. Offsets count the characters of text files; for other files they count
    the extracted text, which is written too. The result does not depend on batches or on the order of the files.

    Files that cannot be read are listed in OUT.problems.jsonl, and the run continues (exit status 1). During a large
    run, OUT.extraction keeps finished work for --resume.

    Examples: suwen extract notes/ -o entities.jsonl;
    suwen extract a.txt b.txt -o page.html --model model/;
    suwen extract notes.xlsx -o entities.csv --text-column 主诉 --id-column 编号;
    cat a.txt | suwen extract - -o entities.jsonl --model model/
    """
    import time

    from suwen import extract as extract_files
    from suwen.extraction.inputs import ReadingOptions
    from suwen.extraction.planning import STANDARD_OUTPUT, format_for, plan_extraction

    target = to.value if to else format_for(output)
    reading: dict[str, Any] = {
        "format": source,
        "text_column": text_column,
        "id_column": id_column,
        "encoding": encoding,
        "sheet": sheet,
    }
    options: dict[str, Any] = {
        "model": model,
        "always": always,
        "never": never,
        "device": device,
        "threads": threads,
        "batch_tokens": batch_tokens,
        "engine": engine.value,
        "assertion": assertion,
        "codes": codes,
        "relations": relations,
        "relation_model": relation_model,
        "metadata": metadata,
        "raw": raw,
    }
    console = standard_error()
    started = time.monotonic()
    if output == STANDARD_OUTPUT:
        require_plain(target, engine, resume, as_json)
        extraction = plan_extraction(inputs, output, target, options=ReadingOptions(**reading), **options)
        result = print_lines(extraction, console)
    else:
        with progress_bar(console) as listener:
            result = extract_files(inputs, output, to=target, resume=resume, listener=listener, **reading, **options)
    seconds = time.monotonic() - started
    conclude(console, result, output, target, seconds, as_json, is_related=relations)


def conclude(
    console: Console, result: Result, output: Path, target: str, seconds: float, as_json: bool, is_related: bool
) -> None:
    """Print the result of an extraction, and exit with its status."""
    from suwen.extraction.planning import STANDARD_OUTPUT

    print_notes(console, result, target)
    if output != STANDARD_OUTPUT:
        print_problems(console, result)
    if not result.is_written:
        raise typer.Exit(2)
    counts = {**dict.fromkeys((*COUNTED, *["relations"] * is_related), 0), **result.tally.counts}
    if as_json:
        left_out = {
            "left_out": result.left_out,
            "dropped": result.tally.dropped,
            "not_held": result.not_held,
            "unmatched": len(result.unmatched),
        }
        problems = {"problems": result.tally.faults, "report": result.report and str(result.report)}
        report({**counts, "seconds": seconds, **left_out, **problems})
    figures = ", ".join(amount(counts[several], one, several) for one, several in (*MEASURES, *[RELATED] * is_related))
    print_line(console, f"{figures} in {seconds:.1f} s: {output}")
    if result.tally.faults:
        raise typer.Exit(1)


def require_plain(target: str, engine: Engine, resume: bool, as_json: bool) -> None:
    """Refuse what does not go with standard output (S406)."""
    from suwen.errors import SuwenError

    for given, option in (
        (as_json, "--json"),
        (target != Format.JSONL.value, f"--to {target}"),
        (resume, "--resume"),
        (engine != Engine.LOCAL, f"--engine {engine}"),
    ):
        if given:
            advice = "only documents in jsonl go to standard output, as they come"
            raise SuwenError("S406", first="-o -", second=option, advice=advice)


def print_lines(extraction: Extraction, console: Console) -> Result:
    """Write documents to standard output as they come, and each fault to standard error."""
    import sys
    from collections import Counter

    from suwen.extraction.extract import Result
    from suwen.extraction.stream import Tally

    tally = Tally()
    for line in extraction.lines(tally, lambda problem: print_line(console, problem_line(problem))):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    is_written = bool(tally.counts["documents"]) or not tally.faults
    unmatched = extraction.finish.metadata.unmatched if extraction.finish.metadata else []
    return Result(tally, Counter(), [], [], None, is_written, extraction.inputs.left_out, unmatched)


def print_notes(console: Console, result: Result, target: str) -> None:
    """Print what was empty, renamed, left out or not held, the first of each by name."""
    tally = result.tally
    for name in tally.empty:
        print_line(console, f"document {name}: the text is empty")
    print_rest(console, tally.counts["empty"] - len(tally.empty), "with an empty text")
    for new, old in result.renamed:
        why = "its id is taken or cannot be a file name" if target == Format.BRAT.value else "its id is taken"
        print_line(console, f"document {old}: renamed to {new}, because {why}")
    print_rest(console, tally.counts["renamed"] - len(result.renamed), "renamed")
    for line in unread_lines(result.left_out):
        print_line(console, line)
    print_counts(console, "left out of the texts", tally.dropped)
    if tally.counts["added"] or tally.counts["removed"]:
        added = amount(tally.counts["added"], "entity", "entities")
        print_line(console, f"overrides: {added} added, {tally.counts['removed']:,} removed")
    print_counts(console, f"not held by {target}", result.not_held)
    for name in result.unmatched[:NAMED]:
        print_line(console, f"{name}: no document has this id of the metadata")
    print_rest(console, len(result.unmatched) - NAMED, "ids of the metadata that no document has")


def print_problems(console: Console, result: Result) -> None:
    """Print what could not be read, and where all of it is listed."""
    for problem in result.problems:
        print_line(console, problem_line(problem))
    print_rest(console, result.tally.faults.total() - len(result.problems), "that could not be read")
    if result.report:
        print_counts(console, f"listed in {result.report}", result.tally.faults)


def print_rest(console: Console, count: int, what: str) -> None:
    """Print how many more there are."""
    if count > 0:
        print_line(console, f"and {count:,} more {what}")


def print_counts(console: Console, what: str, counts: Counter[str]) -> None:
    """Print what was left out, if anything."""
    if named := listed_counts(counts):
        print_line(console, f"{what}: {named}")


def problem_line(problem: dict[str, Any]) -> str:
    """Return a line of the report as the line of an error."""
    where = f" {problem['path']}" if problem["path"] else ""
    line = f":{problem['line']}" if problem["line"] else ""
    return " ".join(f"{problem['code']}{where}{line}: {problem['reason']}; {problem['advice']}".splitlines())


def print_line(console: Console, line: str) -> None:
    """Print a line as it is."""
    console.print(printable(line), highlight=False, markup=False, soft_wrap=True)
