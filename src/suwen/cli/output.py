"""What the commands print: figures on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

__all__ = ["amount", "fail", "printable", "report", "show", "standard_error", "step_bar", "watched"]


def report(values: Any) -> None:
    """Print values as JSON, and nothing else, on standard output (``--json``)."""
    sys.stdout.write(printable(json.dumps(values, ensure_ascii=False, indent=2)) + "\n")


def printable(text: str) -> str:
    r"""The text with what is not valid Unicode (file names can be that) escaped as ``\udcff``, as JSON has it."""
    return text.encode("utf-8", "backslashreplace").decode()


def amount(count: int, one: str, several: str) -> str:
    """A number of things, with the word for one or for several."""
    return f"{count:,} {one if count == 1 else several}"


def show(*renderables: RenderableType) -> None:
    """Print tables and text on standard output."""
    from rich.console import Console

    console = Console()
    for renderable in renderables:
        console.print(renderable)


def standard_error() -> Console:
    """The console for progress, warnings and notes."""
    from rich.console import Console

    return Console(stderr=True)


def step_bar(console: Console, disable: bool = False) -> Progress:
    """A bar of learning steps with the time left; each task has a text field ``loss``."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Bar(Progress):
        def stop(self) -> None:
            # At every stop Rich prints an empty line where nobody watches.
            if self.live.is_started:
                super().stop()

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
        console=console,
        disable=disable,
    )


@contextmanager
def watched(bar: Progress) -> Iterator[Progress]:
    """Stop a bar at the end; where the run fails it leaves nothing behind, so that the error is one line."""
    try:
        yield bar
    except BaseException:
        bar.live.transient = True
        raise
    finally:
        bar.stop()


def fail(message: str) -> None:
    """Print one line on standard error, unwrapped, so that it can be read by programs too."""
    print(message, file=sys.stderr)
