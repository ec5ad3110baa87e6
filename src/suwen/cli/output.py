"""Output of the commands: figures on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, RenderableType

__all__ = ["amount", "fail", "listed_counts", "printable", "report", "show", "standard_error", "unread_lines"]

TABLES = frozenset((".csv", ".tsv", ".tab", ".xls", ".xlsx", ".xlsm", ".et"))
OLD_OFFICE = (".doc", ".wps", ".rtf", ".odt")
"""Extensions of Office files that are not read."""


def report(values: Any) -> None:
    """Print values as JSON, and nothing else, on standard output (``--json``)."""
    sys.stdout.write(printable(json.dumps(values, ensure_ascii=False, indent=2)) + "\n")


def printable(text: str) -> str:
    r"""Return the text with invalid Unicode (possible in file names) escaped as ``\udcff``, as in JSON."""
    try:
        # Under a locale without UTF-8, Python escapes the bytes of a name.
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        return text.encode("utf-8", "backslashreplace").decode()


def amount(count: int, one: str, several: str) -> str:
    """Return a number of things, with the word for one or for several."""
    return f"{count:,} {one if count == 1 else several}"


def listed_counts(counts: Mapping[str, int]) -> str:
    """Return the kinds with their numbers, where there are any."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()) if count)


def unread_lines(
    left_out: Mapping[str, int],
    of_tables: str = "name the column of the texts with --text-column to read tables",
) -> list[str]:
    """Return lines that say which files of the input folders were not read, and what to do to read them.

    Parameters
    ----------
    left_out
        Numbers of files by extension.
    of_tables
        The advice for tables.
    """
    lines = [f"not read: {named}"] if (named := listed_counts(left_out)) else []
    if not TABLES.isdisjoint(left_out):
        lines.append(of_tables)
    if saved := [old for old in OLD_OFFICE if left_out.get(old)]:
        lines.append(f"save {', '.join(saved)} as .docx in the program that made it, to read it")
    return lines


def show(*renderables: RenderableType) -> None:
    """Print tables and text on standard output."""
    from rich.console import Console

    console = Console()
    for renderable in renderables:
        console.print(renderable)


def standard_error() -> Console:
    """Return the console for progress, warnings and notes."""
    from rich.console import Console

    return Console(stderr=True)


def fail(message: str) -> None:
    """Print one line on standard error, unwrapped, so that it can be read by programs too."""
    print(printable(message), file=sys.stderr)
