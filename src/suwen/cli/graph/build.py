"""The commands ``suwen graph build``, ``add`` and ``remove``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.output import amount, fail, report, standard_error
from suwen.cli.progress import progress_bar

if TYPE_CHECKING:
    from suwen.errors import SuwenError
    from suwen.graph.build import Changes

INPUTS: Any = typer.Argument(..., metavar="INPUT...", help="Files or folders of documents with entities and relations.")
GRAPH: Any = typer.Argument(..., metavar="GRAPH", help="A graph made by 'suwen graph build'.")
SOURCE: Any = typer.Option(None, "--from", metavar="FORMAT", help="The format of the input, where it is not evident.")
ENCODING: Any = typer.Option(None, "--encoding", help="The encoding of the files.", show_default="found out")
REPLACE: Any = typer.Option(False, "--replace", help="Replace documents whose content changed; by default refuse them.")
AS_JSON: Any = typer.Option(False, "--json", help="Print the counts as JSON.")
SHOWN = 10


def build(
    inputs: list[Path] = INPUTS,
    output: Path = typer.Option(..., "--output", "-o", metavar="GRAPH", help="The graph: made, or added to."),
    source: str | None = SOURCE,
    encoding: str | None = ENCODING,
    replace: bool = REPLACE,
    as_json: bool = AS_JSON,
) -> None:
    """Build a graph from documents with entities and relations, in one SQLite file that its owner alone can read.

    Documents that the graph has already are skipped: the same command may be run again, also after an interruption.

    Examples: suwen graph build articles/ -o graph.db; suwen extract notes/ -o found.jsonl --relations, then
    suwen graph build found.jsonl -o graph.db
    """
    _add(output, inputs, source, encoding, replace, as_json, create=True)


def add(
    graph: Path = GRAPH,
    inputs: list[Path] = INPUTS,
    source: str | None = SOURCE,
    encoding: str | None = ENCODING,
    replace: bool = REPLACE,
    as_json: bool = AS_JSON,
) -> None:
    """Add documents to a graph. The result is that of building it from all documents at once.

    Example: suwen graph add graph.db new/
    """
    _add(graph, inputs, source, encoding, replace, as_json, create=False)


def remove(
    graph: Path = GRAPH, documents: list[str] = typer.Argument(..., metavar="DOCUMENT..."), as_json: bool = AS_JSON
) -> None:
    """Remove documents from a graph, by their ids, with all that only they say. Their texts are erased from the file.

    Example: suwen graph remove graph.db 201_4
    """
    from suwen.graph.graph import Graph

    _tell(graph, Graph(graph).remove(*documents), [], as_json)


def _add(
    graph: Path,
    inputs: list[Path],
    source: str | None,
    encoding: str | None,
    replace: bool,
    as_json: bool,
    create: bool,
) -> None:
    from suwen.formats import scan_corpus
    from suwen.graph.graph import Graph

    problems: list[SuwenError] = []
    options: dict[str, Any] = {"encoding": encoding} if encoding else {}
    documents = (
        located.document for path in inputs for located in scan_corpus(path, problems.append, source, **options)
    )
    with progress_bar(standard_error()) as listener:
        changes = Graph(graph).add(
            documents, replace=replace, problem=problems.append, create=create, listener=listener
        )
    _tell(graph, changes, problems, as_json)
    if problems:
        raise typer.Exit(1)


def _tell(graph: Path, changes: Changes, problems: list[SuwenError], as_json: bool) -> None:
    for problem in problems[:SHOWN]:
        fail(str(problem))
    if len(problems) > SHOWN:
        fail(f"and {len(problems) - SHOWN:,} more problems")
    without = changes.documents["without entities"]
    if without:
        more = ", …" if without > len(changes.without_entities) else ""
        fail(
            f"{amount(without, 'document', 'documents')} without entities: {', '.join(changes.without_entities)}{more}"
        )
    for what, count in sorted(changes.left_out.items()):
        fail(f"left out: {count:,} {what}")
    if as_json:
        report({"graph": str(graph), **changes.to_dict(), "problems": len(problems)})
        return
    counts = ", ".join(f"{changes.documents[kind]:,} {kind}" for kind in _kinds(changes))
    typer.echo(
        f"{graph}: {counts or 'no document'}; {amount(changes.mentions, 'mention', 'mentions')} and"
        f" {amount(changes.evidence, 'relation', 'relations')} written"
    )


def _kinds(changes: Changes) -> list[str]:
    kinds = ("added", "replaced", "removed", "unchanged", "refused")
    return [kind for kind in kinds if changes.documents[kind]]
