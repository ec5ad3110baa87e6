"""The command ``suwen graph query``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.cli.graph.build import GRAPH
from suwen.cli.options import JSON, require_option
from suwen.cli.output import amount, printable, report, show

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from suwen.graph.evidence import Evidence
    from suwen.graph.graph import Card, Graph
    from suwen.graph.queries import Concept, Edge

NAMES = 12


def query(
    graph: Path = GRAPH,
    term: str | None = typer.Argument(None, metavar="[TERM]", help="A concept: its name, a part of a name, or its id."),
    edge: tuple[str, str] | None = typer.Option(
        None, metavar="A B", help="Show the sentences behind the edges between two concepts."
    ),
    path: tuple[str, str] | None = typer.Option(None, metavar="A B", help="Show a shortest path between two concepts."),
    text: str | None = typer.Option(None, metavar="TEXT", help="Show the sentences that hold a text."),
    kind: str | None = typer.Option(
        None, "--type", metavar="TYPE", help="The entity type, if concepts of several types have the name."
    ),
    relation: str | None = typer.Option(None, metavar="TYPE", help="Show this relation type only."),
    since: int | None = typer.Option(
        None,
        min=1,
        metavar="YEAR|BUILD",
        help="Only documents since this year of publication, or since this build (below 1000).",
    ),
    page: int = typer.Option(1, min=1, help="Page number of the neighbors of each relation type, or of the sentences."),
    limit: int = typer.Option(10, min=1, help="Page size: neighbors of each relation type, or sentences."),
    as_json: bool = JSON,
) -> None:
    """Show a concept with its neighbors, an edge or a path. An edge has its sentences; --text finds others.

    Neighbors are ranked by documents x confidence x lift, where lift is co-occurrence above chance.

    Examples: suwen graph query graph.db 二甲双胍; suwen graph query graph.db --edge 二甲双胍 腹泻;
    suwen graph query graph.db --path 恩格列净 心力衰竭; suwen graph query graph.db 肾病 --since 2020
    """
    from suwen.graph.graph import Graph

    if sum(given is not None for given in (term, edge, path, text)) != 1:
        raise typer.BadParameter("give one of TERM, --edge A B, --path A B and --text TEXT")
    require_option("--type", kind, "TERM", term)
    for option, given in {"--relation": relation, "--since": since}.items():
        require_option(option, given, "TERM or --edge A B", term is not None or edge is not None)
    opened = Graph(graph)
    offset = (page - 1) * limit
    if edge is not None:
        _edge(opened, edge, relation, since, offset, limit, as_json)
    elif path is not None:
        _path(opened, path, as_json)
    elif text is not None:
        _text(opened, text, offset, limit, as_json)
    else:
        assert term is not None
        options = {"type": kind, "relation": relation, "since": since, "offset": offset, "limit": limit}
        _term(opened, term, options, as_json)


def _term(graph: Graph, term: str, options: dict[str, Any], as_json: bool) -> None:
    """Show the card of a concept, and list those with a name that holds the term."""
    from suwen.errors import SuwenError

    card, offset, limit = None, options["offset"], options["limit"]
    try:
        card = graph.concept(term, **options)
    except SuwenError as error:
        if error.code != "S708" or not graph.search(term, type=options["type"], limit=1):
            raise
    shown = {concept.id for concept in (card.concept, *card.others)} if card else set()
    # One more than the page holds, to know whether there is another.
    matches = graph.search(term, type=options["type"], limit=offset + limit + len(shown) + 1)
    following = [concept for concept in matches if concept.id not in shown][offset:]
    found = following[:limit]
    if as_json:
        whole = asdict(card) if card else {"concept": None}
        report({**whole, "found": [asdict(concept) for concept in found]})
        return
    title = "Other names that hold it" if card else f"No concept is named {term}; these have a name that holds it"
    if len(following) > limit:
        title += f" (more with --page {offset // limit + 2})"
    show(*(card_tables(card) if card else []), *([concept_table(found, title)] if found or not card else []))


def _edge(
    graph: Graph, pair: tuple[str, str], relation: str | None, since: int | None, offset: int, limit: int, as_json: bool
) -> None:
    found = graph.evidence(*pair, relation=relation, since=since, offset=offset, limit=limit)
    edges = [edge for edge in graph.edges(*pair) if relation in (None, edge.relation)]
    if as_json:
        report({"edges": [asdict(edge) for edge in edges], "evidence": [asdict(item) for item in found]})
        return
    if not edges:
        typer.echo(f"There is no edge between {pair[0]} and {pair[1]}.")
        return
    show(edge_table(edges, "Edges"))
    for item in found:
        print_evidence(item)


def _path(graph: Graph, pair: tuple[str, str], as_json: bool) -> None:
    edges = graph.path(*pair)
    if as_json:
        report({"path": None if edges is None else [asdict(edge) for edge in edges]})
    elif edges is None:
        typer.echo(f"There is no path between {pair[0]} and {pair[1]}.")
    else:
        show(edge_table(edges, f"{amount(len(edges), 'step', 'steps')} from {pair[0]} to {pair[1]}"))


def _text(graph: Graph, text: str, offset: int, limit: int, as_json: bool) -> None:
    found = graph.sentences(text, offset=offset, limit=limit)
    if as_json:
        report({"sentences": [asdict(sentence) for sentence in found]})
        return
    for sentence in found:
        year = f", {sentence.year}" if sentence.year else ""
        typer.echo(printable(f"{sentence.title}{year}  ({sentence.document} [{sentence.start}, {sentence.end}))"))
        typer.echo(f"    {one_line(sentence.text)}")
    if not found:
        typer.echo(f"No sentence holds {text}.")


def card_tables(card: Card) -> list[RenderableType]:
    """Return what is known of a concept, its names, and a table for each relation type and direction."""
    from rich.text import Text

    concept = card.concept
    mentions = amount(concept.mentions, "mention", "mentions")
    counts = f"{mentions} in {amount(concept.documents, 'document', 'documents')}"
    lines = [
        f"{one_line(concept.name)}  {concept.type}  {concept.id}",
        f"{counts}, {concept.negated:,} negated, {concept.hypothetical:,} hypothetical",
        *(f"{code.terminology}: {code.code} {code.name}" for code in card.codes),
    ]
    names = plain_table("Names", "name", "why", numbers=("mentions",))
    for alias in card.aliases[:NAMES]:
        why = f"{alias.reason} ({alias.source})"
        names.add_row(Text(one_line(alias.surface)), Text(why), f"{alias.mentions:,}")
    if len(card.aliases) > NAMES:
        names.add_row(f"and {len(card.aliases) - NAMES:,} more", "", "")
    tables: list[RenderableType] = [Text("\n".join(lines)), names]
    for group in card.neighbors:
        arrow = f"→ {group.relation} →" if group.role == "head" else f"← {group.relation} ←"
        title = f"{arrow} ({len(group.edges):,} of {group.total:,})"
        tables.append(edge_table(group.edges, title, "tail" if group.role == "head" else "head"))
    if not card.neighbors:
        tables.append(Text("No neighbors."))
    if card.others:
        tables.append(concept_table(card.others, "Other concepts with this name (choose with --type)"))
    return tables


def edge_table(edges: Iterable[Edge], title: str, only: str | None = None) -> Table:
    """Return a table of edges, with one of their two concepts (`only`) or both."""
    from rich.text import Text

    shown = (only,) if only else ("head", "relation", "tail")
    table = plain_table(title, *shown, numbers=("docs", "sent.", "conf.", "aff.", "neg.", "hyp."))
    for edge in edges:
        cells = {"head": edge.head.name, "relation": edge.relation, "tail": edge.tail.name}
        figures = (edge.documents, edge.sentences, f"{edge.confidence:.2f}", edge.affirmed, edge.negated)
        table.add_row(*(Text(one_line(cells[name])) for name in shown), *map(str, (*figures, edge.hypothetical)))
    return table


def concept_table(concepts: Iterable[Concept], title: str) -> Table:
    """Return a table of concepts."""
    from rich.text import Text

    table = plain_table(title, "name", "type", "id", numbers=("docs",))
    for concept in concepts:
        table.add_row(Text(one_line(concept.name)), concept.type, concept.id, f"{concept.documents:,}")
    return table


def plain_table(title: str, *columns: str, numbers: tuple[str, ...]) -> Table:
    """Return an empty table, narrow enough for 80 characters."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for column in numbers:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return printable(" ".join(text.split()))


def print_evidence(item: Evidence) -> None:
    """Print a sentence with both mentions marked, and where it stands."""
    year = f", {item.year}" if item.year else ""
    confidence = "" if item.confidence is None else f", {item.confidence:.2f}"
    verdict = f", {item.verdict}ed" if item.verdict else ""
    place = f"{item.document} [{item.start}, {item.end})"
    typer.echo(f"{item.title}{year}  ({place}, {item.relation}, {item.polarity}{confidence}{verdict}, {item.id})")
    typer.echo(f"    {marked(item)}")


def marked(item: Evidence) -> str:
    """Return the sentence on one line, the head between ⟦ and ⟧, the tail between ⟨ and ⟩."""
    marks: dict[int, str] = {}
    for argument, (begin, end) in ((item.head, "⟦⟧"), (item.tail, "⟨⟩")):
        first, last = argument.start - item.start, argument.end - item.start
        marks[first] = marks.get(first, "") + begin
        marks[last] = end + marks.get(last, "")
    pieces = [marks.get(place, "") + character for place, character in enumerate(item.text)]
    return " ".join(("".join(pieces) + marks.get(len(item.text), "")).split())
