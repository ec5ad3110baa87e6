"""Output of the commands: figures on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["amount", "fail", "printable", "report", "show", "standard_error"]


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
