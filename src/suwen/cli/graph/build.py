"""The commands ``suwen graph build``, ``add`` and ``remove``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.extract import RELATION_MODEL, Engine, named_path
from suwen.cli.graph.reading import Reading
from suwen.cli.options import DEVICE, ENCODING, FORMAT, JSON, OFFSETS, Offsets, reading_options
from suwen.cli.output import amount, fail, report, standard_error
from suwen.cli.progress import progress_bar
from suwen.errors import SuwenError

if TYPE_CHECKING:
    from suwen.graph.build import Changes

INPUTS: Any = typer.Argument(
    ..., metavar="INPUT...", help="Corpora with entities and relations; or articles, from which they are extracted."
)
METADATA: Any = typer.Option(
    None,
    "--metadata",
    metavar="FILE",
    help="A CSV table with title, year … by document id: the column id, or the first.",
)
MODEL: Any = typer.Option(
    None,
    "--model",
    metavar="MODEL",
    parser=named_path,
    help="For articles: a model folder or hf://owner/name.",
    show_default="bundled",
)
ENGINE: Any = typer.Option(Engine.LOCAL, "--engine", help="For articles: this computer, or a Ray cluster.")
GRAPH: Any = typer.Argument(..., metavar="GRAPH", help="A graph made by 'suwen graph build'.")
CODES: Any = typer.Option(
    None, metavar="TSV", help="A terminology: lines of code, name, synonyms (a|b). The graph keeps it. Repeatable."
)
ALIASES: Any = typer.Option(
    None, metavar="TSV", help="An alias list: lines of aliases (a|b), name, type. The graph keeps it. Repeatable."
)
ASSERTION: Any = typer.Option(
    True, help="Mark negated and hypothetical entities, in documents that have no assertions yet."
)
INDEX_SENTENCES: Any = typer.Option(
    False, "--index-sentences", help="Index the sentences for 'graph query --text'; doubles time and space."
)
REPLACE: Any = typer.Option(False, "--replace", help="Replace documents whose content changed; by default refuse them.")
SHOWN = 10
KINDS = ("added", "replaced", "removed", "unchanged", "refused")


def build(
    inputs: list[Path] = INPUTS,
    output: Path = typer.Option(..., "--output", "-o", metavar="GRAPH", help="The graph file to create, or to add to."),
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    metadata: Path | None = METADATA,
    model: Path | None = MODEL,
    relation_model: Path | None = RELATION_MODEL,
    engine: Engine = ENGINE,
    device: str = DEVICE,
    codes: list[Path] | None = CODES,
    aliases: list[Path] | None = ALIASES,
    assertion: bool = ASSERTION,
    index_sentences: bool = INDEX_SENTENCES,
    replace: bool = REPLACE,
    as_json: bool = JSON,
) -> None:
    """Build a graph of documents in one SQLite file. Only its owner can read it.

    Corpora have entities and relations; from articles (txt, pdf, html, xml, docx) they are extracted first.
    Documents that the graph has already are skipped, so the command can be repeated, also after an interruption.

    Examples: suwen graph build articles/ -o graph.db; suwen graph build corpus.jsonl -o graph.db --codes icd10.tsv
    """
    tables = {"codes": codes, "aliases": aliases}
    options = {"index_sentences": index_sentences, "replace": replace, "create": True}
    extraction = {"model": model, "relation_model": relation_model, "engine": engine.value, "device": device}
    reading = Reading(inputs, source, reading_options(encoding, offsets), metadata, assertion, extraction)
    _add(output, reading, tables, options, as_json)


def add(
    graph: Path = GRAPH,
    inputs: list[Path] = INPUTS,
    source: str | None = FORMAT,
    encoding: str | None = ENCODING,
    offsets: Offsets | None = OFFSETS,
    metadata: Path | None = METADATA,
    model: Path | None = MODEL,
    relation_model: Path | None = RELATION_MODEL,
    engine: Engine = ENGINE,
    device: str = DEVICE,
    codes: list[Path] | None = CODES,
    aliases: list[Path] | None = ALIASES,
    assertion: bool = ASSERTION,
    index_sentences: bool = INDEX_SENTENCES,
    replace: bool = REPLACE,
    as_json: bool = JSON,
) -> None:
    """Add documents to a graph. The result equals a graph built from all documents at once.

    Example: suwen graph add graph.db new/
    """
    tables = {"codes": codes, "aliases": aliases}
    options = {"index_sentences": index_sentences, "replace": replace, "create": False}
    extraction = {"model": model, "relation_model": relation_model, "engine": engine.value, "device": device}
    reading = Reading(inputs, source, reading_options(encoding, offsets), metadata, assertion, extraction)
    _add(graph, reading, tables, options, as_json)


def remove(
    graph: Path = GRAPH,
    documents: list[str] = typer.Argument(..., metavar="DOCUMENT...", help="The ids of the documents to remove."),
    as_json: bool = JSON,
) -> None:
    """Remove documents and their evidence from a graph. Their texts are erased from the file.

    Example: suwen graph remove graph.db 201_4
    """
    from suwen.graph.graph import Graph

    _print_changes(graph, Graph(graph).remove(*documents), [], as_json)


def _add(
    graph: Path, reading: Reading, tables: dict[str, list[Path] | None], options: dict[str, Any], as_json: bool
) -> None:
    from suwen.concepts.terminologies import read_aliases, read_terminology
    from suwen.graph.graph import Graph

    problems: list[SuwenError] = []
    faults: list[str] = []
    notes: list[str] = []
    options["terminologies"] = list(map(read_terminology, tables["codes"] or ()))
    options["aliases"] = list(map(read_aliases, tables["aliases"] or ()))
    try:
        with (
            progress_bar(standard_error()) as listener,
            reading.documents(graph, problems.append, faults, notes, listener) as documents,
        ):
            changes = Graph(graph).add(documents, problem=problems.append, listener=listener, **options)
    except SuwenError:
        # They may be the reason, for example why no document has an entity.
        _print_faults([*faults, *map(str, problems)], notes)
        raise
    faults += map(str, problems)
    _print_faults(faults, notes)
    _print_changes(graph, changes, faults, as_json)
    if faults:
        raise typer.Exit(1)


def _print_faults(faults: list[str], notes: list[str]) -> None:
    for line in (*notes, *faults[:SHOWN]):
        fail(line)
    if len(faults) > SHOWN:
        fail(f"and {len(faults) - SHOWN:,} more problems")


def _print_changes(graph: Path, changes: Changes, faults: list[str], as_json: bool) -> None:
    without = changes.documents["without entities"]
    if without:
        named = [*changes.without_entities, *(["…"] if without > len(changes.without_entities) else [])]
        fail(f"{amount(without, 'document', 'documents')} without entities: {', '.join(named)}")
    for what, count in sorted(changes.left_out.items()):
        fail(f"left out: {count:,} {what}")
    if as_json:
        report({"graph": str(graph), **changes.to_dict(), "problems": len(faults)})
        return
    counts = ", ".join(f"{changes.documents[kind]:,} {kind}" for kind in KINDS if changes.documents[kind])
    written = f"{amount(changes.mentions, 'mention', 'mentions')}, {amount(changes.evidence, 'relation', 'relations')}"
    typer.echo(f"{graph}: {counts or 'no document'} ({written} written)")
