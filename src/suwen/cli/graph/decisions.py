"""The commands ``suwen graph merge``, ``split``, ``undo`` and ``judge``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.graph.build import GRAPH
from suwen.cli.options import require_option
from suwen.cli.output import report, show

if TYPE_CHECKING:
    from suwen.graph.actions import Action
    from suwen.graph.graph import Graph


class Verdict(StrEnum):
    """Verdicts on evidence; `NONE` withdraws an earlier one."""

    ACCEPT = "accept"
    REJECT = "reject"
    NONE = "none"


class ErrorKind(StrEnum):
    """Kinds of errors in rejected evidence (`suwen.graph.actions.ERROR_KINDS`)."""

    ENTITY = "entity"
    BOUNDARY = "boundary"
    CONCEPT = "concept"
    RELATION = "relation"
    DIRECTION = "direction"
    POLARITY = "polarity"
    OTHER = "other"


def merge(
    graph: Path = GRAPH,
    first: str = typer.Argument(..., metavar="CONCEPT", help="The concept to merge, by a name or its id."),
    second: str = typer.Argument(..., metavar="INTO", help="The concept to merge it into."),
) -> None:
    """Merge one concept into another ('suwen graph undo' reverts it).

    Example: suwen graph merge graph.db 二甲双胍片 二甲双胍
    """
    from suwen.graph.graph import Graph

    opened = Graph(graph)
    _print_decision(opened, opened.merge(first, second))


def split(
    graph: Path = GRAPH,
    concept: str = typer.Argument(..., metavar="CONCEPT", help="The concept, by a name or its id."),
    surface: str = typer.Argument(..., metavar="NAME", help="The name to split off, as the concept's card shows it."),
) -> None:
    """Make one name of a concept a concept of its own. 'suwen graph undo' reverts it.

    Example: suwen graph split graph.db 糖尿病肾病 DN
    """
    from suwen.graph.graph import Graph

    opened = Graph(graph)
    _print_decision(opened, opened.split(concept, surface))


def undo(
    graph: Path = GRAPH,
    number: int | None = typer.Argument(
        None, metavar="[DECISION]", help="Number of the decision; default: the last one."
    ),
    listed: bool = typer.Option(False, "--list", help="List the decisions instead."),
    as_json: bool = typer.Option(False, "--json", help="With --list: print them as JSON."),
) -> None:
    """Undo a merge or a split.

    Examples: suwen graph undo graph.db --list; suwen graph undo graph.db 3
    """
    from suwen.graph.graph import Graph

    if not listed:
        require_option("--json", as_json, "--list", listed)
        action = Graph(graph).undo(number)
        typer.echo(f"decision {action.id} is taken back: {_description(action)}")
        return
    actions = Graph(graph).actions()
    if as_json:
        report([action._asdict() for action in actions])
    else:
        _show(actions)


def judge(
    graph: Path = GRAPH,
    evidence: str = typer.Argument(..., metavar="EVIDENCE", help="Its id: 'suwen graph query GRAPH --edge A B'."),
    verdict: Verdict = typer.Argument(..., help="none takes an earlier verdict back."),
    kind: ErrorKind | None = typer.Option(None, help="With reject: what is wrong."),
    note: str = typer.Option("", metavar="TEXT", help="A note to keep with the verdict."),
) -> None:
    """Accept or reject a piece of evidence. Rejected evidence does not count; verdicts survive a rebuild.

    Example: suwen graph judge graph.db 9c1f0e5a77b2d348 reject --kind polarity
    """
    from suwen.graph.graph import Graph

    require_option("--kind", kind, "the verdict reject", verdict is Verdict.REJECT)
    require_option("--note", note, "the verdict accept or reject", verdict is not Verdict.NONE)
    Graph(graph).judge(evidence, None if verdict == Verdict.NONE else verdict.value, kind=kind, note=note)
    typer.echo(f"evidence {evidence}: {'no verdict' if verdict == Verdict.NONE else f'{verdict}ed'}")


def _print_decision(graph: Graph, number: int) -> None:
    # If several concepts have the given name, it says which one was chosen.
    typer.echo(f"decision {number}: {next(_description(action) for action in graph.actions() if action.id == number)}")


def _show(actions: list[Action]) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    table = Table("decision", "time", Column("what", overflow="fold"), "state")
    for action in actions:
        table.add_row(
            str(action.id), action.time, Text(_description(action)), "taken back" if action.undone else "stands"
        )
    show(table)


def _description(action: Action) -> str:
    what = "into" if action.kind == "merge" else "gives up"
    return f"{action.kind}: {action.key} ({action.type}) {what} {action.other_key} ({action.other_type})"
