"""The command `suwen extract`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.output import report, standard_error

if TYPE_CHECKING:
    from collections import Counter

    from rich.console import Console

    from suwen.document import Document
    from suwen.schema import Schema

STANDARD_OUTPUT = Path("-")
SHOWN = 3


class Format(StrEnum):
    """What can be written."""

    JSONL = "jsonl"
    BRAT = "brat"
    CONLL = "conll"
    HTML = "html"
    PARQUET = "parquet"


def extract(
    inputs: list[Path] = typer.Argument(
        ...,
        metavar="INPUT...",
        help="Files (txt, pdf, html, xml, docx, jsonl, parquet), folders, patterns; - is stdin.",
    ),
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT", help="The file or folder to write; - is stdout."),
    model: Path = typer.Option(..., metavar="MODEL", help="A model folder."),
    to: Format | None = typer.Option(
        None, help="The format of OUT; by default what its ending says, else jsonl.", show_default=False
    ),
    source: str | None = typer.Option(
        None, "--from", metavar="FORMAT", help="The format of the input, where it is not evident."
    ),
    text_column: str | None = typer.Option(
        None, metavar="NAME", help="The column or key of the text, in parquet and in jsonl of other programs."
    ),
    id_column: str | None = typer.Option(None, metavar="NAME", help="The same for the id.", show_default="id"),
    encoding: str | None = typer.Option(
        None, help="Of text files: utf-8, gb18030, utf-16 …; by default it is found out.", show_default=False
    ),
    always: Path | None = typer.Option(
        None, metavar="FILE", help="Terms that always are entities: TERM<tab>TYPE a line, or TOML."
    ),
    never: Path | None = typer.Option(
        None, metavar="FILE", help="Mentions that never are: TERM or TERM<tab>TYPE a line."
    ),
    device: str = typer.Option("cpu", help="cpu or cuda"),
    threads: int | None = typer.Option(None, min=1, help="Computing threads; by default one for each core."),
    batch_tokens: int | None = typer.Option(None, min=1, help="Characters per batch; by default what is fast."),
    as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
) -> None:
    """Find the entities of texts and articles, with their offsets and a confidence each.

    Folders are searched for all readable files. Offsets count the characters of text files, and of the text that was
    taken from others, which is written out too. What is found does not depend on the batches or the order of the files.

    Examples: suwen extract notes/ -o entities.jsonl --model model/;
    suwen extract a.txt b.txt -o page.html --model model/;
    cat a.txt | suwen extract - -o entities.jsonl --model model/
    """
    import time
    from collections import Counter

    from suwen.errors import SuwenError
    from suwen.formats.inputs import Options, documents_from, find_inputs
    from suwen.inference.overrides import OverriddenExtractor, read_overrides
    from suwen.loading import load

    target = to or format_of(output)
    if output == STANDARD_OUTPUT and (as_json or target != Format.JSONL):
        what = "--json" if as_json else f"--to {target}"
        raise SuwenError("S406", first="-o -", second=what, advice="only documents in jsonl go to standard output")
    found = find_inputs(inputs, Options(source, text_column, id_column, encoding))
    # Now, not only when writing begins: loading a model takes a while.
    if output != STANDARD_OUTPUT and output.exists():
        raise SuwenError("S104", output)
    overrides = read_overrides(always, never)
    extractor = load(model, device, batch_tokens, threads)
    if overrides is not None:
        extractor = OverriddenExtractor(extractor, overrides)
    console = standard_error()
    counts: Counter[str] = Counter(documents=0, empty=0, renamed=0, characters=0, entities=0)
    dropped: Counter[str] = Counter()
    started = time.monotonic()
    documents = watched(extractor.pipe(documents_from(found)), found.bytes, console, counts, dropped)
    not_held = write(documents, output, target, extractor.schema, model_version(model))
    seconds = time.monotonic() - started

    if counts["empty"] > SHOWN:
        say(console, f"and {counts['empty'] - SHOWN:,} more with an empty text")
    if counts["renamed"] > SHOWN:
        say(console, f"and {counts['renamed'] - SHOWN:,} more renamed")
    warn(console, "not read", found.left_out)
    warn(console, "left out of the texts", dropped)
    if overrides is not None:
        say(console, f"overrides: {counts['added']:,} entities added, {counts['removed']:,} removed")
    warn(console, f"not held by {target}", not_held)
    if as_json:
        left_out = {"left_out": found.left_out, "dropped": dropped, "not_held": not_held}
        report({**counts, "seconds": seconds, **left_out})
    figures = f"{counts['documents']:,} documents, {counts['characters']:,} characters, {counts['entities']:,} entities"
    say(console, f"{figures} in {seconds:.1f} s: {output}")


def format_of(output: Path) -> Format:
    """What the ending of an output says about its format."""
    endings = {".html": Format.HTML, ".htm": Format.HTML, ".conll": Format.CONLL, ".parquet": Format.PARQUET}
    return endings.get(output.suffix.lower(), Format.JSONL)


def write(
    documents: Iterable[Document], output: Path, target: Format, schema: Schema, model: str | None
) -> Counter[str]:
    """Write the documents as they come; returns what the format cannot hold, by kind."""
    import sys
    from collections import Counter

    from suwen.formats import jsonl
    from suwen.formats.extracted import with_model, write_extracted

    if output != STANDARD_OUTPUT:
        return write_extracted(documents, output, target.value, schema, model)
    for document in documents:
        sys.stdout.buffer.write(jsonl.line(with_model(document, model), places=True))
        sys.stdout.buffer.flush()
    return Counter()


def model_version(model: Path) -> str | None:
    """The name of a model folder and a hash of its files, without the log: equal models have equal versions."""
    from hashlib import sha256

    from suwen.files import read_json

    manifest = model / "manifest.json"
    if not manifest.is_file():
        return None
    files = read_json(manifest).get("files") or {}
    deciding = "\n".join(f"{name} {value}" for name, value in sorted(files.items()) if not name.startswith("log/"))
    return f"{model.resolve().name} {sha256(deciding.encode()).hexdigest()[:12]}"


def watched(
    documents: Iterable[Document],
    size: int | None,
    console: Console,
    counts: Counter[str],
    dropped: Counter[str],
) -> Iterator[Document]:
    """Pass documents on, count them and what readers left out, name the first odd ones, and show how far it is.

    Parameters
    ----------
    size
        The bytes of all documents, where that is known.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("extracting", total=size, rate="")
        for document in documents:
            counts.update(documents=1, characters=len(document.text), entities=len(document.entities))
            if not document.text.strip():
                counts["empty"] += 1
                if counts["empty"] <= SHOWN:
                    say(console, f"{document.id}: the text is empty")
            counts.update(document.meta.get("overrides", {}))
            reading = document.meta.get("read_from", {})
            dropped.update(reading.get("dropped", {}))
            if "id" in reading:
                counts["renamed"] += 1
                if counts["renamed"] <= SHOWN:
                    say(console, f"{document.id}: so named because there is another {reading['id']}")
            elapsed = bar.tasks[task].elapsed or 1
            rate = f"{counts['characters'] / elapsed:,.0f} characters/s"
            bar.update(task, advance=len(document.text.encode()), rate=rate)
            yield document


def warn(console: Console, what: str, counts: Counter[str]) -> None:
    """Say what was left out, where anything was."""
    if counts:
        named = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
        say(console, f"{what}: {named}")


def say(console: Console, line: str) -> None:
    """Print a line as it is."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)
