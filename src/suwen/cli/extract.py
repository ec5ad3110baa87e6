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
EMPTY_SHOWN = 3


class Format(StrEnum):
    """What can be written."""

    JSONL = "jsonl"
    BRAT = "brat"
    CONLL = "conll"
    HTML = "html"


def extract(
    inputs: list[Path] = typer.Argument(..., metavar="INPUT...", help="Text files, folders, .jsonl files; - is stdin."),
    output: Path = typer.Option(..., "--output", "-o", metavar="OUT", help="The file or folder to write; - is stdout."),
    model: Path = typer.Option(..., metavar="MODEL", help="A model folder."),
    to: Format | None = typer.Option(
        None, help="The format of OUT; by default what its ending says, else jsonl.", show_default=False
    ),
    device: str = typer.Option("cpu", help="cpu or cuda"),
    batch_tokens: int = typer.Option(8192, min=1, help="Characters per batch: less needs less memory."),
    as_json: bool = typer.Option(False, "--json", help="Print the counts as JSON."),
) -> None:
    """Find the entities of raw texts, with their offsets in the original files and a confidence each.

    Folders are searched for .txt files. What is found does not depend on the batches or the order of the files.

    Examples: suwen extract notes/ -o entities.jsonl --model model/;
    suwen extract a.txt b.txt -o page.html --model model/;
    cat a.txt | suwen extract - -o entities.jsonl --model model/
    """
    import time
    from collections import Counter

    from suwen.errors import SuwenError
    from suwen.inference.stream import documents_from, find_inputs
    from suwen.loading import load

    target = to or format_of(output)
    if output == STANDARD_OUTPUT and (as_json or target != Format.JSONL):
        what = "--json" if as_json else f"--to {target}"
        raise SuwenError("S406", first="-o -", second=what, advice="only documents in jsonl go to standard output")
    found = find_inputs(inputs)
    # Now, not only when writing begins: loading a model takes a while.
    if output != STANDARD_OUTPUT and output.exists():
        raise SuwenError("S104", output)
    extractor = load(model, device, batch_tokens)
    console = standard_error()
    counts: Counter[str] = Counter(documents=0, empty=0, characters=0, entities=0)
    started = time.monotonic()
    documents = watched(extractor.pipe(documents_from(found)), found.bytes, console, counts)
    not_held = write(documents, output, target, extractor.schema)
    # The model only counted what it found: nobody misses its T1, T2, …
    not_held.pop("entity id", None)
    seconds = time.monotonic() - started

    if counts["empty"] > EMPTY_SHOWN:
        say(console, f"and {counts['empty'] - EMPTY_SHOWN:,} more with an empty text")
    warn(console, "not read", found.left_out)
    warn(console, f"not held by {target}", not_held)
    if as_json:
        report({**counts, "seconds": seconds, "left_out": found.left_out, "not_held": not_held})
    figures = f"{counts['documents']:,} documents, {counts['characters']:,} characters, {counts['entities']:,} entities"
    say(console, f"{figures} in {seconds:.1f} s: {output}")


def format_of(output: Path) -> Format:
    """What the ending of an output says about its format."""
    endings = {".html": Format.HTML, ".htm": Format.HTML, ".conll": Format.CONLL}
    return endings.get(output.suffix.lower(), Format.JSONL)


def write(documents: Iterable[Document], output: Path, target: Format, schema: Schema) -> Counter[str]:
    """Write the documents as they come; returns what the format cannot hold, by kind."""
    import sys
    from collections import Counter

    from suwen.formats import jsonl, write_corpus

    if target == Format.BRAT:
        documents = map(with_confidence_notes, documents)
    if output != STANDARD_OUTPUT:
        options = {"schema": schema} if target == Format.HTML else {}
        return write_corpus(documents, output, target.value, **options)
    for document in documents:
        sys.stdout.buffer.write(jsonl.line(document))
        sys.stdout.buffer.flush()
    return Counter()


def with_confidence_notes(document: Document) -> Document:
    """Put the confidences into notes on the entities: brat has no other place for them, and shows them there."""
    from dataclasses import replace

    from suwen.document import Note

    notes = [
        Note(f"#{number}", "AnnotatorNotes", entity.id, f"confidence {entity.score}")
        for number, entity in enumerate(document.entities, start=1)
        if entity.id is not None and entity.score is not None
    ]
    entities = tuple(replace(entity, score=None) for entity in document.entities)
    return replace(document, entities=entities, notes=tuple(notes))


def watched(
    documents: Iterable[Document], size: int | None, console: Console, counts: Counter[str]
) -> Iterator[Document]:
    """Pass documents on, count them, name the first empty ones, and show how far it is.

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
                if counts["empty"] <= EMPTY_SHOWN:
                    say(console, f"{document.id}: the text is empty")
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
